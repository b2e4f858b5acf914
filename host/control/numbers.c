/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers for those who ask: notify.status, notify.telemetry, notify.scene.level. */
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "scene/json.h"

static bool wants_level(const struct session *session)
{
    return session->wants_level;
}

/* The level of the first layer that the newest picture of the view shows. */
static cJSON *level_frame(const struct control *control, const struct view *view,
                          struct envelope *envelope)
{
    *envelope = (struct envelope){.type = "notify.scene.level",
                                  .cursor = true,
                                  .seq = history_seq(control->history, HISTORY_SCENE),
                                  .token = history_token(control->history, HISTORY_SCENE)};
    cJSON *payload = cJSON_CreateObject(), *dims = spec_dims(control->scene, view->id);
    json_put_number(payload, "current_level", view->level);
    json_put_bool(payload, "downgraded", false);
    json_put(payload, "levels", cJSON_DetachItemFromObjectCaseSensitive(dims, "levels"));
    cJSON_Delete(dims);
    return payload;
}

void numbers_send_level(struct control *control, struct session *session)
{
    struct envelope envelope;
    cJSON *payload = level_frame(control, session->view, &envelope);
    frame_send_json(control, session, &envelope, payload);
}

void numbers_level(struct control *control, struct view *view, uint32_t level)
{
    if (level == view->level)
        return;
    view->level = level;
    struct envelope envelope;
    char *text = json_print_free(level_frame(control, view, &envelope));
    frame_broadcast(control, &envelope, (const char *const[SPEC_CLASSES]){text, text}, view,
                    wants_level);
    free(text);
}

static void tell_status(struct control *control, int64_t now)
{
    control->status_due_ns = INT64_MAX;
    for (struct view *view = &control->main; view; view = view->next) {
        char *status = status_payload(control, view);
        /* `revision` alone is no news. */
        const char *old = view->last_status ? strchr(view->last_status, ',') : NULL;
        const char *now_said = strchr(status, ',');
        if (old && now_said && strcmp(old, now_said) == 0) {
            free(status);
            continue;
        }
        char id[64];
        frame_id_make(control, "", id);
        frame_broadcast(control, &(struct envelope){.type = "notify.status", .frame_id = id},
                        (const char *const[SPEC_CLASSES]){NULL, status}, view, NULL);
        free(view->last_status);
        view->last_status = status;
        control->status_due_ns = now + STATUS_INTERVAL_NS;
    }
}

static bool wants_telemetry(const struct session *session)
{
    return session->wants_telemetry;
}

static void tell_telemetry(struct control *control, struct view *view, int64_t now)
{
    struct stream_load load = {0};
    if (view->stream)
        stream_load(view->stream, &load);
    double seconds = (double)(now - view->telemetry_ns) * 1e-9;
    bool first = !view->telemetry_ns;
    cJSON *payload = cJSON_CreateObject();
    json_put_number(payload, "presenter",
                    first ? 0 : (double)(load.pictures - view->pictures) / seconds);
    json_put_number(payload, "decode", load.decode_ms);
    json_put_number(payload, "queue_depth", load.waiting);
    view->telemetry_ns = now;
    view->pictures = load.pictures;
    char *text = json_print_free(payload);
    notify_plain(control, "notify.telemetry", text, view, wants_telemetry, NULL);
    free(text);
}

/* Once a second to those who asked for it. */
static void telemetry_timers(struct control *control, int64_t now, int64_t *deadline)
{
    for (const struct session *s = control->sessions; s; s = s->next) {
        if (s->state != SESSION_READY || !s->wants_telemetry)
            continue;
        if (now >= s->view->telemetry_ns + TELEMETRY_INTERVAL_NS)
            tell_telemetry(control, s->view, now);
        if (s->view->telemetry_ns + TELEMETRY_INTERVAL_NS < *deadline)
            *deadline = s->view->telemetry_ns + TELEMETRY_INTERVAL_NS;
    }
}

void numbers_timers(struct control *control, int64_t now, int64_t *deadline)
{
    telemetry_timers(control, now, deadline);
    bool watched = false;
    for (const struct session *s = control->sessions; s; s = s->next)
        watched = watched || (s->state == SESSION_READY && s->class == SPEC_ORIEL);
    if (!watched)
        control->status_due_ns = INT64_MAX;
    if (now >= control->status_due_ns)
        tell_status(control, now);
    if (control->status_due_ns < *deadline)
        *deadline = control->status_due_ns;
}
