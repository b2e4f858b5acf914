/* SPDX-License-Identifier: BSD-3-Clause */
/* The stream's state for status frames and /metrics.json. */
#include <cjson/cJSON.h>
#include <stdlib.h>

#include "pixel/arm.h"
#include "pixel/experiment.h"
#include "pixel/room.h"
#include "util/check.h"
#include "util/clock.h"

static void add_codec(cJSON *json, uint32_t codec)
{
    const struct codec *known = codec_find(codec);
    cJSON_AddStringToObject(json, "codec", known ? known->name : "none");
}

/* Bits in the last whole second. */
static double bitrate(const struct branch *branch, int64_t now)
{
    int64_t age = now / NS_PER_S - branch->rate_second;
    return 8.0 * (double)(age == 0 ? branch->rate_last : age == 1 ? branch->rate_now : 0);
}

/* What was found out about each encoder of the list when the branch chose. */
static void add_ladder(cJSON *json, const struct branch *branch)
{
    cJSON *list = cJSON_AddArrayToObject(json, "ladder");
    for (uint32_t i = 0; i < MAX_LADDER && branch->verdicts[i].id; i++) {
        const struct verdict *verdict = &branch->verdicts[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "encoder", verdict->id);
        cJSON_AddBoolToObject(item, "taken", verdict->taken);
        cJSON_AddItemToObject(
            item, "ms", verdict->ms >= 0 ? cJSON_CreateNumber(verdict->ms) : cJSON_CreateNull());
        cJSON_AddStringToObject(item, "reason", verdict->why);
    }
}

static cJSON *branch_json(const struct branch *branch, int64_t now)
{
    cJSON *json = cJSON_CreateObject();
    uint32_t clients = 0;
    for (const struct client *client = branch->stream->clients; client; client = client->next)
        clients += branch_serves(branch, client);
    cJSON_AddStringToObject(json, "name", branch->label);
    if (branch->arm)
        cJSON_AddStringToObject(json, "experiment", branch->arm->experiment->spec.name);
    add_codec(json, branch->codec);
    cJSON_AddStringToObject(json, "encoder", branch->encoder);
    cJSON_AddStringToObject(json, "reason", branch->reason);
    cJSON_AddStringToObject(json, "chain", branch->chain);
    cJSON_AddBoolToObject(json, "working", !branch->dead);
    cJSON_AddNumberToObject(json, "clients", clients);
    cJSON_AddNumberToObject(json, "frames", (double)branch->frames);
    cJSON_AddNumberToObject(json, "keys", (double)branch->keys);
    cJSON_AddNumberToObject(json, "bytes", (double)branch->bytes);
    cJSON_AddNumberToObject(json, "dropped", (double)branch->dropped);
    cJSON_AddNumberToObject(json, "bitrate", bitrate(branch, now));
    return json;
}

static cJSON *client_json(const struct client *client)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "peer", client->peer);
    cJSON_AddStringToObject(json, "branch", client->branch ? client->branch->label : "none");
    cJSON_AddBoolToObject(json, "extended", client->wish.ext);
    cJSON_AddBoolToObject(json, "stills", client->wish.still);
    cJSON_AddBoolToObject(json, "visible", client->visible);
    cJSON_AddBoolToObject(json, "waits_for_key", client->waiting_key);
    cJSON_AddNumberToObject(json, "sent", (double)client->sent_count);
    cJSON_AddNumberToObject(json, "skipped", (double)client->skipped_count);
    cJSON_AddNumberToObject(json, "underway", client_underway(client));
    cJSON_AddNumberToObject(json, "queued_bytes", (double)client->queued.bytes);
    return json;
}

