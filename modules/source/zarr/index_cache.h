/* SPDX-License-Identifier: BSD-3-Clause */
/* The decoded indices of the shards that were read last: reading one inner chunk must not cost the
 * index of its whole shard every time. Any thread. */
#ifndef ZARR_INDEX_CACHE_H
#define ZARR_INDEX_CACHE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { INDEX_CACHE_SLOTS = 64 };

/* Immutable once it is in the cache. */
struct shard_index {
    atomic_uint references;
    const void *shard; /* whose index: a nested shard may begin where its outer one does */
    uint64_t stamp;    /* store_object::stamp */
    uint64_t offset;   /* of the shard inside its object */
    uint64_t count;
    char *key;
    uint64_t entries[][2]; /* offset, bytes; both UINT64_MAX: not stored */
};

struct index_cache {
    pthread_mutex_t mutex;
    struct shard_index *slots[INDEX_CACHE_SLOTS];
};

void index_cache_init(struct index_cache *cache);
void index_cache_finish(struct index_cache *cache);

/* A reference, or NULL when it is not there. */
struct shard_index *index_cache_find(struct index_cache *cache, const void *shard, const char *key,
                                     uint64_t stamp, uint64_t offset);
/* Takes a reference of its own; large ones are not kept. */
void index_cache_put(struct index_cache *cache, struct shard_index *index);

/* With one reference; entries undefined. NULL when out of memory. */
struct shard_index *shard_index_create(const void *shard, const char *key, uint64_t stamp,
                                       uint64_t offset, uint64_t count);
void shard_index_unref(struct shard_index *index); /* NULL is fine */

#endif
