/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions: one for each state connection, from the hello to the goodbye. What one client does
 * wrong is its own matter: a line in the log, an answer to it, nothing for the others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "control/room.h"
#include "metrics/metrics.h"
#include "render/render.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/log.h"

#define GARBAGE_LOGGED 5u
#define GARBAGE_MOST 100u /* within GARBAGE_NS; who sends more is sent away */
#define GARBAGE_NS (10 * NS_PER_S)
#define LIMITED_LOG_NS (10 * NS_PER_S)
/* Poses of a hand on a mouse are closer together. */
#define MOVING_NS (NS_PER_S / 10)

void session_open(struct control *control, const struct message *message)
{
    struct session *session = xcalloc(1, sizeof *session);
    session->transport = message->transport;
    session->self = message->self;
    session->conn = message->conn;
    snprintf(session->peer, sizeof session->peer, "%s", message->peer);
    session->role = message->role;
    session->view = &control->main;
    session->deadline_ns = message->received_ns + HELLO_TIMEOUT_NS;
    session->next = control->sessions;
    control->sessions = session;
    log_debug(LOG_CONTROL, "%s connected", session->peer);
}

static struct session *find_conn(const struct control *control, uint64_t conn)
{
    struct session *session = control->sessions;
    while (session && session->conn != conn)
        session = session->next;
    return session;
}

struct session *session_find(const struct control *control, const char *id)
{
    struct session *session = control->sessions;
    while (session && (session->state != SESSION_READY || strcmp(session->id, id) != 0))
        session = session->next;
    return session;
}

void session_actor(const struct session *session, struct actor *actor)
{
    *actor = (struct actor){session->id, session->role, session->view};
}

void session_canvas(const struct control *control, const struct view *view,
                    const struct session *except, uint32_t size[2])
{
    size[0] = size[1] = 0;
    for (const struct session *s = control->sessions; s; s = s->next) {
        for (int i = 0; s != except && s->view == view && i < 2; i++)
            size[i] = s->canvas[i] > size[i] ? s->canvas[i] : size[i];
    }
}

void session_fit_canvas(struct control *control, const struct view *view, const char *cause)
{
    uint32_t size[2];
    session_canvas(control, view, NULL, size);
    if (!size[0])
        return;
    struct record_origin origin = {.received_ns = clock_ns()};
    snprintf(origin.session, sizeof origin.session, "%s", cause);
    struct record_batch *batch = record_batch_create();
    record_put(batch, "view", view->id, "canvas",
               json_from_integers((int64_t[]){size[0], size[1]}, 2));
    record_commit(control->scene->record, batch, &origin);
}

void session_closed(struct control *control, uint64_t conn)
{
    struct session **at = &control->sessions;
    while (*at && (*at)->conn != conn)
        at = &(*at)->next;
    struct session *session = *at;
    if (!session)
        return;
    *at = session->next;
    view_follow(control, session);
    if (session->canvas[0])
        session_fit_canvas(control, session->view, session->id);
    if (session->id[0]) {
        routes_remove_session(control->routes, session->id);
        if (session->view->stream)
            stream_session_closed(session->view->stream, session->id);
        metric_add(control->sessions_gauge, -1);
        log_info(LOG_CONTROL, "%s left (session %s)", session->peer, session->id);
    }
    free(session);
}

void session_goodbye(struct control *control, struct session *session, const char *code,
                     const char *message, const char *reason, uint32_t close_code)
{
    if (session->state == SESSION_READY) {
        cJSON *payload = cJSON_CreateObject();
        json_put_string(payload, "code", code);
        json_put_string(payload, "message", message);
        json_put_string(payload, "reason", reason);
        char id[64];
        frame_id_make(control, "goodbye", id);
        frame_send_json(control, session,
                        &(struct envelope){.type = "session.goodbye", .frame_id = id}, payload);
    }
    if (session->state != SESSION_CLOSING)
        outbox_close(control->outbox, session, close_code, reason);
    session->state = SESSION_CLOSING;
}

void session_complain(struct control *control, struct session *session, const char *what)
{
    metric_add(control->garbage_counter, 1);
    int64_t now = clock_ns();
    if (!session->garbage_ns || now - session->garbage_ns > GARBAGE_NS) {
        session->garbage_ns = now;
        session->garbage = 0;
    }
    if (session->garbage == GARBAGE_MOST) {
        log_warn(LOG_CONTROL, "%s sent %u messages of no use in %d s: closed", session->peer,
                 GARBAGE_MOST, (int)(GARBAGE_NS / NS_PER_S));
        session_goodbye(control, session, "garbage", "too many messages that cannot be read",
                        "garbage", 1008);
        return;
    }
    if (session->garbage++ < GARBAGE_LOGGED)
        log_warn(LOG_CONTROL, "%s sent %s: ignored%s", session->peer, what,
                 session->garbage == GARBAGE_LOGGED ? " (more of it is not logged for a while)"
                                                    : "");
    cJSON *payload = cJSON_CreateObject();
    json_put_string(payload, "severity", "warning");
    json_put_string(payload, "domain", "state");
    json_put_string(payload, "code", "state.garbage");
    char text[256];
    snprintf(text, sizeof text, "The server ignored a message of this page: %.200s.", what);
    json_put_string(payload, "message", text);
    notice_send(control, session, payload);
    cJSON_Delete(payload);
}

