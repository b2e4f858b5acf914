/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows that an experiment has written, one for each frame and arm. */
#ifndef TESTS_PIXEL_ROWS_H
#define TESTS_PIXEL_ROWS_H

#include <stdbool.h>
#include <stdint.h>

struct line {
    char arm[16], drop[16];
    uint64_t seq;
    int repeat, clients, reports;
    bool encoded, key;
    double bytes, submit, done, sent, decode;
};
struct table {
    struct line at[4096];
    int count;
};

/* Of a file of NDJSON. */
void rows_read(const char *path, struct table *table);
/* Each frame from the first to the last is there once, encoded or with a reason; how many. */
int rows_complete(const struct table *table, const char *arm);
int rows_with(const struct table *table, const char *arm, const char *drop);

#endif
