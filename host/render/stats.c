/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/stats.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics/metrics.h"
#include "render/loader.h"
#include "util/check.h"
#include "util/clock.h"

#define DOMAINS 4

/* ORIEL_DOMAIN_*, from 1 */
static const char *const domain_names[DOMAINS] = {"cpu", "gl", "cuda", "dmabuf"};
static const char *const stage_names[STAGE_COUNT] = {"apply", "plan", "upload", "draw", "capture"};

struct total {
    uint64_t count;
    int64_t sum_ns, last_ns, max_ns;
};

struct stats {
    struct metric *stages[STAGE_COUNT];
    struct metric *captured[DOMAINS];
    struct metric *frames, *abandoned, *faults;
    struct metric *blocks, *value_bytes, *stored_bytes, *hits, *failures, *cancelled, *cache;

    pthread_mutex_t mutex;
    struct total totals[STAGE_COUNT];
    uint64_t frame_count, abandoned_count;
    uint32_t width, height, level, level_count;
    float coverage;
};

struct stats *stats_create(struct metrics *m, bool fork)
{
    struct stats *s = xcalloc(1, sizeof *s);
    pthread_mutex_init(&s->mutex, NULL);
    for (int i = 0; i < STAGE_COUNT; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "stage=\"%s\"%s", stage_names[i],
                 fork ? ",view=\"fork\"" : "");
        s->stages[i] = metrics_histogram(m, "oriel_stage_seconds", labels, "Time a stage took.");
    }
    for (int i = 0; i < DOMAINS; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "memory=\"%s\"%s", domain_names[i],
                 fork ? ",view=\"fork\"" : "");
        s->captured[i] = metrics_counter(m, "oriel_captured_bytes_total", labels,
                                         "Bytes of pictures, by the memory they were captured in: "
                                         "those in cpu left the GPU.");
    }
    const char *view = fork ? "view=\"fork\"" : NULL;
    s->frames = metrics_counter(m, "oriel_render_frames_total", view, "Pictures drawn.");
    s->abandoned = metrics_counter(m, "oriel_render_abandoned_total", view,
                                   "Pictures given up for newer input.");
    s->faults = metrics_counter(m, "oriel_render_faults_total", view,
                                "Times the context or a module had to be rebuilt.");
    s->blocks = metrics_counter(m, "oriel_data_chunks_total", NULL, "Chunks read.");
    s->value_bytes = metrics_counter(m, "oriel_data_bytes_total", NULL, "Bytes of values decoded.");
    s->stored_bytes =
        metrics_counter(m, "oriel_data_stored_bytes_total", NULL, "Bytes taken from storage.");
    s->hits = metrics_counter(m, "oriel_cache_hits_total", NULL, "Wanted chunks that were cached.");
    s->failures = metrics_counter(m, "oriel_data_errors_total", NULL, "Chunks that failed.");
    s->cancelled = metrics_counter(m, "oriel_data_cancelled_total", NULL,
                                   "Reads that nobody wanted any more.");
    s->cache = metrics_gauge(m, "oriel_cache_bytes", NULL, "Bytes of decoded chunks in memory.");
    return s;
}

void stats_destroy(struct stats *stats)
{
    if (!stats)
        return;
    pthread_mutex_destroy(&stats->mutex);
    free(stats);
}

void stats_stage(struct stats *stats, enum stage stage, int64_t ns)
{
    metric_observe_ms(stats->stages[stage], (double)ns / NS_PER_MS);
    pthread_mutex_lock(&stats->mutex);
    struct total *total = &stats->totals[stage];
    total->count++;
    total->sum_ns += ns;
    total->last_ns = ns;
    total->max_ns = ns > total->max_ns ? ns : total->max_ns;
    pthread_mutex_unlock(&stats->mutex);
}

void stats_captured(struct stats *stats, const struct oriel_frame *frame)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < frame->plane_count && i < ORIEL_MAX_PLANES; i++)
        bytes += (uint64_t)frame->planes[i].stride * frame->planes[i].rows;
    uint32_t domain = frame->format.domain;
    if (domain >= 1 && domain <= DOMAINS)
        metric_add(stats->captured[domain - 1], (double)bytes);
}

