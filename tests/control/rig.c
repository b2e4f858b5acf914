/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/metrics.h"
#include "rig_rooms.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

#define MAX_CONNS 64

struct wire {
    char **frames;
    size_t count, capacity, read;
    uint32_t close_code;
    bool stuck;
    uint64_t waiting;
};

struct rig {
    struct config *config;
    struct metrics *metrics;
    struct control *control;
    unsigned updates;
    uint64_t conns;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct wire wires[MAX_CONNS];
};

/* --- the transport
 * -------------------------------------------------------------------------------- */

static oriel_result wire_send(void *self, uint64_t conn, const struct oriel_message *message)
{
    struct rig *rig = self;
    char *text = xasprintf("%.*s%.*s", (int)message->head_bytes, (const char *)message->head,
                           message->buffer ? (int)message->buffer->bytes : 0,
                           message->buffer ? (const char *)message->buffer->data : "");
    pthread_mutex_lock(&rig->mutex);
    struct wire *wire = &rig->wires[conn];
    if (wire->count == wire->capacity) {
        wire->capacity = wire->capacity ? 2 * wire->capacity : 64;
        wire->frames = xrealloc(wire->frames, wire->capacity * sizeof *wire->frames);
    }
    wire->frames[wire->count++] = text;
    wire->waiting += wire->stuck ? strlen(text) : 0;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->mutex);
    return ORIEL_OK;
}

static oriel_result wire_queued(void *self, uint64_t conn, struct oriel_queued *queued)
{
    struct rig *rig = self;
    pthread_mutex_lock(&rig->mutex);
    queued->bytes = rig->wires[conn].waiting;
    pthread_mutex_unlock(&rig->mutex);
    queued->messages = queued->bytes > 0;
    return ORIEL_OK;
}

static void wire_close(void *self, uint64_t conn, uint32_t code, const char *reason)
{
    (void)reason;
    struct rig *rig = self;
    pthread_mutex_lock(&rig->mutex);
    rig->wires[conn].close_code = code;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->mutex);
    control_conn_closed(rig->control, conn);
}

static const struct oriel_transport transport = {
    .size = sizeof transport, .send = wire_send, .queued = wire_queued, .close = wire_close};

/* --- the rig
 * -------------------------------------------------------------------------------------- */

struct rig *rig_create(const char *const *sets, const char *data)
{
    struct rig *rig = xcalloc(1, sizeof *rig);
    struct error err;
    /* Thumbnails come when they like; tests that are about them switch them on. */
    const char *all[16] = {"thumbnails.enabled=false"};
    size_t count = 1;
    for (size_t i = 0; sets && sets[i]; i++) {
        assert_true(count + 2 < sizeof all / sizeof *all);
        all[count++] = sets[i];
    }
    /* The one thing taken from the environment: where frames are logged. */
    const char *folder = getenv("ORIEL_DEBUG_FRAME_DIR");
    char *frames = folder ? xasprintf("debug.frame_dir=%s", folder) : NULL;
    if (frames)
        all[count++] = frames;
    for (int area = 0; area < LOG_AREA_COUNT; area++)
        log_set_level((enum log_area)area, LOG_ERROR);
    rig->config = config_create(&(struct config_inputs){.sets = all, .set_count = count}, &err);
    if (!rig->config)
        fail_msg("%s", err.text);
    free(frames);
    rig->metrics = metrics_create();
    rig->control = control_create(rig->config, NULL, rig->metrics, &err);
    pthread_mutex_init(&rig->mutex, NULL);
    cond_init(&rig->changed);
    bool restored = false;
    if (config_string(rig->config, "state.dir")[0]) {
        const struct control_named named = {.data = &data, .data_count = data ? 1 : 0};
        enum control_restored found = control_restore(rig->control, &named, &err);
        if (found != CONTROL_NEW && found != CONTROL_RESTORED)
            fail_msg("%s", err.text);
        restored = found == CONTROL_RESTORED;
    }
    bool scene = data && strstr(data, ".json");
    if (data && !restored &&
        !(scene ? control_open_scene : control_open_data)(rig->control, data, &err))
        fail_msg("%s", err.text);
    const struct control_rooms rooms = rig_rooms();
    control_set_rooms(rig->control, &rooms);
    assert_true(control_start(rig->control, &err));
    return rig;
}

void rig_destroy(struct rig *rig)
{
    control_destroy(rig->control);
    for (int c = 0; c < MAX_CONNS; c++) {
        for (size_t i = 0; i < rig->wires[c].count; i++)
            free(rig->wires[c].frames[i]);
        free(rig->wires[c].frames);
    }
    metrics_destroy(rig->metrics);
    config_destroy(rig->config);
    free(rig);
    rig_rooms_clear();
}

struct control *rig_control(struct rig *rig)
{
    return rig->control;
}

static uint64_t connect_as(struct rig *rig, const char *token)
{
    uint64_t conn = ++rig->conns;
    assert_true(conn < MAX_CONNS);
    control_conn_open(rig->control, &transport, rig, conn, token, "test:1");
    return conn;
}

uint64_t rig_connect(struct rig *rig)
{
    return connect_as(rig, "");
}

void rig_send_bytes(struct rig *rig, uint64_t conn, const void *data, size_t bytes)
{
    control_conn_message(rig->control, conn, ORIEL_MESSAGE_TEXT, data, bytes);
}

