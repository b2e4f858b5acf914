/* SPDX-License-Identifier: BSD-3-Clause */
/* The comparison itself: every arm at every rate on every recording. Quality comes from one pass,
 * latency and cost from others that nothing else runs beside. */
#ifndef AB_RUN_H
#define AB_RUN_H

#include "ab/encoder.h"
#include "ab/gpu.h"
#include "ab/plan.h"
#include "ab/recording.h"

enum { PLANE_Y, PLANE_U, PLANE_V, PLANE_ALL, PLANES };

struct row {
    bool there, key; /* false: the encoder left the frame out, and the picture before it stays */
    bool shown;      /* something was decoded up to here */
    uint32_t qp_q8;
    uint64_t bytes;
    char hash[65]; /* SHA-256 of its packet */
    double mse[PLANES], psnr[PLANES], ssim[PLANES];
    double vmaf;
    double decode_ms;
};

struct cell {
    const struct recording *recording;
    const struct plan_arm *arm;
    size_t recording_index, arm_index, rate_index;
    double rate;
    char error[1024]; /* "" where it ran */
    char version[64], format[64], codec[8];
    struct row *rows;
    uint32_t row_count;
    uint32_t first_timed;   /* rows before it warm up */
    struct packets packets; /* of the middle rate, to look at later */
    /* Summary of quality and size. */
    uint64_t bytes;
    double kbps;
    uint32_t keys, left_out;
    double key_bytes, delta_bytes; /* means; NAN: none */
    double psnr[PLANES];           /* of the mean error, as FFmpeg sums up; INFINITY: lossless */
    double ssim[PLANES], vmaf;
    bool repeatable; /* every pass gave the same bytes */
    bool held;       /* the encoder keeps frames back */
    /* Timing: repeats × row_count, NAN where nothing came; ms. */
    double *latency, *blocked;
    double *cpu_ms; /* for a frame, by repeat */
    double *fps;    /* that a repeat reached */
    struct gpu_cost gpu;
};

struct results {
    const struct plan *plan;
    struct recording **recordings;
    struct cell *cells; /* by recording, arm, rate */
    size_t cell_count;
    const char *vmaf; /* "libvmaf 3.0.0", or why there is none */
};

/* Everything that can be wrong with the plan is said before anything runs: NULL with the reason.
 * What fails while it runs is in the cell. `progress` gets lines for people. */
struct results *results_make(const struct plan *plan, void (*progress)(const char *text),
                             struct error *err);
void results_destroy(struct results *results); /* NULL is fine */

const struct cell *results_cell(const struct results *results, size_t recording, size_t arm,
                                size_t rate);
/* The latency of a row: the median over the repeats. */
double cell_latency(const struct results *results, const struct cell *cell, uint32_t row);
/* All latencies that count, sorted; the caller frees. */
double *cell_latencies(const struct results *results, const struct cell *cell, bool blocked,
                       size_t *count);

#endif
