/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/control.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "metrics/metrics.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/log.h"
#include "util/thread.h"

/* What may change while the room runs. */
static void configure(struct control *control, const struct config *config)
{
    control->config = config;
    control->update_rate = config_float(config, "control.update_rate");
    control->command_rate = config_float(config, "control.command_rate");
}

struct control *control_create(const struct config *config, struct registry *registry,
                               struct metrics *metrics, struct error *err)
{
    struct access *access = access_create(config, err);
    if (!access)
        return NULL;
    struct control *control = xcalloc(1, sizeof *control);
    control->access = access;
    control->thumbnails = thumbnails_create(config);
    control->registry = registry;
    control->metrics = metrics;
    control->heartbeat_s = config_float(config, "control.heartbeat_s");
    control->fps = config_float(config, "stream.fps");
    configure(control, config);
    static const char limited[] = "Requests of clients refused because they came too often.";
    control->limited_updates =
        metrics_counter(metrics, "oriel_rate_limited", "kind=\"update\"", limited);
    control->limited_commands =
        metrics_counter(metrics, "oriel_rate_limited", "kind=\"command\"", limited);
    control->garbage_counter = metrics_counter(metrics, "oriel_garbage_messages", NULL,
                                               "Messages of clients that could not be read.");
    control->frames_made = metrics_counter(metrics, "oriel_state_frames_serialised_total", NULL,
                                           "Frames of the state channel that were written.");
    control->frames_sent =
        metrics_counter(metrics, "oriel_state_frames_sent_total", NULL,
                        "Frames of the state channel that were sent; many share what was written.");
    control->sessions_gauge =
        metrics_gauge(metrics, "oriel_sessions", NULL, "Connected state sessions.");
    control->connects_counter = metrics_counter(metrics, "napari_cuda_state_connects", NULL,
                                                "State sessions since the start.");
    control->camera_counter = metrics_counter(metrics, "napari_cuda_state_camera_updates", NULL,
                                              "Relative camera moves of clients.");
    control->config_counter = metrics_counter(metrics, "napari_cuda_stream_config_sends", NULL,
                                              "Stream configurations told to clients.");
    control->scene = scene_create((uint32_t)config_int(config, "canvas.width"),
                                  (uint32_t)config_int(config, "canvas.height"));
    control->history = history_create((size_t)config_int(config, "control.history_layers"));
    control->frames = frame_log_create(config_string(config, "debug.frame_dir"));
    control->outbox = outbox_create(control->frames);
    control->faults = cJSON_CreateArray();
    control->state_due_ns = control->status_due_ns = INT64_MAX;
    view_init(&control->main, SCENE_MAIN);
    control->routes = routes_create();
    pthread_mutex_init(&control->mutex, NULL);
    cond_init(&control->wake);
    control->tail = &control->head;
    return control;
}

void control_set_rooms(struct control *control, const struct control_rooms *rooms)
{
    CHECK(!control->started);
    control->rooms = *rooms;
    control->main.render = rooms->render;
    control->main.stream = rooms->stream;
    if (rooms->stream)
        routes_add_view(control->routes, SCENE_MAIN, rooms->stream);
}

const struct access *control_access(const struct control *control)
{
    return control->access;
}

void control_set_canvas(struct control *control, uint32_t width, uint32_t height, bool home)
{
    CHECK(!control->started);
    struct scene *scene = control->scene;
    struct record_batch *batch = record_batch_create();
    record_put(batch, "view", SCENE_MAIN, "canvas",
               json_from_integers((int64_t[]){width, height}, 2));
    if (home && scene->layer_count) {
        struct scene_view view;
        scene_view_read(scene, SCENE_MAIN, &view);
        view.width = width;
        view.height = height;
        struct oriel_camera camera;
        scene_home(scene, &view, view.ndisplay, &camera);
        record_put(batch, "camera", SCENE_MAIN, scene_pose_key(view.ndisplay),
                   scene_pose_json(&camera));
    }
    record_commit(scene->record, batch, NULL);
}

struct scene_snapshot *control_snapshot(struct control *control)
{
    if (!control->started)
        return scene_snapshot_create(control->scene, SCENE_MAIN);
    pthread_mutex_lock(&control->mutex);
    struct scene_snapshot *snapshot = scene_snapshot_ref(control->current);
    pthread_mutex_unlock(&control->mutex);
    return snapshot;
}

void control_reconfigure(struct control *control, const struct config *config)
{
    struct message *message = message_create(MESSAGE_CONFIG, 0);
    message->config = config;
    control_post(control, message);
}

static void take(struct control *control, struct message *message)
{
    switch (message->kind) {
    case MESSAGE_OPEN:
        session_open(control, message);
        break;
    case MESSAGE_TEXT:
        session_text(control, message);
        break;
    case MESSAGE_CLOSED:
        session_closed(control, message->conn);
        break;
    case MESSAGE_FLOOD:
        session_flood(control, message->conn);
        break;
    case MESSAGE_NOTICE:
        notice_take(control, message->view, message->notice);
        break;
    case MESSAGE_STREAM:
        notice_stream(control, message->view, message->stream);
        break;
    case MESSAGE_FAULT:
        notice_view_fault(control, message->view, "encoder", "encoder.fault", message->text);
        break;
    case MESSAGE_DONE: {
        struct job *job = message->job;
        message->job = NULL;
        if (job->ran)
            job->done(control, job);
        else
            job->drop(job);
        break;
    }
    case MESSAGE_REQUEST:
        request_take(control, message->request);
        message->request = NULL;
        break;
    case MESSAGE_DEFERRED:
        loop_take(control, message);
        return;
    case MESSAGE_CONFIG:
        configure(control, message->config);
        break;
    case MESSAGE_STATE: /* heard at the end of the turn */
        break;
    }
    message_destroy(message);
}

