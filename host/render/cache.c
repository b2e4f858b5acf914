/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/cache.h"

#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "util/check.h"

/* A failed block counts as much, so that remembered failures are bounded too. */
#define FAILED_BYTES 1024u

struct cache {
    uint64_t limit;
    uint64_t bytes;  /* of READY blocks */
    uint64_t failed; /* FAILED_BYTES each */
    size_t count;
    size_t bucket_count; /* a power of two */
    struct block **buckets;
    struct block lru; /* the ring of unreferenced blocks; lru_next is the newest */
};

struct cache *cache_create(uint64_t limit_bytes)
{
    struct cache *cache = xcalloc(1, sizeof *cache);
    cache->limit = limit_bytes;
    cache->bucket_count = 1024;
    cache->buckets = xcalloc(cache->bucket_count, sizeof *cache->buckets);
    cache->lru.lru_next = cache->lru.lru_prev = &cache->lru;
    return cache;
}

static size_t hash(const struct block_key *key)
{
    uint64_t words[sizeof *key / sizeof(uint64_t)], h = 0x9e3779b97f4a7c15u;
    memcpy(words, key, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        h = (h ^ words[i]) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return (size_t)h;
}

static struct block **slot_of(struct cache *cache, const struct block_key *key)
{
    struct block **slot = &cache->buckets[hash(key) & (cache->bucket_count - 1)];
    while (*slot && memcmp(&(*slot)->key, key, sizeof *key) != 0)
        slot = &(*slot)->hash_next;
    return slot;
}

static void grow(struct cache *cache)
{
    size_t old_count = cache->bucket_count;
    struct block **old = cache->buckets;
    cache->bucket_count *= 2;
    cache->buckets = xcalloc(cache->bucket_count, sizeof *cache->buckets);
    for (size_t i = 0; i < old_count; i++) {
        for (struct block *block = old[i], *next; block; block = next) {
            next = block->hash_next;
            struct block **slot = &cache->buckets[hash(&block->key) & (cache->bucket_count - 1)];
            block->hash_next = *slot;
            *slot = block;
        }
    }
    free(old);
}

static void lru_leave(struct block *block)
{
    block->lru_prev->lru_next = block->lru_next;
    block->lru_next->lru_prev = block->lru_prev;
    block->lru_prev = block->lru_next = NULL;
}

static void forget_contents(struct cache *cache, struct block *block)
{
    if (block->memory)
        cache->bytes -= block->bytes;
    if (block->error)
        cache->failed -= FAILED_BYTES;
    buffer_unref(block->memory);
    free(block->error);
    block->memory = NULL;
    block->data = NULL;
    block->error = NULL;
}

static void drop(struct cache *cache, struct block *block)
{
    if (block->lru_next)
        lru_leave(block);
    *slot_of(cache, &block->key) = block->hash_next;
    cache->count--;
    forget_contents(cache, block);
    free(block);
}

static void trim(struct cache *cache)
{
    while (cache->bytes + cache->failed > cache->limit && cache->lru.lru_prev != &cache->lru)
        drop(cache, cache->lru.lru_prev);
}

void cache_destroy(struct cache *cache)
{
    while (cache->lru.lru_prev != &cache->lru)
        drop(cache, cache->lru.lru_prev);
    CHECK(cache->count == 0);
    free(cache->buckets);
    free(cache);
}

struct block *cache_ref(struct cache *cache, struct block *block)
{
    (void)cache;
    if (block->refs++ == 0 && block->lru_next)
        lru_leave(block);
    return block;
}

struct block *cache_find(struct cache *cache, const struct block_key *key)
{
    struct block *block = *slot_of(cache, key);
    return block ? cache_ref(cache, block) : NULL;
}

struct block *cache_obtain(struct cache *cache, const struct block_key *key, uint64_t bytes)
{
    struct block *block = cache_find(cache, key);
    if (block)
        return block;
    if (cache->count >= cache->bucket_count)
        grow(cache);
    block = xcalloc(1, sizeof *block);
    block->key = *key;
    block->bytes = bytes;
    *slot_of(cache, key) = block;
    cache->count++;
    return cache_ref(cache, block);
}

void cache_unref(struct cache *cache, struct block *block)
{
    CHECK(block->refs > 0);
    if (--block->refs > 0)
        return;
    if (block->state != BLOCK_READY && block->state != BLOCK_FAILED) {
        drop(cache, block);
        return;
    }
    block->lru_next = cache->lru.lru_next;
    block->lru_prev = &cache->lru;
    block->lru_next->lru_prev = block;
    cache->lru.lru_next = block;
    trim(cache);
}

void cache_set_ready(struct cache *cache, struct block *block, const struct oriel_buffer *memory,
                     bool locked)
{
    CHECK(block->refs > 0);
    forget_contents(cache, block);
    block->state = BLOCK_READY;
    block->memory = memory;
    block->data = memory->data;
    block->locked = locked;
    cache->bytes += block->bytes;
    trim(cache);
}

void cache_set_failed(struct cache *cache, struct block *block, char *error)
{
    CHECK(block->refs > 0);
    forget_contents(cache, block);
    block->state = BLOCK_FAILED;
    block->error = error;
    cache->failed += FAILED_BYTES;
}

uint64_t cache_bytes(const struct cache *cache)
{
    return cache->bytes;
}

uint64_t cache_limit(const struct cache *cache)
{
    return cache->limit;
}
