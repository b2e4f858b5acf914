/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab/decoder.h"
#include "ab/quality.h"
#include "ab/stats.h"
#include "module/negotiate.h"
#include "util/check.h"

#define MS(ns) ((double)(ns) / 1e6)

/* --- one cell --- */

/* A cell with what runs it. */
struct job {
    struct cell *cell;
    struct coder *coder;
};

/* Of a frame with several packets it is the hash of their hashes. */
static void fold(char hash[65], const struct packet *packet)
{
    char both[2 * 64 + 1];
    bool first = !hash[0];
    snprintf(both, sizeof both, "%s", hash);
    sha256_text(packet->data, packet->bytes, both + strlen(both));
    if (first)
        snprintf(hash, 65, "%s", both);
    else
        sha256_text((const uint8_t *)both, strlen(both), hash);
}

static bool same_bytes(const struct cell *cell, const struct packets *packets)
{
    char(*hashes)[65] = xcalloc(cell->row_count, sizeof *hashes);
    bool same = true;
    for (uint32_t i = 0; i < packets->count; i++)
        fold(hashes[packets->at[i].index], &packets->at[i]);
    for (uint32_t i = 0; same && i < cell->row_count; i++)
        same = strcmp(hashes[i], cell->rows[i].hash) == 0;
    free(hashes);
    return same;
}

static void take_sizes(struct cell *cell, const struct pass *pass)
{
    double key = 0, delta = 0;
    for (uint32_t i = 0; i < pass->packets.count; i++) {
        const struct packet *packet = &pass->packets.at[i];
        struct row *row = &cell->rows[packet->index];
        row->there = true;
        row->key |= (packet->flags & ORIEL_PACKET_KEY) != 0;
        row->qp_q8 = packet->qp_q8;
        row->bytes += packet->bytes;
        fold(row->hash, packet);
        cell->bytes += packet->bytes;
        memcpy(cell->codec, &packet->codec, 4);
    }
    for (uint32_t i = 0; i < cell->row_count; i++) {
        const struct row *row = &cell->rows[i];
        cell->left_out += !row->there;
        cell->keys += row->key;
        if (row->there)
            *(row->key ? &key : &delta) += (double)row->bytes;
    }
    uint32_t deltas = cell->row_count - cell->left_out - cell->keys;
    cell->key_bytes = cell->keys ? key / cell->keys : NAN;
    cell->delta_bytes = deltas ? delta / deltas : NAN;
    cell->kbps = (double)cell->bytes * 8 * cell->recording->fps / cell->row_count / 1000;
    cell->held = pass->held;
}

static void run_quality(struct results *results, struct job *job)
{
    struct cell *cell = job->cell;
    struct pass pass;
    struct error err;
    struct oriel_format format;
    if (coder_format(job->coder, cell->recording, &format, &err))
        format_describe(&format, cell->format, sizeof cell->format);
    if (!coder_pass(job->coder, cell->recording, false, &pass, &err)) {
        snprintf(cell->error, sizeof cell->error, "%s", err.text);
        return;
    }
    take_sizes(cell, &pass);
    if (!quality_measure(cell, &pass.packets, &results->vmaf, &err))
        snprintf(cell->error, sizeof cell->error, "%s: decoding: %s", cell->arm->label, err.text);
    if (cell->rate_index == cell->arm->rate_count / 2) {
        cell->packets = pass.packets;
        pass.packets = (struct packets){0};
    }
    pass_finish(&pass);
}

