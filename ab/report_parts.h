/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of report.html. */
#ifndef AB_REPORT_PARTS_H
#define AB_REPORT_PARTS_H

#include <stdio.h>

#include "ab/run.h"

void report_legend(FILE *out, const struct results *results);
/* Quality over rate; then, at the middle rate, latency and the sizes of frames. */
void report_curves(FILE *out, const struct results *results, size_t recording);
void report_times(FILE *out, const struct results *results, size_t recording);
/* The worst frames of each arm at the middle rate, side by side. */
void report_worst(FILE *out, const struct results *results, size_t recording);

#endif
