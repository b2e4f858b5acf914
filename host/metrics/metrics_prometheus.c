/* SPDX-License-Identifier: BSD-3-Clause */
/* The text exposition format 0.0.4 of Prometheus. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metric.h"
#include "util/check.h"

static void print_value(FILE *out, double value)
{
    if (isnan(value))
        fputs("NaN\n", out);
    else if (isinf(value))
        fputs(value > 0 ? "+Inf\n" : "-Inf\n", out);
    else
        fprintf(out, "%.17g\n", value);
}

static void print_help(FILE *out, const struct metric *m)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    fprintf(out, "# HELP %s ", m->name);
    for (const char *p = m->help; *p; p++) {
        if (*p == '\\')
            fputs("\\\\", out);
        else if (*p == '\n')
            fputs("\\n", out);
        else
            fputc(*p, out);
    }
    fprintf(out, "\n# TYPE %s %s\n", m->name, types[m->kind]);
}

/* `name{labels,extra} ` with only the parts that are there. */
static void print_name(FILE *out, const struct metric *m, const char *suffix, const char *extra)
{
    fprintf(out, "%s%s", m->name, suffix);
    if (*m->labels || *extra)
        fprintf(out, "{%s%s%s}", m->labels, *m->labels && *extra ? "," : "", extra);
    fputc(' ', out);
}

static void print_histogram(FILE *out, const struct metric *m)
{
    uint64_t below = 0;
    for (unsigned i = 0; i <= METRIC_BUCKETS; i++) {
        below += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        char le[32] = "le=\"+Inf\"";
        if (i < METRIC_BUCKETS)
            snprintf(le, sizeof le, "le=\"%g\"", metric_bounds_ms[i] / 1000.0);
        print_name(out, m, "_bucket", le);
        fprintf(out, "%" PRIu64 "\n", below);
    }
    print_name(out, m, "_sum", "");
    print_value(out, atomic_load_explicit(&m->sum_ms, memory_order_relaxed) / 1000.0);
    print_name(out, m, "_count", "");
    fprintf(out, "%" PRIu64 "\n", below); /* the same reading as the buckets' */
}

char *metrics_prometheus(struct metrics *metrics)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    CHECK(out);
    pthread_mutex_lock(&metrics->lock);
    struct metric *first = atomic_load(&metrics->first);
    for (struct metric *m = first; m; m = atomic_load(&m->next)) {
        /* All series of a name stand together under one HELP. */
        bool seen = m->hidden;
        for (struct metric *before = first; before != m && !seen;
             before = atomic_load(&before->next))
            seen = !before->hidden && strcmp(before->name, m->name) == 0;
        if (seen)
            continue;
        print_help(out, m);
        for (struct metric *s = m; s; s = atomic_load(&s->next)) {
            if (s->hidden || strcmp(s->name, m->name) != 0)
                continue;
            if (s->kind == METRIC_HISTOGRAM) {
                print_histogram(out, s);
            } else {
                print_name(out, s, "", "");
                print_value(out, metric_value(s));
            }
        }
    }
    pthread_mutex_unlock(&metrics->lock);
    CHECK(fclose(out) == 0);
    return text;
}
