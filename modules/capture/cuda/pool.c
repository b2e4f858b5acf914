/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { STREAM_NON_BLOCKING = 1 };

struct entry {
    struct oriel_frame frame; /* first: a frame's address is its entry's */
    atomic_bool taken;
    CUevent ready;
};

struct pool {
    const struct driver *driver;
    CUcontext context;
    CUstream stream;
    struct layout layout;
    atomic_uint holders; /* the owner and every frame that is out */
    uint32_t count;
    struct entry entries[];
};

static void pool_free(struct pool *pool)
{
    const CudaFunctions *cu = pool->driver->cu;
    CUcontext popped;
    if (cu->cuCtxPushCurrent(pool->context) != CUDA_SUCCESS) {
        free(pool); /* of a lost device nothing can be given back */
        return;
    }
    if (pool->stream) /* work may be under way into frames that nobody waited for */
        cu->cuStreamSynchronize(pool->stream);
    for (uint32_t i = 0; i < pool->count; i++) {
        struct entry *entry = &pool->entries[i];
        if (entry->ready)
            cu->cuEventDestroy(entry->ready);
        if (entry->frame.planes[0].handle)
            cu->cuMemFree(entry->frame.planes[0].handle);
    }
    if (pool->stream)
        cu->cuStreamDestroy(pool->stream);
    cu->cuCtxPopCurrent(&popped);
    free(pool);
}

void pool_release(struct pool *pool)
{
    if (!pool || atomic_fetch_sub_explicit(&pool->holders, 1, memory_order_acq_rel) > 1)
        return;
    pool_free(pool);
}

static void frame_back(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    struct entry *entry = (struct entry *)(uintptr_t)frame;
    struct pool *pool = frame->pool;
    const CudaFunctions *cu = pool->driver->cu;
    CUcontext popped;
    if (done && done->kind == ORIEL_FENCE_CUDA_EVENT &&
        cu->cuCtxPushCurrent(pool->context) == CUDA_SUCCESS) {
        cu->cuEventSynchronize((CUevent)(uintptr_t)done->handle);
        cu->cuCtxPopCurrent(&popped);
    }
    atomic_store_explicit(&entry->taken, false, memory_order_release);
    pool_release(pool);
}

static bool fill(struct pool *pool, struct entry *entry, const struct oriel_format *format,
                 const char **call, CUresult *code)
{
    const CudaFunctions *cu = pool->driver->cu;
    *call = "cuEventCreate";
    *code = cu->cuEventCreate(&entry->ready, CU_EVENT_DISABLE_TIMING);
    if (*code != CUDA_SUCCESS) {
        entry->ready = NULL;
        return false;
    }
    CUdeviceptr memory;
    *call = "cuMemAlloc";
    *code = cu->cuMemAlloc(&memory, (size_t)pool->layout.bytes);
    if (*code != CUDA_SUCCESS)
        return false;
    struct oriel_frame *frame = &entry->frame;
    frame->size = sizeof(*frame);
    frame->plane_count = pool->layout.plane_count;
    frame->format = *format;
    frame->ready =
        (struct oriel_fence){.handle = (uintptr_t)entry->ready, .kind = ORIEL_FENCE_CUDA_EVENT};
    frame->release = frame_back;
    frame->pool = pool;
    for (uint32_t p = 0; p < frame->plane_count; p++)
        frame->planes[p] = (struct oriel_plane){.handle = memory,
                                                .offset = pool->layout.offset[p],
                                                .stride = pool->layout.stride[p],
                                                .rows = pool->layout.rows[p]};
    return true;
}

struct pool *pool_create(const struct driver *driver, CUcontext context,
                         const struct oriel_format *format, uint32_t count, const char **call,
                         CUresult *code)
{
    struct pool *pool = calloc(1, sizeof(*pool) + count * sizeof(pool->entries[0]));
    *call = NULL;
    if (!pool)
        return NULL;
    pool->driver = driver;
    pool->context = context;
    pool->holders = 1;
    layout_init(&pool->layout, format, LAYOUT_CUDA);
    *call = "cuStreamCreate";
    *code = driver->cu->cuStreamCreate(&pool->stream, STREAM_NON_BLOCKING);
    if (*code != CUDA_SUCCESS)
        pool->stream = NULL;
    bool ok = pool->stream != NULL;
    while (ok && pool->count < count)
        ok = fill(pool, &pool->entries[pool->count++], format, call, code);
    if (ok)
        return pool;
    pool_free(pool);
    return NULL;
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

CUevent pool_event(const struct oriel_frame *frame)
{
    return ((const struct entry *)(const void *)frame)->ready;
}

CUstream pool_stream(const struct pool *pool)
{
    return pool->stream;
}

const struct layout *pool_layout(const struct pool *pool)
{
    return &pool->layout;
}
