/* SPDX-License-Identifier: BSD-3-Clause */
/* state.update → reducer → record → ack.state. Notifies follow when the batch of messages is done.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "metrics/metrics.h"
#include "scene/json.h"
#include "util/log.h"

/* Trimmed, and in lower case if `lower`. */
static void tidy(const char *text, bool lower, char *out, size_t room)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    n = n < room ? n : room - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = lower ? (char)tolower((unsigned char)text[i]) : text[i];
    out[n] = '\0';
}

struct update {
    const char *frame_id, *intent;
    char scope[32], target[64], key[64];
    const cJSON *value;
    struct record_origin origin;
};

static void ack(struct control *control, struct session *session, const struct update *update,
                const struct reduction *result)
{
    cJSON *payload = cJSON_CreateObject();
    json_put_string(payload, "intent_id", update->intent);
    json_put_string(payload, "in_reply_to", update->frame_id);
    json_put_string(payload, "status", result->accepted ? "accepted" : "rejected");
    if (result->accepted) {
        if (result->applied && !cJSON_IsNull(result->applied))
            json_put(payload, "applied_value", cJSON_Duplicate(result->applied, true));
        json_put_number(payload, "version",
                        (double)record_version(control->scene->record, result->scope,
                                               result->target, result->key));
    } else {
        cJSON *error = json_put(payload, "error", cJSON_CreateObject());
        json_put_string(error, "code", result->code);
        json_put_string(error, "message", result->message);
        cJSON *details = json_put(error, "details", cJSON_CreateObject());
        json_put_string(details, "scope", update->scope);
        json_put_string(details, "key", update->key);
        json_put_string(details, "target", update->target);
    }
    char id[64];
    frame_id_make(control, "ack", id);
    frame_send_json(control, session, &(struct envelope){.type = "ack.state", .frame_id = id},
                    payload);
}

static void copy(const cJSON *json, char *out, size_t room)
{
    snprintf(out, room, "%s", cJSON_IsString(json) ? json->valuestring : "");
}

/* False when the frame is not a state.update that can be reduced; it has been answered then, if
 * possible. */
static bool parse(struct control *control, struct session *session, const cJSON *frame,
                  struct update *update)
{
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    update->frame_id = json_string(cJSON_GetObjectItemCaseSensitive(frame, "frame_id"));
    update->intent = json_string(cJSON_GetObjectItemCaseSensitive(frame, "intent_id"));
    if (!update->frame_id || !update->intent ||
        !json_string(cJSON_GetObjectItemCaseSensitive(frame, "session"))) {
        session_complain(control, session, "a state.update without session, frame_id or intent_id");
        return false;
    }
    const cJSON *scope = cJSON_GetObjectItemCaseSensitive(payload, "scope");
    const cJSON *target = cJSON_GetObjectItemCaseSensitive(payload, "target");
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(payload, "key");
    update->value = cJSON_GetObjectItemCaseSensitive(payload, "value");
    if (!cJSON_IsString(scope) || !cJSON_IsString(key) ||
        (target && !cJSON_IsString(target) && !cJSON_IsNull(target)) || !update->value) {
        struct reduction bad = {.code = "state.invalid"};
        snprintf(bad.message, sizeof bad.message, "state.update payload invalid");
        ack(control, session, update, &bad);
        return false;
    }
    tidy(scope->valuestring, true, update->scope, sizeof update->scope);
    tidy(key->valuestring, true, update->key, sizeof update->key);
    tidy(cJSON_IsString(target) ? target->valuestring : "", false, update->target,
         sizeof update->target);

    struct record_origin *origin = &update->origin;
    snprintf(origin->session, sizeof origin->session, "%s", session->id);
    snprintf(origin->intent, sizeof origin->intent, "%s", update->intent);
    copy(cJSON_GetObjectItemCaseSensitive(payload, "interaction_id"), origin->interaction,
         sizeof origin->interaction);
    copy(cJSON_GetObjectItemCaseSensitive(payload, "phase"), origin->phase, sizeof origin->phase);
    int64_t seq;
    if (json_integer(cJSON_GetObjectItemCaseSensitive(payload, "client_seq"), &seq) && seq >= 0)
        origin->client_seq = (uint64_t)seq;
    return true;
}

static void note_pose(struct control *control, struct session *session, uint64_t rev)
{
    if (rev > session->rev)
        session->rev = rev;
    if (control->rooms.stream)
        stream_note_intent(control->rooms.stream, session->id, rev,
                           record_revision(control->scene->record));
}

void update_take(struct control *control, struct session *session, const cJSON *frame,
                 int64_t received_ns)
{
    struct update update = {0};
    if (!parse(control, session, frame, &update))
        return;
    bool pose = strcmp(update.scope, "view") == 0 && strcmp(update.key, "pose") == 0;
    update.origin.received_ns = received_ns;
    update.origin.shown = pose;
    struct scene_request request = {
        .scope = update.scope,
        .target = update.target,
        .key = update.key,
        .value = update.value,
        .level_indices = session->class == SPEC_CLASSIC,
        .canvas_max = config_int(control->config, "canvas.max"),
        .own_canvas = {session->canvas[0], session->canvas[1]},
    };
    session_canvas(control, session, request.other_canvas);
    struct reduction result;
    scene_reduce(control->scene, &request, &result);
    bool wrote = false;
    if (result.accepted) {
        wrote = !record_batch_empty(result.writes);
        record_commit(control->scene->record, result.writes, &update.origin);
        result.writes = NULL;
        if (result.canvas[0])
            memcpy(session->canvas, result.canvas, sizeof session->canvas);
    } else {
        log_debug(LOG_STATE, "%s: %s.%s of %s rejected: %s", session->peer, update.scope,
                  update.key, update.target, result.message);
    }
    if (pose && result.accepted) {
        if (!result.stale)
            note_pose(control, session, result.rev);
    } else {
        ack(control, session, &update, &result);
    }
    if (result.accepted && strcmp(update.scope, "camera") == 0) {
        metric_add(control->camera_counter, 1);
        if (wrote)
            notify_camera_delta(control, update.key, result.applied, update.intent);
    }
    if (result.accepted && strcmp(update.scope, "view") == 0 && strcmp(update.key, "play") == 0)
        play_changed(control, received_ns);
    reduction_finish(&result);
}
