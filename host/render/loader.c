/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "render/dataset.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

/* Blocks that are read and not yet taken: threads pause above this, so that a slow taker bounds
 * memory. */
#define UNTAKEN_BYTES (UINT64_C(128) << 20)
#define RETRY_FIRST_NS (500 * NS_PER_MS)
#define RETRY_LAST_NS (60 * NS_PER_S)
#define MAX_THREADS 64u

struct item {
    struct want want;    /* with a reference of its dataset */
    struct block *block; /* a reference; NULL once it has been read */
};

struct loader {
    /* set once */
    void (*wake)(void *data);
    void *data;
    pthread_t *threads;
    unsigned thread_count;

    pthread_mutex_t mutex;
    pthread_cond_t work; /* something to read, or the end */
    pthread_cond_t done; /* a read ended: for loader_load */
    bool quit;
    struct cache *cache;
    uint64_t generation;
    struct item *items; /* the newest want list */
    size_t item_count;
    size_t cursor;        /* no IDLE block stands before it */
    int64_t retry_ns;     /* the earliest of the FAILED ones, INT64_MAX: none */
    struct block **taken; /* ring of blocks to take, each with a reference */
    size_t taken_head, taken_count, taken_capacity;
    uint64_t untaken_bytes;
    struct loader_stats stats;
};

/* Locked from here to the first public function. */

static void deliver(struct loader *loader, struct block *block)
{
    if (block->delivered)
        return;
    if (loader->taken_count == loader->taken_capacity) {
        size_t capacity = loader->taken_capacity ? loader->taken_capacity * 2 : 256;
        struct block **ring = xcalloc(capacity, sizeof *ring);
        for (size_t i = 0; i < loader->taken_count; i++)
            ring[i] = loader->taken[(loader->taken_head + i) % loader->taken_capacity];
        free(loader->taken);
        loader->taken = ring;
        loader->taken_head = 0;
        loader->taken_capacity = capacity;
    }
    loader->taken[(loader->taken_head + loader->taken_count++) % loader->taken_capacity] =
        cache_ref(loader->cache, block);
    block->delivered = true;
    block->untaken = block->state == BLOCK_READY ? block->bytes : 0;
    loader->untaken_bytes += block->untaken;
}

static bool wanted(const struct loader *loader, const struct block *block)
{
    return block->generation == loader->generation;
}

/* Puts the failed blocks whose time has come back in line. */
static void collect_retries(struct loader *loader, int64_t now)
{
    if (now < loader->retry_ns)
        return;
    loader->retry_ns = INT64_MAX;
    for (size_t i = 0; i < loader->item_count; i++) {
        struct block *block = loader->items[i].block;
        if (!block || block->state != BLOCK_FAILED)
            continue;
        if (block->retry_ns <= now) {
            block->state = BLOCK_IDLE;
            if (i < loader->cursor)
                loader->cursor = i;
        } else if (block->retry_ns < loader->retry_ns) {
            loader->retry_ns = block->retry_ns;
        }
    }
}

static struct item *next_item(struct loader *loader)
{
    if (loader->untaken_bytes > UNTAKEN_BYTES)
        return NULL;
    for (; loader->cursor < loader->item_count; loader->cursor++) {
        struct item *item = &loader->items[loader->cursor];
        if (item->block && item->block->state == BLOCK_IDLE)
            return item;
    }
    return NULL;
}

static void item_resolved(struct loader *loader, struct block *block)
{
    if (!wanted(loader, block))
        return;
    struct item *item = &loader->items[block->order];
    if (block->state == BLOCK_READY && item->block) {
        cache_unref(loader->cache, item->block);
        item->block = NULL;
    }
    if (!block->prefetch)
        deliver(loader, block);
}

static void set_failed(struct loader *loader, struct block *block, const char *text)
{
    loader->stats.failures++;
    uint32_t doublings = block->failures < 16 ? block->failures : 16;
    int64_t pause = RETRY_FIRST_NS << doublings;
    block->failures++;
    block->retry_ns = clock_ns() + (pause < RETRY_LAST_NS ? pause : RETRY_LAST_NS);
    cache_set_failed(loader->cache, block, xstrdup(text));
    if (wanted(loader, block) && block->retry_ns < loader->retry_ns)
        loader->retry_ns = block->retry_ns;
}

