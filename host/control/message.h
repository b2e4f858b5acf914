/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control thread is given, and the queue that it waits at. */
#ifndef CONTROL_MESSAGE_H
#define CONTROL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "control/access.h"
#include "control/surface.h"
#include "control/worker.h"
#include "oriel/transport.h"
#include "pixel/stream.h"
#include "render/render.h"
#include "scene/scene.h"

struct config;
struct control;

enum message_kind {
    MESSAGE_OPEN,
    MESSAGE_TEXT,
    MESSAGE_CLOSED,
    MESSAGE_FLOOD, /* more came from the connection than may wait */
    MESSAGE_NOTICE,
    MESSAGE_STREAM,
    MESSAGE_FAULT,
    MESSAGE_REQUEST,  /* of surface.h */
    MESSAGE_DONE,     /* a job of the worker */
    MESSAGE_DEFERRED, /* a module's */
    MESSAGE_CONFIG,   /* other values */
    MESSAGE_STATE     /* the journal has something to say */
};

/* What surface.h takes. */
struct request {
    enum { REQUEST_UPDATE, REQUEST_CALL, REQUEST_CANCEL } kind;
    char id[64], view[SCENE_VIEW_ID]; /* of the actor */
    enum access_role role;
    char *scope, *target, *key; /* key is the command of a call */
    cJSON *value;               /* or kwargs */
    int64_t timeout_ms;
    uint64_t number;
    surface_done *done;
    void *data;
};

struct deferred {
    int64_t due_ns;
    void (*run)(void *data);
    void *data;
};

/* One event for the control thread. */
struct message {
    struct message *next;
    enum message_kind kind;
    int64_t received_ns;
    uint64_t conn;
    const struct oriel_transport *transport;
    void *self;
    char peer[64];
    enum access_role role; /* OPEN */
    uint32_t text_kind;
    size_t bytes;
    char *text;                   /* owned; TEXT, FAULT */
    char view[SCENE_VIEW_ID];     /* NOTICE, STREAM, FAULT */
    struct render_notice *notice; /* owned, as what follows */
    struct stream_info *stream;
    struct job *job;
    struct request *request;
    struct deferred deferred;
    const struct config *config; /* borrowed; CONFIG */
};

/* queue.c [any-thread] */
struct message *message_create(enum message_kind kind, uint64_t conn);
void message_destroy(struct message *message);
void control_post(struct control *control, struct message *message); /* takes it */
/* All that waits, in order; waits for something until `deadline`. [control] */
struct message *control_collect(struct control *control, int64_t deadline, bool *stopping);
void inboxes_destroy(struct control *control);

/* surface.c */
void request_take(struct control *control, struct request *request);
void request_drop(struct request *request); /* answers that the room stops */

#endif
