/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <turbojpeg.h>

CudaFunctions *cuda;
struct oriel_host_cuda device = {.size = sizeof(device)};

static void enter(void)
{
    assert_int_equal(cuda->cuCtxPushCurrent((CUcontext)(uintptr_t)device.context), CUDA_SUCCESS);
}

static void leave(void)
{
    CUcontext context;
    assert_int_equal(cuda->cuCtxPopCurrent(&context), CUDA_SUCCESS);
}

struct pair pair_create(const struct oriel_format *format, unsigned t, bool noise)
{
    struct picture picture = picture_create(format->width, format->height);
    picture_scene(&picture, t);
    uint32_t random = 1 + t;
    for (size_t i = 0; noise && i < (size_t)3 * format->width * format->height; i++)
        picture.rgb[i] = (uint8_t)((random = random * 1664525u + 1013904223u) >> 24);
    struct pair pair = {.host = frame_create(format)};
    frame_fill(pair.host, &picture, t + 1);
    picture_finish(&picture);

    pair.frame = *pair.host;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < pair.frame.plane_count; i++) {
        struct oriel_plane *plane = &pair.frame.planes[i];
        plane->stride = (plane->stride - 13 + 255) / 256 * 256;
        plane->offset = bytes;
        bytes += (uint64_t)plane->stride * plane->rows;
    }
    uint8_t *rows = calloc(1, bytes);
    for (uint32_t i = 0; i < pair.frame.plane_count; i++) {
        const struct oriel_plane *from = &pair.host->planes[i], *to = &pair.frame.planes[i];
        for (uint32_t y = 0; y < to->rows; y++)
            memcpy(rows + to->offset + (size_t)y * to->stride,
                   (const uint8_t *)(uintptr_t)from->handle + from->offset +
                       (size_t)y * from->stride,
                   from->stride - 13);
    }
    CUdeviceptr memory;
    enter();
    assert_int_equal(cuda->cuMemAlloc(&memory, bytes), CUDA_SUCCESS);
    assert_int_equal(cuda->cuMemcpyHtoD(memory, rows, bytes), CUDA_SUCCESS);
    /* Little pageable memory may still be on its way, and the encoder's stream waits for no other.
     */
    assert_int_equal(cuda->cuStreamSynchronize(NULL), CUDA_SUCCESS);
    leave();
    free(rows);
    for (uint32_t i = 0; i < pair.frame.plane_count; i++)
        pair.frame.planes[i].handle = memory;
    return pair;
}

void pair_destroy(struct pair *pair)
{
    enter();
    assert_int_equal(cuda->cuMemFree(pair->frame.planes[0].handle), CUDA_SUCCESS);
    leave();
    frame_destroy(pair->host);
}

void decoded_psnr(const struct kept_packet *kept, const struct oriel_frame *host, double psnr[3])
{
    const struct oriel_format *format = &host->format;
    tjhandle tj = tjInitDecompress();
    int width, height, subsampling, colours;
    assert_int_equal(tjDecompressHeader3(tj, kept->data, kept->packet.bytes, &width, &height,
                                         &subsampling, &colours),
                     0);
    assert_int_equal(width, format->width);
    assert_int_equal(height, format->height);
    assert_int_equal(subsampling, format->fourcc == ORIEL_FMT_I444 ? TJSAMP_444 : TJSAMP_420);
    assert_int_equal(colours, TJCS_YCbCr);
    unsigned char *planes[3];
    int strides[3];
    for (int i = 0; i < 3; i++) {
        planes[i] = malloc(tjPlaneSizeYUV(i, width, 0, height, subsampling));
        strides[i] = tjPlaneWidth(i, width, subsampling);
    }
    assert_int_equal(tjDecompressToYUVPlanes(tj, kept->data, kept->packet.bytes, planes, width,
                                             strides, height, 0),
                     0);
    for (uint32_t i = 0; i < 3; i++) {
        double sum = 0;
        uint32_t columns = host->planes[i].stride - 13;
        for (uint32_t y = 0; y < host->planes[i].rows; y++)
            for (uint32_t x = 0; x < columns; x++) {
                double d = (double)frame_sample(host, i, x, y) -
                           planes[i][(size_t)y * (size_t)strides[i] + x];
                sum += d * d;
            }
        psnr[i] = 10 * log10(255.0 * 255 * columns * host->planes[i].rows / (sum + 1e-9));
        free(planes[i]);
    }
    tjDestroy(tj);
}
