/* SPDX-License-Identifier: BSD-3-Clause */
/* From the record to the clients: what changed since they were last told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "scene/json.h"
#include "util/log.h"

static bool wants_dims(const struct session *session)
{
    return session->wants_dims;
}

static bool wants_camera(const struct session *session)
{
    return session->wants_camera;
}

static bool view_pending(const struct session *session)
{
    return session->view_pending;
}

static uint64_t revision_of(const struct control *control, const char *scope, const char *target,
                            const char *key)
{
    const struct record_entry *entry = record_find(control->scene->record, scope, target, key);
    return entry ? entry->revision : 0;
}

static uint64_t newest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* --- single frames ------------------------------------------------------------------------------
 */

static char *print_and_free(cJSON *json)
{
    char *text = json_print(json);
    cJSON_Delete(json);
    return text;
}

static void send_plain(struct control *control, struct session *session, const char *type,
                       cJSON *payload)
{
    char id[64];
    frame_id_make(control, "", id);
    frame_send_json(control, session, &(struct envelope){.type = type, .frame_id = id}, payload);
}

static void broadcast_plain(struct control *control, const char *type, const char *payload,
                            const struct view *view, bool (*filter)(const struct session *),
                            const char *intent)
{
    char id[64];
    frame_id_make(control, "", id);
    frame_broadcast(control, &(struct envelope){.type = type, .frame_id = id, .intent = intent},
                    (const char *const[SPEC_CLASSES]){payload, payload}, view, filter);
}

static cJSON *camera_frame(const char *mode, const char *origin, const char *part, cJSON *value)
{
    cJSON *payload = cJSON_CreateObject();
    json_put_string(payload, "mode", mode);
    json_put_string(payload, "origin", origin);
    json_put(payload, part, value);
    return payload;
}

static cJSON *pose_frame(const struct control *control, const struct view *view)
{
    return camera_frame("pose", "worker.state.camera", "state",
                        spec_camera(control->scene, view->id));
}

void notify_camera_delta(struct control *control, const struct view *view, const char *mode,
                         const cJSON *delta, const char *intent)
{
    char *payload =
        print_and_free(camera_frame(mode, "state.update", "delta", cJSON_Duplicate(delta, true)));
    broadcast_plain(control, "notify.camera", payload, view, wants_camera, intent);
    free(payload);
}

/* --- the view -----------------------------------------------------------------------------------
 */

/* The newest change of camera, and of all else that a view shows; `latest` is the newest of all. */
static void view_revisions(const struct control *control, const struct view *view, uint64_t *camera,
                           uint64_t *other, const struct record_entry **latest)
{
    static const struct {
        const char *scope;
        bool own;
    } scopes[] = {
        {"camera", true}, {"dims", true}, {"view", true}, {"multiscale", true}, {"scene", false}};
    *camera = *other = 0;
    *latest = NULL;
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        size_t cursor = 0;
        const struct record_entry *entry;
        while ((entry = record_next(control->scene->record, scopes[i].scope,
                                    scopes[i].own ? view->id : NULL, &cursor))) {
            uint64_t *group = i == 0 ? camera : other;
            *group = newest(*group, entry->revision);
            if (!*latest || entry->revision > (*latest)->revision)
                *latest = entry;
        }
    }
}

static cJSON *view_frame(const struct control *control, const struct view *view,
                         const struct record_entry *latest)
{
    const char *id = latest ? latest->origin.session : "";
    const struct session *from = id[0] ? session_find(control, id) : NULL;
    return spec_view(control->scene, view->id, id, from ? from->rev : 0);
}

static void send_views(struct control *control, struct view *view, int64_t now)
{
    uint64_t camera, other;
    const struct record_entry *latest;
    view_revisions(control, view, &camera, &other, &latest);
    bool any = false;
    for (struct session *s = control->sessions; s; s = s->next) {
        s->view_pending = false;
        if (s->state != SESSION_READY || s->class != SPEC_ORIEL || s->view != view ||
            s->view_told >= newest(camera, other))
            continue;
        /* Who moved the camera has it already, and its frames say what it was. */
        bool own = s->view_told >= other && latest && latest->origin.shown &&
                   strcmp(latest->origin.session, s->id) == 0;
        s->view_pending = !own;
        s->view_told = newest(camera, other);
        any = any || s->view_pending;
    }
    if (any) {
        char *payload = print_and_free(view_frame(control, view, latest));
        broadcast_plain(control, "notify.view", payload, view, view_pending, NULL);
        free(payload);
    }
    if (camera > view->told_pose) {
        view->told_pose = camera;
        char *payload = print_and_free(pose_frame(control, view));
        broadcast_plain(control, "notify.camera", payload, view, wants_camera, NULL);
        free(payload);
    }
    view->told_ns = now;
    view->due_ns = INT64_MAX;
}

