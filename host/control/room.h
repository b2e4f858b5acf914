/* SPDX-License-Identifier: BSD-3-Clause */
/* The control room itself. Everything in it belongs to the control thread, the queue aside. */
#ifndef CONTROL_ROOM_H
#define CONTROL_ROOM_H

#include <pthread.h>

#include "control/access.h"
#include "control/call.h"
#include "control/control.h"
#include "control/envelope.h"
#include "control/files.h"
#include "control/frame_log.h"
#include "control/history.h"
#include "control/message.h"
#include "control/open.h"
#include "control/outbox.h"
#include "control/session.h"
#include "control/state.h"
#include "control/tell.h"
#include "control/view.h"
#include "control/worker.h"
#include "util/clock.h"

/* A layer that was removed and may come back. */
struct removed {
    struct removed *next;
    struct scene_layer *layer;
    size_t index;
    int64_t until_ns;
};

struct control {
    const struct config *_Atomic config;
    struct registry *registry;
    struct metrics *metrics;
    struct access *access;
    struct thumbnails *thumbnails;
    double heartbeat_s;
    double fps;
    double update_rate, command_rate;
    struct metric *limited_updates, *limited_commands, *garbage_counter;
    struct metric *frames_made, *frames_sent;
    struct metric *sessions_gauge, *camera_counter, *connects_counter, *config_counter;

    struct scene *scene;
    struct view main;   /* the first of the views; never goes */
    struct view *aside; /* views whose rooms are being made or ended */
    struct control_rooms rooms;
    struct routes *routes;
    struct history *history;
    struct frame_log *frames; /* or NULL */
    struct outbox *outbox;
    struct state *state; /* NULL: nothing is kept */
    struct worker *worker;
    struct session *sessions;
    struct removed *removed;
    char **allowed; /* what may be opened without data.root: named on the command line */
    size_t allowed_count;

    /* What clients have been told, as revisions of the record. */
    uint64_t told_layers, told_scene;
    uint64_t forgotten; /* told_scene when command_forget was here last */
    bool keys_gone;     /* since then: of layers that could have come back until now */
    int64_t state_due_ns, status_due_ns; /* INT64_MAX: nothing waits */
    cJSON *faults; /* errors of the data that hold now: payloads of notify.error, for clients that
                      come later */
    struct stream_info stream;
    bool has_stream;
    struct call *calls; /* that have not been answered yet */
    uint64_t next_frame_id;
    struct message *deferred; /* by due time */

    pthread_t thread;
    bool started;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    struct message *head, **tail;
    struct inbox *inboxes; /* queue.c: of connections */
    uint64_t batch;        /* counts the times that the queue was emptied */
    bool stopping;
    uint64_t next_call;
    struct scene_snapshot *current; /* of the shared view */
};

/* loop.c */
void loop_take(struct control *control, struct message *message); /* takes it */
void loop_timers(struct control *control, int64_t now, int64_t *deadline);
/* Nothing can be deferred any more; what was is called now. After the thread's end. */
void loop_close(struct control *control);

#endif
