/* SPDX-License-Identifier: BSD-3-Clause */
#include "samples.h"

#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FFNV_LOG_FUNC(context, ...) ((void)(context))
#define FFNV_DEBUG_LOG_FUNC(context, ...) ((void)(context))
#include <ffnvcodec/dynlink_loader.h>

#include "convert.h"
#include "picture.h"

static CudaFunctions *cu;

bool samples_open(struct oriel_host_cuda *cuda)
{
    CUcontext context;
    CUdevice device;
    unsigned count = 0;
    if (cuda_load_functions(&cu, NULL) || cu->cuInit(0) ||
        cu->cuGLGetDevices(&count, &device, 1, CU_GL_DEVICE_LIST_ALL) || !count ||
        cu->cuDevicePrimaryCtxRetain(&context, device)) {
        cuda_free_functions(&cu);
        print_message("left out: no libcuda.so.1, or no CUDA device draws here\n");
        return false;
    }
    static char name[128];
    cu->cuDeviceGetName(name, sizeof(name), device);
    print_message("CUDA: %s\n", name);
    *cuda = (struct oriel_host_cuda){.size = sizeof(*cuda),
                                     .device = device,
                                     .context = (uintptr_t)context,
                                     .capability = 89,
                                     .name = name};
    return true;
}

void samples_close(const struct oriel_host_cuda *cuda)
{
    assert_int_equal(cu->cuDevicePrimaryCtxRelease(cuda->device), 0);
    cuda_free_functions(&cu);
}

static void enter(const struct oriel_host_cuda *cuda)
{
    assert_int_equal(cu->cuCtxPushCurrent((CUcontext)(uintptr_t)cuda->context), 0);
}

static void leave(void)
{
    CUcontext popped;
    assert_int_equal(cu->cuCtxPopCurrent(&popped), 0);
}

size_t samples_used(const struct oriel_host_cuda *cuda)
{
    CUresult (*get_info)(size_t * free, size_t * total);
    void *address = dlsym(cu->lib, "cuMemGetInfo_v2");
    size_t free = 0, total = 0;
    assert_non_null(address);
    memcpy(&get_info, &address, sizeof(address));
    enter(cuda);
    assert_int_equal(get_info(&free, &total), 0);
    leave();
    return total - free;
}

bool samples_ready(const struct oriel_host_cuda *cuda, const struct oriel_frame *frame)
{
    enter(cuda);
    CUresult result = cu->cuEventQuery((CUevent)(uintptr_t)frame->ready.handle);
    leave();
    return result == CUDA_SUCCESS;
}

/* All of the frame's memory; for free(). */
static uint8_t *fetch(const struct oriel_host_cuda *cuda, const struct oriel_frame *frame,
                      size_t bytes)
{
    uint8_t *copy = malloc(bytes);
    assert_int_equal(frame->ready.kind, ORIEL_FENCE_CUDA_EVENT);
    enter(cuda);
    assert_int_equal(cu->cuEventSynchronize((CUevent)(uintptr_t)frame->ready.handle), 0);
    assert_int_equal(cu->cuMemcpyDtoH(copy, frame->planes[0].handle, bytes), 0);
    leave();
    return copy;
}

static void check_deep(const struct oriel_format *format, const struct layout *layout,
                       const uint8_t *got, const uint8_t *rgba)
{
    for (uint32_t y = 0; y < format->height; y++)
        for (uint32_t x = 0; x < format->width; x++) {
            double exact[3];
            uint16_t luma, chroma[2] = {0};
            picture_exact(format, rgba, x, y, 1, exact);
            memcpy(&luma, got + (size_t)y * layout->stride[0] + 2 * x, 2);
            double off = fabs((luma >> 6) - exact[0]);
            bool first = x % 2 == 0 && y % 2 == 0;
            if (first) {
                picture_exact(format, rgba, x, y, 2, exact);
                memcpy(chroma,
                       got + layout->offset[1] + (size_t)(y / 2) * layout->stride[1] + 2 * x, 4);
                off = fmax(off, fabs((chroma[0] >> 6) - exact[1]));
                off = fmax(off, fabs((chroma[1] >> 6) - exact[2]));
            }
            /* Pure blue and red are half a level over the edge. */
            if (off > 0.53 || luma & 63 || chroma[0] & 63 || chroma[1] & 63)
                fail_msg("P010 at %u, %u: %.3f levels off (%u, %u, %u)", x, y, off, luma, chroma[0],
                         chroma[1]);
        }
}

static void check_bytes(const struct oriel_format *format, const struct layout *layout,
                        const uint8_t *got, const uint8_t *rgba)
{
    struct converter converter;
    converter_init(&converter, format);
    uint8_t *want = calloc(1, layout->bytes + 4 * (size_t)format->width);
    if (format->fourcc == ORIEL_FMT_RGBA) {
        for (uint32_t y = 0; y < format->height; y++)
            memcpy(want + (size_t)y * layout->stride[0], rgba + (size_t)y * format->width * 4,
                   (size_t)format->width * 4);
    } else {
        converter_run(&converter, format, layout, rgba, want);
    }
    for (uint32_t p = 0; p < layout->plane_count; p++) {
        uint32_t half = (format->width + 1) / 2, bytes = format->width;
        if (format->fourcc == ORIEL_FMT_RGBA)
            bytes *= 4;
        if (p && format->fourcc == ORIEL_FMT_I420)
            bytes = half;
        if (p && format->fourcc == ORIEL_FMT_NV12)
            bytes = 2 * half;
        for (uint32_t y = 0; y < layout->rows[p]; y++) {
            size_t at = layout->offset[p] + (size_t)y * layout->stride[p];
            if (memcmp(got + at, want + at, bytes) != 0)
                fail_msg("%.4s %u×%u: plane %u differs in row %u", (const char *)&format->fourcc,
                         format->width, format->height, p, y);
        }
    }
    free(want);
}

void samples_check(const struct oriel_host_cuda *cuda, const struct oriel_frame *frame,
                   const uint8_t *rgba)
{
    const struct oriel_format *format = &frame->format;
    struct layout layout;
    layout_init(&layout, format, LAYOUT_CUDA);
    assert_int_equal(format->domain, ORIEL_DOMAIN_CUDA);
    assert_int_equal(frame->plane_count, layout.plane_count);
    for (uint32_t p = 0; p < layout.plane_count; p++) {
        assert_int_equal(frame->planes[p].handle, frame->planes[0].handle);
        assert_int_equal(frame->planes[p].offset, layout.offset[p]);
        assert_int_equal(frame->planes[p].stride, layout.stride[p]);
        assert_int_equal(frame->planes[p].rows, layout.rows[p]);
        assert_int_equal(frame->planes[p].stride % 256, 0);
    }
    uint8_t *got = fetch(cuda, frame, layout.bytes);
    if (format->fourcc == ORIEL_FMT_P010)
        check_deep(format, &layout, got, rgba);
    else
        check_bytes(format, &layout, got, rgba);
    free(got);
}
