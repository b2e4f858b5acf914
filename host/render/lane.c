/* SPDX-License-Identifier: BSD-3-Clause */
/* Want lists: whose turn it is, and what of it has come. */
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "render/dataset.h"
#include "render/loader_internal.h"
#include "util/check.h"

/* Reads for a lane pause above this, so that a slow taker bounds memory. */
#define UNTAKEN_BYTES (UINT64_C(128) << 20)
/* So does making something of what has been read, above this. */
#define MADE_BYTES (UINT64_C(64) << 20)

static void make_ready(struct item *item)
{
    struct lane *lane = item->lane;
    uint64_t bytes = item->made.memory                   ? item->made.memory->bytes
                     : item->block->state == BLOCK_READY ? item->block->bytes
                                                         : 0;
    lane->untaken += bytes - item->untaken;
    item->untaken = bytes;
    lane->news = true;
    if (item->ready)
        return;
    item->ready = true;
    item->next_ready = NULL;
    *lane->last_ready = item;
    lane->last_ready = &item->next_ready;
}

/* The block of `item`, which waits for it no longer or not yet, is READY. */
static void item_satisfied(struct loader *loader, struct item *item)
{
    struct lane *lane = item->lane;
    if (!item->want.prefetch && item->want.gather.dtype && !item->made.memory) {
        if (!lane->first_raw) /* else it is at it; readers look here before they read */
            pthread_cond_signal(&loader->raw);
        item->next_ready = NULL;
        *lane->last_raw = item;
        lane->last_raw = &item->next_ready;
        return;
    }
    if (!item->want.prefetch) {
        make_ready(item);
        return;
    }
    cache_unref(loader->cache, item->block);
    item->block = NULL;
}

static void item_failed(struct item *item)
{
    if (item->block->retry_ns < item->lane->retry_ns)
        item->lane->retry_ns = item->block->retry_ns;
    if (!item->want.prefetch)
        make_ready(item);
}

void lanes_resolved(struct loader *loader, struct block *block)
{
    if (block->state == BLOCK_FAILED) {
        for (struct item *item = block->wanting; item; item = item->next_wanting)
            item_failed(item);
        return;
    }
    for (struct item *item; (item = block->wanting);) {
        block->wanting = item->next_wanting;
        item_satisfied(loader, item);
    }
}

void lanes_read_again(struct block *block)
{
    block->state = BLOCK_IDLE;
    for (struct item *item = block->wanting; item; item = item->next_wanting) {
        size_t order = (size_t)(item - item->lane->items);
        if (order < item->lane->cursor)
            item->lane->cursor = order;
    }
}

/* Puts the failed blocks whose time has come back in line. */
static void collect_retries(struct lane *lane, int64_t now)
{
    if (now < lane->retry_ns)
        return;
    lane->retry_ns = INT64_MAX;
    for (size_t i = 0; i < lane->count; i++) {
        struct block *block = lane->items[i].block;
        if (!block || block->state != BLOCK_FAILED)
            continue;
        if (block->retry_ns <= now)
            lanes_read_again(block);
        else if (block->retry_ns < lane->retry_ns)
            lane->retry_ns = block->retry_ns;
    }
}

static struct item *lane_next(struct lane *lane)
{
    if (lane->untaken > UNTAKEN_BYTES)
        return NULL;
    for (; lane->cursor < lane->count; lane->cursor++) {
        struct item *item = &lane->items[lane->cursor];
        if (item->block && item->block->state == BLOCK_IDLE)
            return item;
    }
    return NULL;
}

struct item *lanes_next(struct loader *loader, int64_t now, int64_t *retry_ns)
{
    struct item *found = NULL;
    *retry_ns = INT64_MAX;
    for (struct lane *lane = loader->lanes; lane; lane = lane->next)
        collect_retries(lane, now);
    for (struct lane *lane = loader->lanes; lane; lane = lane->next) {
        struct item *item = lane_next(lane);
        if (item && (!found || (found->want.prefetch && !item->want.prefetch)))
            found = item;
        if (lane->retry_ns < *retry_ns)
            *retry_ns = lane->retry_ns;
    }
    if (!found)
        return NULL;
    struct lane **at = &loader->lanes; /* to the end of the queue */
    while (*at != found->lane)
        at = &(*at)->next;
    *at = found->lane->next;
    while (*at)
        at = &(*at)->next;
    *at = found->lane;
    found->lane->next = NULL;
    return found;
}

