/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "control/room.h"
#include "metrics/metrics.h"
#include "scene/json.h"
#include "util/log.h"

static const char *const topics[] = {"notify.scene", "notify.layers", "notify.stream"};

void hello_reject(struct control *control, struct session *session, const char *code,
                  const char *message, cJSON *details)
{
    log_warn(LOG_CONTROL, "%s rejected: %s (%s)", session->peer, message, code);
    cJSON *payload = cJSON_CreateObject();
    json_put_string(payload, "code", code);
    json_put_string(payload, "message", message);
    if (details)
        json_put(payload, "details", details);
    char id[64];
    frame_id_make(control, "reject", id);
    frame_send_json(control, session, &(struct envelope){.type = "session.reject", .frame_id = id},
                    payload);
    session->state = SESSION_CLOSING;
    outbox_close(control->outbox, session, 1000, code);
}

static cJSON *one_detail(const char *key, cJSON *value)
{
    cJSON *details = cJSON_CreateObject();
    json_put(details, key, value);
    return details;
}

static bool asked(const cJSON *features, const char *name)
{
    return envelope_truth(cJSON_GetObjectItemCaseSensitive(features, name));
}

static cJSON *toggle(cJSON *features, const char *name, bool enabled, int resume)
{
    cJSON *t = json_put(features, name, cJSON_CreateObject());
    json_put_bool(t, "enabled", enabled);
    if (enabled) {
        json_put_number(t, "version", 1);
        json_put_bool(t, "resume", resume);
    }
    return t;
}

