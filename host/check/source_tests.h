/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests of sources; what each wants stands in the table of check_source.c. */
#ifndef CHECK_SOURCE_TESTS_H
#define CHECK_SOURCE_TESTS_H

#include "check/check.h"

/* source_open.c: probe, open, describe, close */
void source_probe(struct check_run *run);
void source_missing(struct check_run *run);
void source_bad_files(struct check_run *run);
void source_describe(struct check_run *run);
void source_close_idle(struct check_run *run);
void source_minimal_host(struct check_run *run);
void source_future_host(struct check_run *run);
/* source_values.c: read */
void source_reads(struct check_run *run);
void source_wrong_regions(struct check_run *run);
void source_cancel(struct check_run *run);
void source_threads(struct check_run *run);

#endif
