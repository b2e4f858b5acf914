/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics/metric.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"
#include "util/clock.h"

const double metric_bounds_ms[METRIC_BUCKETS] = {0.1, 0.25, 0.5, 1,  2.5, 5,   8,   12,
                                                 17,  25,   34,  50, 100, 250, 1000};

struct metrics *metrics_create(void)
{
    struct metrics *metrics = xcalloc(1, sizeof *metrics);
    pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    if (!metrics)
        return;
    struct metric *m = atomic_load(&metrics->first);
    while (m) {
        struct metric *next = atomic_load(&m->next);
        free(m->name);
        free(m->labels);
        free(m->help);
        free(m);
        m = next;
    }
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

/* Under the lock. */
static struct metric *add(struct metrics *metrics, enum metric_kind kind, const char *name,
                          const char *labels, const char *help)
{
    struct metric *m = xcalloc(1, sizeof *m);
    m->kind = kind;
    m->name = xstrdup(name);
    m->labels = xstrdup(labels);
    m->help = xstrdup(help ? help : "");
    if (metrics->last)
        atomic_store(&metrics->last->next, m);
    else
        atomic_store(&metrics->first, m);
    metrics->last = m;
    return m;
}

static struct metric *registered(struct metrics *metrics, enum metric_kind kind, const char *name,
                                 const char *labels, const char *help)
{
    if (!labels)
        labels = "";
    pthread_mutex_lock(&metrics->lock);
    struct metric *m = atomic_load(&metrics->first);
    while (m && (m->info || strcmp(m->name, name) != 0 || strcmp(m->labels, labels) != 0))
        m = atomic_load(&m->next);
    if (!m)
        m = add(metrics, kind, name, labels, help);
    pthread_mutex_unlock(&metrics->lock);
    CHECK(m->kind == kind);
    return m;
}

/* --- infos --- */

struct metric *metrics_info(struct metrics *metrics, const char *name, const char *help)
{
    pthread_mutex_lock(&metrics->lock);
    struct metric *m = atomic_load(&metrics->first);
    while (m && (!m->info || m->taken || strcmp(m->name, name) != 0))
        m = atomic_load(&m->next);
    if (!m) {
        m = add(metrics, METRIC_GAUGE, name, "", help);
        m->info = m->hidden = true;
        atomic_store(&m->value, 1);
    }
    m->taken = true;
    pthread_mutex_unlock(&metrics->lock);
    return m;
}

static void say(struct metrics *metrics, struct metric *info, const char *labels, bool taken)
{
    char *old, *new = xstrdup(labels ? labels : "");
    pthread_mutex_lock(&metrics->lock);
    old = info->labels;
    info->labels = new;
    info->hidden = !labels;
    info->taken = taken;
    pthread_mutex_unlock(&metrics->lock);
    free(old);
}

void metrics_info_set(struct metrics *metrics, struct metric *info, const char *labels)
{
    say(metrics, info, labels, true);
}

void metrics_info_free(struct metrics *metrics, struct metric *info)
{
    if (info)
        say(metrics, info, NULL, false);
}

void metrics_label(char *labels, size_t room, const char *name, const char *value)
{
    size_t n = strlen(labels);
    int head = snprintf(labels + n, room - n, "%s%s=\"", n ? "," : "", name);
    if (head < 0 || n + (size_t)head + 2 > room) { /* not even an empty value */
        labels[n] = '\0';
        return;
    }
    n += (size_t)head;
    for (const char *p = value, *next; *p; p = next) {
        for (next = p + 1; ((unsigned char)*next & 0xC0) == 0x80; next++) /* whole characters */
            continue;
        bool escaped = *p == '"' || *p == '\\' || *p == '\n';
        size_t bytes = (size_t)(next - p) + escaped;
        if (n + bytes + 2 > room)
            break;
        if (escaped)
            labels[n++] = '\\';
        memcpy(labels + n, *p == '\n' ? "n" : p, (size_t)(next - p));
        n += (size_t)(next - p);
    }
    memcpy(labels + n, "\"", 2);
}

struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *labels,
                               const char *help)
{
    return registered(metrics, METRIC_COUNTER, name, labels, help);
}

struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *labels,
                             const char *help)
{
    return registered(metrics, METRIC_GAUGE, name, labels, help);
}

struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *labels,
                                 const char *help)
{
    return registered(metrics, METRIC_HISTOGRAM, name, labels, help);
}

static void add_double(_Atomic double *to, double value)
{
    double old = atomic_load_explicit(to, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(to, &old, old + value, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

void metric_add(struct metric *metric, double value)
{
    CHECK(metric->kind != METRIC_HISTOGRAM);
    add_double(&metric->value, value);
    if (metric->kind != METRIC_COUNTER || value < 0)
        return;
    uint64_t second = (uint64_t)(clock_ns() / NS_PER_S) & UINT32_MAX;
    _Atomic uint64_t *slot = &metric->seconds[second % METRIC_SECONDS];
    uint64_t old = atomic_load_explicit(slot, memory_order_relaxed), new;
    do {
        uint64_t count = old >> 32 == second ? old & UINT32_MAX : 0;
        double total = (double)count + value;
        new = second << 32 | (total < UINT32_MAX ? (uint64_t)total : UINT32_MAX);
    } while (!atomic_compare_exchange_weak_explicit(slot, &old, new, memory_order_relaxed,
                                                    memory_order_relaxed));
}

double metric_rate(const struct metric *metric)
{
    uint64_t second = ((uint64_t)(clock_ns() / NS_PER_S) - 1) & UINT32_MAX;
    uint64_t slot =
        atomic_load_explicit(&metric->seconds[second % METRIC_SECONDS], memory_order_relaxed);
    return slot >> 32 == second ? (double)(slot & UINT32_MAX) : 0.0;
}

void metric_set(struct metric *metric, double value)
{
    CHECK(metric->kind == METRIC_GAUGE);
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void metric_observe_ms(struct metric *metric, double ms)
{
    CHECK(metric->kind == METRIC_HISTOGRAM);
    if (!(ms >= 0)) /* also NaN: a clock that was not set says nothing */
        return;
    unsigned i = 0;
    while (i < METRIC_BUCKETS && ms > metric_bounds_ms[i])
        i++;
    atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
    add_double(&metric->sum_ms, ms);
    uint64_t n = atomic_fetch_add_explicit(&metric->count, 1, memory_order_relaxed);
    atomic_store_explicit(&metric->window[n % METRIC_WINDOW], (float)ms, memory_order_relaxed);
}

double metric_value(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}