void session_limited(struct session *session, const char *what)
{
    int64_t now = clock_ns();
    if (session->limited_told_ns && now - session->limited_told_ns < LIMITED_LOG_NS)
        return;
    session->limited_told_ns = now;
    log_warn(LOG_CONTROL, "%s sends more %s than allowed", session->peer, what);
}

void session_flood(struct control *control, uint64_t conn)
{
    struct session *session = find_conn(control, conn);
    if (!session || session->state == SESSION_CLOSING)
        return;
    log_warn(LOG_CONTROL, "%s sends faster than the server reads: closed", session->peer);
    session_goodbye(control, session, "flood", "more messages than the server can read", "flood",
                    1008);
}

static void dispatch(struct control *control, struct session *session, cJSON *frame,
                     int64_t received_ns)
{
    static const char *const texts[] = {"session", "frame_id", "intent_id", NULL};
    static const char *const payload_texts[] = {"scope",  "target",          "key", "command",
                                                "origin", "idempotency_key", NULL};
    envelope_coerce(frame, texts);
    envelope_coerce(cJSON_GetObjectItemCaseSensitive(frame, "payload"), payload_texts);
    const char *type = json_string(cJSON_GetObjectItemCaseSensitive(frame, "type"));
    if (!type)
        session_complain(control, session, "a frame without a type");
    else if (strcasecmp(type, "state.update") == 0)
        update_take(control, session, frame, received_ns);
    else if (strcasecmp(type, "call.command") == 0)
        call_take(control, session, frame, received_ns);
    else if (strcasecmp(type, "cancel.command") == 0)
        call_cancel_take(control, session, frame);
    else if (strcasecmp(type, "session.goodbye") == 0)
        session_goodbye(control, session, "goodbye", "as you wish", "client_goodbye", 1000);
    else if (!limit_take(&session->others, control->update_rate, received_ns))
        session_complain(control, session, "too many messages of no known type");
    else /* ping, session.ack, shutdown, what later clients may say: signs of life */
        log_trace(LOG_STATE, "%.60s from %s", type, session->peer);
}

void session_text(struct control *control, const struct message *message)
{
    struct session *session = find_conn(control, message->conn);
    if (!session || session->state == SESSION_CLOSING)
        return;
    session->heard = true;
    session->missed = 0;
    if (session->state == SESSION_NEW) {
        hello_take(control, session, message);
        return;
    }
    if (message->text_kind != ORIEL_MESSAGE_TEXT) {
        session_complain(control, session, "a binary message");
        return;
    }
    if ((int64_t)message->bytes > config_int(control->config, "server.message_bytes")) {
        session_complain(control, session, "a message that is too long");
        return;
    }
    log_trace(LOG_STATE, "from %s: %.*s", session->peer, (int)message->bytes, message->text);
    /* Who moves the view goes on to: the render thread wakes up while the message is read. */
    if (session->view && session->view->render &&
        message->received_ns - session->moved_ns < MOVING_NS)
        render_expect(session->view->render);
    struct error err;
    cJSON *frame = json_parse(message->text, message->bytes, &err);
    if (!frame) {
        char what[160];
        snprintf(what, sizeof what, "%zu bytes that cannot be read (%.80s)", message->bytes,
                 err.text);
        session_complain(control, session, what);
        return;
    }
    if (cJSON_IsObject(frame))
        dispatch(control, session, frame, message->received_ns);
    else
        session_complain(control, session, "JSON that is not an object");
    cJSON_Delete(frame);
}

static void beat(struct control *control, struct session *session, int64_t now)
{
    if (!session->heard && ++session->missed >= 2) {
        log_info(LOG_CONTROL, "%s does not answer: closed", session->peer);
        session_goodbye(control, session, "timeout", "no answer to heartbeats", "heartbeat_timeout",
                        1011);
        return;
    }
    session->heard = false;
    session->deadline_ns = now + (int64_t)(control->heartbeat_s * (double)NS_PER_S);
    char id[64];
    frame_id_make(control, "heartbeat", id);
    frame_send(control, session, &(struct envelope){.type = "session.heartbeat", .frame_id = id},
               "{}");
}

void session_timers(struct control *control, int64_t now, int64_t *deadline)
{
    for (struct session *s = control->sessions; s; s = s->next) {
        if (s->state != SESSION_CLOSING && now >= s->deadline_ns) {
            if (s->state == SESSION_NEW)
                hello_reject(control, s, "timeout", "no session.hello within 5 s", NULL);
            else
                beat(control, s, now);
        }
        if (s->state != SESSION_CLOSING && s->deadline_ns < *deadline)
            *deadline = s->deadline_ns;
    }
}
