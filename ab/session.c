/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/session.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab/picture.h"
#include "control/control.h"
#include "metrics/metrics.h"
#include "module/registry.h"
#include "module/services.h"
#include "render/pool.h"
#include "render/render.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/thread.h"

#define CONN 1u
#define PATIENCE_NS (120 * NS_PER_S)

struct session {
    struct metrics *metrics;
    struct registry *registry;
    struct control *control;
    struct render_pool *pool;
    struct render *render;
    struct oriel_format format;   /* that is recorded */
    struct oriel_format captured; /* that is asked for: RGBA where the other is made from it */
    uint32_t tap;
    unsigned said;
    char id[64];
    cJSON *view;
    char answer_to[32]; /* the frame whose answer is awaited */
    bool answered;
    struct error refused; /* "" where it was accepted */

    pthread_mutex_t lock;
    pthread_cond_t come;
    uint64_t wanted; /* revision */
    const struct oriel_frame *frame;
    char data_error[512]; /* the newest, "" after it could be read */
    bool fault;
};

/* --- the client's end of the state channel, called by control_turn --- */

static const char *text(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void take_message(struct session *session, const cJSON *frame)
{
    const char *type = text(frame, "type");
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    if (strcmp(type, "session.welcome") == 0)
        snprintf(session->id, sizeof session->id, "%s",
                 text(cJSON_GetObjectItemCaseSensitive(payload, "session"), "id"));
    if (strcmp(type, "notify.view") == 0) {
        cJSON_Delete(session->view);
        session->view = cJSON_Duplicate(payload, true);
    }
    if (strcmp(text(payload, "in_reply_to"), session->answer_to) != 0)
        return;
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(payload, "error");
    bool failed = strcmp(type, "error.command") == 0;
    session->answered = true;
    if (error || failed)
        error_set(&session->refused, "%s", text(failed && !error ? payload : error, "message"));
}

static oriel_result client_send(void *self, uint64_t conn, const struct oriel_message *message)
{
    (void)conn;
    uint64_t tail = message->buffer ? message->buffer->bytes : 0;
    char *joined = malloc(message->head_bytes + tail + 1);
    if (!joined)
        return ORIEL_NOMEM;
    if (message->head_bytes)
        memcpy(joined, message->head, message->head_bytes);
    if (tail)
        memcpy(joined + message->head_bytes, message->buffer->data, tail);
    cJSON *frame = cJSON_ParseWithLength(joined, message->head_bytes + tail);
    take_message(self, frame);
    cJSON_Delete(frame);
    free(joined);
    return ORIEL_OK;
}

static oriel_result client_queued(void *self, uint64_t conn, struct oriel_queued *queued)
{
    (void)self;
    (void)conn;
    queued->messages = 0;
    queued->bytes = 0;
    queued->oldest_ns = 0;
    return ORIEL_OK;
}

static void client_closed(void *self, uint64_t conn, uint32_t code, const char *reason)
{
    (void)conn;
    struct session *session = self;
    error_set(&session->refused, "the session was closed: %u %s", code, reason);
}

static const struct oriel_transport transport = {
    .size = sizeof transport, .send = client_send, .queued = client_queued, .close = client_closed};

static void turn(struct session *session)
{
    while (control_turn(session->control))
        ;
}

/* `payload` is taken. */
static bool say(struct session *session, const char *type, cJSON *payload, struct error *err)
{
    cJSON *frame = cJSON_CreateObject();
    snprintf(session->answer_to, sizeof session->answer_to, "ab-%u", ++session->said);
    cJSON_AddStringToObject(frame, "type", type);
    cJSON_AddNumberToObject(frame, "version", 2);
    if (session->id[0])
        cJSON_AddStringToObject(frame, "session", session->id);
    cJSON_AddStringToObject(frame, "frame_id", session->answer_to);
    if (strcmp(type, "state.update") == 0)
        cJSON_AddStringToObject(frame, "intent_id", session->answer_to);
    cJSON_AddNumberToObject(frame, "timestamp", clock_unix());
    cJSON_AddItemToObject(frame, "payload", payload);
    char *line = cJSON_PrintUnformatted(frame);
    session->refused.text[0] = '\0';
    session->answered = false;
    control_conn_message(session->control, CONN, ORIEL_MESSAGE_TEXT, (const uint8_t *)line,
                         strlen(line));
    turn(session);
    cJSON_free(line);
    cJSON_Delete(frame);
    return !session->refused.text[0] || error_set(err, "%s", session->refused.text);
}

static bool hello(struct session *session, struct error *err)
{
    static const char payload[] =
        "{\"protocols\":[2],\"client\":{\"name\":\"oriel-ab\",\"version\":\"1\",\"platform\":\"-\"}"
        ",\"features\":{\"notify.scene\":true,\"notify.layers\":true,\"notify.stream\":true,"
        "\"oriel\":true},\"resume_tokens\":{\"notify.scene\":null,\"notify.layers\":null,"
        "\"notify.stream\":null}}";
    control_conn_open(session->control, &transport, session, CONN, "", "oriel ab");
    turn(session);
    return say(session, "session.hello", cJSON_Parse(payload), err);
}

bool session_update(struct session *session, const cJSON *update, struct error *err)
{
    return say(session, "state.update", cJSON_Duplicate(update, true), err);
}

bool session_call(struct session *session, const cJSON *call, struct error *err)
{
    cJSON *payload = cJSON_Duplicate(call, true);
    if (!cJSON_HasObjectItem(payload, "args"))
        cJSON_AddArrayToObject(payload, "args");
    if (!cJSON_HasObjectItem(payload, "kwargs"))
        cJSON_AddObjectToObject(payload, "kwargs");
    if (!say(session, "call.command", payload, err))
        return false;
    return session->answered || error_set(err, "%s: was not answered", text(call, "command"));
}

uint64_t session_revision(const struct session *session)
{
    struct scene_snapshot *snapshot = control_snapshot(session->control);
    uint64_t revision = snapshot->scene.revision;
    scene_snapshot_unref(snapshot);
    return revision;
}

const cJSON *session_view(struct session *session, struct error *err)
{
    const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
    double revision = (double)session_revision(session);
    for (int i = 0; i < 1000; i++) {
        const cJSON *told = cJSON_GetObjectItemCaseSensitive(session->view, "revision");
        if (cJSON_IsNumber(told) && told->valuedouble >= revision)
            return session->view;
        nanosleep(&pause, NULL);
        turn(session);
    }
    error_set(err, "the scene does not tell its view");
    return NULL;
}

/* --- pictures --- */

static void on_notice(void *data, const struct render_notice *notice)
{
    struct session *session = data;
    pthread_mutex_lock(&session->lock);
    if (notice->kind == RENDER_NOTICE_DATA_ERROR || notice->kind == RENDER_NOTICE_FAULT)
        snprintf(session->data_error, sizeof session->data_error, "%s", notice->text);
    if (notice->kind == RENDER_NOTICE_DATA_OK)
        session->data_error[0] = '\0';
    session->fault |= notice->kind == RENDER_NOTICE_FAULT;
    pthread_cond_broadcast(&session->come);
    pthread_mutex_unlock(&session->lock);
}

static void on_frame(void *data, const struct oriel_frame *frame)
{
    struct session *session = data;
    pthread_mutex_lock(&session->lock);
    if (session->wanted && !session->frame && frame->stamp.revision == session->wanted &&
        frame->format.width == session->format.width &&
        frame->format.height == session->format.height) {
        session->frame = frame_ref(frame);
        pthread_cond_broadcast(&session->come);
    }
    pthread_mutex_unlock(&session->lock);
}

static void on_refused(void *data, const char *why)
{
    struct session *session = data;
    pthread_mutex_lock(&session->lock);
    snprintf(session->data_error, sizeof session->data_error, "%s", why);
    session->fault = true;
    pthread_cond_broadcast(&session->come);
    pthread_mutex_unlock(&session->lock);
}

/* Rows without what lies between them. */
static void pack_planes(const struct oriel_frame *frame, uint8_t *packed)
{
    uint32_t fourcc = frame->format.fourcc, w = frame->format.width, h = frame->format.height;
    bool half = fourcc != ORIEL_FMT_I444, pairs = fourcc == ORIEL_FMT_NV12;
    for (uint32_t i = 0; i < (pairs ? 2u : 3u); i++) {
        const struct oriel_plane *plane = &frame->planes[i];
        const uint8_t *from = (const uint8_t *)(uintptr_t)plane->handle + plane->offset;
        uint32_t columns = i && half ? (w + 1) / 2 : w, rows = i && half ? (h + 1) / 2 : h;
        columns *= i && pairs ? 2 : 1;
        for (uint32_t y = 0; y < rows; y++, packed += columns)
            memcpy(packed, from + (size_t)y * plane->stride, columns);
    }
}

static bool copy_frame(const struct session *session, const struct oriel_frame *frame,
                       uint8_t *packed, struct error *err)
{
    if (!frame_wait(frame, err))
        return false;
    if (session->format.fourcc == session->captured.fourcc)
        pack_planes(frame, packed);
    else
        pack_p010((const uint8_t *)(uintptr_t)frame->planes[0].handle + frame->planes[0].offset,
                  frame->planes[0].stride, &session->format, packed);
    return true;
}

bool session_picture(struct session *session, uint8_t *packed, struct oriel_stamp *stamp,
                     struct error *err)
{
    struct scene_snapshot *snapshot = control_snapshot(session->control);
    int64_t deadline = clock_ns() + PATIENCE_NS;
    bool there = true;
    pthread_mutex_lock(&session->lock);
    session->wanted = snapshot->scene.revision;
    pthread_mutex_unlock(&session->lock);
    render_post(session->render, snapshot);
    scene_snapshot_unref(snapshot);
    pthread_mutex_lock(&session->lock);
    while (!session->frame && !session->fault && there)
        there = cond_wait_until(&session->come, &session->lock, deadline);
    const struct oriel_frame *frame = session->frame;
    session->frame = NULL;
    session->wanted = 0;
    if (!frame)
        error_set(err, "no complete picture within 120 s%s%s", session->data_error[0] ? ": " : "",
                  session->data_error);
    pthread_mutex_unlock(&session->lock);
    bool good = frame && copy_frame(session, frame, packed, err);
    if (good)
        *stamp = frame->stamp;
    frame_unref(frame);
    return good;
}

const struct oriel_format *session_format(const struct session *session)
{
    return &session->format;
}

const char *session_capture(const struct session *session)
{
    return render_capture_id(session->render, &session->captured);
}

const char *session_renderer(const struct session *session)
{
    return render_renderer(session->render);
}

/* --- life --- */

static bool find_format(struct session *session, uint32_t fourcc, struct error *err)
{
    struct oriel_format made[RENDER_MAX_FORMATS];
    uint32_t count = render_formats(session->render, made, RENDER_MAX_FORMATS);
    /* The first of its order in the host's memory, so the colours that the encoders get. */
    const struct oriel_format *plain = NULL, *rgba = NULL;
    for (uint32_t i = count; i-- > 0;) {
        if (made[i].domain == ORIEL_DOMAIN_CPU && made[i].fourcc == fourcc)
            plain = &made[i];
        if (made[i].domain == ORIEL_DOMAIN_CPU && made[i].fourcc == ORIEL_FMT_RGBA)
            rgba = &made[i];
    }
    if (!plain && !(rgba && fourcc == ORIEL_FMT_P010))
        return error_set(err, "no capture module makes %s in the host's memory here",
                         samples_name(fourcc));
    session->captured = plain ? *plain : *rgba;
    session->format = session->captured;
    if (!plain) {
        session->format.fourcc = fourcc;
        session->format.matrix = ORIEL_MATRIX_BT601;
        session->format.full_range = 1;
    }
    struct scene_snapshot *snapshot = control_snapshot(session->control);
    session->format.width = snapshot->scene.width;
    session->format.height = snapshot->scene.height;
    scene_snapshot_unref(snapshot);
    if (!session->format.primaries)
        session->format.primaries = ORIEL_PRIMARIES_BT709;
    if (!session->format.transfer)
        session->format.transfer = ORIEL_TRANSFER_SRGB;
    return true;
}

static bool open_scene(struct session *session, const struct record_request *request,
                       struct error *err)
{
    if (request->width && request->data)
        control_set_canvas(session->control, request->width, request->height, false);
    if (request->data ? !control_open_data(session->control, request->data, err)
                      : !control_open_scene(session->control, request->scene, err))
        return false;
    if (request->width)
        control_set_canvas(session->control, request->width, request->height,
                           request->data != NULL);
    control_start_still(session->control);
    return hello(session, err);
}

struct session *session_create(const struct config *config, const struct record_request *request,
                               struct error *err)
{
    struct session *session = xcalloc(1, sizeof *session);
    const struct render_events events = {.notice = on_notice, .data = session};
    pthread_mutex_init(&session->lock, NULL);
    cond_init(&session->come);
    session->metrics = metrics_create();
    bool good =
        (session->registry = registry_create(config, err)) &&
        (session->control = control_create(config, session->registry, session->metrics, err)) &&
        open_scene(session, request, err) &&
        (session->pool = render_pool_create(config, session->registry, session->metrics, err)) &&
        (session->render = render_create(session->pool, "main", &events, err)) &&
        find_format(session, request->fourcc, err);
    struct render_tap tap = {.format = session->captured,
                             .complete_only = true,
                             .frames_held = 1,
                             .frame = on_frame,
                             .refused = on_refused,
                             .data = session};
    if (good && !(session->tap = render_tap_add(session->render, &tap)))
        good = error_set(err, "the renderer gives no pictures");
    if (good)
        return session;
    session_destroy(session);
    return NULL;
}

void session_destroy(struct session *session)
{
    if (!session)
        return;
    if (session->tap)
        render_tap_remove(session->render, session->tap);
    render_destroy(session->render);
    if (session->control) {
        control_conn_closed(session->control, CONN);
        control_destroy(session->control);
    }
    render_pool_destroy(session->pool);
    registry_destroy(session->registry);
    metrics_destroy(session->metrics);
    cJSON_Delete(session->view);
    pthread_cond_destroy(&session->come);
    pthread_mutex_destroy(&session->lock);
    free(session);
}
