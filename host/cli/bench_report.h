/* SPDX-License-Identifier: BSD-3-Clause */
/* The numbers of `oriel bench`: series of stage times, as a table for people and rows for programs.
 */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct bench_picture;

/* PARTS is draw + capture + encode: what the stages would cost without anything between them.
 * BEFORE is the total up to the encoder. */
enum bench_column {
    BENCH_TOTAL,
    BENCH_BEFORE,
    BENCH_PLAN,
    BENCH_DRAW,
    BENCH_CAPTURE,
    BENCH_WAIT,
    BENCH_ENCODE,
    BENCH_QUEUE,
    BENCH_PARTS,
    BENCH_COLUMNS
};

struct bench_series {
    double *values[BENCH_COLUMNS]; /* milliseconds */
    int count;
};

void bench_series_init(struct bench_series *series, int most);
void bench_series_finish(struct bench_series *series);
/* `total`: from the input to the packet, ms. */
void bench_series_add(struct bench_series *series, const struct bench_picture *picture,
                      double total);

/* Sorts the values. */
double bench_quantile(double *values, int count, double q);

void bench_print_header(const char *suite, const char *content);
/* Prints a line and appends an object to `results`, which it returns. `alone`: the same with each
 * stage apart, or NULL. Sorts the series. */
cJSON *bench_report(cJSON *results, const char *suite, const char *encoder, int width, int height,
                    struct bench_series *series, struct bench_series *alone, double seconds,
                    uint64_t bytes);
bool bench_write_json(const cJSON *results, const char *path, struct error *err);

#endif