/* Dims at once; a camera that only moves, at most every VIEW_INTERVAL_NS. */
static void tell_view(struct control *control, struct view *view, int64_t now)
{
    uint64_t camera, other;
    const struct record_entry *latest;
    view_revisions(control, view, &camera, &other, &latest);
    uint64_t told = view->told_pose;
    for (const struct session *s = control->sessions; s; s = s->next) {
        if (s->state != SESSION_READY || s->class != SPEC_ORIEL || s->view != view)
            continue;
        if (s->view_told < other) {
            send_views(control, view, now);
            return;
        }
        if (s->view_told < told)
            told = s->view_told;
    }
    if (camera <= told)
        return;
    int64_t due = view->told_ns + VIEW_INTERVAL_NS;
    if (due <= now)
        send_views(control, view, now);
    else if (due < view->due_ns)
        view->due_ns = due;
}

static void tell_dims(struct control *control, struct view *view)
{
    uint64_t revision = newest(newest(revision_of(control, "dims", view->id, "step"),
                                      revision_of(control, "view", view->id, "ndisplay")),
                               newest(revision_of(control, "view", view->id, "order"),
                                      revision_of(control, "multiscale", view->id, "level")));
    if (revision <= view->told_dims)
        return;
    view->told_dims = revision;
    char *payload = print_and_free(spec_dims(control->scene, view->id));
    if (view->last_dims && strcmp(payload, view->last_dims) == 0) {
        free(payload);
        return;
    }
    broadcast_plain(control, "notify.dims", payload, view, wants_dims, NULL);
    free(view->last_dims);
    view->last_dims = payload;
}

/* --- layers -------------------------------------------------------------------------------------
 */

static void send_layer(struct control *control, char *payload[SPEC_CLASSES], const char *intent)
{
    const struct history_frame *frame =
        history_append(control->history, HISTORY_LAYERS, payload, intent);
    char id[64];
    snprintf(id, sizeof id, "notify-layers-%s", frame->token);
    frame_broadcast(control,
                    &(struct envelope){.type = "notify.layers",
                                       .frame_id = id,
                                       .cursor = true,
                                       .seq = frame->seq,
                                       .token = frame->token,
                                       .intent = frame->intent},
                    (const char *const *)frame->payload, NULL, NULL);
}

/* The one intent behind all changes of a layer after `since`, or "". */
static const char *common_intent(const struct control *control, const char *id, uint64_t since)
{
    const char *intent = NULL;
    size_t cursor = 0;
    const struct record_entry *entry;
    while ((entry = record_next(control->scene->record, "layer", id, &cursor))) {
        if (entry->revision <= since)
            continue;
        if (intent && strcmp(intent, entry->origin.intent) != 0)
            return "";
        intent = entry->origin.intent;
    }
    return intent ? intent : "";
}

static char *layer_change(const struct control *control, const struct scene_layer *layer,
                          enum spec_class class, uint64_t since)
{
    cJSON *controls = spec_controls(control->scene, layer, class, since);
    const struct record_entry *name =
        record_find(control->scene->record, "layer", layer->id, "name");
    bool renamed = name && name->revision > since;
    if (!controls && !renamed)
        return NULL;
    cJSON *payload = cJSON_CreateObject();
    json_put_string(payload, "layer_id", layer->id);
    if (controls)
        json_put(payload, "controls", controls);
    if (class == SPEC_ORIEL) {
        cJSON *versions = json_put(payload, "control_versions",
                                   spec_control_versions(control->scene, layer, controls));
        if (renamed)
            json_put(versions, "name", spec_version(name));
    }
    /* The reference's client takes no top-level name. */
    if (renamed)
        json_put(class == SPEC_ORIEL ? payload : json_put(payload, "data", cJSON_CreateObject()),
                 "name", cJSON_Duplicate(name->value, true));
    return print_and_free(payload);
}

