/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/bench_shadow.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/bench_client.h"
#include "cli/bench_report.h"
#include "config/experiments.h"
#include "pixel/experiment.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/thread.h"

#define PAIRS 8
#define WARM_UP 15
#define FPS 60

/* Both kinds of block run as an experiment, so that the shadow is all that differs. */
static bool begin(const struct bench_shadow *bench, struct server *server,
                  const struct config *config, bool shadow, struct error *err)
{
    struct experiment_spec *specs;
    size_t count;
    char *other = xasprintf(",{\"label\":\"shadow\",\"module\":\"%s\"}", bench->shadow);
    char *text = xasprintf("[{\"name\":\"bench\",\"mode\":\"%s\",\"arms\":"
                           "[{\"label\":\"seen\",\"module\":\"%s\"}%s]}]",
                           shadow ? "shadow" : "solo", bench->seen, shadow ? other : "");
    bool fine = experiments_parse(text, "bench", &specs, &count, err) &&
                experiment_start(server->stream, specs, config, err);
    experiments_free(specs, fine ? count : 0);
    free(text);
    free(other);
    return fine;
}

static void sleep_until(int64_t deadline_ns)
{
    struct timespec t = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

/* From sending a pose to the packet that shows it: the median. */
static bool block(const struct bench_shadow *bench, struct bench_client *client, uint64_t *rev,
                  double *ms, struct error *err)
{
    const struct bench_view *view = bench_client_view(client);
    double *times = xcalloc((size_t)bench->frames, sizeof *times);
    bool fine = true;
    /* At rest first: the renderer keeps a distance between pictures, and a pose that comes soon
     * after one that nobody asked for would wait for that, as would all that follow it. */
    sleep_until(clock_ns() + 400 * NS_PER_MS);
    int64_t next = clock_ns();
    for (int i = 0; fine && i < bench->frames + WARM_UP; i++) {
        struct bench_picture picture;
        double angle = (double)++*rev * 3 * M_PI / 180, center[3];
        for (int a = 0; a < 3; a++)
            center[a] = (view->extent[0][a] + view->extent[1][a]) / 2;
        center[0] += 400 * sin(angle);
        center[1] += 300 * sin(2 * angle);
        sleep_until(next);
        int64_t sent =
            bench_client_pose(client, *rev, 2, center, view->zoom, (const double[4]){1, 0, 0, 0});
        fine = bench_client_wait(client, *rev, false, 10000, &picture);
        if (fine && i >= WARM_UP)
            times[i - WARM_UP] = (double)(picture.received_ns - sent) / NS_PER_MS;
        next = next + NS_PER_S / FPS > clock_ns() ? next + NS_PER_S / FPS : clock_ns();
    }
    *ms = bench_quantile(times, bench->frames, 0.5);
    free(times);
    return fine || error_set(err, "shadow: a picture did not come within 10 s");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts them. */
static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

bool bench_shadow(const struct bench_shadow *bench, struct server *server,
                  const struct config *config, struct bench_client *client, struct error *err)
{
    double ms[2][PAIRS], ratios[PAIRS];
    uint64_t rev = 0;
    printf("\nshadow: %s alone, and with %s in its shadow; %d blocks of %d poses each, %u cores; "
           "takes %d s and more\n",
           bench->seen, bench->shadow, PAIRS, bench->frames, thread_cores(),
           2 * PAIRS * (bench->frames + WARM_UP) / FPS + 2 * PAIRS / 2);
    fflush(stdout);
    cJSON *pairs = cJSON_CreateArray();
    bool fine = true;
    for (int i = 0; fine && i < 2 * PAIRS; i++) {
        bool shadow = (i % 4 == 1) || (i % 4 == 2);
        fine = begin(bench, server, config, shadow, err) &&
               block(bench, client, &rev, &ms[shadow][i / 2], err) &&
               experiment_stop(server->stream, "bench", err);
        if (!fine || i % 2 == 0)
            continue;
        int pair = i / 2;
        ratios[pair] = ms[1][pair] / ms[0][pair];
        printf("  %7.2f ms alone %7.2f ms with the shadow   ratio %.3f\n", ms[0][pair], ms[1][pair],
               ratios[pair]);
        fflush(stdout);
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(pairs, row);
        cJSON_AddNumberToObject(row, "alone_ms", ms[0][pair]);
        cJSON_AddNumberToObject(row, "shadow_ms", ms[1][pair]);
    }
    if (!fine) {
        cJSON_Delete(pairs);
        return false;
    }
    double ratio = median(ratios, PAIRS), alone = median(ms[0], PAIRS),
           shadow = median(ms[1], PAIRS);
    printf("  median %.2f ms alone, %.2f ms with the shadow; median ratio %.3f (%.3f to %.3f)\n",
           alone, shadow, ratio, ratios[0], ratios[PAIRS - 1]);
    cJSON *row = cJSON_CreateObject();
    cJSON_AddItemToArray(bench->results, row);
    cJSON_AddStringToObject(row, "suite", "shadow");
    cJSON_AddStringToObject(row, "encoder", bench->seen);
    cJSON_AddStringToObject(row, "shadow", bench->shadow);
    cJSON_AddNumberToObject(row, "cores", thread_cores());
    cJSON_AddNumberToObject(row, "alone_ms", alone);
    cJSON_AddNumberToObject(row, "shadow_ms", shadow);
    cJSON_AddNumberToObject(row, "ratio", ratio);
    cJSON_AddItemToObject(row, "pairs", pairs);
    return true;
}
