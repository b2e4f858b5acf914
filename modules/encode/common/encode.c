/* SPDX-License-Identifier: BSD-3-Clause */
#include "encode.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

oriel_result encode_fail(const struct oriel_host *host, oriel_result result, const char *format,
                         ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return host->fail(host, result, text);
}

oriel_result encode_list_format(const struct oriel_format *list, size_t count, uint32_t index,
                                struct oriel_format *format)
{
    if (index >= count)
        return ORIEL_UNSUPPORTED;
    *format = list[index];
    return ORIEL_OK;
}

oriel_result encode_list_codec(const uint32_t *list, size_t count, uint32_t index, uint32_t *codec)
{
    if (index >= count)
        return ORIEL_UNSUPPORTED;
    *codec = list[index];
    return ORIEL_OK;
}

bool encode_plane_size(const struct oriel_format *format, uint32_t plane, uint32_t *row_bytes,
                       uint32_t *rows)
{
    uint32_t w = format->width, h = format->height;
    uint32_t half_w = w / 2 + w % 2, half_h = h / 2 + h % 2;
    bool chroma = plane > 0;
    switch (format->fourcc) {
    case ORIEL_FMT_RGBA:
        *row_bytes = w * 4;
        *rows = h;
        return plane < 1;
    case ORIEL_FMT_NV12:
        *row_bytes = chroma ? half_w * 2 : w;
        *rows = chroma ? half_h : h;
        return plane < 2;
    case ORIEL_FMT_P010:
        *row_bytes = (chroma ? half_w * 2 : w) * 2;
        *rows = chroma ? half_h : h;
        return plane < 2;
    case ORIEL_FMT_I420:
        *row_bytes = chroma ? half_w : w;
        *rows = chroma ? half_h : h;
        return plane < 3;
    case ORIEL_FMT_I444:
        *row_bytes = w;
        *rows = h;
        return plane < 3;
    default:
        return false;
    }
}

static bool format_listed(const struct oriel_format *format, const struct oriel_format *list,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct oriel_format *f = &list[i];
        if (f->modifier == format->modifier && f->domain == format->domain &&
            f->fourcc == format->fourcc && f->matrix == format->matrix &&
            (!f->full_range || f->full_range == format->full_range) &&
            (!f->primaries || f->primaries == format->primaries) &&
            (!f->transfer || f->transfer == format->transfer))
            return true;
    }
    return false;
}

oriel_result encode_init(struct encode *self, const struct oriel_host *host,
                         const struct oriel_packet_sink *sink, const struct oriel_format *format,
                         const struct oriel_format *list, size_t count, uint32_t min_side,
                         uint32_t max_side)
{
    if (!format_listed(format, list, count))
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "no %.4s pictures with matrix %u, range %u in memory domain %u",
                           (const char *)&format->fourcc, format->matrix, format->full_range,
                           format->domain);
    if (format->width < min_side || format->height < min_side || format->width > max_side ||
        format->height > max_side)
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "a picture of %u×%u: sides from %u to %u are possible", format->width,
                           format->height, min_side, max_side);
    self->host = host;
    self->sink = sink;
    self->format = *format;
    return ORIEL_OK;
}

static bool fence_fits(const struct oriel_frame *frame)
{
    switch (frame->ready.kind) {
    case ORIEL_FENCE_NONE:
        return true;
    case ORIEL_FENCE_CUDA_EVENT:
        return frame->format.domain == ORIEL_DOMAIN_CPU ||
               frame->format.domain == ORIEL_DOMAIN_CUDA;
    case ORIEL_FENCE_GLSYNC:
        return frame->format.domain == ORIEL_DOMAIN_GL;
    case ORIEL_FENCE_FLAG:
        return frame->format.domain == ORIEL_DOMAIN_CPU;
    default:
        return false;
    }
}

oriel_result encode_begin(struct encode *self, const struct oriel_frame *frame, uint32_t flags,
                          struct encode_job *job)
{
    const struct oriel_format *f = &frame->format;
    if (flags & ~(uint32_t)ORIEL_ENCODE_KEY)
        return encode_fail(self->host, ORIEL_UNSUPPORTED, "unknown encode flags 0x%x", flags);
    if (memcmp(f, &self->format, sizeof(*f)) != 0)
        return encode_fail(self->host, ORIEL_INVALID,
                           "a frame of %.4s %u×%u came to an encoder made for %.4s %u×%u",
                           (const char *)&f->fourcc, f->width, f->height,
                           (const char *)&self->format.fourcc, self->format.width,
                           self->format.height);
    if (!fence_fits(frame))
        return encode_fail(self->host, ORIEL_UNSUPPORTED,
                           "frames in memory domain %u with a fence of kind %u", f->domain,
                           frame->ready.kind);
    *job = (struct encode_job){.frame = frame};
    uint32_t row_bytes, rows;
    for (uint32_t i = 0; encode_plane_size(f, i, &row_bytes, &rows); i++) {
        const struct oriel_plane *plane = &frame->planes[i];
        if (i >= frame->plane_count || !plane->handle || plane->stride < row_bytes ||
            plane->rows < rows)
            return encode_fail(self->host, ORIEL_INVALID, "plane %u of the frame is too small", i);
        if (f->domain == ORIEL_DOMAIN_CPU)
            job->data[i] = (const uint8_t *)(uintptr_t)plane->handle + plane->offset;
        if (f->domain == ORIEL_DOMAIN_CUDA)
            job->device[i] = plane->handle + plane->offset;
        job->stride[i] = plane->stride;
    }
    job->t_submit_ns = self->host->now_ns(self->host);
    bool wanted = atomic_exchange(&self->key_wanted, false);
    job->key = wanted || (flags & ORIEL_ENCODE_KEY) || !self->started;
    return ORIEL_OK;
}

void encode_emit(struct encode *self, const struct encode_job *job, uint32_t flags, uint32_t qp_q8,
                 const void *data, uint64_t bytes)
{
    struct oriel_packet packet = {
        .size = sizeof(packet),
        .codec = self->codec,
        .flags = flags,
        .qp_q8 = qp_q8,
        .stamp = job->frame->stamp,
        .format = self->format,
        .t_submit_ns = job->t_submit_ns,
        .t_done_ns = self->host->now_ns(self->host),
        .data = data,
        .bytes = bytes,
    };
    self->started = true;
    self->sink->packet(self->sink, &packet);
}

oriel_result encode_lost(struct encode *self, const struct encode_job *job, oriel_result result,
                         const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (job->key)
        atomic_store(&self->key_wanted, true);
    return self->host->fail(self->host, result, text);
}

int encode_fps_num(double fps)
{
    if (!(fps >= 0.001))
        return 1;
    return fps > 1000.0 ? 1000000 : (int)lround(fps * 1000.0);
}

const void *encode_no_interface(void *self, const char *id)
{
    (void)self;
    (void)id;
    return NULL;
}

oriel_result encode_nothing_held(void *self)
{
    (void)self;
    return ORIEL_OK;
}

void encode_want_key(void *self)
{
    struct encode *encode = self;
    atomic_store(&encode->key_wanted, true);
}
