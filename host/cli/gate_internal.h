/* SPDX-License-Identifier: BSD-3-Clause */
/* The gate's own: its doors, one for each transport (doors.c), and the connections that came
 * through them (gate.c). */
#ifndef CLI_GATE_INTERNAL_H
#define CLI_GATE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "cli/gate.h"

/* A connection's number for the rooms: the transport's own number, with the door's index on top. */
#define DOOR_SHIFT 48u
#define DOOR_MOST 65535u
#define CONN_MASK ((UINT64_C(1) << DOOR_SHIFT) - 1)

enum channel { CHANNEL_STATE = 1, CHANNEL_PIXEL };

/* One transport as the rooms see it: `door_vtable` with this struct as self. It stays until the
 * gate goes, as rooms may still name it, its transport only as long as somebody is connected. */
struct door {
    struct door *next; /* older */
    struct gate *gate;
    uint64_t index;
    struct module_use use;
    const struct oriel_transport *real;
    void *real_self;
    /* Held while create() runs: a connection may come before it has returned, and waits here. */
    pthread_mutex_t opening;
    struct oriel_transport_host callbacks;
    struct oriel_config config;
    const struct door *before; /* whose ports it takes where it may choose; during create() */

    /* Under the gate's lock. */
    unsigned conns, owed; /* connections, and answers to requests that come later */
    unsigned users;       /* calls into the transport that are running */
    bool retired;         /* nobody new comes in */
    bool gone;            /* the transport is not called any more */
    pthread_t reaper;     /* of a retired one: waits until nobody needs it */
};

/* Open connections, a hash table with chains; few hundred at most. */
struct conn_entry {
    struct conn_entry *next;
    uint64_t conn;
    struct door *door;
    enum channel channel;
    char view[16]; /* PIXEL */
};
#define CONN_BUCKETS 256u

struct gate {
    struct gate_rooms rooms;
    struct site *site;
    const struct oriel_buffer *colormaps;
    atomic_bool ready;

    pthread_mutex_t lock;
    pthread_cond_t quiet; /* less goes on at a door */
    struct door *doors;
    uint64_t door_count;
    bool closing;
    struct conn_entry *conns[CONN_BUCKETS];
};

/* gate.c */
extern const struct oriel_transport_host gate_callbacks; /* without their data */

/* doors.c */
extern const struct oriel_transport door_vtable;
void door_respond(struct door *door, uint64_t id, const struct oriel_response *response);
/* So many requests more are, or are no more, to be answered later. */
void door_owes(struct door *door, int more);
/* The first bound address of a listener; false when there is none. */
bool door_endpoint(const struct door *door, uint32_t listener, struct oriel_endpoint *endpoint);
void doors_free(struct gate *gate); /* after gate_close */

#endif
