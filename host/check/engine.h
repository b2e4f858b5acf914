/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs tests: each in a child process with a time limit, or all in this one. */
#ifndef CHECK_ENGINE_H
#define CHECK_ENGINE_H

#include <regex.h>
#include <stdio.h>

#include "check/check.h"

/* All tables in the order in which they run. */
size_t check_table_count(void);
const struct check *check_table(size_t table, size_t *count);

enum check_result { CHECK_PASSED, CHECK_FAILED, CHECK_SKIPPED };

/* What became of one test. */
struct check_outcome {
    const struct check *check;
    const char *kind; /* "encoder"; "" for a test of the file */
    enum check_result result;
    double seconds;
    const char *text; /* why it failed or was skipped, a note or "" */
};

struct check_plan {
    struct check_run run;   /* path, data, settings, seed, patience */
    const regex_t *include; /* NULL: all */
    bool in_process;
    void (*tell)(void *data, const struct check_outcome *outcome); /* in order, one by one */
    void *data;
};

/* The tests of the plan. A gate that is not included runs too, and is told when it fails. */
void check_plan_run(struct check_plan *plan);
/* The kinds of the module, 0 where it does not come that far. */
unsigned check_plan_kinds(struct check_plan *plan);
/* "encoder", "encoder, source", "file": of one row. */
const char *check_kinds_text(unsigned kinds, char *text, size_t size);

#endif
