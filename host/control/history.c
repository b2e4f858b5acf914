/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "scene/json.h"
#include "util/check.h"
#include "util/clock.h"

/* The reference keeps layer frames for 300 s, but no fewer than 512. */
#define LAYERS_AGE_NS (300 * NS_PER_S)
#define LAYERS_LEAST 512u
#define STREAM_MOST 32u

struct topic {
    uint64_t seq;
    char epoch[33]; /* the token before the first frame */
    struct history_frame *frames;
    size_t count, capacity;
    size_t least, most;
    int64_t age_ns;
    bool told_epoch; /* to history_changes, and the frames up to told_seq */
    uint64_t told_seq;
};

struct history {
    struct topic topics[HISTORY_TOPICS];
};

void history_random(char token[33])
{
    uint8_t bytes[16];
    CHECK(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
    for (int i = 0; i < 16; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
}

struct history *history_create(size_t max_layers)
{
    struct history *history = xcalloc(1, sizeof *history);
    history->topics[HISTORY_LAYERS] =
        (struct topic){.least = LAYERS_LEAST, .most = max_layers, .age_ns = LAYERS_AGE_NS};
    history->topics[HISTORY_STREAM] = (struct topic){.most = STREAM_MOST, .age_ns = INT64_MAX};
    for (int t = 0; t < HISTORY_TOPICS; t++)
        history_random(history->topics[t].epoch);
    return history;
}

static void drop(struct topic *topic, size_t count)
{
    if (!count)
        return;
    /* Who holds the last dropped token can still be replayed: it is the new beginning. */
    memcpy(topic->epoch, topic->frames[count - 1].token, sizeof topic->epoch);
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < SPEC_CLASSES; c++)
            free(topic->frames[i].payload[c]);
        free(topic->frames[i].intent);
    }
    topic->count -= count;
    memmove(topic->frames, topic->frames + count, topic->count * sizeof *topic->frames);
}

void history_destroy(struct history *history)
{
    if (!history)
        return;
    for (int t = 0; t < HISTORY_TOPICS; t++) {
        drop(&history->topics[t], history->topics[t].count);
        free(history->topics[t].frames);
    }
    free(history);
}

uint64_t history_seq(const struct history *history, enum history_topic topic)
{
    return history->topics[topic].seq;
}

const char *history_token(const struct history *history, enum history_topic topic)
{
    const struct topic *t = &history->topics[topic];
    return t->count ? t->frames[t->count - 1].token : t->epoch;
}

void history_reset(struct history *history, enum history_topic topic)
{
    struct topic *t = &history->topics[topic];
    drop(t, t->count);
    t->seq = 0;
    t->told_epoch = false;
    history_random(t->epoch);
}

/* Makes room for one more, by number and age. */
static struct history_frame *push(struct topic *t)
{
    int64_t now = clock_ns();
    size_t old = t->count + 1 > t->most ? t->count + 1 - t->most : 0;
    while (t->count - old > t->least && now - t->frames[old].created_ns > t->age_ns)
        old++;
    drop(t, old);
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 16;
        t->frames = xrealloc(t->frames, t->capacity * sizeof *t->frames);
    }
    return &t->frames[t->count++];
}

const struct history_frame *history_append(struct history *history, enum history_topic topic,
                                           char *payload[SPEC_CLASSES], const char *intent)
{
    struct topic *t = &history->topics[topic];
    struct history_frame *frame = push(t);
    *frame = (struct history_frame){.seq = ++t->seq,
                                    .created_ns = clock_ns(),
                                    .intent = intent && intent[0] ? xstrdup(intent) : NULL};
    for (int c = 0; c < SPEC_CLASSES; c++)
        frame->payload[c] = payload[c];
    history_random(frame->token);
    return frame;
}

static size_t first_after(const struct topic *t, const char *token)
{
    if (strcmp(token, t->epoch) == 0)
        return 0;
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(token, t->frames[i].token) == 0)
            return i + 1;
    }
    return SIZE_MAX;
}

size_t history_after(const struct history *history, enum history_topic topic, const char *token)
{
    const struct topic *t = &history->topics[topic];
    size_t first = first_after(t, token);
    return first == SIZE_MAX ? SIZE_MAX : t->count - first;
}

