/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/arena.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

#define PAGE_BYTES (UINT64_C(16) << 10)
/* 16 MiB, the largest part that is read of an array. Drivers keep others waiting while they lock
 * pages: some 7 ms for so many. */
#define REGION_PAGES 1024u
#define REGION_BYTES (PAGE_BYTES * REGION_PAGES)
#define WORDS (REGION_PAGES / 64)
/* So others get their turn with the driver between two regions. */
#define PAUSE_NS (8 * NS_PER_MS)
/* So much is locked before it is asked for: a burst of reads comes faster than pages are locked. */
#define AHEAD_PAGES (6 * REGION_PAGES)

struct region {
    uint8_t *memory;
    uint32_t free;       /* pages */
    uint64_t map[WORDS]; /* a bit for each page that is taken */
};

struct arena {
    struct arena_pages pages;
    size_t most; /* regions */

    pthread_mutex_t mutex;
    pthread_cond_t wake;
    pthread_t thread;
    bool started, failed, quit;
    uint64_t refs; /* the owner's and each page-locked buffer's */
    struct region **regions;
    size_t count;
    uint64_t free; /* pages, of all regions */
};

struct arena *arena_create(uint64_t limit_bytes, const struct arena_pages *pages)
{
    struct arena *arena = xcalloc(1, sizeof *arena);
    arena->pages = *pages;
    arena->most = (size_t)(limit_bytes / REGION_BYTES);
    arena->refs = 1;
    arena->regions = xcalloc(arena->most + 1, sizeof(struct region *));
    pthread_mutex_init(&arena->mutex, NULL);
    cond_init(&arena->wake);
    return arena;
}

static void unref(struct arena *arena)
{
    pthread_mutex_lock(&arena->mutex);
    bool last = --arena->refs == 0;
    pthread_mutex_unlock(&arena->mutex);
    if (!last)
        return;
    for (size_t i = 0; i < arena->count; i++) {
        arena->pages.free(arena->regions[i]->memory);
        free(arena->regions[i]);
    }
    pthread_cond_destroy(&arena->wake);
    pthread_mutex_destroy(&arena->mutex);
    free(arena->regions);
    free(arena);
}

void arena_destroy(struct arena *arena)
{
    if (!arena)
        return;
    pthread_mutex_lock(&arena->mutex);
    bool started = arena->started;
    arena->quit = true;
    pthread_cond_signal(&arena->wake);
    pthread_mutex_unlock(&arena->mutex);
    if (started)
        pthread_join(arena->thread, NULL);
    unref(arena);
}

/* ---- locking pages, on the arena's thread ---- */

static bool grows(const struct arena *arena)
{
    return !arena->failed && arena->count < arena->most && arena->free < AHEAD_PAGES;
}

static void grow(struct arena *arena)
{
    struct error err = {""};
    pthread_mutex_unlock(&arena->mutex);
    void *memory = arena->pages.alloc(REGION_BYTES, &err);
    struct region *region = NULL;
    if (memory) {
        region = xcalloc(1, sizeof *region);
        region->memory = memory;
        region->free = REGION_PAGES;
    }
    pthread_mutex_lock(&arena->mutex);
    if (region) {
        arena->regions[arena->count++] = region;
        arena->free += REGION_PAGES;
        return;
    }
    arena->failed = true;
    log_warn(LOG_RENDER,
             "no more than %llu MiB for copies to the GPU can be page-locked: %s; what comes "
             "after is copied more slowly",
             (unsigned long long)(arena->count * REGION_BYTES >> 20), err.text);
}

static void *run(void *data)
{
    struct arena *arena = data;
    pthread_mutex_lock(&arena->mutex);
    while (!arena->quit) {
        if (grows(arena)) {
            grow(arena);
            int64_t until = clock_ns() + PAUSE_NS;
            while (!arena->quit && cond_wait_until(&arena->wake, &arena->mutex, until)) {
            }
        } else {
            pthread_cond_wait(&arena->wake, &arena->mutex);
        }
    }
    pthread_mutex_unlock(&arena->mutex);
    return NULL;
}

