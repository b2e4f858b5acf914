/* SPDX-License-Identifier: BSD-3-Clause */
/* What a metric is made of, for the two writers. */
#ifndef METRICS_METRIC_H
#define METRICS_METRIC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/metrics.h"

#define METRIC_WINDOW 512u /* values that percentiles are taken over */
#define METRIC_BUCKETS 15u
#define METRIC_SECONDS 4u

extern const double metric_bounds_ms[METRIC_BUCKETS];

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
    /* Constant once it is in the list. */
    enum metric_kind kind;
    bool info;
    char *name;
    char *help;
    char *labels;       /* "" without; constant but for an info's, which changes under the lock */
    bool hidden, taken; /* an info: says nothing, has an owner; under the lock */
    _Atomic(struct metric *) next; /* in order of registration */
    /* Counter and gauge. */
    _Atomic double value;
    /* Counter: how much was added in each of the last seconds; second << 32 | count. */
    _Atomic uint64_t seconds[METRIC_SECONDS];
    /* Histogram. */
    _Atomic uint64_t count;
    _Atomic double sum_ms;
    _Atomic uint64_t buckets[METRIC_BUCKETS + 1]; /* the last: above every bound */
    _Atomic float window[METRIC_WINDOW]; /* ring, the count-th value at count % METRIC_WINDOW */
};

struct metrics {
    pthread_mutex_t lock; /* registration, infos; the writers hold it */
    _Atomic(struct metric *) first;
    struct metric *last; /* under lock */
};

/* What was added to a counter in the last whole second. */
double metric_rate(const struct metric *metric);

#endif
