/* SPDX-License-Identifier: BSD-3-Clause */
/* A pool of threads that reads blocks in the order of want lists, and the cache of what they read.
 *
 * Everyone who wants blocks has a lane of their own; the lanes take turns, and what somebody waits
 * for comes before what is only prefetched. A want list is a statement, not a queue: each one
 * replaces the one before. What is in no list any more is not read, and a read of it that is
 * running is cancelled. A block is read once however many want it. A block that fails is tried
 * again, ever more rarely, while it is wanted. */
#ifndef RENDER_LOADER_H
#define RENDER_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "render/cache.h"
#include "render/gather.h"
#include "util/error.h"

struct dataset;
struct lane;
struct loader;

struct want {
    struct dataset *dataset; /* borrowed; the loader takes what references it needs */
    struct block_key key;
    uint64_t origin[ORIEL_MAX_AXES];
    uint64_t shape[ORIEL_MAX_AXES];
    struct gather gather; /* to be made of it for who takes it; unless it is prefetched */
    bool prefetch;        /* into the cache only, after all others */
};

struct loader_stats {
    uint64_t blocks;       /* read */
    uint64_t value_bytes;  /* decoded */
    uint64_t stored_bytes; /* taken from storage */
    uint64_t hits;         /* wanted and already there */
    uint64_t failures;     /* reads that failed */
    uint64_t cancelled;    /* reads given up because nobody wanted them any more */
    uint64_t cache_bytes;
    uint64_t locked_bytes; /* page-locked memory for blocks … */
    uint64_t locked_used;  /* … and how much of it is taken */
};

/* `threads` 0: one for each core. `locked_bytes`: of page-locked memory at most. */
struct loader *loader_create(unsigned threads, uint64_t cache_bytes, uint64_t locked_bytes,
                             struct error *err);
/* Every lane is gone and every block has been released. NULL is fine. */
void loader_destroy(struct loader *loader);

/* A renderer has started: where it has CUDA, blocks are read into page-locked memory from now on.
 * [any-thread] */
void loader_lock_pages(struct loader *loader);

/* `wake(data)` is called by a loader's thread or another lane's, without locks, when there is
 * something to take. */
struct lane *lane_create(struct loader *loader, void (*wake)(void *data), void *data);
/* wake is not called any more after it returned. NULL is fine. [any-thread but wake's] */
void lane_destroy(struct lane *lane);

/* Most urgent first. Blocks already in the cache can be taken at once. [the thread that wants] */
void lane_want(struct lane *lane, const struct want *wants, size_t count);
/* The next block that was read or could not be read and is in the newest list, with a reference;
 * NULL when there is none now. *failure is NULL or why it could not be read (free it); *made what
 * was made of it (let go of its memory). [the thread that wants] */
struct block *lane_take(struct lane *lane, struct made *made, char **failure);
/* Bytes that this lane may prefetch: its share of a quarter of the cache. */
uint64_t lane_prefetch_bytes(const struct lane *lane);

void loader_release(struct loader *loader, struct block *block); /* [any-thread] */

/* Reads one block now, on the caller's thread, through the cache; NULL with the reason.
 * [any-thread] */
struct block *loader_load(struct loader *loader, const struct want *want, struct error *err);

void loader_get_stats(struct loader *loader, struct loader_stats *stats); /* [any-thread] */
/* What has come since this was called last, by anyone; what is there as it is. [any-thread] */
void loader_get_news(struct loader *loader, struct loader_stats *news);

#endif
