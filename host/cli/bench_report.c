/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/bench_report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench_client.h"
#include "util/check.h"

static const char *const column_names[BENCH_COLUMNS] = {
    "total", "before", "plan", "draw", "capture", "wait", "encode", "queue", "parts"};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(double *values, int count, double q)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return count ? values[(int)lround(q * (count - 1))] : NAN;
}

void bench_series_add(struct bench_series *series, const struct bench_picture *p, double total)
{
    const double row[BENCH_COLUMNS] = {
        [BENCH_TOTAL] = total,
        [BENCH_BEFORE] = total - p->encode_ms - p->queue_ms,
        [BENCH_PLAN] = p->plan_ms,
        [BENCH_DRAW] = p->draw_ms,
        [BENCH_CAPTURE] = p->capture_ms,
        [BENCH_WAIT] = p->wait_ms,
        [BENCH_ENCODE] = p->encode_ms,
        [BENCH_QUEUE] = p->queue_ms,
        [BENCH_PARTS] = p->draw_ms + p->capture_ms + p->encode_ms,
    };
    for (int c = 0; c < BENCH_COLUMNS; c++)
        series->values[c][series->count] = row[c];
    series->count++;
}

void bench_series_init(struct bench_series *series, int most)
{
    *series = (struct bench_series){0};
    for (int c = 0; c < BENCH_COLUMNS; c++)
        series->values[c] = xcalloc((size_t)most, sizeof(double));
}

void bench_series_finish(struct bench_series *series)
{
    for (int c = 0; c < BENCH_COLUMNS; c++)
        free(series->values[c]);
}

void bench_print_header(const char *suite, const char *content)
{
    printf("\n%s of %s\n%-18s %10s %13s %13s %13s %13s %13s %13s %7s %7s %9s\n", suite, content,
           "encoder", "size", "total", "before", "plan", "draw", "capture", "encode", "ratio",
           "fps", "kB/frame");
    fflush(stdout);
}

/* Medians of all columns, and both quantiles into `to`. */
static void add_quantiles(cJSON *to, struct bench_series *series, double median[BENCH_COLUMNS],
                          double p99[BENCH_COLUMNS])
{
    for (int c = 0; c < BENCH_COLUMNS; c++) {
        median[c] = bench_quantile(series->values[c], series->count, 0.5);
        p99[c] = bench_quantile(series->values[c], series->count, 0.99);
        cJSON *cell = cJSON_AddObjectToObject(to, column_names[c]);
        cJSON_AddNumberToObject(cell, "p50_ms", median[c]);
        cJSON_AddNumberToObject(cell, "p99_ms", p99[c]);
    }
}

cJSON *bench_report(cJSON *results, const char *suite, const char *encoder, int width, int height,
                    struct bench_series *series, struct bench_series *alone, double seconds,
                    uint64_t bytes)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "suite", suite);
    cJSON_AddStringToObject(row, "encoder", encoder);
    cJSON_AddNumberToObject(row, "width", width);
    cJSON_AddNumberToObject(row, "height", height);
    cJSON_AddNumberToObject(row, "frames", series->count);
    double median[BENCH_COLUMNS], p99[BENCH_COLUMNS];
    add_quantiles(row, series, median, p99);
    double parts = median[BENCH_PARTS];
    if (alone) {
        double single[BENCH_COLUMNS], unused[BENCH_COLUMNS];
        add_quantiles(cJSON_AddObjectToObject(row, "alone"), alone, single, unused);
        /* A capture may leave the end of its download to whoever reads the frame. */
        parts =
            single[BENCH_DRAW] + single[BENCH_CAPTURE] + single[BENCH_WAIT] + single[BENCH_ENCODE];
    }
    cJSON_AddNumberToObject(row, "ratio", median[BENCH_TOTAL] / parts);
    double fps = series->count / seconds;
    double kilobytes = series->count ? (double)bytes / 1000 / series->count : 0;
    cJSON_AddNumberToObject(row, "fps", fps);
    cJSON_AddNumberToObject(row, "kB_per_frame", kilobytes);
    cJSON_AddItemToArray(results, row);

    char size[24];
    snprintf(size, sizeof size, "%dx%d", width, height);
    printf("%-18s %10s", encoder, size);
    const enum bench_column shown[] = {BENCH_TOTAL, BENCH_BEFORE,  BENCH_PLAN,
                                       BENCH_DRAW,  BENCH_CAPTURE, BENCH_ENCODE};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        printf(" %5.2f /%6.2f", median[shown[i]], p99[shown[i]]);
    printf(" %7.2f %7.1f %9.1f\n", median[BENCH_TOTAL] / parts, fps, kilobytes);
    fflush(stdout);
    return row;
}

bool bench_write_json(const cJSON *results, const char *path, struct error *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "version", ORIEL_VERSION);
    cJSON_AddNumberToObject(root, "cores", (double)sysconf(_SC_NPROCESSORS_ONLN));
    cJSON_AddItemToObject(root, "results", cJSON_Duplicate(results, true));
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    CHECK(text);
    FILE *out = fopen(path, "w");
    bool fine = out && fprintf(out, "%s\n", text) > 0;
    fine = out && fclose(out) == 0 && fine;
    free(text);
    return fine || error_set(err, "%s: %s", path, strerror(errno));
}