/* Reads `block`, which the caller holds; unlocked while the module works. */
static void read_block(struct loader *loader, struct block *block, const struct want *want)
{
    block->state = BLOCK_RUNNING;
    __atomic_store_n(&block->cancel, 0, __ATOMIC_RELAXED);
    struct dataset *dataset = dataset_ref(want->dataset);
    struct oriel_read read = {
        .level = (uint32_t)want->key.level, .out_bytes = block->bytes, .cancel = &block->cancel};
    memcpy(read.origin, want->origin, sizeof read.origin);
    memcpy(read.shape, want->shape, sizeof read.shape);
    pthread_mutex_unlock(&loader->mutex);

    struct error err = {""};
    oriel_result result = ORIEL_NOMEM;
    void *data = malloc(block->bytes);
    if (data) {
        read.out = data;
        result = dataset_read(dataset, &read, &err);
    } else {
        error_set(&err, "%s: no memory for a block of %llu MiB", dataset_uri(dataset),
                  (unsigned long long)(block->bytes >> 20));
    }
    if (result != ORIEL_OK)
        free(data);
    dataset_unref(dataset);

    pthread_mutex_lock(&loader->mutex);
    if (result == ORIEL_OK) {
        loader->stats.blocks++;
        loader->stats.value_bytes += block->bytes;
        loader->stats.stored_bytes += read.stored_bytes;
        block->failures = 0;
        cache_set_ready(loader->cache, block, data);
        item_resolved(loader, block);
    } else if (result == ORIEL_CANCELLED) {
        loader->stats.cancelled++;
        block->state = BLOCK_IDLE;
        if (wanted(loader, block)) { /* again, after it had been given up */
            if (block->order < loader->cursor)
                loader->cursor = block->order;
            pthread_cond_signal(&loader->work);
        }
    } else {
        set_failed(loader, block, err.text);
        item_resolved(loader, block);
    }
    pthread_cond_broadcast(&loader->done);
}

static void *loader_run(void *data)
{
    struct loader *loader = data;
    pthread_mutex_lock(&loader->mutex);
    while (!loader->quit) {
        collect_retries(loader, clock_ns());
        struct item *item = next_item(loader);
        if (!item) {
            cond_wait_until(&loader->work, &loader->mutex, loader->retry_ns);
            continue;
        }
        struct want want = item->want;
        struct block *block = cache_ref(loader->cache, item->block);
        read_block(loader, block, &want);
        bool delivered = block->delivered;
        cache_unref(loader->cache, block);
        if (delivered) {
            pthread_mutex_unlock(&loader->mutex);
            loader->wake(loader->data);
            pthread_mutex_lock(&loader->mutex);
        }
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

struct loader *loader_create(unsigned threads, uint64_t cache_bytes, void (*wake)(void *data),
                             void *data, struct error *err)
{
    struct loader *loader = xcalloc(1, sizeof *loader);
    loader->wake = wake;
    loader->data = data;
    loader->retry_ns = INT64_MAX;
    loader->generation = 1; /* 0: a block that no list has named */
    loader->cache = cache_create(cache_bytes);
    pthread_mutex_init(&loader->mutex, NULL);
    cond_init(&loader->work);
    cond_init(&loader->done);

    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (threads == 0)
        threads = cores > 0 ? (unsigned)cores : 1;
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    loader->threads = xcalloc(threads, sizeof *loader->threads);
    for (unsigned i = 0; i < threads; i++) {
        char name[16];
        snprintf(name, sizeof name, "oriel-load-%u", i);
        if (!thread_start(&loader->threads[i], name, loader_run, loader)) {
            error_set(err, "cannot start loader thread %u of %u", i + 1, threads);
            loader_destroy(loader);
            return NULL;
        }
        loader->thread_count++;
    }
    return loader;
}

static void free_items(struct loader *loader, struct item *items, size_t count)
{
    pthread_mutex_lock(&loader->mutex);
    for (size_t i = 0; i < count; i++) {
        if (items[i].block)
            cache_unref(loader->cache, items[i].block);
    }
    pthread_mutex_unlock(&loader->mutex);
    for (size_t i = 0; i < count; i++)
        dataset_unref(items[i].want.dataset); /* may call the module: not locked */
    free(items);
}

void loader_stop(struct loader *loader)
{
    if (!loader)
        return;
    loader_want(loader, NULL, 0);
    pthread_mutex_lock(&loader->mutex);
    loader->quit = true;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->mutex);
    for (unsigned i = 0; i < loader->thread_count; i++)
        pthread_join(loader->threads[i], NULL);
    loader->thread_count = 0;
}

void loader_destroy(struct loader *loader)
{
    if (!loader)
        return;
    loader_stop(loader);
    char *failure;
    for (struct block *block; (block = loader_take(loader, &failure)); free(failure))
        loader_release(loader, block);
    free_items(loader, loader->items, loader->item_count);
    cache_destroy(loader->cache);
    pthread_cond_destroy(&loader->done);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->mutex);
    free(loader->taken);
    free(loader->threads);
    free(loader);
}

