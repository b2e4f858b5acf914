/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "play/room.h"
#include "util/check.h"
#include "util/clock.h"

#define PROTOCOL_VERSION 2
#define HEARTBEAT_S 15

static const char *const commands[] = {"recording.status", "recording.play", "recording.pause",
                                       "recording.seek",   "recording.loop", NULL};

static const cJSON *get(const cJSON *of, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(of, key);
}

static const char *text_of(const cJSON *of, const char *key)
{
    const char *text = cJSON_GetStringValue(get(of, key));
    return text ? text : "";
}

/* --- frames --- */

/* `counted`: it has a number and a token of its topic. */
static void send_frame(struct player *player, struct listener *session, const char *type,
                       const char *payload, bool counted)
{
    char own[96] = "";
    if (counted)
        snprintf(own, sizeof own, "\"seq\":%llu,\"delta_token\":\"play-%llu\",",
                 (unsigned long long)session->seq, (unsigned long long)session->seq);
    session->seq += counted;
    char *text = xasprintf("{\"type\":\"%s\",\"version\":%d,\"session\":\"%s\",\"frame_id\":"
                           "\"play-%llu\",\"timestamp\":%.6f,%s\"payload\":%s}",
                           type, PROTOCOL_VERSION, session->id,
                           (unsigned long long)++session->frames, clock_unix(), own, payload);
    uint8_t *data;
    const struct oriel_buffer *buffer = buffer_create(strlen(text), &data);
    if (buffer) {
        memcpy(data, text, strlen(text));
        player_send(player, session->conn, ORIEL_MESSAGE_TEXT, NULL, 0, buffer);
    }
    buffer_unref(buffer);
    free(text);
}

static void send_json(struct player *player, struct listener *session, const char *type,
                      cJSON *payload)
{
    char *text = cJSON_PrintUnformatted(payload);
    CHECK(text);
    send_frame(player, session, type, text, false);
    free(text);
    cJSON_Delete(payload);
}

/* --- what was recorded --- */

static void send_recorded(struct player *player, struct listener *session, size_t index)
{
    const struct recording_frame *frame = &player->recording->frames[session->audience][index];
    send_frame(player, session, frame->type, frame->payload, frame->counted);
}

/* Of these each tells all that those before it did. */
static bool is_whole(const char *type)
{
    static const char *const whole[] = {"notify.scene",       "notify.view",     "notify.dims",
                                        "notify.camera",      "notify.stream",   "notify.status",
                                        "notify.scene.level", "notify.telemetry"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(type, whole[i]) == 0)
            return true;
    return false;
}

void listener_catch_up(struct player *player, struct listener *session, double time)
{
    const struct recording *recording = player->recording;
    const struct recording_frame *frames = recording->frames[session->audience];
    size_t count = recording_frame_at(recording, session->audience, time) + 1; /* SIZE_MAX: 0 */
    bool *skip = xcalloc(count + 1, sizeof *skip);
    size_t scene = 0;
    for (size_t i = count; i-- > 0;) {
        if (strcmp(frames[i].type, "notify.scene") == 0) {
            scene = i;
            break;
        }
    }
    for (size_t i = 0; i < count; i++) {
        skip[i] = i < scene && strcmp(frames[i].type, "notify.layers") == 0;
        bool whole = is_whole(frames[i].type);
        for (size_t k = i + 1; k < count && whole && !skip[i]; k++)
            skip[i] = strcmp(frames[i].type, frames[k].type) == 0;
    }
    if (count)
        send_recorded(player, session, scene); /* layers are of a scene */
    for (size_t i = 0; i < count; i++)
        if (!skip[i] && i != scene)
            send_recorded(player, session, i);
    free(skip);
    session->frame = count;
}

int64_t listener_advance(struct player *player, struct listener *session, double time, int64_t now)
{
    const struct recording *recording = player->recording;
    size_t count = recording->frame_count[session->audience];
    const struct recording_frame *frames = recording->frames[session->audience];
    if (!session->ready)
        return INT64_MAX;
    while (session->frame < count && frames[session->frame].time <= time)
        send_recorded(player, session, session->frame++);
    if (now >= session->beat_ns) {
        send_frame(player, session, "session.heartbeat", "{}", false);
        session->beat_ns = now + HEARTBEAT_S * NS_PER_S;
    }
    int64_t due = session->beat_ns;
    if (player->playing && session->frame < count) {
        int64_t next = now + (int64_t)((frames[session->frame].time - time) * 1e9) + 1000;
        due = next < due ? next : due;
    }
    return due;
}

