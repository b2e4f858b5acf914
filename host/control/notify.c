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

static void send_plain(struct control *control, struct session *session, const char *type,
                       cJSON *payload)
{
    char id[64];
    frame_id_make(control, "", id);
    frame_send_json(control, session, &(struct envelope){.type = type, .frame_id = id}, payload);
}

void notify_plain(struct control *control, const char *type, const char *payload,
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
        json_print_free(camera_frame(mode, "state.update", "delta", cJSON_Duplicate(delta, true)));
    notify_plain(control, "notify.camera", payload, view, wants_camera, intent);
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
        /* Who moved the camera has it already, and its frames say what it was; unless it has been
         * told somebody else's since, which may have crossed its own. */
        bool own = latest && latest->origin.shown && strcmp(latest->origin.session, s->id) == 0;
        s->view_pending = !own || s->view_foreign || s->view_told < other;
        s->view_foreign = !own;
        s->view_told = newest(camera, other);
        any = any || s->view_pending;
    }
    if (any) {
        char *payload = json_print_free(view_frame(control, view, latest));
        notify_plain(control, "notify.view", payload, view, view_pending, NULL);
        free(payload);
    }
    if (camera > view->told_pose) {
        view->told_pose = camera;
        char *payload = json_print_free(pose_frame(control, view));
        notify_plain(control, "notify.camera", payload, view, wants_camera, NULL);
        free(payload);
    }
    view->told_ns = now;
    view->due_ns = INT64_MAX;
}

void notify_view_again(struct session *session)
{
    session->view_told = 0;
    session->view->due_ns = 0;
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
    char *payload = json_print_free(spec_dims(control->scene, view->id));
    if (view->last_dims && strcmp(payload, view->last_dims) == 0) {
        free(payload);
        return;
    }
    notify_plain(control, "notify.dims", payload, view, wants_dims, NULL);
    free(view->last_dims);
    view->last_dims = payload;
}

/* --- layers -------------------------------------------------------------------------------------
 */

/* To those who look at `view`; NULL: to all. */
static void send_layer(struct control *control, char *payload[SPEC_CLASSES], const char *intent,
                       const struct view *view)
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
                    (const char *const *)frame->payload, view, NULL);
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
        const cJSON *range = cJSON_GetObjectItemCaseSensitive(controls, "contrast_limits_range");
        if (range)
            json_put(json_put(payload, "oriel", cJSON_CreateObject()), "iso_range",
                     cJSON_Duplicate(range, true));
    }
    /* The reference's client takes no top-level name, and builds the layer anew for one in `data`,
     * without its picture. */
    if (renamed)
        json_put(class == SPEC_ORIEL ? payload : json_put(payload, "data", cJSON_CreateObject()),
                 "name", cJSON_Duplicate(name->value, true));
    const char *picture = class == SPEC_CLASSIC ? thumbnails_classic(control, layer) : NULL;
    if (renamed && picture)
        cJSON_AddRawToObject(payload, "thumbnail", picture);
    return json_print_free(payload);
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
            send_layer(control, payload, common_intent(control, layer->id, since), NULL);
    }
}

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

static cJSON *state_payload(const struct view *view, const struct scene_layer *layer)
{
    cJSON *json = cJSON_CreateObject();
    json_put_string(json, "layer_id", layer->id);
    json_put(json, "oriel", notice_layer_state(view, layer));
    return json;
}

/* What the renderers of forks say is told to their sessions alone, and is not kept for those who
 * come back: these begin with the shared view. */
static void tell_fork_state(struct control *control, struct view *view)
{
    for (struct view_layer *own = view->layers; own; own = own->next) {
        const struct scene_layer *layer = scene_find_key(control->scene, own->key);
        if (!layer || own->told)
            continue;
        own->told = true;
        for (struct session *s = control->sessions; s; s = s->next) {
            if (s->view == view && s->state == SESSION_READY)
                send_topic(control, s, "notify.layers", HISTORY_LAYERS, state_payload(view, layer));
        }
    }
}