static uint64_t want_bytes(const struct want *want)
{
    const struct oriel_source_info *info = dataset_info(want->dataset);
    uint64_t bytes = dtype_bytes(info->dtype);
    for (uint32_t a = 0; a < info->ndim; a++)
        bytes *= want->shape[a];
    return bytes;
}

void loader_want(struct loader *loader, const struct want *wants, size_t count)
{
    struct item *items = xcalloc(count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i].want = wants[i];
        dataset_ref(wants[i].dataset);
    }

    pthread_mutex_lock(&loader->mutex);
    struct item *old = loader->items;
    size_t old_count = loader->item_count;
    loader->generation++;
    loader->items = items;
    loader->item_count = count;
    loader->cursor = 0;
    loader->retry_ns = INT64_MAX;
    bool ready = false;
    for (size_t i = 0; i < count; i++) {
        struct block *block =
            cache_obtain(loader->cache, &items[i].want.key, want_bytes(&items[i].want));
        if (wanted(loader, block)) { /* twice in the list */
            block->prefetch = block->prefetch && items[i].want.prefetch;
            cache_unref(loader->cache, block);
            continue;
        }
        block->generation = loader->generation;
        block->order = i;
        block->prefetch = items[i].want.prefetch;
        items[i].block = block;
        if (block->state == BLOCK_READY)
            loader->stats.hits += !block->prefetch;
        if (block->state == BLOCK_FAILED && block->retry_ns < loader->retry_ns)
            loader->retry_ns = block->retry_ns;
        if (block->state == BLOCK_READY || block->state == BLOCK_FAILED) {
            ready |= !block->prefetch;
            item_resolved(loader, block);
        }
    }
    for (size_t i = 0; i < old_count; i++) {
        struct block *block = old[i].block;
        if (block && block->state == BLOCK_RUNNING && !wanted(loader, block))
            __atomic_store_n(&block->cancel, 1, __ATOMIC_RELAXED);
    }
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->mutex);

    free_items(loader, old, old_count);
    if (ready)
        loader->wake(loader->data);
}

struct block *loader_take(struct loader *loader, char **failure)
{
    *failure = NULL;
    pthread_mutex_lock(&loader->mutex);
    struct block *block = NULL;
    while (!block && loader->taken_count) {
        block = loader->taken[loader->taken_head];
        loader->taken_head = (loader->taken_head + 1) % loader->taken_capacity;
        loader->taken_count--;
        block->delivered = false;
        if (loader->untaken_bytes > UNTAKEN_BYTES)
            pthread_cond_broadcast(&loader->work);
        loader->untaken_bytes -= block->untaken;
        if (!wanted(loader, block) ||
            (block->state != BLOCK_READY && block->state != BLOCK_FAILED)) {
            cache_unref(loader->cache, block);
            block = NULL;
        } else if (block->state == BLOCK_FAILED) {
            *failure = xstrdup(block->error);
        }
    }
    pthread_mutex_unlock(&loader->mutex);
    return block;
}

void loader_release(struct loader *loader, struct block *block)
{
    pthread_mutex_lock(&loader->mutex);
    cache_unref(loader->cache, block);
    pthread_mutex_unlock(&loader->mutex);
}

struct block *loader_load(struct loader *loader, const struct want *want, struct error *err)
{
    pthread_mutex_lock(&loader->mutex);
    struct block *block = cache_obtain(loader->cache, &want->key, want_bytes(want));
    loader->stats.hits += block->state == BLOCK_READY;
    for (bool tried = false;
         block->state != BLOCK_READY && !(tried && block->state == BLOCK_FAILED);) {
        if (block->state == BLOCK_RUNNING) {
            pthread_cond_wait(&loader->done, &loader->mutex);
        } else {
            read_block(loader, block, want); /* again if the render thread's list cancelled it */
            tried = true;
        }
    }
    if (block->state != BLOCK_READY) {
        error_set(err, "%s", block->error);
        cache_unref(loader->cache, block);
        block = NULL;
    }
    pthread_mutex_unlock(&loader->mutex);
    return block;
}

void loader_get_stats(struct loader *loader, struct loader_stats *stats)
{
    pthread_mutex_lock(&loader->mutex);
    *stats = loader->stats;
    stats->cache_bytes = cache_bytes(loader->cache);
    pthread_mutex_unlock(&loader->mutex);
}

uint64_t loader_cache_limit(const struct loader *loader)
{
    return cache_limit(loader->cache);
}
