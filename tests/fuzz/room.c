/* SPDX-License-Identifier: BSD-3-Clause */
#include "room.h"

#include <math.h>
#include <string.h>

#include "config/config.h"
#include "control/control.h"
#include "metrics/metrics.h"
#include "scene/json.h"
#include "scene/snapshot.h"
#include "util/check.h"
#include "util/log.h"

#define CONNS 8
#define TYPES 32
#define TURNS 1000 /* a room that still has something to do then will never end */

struct wire {
    struct {
        char type[32];
        unsigned count;
    } got[TYPES];
    bool closed;
};

struct room {
    struct control *control;
    uint64_t conns;
    struct wire wires[CONNS + 1];
};

struct control *room_control(struct room *room)
{
    return room->control;
}

/* --- the transport --- */

static oriel_result take_frame(void *self, uint64_t conn, const struct oriel_message *message)
{
    struct room *room = self;
    struct wire *wire = &room->wires[conn];
    size_t tail = message->buffer ? (size_t)message->buffer->bytes : 0;
    size_t bytes = (size_t)message->head_bytes + tail;
    MUST(!wire->closed);
    MUST(message->kind == ORIEL_MESSAGE_TEXT);
    char *text = malloc(bytes + 1);
    memcpy(text, message->head, (size_t)message->head_bytes);
    if (tail)
        memcpy(text + message->head_bytes, message->buffer->data, tail);
    text[bytes] = '\0';
    struct error err = {""};
    cJSON *frame = json_parse(text, bytes, &err);
    if (!frame)
        fprintf(stderr, "%s: %s\n", err.text, text);
    MUST(frame);
    const char *type = json_string(cJSON_GetObjectItemCaseSensitive(frame, "type"));
    MUST(type && strlen(type) < sizeof wire->got->type);
    MUST(cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(frame, "payload")));
    int i = 0;
    while (wire->got[i].count && strcmp(wire->got[i].type, type) != 0)
        MUST(++i < TYPES);
    snprintf(wire->got[i].type, sizeof wire->got[i].type, "%s", type);
    wire->got[i].count++;
    cJSON_Delete(frame);
    free(text);
    return ORIEL_OK;
}

static oriel_result nothing_queued(void *self, uint64_t conn, struct oriel_queued *queued)
{
    (void)self;
    (void)conn;
    queued->bytes = 0;
    queued->messages = 0;
    return ORIEL_OK;
}

static void take_close(void *self, uint64_t conn, uint32_t code, const char *reason)
{
    struct room *room = self;
    MUST(code >= 1000 && code < 5000);
    MUST(strlen(reason) <= 123);
    room->wires[conn].closed = true;
    control_conn_closed(room->control, conn);
}

static const struct oriel_transport transport = {
    .size = sizeof transport, .send = take_frame, .queued = nothing_queued, .close = take_close};

/* --- the room --- */

const struct config *room_config(void)
{
    static struct config *config;
    if (config)
        return config;
    static const char *const sets[] = {"control.update_rate=0", "control.command_rate=0",
                                       ("data.root=" FUZZ_ROOT), "mcp.enabled=true"};
    for (int area = 0; area < LOG_AREA_COUNT; area++)
        log_set_level((enum log_area)area, LOG_ERROR);
    struct error err;
    config = config_create(
        &(struct config_inputs){.sets = sets, .set_count = sizeof sets / sizeof *sets}, &err);
    MUST(config);
    return config;
}

struct metrics *room_metrics(void)
{
    static struct metrics *metrics;
    if (!metrics)
        metrics = metrics_create();
    return metrics;
}

struct room *room_open(void)
{
    struct error err;
    struct room *room = xcalloc(1, sizeof *room);
    room->control = control_create(room_config(), NULL, room_metrics(), &err);
    MUST(room->control);
    MUST(control_open_data(room->control, ROOM_DATA, &err));
    control_start_still(room->control);
    room_rest(room);
    return room;
}