/* --- hello --- */

static void reject(struct player *player, struct listener *session, const char *code,
                   const char *message)
{
    cJSON *payload = cJSON_CreateObject();
    cJSON_AddStringToObject(payload, "code", code);
    cJSON_AddStringToObject(payload, "message", message);
    send_json(player, session, "session.reject", payload);
    player->transport->close(player->self, session->conn, 1000, code);
}

static cJSON *feature(cJSON *features, const char *name, bool enabled)
{
    cJSON *made = cJSON_AddObjectToObject(features, name);
    cJSON_AddBoolToObject(made, "enabled", enabled);
    if (enabled) {
        cJSON_AddNumberToObject(made, "version", 1);
        cJSON_AddBoolToObject(made, "resume", false);
    }
    return made;
}

static void welcome(struct player *player, struct listener *session)
{
    static const char *const topics[] = {"notify.scene", "notify.layers", "notify.stream"};
    cJSON *payload = cJSON_CreateObject();
    cJSON_AddNumberToObject(payload, "protocol_version", PROTOCOL_VERSION);
    cJSON *info = cJSON_AddObjectToObject(payload, "session");
    cJSON_AddStringToObject(info, "id", session->id);
    cJSON_AddNumberToObject(info, "heartbeat_s", HEARTBEAT_S);
    cJSON_AddNumberToObject(info, "ack_timeout_ms", 250);
    cJSON *features = cJSON_AddObjectToObject(payload, "features");
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        cJSON *topic = feature(features, topics[i], true);
        cJSON *state = cJSON_AddObjectToObject(topic, "resume_state");
        cJSON_AddNumberToObject(state, "seq", 0);
        cJSON_AddStringToObject(state, "delta_token", "play");
    }
    bool page = session->audience == RECORDING_PAGE;
    feature(features, "notify.dims", !page);
    feature(features, "notify.camera", !page);
    cJSON *call = feature(features, "call.command", true);
    cJSON *list = cJSON_AddArrayToObject(call, "commands");
    for (size_t i = 0; commands[i]; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(commands[i]));
    if (page) {
        cJSON *own = feature(features, "oriel", true);
        cJSON_AddStringToObject(own, "role", "viewer");
        cJSON_AddStringToObject(own, "pixel_ticket", session->ticket);
        feature(features, "notify.view", true);
        feature(features, "notify.status", true);
        feature(features, "notify.error", true);
    }
    send_json(player, session, "session.welcome", payload);
}

/* 128 bits that nobody guesses, as hexadecimal digits. */
static void make_name(char name[40])
{
    uint8_t bytes[16];
    FILE *random = fopen("/dev/urandom", "re");
    CHECK(random && fread(bytes, 1, sizeof bytes, random) == sizeof bytes);
    fclose(random);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(name + 2 * i, 3, "%02x", bytes[i]);
}

static void hello(struct player *player, struct listener *session, const cJSON *payload)
{
    const cJSON *features = get(payload, "features"), *protocol;
    bool speaks = false, oriel = cJSON_IsTrue(get(features, "oriel"));
    cJSON_ArrayForEach(protocol, get(payload, "protocols")) speaks |=
        cJSON_IsNumber(protocol) && protocol->valuedouble == PROTOCOL_VERSION;
    session->trusted |=
        player->options.may_look(player->options.data, text_of(get(payload, "auth"), "token"));
    if (!speaks) {
        reject(player, session, "protocol_mismatch", "this server speaks protocol 2");
    } else if (!session->trusted) {
        reject(player, session, "unauthorized", "a token is needed");
    } else {
        session->audience = oriel ? RECORDING_PAGE : RECORDING_DESKTOP;
        make_name(session->id);
        make_name(session->ticket);
        session->ready = true;
        session->beat_ns = clock_ns() + HEARTBEAT_S * NS_PER_S;
        welcome(player, session);
        listener_catch_up(player, session, player_time(player, clock_ns()));
    }
}

