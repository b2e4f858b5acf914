/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of an experiment: a row for each frame of each arm, written by a thread of its own. */
#ifndef PIXEL_ROWS_H
#define PIXEL_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/experiments.h"
#include "oriel/frame.h"
#include "util/error.h"

/* A measure that several clients report. */
struct row_times {
    uint32_t count;
    double sum, most; /* ms */
};

struct row {
    char arm[EXPERIMENT_LABEL];
    uint64_t id;     /* of the arm, from 1 */
    uint32_t repeat; /* 0: the frame itself; n: its n-th repeat, finer */
    struct oriel_stamp stamp;
    int64_t t_submit_ns, t_done_ns, t_sent_ns; /* 0: not so far */
    uint64_t bytes;
    uint32_t packets;
    bool key;
    uint32_t qp_q8;   /* as in a packet; 0: not told */
    const char *drop; /* a literal, or NULL: it was encoded */
    uint32_t clients; /* that it was sent to */
    struct row_times decode, present, back;
};

struct rows;

/* Opens (appends to) spec->rows; NULL with the reason. `run_ms`: Unix time of the begin, which
 * tells one run of an experiment from another. */
struct rows *rows_open(const struct experiment_spec *spec, int64_t run_ms, struct error *err);
/* Never waits: what does not fit is lost, and counted. [any-thread] */
void rows_put(struct rows *rows, const struct row *row);
void rows_count(struct rows *rows, uint64_t *written, uint64_t *lost); /* [any-thread] */
/* Writes what waits, closes, and says how many there were. NULL is fine. */
void rows_close(struct rows *rows, uint64_t *written, uint64_t *lost);

#endif
