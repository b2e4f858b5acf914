/* SPDX-License-Identifier: BSD-3-Clause */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ab/compare.h"
#include "ab/machine.h"
#include "ab/output.h"
#include "ab/picture.h"
#include "util/check.h"

static void put(cJSON *object, const char *key, double value)
{
    cJSON_AddItemToObject(object, key,
                          isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static void put_planes(cJSON *object, const char *key, const double value[PLANES])
{
    static const char *const names[PLANES] = {"y", "u", "v", "all"};
    cJSON *planes = cJSON_AddObjectToObject(object, key);
    for (int p = 0; p < PLANES; p++)
        put(planes, names[p], value[p]);
}

static cJSON *run_json(void)
{
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    cJSON *run = cJSON_CreateObject();
    cJSON_AddStringToObject(run, "created", when);
    cJSON_AddItemToObject(run, "machine", machine_json());
    return run;
}

static cJSON *recording_json(const struct results *results, size_t index)
{
    const struct recording *recording = results->recordings[index];
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "path", results->plan->recordings[index]);
    cJSON_AddNumberToObject(json, "frames", (double)recording->frame_count);
    cJSON_AddNumberToObject(json, "fps", recording->fps);
    cJSON_AddNumberToObject(json, "width", recording->format.width);
    cJSON_AddNumberToObject(json, "height", recording->format.height);
    cJSON_AddStringToObject(json, "samples", samples_name(recording->format.fourcc));
    cJSON_AddStringToObject(json, "cut", recording->cut);
    cJSON_AddItemToObject(json, "head", cJSON_Duplicate(recording->head, true));
    return json;
}

static cJSON *arm_json(const struct plan_arm *arm)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "label", arm->label);
    cJSON_AddStringToObject(json, "module", arm->module);
    cJSON_AddStringToObject(json, "rate_option", arm->rate_option);
    cJSON_AddItemToObject(json, "rates", cJSON_CreateDoubleArray(arm->rates, (int)arm->rate_count));
    cJSON_AddItemToObject(
        json, "options",
        cJSON_CreateStringArray((const char *const *)arm->sets, (int)arm->set_count));
    return json;
}

static void put_percentiles(cJSON *timing, const char *key, const struct results *results,
                            const struct cell *cell, bool blocked)
{
    static const struct {
        const char *name;
        double part;
    } parts[] = {{"min", 0},   {"p5", 0.05},  {"p25", 0.25}, {"p50", 0.5}, {"p75", 0.75},
                 {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}};
    size_t count;
    double *values = cell_latencies(results, cell, blocked, &count);
    cJSON *json = cJSON_AddObjectToObject(timing, key);
    cJSON_AddNumberToObject(json, "count", (double)count);
    put(json, "mean", mean_of(values, count));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        put(json, parts[i].name, percentile(values, count, parts[i].part));
    free(values);
}

static void put_timing(cJSON *json, const struct results *results, const struct cell *cell)
{
    unsigned repeats = results->plan->repeats;
    cJSON *timing = cJSON_AddObjectToObject(json, "timing");
    put_percentiles(timing, "latency_ms", results, cell, false);
    put_percentiles(timing, "encode_call_ms", results, cell, true);
    double *decode = xcalloc(cell->row_count, sizeof *decode);
    for (uint32_t i = 0; i < cell->row_count; i++)
        decode[i] = cell->rows[i].there ? cell->rows[i].decode_ms : NAN;
    size_t count = sort_numbers(decode, cell->row_count);
    put(timing, "decode_p50_ms", percentile(decode, count, 0.5));
    put(timing, "decode_p95_ms", percentile(decode, count, 0.95));
    free(decode);
    put(timing, "cpu_ms_per_frame", mean_of(cell->cpu_ms, repeats));
    cJSON_AddItemToObject(timing, "cpu_ms_by_repeat",
                          cJSON_CreateDoubleArray(cell->cpu_ms, (int)repeats));
    cJSON_AddItemToObject(timing, "fps_by_repeat",
                          cJSON_CreateDoubleArray(cell->fps, (int)repeats));
    if (cell->gpu.known) {
        cJSON *gpu = cJSON_AddObjectToObject(timing, "gpu");
        put(gpu, "joules", cell->gpu.joules);
        put(gpu, "memory_mib", cell->gpu.memory_mib);
        put(gpu, "encoder_percent", cell->gpu.encoder_percent);
    }
    struct interval interval;
    if (compare_frames(results, cell, MEASURE_LATENCY, &interval)) {
        cJSON *against = cJSON_AddObjectToObject(timing, "against_baseline");
        put(against, "mean", interval.mean);
        put(against, "low", interval.low);
        put(against, "high", interval.high);
        cJSON_AddBoolToObject(against, "significant", interval.significant);
    }
}

static void put_frames(cJSON *json, const struct cell *cell)
{
    cJSON *frames = cJSON_AddArrayToObject(json, "packets");
    for (uint32_t i = 0; i < cell->row_count; i++) {
        const struct row *row = &cell->rows[i];
        cJSON *frame = row->there ? cJSON_CreateObject() : cJSON_CreateNull();
        cJSON_AddItemToArray(frames, frame);
        if (!row->there)
            continue;
        cJSON_AddNumberToObject(frame, "bytes", (double)row->bytes);
        if (row->key)
            cJSON_AddTrueToObject(frame, "key");
        cJSON_AddStringToObject(frame, "sha256", row->hash);
    }
}