void arena_start(struct arena *arena)
{
    if (!arena->pages.possible())
        return;
    pthread_mutex_lock(&arena->mutex);
    if (!arena->started && arena->most > 0)
        arena->started = thread_start(&arena->thread, "oriel-pages", run, arena);
    pthread_mutex_unlock(&arena->mutex);
}

/* ---- handing out ---- */

static void mark(struct region *region, uint32_t first, uint32_t count, bool taken)
{
    for (uint32_t p = first; p < first + count; p++) {
        if (taken)
            region->map[p / 64] |= UINT64_C(1) << p % 64;
        else
            region->map[p / 64] &= ~(UINT64_C(1) << p % 64);
    }
    region->free = taken ? region->free - count : region->free + count;
}

/* The first run of `count` free pages; REGION_PAGES when there is none. */
static uint32_t find(const struct region *region, uint32_t count)
{
    uint32_t run = 0;
    for (uint32_t p = 0; p < REGION_PAGES;) {
        uint64_t word = region->map[p / 64];
        bool whole = p % 64 == 0 && (word == 0 || word == UINT64_MAX);
        uint32_t step = whole ? 64 : 1;
        run = word >> p % 64 & 1 ? 0 : run + step;
        p += step;
        if (run >= count)
            return p - run;
    }
    return REGION_PAGES;
}

static uint8_t *take(struct arena *arena, uint32_t count)
{
    for (size_t i = 0; i < arena->count; i++) {
        struct region *region = arena->regions[i];
        uint32_t first = region->free >= count ? find(region, count) : REGION_PAGES;
        if (first == REGION_PAGES)
            continue;
        mark(region, first, count, true);
        arena->free -= count;
        arena->refs++;
        return region->memory + first * PAGE_BYTES;
    }
    return NULL;
}

static uint32_t pages_of(uint64_t bytes)
{
    return bytes ? (uint32_t)((bytes + PAGE_BYTES - 1) / PAGE_BYTES) : 1;
}

static void give_back(struct arena *arena, const uint8_t *data, uint64_t bytes)
{
    uint32_t count = pages_of(bytes);
    pthread_mutex_lock(&arena->mutex);
    size_t i = 0;
    while (data < arena->regions[i]->memory || data >= arena->regions[i]->memory + REGION_BYTES)
        CHECK(++i < arena->count);
    uint64_t first = (uint64_t)(data - arena->regions[i]->memory) / PAGE_BYTES;
    mark(arena->regions[i], (uint32_t)first, count, false);
    arena->free += count;
    pthread_mutex_unlock(&arena->mutex);
    unref(arena);
}

static void release(void *owner, const struct oriel_buffer *buffer)
{
    give_back(owner, buffer->data, buffer->bytes);
}

const struct oriel_buffer *arena_buffer(struct arena *arena, uint64_t bytes, uint8_t **data,
                                        bool *locked)
{
    uint8_t *memory = NULL;
    if (bytes <= REGION_BYTES) {
        pthread_mutex_lock(&arena->mutex);
        memory = take(arena, pages_of(bytes));
        if (arena->started && grows(arena))
            pthread_cond_signal(&arena->wake);
        pthread_mutex_unlock(&arena->mutex);
    }
    *locked = memory != NULL;
    if (!memory)
        return buffer_create(bytes, data);
    *data = memory;
    const struct oriel_buffer *buffer = buffer_wrap(memory, bytes, release, arena);
    if (!buffer)
        give_back(arena, memory, bytes);
    return buffer;
}

void arena_get_stats(struct arena *arena, struct arena_stats *stats)
{
    pthread_mutex_lock(&arena->mutex);
    stats->locked = arena->count * REGION_BYTES;
    stats->used = stats->locked - arena->free * PAGE_BYTES;
    pthread_mutex_unlock(&arena->mutex);
}