static void check_scene(const struct oriel_snapshot *scene)
{
    MUST(scene->ndisplay == 2 || scene->ndisplay == 3);
    MUST(scene->ndim >= 2 && scene->ndim <= ORIEL_MAX_AXES);
    MUST(scene->width >= 1 && scene->width <= 16384 && scene->height >= 1 &&
         scene->height <= 16384);
    const double *camera = (const double *)&scene->camera;
    for (size_t i = 0; i < sizeof scene->camera / sizeof *camera; i++)
        MUST(isfinite(camera[i]));
    MUST(scene->camera.zoom > 0);
    unsigned seen = 0;
    for (uint32_t i = 0; i < scene->ndim; i++) {
        MUST(scene->order[i] < scene->ndim);
        seen |= 1u << scene->order[i];
        MUST(isfinite(scene->point[i]));
    }
    MUST(seen == (1u << scene->ndim) - 1);
    for (uint32_t i = 0; i < scene->layer_count; i++) {
        const struct oriel_layer *layer = scene->layers[i];
        MUST(layer->ndim <= scene->ndim && layer->colormap);
        MUST(layer->opacity >= 0 && layer->opacity <= 1);
        MUST(layer->gamma > 0 && isfinite(layer->gamma));
        MUST(isfinite(layer->attenuation) && isfinite(layer->iso_threshold));
        MUST(isfinite(layer->contrast_limits[0]) && isfinite(layer->contrast_limits[1]));
        MUST(json_is_utf8((const uint8_t *)layer->name, strlen(layer->name)));
    }
}

void room_close(struct room *room)
{
    room_rest(room);
    struct scene_snapshot *snapshot = control_snapshot(room->control);
    check_scene(&snapshot->scene);
    scene_snapshot_unref(snapshot);
    control_destroy(room->control);
    free(room);
}

void room_rest(struct room *room)
{
    int turns = 0;
    while (control_turn(room->control))
        MUST(++turns < TURNS);
}

uint64_t room_connect(struct room *room)
{
    MUST(room->conns < CONNS);
    uint64_t conn = ++room->conns;
    control_conn_open(room->control, &transport, room, conn, "", "fuzz:1");
    room_rest(room);
    return conn;
}

uint64_t room_hello(struct room *room, bool oriel)
{
    static const char format[] =
        "{\"type\":\"session.hello\",\"version\":2,\"frame_id\":\"h\",\"timestamp\":1,\"payload\":"
        "{\"protocols\":[2],\"client\":{\"name\":\"fuzz\",\"version\":\"0\",\"platform\":\"x\"},"
        "\"features\":{\"notify.scene\":true,\"notify.layers\":true,\"notify.stream\":true,"
        "\"notify.dims\":true,\"notify.camera\":true,\"notify.telemetry\":true,\"notify.error\":"
        "true,\"notify.scene.level\":true,\"oriel\":%s},\"resume_tokens\":{}}}";
    char *text = xasprintf(format, oriel ? "true" : "false");
    uint64_t conn = room_connect(room);
    room_say(room, conn, ORIEL_MESSAGE_TEXT, text, strlen(text));
    free(text);
    MUST(room_got(room, conn, "session.welcome") == 1);
    return conn;
}

void room_say(struct room *room, uint64_t conn, uint32_t kind, const void *data, size_t bytes)
{
    control_conn_message(room->control, conn, kind, data, bytes);
    room_rest(room);
}

unsigned room_got(const struct room *room, uint64_t conn, const char *type)
{
    const struct wire *wire = &room->wires[conn];
    for (int i = 0; i < TYPES && wire->got[i].count; i++) {
        if (strcmp(wire->got[i].type, type) == 0)
            return wire->got[i].count;
    }
    return 0;
}

bool room_closed(const struct room *room, uint64_t conn)
{
    return room->wires[conn].closed;
}

bool lines_next(struct lines *lines, const char **line, size_t *bytes)
{
    if (lines->at == lines->end || lines->count == ROOM_LINES)
        return false;
    size_t left = (size_t)(lines->end - lines->at);
    const uint8_t *stop = memchr(lines->at, '\n', left);
    *line = (const char *)lines->at;
    *bytes = stop ? (size_t)(stop - lines->at) : left;
    lines->at += *bytes + (stop != NULL);
    lines->count++;
    return true;
}

void room_talk(const uint8_t *data, size_t bytes,
               void (*say)(struct room *, uint64_t conn, const char *line, size_t bytes))
{
    struct room *room = room_open();
    uint64_t oriel = room_hello(room, true), classic = room_hello(room, false);
    struct lines lines = {.at = data, .end = data + bytes};
    const char *line;
    size_t length;
    while (lines_next(&lines, &line, &length)) {
        bool mark = length && *line == '!';
        say(room, mark ? classic : oriel, line + mark, length - mark);
    }
    MUST(!room_closed(room, oriel) && !room_closed(room, classic));
    room_close(room);
}