struct item *lanes_raw(struct loader *loader)
{
    for (struct lane *lane = loader->lanes; lane; lane = lane->next) {
        struct item *item = lane->first_raw;
        if (!item || lane->untaken > MADE_BYTES)
            continue;
        lane->first_raw = item->next_ready;
        if (!lane->first_raw)
            lane->last_raw = &lane->first_raw;
        return item;
    }
    return NULL;
}

void lanes_make(struct loader *loader, struct item *item)
{
    struct lane *lane = item->lane;
    struct block *block = cache_ref(loader->cache, item->block);
    struct made made = {.gather = item->want.gather};
    size_t order = (size_t)(item - lane->items);
    uint64_t list = lane->list;
    lane->making++;
    pthread_mutex_unlock(&loader->mutex);
    uint8_t *data;
    made.memory = arena_buffer(loader->arena, gather_bytes(&made.gather), &data, &made.locked);
    if (made.memory)
        gather_run(&made.gather, block->data, data);
    pthread_mutex_lock(&loader->mutex);
    if (lane->list == list) {
        lane->items[order].made = made;
        make_ready(&lane->items[order]); /* without memory, the taker does it */
    } else {
        buffer_unref(made.memory);
    }
    if (--lane->making == 0)
        pthread_cond_broadcast(&loader->done);
    cache_unref(loader->cache, block);
}

void lanes_wake(struct loader *loader)
{
    for (struct lane *lane = loader->lanes; lane;) {
        if (!lane->news) {
            lane = lane->next;
            continue;
        }
        lane->news = false;
        lane->waking++;
        pthread_mutex_unlock(&loader->mutex);
        lane->wake(lane->data);
        pthread_mutex_lock(&loader->mutex);
        if (--lane->waking == 0)
            pthread_cond_broadcast(&loader->done);
        lane = loader->lanes; /* they may be others now */
    }
}

struct lane *lane_create(struct loader *loader, void (*wake)(void *data), void *data)
{
    struct lane *lane = xcalloc(1, sizeof *lane);
    lane->loader = loader;
    lane->wake = wake;
    lane->data = data;
    lane->retry_ns = INT64_MAX;
    lane->last_ready = &lane->first_ready;
    lane->last_raw = &lane->first_raw;
    pthread_mutex_lock(&loader->mutex);
    lane->next = loader->lanes;
    loader->lanes = lane;
    pthread_mutex_unlock(&loader->mutex);
    return lane;
}

void lane_destroy(struct lane *lane)
{
    if (!lane)
        return;
    lane_want(lane, NULL, 0);
    struct loader *loader = lane->loader;
    pthread_mutex_lock(&loader->mutex);
    struct lane **at = &loader->lanes;
    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    while (lane->waking || lane->making)
        pthread_cond_wait(&loader->done, &loader->mutex);
    pthread_mutex_unlock(&loader->mutex);
    free(lane->items);
    free(lane);
}

static void item_leave(struct item *item)
{
    if (!item->block)
        return;
    struct item **at = &item->block->wanting;
    while (*at && *at != item)
        at = &(*at)->next_wanting;
    if (*at)
        *at = item->next_wanting;
}

static void item_enter(struct loader *loader, struct item *item)
{
    struct block *block = item->block;
    if (block->state == BLOCK_READY) {
        loader->stats.hits += !item->want.prefetch;
        item_satisfied(loader, item);
        return;
    }
    item->next_wanting = block->wanting;
    block->wanting = item;
    if (block->state == BLOCK_FAILED)
        item_failed(item);
}

/* Finds the blocks of a new list; a block that is named twice stays with its first item. */
static void find_blocks(struct loader *loader, struct item *items, size_t count, uint64_t list)
{
    for (size_t i = 0; i < count; i++) {
        struct block *block =
            cache_obtain(loader->cache, &items[i].want.key, want_bytes(&items[i].want));
        if (block->list == list) {
            struct want *first = &items[block->order].want;
            if (first->prefetch)
                first->gather = items[i].want.gather;
            first->prefetch &= items[i].want.prefetch;
            cache_unref(loader->cache, block);
            continue;
        }
        block->list = list;
        block->order = i;
        items[i].block = block;
    }
}

