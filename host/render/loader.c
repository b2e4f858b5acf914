/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/loader_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cuda/pinned.h"
#include "module/services.h"
#include "render/dataset.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

#define RETRY_FIRST_NS (500 * NS_PER_MS)
#define RETRY_LAST_NS (60 * NS_PER_S)
#define MAX_THREADS 64u

/* Locked from here to the first public function. */

static void set_failed(struct loader *loader, struct block *block, const char *text)
{
    loader->stats.failures++;
    uint32_t doublings = block->failures < 16 ? block->failures : 16;
    int64_t pause = RETRY_FIRST_NS << doublings;
    block->failures++;
    block->retry_ns = clock_ns() + (pause < RETRY_LAST_NS ? pause : RETRY_LAST_NS);
    cache_set_failed(loader->cache, block, xstrdup(text));
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
    uint8_t *data;
    bool locked;
    const struct oriel_buffer *memory = arena_buffer(loader->arena, block->bytes, &data, &locked);
    if (memory) {
        read.out = data;
        result = dataset_read(dataset, &read, &err);
    } else {
        error_set(&err, "%s: no memory for a block of %llu MiB", dataset_uri(dataset),
                  (unsigned long long)(block->bytes >> 20));
    }
    if (result != ORIEL_OK)
        buffer_unref(memory);
    dataset_unref(dataset);

    pthread_mutex_lock(&loader->mutex);
    if (result == ORIEL_OK) {
        loader->stats.blocks++;
        loader->stats.value_bytes += block->bytes;
        loader->stats.stored_bytes += read.stored_bytes;
        block->failures = 0;
        cache_set_ready(loader->cache, block, memory, locked);
        lanes_resolved(loader, block);
    } else if (result == ORIEL_CANCELLED) {
        loader->stats.cancelled++;
        lanes_read_again(block); /* if it is wanted again, after it had been given up */
        pthread_cond_signal(&loader->work);
    } else {
        set_failed(loader, block, err.text);
        lanes_resolved(loader, block);
    }
    pthread_cond_broadcast(&loader->done);
}

static void *loader_run(void *data)
{
    struct loader *loader = data;
    pthread_mutex_lock(&loader->mutex);
    while (!loader->quit) {
        int64_t retry_ns;
        struct item *raw = lanes_raw(loader);
        if (raw) {
            lanes_make(loader, raw);
            lanes_wake(loader);
            continue;
        }
        struct item *item = lanes_next(loader, clock_ns(), &retry_ns);
        if (!item) {
            cond_wait_until(&loader->work, &loader->mutex, retry_ns);
            continue;
        }
        struct want want = item->want;
        struct block *block = cache_ref(loader->cache, item->block);
        read_block(loader, block, &want);
        cache_unref(loader->cache, block);
        lanes_wake(loader);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

static void *maker_run(void *data)
{
    struct loader *loader = data;
    pthread_mutex_lock(&loader->mutex);
    while (!loader->quit) {
        struct item *raw = lanes_raw(loader);
        if (!raw) {
            pthread_cond_wait(&loader->raw, &loader->mutex);
            continue;
        }
        lanes_make(loader, raw);
        lanes_wake(loader);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

struct loader *loader_create(unsigned threads, uint64_t cache_bytes, uint64_t locked_bytes,
                             struct error *err)
{
    struct loader *loader = xcalloc(1, sizeof *loader);
    static const struct arena_pages pages = {pinned_possible, pinned_alloc, pinned_free};
    loader->cache = cache_create(cache_bytes);
    loader->arena = arena_create(locked_bytes, &pages);
    pthread_mutex_init(&loader->mutex, NULL);
    cond_init(&loader->work);
    cond_init(&loader->raw);
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
    loader->has_maker = thread_start(&loader->maker, "oriel-values", maker_run, loader);
    if (!loader->has_maker) {
        error_set(err, "cannot start the loader's thread for values");
        loader_destroy(loader);
        return NULL;
    }
    return loader;
}

void loader_destroy(struct loader *loader)
{
    if (!loader)
        return;
    CHECK(!loader->lanes);
    pthread_mutex_lock(&loader->mutex);
    loader->quit = true;
    pthread_cond_broadcast(&loader->work);
    pthread_cond_broadcast(&loader->raw);
    pthread_mutex_unlock(&loader->mutex);
    if (loader->has_maker)
        pthread_join(loader->maker, NULL);
    for (unsigned i = 0; i < loader->thread_count; i++)
        pthread_join(loader->threads[i], NULL);
    cache_destroy(loader->cache);
    arena_destroy(loader->arena);
    pthread_cond_destroy(&loader->done);
    pthread_cond_destroy(&loader->raw);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->mutex);
    free(loader->threads);
    free(loader);
}

uint64_t want_bytes(const struct want *want)
{
    const struct oriel_source_info *info = dataset_info(want->dataset);
    uint64_t bytes = dtype_bytes(info->dtype);
    for (uint32_t a = 0; a < info->ndim; a++)
        bytes *= want->shape[a];
    return bytes;
}

void loader_lock_pages(struct loader *loader)
{
    arena_start(loader->arena);
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
    block->loads++;
    for (bool tried = false;
         block->state != BLOCK_READY && !(tried && block->state == BLOCK_FAILED);) {
        if (block->state == BLOCK_RUNNING) {
            pthread_cond_wait(&loader->done, &loader->mutex);
        } else {
            read_block(loader, block, want); /* again if it had been given up */
            tried = true;
        }
    }
    block->loads--;
    if (block->state != BLOCK_READY) {
        error_set(err, "%s", block->error);
        cache_unref(loader->cache, block);
        block = NULL;
    }
    lanes_wake(loader);
    pthread_mutex_unlock(&loader->mutex);
    return block;
}

static void get_stats(struct loader *loader, struct loader_stats *stats)
{
    *stats = loader->stats;
    stats->cache_bytes = cache_bytes(loader->cache);
    struct arena_stats pages;
    arena_get_stats(loader->arena, &pages);
    stats->locked_bytes = pages.locked;
    stats->locked_used = pages.used;
}

void loader_get_stats(struct loader *loader, struct loader_stats *stats)
{
    pthread_mutex_lock(&loader->mutex);
    get_stats(loader, stats);
    pthread_mutex_unlock(&loader->mutex);
}

void loader_get_news(struct loader *loader, struct loader_stats *news)
{
    pthread_mutex_lock(&loader->mutex);
    get_stats(loader, news);
    news->blocks -= loader->told.blocks;
    news->value_bytes -= loader->told.value_bytes;
    news->stored_bytes -= loader->told.stored_bytes;
    news->hits -= loader->told.hits;
    news->failures -= loader->told.failures;
    news->cancelled -= loader->told.cancelled;
    loader->told = loader->stats;
    pthread_mutex_unlock(&loader->mutex);
}