/* --- requests --- */

/* A page may have its size, which changes nothing; the scene is as it was. */
static void update(struct player *player, struct listener *session, const cJSON *frame)
{
    const cJSON *payload = get(frame, "payload");
    bool canvas = strcmp(text_of(payload, "key"), "canvas") == 0;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddStringToObject(answer, "intent_id", text_of(frame, "intent_id"));
    cJSON_AddStringToObject(answer, "in_reply_to", text_of(frame, "frame_id"));
    cJSON_AddStringToObject(answer, "status", canvas ? "accepted" : "rejected");
    if (canvas) {
        cJSON_AddItemToObject(answer, "applied_value",
                              cJSON_Duplicate(get(payload, "value"), true));
        cJSON_AddNumberToObject(answer, "version", 1);
    } else {
        cJSON *error = cJSON_AddObjectToObject(answer, "error");
        cJSON_AddStringToObject(error, "code", "state.forbidden");
        cJSON_AddStringToObject(error, "message", "this is a recording: nothing changes it");
        cJSON *details = cJSON_AddObjectToObject(error, "details");
        cJSON_AddStringToObject(details, "scope", text_of(payload, "scope"));
        cJSON_AddStringToObject(details, "key", text_of(payload, "key"));
        cJSON_AddStringToObject(details, "target", text_of(payload, "target"));
    }
    send_json(player, session, "ack.state", answer);
}

/* NULL: it is done. */
static const char *obey(struct player *player, const char *command, const cJSON *kwargs)
{
    const cJSON *seconds = get(kwargs, "seconds"), *on = get(kwargs, "on");
    if (strcmp(command, "recording.play") == 0) {
        player_obey(player, PLAYER_PLAY, 0);
    } else if (strcmp(command, "recording.pause") == 0) {
        player_obey(player, PLAYER_PAUSE, 0);
    } else if (strcmp(command, "recording.seek") == 0) {
        if (!cJSON_IsNumber(seconds) || !isfinite(seconds->valuedouble))
            return "seconds is a number, from the beginning of the recording";
        player_seek(player, player->recording->begin + seconds->valuedouble);
    } else if (strcmp(command, "recording.loop") == 0) {
        if (!cJSON_IsBool(on))
            return "on is true or false";
        player->loop = cJSON_IsTrue(on);
    }
    return NULL;
}

static void call(struct player *player, struct listener *session, const cJSON *frame)
{
    const cJSON *payload = get(frame, "payload");
    const char *command = text_of(payload, "command"), *wrong = NULL;
    size_t known = 0;
    while (commands[known] && strcmp(commands[known], command) != 0)
        known++;
    if (commands[known])
        wrong = obey(player, command, get(payload, "kwargs"));
    bool fine = commands[known] && !wrong;
    cJSON *answer = cJSON_CreateObject();
    if (fine) {
        cJSON_AddItemToObject(answer, "result", player_status(player));
    } else {
        cJSON_AddStringToObject(answer, "code", wrong ? "command.invalid" : "command.not_found");
        cJSON_AddStringToObject(answer, "message",
                                wrong ? wrong : "this is a recording: it has recording.* alone");
    }
    cJSON_AddStringToObject(answer, "in_reply_to", text_of(frame, "frame_id"));
    cJSON_AddStringToObject(answer, "status", fine ? "ok" : "error");
    send_json(player, session, fine ? "reply.command" : "error.command", answer);
}

void listener_text(struct player *player, struct listener *session, const char *text)
{
    cJSON *frame = cJSON_Parse(text);
    const char *type = text_of(frame, "type");
    if (strcmp(type, "session.hello") == 0 && !session->ready)
        hello(player, session, get(frame, "payload"));
    else if (strcmp(type, "state.update") == 0 && session->ready)
        update(player, session, frame);
    else if (strcmp(type, "call.command") == 0 && session->ready)
        call(player, session, frame);
    else if (strcmp(type, "session.goodbye") == 0)
        player->transport->close(player->self, session->conn, 1000, "as you wish");
    cJSON_Delete(frame);
}
