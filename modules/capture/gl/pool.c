/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct entry {
    struct oriel_frame frame; /* first: a frame's address is its entry's */
    atomic_bool taken;
};

struct pool {
    struct layout layout;
    atomic_uint holders; /* the owner and every frame that is out */
    uint32_t count;
    uint8_t *memory;
    struct entry entries[];
};

void pool_release(struct pool *pool)
{
    if (!pool || atomic_fetch_sub_explicit(&pool->holders, 1, memory_order_acq_rel) > 1)
        return;
    free(pool->memory);
    free(pool);
}

/* The samples are in CPU memory: who lets go has finished reading, whatever device it read for. */
static void frame_back(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done;
    struct entry *entry = (struct entry *)(uintptr_t)frame;
    struct pool *pool = frame->pool;
    atomic_store_explicit(&entry->taken, false, memory_order_release);
    pool_release(pool);
}

struct pool *pool_create(const struct oriel_format *format, uint32_t count)
{
    struct pool *pool = calloc(1, sizeof(*pool) + count * sizeof(pool->entries[0]));
    if (!pool)
        return NULL;
    layout_init(&pool->layout, format, LAYOUT_CPU);
    size_t bytes = ((size_t)pool->layout.bytes + 63) & ~(size_t)63;
    pool->holders = 1;
    pool->count = count;
    pool->memory = aligned_alloc(64, bytes * count);
    if (!pool->memory) {
        free(pool);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct oriel_frame *frame = &pool->entries[i].frame;
        frame->size = sizeof(*frame);
        frame->plane_count = pool->layout.plane_count;
        frame->format = *format;
        frame->release = frame_back;
        frame->pool = pool;
        for (uint32_t p = 0; p < frame->plane_count; p++)
            frame->planes[p] = (struct oriel_plane){
                .handle = (uintptr_t)(pool->memory + i * bytes),
                .offset = pool->layout.offset[p],
                .stride = pool->layout.stride[p],
                .rows = pool->layout.rows[p],
            };
    }
    return pool;
}

struct oriel_frame *pool_take(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        struct entry *entry = &pool->entries[i];
        if (!atomic_load_explicit(&entry->taken, memory_order_acquire)) {
            atomic_store_explicit(&entry->taken, true, memory_order_relaxed);
            atomic_fetch_add_explicit(&pool->holders, 1, memory_order_relaxed);
            return &entry->frame;
        }
    }
    return NULL;
}

uint8_t *pool_memory(const struct oriel_frame *frame)
{
    return (uint8_t *)(uintptr_t)frame->planes[0].handle;
}

const struct layout *pool_layout(const struct pool *pool)
{
    return &pool->layout;
}