static void welcome(struct control *control, struct session *session, const char *ticket)
{
    cJSON *payload = cJSON_CreateObject();
    json_put_number(payload, "protocol_version", PROTOCOL_VERSION);
    cJSON *info = json_put(payload, "session", cJSON_CreateObject());
    json_put_string(info, "id", session->id);
    json_put_number(info, "heartbeat_s", control->heartbeat_s);
    json_put_number(info, "ack_timeout_ms",
                    (double)config_int(control->config, "control.ack_timeout_ms"));
    cJSON *features = json_put(payload, "features", cJSON_CreateObject());
    for (int t = 0; t < HISTORY_TOPICS; t++) {
        cJSON *topic = toggle(features, topics[t], true, true);
        cJSON *state = json_put(topic, "resume_state", cJSON_CreateObject());
        json_put_number(state, "seq", (double)history_seq(control->history, (enum history_topic)t));
        json_put_string(state, "delta_token",
                        history_token(control->history, (enum history_topic)t));
    }
    bool oriel = session->class == SPEC_ORIEL;
    toggle(features, "notify.dims", session->wants_dims, false);
    toggle(features, "notify.camera", session->wants_camera, false);
    toggle(features, "notify.telemetry", session->wants_telemetry, false);
    cJSON *call = toggle(features, "call.command", true, false);
    cJSON *list = json_put(call, "commands", cJSON_CreateArray());
    const char *const *names = command_names();
    for (size_t i = 0; names[i] && (oriel || i < 3); i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
    if (oriel) {
        cJSON *own = toggle(features, "oriel", true, false);
        json_put_string(own, "role", access_role_name(session->role));
        json_put_string(own, "pixel_ticket", ticket);
        toggle(features, "notify.view", true, false);
        toggle(features, "notify.status", true, false);
    }
    if (session->wants_error)
        toggle(features, "notify.error", true, false);
    if (session->wants_level)
        toggle(features, "notify.scene.level", true, false);
    char id[64];
    frame_id_make(control, "welcome", id);
    frame_send_json(control, session, &(struct envelope){.type = "session.welcome", .frame_id = id},
                    payload);
}

/* RFC 9562, version 4. */
static void make_id(char id[SESSION_ID_BYTES])
{
    char hex[33];
    history_random(hex);
    hex[12] = '4';
    hex[16] = "89ab"[hex[16] & 3];
    snprintf(id, SESSION_ID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

static bool resume_token(const struct control *control, const cJSON *tokens,
                         enum history_topic topic, char token[64])
{
    const char *given = json_string(cJSON_GetObjectItemCaseSensitive(tokens, topics[topic]));
    snprintf(token, 64, "%s", given ? given : "");
    return given && history_after(control->history, topic, token) != SIZE_MAX;
}

static void accept_hello(struct control *control, struct session *session, const cJSON *payload,
                         int64_t now)
{
    const cJSON *features = cJSON_GetObjectItemCaseSensitive(payload, "features");
    const cJSON *client = cJSON_GetObjectItemCaseSensitive(payload, "client");
    session->class = asked(features, "oriel") ? SPEC_ORIEL : SPEC_CLASSIC;
    bool oriel = session->class == SPEC_ORIEL;
    session->wants_dims = !oriel || asked(features, "notify.dims");
    session->wants_camera = !oriel || asked(features, "notify.camera");
    session->wants_error = oriel || asked(features, "notify.error");
    session->wants_level = asked(features, "notify.scene.level");
    session->wants_telemetry = asked(features, "notify.telemetry");
    make_id(session->id);
    session->state = SESSION_READY;
    char ticket[TICKET_BYTES] = "";
    if (oriel)
        history_random(ticket);
    routes_add_session(control->routes, session->id, ticket, session->view->id);
    session->heard = true;
    session->deadline_ns = now + (int64_t)(control->heartbeat_s * (double)NS_PER_S);
    metric_add(control->sessions_gauge, 1);
    metric_add(control->connects_counter, 1);
    const char *name = json_string(cJSON_GetObjectItemCaseSensitive(client, "name"));
    const char *version = json_string(cJSON_GetObjectItemCaseSensitive(client, "version"));
    snprintf(session->name, sizeof session->name, "%s", name ? name : "");
    log_info(LOG_CONTROL, "%s is %.60s %.30s, session %s", session->peer, name ? name : "a client",
             version ? version : "", session->id);

    welcome(control, session, ticket);
    const cJSON *tokens = cJSON_GetObjectItemCaseSensitive(payload, "resume_tokens");
    struct resume resume;
    resume.layers = resume_token(control, tokens, HISTORY_LAYERS, resume.layers_token);
    resume.stream = resume_token(control, tokens, HISTORY_STREAM, resume.stream_token);
    notify_baseline(control, session, &resume);
}

static void check_hello(struct control *control, struct session *session, const cJSON *frame,
                        int64_t now)
{
    const char *type = json_string(cJSON_GetObjectItemCaseSensitive(frame, "type"));
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    if (!type || strcasecmp(type, "session.hello") != 0) {
        hello_reject(control, session, "unexpected_message", "session.hello must come first",
                     one_detail("received", cJSON_CreateString(type ? type : "")));
        return;
    }
    char why[160];
    if (envelope_hello_wrong(frame, why)) {
        hello_reject(control, session, "invalid_payload", "session.hello payload invalid",
                     one_detail("error", cJSON_CreateString(why)));
        return;
    }
    const cJSON *protocols = cJSON_GetObjectItemCaseSensitive(payload, "protocols"), *item;
    bool speaks = false;
    int64_t version;
    cJSON_ArrayForEach(item, protocols) speaks =
        speaks || (envelope_integer(item, &version) && version == PROTOCOL_VERSION);
    if (!speaks) {
        hello_reject(control, session, "protocol_mismatch", "this server speaks protocol 2",
                     one_detail("client_protocols", cJSON_Duplicate(protocols, true)));
        return;
    }
    const cJSON *features = cJSON_GetObjectItemCaseSensitive(payload, "features");
    cJSON *missing = cJSON_CreateArray();
    for (int t = 0; t < HISTORY_TOPICS; t++) {
        if (!asked(features, topics[t]))
            cJSON_AddItemToArray(missing, cJSON_CreateString(topics[t]));
    }
    if (missing->child) {
        hello_reject(control, session, "unsupported_client", "the client lacks required features",
                     one_detail("missing", missing));
        return;
    }
    cJSON_Delete(missing);
    const cJSON *tokens = cJSON_GetObjectItemCaseSensitive(payload, "resume_tokens");
    for (int t = 0; t < HISTORY_TOPICS; t++) {
        const cJSON *resume = cJSON_GetObjectItemCaseSensitive(tokens, topics[t]);
        if (cJSON_IsObject(resume) || cJSON_IsArray(resume) || cJSON_IsBool(resume)) {
            hello_reject(control, session, "invalid_resume_token", "a resume token is a string",
                         one_detail("topic", cJSON_CreateString(topics[t])));
            return;
        }
    }
    const cJSON *auth = cJSON_GetObjectItemCaseSensitive(payload, "auth");
    const char *token = json_string(cJSON_GetObjectItemCaseSensitive(auth, "token"));
    enum access_role role = access_role(control->access, token);
    if (role > session->role)
        session->role = role;
    if (session->role == ROLE_NONE) {
        hello_reject(control, session, "unauthorized",
                     token ? "the token is not one of this server" : "a token is needed", NULL);
        return;
    }
    accept_hello(control, session, payload, now);
}

void hello_take(struct control *control, struct session *session, const struct message *message)
{
    struct error err;
    if (!json_is_utf8((const uint8_t *)message->text, message->bytes)) {
        hello_reject(control, session, "invalid_payload", "session.hello is not UTF-8", NULL);
        return;
    }
    cJSON *frame = json_parse(message->text, message->bytes, &err);
    if (!frame) {
        hello_reject(control, session, "invalid_json", err.text, NULL);
        return;
    }
    check_hello(control, session, frame, message->received_ns);
    cJSON_Delete(frame);
}
