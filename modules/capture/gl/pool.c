/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ALIGNMENT = 256 };

struct entry {
    struct oriel_frame frame; /* first: a frame's address is its entry's */
    atomic_bool taken;
    uint32_t flag; /* of its fence, where the GPU writes */
    size_t at;     /* in the memory */
};

struct pool {
    struct layout layout;
    atomic_uint holders; /* the owner and every frame that is out */
    struct keeper *keeper;
    GLuint buffer;
    uint8_t *memory; /* of the buffer, else the process' */
    uint32_t count;
    struct entry entries[];
};

/* The GPU may still write into a buffer that is deleted: OpenGL keeps it until then. */
static void pool_free(struct pool *pool)
{
    struct keeper_visit visit;
    if (!pool->keeper) {
        free(pool->memory);
    } else if (keeper_enter(pool->keeper, &visit)) {
        glDeleteBuffers(1, &pool->buffer); /* which unmaps it */
        keeper_leave(pool->keeper, &visit);
    }
    keeper_release(pool->keeper);
    free(pool);
}

void pool_release(struct pool *pool)
{
    if (!pool || atomic_fetch_sub_explicit(&pool->holders, 1, memory_order_acq_rel) > 1)
        return;
    pool_free(pool);
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

/* The mapping belongs to the keeper's context: the render context may go first. Client storage is
 * memory that the CPU reads at its usual pace. */
static uint8_t *map_buffer(struct pool *pool, size_t bytes)
{
    const GLbitfield access = GL_MAP_READ_BIT | GL_MAP_PERSISTENT_BIT | GL_MAP_COHERENT_BIT;
    struct keeper_visit visit;
    if (!keeper_enter(pool->keeper, &visit))
        return NULL;
    glCreateBuffers(1, &pool->buffer);
    glNamedBufferStorage(pool->buffer, (GLsizeiptr)bytes, NULL, access | GL_CLIENT_STORAGE_BIT);
    uint8_t *memory = glMapNamedBufferRange(pool->buffer, 0, (GLsizeiptr)bytes, access);
    keeper_leave(pool->keeper, &visit);
    return memory;
}

struct pool *pool_create(const struct oriel_format *format, uint32_t count, struct keeper *keeper)
{
    struct pool *pool = calloc(1, sizeof(*pool) + count * sizeof(pool->entries[0]));
    if (!pool) {
        keeper_release(keeper);
        return NULL;
    }
    layout_init(&pool->layout, format, LAYOUT_CPU);
    size_t bytes = ((size_t)pool->layout.bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    pool->holders = 1;
    pool->keeper = keeper;
    pool->memory =
        keeper ? map_buffer(pool, bytes * count) : aligned_alloc(ALIGNMENT, bytes * count);
    if (!pool->memory) {
        pool_free(pool);
        return NULL;
    }
    for (; pool->count < count; pool->count++) {
        struct entry *entry = &pool->entries[pool->count];
        struct oriel_frame *frame = &entry->frame;
        entry->at = pool->count * bytes;
        frame->size = sizeof(*frame);
        frame->plane_count = pool->layout.plane_count;
        frame->format = *format;
        frame->release = frame_back;
        frame->pool = pool;
        for (uint32_t p = 0; p < frame->plane_count; p++)
            frame->planes[p] = (struct oriel_plane){
                .handle = (uintptr_t)(pool->memory + entry->at),
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

void pool_copy(struct oriel_frame *frame, GLuint planes)
{
    struct entry *entry = (struct entry *)frame;
    struct pool *pool = frame->pool;
    glCopyNamedBufferSubData(planes, pool->buffer, 0, (GLintptr)entry->at,
                             (GLsizeiptr)pool->layout.bytes);
    __atomic_store_n(&entry->flag, 0, __ATOMIC_RELAXED);
    frame->ready =
        (struct oriel_fence){.handle = (uintptr_t)&entry->flag, .kind = ORIEL_FENCE_FLAG};
}

void pool_copied(struct oriel_frame *frame, bool good)
{
    struct entry *entry = (struct entry *)frame;
    __atomic_store_n(&entry->flag, good ? 1 : 2, __ATOMIC_RELEASE);
    syscall(SYS_futex, &entry->flag, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

const struct layout *pool_layout(const struct pool *pool)
{
    return &pool->layout;
}
