/* SPDX-License-Identifier: BSD-3-Clause */
/* The encoding itself, by libjpeg-turbo. */
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "nvjpeg.h"

struct planes {
    uint8_t *data[3];
    size_t width[3], height[3];
};

static void planes_free(struct planes *planes)
{
    for (int i = 0; i < 3; i++)
        free(planes->data[i]);
}

static bool read_plane(const struct work *work, unsigned i, struct planes *out)
{
    const char *why = NULL;
    uint64_t address = (uintptr_t)work->source.channel[i];
    size_t pitch = work->source.pitch[i], span = (work->rows[i] - 1) * pitch + work->row[i];
    const uint8_t *data = work->cuda->hold(address, span, &why);
    if (!data) {
        book_fault("nvjpegEncode: when the picture is encoded, channel %u %s", i, why);
        return false;
    }
    out->width[i] = work->row[i];
    out->height[i] = work->rows[i];
    out->data[i] = malloc(work->row[i] * work->rows[i]);
    for (size_t y = 0; y < work->rows[i]; y++)
        memcpy(out->data[i] + y * work->row[i], data + y * pitch, work->row[i]);
    work->cuda->release(address);
    return true;
}

static void chroma_size(int sampling, int width, int height, size_t *w, size_t *h)
{
    *w = (size_t)(sampling == NVJPEG_CSS_444 ? width : (width + 1) / 2);
    *h = (size_t)(sampling == NVJPEG_CSS_420 ? (height + 1) / 2 : height);
}

/* The nearest sample: enough for a client that asks for another sampling than it has. libjpeg-turbo
 * reads planes with whole groups of samples: the last column and row go on. */
static void resample(struct planes *planes, unsigned i, size_t width, size_t height,
                     size_t padded_width, size_t padded_height)
{
    uint8_t *to = malloc(padded_width * padded_height);
    for (size_t y = 0; y < padded_height; y++)
        for (size_t x = 0; x < padded_width; x++) {
            size_t from_x = (x < width ? x : width - 1) * planes->width[i] / width;
            size_t from_y = (y < height ? y : height - 1) * planes->height[i] / height;
            to[y * padded_width + x] = planes->data[i][from_y * planes->width[i] + from_x];
        }
    free(planes->data[i]);
    planes->data[i] = to;
    planes->width[i] = padded_width;
    planes->height[i] = padded_height;
}

static int subsampling(int css)
{
    return css == NVJPEG_CSS_444   ? TJSAMP_444
           : css == NVJPEG_CSS_422 ? TJSAMP_422
           : css == NVJPEG_CSS_420 ? TJSAMP_420
                                   : TJSAMP_GRAY;
}

static int compress_yuv(tjhandle tj, const struct work *work, struct planes *planes, uint8_t **jpeg,
                        unsigned long *bytes, int flags)
{
    size_t w, h;
    chroma_size(work->params.sampling, work->width, work->height, &w, &h);
    int sampling = planes->data[1] ? subsampling(work->params.sampling) : TJSAMP_GRAY;
    const uint8_t *data[3] = {NULL, NULL, NULL};
    int strides[3] = {0, 0, 0};
    for (int i = 0; i < (sampling == TJSAMP_GRAY ? 1 : 3); i++) {
        resample(planes, (unsigned)i, i ? w : (size_t)work->width, i ? h : (size_t)work->height,
                 (size_t)tjPlaneWidth(i, work->width, sampling),
                 (size_t)tjPlaneHeight(i, work->height, sampling));
        data[i] = planes->data[i];
        strides[i] = (int)planes->width[i];
    }
    return tjCompressFromYUVPlanes(tj, data, work->width, strides, work->height, sampling, jpeg,
                                   bytes, work->params.quality, flags);
}

static int compress_rgb(tjhandle tj, const struct work *work, const struct planes *planes,
                        uint8_t **jpeg, unsigned long *bytes, int flags)
{
    bool bgr = work->format == NVJPEG_INPUT_BGR || work->format == NVJPEG_INPUT_BGRI;
    size_t n = (size_t)work->width * (size_t)work->height;
    uint8_t *mixed = planes->data[0];
    if (work->planes == 3) {
        mixed = malloc(n * 3);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < 3; k++)
                mixed[i * 3 + k] = planes->data[k][i];
    }
    int result = tjCompress2(tj, mixed, work->width, work->width * 3, work->height,
                             bgr ? TJPF_BGR : TJPF_RGB, jpeg, bytes,
                             subsampling(work->params.sampling), work->params.quality, flags);
    if (work->planes == 3)
        free(mixed);
    return result;
}

int work_encode(const struct work *work, uint8_t **jpeg, size_t *bytes)
{
    struct planes planes = {0};
    for (unsigned i = 0; i < work->planes; i++)
        if (!read_plane(work, i, &planes)) {
            planes_free(&planes);
            return NVJPEG_EXECUTION_FAILED;
        }
    tjhandle tj = tjInitCompress();
    unsigned char *out = NULL;
    unsigned long size = 0;
    int flags = work->params.encoding == NVJPEG_PROGRESSIVE ? TJFLAG_PROGRESSIVE : 0;
    int result = work->format ? compress_rgb(tj, work, &planes, &out, &size, flags)
                              : compress_yuv(tj, work, &planes, &out, &size, flags);
    planes_free(&planes);
    tjDestroy(tj);
    if (!result) {
        *jpeg = malloc(size);
        memcpy(*jpeg, out, size);
        *bytes = size;
    }
    tjFree(out);
    return result ? NVJPEG_INTERNAL_ERROR : NVJPEG_SUCCESS;
}
