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
#include "render/render.h"
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
        const struct record_entry *entry =
            record_find(control->scene->record, result->scope, result->target, result->key);
        if (session->class == SPEC_ORIEL && entry)
            json_put(payload, "control_version", spec_version(entry));
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
    if (envelope_wrong(frame, 0, 0) || !cJSON_IsString(scope) || !cJSON_IsString(key) || !target ||
        !update->value) {
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

static void note_pose(struct control *control, const struct view *view, struct session *session,
                      uint64_t rev)
{
    if (rev > session->rev)
        session->rev = rev;
    if (view->stream)
        stream_note_intent(view->stream, session->id, rev,
                           scene_view_revision(control->scene, view->id));
}

/* A viewer sizes its own pictures and moves in a view of its own; the rest is for editors. */
static bool allowed(const struct control *control, const struct actor *actor,
                    const struct scene_request *request)
{
    static const char *const own[] = {"view", "dims", "camera", "multiscale"};
    if (actor->role >= ROLE_EDITOR)
        return true;
    if (strcmp(request->scope, "view") == 0 && strcmp(request->key, "canvas") == 0)
        return true;
    bool mine = false;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        mine = mine || strcmp(request->scope, own[i]) == 0;
    return mine && actor->view != &control->main;
}

/* What was meant for a view that has ended must not move another. */
static bool for_another_view(const struct actor *actor, const struct scene_request *request)
{
    const char *target = request->target;
    bool of_views =
        strcmp(request->scope, "view") == 0 || strcmp(request->scope, "multiscale") == 0;
    return of_views && target[0] == 'v' && target[1] &&
           strspn(target + 1, "0123456789") == strlen(target + 1) &&
           strcmp(target, actor->view->id) != 0;
}

bool update_apply(struct control *control, const struct actor *actor, struct session *session,
                  struct scene_request *request, const struct record_origin *origin,
                  struct reduction *out)
{
    request->view = actor->view->id;
    request->canvas_max = config_int(control->config, "canvas.max");
    if (session)
        memcpy(request->own_canvas, session->canvas, sizeof request->own_canvas);
    session_canvas(control, actor->view, session, request->other_canvas);
    if (!allowed(control, actor, request)) {
        *out = (struct reduction){.code = "state.forbidden"};
        snprintf(out->message, sizeof out->message,
                 "%.40s.%.60s needs the role editor; yours is %s", request->scope, request->key,
                 access_role_name(actor->role));
        return false;
    }
    if (for_another_view(actor, request)) {
        *out = (struct reduction){.code = "state.invalid"};
        snprintf(out->message, sizeof out->message, "%.16s is not the view of this session",
                 request->target);
        return false;
    }
    scene_reduce(control->scene, request, out);
    if (!out->accepted)
        return false;
    bool wrote = !record_batch_empty(out->writes);
    record_commit(control->scene->record, out->writes, origin);
    out->writes = NULL;
    if (strcmp(request->scope, "camera") == 0)
        metric_add(control->camera_counter, 1);
    if (strcmp(request->scope, "view") == 0 && strcmp(request->key, "play") == 0)
        play_changed(control, actor->view, origin->received_ns);
    return wrote;
}

void update_take(struct control *control, struct session *session, const cJSON *frame,
                 int64_t received_ns)
{
    struct update update = {0};
    if (!parse(control, session, frame, &update))
        return;
    if (!limit_take(&session->updates, control->update_rate, received_ns)) {
        metric_add(control->limited_updates, 1);
        session_limited(session, "updates");
        struct reduction late = {.code = "state.rate_limited"};
        snprintf(late.message, sizeof late.message, "more than %g updates a second",
                 control->update_rate);
        ack(control, session, &update, &late);
        return;
    }
    if (session->view->render)
        render_expect(session->view->render);
    bool pose = strcmp(update.scope, "view") == 0 && strcmp(update.key, "pose") == 0;
    update.origin.received_ns = received_ns;
    update.origin.shown = pose;
    session->moved_ns = pose ? received_ns : session->moved_ns;
    struct scene_request request = {
        .scope = update.scope,
        .target = update.target,
        .key = update.key,
        .value = update.value,
        .level_indices = session->class == SPEC_CLASSIC,
    };
    struct actor actor;
    session_actor(session, &actor);
    struct reduction result;
    bool wrote = update_apply(control, &actor, session, &request, &update.origin, &result);
    if (!result.accepted)
        log_debug(LOG_STATE, "%s: %s.%s of %s rejected: %s", session->peer, update.scope,
                  update.key, update.target, result.message);
    if (result.accepted && result.canvas[0])
        memcpy(session->canvas, result.canvas, sizeof session->canvas);
    if (!pose || !result.accepted)
        ack(control, session, &update, &result);
    else if (result.stale)
        notify_view_again(session);
    else
        note_pose(control, session->view, session, result.rev);
    if (wrote && strcmp(update.scope, "camera") == 0)
        notify_camera_delta(control, session->view, update.key, result.applied, update.intent);
    reduction_finish(&result);
}