void stats_frame(struct stats *stats, uint32_t width, uint32_t height, uint32_t level,
                 uint32_t level_count, float coverage)
{
    metric_add(stats->frames, 1);
    pthread_mutex_lock(&stats->mutex);
    stats->frame_count++;
    stats->width = width;
    stats->height = height;
    stats->level = level;
    stats->level_count = level_count;
    stats->coverage = coverage;
    pthread_mutex_unlock(&stats->mutex);
}

void stats_abandoned(struct stats *stats)
{
    metric_add(stats->abandoned, 1);
    pthread_mutex_lock(&stats->mutex);
    stats->abandoned_count++;
    pthread_mutex_unlock(&stats->mutex);
}

void stats_fault(struct stats *stats)
{
    metric_add(stats->faults, 1);
}

void stats_loader(struct stats *s, struct loader *loader)
{
    struct loader_stats news;
    loader_get_news(loader, &news);
    metric_add(s->blocks, (double)news.blocks);
    metric_add(s->value_bytes, (double)news.value_bytes);
    metric_add(s->stored_bytes, (double)news.stored_bytes);
    metric_add(s->hits, (double)news.hits);
    metric_add(s->failures, (double)news.failures);
    metric_add(s->cancelled, (double)news.cancelled);
    metric_set(s->cache, (double)news.cache_bytes);
}

char *stats_json(struct stats *stats, struct loader *loader, const char *renderer,
                 const char *scene_module, const char *capture_module)
{
    struct loader_stats loaded;
    loader_get_stats(loader, &loaded);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "renderer", renderer);
    cJSON_AddStringToObject(json, "scene", scene_module);
    cJSON_AddStringToObject(json, "capture", capture_module);

    pthread_mutex_lock(&stats->mutex);
    int size[2] = {(int)stats->width, (int)stats->height};
    cJSON_AddItemToObject(json, "size", cJSON_CreateIntArray(size, 2));
    cJSON_AddNumberToObject(json, "frames", (double)stats->frame_count);
    cJSON_AddNumberToObject(json, "abandoned", (double)stats->abandoned_count);
    cJSON_AddNumberToObject(json, "level", stats->level);
    cJSON_AddNumberToObject(json, "levels", stats->level_count);
    cJSON_AddNumberToObject(json, "coverage", (double)stats->coverage);
    cJSON *stages = cJSON_AddObjectToObject(json, "stages");
    for (int i = 0; i < STAGE_COUNT; i++) {
        const struct total *total = &stats->totals[i];
        cJSON *stage = cJSON_AddObjectToObject(stages, stage_names[i]);
        cJSON_AddNumberToObject(stage, "count", (double)total->count);
        cJSON_AddNumberToObject(stage, "total_ms", (double)total->sum_ns / NS_PER_MS);
        cJSON_AddNumberToObject(stage, "last_ms", (double)total->last_ns / NS_PER_MS);
        cJSON_AddNumberToObject(stage, "max_ms", (double)total->max_ns / NS_PER_MS);
    }
    pthread_mutex_unlock(&stats->mutex);

    cJSON *data = cJSON_AddObjectToObject(json, "loaded");
    cJSON_AddNumberToObject(data, "chunks", (double)loaded.blocks);
    cJSON_AddNumberToObject(data, "value_bytes", (double)loaded.value_bytes);
    cJSON_AddNumberToObject(data, "stored_bytes", (double)loaded.stored_bytes);
    cJSON_AddNumberToObject(data, "cache_hits", (double)loaded.hits);
    cJSON_AddNumberToObject(data, "cache_bytes", (double)loaded.cache_bytes);
    cJSON_AddNumberToObject(data, "failures", (double)loaded.failures);
    cJSON_AddNumberToObject(data, "cancelled", (double)loaded.cancelled);
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    CHECK(text);
    return text;
}