/* What was made for the list before and not yet taken. */
static void keep_made(struct lane *lane, struct item *old, size_t old_count)
{
    for (size_t i = 0; i < old_count; i++) {
        struct block *block = old[i].block;
        if (!block || !old[i].made.memory || block->list != lane->list)
            continue;
        struct item *item = &lane->items[block->order];
        if (memcmp(&item->want.gather, &old[i].made.gather, sizeof item->want.gather) != 0)
            continue;
        item->made = old[i].made;
        old[i].made = (struct made){0};
    }
}

void lane_want(struct lane *lane, const struct want *wants, size_t count)
{
    struct loader *loader = lane->loader;
    struct item *items = xcalloc(count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i].want = wants[i];
        items[i].lane = lane;
        dataset_ref(wants[i].dataset);
    }

    pthread_mutex_lock(&loader->mutex);
    struct item *old = lane->items;
    size_t old_count = lane->count;
    for (size_t i = 0; i < old_count; i++)
        item_leave(&old[i]);
    lane->items = items;
    lane->count = count;
    lane->cursor = 0;
    lane->retry_ns = INT64_MAX;
    lane->first_ready = NULL;
    lane->last_ready = &lane->first_ready;
    lane->first_raw = NULL;
    lane->last_raw = &lane->first_raw;
    lane->untaken = 0;
    lane->news = false;
    lane->list = ++loader->lists;
    find_blocks(loader, items, count, lane->list);
    keep_made(lane, old, old_count);
    for (size_t i = 0; i < count; i++) {
        if (items[i].block)
            item_enter(loader, &items[i]);
    }
    for (size_t i = 0; i < old_count; i++) {
        struct block *block = old[i].block;
        buffer_unref(old[i].made.memory);
        if (!block)
            continue;
        if (block->state == BLOCK_RUNNING && !block->wanting && !block->loads)
            __atomic_store_n(&block->cancel, 1, __ATOMIC_RELAXED);
        cache_unref(loader->cache, block);
    }
    pthread_cond_broadcast(&loader->work);
    lanes_wake(loader);
    pthread_mutex_unlock(&loader->mutex);

    for (size_t i = 0; i < old_count; i++)
        dataset_unref(old[i].want.dataset); /* may call the module: not locked */
    free(old);
}

struct block *lane_take(struct lane *lane, struct made *made, char **failure)
{
    struct loader *loader = lane->loader;
    struct block *block = NULL;
    *failure = NULL;
    *made = (struct made){0};
    pthread_mutex_lock(&loader->mutex);
    for (struct item *item; !block && (item = lane->first_ready);) {
        lane->first_ready = item->next_ready;
        if (!lane->first_ready)
            lane->last_ready = &lane->first_ready;
        uint64_t before = lane->untaken;
        lane->untaken -= item->untaken;
        if (before > UNTAKEN_BYTES && lane->untaken <= UNTAKEN_BYTES)
            pthread_cond_broadcast(&loader->work);
        if (before > MADE_BYTES && lane->untaken <= MADE_BYTES && lane->first_raw) {
            pthread_cond_broadcast(&loader->work);
            pthread_cond_signal(&loader->raw);
        }
        item->untaken = 0;
        item->ready = false;
        if (item->block->state == BLOCK_READY) {
            block = item->block;
            item->block = NULL;
            *made = item->made;
            item->made = (struct made){0};
        } else if (item->block->state == BLOCK_FAILED) {
            block = cache_ref(loader->cache, item->block);
            *failure = xstrdup(block->error);
        } /* else it is being tried again */
    }
    pthread_mutex_unlock(&loader->mutex);
    return block;
}

uint64_t lane_prefetch_bytes(const struct lane *lane)
{
    struct loader *loader = lane->loader;
    uint64_t lanes = 0;
    pthread_mutex_lock(&loader->mutex);
    for (const struct lane *at = loader->lanes; at; at = at->next)
        lanes++;
    pthread_mutex_unlock(&loader->mutex);
    return cache_limit(loader->cache) / 4 / lanes;
}