/* Waits until `deadline` for messages; what they want, and what follows. `deadline` becomes the
 * next one. False: the room stops. */
static bool turn(struct control *control, int64_t *deadline)
{
    bool stopping;
    struct message *message = control_collect(control, *deadline, &stopping);
    while (message) {
        struct message *next = message->next;
        message->next = NULL;
        take(control, message);
        message = next;
    }
    if (stopping)
        return false;
    int64_t now = clock_ns();
    *deadline = INT64_MAX;
    loop_timers(control, now, deadline);
    play_timers(control, now, deadline);
    call_timers(control, now, deadline);
    removed_expire(control, now, deadline);
    notify_changes(control, now);
    notify_timers(control, now, deadline);
    numbers_timers(control, now, deadline);
    thumbnails_timers(control, now, deadline);
    session_timers(control, now, deadline);
    state_store(control, deadline);
    outbox_flush(control->outbox);
    if (control->forgotten != control->told_scene || control->keys_gone) {
        control->forgotten = control->told_scene;
        control->keys_gone = false;
        command_forget(control);
    }
    return true;
}

/* Whom this answers may ask for more, which ends the same way. */
static void messages_destroy(struct control *control)
{
    bool stopping;
    for (struct message *message; (message = control_collect(control, 0, &stopping));) {
        while (message) {
            struct message *next = message->next;
            message_destroy(message);
            message = next;
        }
    }
}

bool control_turn(struct control *control)
{
    CHECK(!control->started);
    int64_t deadline = 0;
    turn(control, &deadline);
    pthread_mutex_lock(&control->mutex);
    bool more = control->head;
    pthread_mutex_unlock(&control->mutex);
    return more;
}

static void *run(void *data)
{
    struct control *control = data;
    int64_t deadline = 0;
    while (turn(control, &deadline)) {
    }
    notify_changes(control, clock_ns()); /* of the last batch, which was not a turn of its own */
    state_store(control, &deadline);
    for (struct session *s = control->sessions; s; s = s->next)
        session_goodbye(control, s, "shutdown", "the server stops", "server_shutdown", 1001);
    outbox_flush(control->outbox);
    return NULL;
}

static void begin(struct control *control, bool threads)
{
    views_start(control);
    play_changed(control, &control->main, clock_ns());
    struct scene_snapshot *snapshot = scene_snapshot_create(control->scene, SCENE_MAIN);
    control->current = snapshot;
    uint64_t revision = record_revision(control->scene->record);
    control->told_layers = control->told_scene = revision;
    control->main.told_dims = control->main.told_pose = revision; /* the thread posts it */
    if (control->main.stream && stream_current(control->main.stream, &control->stream))
        control->has_stream = true;
    control->worker = worker_create(control, threads);
}

void control_start_still(struct control *control)
{
    begin(control, false);
}

bool control_start(struct control *control, struct error *err)
{
    begin(control, true);
    control->started = thread_start(&control->thread, "control", run, control);
    return control->started || error_set(err, "the control thread cannot be started");
}

void control_stop(struct control *control)
{
    if (!control->started)
        return;
    pthread_mutex_lock(&control->mutex);
    control->stopping = true;
    pthread_cond_signal(&control->wake);
    pthread_mutex_unlock(&control->mutex);
    pthread_join(control->thread, NULL);
    control->started = false;
    state_close(control);
    loop_close(control);
    call_stop(control);
    worker_destroy(control->worker); /* what it still finishes stays in the queue */
    control->worker = NULL;
    views_stop(control);
}

void control_destroy(struct control *control)
{
    if (!control)
        return;
    control_stop(control);
    state_close(control);
    loop_close(control);
    worker_destroy(control->worker);
    views_stop(control);
    messages_destroy(control);
    inboxes_destroy(control);
    while (control->sessions) {
        struct session *next = control->sessions->next;
        free(control->sessions);
        control->sessions = next;
    }
    while (control->removed) {
        struct removed *next = control->removed->next;
        scene_layer_destroy(control->removed->layer);
        free(control->removed);
        control->removed = next;
    }
    for (size_t i = 0; i < control->allowed_count; i++)
        free(control->allowed[i]);
    free(control->allowed);
    scene_snapshot_unref(control->current);
    scene_destroy(control->scene);
    history_destroy(control->history);
    outbox_destroy(control->outbox);
    frame_log_destroy(control->frames);
    cJSON_Delete(control->faults);
    view_finish(&control->main);
    routes_destroy(control->routes);
    access_destroy(control->access);
    thumbnails_destroy(control->thumbnails);
    pthread_mutex_destroy(&control->mutex);
    pthread_cond_destroy(&control->wake);
    free(control);
}
