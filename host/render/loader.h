/* SPDX-License-Identifier: BSD-3-Clause */
/* A pool of threads that reads blocks in the order of a want list, and the cache of what they read.
 *
 * The want list is a statement, not a queue: each one replaces the one before. What is no longer in
 * it is not read, and a read of it that is running is cancelled. A block is read once however often
 * it is wanted. A block that fails is tried again, ever more rarely, while it is wanted. */
#ifndef RENDER_LOADER_H
#define RENDER_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "render/cache.h"
#include "util/error.h"

struct dataset;
struct loader;

struct want {
    struct dataset *dataset; /* borrowed; the loader takes what references it needs */
    struct block_key key;
    uint64_t origin[ORIEL_MAX_AXES];
    uint64_t shape[ORIEL_MAX_AXES];
    bool prefetch; /* into the cache only, after all others */
};

struct loader_stats {
    uint64_t blocks;       /* read */
    uint64_t value_bytes;  /* decoded */
    uint64_t stored_bytes; /* taken from storage */
    uint64_t hits;         /* wanted and already there */
    uint64_t failures;     /* reads that failed */
    uint64_t cancelled;    /* reads given up because nobody wanted them any more */
    uint64_t cache_bytes;
};

/* `threads` 0: one for each core. `wake(data)` is called by a loader's thread, without locks, when
 * there is something to take. */
struct loader *loader_create(unsigned threads, uint64_t cache_bytes, void (*wake)(void *data),
                             void *data, struct error *err);
/* Ends the threads: wake is not called any more. [main] */
void loader_stop(struct loader *loader);    /* NULL is fine */
void loader_destroy(struct loader *loader); /* NULL is fine; every block has been released */

/* Most urgent first. Blocks already in the cache can be taken at once. [one thread] */
void loader_want(struct loader *loader, const struct want *wants, size_t count);
/* The next block that was read or could not be read and is in the newest list, with a reference;
 * NULL when there is none now. *failure is NULL or why it could not be read (free it). [the thread
 * that wants] */
struct block *loader_take(struct loader *loader, char **failure);
void loader_release(struct loader *loader, struct block *block); /* [any-thread] */

/* Reads one block now, on the caller's thread, through the cache; NULL with the reason.
 * [any-thread] */
struct block *loader_load(struct loader *loader, const struct want *want, struct error *err);

void loader_get_stats(struct loader *loader, struct loader_stats *stats); /* [any-thread] */
uint64_t loader_cache_limit(const struct loader *loader);

#endif
