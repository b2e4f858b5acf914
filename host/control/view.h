/* SPDX-License-Identifier: BSD-3-Clause */
/* Views: the shared one, and those of sessions; the rooms that draw and encode them. [control] */
#ifndef CONTROL_VIEW_H
#define CONTROL_VIEW_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/surface.h"
#include "scene/scene.h"
#include "util/error.h"

struct control;
struct render;
struct session;
struct stream;

/* What the renderer of a view said last about a layer. That of the shared view is in the layer too,
 * with the error, which is the same for all. */
struct view_layer {
    struct view_layer *next;
    uint64_t key;
    bool loading, failed, told;
    uint32_t level;
};

/* A view and the rooms that draw and encode it. */
struct view {
    struct view *next;
    char id[SCENE_VIEW_ID];
    struct render *render; /* NULL: none */
    struct stream *stream; /* NULL: none */
    bool ending;           /* in control->aside: not on its way in, but out */
    struct view_layer *layers;
    cJSON *faults; /* errors of these rooms that hold now, as in struct control */
    /* What its clients have been told, as revisions of the record. */
    uint64_t posted, told_dims, told_pose;
    int64_t told_ns, due_ns; /* notify.view; INT64_MAX: nothing waits */
    char *last_dims, *last_status;
    int64_t telemetry_ns; /* when the newest notify.telemetry was made; 0: never */
    uint64_t pictures;    /* encoded until then */
    uint32_t level;       /* of the first layer, as the newest picture has it */
    struct {
        int64_t next_ns; /* INT64_MAX: still */
        int direction;
    } play;
};

/* views.c */
struct view *view_find(struct control *control, const char *id); /* NULL: there is none */
void view_init(struct view *view, const char *id);
void view_finish(struct view *view);
/* The session looks at the shared view again; a fork of its own ends. */
void view_follow(struct control *control, struct session *session);
/* Forks in the record belong to sessions of the past. Before the thread starts. */
void views_start(struct control *control);
/* Ends what is left of forks. The thread has ended, and the worker. */
void views_stop(struct control *control);

/* routes.c: which stream pixel connections get. Safe on any thread. */
struct routes *routes_create(void);
void routes_destroy(struct routes *routes); /* NULL is fine */
void routes_add_view(struct routes *routes, const char *view, struct stream *stream);
/* Nobody gets it any more. */
void routes_remove_view(struct routes *routes, const char *view);
/* Waits until nobody has it any more. */
void routes_wait(struct routes *routes, const char *view);
/* `ticket` "": it has none. */
void routes_add_session(struct routes *routes, const char *session, const char *ticket,
                        const char *view);
void routes_set_session(struct routes *routes, const char *session, const char *view);
void routes_remove_session(struct routes *routes, const char *session);

/* play.c */
void play_changed(struct control *control, struct view *view, int64_t now);
void play_timers(struct control *control, int64_t now, int64_t *deadline);

#endif