static void tell_layers(struct control *control)
{
    uint64_t since = control->told_layers;
    control->told_layers = record_revision(control->scene->record);
    for (size_t i = 0; i < control->scene->layer_count; i++) {
        const struct scene_layer *layer = control->scene->layers[i];
        char *payload[SPEC_CLASSES];
        bool any = false;
        for (int c = 0; c < SPEC_CLASSES; c++) {
            payload[c] = layer_change(control, layer, (enum spec_class)c, since);
            any = any || payload[c];
        }
        if (any)
            send_layer(control, payload, common_intent(control, layer->id, since));
    }
}

void notify_layer_state(struct control *control, int64_t now)
{
    (void)now;
    control->state_due_ns = INT64_MAX;
    for (size_t i = 0; i < control->scene->layer_count; i++) {
        struct scene_layer *layer = control->scene->layers[i];
        if (layer->state.told == layer->state.changed)
            continue;
        layer->state.told = layer->state.changed;
        cJSON *json = cJSON_CreateObject();
        json_put_string(json, "layer_id", layer->id);
        json_put(json, "oriel", spec_layer_state(layer));
        char *payload[SPEC_CLASSES] = {NULL, NULL};
        payload[SPEC_ORIEL] = print_and_free(json);
        send_layer(control, payload, NULL);
    }
}

/* --- baseline -----------------------------------------------------------------------------------
 */

static void send_topic(struct control *control, struct session *session, const char *type,
                       enum history_topic topic, cJSON *payload)
{
    frame_send_json(control, session,
                    &(struct envelope){.type = type,
                                       .cursor = true,
                                       .seq = history_seq(control->history, topic),
                                       .token = history_token(control->history, topic)},
                    payload);
}

static void replay(struct control *control, struct session *session, const char *type,
                   enum history_topic topic, const char *token)
{
    size_t count = history_after(control->history, topic, token);
    for (size_t i = 0; i < count; i++) {
        const struct history_frame *frame = history_frame(control->history, topic, token, i);
        if (frame->payload[session->class])
            frame_send(control, session,
                       &(struct envelope){.type = type,
                                          .cursor = true,
                                          .seq = frame->seq,
                                          .token = frame->token,
                                          .intent = frame->intent},
                       frame->payload[session->class]);
    }
}

static void baseline_layers(struct control *control, struct session *session)
{
    for (size_t i = 0; i < control->scene->layer_count; i++) {
        const struct scene_layer *layer = control->scene->layers[i];
        cJSON *controls = spec_controls(control->scene, layer, session->class, 0);
        if (!controls)
            continue;
        cJSON *payload = cJSON_CreateObject();
        json_put_string(payload, "layer_id", layer->id);
        json_put(payload, "controls", controls);
        send_topic(control, session, "notify.layers", HISTORY_LAYERS, payload);
    }
}

void notify_baseline(struct control *control, struct session *session, const struct resume *resume)
{
    send_topic(control, session, "notify.scene", HISTORY_SCENE,
               spec_scene(control->scene, session->class, control->fps));
    if (session->wants_dims)
        send_plain(control, session, "notify.dims", spec_dims(control->scene, session->view->id));
    if (session->class == SPEC_ORIEL) {
        uint64_t camera, other;
        const struct record_entry *latest;
        view_revisions(control, session->view, &camera, &other, &latest);
        session->view_told = newest(camera, other);
        send_plain(control, session, "notify.view", view_frame(control, session->view, latest));
    }
    if (resume && resume->layers)
        replay(control, session, "notify.layers", HISTORY_LAYERS, resume->layers_token);
    else
        baseline_layers(control, session);
    if (!resume) /* the scene changed, the stream did not */
        return;
    cJSON *stream = control->has_stream ? stream_payload(&control->stream) : NULL;
    if (stream && resume->stream)
        replay(control, session, "notify.stream", HISTORY_STREAM, resume->stream_token);
    else if (stream)
        send_topic(control, session, "notify.stream", HISTORY_STREAM,
                   cJSON_Duplicate(stream, true));
    cJSON_Delete(stream);
    if (session->wants_camera && control->scene->layer_count)
        send_plain(control, session, "notify.camera", pose_frame(control, session->view));
    if (session->class != SPEC_ORIEL)
        return;
    char *status = status_payload(control, session->view);
    char id[64];
    frame_id_make(control, "", id);
    frame_send(control, session, &(struct envelope){.type = "notify.status", .frame_id = id},
               status);
    free(status);
    /* Its pixel connection follows, and may need an encoder of its own. */
    if (control->status_due_ns == INT64_MAX)
        control->status_due_ns = clock_ns() + STATUS_INTERVAL_NS;
    const cJSON *fault;
    cJSON_ArrayForEach(fault, control->faults) notice_send(control, session, fault);
}

