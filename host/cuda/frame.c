/* SPDX-License-Identifier: BSD-3-Clause */
#include "cuda/cuda.h"

#ifdef ORIEL_FFNVCODEC
#include <stdlib.h>
#include <string.h>

#include "cuda/driver.h"
#include "module/services.h"
#include "util/check.h"

#define PITCH 256u

struct copy {
    struct oriel_frame frame; /* first */
    CUcontext context;        /* where its memory is */
};

static void release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done; /* who reads on the device has finished before it lets go */
    struct copy *copy = (struct copy *)(uintptr_t)frame;
    const CudaFunctions *cu = driver_load(NULL);
    CUcontext popped;
    if (cu->cuCtxPushCurrent(copy->context) == CUDA_SUCCESS) {
        cu->cuMemFree(frame->planes[0].handle);
        cu->cuCtxPopCurrent(&popped);
    }
    free(copy);
}

/* The planes as they will lie in one block; its size. */
static size_t lay_out(const struct oriel_frame *from, struct oriel_frame *to)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < from->plane_count; i++) {
        uint32_t pitch = (from->planes[i].stride + PITCH - 1) / PITCH * PITCH;
        uint32_t rows = from->planes[i].rows;
        to->planes[i] = (struct oriel_plane){.offset = bytes, .stride = pitch, .rows = rows};
        bytes += (size_t)pitch * ((rows + 1) / 2 * 2);
    }
    return bytes;
}

/* Pageable memory may still be on its way when cuMemcpyHtoD returns. */
static bool upload(const CudaFunctions *cu, const uint8_t *bytes, size_t count, CUdeviceptr *memory,
                   struct error *err)
{
    if (!driver_check(cu->cuMemAlloc(memory, count), "cuMemAlloc", err))
        return false;
    if (driver_check(cu->cuMemcpyHtoD(*memory, bytes, count), "cuMemcpyHtoD", err) &&
        driver_check(cu->cuStreamSynchronize(NULL), "cuStreamSynchronize", err))
        return true;
    cu->cuMemFree(*memory);
    return false;
}

const struct oriel_frame *cuda_frame_copy(const struct oriel_frame *frame, struct error *err)
{
    CHECK(frame->format.domain == ORIEL_DOMAIN_CPU);
    CUcontext context;
    if (!frame_wait(frame, err) || !driver_enter(&context, err))
        return NULL;
    const CudaFunctions *cu = driver_load(err);
    struct copy *copy = xcalloc(1, sizeof *copy);
    copy->context = context;
    struct oriel_frame *to = &copy->frame;
    *to = (struct oriel_frame){.size = sizeof *to,
                               .plane_count = frame->plane_count,
                               .format = frame->format,
                               .stamp = frame->stamp,
                               .release = release};
    to->format.domain = ORIEL_DOMAIN_CUDA;
    size_t bytes = lay_out(frame, to);
    uint8_t *staged = xcalloc(1, bytes);
    for (uint32_t i = 0; i < frame->plane_count; i++) {
        const struct oriel_plane *from = &frame->planes[i];
        const uint8_t *row = (const uint8_t *)(uintptr_t)from->handle + from->offset;
        for (uint32_t y = 0; y < from->rows; y++)
            memcpy(staged + to->planes[i].offset + (size_t)y * to->planes[i].stride,
                   row + (size_t)y * from->stride, from->stride);
    }
    CUdeviceptr memory;
    bool ok = upload(cu, staged, bytes, &memory, err);
    driver_leave();
    free(staged);
    if (!ok) {
        free(copy);
        return NULL;
    }
    for (uint32_t i = 0; i < to->plane_count; i++)
        to->planes[i].handle = memory;
    return frame_ref(to);
}
#endif
