/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters, gauges and histograms. Names are Prometheus'; a metric is registered once and then
 * touched without locks. Text and JSON are made on demand. Safe on any thread. */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct metrics;
struct metric;

struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics);

/* The same name and labels give the same metric. `labels`: "stage=\"draw\"" or NULL. `help`: one
 * sentence. Histograms are in milliseconds with fixed buckets, exported in seconds. The names that
 * have one in the reference's JSON stand in metrics_json.c. */
struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *labels,
                               const char *help);
struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *labels,
                             const char *help);
struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *labels,
                                 const char *help);

/* A gauge of 1 that says something in its labels, which change: for one owner, who frees it. It is
 * not there while it says nothing. [metrics_info_set: the owner] */
struct metric *metrics_info(struct metrics *metrics, const char *name, const char *help);
void metrics_info_set(struct metrics *metrics, struct metric *info,
                      const char *labels);                            /* or NULL */
void metrics_info_free(struct metrics *metrics, struct metric *info); /* NULL is fine */
/* Appends name="value" to labels, after a comma where there are some; what does not fit is cut off
 * from the value. */
void metrics_label(char *labels, size_t room, const char *name, const char *value);

void metric_add(struct metric *metric, double value);     /* counter, gauge */
void metric_set(struct metric *metric, double value);     /* gauge */
void metric_observe_ms(struct metric *metric, double ms); /* histogram */
double metric_value(const struct metric *metric);         /* counter, gauge */

char *metrics_prometheus(struct metrics *metrics); /* text format 0.0.4; caller frees */
char *metrics_json(struct metrics *metrics); /* the reference's names and shape; caller frees */

#endif
