/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoded blocks of datasets, bounded in bytes, least recently used first out. A block is the unit
 * of reading: a chunk, or a part of a very large one (plan.h). Not locked: the loader's lock guards
 * it. */
#ifndef RENDER_CACHE_H
#define RENDER_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/frame.h"
#include "oriel/scene.h"

struct cache;
struct item;

/* No padding: hashed and compared as bytes. */
struct block_key {
    uint64_t dataset; /* dataset_key */
    uint64_t level;
    uint64_t index[ORIEL_MAX_AXES]; /* in the grid of blocks; 0 past the dataset's axes */
};

enum block_state { BLOCK_IDLE, BLOCK_RUNNING, BLOCK_READY, BLOCK_FAILED };

struct block {
    /* set once */
    struct block_key key;
    uint64_t bytes; /* decoded */

    /* guarded by the loader's lock; `data` of a READY block is constant while a reference is held
     */
    enum block_state state;
    uint32_t refs;
    const struct oriel_buffer *memory; /* READY: of `data`; others may hold it for longer */
    const void *data;                  /* dense values in the dataset's dtype, C order */
    bool locked;                       /* they are page-locked */
    char *error;                       /* FAILED */

    /* the loader's */
    struct item *wanting; /* those that wait for it */
    uint32_t loads;       /* calls of loader_load that wait for it */
    uint64_t list;        /* the newest list that names it */
    size_t order;         /* its place there */
    uint32_t failures;    /* in a row */
    int64_t retry_ns;     /* FAILED: not before */

    uint32_t cancel; /* atomic: oriel_read::cancel */

    /* the cache's */
    struct block *hash_next, *lru_prev, *lru_next;
};

struct cache *cache_create(uint64_t limit_bytes);
void cache_destroy(struct cache *cache); /* no references are left */

/* The one block with this key, with a reference; made IDLE if it is not there. */
struct block *cache_obtain(struct cache *cache, const struct block_key *key, uint64_t bytes);
/* With a reference, or NULL. */
struct block *cache_find(struct cache *cache, const struct block_key *key);
struct block *cache_ref(struct cache *cache, struct block *block);
/* READY and FAILED blocks without references stay until room is needed; others go. */
void cache_unref(struct cache *cache, struct block *block);

/* The caller holds a reference and gives its reference of the memory or the error (malloc) away. */
void cache_set_ready(struct cache *cache, struct block *block, const struct oriel_buffer *memory,
                     bool locked);
void cache_set_failed(struct cache *cache, struct block *block, char *error);

uint64_t cache_bytes(const struct cache *cache); /* of all READY blocks */
uint64_t cache_limit(const struct cache *cache);

#endif
