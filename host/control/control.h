/* SPDX-License-Identifier: BSD-3-Clause */
/* The control room: one thread that owns the scene record and every session. It takes messages of
 * state connections, notices of the render room and calls of the command line, reduces them into
 * the record, acknowledges, notifies every client, and posts the new snapshot. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oriel/transport.h"
#include "pixel/stream.h"
#include "render/render.h"
#include "scene/snapshot.h"
#include "util/error.h"

struct cJSON;
struct config;
struct control;
struct metrics;
struct registry;
struct render_pool;

/* The rooms it drives; set before control_start. */
struct control_rooms {
    struct render_pool *pool; /* for values and pictures besides the stream; NULL: none */
    struct render *render;
    struct stream *stream;
    /* Make and end the rooms of a view of a session's own; NULL: there are none such. They take
     * their time. [control's worker; control_stop and control_destroy] */
    bool (*open_view)(void *data, const char *id, struct render **render, struct stream **stream,
                      struct error *err);
    void (*close_view)(void *data, const char *id);
    /* Exchanges a module while everything runs, or reads the configuration again: what came of it
     * (docs/protocol/state.md), or NULL with the reason, and nothing is different. They take their
     * time; NULL: this server cannot. [control's worker, one at a time] */
    struct cJSON *(*swap_module)(void *data, const char *kind, const char *to, const char *from,
                                 struct error *err);
    struct cJSON *(*reload)(void *data, struct error *err);
    /* "list", or "start" or "stop" of the experiment `name`: all of them, or NULL with the reason.
     * As above. */
    struct cJSON *(*experiments)(void *data, const char *what, const char *name, struct error *err);
    /* Another process has taken the state directory over; nothing is acknowledged any more, and
     * the sessions have been told. NULL is fine. [control] */
    void (*fenced)(void *data);
    void *data;
};

/* The record is empty ("idle") until something is opened. */
struct control *control_create(const struct config *config, struct registry *registry,
                               struct metrics *metrics, struct error *err);
/* Offers "oriel.host.loop/1" to modules that are made from now on, until control_stop. What they
 * defer before control_start waits for it. */
void control_publish_loop(struct control *control);
void control_set_rooms(struct control *control, const struct control_rooms *rooms);
bool control_start(struct control *control, struct error *err);
/* The same without threads, for who wants each step at its time: control_turn() takes what waits
 * and does what follows from it. True: more waits. */
void control_start_still(struct control *control);
bool control_turn(struct control *control);
/* From now on; it outlives the room. [any-thread] */
void control_reconfigure(struct control *control, const struct config *config);
/* Goodbye to every session, then stops the thread. */
void control_stop(struct control *control);
void control_destroy(struct control *control); /* NULL is fine */

/* Before control_start: what `oriel serve DATA…` and --scene open, added to what is there; the view
 * becomes that of the file. A path that cannot be opened is an error naming it. */
bool control_open_data(struct control *control, const char *uri, struct error *err);
bool control_open_scene(struct control *control, const char *path, struct error *err);
/* Before those two: locks state.dir, and puts back the scene that is kept there if `named` is what
 * it was begun with, or empty. From then on nothing is acknowledged before it is stored, unless
 * it cannot be: then the clients are told so (state.not_stored). */
struct control_named {
    const char *const *data;
    size_t data_count;
    const char *scene_file; /* or NULL */
};
enum control_restored {
    CONTROL_NEW,      /* open what is named */
    CONTROL_RESTORED, /* the scene is there */
    CONTROL_BUSY,     /* another process owns the directory */
    CONTROL_UNUSABLE  /* err says why */
};
enum control_restored control_restore(struct control *control, const struct control_named *named,
                                      struct error *err);
/* The snapshot of what is in the record now; the caller's reference. Also for `oriel render`. */
struct scene_snapshot *control_snapshot(struct control *control);
/* Before control_start: canvas size in pixels; resets the camera when `home`. */
void control_set_canvas(struct control *control, uint32_t width, uint32_t height, bool home);

/* Who may do what here. */
const struct access *control_access(const struct control *control);

/* State connections. `token` is that of the request, or "". [any-thread] */
void control_conn_open(struct control *control, const struct oriel_transport *transport, void *self,
                       uint64_t conn, const char *token, const char *peer);
void control_conn_message(struct control *control, uint64_t conn, uint32_t kind,
                          const uint8_t *data, uint64_t bytes);
void control_conn_closed(struct control *control, uint64_t conn);

/* The session that has been told `ticket`; false: none, or it has ended. [any-thread] */
bool control_ticket(struct control *control, const char *ticket, char session[256]);
/* Pixel connections. The stream of the view that session `session` looks at, with the name of the
 * view, or of the view itself; NULL when there is none. It stays until it is released, which is to
 * be soon. [any-thread] */
struct stream *control_stream_of(struct control *control, const char *session, char view[16]);
struct stream *control_stream_hold(struct control *control, const char *view);
void control_stream_release(struct control *control, const char *view);

/* For render_events and stream_events of a view. [any-thread] */
void control_render_notice(struct control *control, const char *view,
                           const struct render_notice *notice);
void control_stream_config(struct control *control, const char *view,
                           const struct stream_info *info);
void control_stream_fault(struct control *control, const char *view, const char *text);

#endif
