/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from the results: each arm against the baseline. */
#ifndef AB_COMPARE_H
#define AB_COMPARE_H

#include "ab/run.h"
#include "ab/stats.h"

/* What is compared frame by frame. */
enum measure { MEASURE_PSNR, MEASURE_SSIM, MEASURE_BYTES, MEASURE_LATENCY, MEASURES };

const char *measure_name(enum measure measure);  /* "psnr_y", "ssim_y", "bytes", "latency_ms" */
const char *measure_title(enum measure measure); /* "PSNR of luma" */

/* Arm minus baseline at the same rate, over the frames that both have. Of latencies the warm-up is
 * left out. False: there is nothing to compare. */
bool compare_frames(const struct results *results, const struct cell *cell, enum measure measure,
                    struct interval *interval);
/* One sentence: what differs by how much, or that nothing significant does. */
void compare_say(const struct results *results, const struct cell *cell, enum measure measure,
                 const struct interval *interval, char *text, size_t size);

/* Bjøntegaard's delta rate of an arm against the baseline on a recording. `what` is "psnr_y",
 * "psnr_u", "psnr_v", "psnr", "ssim_y" or "ssim"; SSIM counts in decibels, -10 log10(1 - SSIM). */
struct compare_bd {
    const char *what, *title;
    bool known;
    double percent;
    const char *why; /* not known */
};
enum { COMPARE_BDS = 6 };
void compare_bd(const struct results *results, size_t recording, size_t arm,
                struct compare_bd out[COMPARE_BDS]);

#endif