static void notify_layer_state(struct control *control)
{
    control->state_due_ns = INT64_MAX;
    for (struct view *view = control->main.next; view; view = view->next)
        tell_fork_state(control, view);
    for (size_t i = 0; i < control->scene->layer_count; i++) {
        struct scene_layer *layer = control->scene->layers[i];
        if (layer->state.told == layer->state.changed)
            continue;
        layer->state.told = layer->state.changed;
        char *payload[SPEC_CLASSES] = {NULL, NULL};
        payload[SPEC_ORIEL] = json_print_free(state_payload(&control->main, layer));
        send_layer(control, payload, NULL, &control->main);
    }
}

/* --- baseline -----------------------------------------------------------------------------------
 */

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
        if (session->class == SPEC_ORIEL)
            json_put(payload, "control_versions",
                     spec_control_versions(control->scene, layer, controls));
        send_topic(control, session, "notify.layers", HISTORY_LAYERS, payload);
    }
}

static void baseline_view(struct control *control, struct session *session)
{
    if (session->wants_dims)
        send_plain(control, session, "notify.dims", spec_dims(control->scene, session->view->id));
    if (session->class != SPEC_ORIEL)
        return;
    uint64_t camera, other;
    const struct record_entry *latest;
    view_revisions(control, session->view, &camera, &other, &latest);
    session->view_foreign = true;
    session->view_told = newest(camera, other);
    send_plain(control, session, "notify.view", view_frame(control, session->view, latest));
}

/* The camera of a session's view, and what its rooms are and do. */
static void baseline_rooms(struct control *control, struct session *session)
{
    if (session->wants_camera && control->scene->layer_count)
        send_plain(control, session, "notify.camera", pose_frame(control, session->view));
    if (session->wants_level && control->scene->layer_count)
        numbers_send_level(control, session);
    const cJSON *fault;
    cJSON_ArrayForEach(fault, session->view->faults) notice_send(control, session, fault);
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
}

void notify_baseline(struct control *control, struct session *session, const struct resume *resume)
{
    send_topic(control, session, "notify.scene", HISTORY_SCENE,
               spec_scene(control->scene, session->class, control->fps));
    baseline_view(control, session);
    if (resume && resume->layers)
        replay(control, session, "notify.layers", HISTORY_LAYERS, resume->layers_token);
    else
        baseline_layers(control, session);
    thumbnails_send(control, session);
    if (!resume) /* the scene changed, the stream did not */
        return;
    cJSON *stream = control->has_stream ? stream_payload(&control->stream) : NULL;
    if (stream && resume->stream)
        replay(control, session, "notify.stream", HISTORY_STREAM, resume->stream_token);
    else if (stream)
        send_topic(control, session, "notify.stream", HISTORY_STREAM,
                   cJSON_Duplicate(stream, true));
    cJSON_Delete(stream);
    baseline_rooms(control, session);
    const cJSON *fault;
    cJSON_ArrayForEach(fault, control->faults) notice_send(control, session, fault);
}

void notify_view_entered(struct control *control, struct session *session)
{
    baseline_view(control, session);
    baseline_rooms(control, session);
    for (size_t i = 0; i < control->scene->layer_count; i++)
        send_topic(control, session, "notify.layers", HISTORY_LAYERS,
                   state_payload(session->view, control->scene->layers[i]));
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
        view->last_dims = json_print_free(spec_dims(control->scene, view->id));
    }
    for (size_t i = 0; i < control->scene->layer_count; i++)
        control->scene->layers[i]->state.told = control->scene->layers[i]->state.changed;
    notice_forget_layers(control);
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
    thumbnails_changed(control, now);
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

void notify_timers(struct control *control, int64_t now, int64_t *deadline)
{
    for (struct view *view = &control->main; view; view = view->next) {
        if (now >= view->due_ns)
            send_views(control, view, now);
        if (view->due_ns < *deadline)
            *deadline = view->due_ns;
    }
    if (now >= control->state_due_ns)
        notify_layer_state(control);
    if (control->state_due_ns < *deadline)
        *deadline = control->state_due_ns;
}
