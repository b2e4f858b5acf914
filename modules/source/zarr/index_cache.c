/* SPDX-License-Identifier: BSD-3-Clause */
#include "index_cache.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_ENTRIES = 1 << 18 }; /* 4 MiB; larger indices are decoded for every read */

static size_t slot_of(const void *shard, const char *key, uint64_t offset)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ offset ^ (uintptr_t)shard << 16; /* FNV-1a */
    for (; *key; key++)
        hash = (hash ^ (uint8_t)*key) * UINT64_C(0x100000001b3);
    return (hash ^ hash >> 32) % INDEX_CACHE_SLOTS;
}

void index_cache_init(struct index_cache *cache)
{
    pthread_mutex_init(&cache->mutex, NULL);
    memset(cache->slots, 0, sizeof cache->slots);
}

void index_cache_finish(struct index_cache *cache)
{
    for (size_t i = 0; i < INDEX_CACHE_SLOTS; i++)
        shard_index_unref(cache->slots[i]);
    pthread_mutex_destroy(&cache->mutex);
}

struct shard_index *index_cache_find(struct index_cache *cache, const void *shard, const char *key,
                                     uint64_t stamp, uint64_t offset)
{
    pthread_mutex_lock(&cache->mutex);
    struct shard_index *index = cache->slots[slot_of(shard, key, offset)];
    if (index && (index->shard != shard || index->stamp != stamp || index->offset != offset ||
                  strcmp(index->key, key) != 0))
        index = NULL;
    if (index)
        atomic_fetch_add(&index->references, 1);
    pthread_mutex_unlock(&cache->mutex);
    return index;
}

void index_cache_put(struct index_cache *cache, struct shard_index *index)
{
    if (index->count > KEPT_ENTRIES)
        return;
    atomic_fetch_add(&index->references, 1);
    pthread_mutex_lock(&cache->mutex);
    struct shard_index **slot = &cache->slots[slot_of(index->shard, index->key, index->offset)];
    struct shard_index *before = *slot;
    *slot = index;
    pthread_mutex_unlock(&cache->mutex);
    shard_index_unref(before);
}

struct shard_index *shard_index_create(const void *shard, const char *key, uint64_t stamp,
                                       uint64_t offset, uint64_t count)
{
    struct shard_index *index = malloc(sizeof *index + count * sizeof *index->entries);
    if (!index)
        return NULL;
    atomic_init(&index->references, 1);
    index->shard = shard;
    index->stamp = stamp;
    index->offset = offset;
    index->count = count;
    index->key = strdup(key);
    if (!index->key) {
        free(index);
        return NULL;
    }
    return index;
}

void shard_index_unref(struct shard_index *index)
{
    if (!index || atomic_fetch_sub(&index->references, 1) != 1)
        return;
    free(index->key);
    free(index);
}
