/* SPDX-License-Identifier: BSD-3-Clause */
/* The JSON of the reference server's /metrics.json: its names for what both measure, then all of
 * ours under their Prometheus names with the labels in braces. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metric.h"
#include "util/check.h"
#include "util/clock.h"

/* Series of ours that are one series there; several rows with one name add up. A NULL label: any.
 */
static const struct alias {
    const char *reference;
    const char *name;
    const char *labels;
} aliases[] = {
    {"napari_cuda_frames_total", "oriel_frames_total", NULL},
    {"napari_cuda_bytes_total", "oriel_bytes_total", NULL},
    {"napari_cuda_keyframes_total", "oriel_keys_total", NULL},
    {"napari_cuda_frames_dropped", "oriel_frames_dropped_total", NULL},
    {"napari_cuda_encoder_resets", "oriel_encoder_resets_total", NULL},
    {"napari_cuda_frame_queue_depth", "oriel_frame_queue_depth", NULL},
    {"napari_cuda_pixel_clients", "oriel_pixel_clients", NULL},
    {"napari_cuda_last_key_seq", "oriel_last_key_seq", NULL},
    {"napari_cuda_last_key_ts", "oriel_last_key_timestamp_seconds", NULL},
    {"napari_cuda_render_ms", "oriel_stage_seconds", "stage=\"draw\""},
    {"napari_cuda_capture_blit_ms", "oriel_stage_seconds", "stage=\"capture\""},
    {"napari_cuda_encode_ms", "oriel_stage_seconds", "stage=\"encode\""},
    {"napari_cuda_pack_ms", "oriel_stage_seconds", "stage=\"pack\""},
    {"mcp.calls_total", "oriel_mcp_calls_total", NULL},
    {"mcp.failures_total", "oriel_mcp_failures_total", NULL},
    {"napari_cuda_total_ms", "oriel_stage_seconds", "stage=\"total\""},
};

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Nearest rank. */
static double quantile(const float *sorted, unsigned n, double q)
{
    unsigned i = (unsigned)ceil(q * n);
    return sorted[i ? i - 1 : 0];
}

static cJSON *histogram_json(const struct metric *m)
{
    uint64_t count = atomic_load_explicit(&m->count, memory_order_relaxed);
    unsigned n = count < METRIC_WINDOW ? (unsigned)count : METRIC_WINDOW;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "count", (double)count);
    if (!n)
        return json;
    float values[METRIC_WINDOW];
    double sum = 0;
    for (unsigned i = 0; i < n; i++) {
        values[i] = atomic_load_explicit(&m->window[i], memory_order_relaxed);
        sum += (double)values[i];
    }
    double last = (double)values[(count - 1) % METRIC_WINDOW];
    qsort(values, n, sizeof values[0], compare_floats);
    cJSON_AddNumberToObject(json, "last_ms", last);
    cJSON_AddNumberToObject(json, "mean_ms", sum / n);
    cJSON_AddNumberToObject(json, "p50_ms", quantile(values, n, 0.50));
    cJSON_AddNumberToObject(json, "p90_ms", quantile(values, n, 0.90));
    cJSON_AddNumberToObject(json, "p99_ms", quantile(values, n, 0.99));
    cJSON_AddNumberToObject(json, "min_ms", (double)values[0]);
    cJSON_AddNumberToObject(json, "max_ms", (double)values[n - 1]);
    return json;
}

static void add_value(cJSON *object, const char *name, double value)
{
    cJSON *old = cJSON_GetObjectItemCaseSensitive(object, name);
    if (old)
        cJSON_SetNumberHelper(old, old->valuedouble + value);
    else
        cJSON_AddNumberToObject(object, name, isfinite(value) ? value : 0.0);
}

char *metrics_json(struct metrics *metrics)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "version", "v1");
    cJSON_AddNumberToObject(json, "ts", clock_unix());
    cJSON *objects[] = {
        [METRIC_COUNTER] = cJSON_CreateObject(),
        [METRIC_GAUGE] = cJSON_CreateObject(),
        [METRIC_HISTOGRAM] = cJSON_CreateObject(),
    };
    double fps = 0;
    pthread_mutex_lock(&metrics->lock);
    for (struct metric *m = atomic_load(&metrics->first); m; m = atomic_load(&m->next)) {
        if (m->hidden)
            continue;
        char *name = *m->labels ? xasprintf("%s{%s}", m->name, m->labels) : xstrdup(m->name);
        cJSON *to = objects[m->kind];
        if (m->kind == METRIC_HISTOGRAM)
            cJSON_AddItemToObject(to, name, histogram_json(m));
        else
            add_value(to, name, metric_value(m));
        free(name);
        for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
            const struct alias *a = &aliases[i];
            if (strcmp(a->name, m->name) != 0 || (a->labels && strcmp(a->labels, m->labels) != 0))
                continue;
            if (m->kind == METRIC_HISTOGRAM)
                cJSON_AddItemToObject(to, a->reference, histogram_json(m));
            else
                add_value(to, a->reference, metric_value(m));
        }
        if (strcmp(m->name, "oriel_frames_total") == 0)
            fps += metric_rate(m);
    }
    pthread_mutex_unlock(&metrics->lock);
    cJSON_AddItemToObject(json, "gauges", objects[METRIC_GAUGE]);
    cJSON_AddItemToObject(json, "counters", objects[METRIC_COUNTER]);
    cJSON_AddItemToObject(json, "histograms", objects[METRIC_HISTOGRAM]);
    cJSON *derived = cJSON_AddObjectToObject(json, "derived");
    cJSON_AddNumberToObject(derived, "fps", fps);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    CHECK(text);
    return text;
}
