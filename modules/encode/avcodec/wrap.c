/* SPDX-License-Identifier: BSD-3-Clause */
#include "wrap.h"

#include <stdlib.h>

#include <libavutil/pixdesc.h>

/* What a buffer of FFmpeg's knows of the picture it lies over. */
struct source {
    const struct oriel_host *host;
    const struct oriel_frame *frame;
    bool kept;
};

static void source_free(void *data, uint8_t *bytes)
{
    (void)bytes;
    struct source *source = data;
    if (source->kept)
        source->host->frame_unref(source->host, source->frame, NULL);
    free(source);
}

/* buf[0] stands for the whole of the source: FFmpeg copies pictures that no buffer stands for. */
static bool stand_for(AVFrame *picture, const struct oriel_host *host, const struct encode_job *job)
{
    struct source *source = calloc(1, sizeof(*source));
    if (!source)
        return false;
    source->host = host;
    source->frame = job->frame;
    const struct oriel_plane *plane = &job->frame->planes[0];
    picture->buf[0] =
        av_buffer_create((uint8_t *)(uintptr_t)job->data[0], (size_t)plane->stride * plane->rows,
                         source_free, source, AV_BUFFER_FLAG_READONLY);
    if (!picture->buf[0])
        free(source);
    return picture->buf[0] != NULL;
}

void wrapper_keep(struct wrapper *self, AVFrame *picture)
{
    if (av_buffer_get_ref_count(picture->buf[0]) == 1)
        return;
    struct source *source = av_buffer_get_opaque(picture->buf[0]);
    self->host->frame_ref(self->host, source->frame);
    source->kept = true;
}

/* --- rearranging --- */

static void split_pairs(const uint8_t *from, uint8_t *u, uint8_t *v, uint32_t count)
{
    for (uint32_t x = 0; x < count; x++) {
        u[x] = from[2 * x];
        v[x] = from[2 * x + 1];
    }
}

static void join_pairs(const uint8_t *u, const uint8_t *v, uint8_t *to, uint32_t count)
{
    for (uint32_t x = 0; x < count; x++) {
        to[2 * x] = u[x];
        to[2 * x + 1] = v[x];
    }
}

/* P010 has its ten bits at the top of sixteen, FFmpeg's planes have them at the bottom. */
static uint16_t lowered(const uint8_t *from)
{
    return (uint16_t)((from[0] | from[1] << 8) >> 6);
}

static void lower_row(const uint8_t *from, uint16_t *to, uint32_t count)
{
    for (uint32_t x = 0; x < count; x++)
        to[x] = lowered(from + 2 * (size_t)x);
}

static void lower_pairs(const uint8_t *from, uint16_t *u, uint16_t *v, uint32_t count)
{
    for (uint32_t x = 0; x < count; x++) {
        u[x] = lowered(from + 4 * (size_t)x);
        v[x] = lowered(from + 4 * (size_t)x + 2);
    }
}

/* A plane of the pool's buffer: `bytes` for each of `rows`, aligned for SIMD. */
static void lay_plane(AVFrame *picture, int plane, uint32_t bytes, uint32_t rows, size_t *used)
{
    enum { ALIGN = 64 };
    picture->linesize[plane] = (int)((bytes + ALIGN - 1) / ALIGN * ALIGN);
    if (picture->buf[1])
        picture->data[plane] = picture->buf[1]->data + *used;
    *used += (size_t)picture->linesize[plane] * rows;
}

static void lay_planes(AVFrame *picture, const struct oriel_format *format,
                       enum AVPixelFormat samples, size_t *used)
{
    uint32_t half_w = (format->width + 1) / 2, half_h = (format->height + 1) / 2;
    *used = 0;
    if (samples == AV_PIX_FMT_NV12) {
        lay_plane(picture, 1, 2 * half_w, half_h, used);
        return;
    }
    uint32_t size = samples == AV_PIX_FMT_YUV420P10LE ? 2 : 1;
    if (size == 2)
        lay_plane(picture, 0, 2 * format->width, format->height, used);
    lay_plane(picture, 1, size * half_w, half_h, used);
    lay_plane(picture, 2, size * half_w, half_h, used);
}

static void fill_planes(AVFrame *picture, const struct encode_job *job, enum AVPixelFormat samples)
{
    const struct oriel_format *format = &job->frame->format;
    uint32_t half_w = (format->width + 1) / 2, half_h = (format->height + 1) / 2;
    bool ten = samples == AV_PIX_FMT_YUV420P10LE;
    for (uint32_t y = 0; ten && y < format->height; y++)
        lower_row(job->data[0] + (size_t)y * job->stride[0],
                  (uint16_t *)(picture->data[0] + (ptrdiff_t)y * picture->linesize[0]),
                  format->width);
    for (uint32_t y = 0; y < half_h; y++) {
        const uint8_t *first = job->data[1] + (size_t)y * job->stride[1];
        uint8_t *u = picture->data[1] + (ptrdiff_t)y * picture->linesize[1];
        uint8_t *v = picture->data[2] + (ptrdiff_t)y * picture->linesize[2];
        if (ten)
            lower_pairs(first, (uint16_t *)u, (uint16_t *)v, half_w);
        else if (samples == AV_PIX_FMT_NV12)
            join_pairs(first, job->data[2] + (size_t)y * job->stride[2], u, half_w);
        else
            split_pairs(first, u, v, half_w);
    }
}

static bool as_they_lie(uint32_t fourcc, enum AVPixelFormat samples)
{
    switch (samples) {
    case AV_PIX_FMT_NV12:
        return fourcc == ORIEL_FMT_NV12;
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
        return fourcc == ORIEL_FMT_I420;
    case AV_PIX_FMT_YUV420P10LE:
        return false;
    default:
        return true;
    }
}

static bool rearrange(struct wrapper *self, AVFrame *picture, const struct encode_job *job,
                      enum AVPixelFormat samples)
{
    size_t bytes;
    lay_planes(picture, &job->frame->format, samples, &bytes);
    if (!self->pool)
        self->pool = av_buffer_pool_init(bytes, NULL);
    picture->buf[1] = self->pool ? av_buffer_pool_get(self->pool) : NULL;
    if (!picture->buf[1])
        return false;
    lay_planes(picture, &job->frame->format, samples, &bytes);
    fill_planes(picture, job, samples);
    return true;
}

AVFrame *wrapper_frame(struct wrapper *self, const struct encode_job *job,
                       enum AVPixelFormat samples)
{
    const struct oriel_format *format = &job->frame->format;
    AVFrame *picture = av_frame_alloc();
    if (!picture)
        return NULL;
    picture->width = (int)format->width;
    picture->height = (int)format->height;
    picture->format = samples;
    picture->color_range = format->full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    picture->color_primaries = (enum AVColorPrimaries)format->primaries;
    picture->color_trc = (enum AVColorTransferCharacteristic)format->transfer;
    picture->colorspace = (enum AVColorSpace)format->matrix;
    for (uint32_t i = 0; i < job->frame->plane_count && i < ORIEL_MAX_PLANES; i++) {
        picture->data[i] = (uint8_t *)(uintptr_t)job->data[i]; /* only read */
        picture->linesize[i] = (int)job->stride[i];
    }
    bool ok = stand_for(picture, self->host, job);
    if (ok && !as_they_lie(format->fourcc, samples)) {
        picture->data[2] = NULL;
        picture->linesize[2] = 0;
        ok = rearrange(self, picture, job, samples);
    }
    if (!ok)
        av_frame_free(&picture);
    return picture;
}

void wrapper_finish(struct wrapper *self)
{
    av_buffer_pool_uninit(&self->pool);
}
