/* SPDX-License-Identifier: BSD-3-Clause */
/* Somebody who looks at the server from inside it: connections as a client's, without a network.
 *
 * One thread makes the connections and takes what is sent on them, in order. What comes is queued
 * under the lock; everything else of a viewer, and all that its owner does in `work`, belongs to
 * that thread. */
#ifndef TRANSPORT_VIEWER_H
#define TRANSPORT_VIEWER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "oriel/transport.h"

#define VIEWER_CONNS 8u
#define VIEWER_CLOSED 0u /* kind of a message: the host has closed, `head` is its reason */

struct viewer_message {
    struct viewer_message *next;
    uint64_t conn;
    const struct oriel_buffer *buffer; /* a reference of its own, or NULL */
    int64_t queued_ns;
    uint32_t kind; /* ORIEL_MESSAGE_*, VIEWER_CLOSED */
    uint32_t head_bytes;
    uint8_t head[];
};

/* What the owner does, all on the viewer's thread. */
struct viewer_work {
    void (*begin)(void *owner); /* opens connections */
    void (*message)(void *owner, const struct viewer_message *message);
    /* After every message and when a deadline has come; when it is to be called at the latest. */
    int64_t (*tick)(void *owner, int64_t now_ns);
    void (*end)(void *owner); /* before the end, or a rest: connections are closed after it */
};

struct viewer {
    const struct oriel_host *host;
    const struct oriel_transport_host *to;
    const struct viewer_work *work;
    void *owner;
    const char *peer;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct viewer_message *first, *last;
    struct viewer_conn {
        uint64_t id; /* 0: free */
        struct oriel_queued unsent;
        bool shut; /* nothing is queued any more */
    } conns[VIEWER_CONNS];
    uint64_t next_id;
    bool stop, rest; /* `rest`: it looks no more until it is asked to */
    bool active;     /* between begin() and end() */
    bool poked;      /* tick() is due */
};

/* `peer` names it in the host's log. False: no thread. [main] */
bool viewer_start(struct viewer *viewer, const struct oriel_host *host,
                  const struct oriel_transport_host *to, const char *peer,
                  const struct viewer_work *work, void *owner);
/* After what has come is taken. Also of one that never started. [main] */
void viewer_stop(struct viewer *viewer);
/* Closes everything, or begins again; done on return. [any-thread but the viewer's] */
void viewer_rest(struct viewer *viewer, bool rest);

/* tick() comes soon. [any-thread] */
void viewer_poke(struct viewer *viewer);

/* On the viewer's thread. A connection, 0 when it is refused; `status` says how. `token` NULL or
 * "": none. */
uint64_t viewer_open(struct viewer *viewer, const char *path, const char *query, const char *token,
                     uint32_t *status);
void viewer_say(struct viewer *viewer, uint64_t conn, const char *text);
void viewer_close(struct viewer *viewer, uint64_t conn); /* 0 is fine */

/* What a transport that begins with its viewer puts into its table, beside create(). It listens
 * nowhere, and hands over by looking no more. */
#define VIEWER_TRANSPORT                                                                           \
    .destroy = viewer_destroy, .get_interface = viewer_interface, .endpoint = viewer_endpoint,     \
    .send = viewer_send, .queued = viewer_queued, .close = viewer_shut, .respond = viewer_respond
void viewer_destroy(void *self); /* stopped, and freed */
const void *viewer_interface(void *self, const char *id);
oriel_result viewer_endpoint(void *self, uint32_t index, struct oriel_endpoint *endpoint);
oriel_result viewer_send(void *self, uint64_t conn, const struct oriel_message *message);
oriel_result viewer_queued(void *self, uint64_t conn, struct oriel_queued *queued);
void viewer_shut(void *self, uint64_t conn, uint32_t code, const char *reason);
void viewer_respond(void *self, uint64_t id, const struct oriel_response *response);

int64_t viewer_now(void); /* monotonic, ns */
void viewer_log(const struct viewer *viewer, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
