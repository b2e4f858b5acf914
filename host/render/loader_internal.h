/* SPDX-License-Identifier: BSD-3-Clause */
/* The loader's own state, for loader.c (threads and reads) and lane.c (want lists). Everything is
 * under the loader's mutex. */
#ifndef RENDER_LOADER_INTERNAL_H
#define RENDER_LOADER_INTERNAL_H

#include <pthread.h>

#include "render/arena.h"
#include "render/loader.h"

/* One entry of a lane's newest list. */
struct item {
    struct want want;    /* with a reference of its dataset */
    struct block *block; /* a reference; NULL once it has been taken or only had to be there */
    struct lane *lane;
    struct item *next_wanting; /* of those that wait for this block, one for each lane */
    struct item *next_ready;   /* of those the lane can take, or that wait for their gather */
    struct made made;
    bool ready;       /* it is one of them … */
    uint64_t untaken; /* … and counts for so many bytes */
};

struct lane {
    struct loader *loader;
    struct lane *next;
    void (*wake)(void *data);
    void *data;
    struct item *items;
    size_t count;
    size_t cursor;    /* no IDLE block stands before it */
    int64_t retry_ns; /* the earliest of the FAILED ones, INT64_MAX: none */
    struct item *first_ready, **last_ready;
    struct item *first_raw, **last_raw; /* read, and something is to be made of them */
    uint64_t list;                      /* the newest one's number */
    unsigned making;                    /* threads that make something for it */
    uint64_t untaken;                   /* bytes that were read and not yet taken */
    bool news;                          /* to be woken */
    unsigned waking;                    /* calls of wake that are running */
};

struct loader {
    pthread_t *threads; /* set once */
    unsigned thread_count;
    pthread_t maker; /* never reads: what has been read does not wait for slow storage */
    bool has_maker;

    pthread_mutex_t mutex;
    pthread_cond_t work; /* something to read or to make, or the end */
    pthread_cond_t raw;  /* something to make, or the end */
    pthread_cond_t done; /* a read or a wake ended */
    bool quit;
    struct cache *cache;
    struct arena *arena; /* has a lock of its own */
    struct lane *lanes;  /* in the order of their turns */
    uint64_t lists;      /* stated so far */
    struct loader_stats stats, told;
};

/* lane.c, locked */

/* Whose turn it is; NULL: nothing to read. *retry_ns: when there may be. */
struct item *lanes_next(struct loader *loader, int64_t now, int64_t *retry_ns);
/* An item whose block is to be made something of, NULL: none. */
struct item *lanes_raw(struct loader *loader);
/* Makes it; unlocks meanwhile. */
void lanes_make(struct loader *loader, struct item *item);
/* A block has become READY or FAILED. The caller has a reference. */
void lanes_resolved(struct loader *loader, struct block *block);
/* A block is IDLE again. */
void lanes_read_again(struct block *block);
/* Calls the wakes that are due; unlocks meanwhile. */
void lanes_wake(struct loader *loader);

/* loader.c */
uint64_t want_bytes(const struct want *want);

#endif