const struct history_frame *history_frame(const struct history *history, enum history_topic topic,
                                          const char *token, size_t index)
{
    const struct topic *t = &history->topics[topic];
    size_t first = first_after(t, token);
    CHECK(first != SIZE_MAX && first + index < t->count);
    return &t->frames[first + index];
}

static const char *const names[] = {"scene", "layers", "stream"};
static const char *const classes[] = {"classic", "oriel"};

static cJSON *frame_json(const struct history_frame *frame, double unix_zero)
{
    cJSON *json = cJSON_CreateObject();
    json_put_number(json, "seq", (double)frame->seq);
    json_put_string(json, "token", frame->token);
    json_put_number(json, "created", unix_zero + (double)frame->created_ns * 1e-9);
    if (frame->intent)
        json_put_string(json, "intent", frame->intent);
    for (int c = 0; c < SPEC_CLASSES; c++) {
        if (frame->payload[c])
            json_put(json, classes[c], cJSON_CreateRaw(frame->payload[c]));
    }
    return json;
}

cJSON *history_changes(struct history *history, bool whole)
{
    cJSON *out = NULL;
    double unix_zero = clock_unix() - (double)clock_ns() * 1e-9;
    for (int i = 0; i < HISTORY_TOPICS; i++) {
        struct topic *t = &history->topics[i];
        bool all = whole || !t->told_epoch;
        if (!all && t->told_seq == t->seq)
            continue;
        out = out ? out : cJSON_CreateObject();
        cJSON *topic = json_put(out, names[i], cJSON_CreateObject());
        if (all)
            json_put_string(topic, "epoch", t->epoch);
        json_put_number(topic, "seq", (double)t->seq);
        cJSON *frames = json_put(topic, "frames", cJSON_CreateArray());
        for (size_t f = 0; f < t->count; f++) {
            if (all || t->frames[f].seq > t->told_seq)
                cJSON_AddItemToArray(frames, frame_json(&t->frames[f], unix_zero));
        }
        t->told_epoch = true;
        t->told_seq = t->seq;
    }
    return out;
}

static bool restore_token(const cJSON *json, char token[33])
{
    const char *text = json_string(json);
    if (!text || strlen(text) != 32)
        return false;
    memcpy(token, text, 33);
    return true;
}

static bool restore_frame(struct topic *t, const cJSON *json, double unix_zero)
{
    int64_t seq;
    double created;
    struct history_frame made = {0};
    if (!json_integer(cJSON_GetObjectItemCaseSensitive(json, "seq"), &seq) ||
        !json_number(cJSON_GetObjectItemCaseSensitive(json, "created"), &created) ||
        !restore_token(cJSON_GetObjectItemCaseSensitive(json, "token"), made.token))
        return false;
    made.seq = (uint64_t)seq;
    made.created_ns = (int64_t)((created - unix_zero) * 1e9);
    const char *intent = json_string(cJSON_GetObjectItemCaseSensitive(json, "intent"));
    made.intent = intent ? xstrdup(intent) : NULL;
    for (int c = 0; c < SPEC_CLASSES; c++) {
        const cJSON *payload = cJSON_GetObjectItemCaseSensitive(json, classes[c]);
        made.payload[c] = payload ? json_print(payload) : NULL;
    }
    *push(t) = made;
    return true;
}

bool history_restore(struct history *history, const cJSON *changes)
{
    double unix_zero = clock_unix() - (double)clock_ns() * 1e-9;
    for (int i = 0; i < HISTORY_TOPICS; i++) {
        struct topic *t = &history->topics[i];
        const cJSON *topic = cJSON_GetObjectItemCaseSensitive(changes, names[i]), *frame;
        const cJSON *epoch = cJSON_GetObjectItemCaseSensitive(topic, "epoch");
        int64_t seq;
        if (!topic)
            continue;
        if (epoch) {
            drop(t, t->count);
            if (!restore_token(epoch, t->epoch))
                return false;
        }
        cJSON_ArrayForEach(frame, cJSON_GetObjectItemCaseSensitive(topic, "frames"))
        {
            if (!restore_frame(t, frame, unix_zero))
                return false;
        }
        if (!json_integer(cJSON_GetObjectItemCaseSensitive(topic, "seq"), &seq))
            return false;
        t->seq = t->told_seq = (uint64_t)seq;
        t->told_epoch = true;
    }
    return true;
}
