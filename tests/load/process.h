/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server costs: its memory and time as the system counts them, and its own counters. */
#ifndef LOAD_PROCESS_H
#define LOAD_PROCESS_H

#include <stdbool.h>

struct usage {
    double rss_mib, cpu_s;
};

/* Of another process, or with 0 of this one; false: it is gone. */
bool process_usage(int pid, struct usage *usage);
/* The sum of all series of one name at http://…/metrics.json; negative: there is none. */
double process_counter(const char *metrics_url, const char *name);

#endif