/* Layers came, went or changed places: everyone starts from a new scene. */
static void tell_scene(struct control *control)
{
    uint64_t revision = record_revision(control->scene->record);
    history_reset(control->history, HISTORY_SCENE);
    history_reset(control->history, HISTORY_LAYERS);
    control->told_scene = control->told_layers = revision;
    for (struct view *view = &control->main; view; view = view->next) {
        view->told_dims = revision;
        free(view->last_dims);
        view->last_dims = print_and_free(spec_dims(control->scene, view->id));
    }
    for (size_t i = 0; i < control->scene->layer_count; i++)
        control->scene->layers[i]->state.told = control->scene->layers[i]->state.changed;
    for (struct session *s = control->sessions; s; s = s->next) {
        if (s->state == SESSION_READY)
            notify_baseline(control, s, NULL);
    }
}

/* --- after every batch of messages ---------------------------------------------------------------
 */

static void post(struct control *control, struct view *view)
{
    struct scene_snapshot *snapshot = scene_snapshot_create(control->scene, view->id);
    view->posted = snapshot->scene.revision;
    if (view == &control->main) {
        pthread_mutex_lock(&control->mutex);
        struct scene_snapshot *old = control->current;
        control->current = scene_snapshot_ref(snapshot);
        pthread_mutex_unlock(&control->mutex);
        scene_snapshot_unref(old);
    }
    const struct oriel_camera *camera = &snapshot->scene.camera;
    struct pixel_pose pose = {
        .zoom = camera->zoom, .fov = camera->fov, .ndisplay = snapshot->scene.ndisplay};
    memcpy(pose.center, camera->center, sizeof pose.center);
    memcpy(pose.quat, camera->quat, sizeof pose.quat);
    if (view->stream)
        stream_note_pose(view->stream, view->posted, &pose);
    if (view->render)
        render_post(view->render, snapshot);
    scene_snapshot_unref(snapshot);
}

void notify_changes(struct control *control, int64_t now)
{
    /* The picture is what people wait for; then those who watch. */
    bool changed = false;
    for (struct view *view = &control->main; view; view = view->next) {
        if (scene_view_revision(control->scene, view->id) > view->posted) {
            post(control, view);
            changed = true;
        }
    }
    if (!changed)
        return;
    if (control->status_due_ns == INT64_MAX)
        control->status_due_ns = now + STATUS_INTERVAL_NS;
    if (revision_of(control, "scene", "main", "layers") > control->told_scene)
        tell_scene(control);
    for (struct view *view = &control->main; view; view = view->next)
        tell_dims(control, view);
    tell_layers(control);
    for (struct view *view = &control->main; view; view = view->next)
        tell_view(control, view, now);
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

void notify_timers(struct control *control, int64_t now, int64_t *deadline)
{
    for (struct view *view = &control->main; view; view = view->next) {
        if (now >= view->due_ns)
            send_views(control, view, now);
        if (view->due_ns < *deadline)
            *deadline = view->due_ns;
    }
    if (now >= control->state_due_ns)
        notify_layer_state(control, now);
    bool watched = false;
    for (const struct session *s = control->sessions; s; s = s->next)
        watched = watched || (s->state == SESSION_READY && s->class == SPEC_ORIEL);
    if (!watched)
        control->status_due_ns = INT64_MAX;
    if (now >= control->status_due_ns)
        tell_status(control, now);
    int64_t due[] = {control->state_due_ns, control->status_due_ns};
    for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
        if (due[i] < *deadline)
            *deadline = due[i];
    }
}