static void add_arm(cJSON *list, struct arm *arm)
{
    static const char *const states[] = {"opening", "works", "stopped"};
    cJSON *json = cJSON_CreateObject();
    uint32_t clients = 0;
    for (const struct client *client = arm->experiment->stream->clients; client;
         client = client->next)
        clients += arm->branch && client->branch == arm->branch;
    cJSON_AddItemToArray(list, json);
    cJSON_AddStringToObject(json, "label", arm->spec->label);
    cJSON_AddStringToObject(json, "module", arm->spec->module);
    bool over = !arm->branch && !*arm->why;
    cJSON_AddStringToObject(json, "state", over ? "ended" : states[arm->state]);
    if (*arm->why)
        cJSON_AddStringToObject(json, "reason", arm->why);
    add_codec(json, arm->branch ? arm->branch->codec : 0);
    cJSON_AddNumberToObject(json, "clients", clients);
    pthread_mutex_lock(&arm->experiment->book);
    cJSON_AddNumberToObject(json, "frames", (double)arm->frames);
    cJSON_AddNumberToObject(json, "keys", (double)arm->keys);
    cJSON_AddNumberToObject(json, "bytes", (double)arm->bytes);
    cJSON_AddNumberToObject(json, "drops", (double)arm->drops);
    cJSON_AddNumberToObject(json, "errors", (double)arm->watch.errors);
    pthread_mutex_unlock(&arm->experiment->book);
}

cJSON *experiment_json(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    struct experiment *experiment = stream->experiment;
    cJSON *json = experiment ? cJSON_CreateObject() : NULL;
    if (json) {
        cJSON_AddStringToObject(json, "name", experiment->spec.name);
        bool ended = experiment->state != EXPERIMENT_RUNS;
        cJSON_AddStringToObject(json, "state", ended ? "ended" : "running");
        cJSON_AddStringToObject(json, "reason", experiment->why);
        if (experiment->spec.rows) {
            pthread_mutex_lock(&experiment->book);
            if (experiment->rows)
                rows_count(experiment->rows, &experiment->written, &experiment->lost);
            cJSON *rows = cJSON_AddObjectToObject(json, "rows");
            cJSON_AddStringToObject(rows, "file", experiment->spec.rows);
            cJSON_AddNumberToObject(rows, "written", (double)experiment->written);
            cJSON_AddNumberToObject(rows, "lost", (double)experiment->lost);
            pthread_mutex_unlock(&experiment->book);
        }
        cJSON *arms = cJSON_AddArrayToObject(json, "arms");
        for (uint32_t i = 0; i < experiment->spec.arm_count; i++)
            add_arm(arms, &experiment->arms[i]);
    }
    pthread_mutex_unlock(&stream->lock);
    return json;
}

void stream_load(struct stream *stream, struct stream_load *load)
{
    *load = (struct stream_load){0};
    pthread_mutex_lock(&stream->lock);
    load->decode_ms = stream->decode_ms;
    for (uint32_t i = 0; i < stream->branch_count; i++) {
        load->pictures += stream->branches[i]->frames;
        load->waiting += stream->branches[i]->pending != NULL;
    }
    for (const struct client *client = stream->clients; client; client = client->next)
        load->waiting += client->wish.ext ? client_underway(client) : 0;
    pthread_mutex_unlock(&stream->lock);
}

char *stream_status_json(struct stream *stream)
{
    cJSON *json = cJSON_CreateObject();
    int64_t now = clock_ns();
    pthread_mutex_lock(&stream->lock);
    const struct stream_info *info = &stream->branches[0]->info;
    add_codec(json, info->codec);
    cJSON_AddStringToObject(json, "codec_string", info->codec_string);
    cJSON_AddStringToObject(json, "encoder", stream->branches[0]->encoder);
    cJSON_AddStringToObject(json, "reason", stream->branches[0]->reason);
    cJSON_AddStringToObject(json, "chain", stream->branches[0]->chain);
    cJSON *size = cJSON_AddArrayToObject(json, "size");
    cJSON_AddItemToArray(size, cJSON_CreateNumber(info->width));
    cJSON_AddItemToArray(size, cJSON_CreateNumber(info->height));
    cJSON_AddNumberToObject(json, "fps", info->fps);
    cJSON_AddNumberToObject(json, "bitrate", bitrate(stream->branches[0], now));
    add_ladder(json, stream->branches[0]);
    cJSON *branches = cJSON_AddArrayToObject(json, "branches");
    for (uint32_t i = 0; i < stream->branch_count; i++)
        cJSON_AddItemToArray(branches, branch_json(stream->branches[i], now));
    cJSON *clients = cJSON_AddArrayToObject(json, "clients");
    for (const struct client *client = stream->clients; client; client = client->next)
        cJSON_AddItemToArray(clients, client_json(client));
    pthread_mutex_unlock(&stream->lock);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    CHECK(text);
    return text;
}