static void put_differences(cJSON *json, const struct results *results, const struct cell *cell)
{
    cJSON *against = cJSON_AddObjectToObject(json, "against_baseline");
    for (enum measure m = 0; m < MEASURE_LATENCY; m++) {
        struct interval interval;
        char text[400];
        if (!compare_frames(results, cell, m, &interval))
            continue;
        cJSON *one = cJSON_AddObjectToObject(against, measure_name(m));
        put(one, "mean", interval.mean);
        put(one, "low", interval.low);
        put(one, "high", interval.high);
        cJSON_AddBoolToObject(one, "significant", interval.significant);
        compare_say(results, cell, m, &interval, text, sizeof text);
        cJSON_AddStringToObject(one, "in_words", text);
    }
}

static cJSON *cell_json(const struct results *results, const struct cell *cell)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "recording", results->plan->recordings[cell->recording_index]);
    cJSON_AddStringToObject(json, "arm", cell->arm->label);
    cJSON_AddNumberToObject(json, "rate", cell->rate);
    cJSON_AddStringToObject(json, "module_version", cell->version);
    if (cell->error[0]) {
        cJSON_AddStringToObject(json, "error", cell->error);
        return json;
    }
    cJSON_AddStringToObject(json, "codec", cell->codec);
    cJSON_AddStringToObject(json, "input", cell->format);
    cJSON_AddNumberToObject(json, "frames", cell->row_count);
    cJSON_AddNumberToObject(json, "left_out", cell->left_out);
    cJSON_AddNumberToObject(json, "keys", cell->keys);
    cJSON_AddNumberToObject(json, "bytes", (double)cell->bytes);
    put(json, "kbps", cell->kbps);
    put(json, "key_bytes", cell->key_bytes);
    put(json, "delta_bytes", cell->delta_bytes);
    put_planes(json, "psnr", cell->psnr);
    put_planes(json, "ssim", cell->ssim);
    put(json, "vmaf", cell->vmaf);
    cJSON_AddBoolToObject(json, "repeatable", cell->repeatable);
    put_differences(json, results, cell);
    put_timing(json, results, cell);
    put_frames(json, cell);
    return json;
}

static void put_bd(cJSON *list, const struct results *results, size_t recording, size_t arm)
{
    struct compare_bd bds[COMPARE_BDS];
    compare_bd(results, recording, arm, bds);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToArray(list, json);
    cJSON_AddStringToObject(json, "recording", results->plan->recordings[recording]);
    cJSON_AddStringToObject(json, "arm", results->plan->arms[arm].label);
    for (int i = 0; i < COMPARE_BDS; i++) {
        if (bds[i].known)
            put(json, bds[i].what, bds[i].percent);
        else
            cJSON_AddStringToObject(json, bds[i].what, bds[i].why);
    }
}

bool output_json(const struct results *results, const char *folder, struct error *err)
{
    const struct plan *plan = results->plan;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "oriel_ab", 1);
    cJSON_AddStringToObject(json, "title", plan->title);
    cJSON_AddItemToObject(json, "run", run_json());
    cJSON *settings = cJSON_AddObjectToObject(json, "settings");
    cJSON_AddStringToObject(settings, "baseline", plan->arms[plan->baseline].label);
    cJSON_AddNumberToObject(settings, "repeats", plan->repeats);
    cJSON_AddNumberToObject(settings, "warm_up", plan->warm_up);
    cJSON_AddNumberToObject(settings, "resamples", plan->resamples);
    cJSON_AddNumberToObject(settings, "confidence", plan->confidence);
    cJSON_AddNumberToObject(settings, "seed", (double)plan->seed);
    cJSON_AddBoolToObject(settings, "pace", plan->pace);
    cJSON_AddStringToObject(json, "vmaf", results->vmaf ? results->vmaf : "nothing was decoded");
    cJSON *recordings = cJSON_AddArrayToObject(json, "recordings");
    for (size_t r = 0; r < plan->recording_count; r++)
        cJSON_AddItemToArray(recordings, recording_json(results, r));
    cJSON *arms = cJSON_AddArrayToObject(json, "arms");
    for (size_t a = 0; a < plan->arm_count; a++)
        cJSON_AddItemToArray(arms, arm_json(&plan->arms[a]));
    cJSON *bd = cJSON_AddArrayToObject(json, "bd_rate_percent");
    for (size_t r = 0; r < plan->recording_count; r++)
        for (size_t a = 0; a < plan->arm_count; a++)
            if (a != plan->baseline)
                put_bd(bd, results, r, a);
    cJSON *cells = cJSON_AddArrayToObject(json, "results");
    for (size_t i = 0; i < results->cell_count; i++)
        cJSON_AddItemToArray(cells, cell_json(results, &results->cells[i]));
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    CHECK(text);
    return output_file(folder, "results.json", text, strlen(text), err);
}