void rig_send(struct rig *rig, uint64_t conn, const char *text)
{
    rig_send_bytes(rig, conn, text, strlen(text));
}

uint64_t rig_hello_as(struct rig *rig, bool oriel, const char *token, const char *auth)
{
    uint64_t conn = connect_as(rig, token);
    char *text = xasprintf(
        "{\"type\":\"session.hello\",\"version\":2,\"frame_id\":\"hello-1\",\"timestamp\":1.7e9,"
        "\"payload\":{\"protocols\":[2],\"client\":{\"name\":\"test\",\"version\":\"0\","
        "\"platform\":\"x\"},\"features\":{\"notify.scene\":true,\"notify.layers\":true,"
        "\"notify.stream\":true,%s},\"resume_tokens\":{\"notify.scene\":null,"
        "\"notify.layers\":null,\"notify.stream\":null}%s%s}}",
        oriel ? "\"oriel\":true" : "\"notify.dims\":true,\"notify.camera\":true",
        auth ? ",\"auth\":" : "", auth ? auth : "");
    rig_send(rig, conn, text);
    free(text);
    return conn;
}

uint64_t rig_hello(struct rig *rig, bool oriel)
{
    return rig_hello_as(rig, oriel, "", NULL);
}

unsigned rig_update(struct rig *rig, uint64_t conn, const char *scope, const char *target,
                    const char *key, const char *value)
{
    unsigned n = ++rig->updates;
    char *text = xasprintf(
        "{\"type\":\"state.update\",\"version\":2,\"session\":\"s\",\"frame_id\":\"state-%u\","
        "\"intent_id\":\"intent-%u\",\"timestamp\":1.0,\"payload\":{\"scope\":\"%s\","
        "\"target\":\"%s\",\"key\":\"%s\",\"value\":%s}}",
        n, n, scope, target, key, value);
    rig_send(rig, conn, text);
    free(text);
    return n;
}

void rig_call(struct rig *rig, uint64_t conn, const char *command, const char *kwargs)
{
    char *text = xasprintf(
        "{\"type\":\"call.command\",\"version\":2,\"session\":\"s\",\"frame_id\":\"cmd-1\","
        "\"timestamp\":1.0,\"payload\":{\"command\":\"%s\",\"args\":[],\"kwargs\":%s}}",
        command, kwargs);
    rig_send(rig, conn, text);
    free(text);
}

cJSON *rig_next(struct rig *rig, uint64_t conn, int ms)
{
    struct wire *wire = &rig->wires[conn];
    int64_t deadline = clock_ns() + ms * NS_PER_MS;
    pthread_mutex_lock(&rig->mutex);
    while (wire->read == wire->count && cond_wait_until(&rig->changed, &rig->mutex, deadline)) {
    }
    cJSON *frame = wire->read < wire->count ? cJSON_Parse(wire->frames[wire->read++]) : NULL;
    pthread_mutex_unlock(&rig->mutex);
    return frame;
}

void rig_hold(struct rig *rig, uint64_t conn)
{
    pthread_mutex_lock(&rig->mutex);
    rig->wires[conn].stuck = true;
    pthread_mutex_unlock(&rig->mutex);
}

void rig_let(struct rig *rig, uint64_t conn, uint64_t bytes)
{
    pthread_mutex_lock(&rig->mutex);
    assert_true(rig->wires[conn].waiting >= bytes);
    rig->wires[conn].waiting -= bytes;
    pthread_mutex_unlock(&rig->mutex);
}

static bool is_type(const cJSON *frame, const char *type)
{
    const cJSON *t = cJSON_GetObjectItemCaseSensitive(frame, "type");
    return cJSON_IsString(t) && strcmp(t->valuestring, type) == 0;
}

cJSON *rig_expect(struct rig *rig, uint64_t conn, const char *type)
{
    cJSON *frame;
    while ((frame = rig_next(rig, conn, 5000))) {
        if (is_type(frame, type))
            return frame;
        cJSON_Delete(frame);
    }
    fail_msg("no %s came", type);
    return NULL;
}

void rig_expect_none(struct rig *rig, uint64_t conn, const char *type, int ms)
{
    int64_t until = clock_ns() + ms * NS_PER_MS;
    for (int64_t now; (now = clock_ns()) < until;) {
        cJSON *frame = rig_next(rig, conn, (int)((until - now) / NS_PER_MS) + 1);
        bool bad = frame && is_type(frame, type);
        cJSON_Delete(frame);
        if (bad)
            fail_msg("a %s came", type);
    }
}

void rig_drain(struct rig *rig, uint64_t conn)
{
    cJSON *frame;
    while ((frame = rig_next(rig, conn, 100)))
        cJSON_Delete(frame);
}

uint32_t rig_close_code(struct rig *rig, uint64_t conn, int ms)
{
    int64_t deadline = clock_ns() + ms * NS_PER_MS;
    pthread_mutex_lock(&rig->mutex);
    while (!rig->wires[conn].close_code && cond_wait_until(&rig->changed, &rig->mutex, deadline)) {
    }
    uint32_t code = rig->wires[conn].close_code;
    pthread_mutex_unlock(&rig->mutex);
    return code;
}

const cJSON *rig_at(const cJSON *frame, const char *path)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    while (at && *path) {
        char key[64];
        size_t n = strcspn(path, "/");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        path += n + (path[n] == '/');
        at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(key))
                               : cJSON_GetObjectItemCaseSensitive(at, key);
    }
    return at;
}