static void run_timed(const struct plan *plan, struct job *job, unsigned repeat)
{
    struct cell *cell = job->cell;
    struct pass pass;
    struct error err;
    struct gpu_cost gpu;
    struct gpu_meter *meter = gpu_begin();
    bool good = coder_pass(job->coder, cell->recording, plan->pace, &pass, &err);
    gpu_end(meter, &gpu);
    if (!good) {
        snprintf(cell->error, sizeof cell->error, "%s", err.text);
        return;
    }
    cell->gpu = gpu;
    cell->repeatable &= same_bytes(cell, &pass.packets);
    double *latency = cell->latency + (size_t)repeat * cell->row_count;
    double *blocked = cell->blocked + (size_t)repeat * cell->row_count;
    double cpu = 0;
    for (uint32_t i = 0; i < cell->row_count; i++) {
        latency[i] = NAN;
        blocked[i] = pass.t_submit_ns[i] ? MS(pass.t_return_ns[i] - pass.t_submit_ns[i]) : NAN;
        cpu += MS(pass.cpu_ns[i]);
    }
    for (uint32_t i = 0; i < pass.packets.count; i++) {
        const struct packet *packet = &pass.packets.at[i];
        latency[packet->index] = MS(packet->t_come_ns - pass.t_submit_ns[packet->index]);
    }
    cell->cpu_ms[repeat] = cpu / cell->row_count;
    cell->fps[repeat] = cell->row_count / pass.wall_s;
    pass_finish(&pass);
}

/* --- all of them --- */

static void make_cell(struct results *results, struct cell *cell, size_t recording, size_t arm,
                      size_t rate)
{
    const struct plan *plan = results->plan;
    uint32_t frames = (uint32_t)results->recordings[recording]->frame_count;
    *cell = (struct cell){.recording = results->recordings[recording],
                          .arm = &plan->arms[arm],
                          .recording_index = recording,
                          .arm_index = arm,
                          .rate_index = rate,
                          .rate = plan->arms[arm].rates[rate],
                          .row_count = frames,
                          .first_timed = plan->warm_up < frames / 2 ? plan->warm_up : frames / 2,
                          .key_bytes = NAN,
                          .delta_bytes = NAN,
                          .vmaf = NAN,
                          .repeatable = true};
    cell->rows = xcalloc(frames, sizeof *cell->rows);
    cell->latency = xcalloc((size_t)frames * plan->repeats, sizeof *cell->latency);
    cell->blocked = xcalloc((size_t)frames * plan->repeats, sizeof *cell->blocked);
    cell->cpu_ms = xcalloc(plan->repeats, sizeof *cell->cpu_ms);
    cell->fps = xcalloc(plan->repeats, sizeof *cell->fps);
    for (size_t i = 0; i < (size_t)frames * plan->repeats; i++)
        cell->latency[i] = cell->blocked[i] = NAN;
}

static bool open_all(struct results *results, struct job **jobs, struct error *err)
{
    const struct plan *plan = results->plan;
    size_t rates = plan->arms[0].rate_count;
    results->recordings = xcalloc(plan->recording_count, sizeof *results->recordings);
    for (size_t r = 0; r < plan->recording_count; r++) {
        if (!(results->recordings[r] = recording_open(plan->recordings[r], err)))
            return error_prefix(err, "%s: recordings", plan->path);
    }
    results->cells =
        xcalloc(plan->recording_count * plan->arm_count * rates, sizeof *results->cells);
    struct coder **coders = xcalloc(plan->arm_count * rates, sizeof *coders);
    *jobs = xcalloc(plan->recording_count * plan->arm_count * rates, sizeof **jobs);
    bool good = true;
    for (size_t a = 0; good && a < plan->arm_count; a++) {
        for (size_t i = 0; good && i < rates; i++)
            good = (coders[a * rates + i] = coder_open(plan, &plan->arms[a], i, err)) != NULL;
    }
    for (size_t r = 0; good && r < plan->recording_count; r++)
        for (size_t a = 0; a < plan->arm_count; a++)
            for (size_t i = 0; i < rates; i++) {
                size_t index = results->cell_count++;
                struct coder *coder = coders[a * rates + i];
                make_cell(results, &results->cells[index], r, a, i);
                (*jobs)[index] = (struct job){&results->cells[index], coder};
                snprintf(results->cells[index].version, sizeof results->cells[index].version, "%s",
                         coder_version(coder));
            }
    for (size_t i = 0; !good && i < plan->arm_count * rates; i++)
        coder_close(coders[i]);
    free(coders);
    return good;
}

static void close_all(const struct results *results, struct job *jobs)
{
    /* The jobs of the first recording own the coders. */
    size_t own = results->plan->arm_count * results->plan->arms[0].rate_count;
    for (size_t i = 0; results->cell_count && i < own; i++)
        coder_close(jobs[i].coder);
    free(jobs);
}

static void tell(const struct results *results, size_t index, const char *what,
                 void (*progress)(const char *text))
{
    const struct cell *cell = &results->cells[index];
    char text[sizeof cell->error + 256];
    snprintf(text, sizeof text, "%s %zu of %zu: %s, %s %s %.15g%s%s", what, index + 1,
             results->cell_count, results->plan->recordings[cell->recording_index],
             cell->arm->label, cell->arm->rate_option, cell->rate, cell->error[0] ? ": " : "",
             cell->error);
    progress(text);
}

struct results *results_make(const struct plan *plan, void (*progress)(const char *text),
                             struct error *err)
{
    struct results *results = xcalloc(1, sizeof *results);
    struct job *jobs = NULL;
    results->plan = plan;
    if (!open_all(results, &jobs, err)) {
        free(jobs);
        results_destroy(results);
        return NULL;
    }
    for (size_t i = 0; i < results->cell_count; i++) {
        run_quality(results, &jobs[i]);
        tell(results, i, "quality", progress);
    }
    /* There and back: what drifts with time falls on all alike. */
    for (unsigned repeat = 0; repeat < plan->repeats; repeat++) {
        char text[64];
        snprintf(text, sizeof text, "timing %u of %u", repeat + 1, plan->repeats);
        progress(text);
        for (size_t i = 0; i < results->cell_count; i++) {
            struct job *job = &jobs[repeat % 2 ? results->cell_count - 1 - i : i];
            if (!job->cell->error[0])
                run_timed(plan, job, repeat);
        }
    }
    close_all(results, jobs);
    return results;
}

void results_destroy(struct results *results)
{
    if (!results)
        return;
    for (size_t i = 0; i < results->cell_count; i++) {
        struct cell *cell = &results->cells[i];
        packets_finish(&cell->packets);
        free(cell->rows);
        free(cell->latency);
        free(cell->blocked);
        free(cell->cpu_ms);
        free(cell->fps);
    }
    free(results->cells);
    for (size_t r = 0; results->recordings && r < results->plan->recording_count; r++)
        recording_close(results->recordings[r]);
    free(results->recordings);
    free(results);
}

const struct cell *results_cell(const struct results *results, size_t recording, size_t arm,
                                size_t rate)
{
    size_t rates = results->plan->arms[0].rate_count;
    return &results->cells[(recording * results->plan->arm_count + arm) * rates + rate];
}

double cell_latency(const struct results *results, const struct cell *cell, uint32_t row)
{
    double values[100];
    unsigned repeats = results->plan->repeats;
    for (unsigned i = 0; i < repeats; i++)
        values[i] = cell->latency[(size_t)i * cell->row_count + row];
    return percentile(values, sort_numbers(values, repeats), 0.5);
}

double *cell_latencies(const struct results *results, const struct cell *cell, bool blocked,
                       size_t *count)
{
    const double *from = blocked ? cell->blocked : cell->latency;
    uint32_t timed = cell->row_count - cell->first_timed;
    double *values = xcalloc((size_t)timed * results->plan->repeats, sizeof *values);
    for (unsigned i = 0; i < results->plan->repeats; i++)
        memcpy(values + (size_t)i * timed, from + (size_t)i * cell->row_count + cell->first_timed,
               timed * sizeof *values);
    *count = sort_numbers(values, (size_t)timed * results->plan->repeats);
    return values;
}
