/* SPDX-License-Identifier: BSD-3-Clause */
/* A capture to begin from: reads back and converts to I420 on the render thread. It waits for the
 * GPU, which one with a ring of pixel buffers would not. The contract is in oriel/capture.h. */
#include <stdatomic.h>
#include <stdlib.h>
#include <epoxy/gl.h>

#include "oriel/capture.h"
#include "oriel/gl.h"
#include "oriel/host_gl.h"

struct instance {
    const struct oriel_host *host;
    const struct oriel_frame_sink *sink;
    struct oriel_format format;
    uint32_t most;
    atomic_uint users; /* frames that are not back, and the host */
    uint8_t rgba[];
};

/* The host, or the last frame, which may come back later than that. [any-thread] */
static void let_go(void *data)
{
    struct instance *self = data;
    if (self && atomic_fetch_sub(&self->users, 1) == 1)
        free(self);
}

static void release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done; /* no device reads it */
    let_go(frame->pool);
    free((void *)(uintptr_t)frame);
}

static const struct oriel_format made = {.domain = ORIEL_DOMAIN_CPU,
                                         .fourcc = ORIEL_FMT_I420,
                                         .primaries = ORIEL_PRIMARIES_BT709,
                                         .transfer = ORIEL_TRANSFER_SRGB,
                                         .matrix = ORIEL_MATRIX_BT601,
                                         .full_range = 1};

static oriel_result output_format(const struct oriel_host *host, uint32_t index,
                                  struct oriel_format *format)
{
    (void)host;
    *format = made;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_format *format, uint32_t frames_held,
                           const struct oriel_frame_sink *sink, void **out)
{
    (void)config;
    if (!host->get_interface(host, ORIEL_HOST_GL_V1))
        return host->fail(host, ORIEL_UNSUPPORTED, "it needs OpenGL");
    if (!oriel_format_is(format, &made))
        return host->fail(host, ORIEL_UNSUPPORTED, "I420, BT.601, full range only");
    struct instance *self = malloc(sizeof(*self) + (size_t)format->width * format->height * 4);
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    *self = (struct instance){
        .host = host, .sink = sink, .format = *format, .most = frames_held + 1, .users = 1};
    *out = self;
    return ORIEL_OK;
}

/* Rec. ITU-T T.871: weights of red, green, blue in 65536ths, for the mean of step × step pixels. */
static void convert(const struct instance *self, uint32_t step, const int32_t weights[3],
                    int32_t offset, uint8_t *to)
{
    uint32_t width = self->format.width, height = self->format.height;
    for (uint32_t y = 0; y < height; y += step) {
        for (uint32_t x = 0; x < width; x += step) {
            int32_t sum = 0;
            for (uint32_t k = 0; k < step * step; k++) { /* the last column and row stand twice */
                uint32_t row = y + k / 2 < height ? y + k / 2 : y;
                uint32_t column = x + k % 2 < width ? x + k % 2 : x;
                const uint8_t *p = self->rgba + ((size_t)row * width + column) * 4;
                sum += weights[0] * p[0] + weights[1] * p[1] + weights[2] * p[2];
            }
            int32_t sample = (sum / (int32_t)(step * step) + offset + 32768) >> 16;
            *to++ = (uint8_t)(sample > 255 ? 255 : sample);
        }
    }
}

static oriel_result grab(void *data, const struct oriel_target *target,
                         const struct oriel_stamp *stamp)
{
    static const int32_t weights[3][3] = {
        {19595, 38470, 7471}, {-11059, -21709, 32768}, {32768, -27439, -5329}};
    struct instance *self = data;
    int32_t was[ORIEL_GL_VALUES];
    uint32_t width = self->format.width, height = self->format.height;
    if (target->width != width || target->height != height)
        return self->host->fail(self->host, ORIEL_INVALID, "a target of another size");
    if (atomic_load(&self->users) > self->most)
        return ORIEL_AGAIN; /* consumers hold all they may */
    size_t luma = (size_t)width * height, chroma = (size_t)((width + 1) / 2) * ((height + 1) / 2);
    struct oriel_frame *frame = calloc(1, sizeof(*frame) + luma + 2 * chroma);
    if (!frame)
        return self->host->fail(self->host, ORIEL_NOMEM, "out of memory");
    oriel_gl_enter(was, NULL);
    glGetTextureImage(target->texture, 0, GL_RGBA, GL_UNSIGNED_BYTE, (GLsizei)(luma * 4),
                      self->rgba); /* the bottom row first */
    oriel_gl_leave(was);
    frame->size = sizeof(*frame);
    frame->plane_count = 3;
    frame->format = self->format;
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t *to = (uint8_t *)(frame + 1) + (i ? luma + (i - 1) * chroma : 0);
        convert(self, i ? 2 : 1, weights[i], i ? 128 << 16 : 0, to);
        frame->planes[i] = (struct oriel_plane){(uintptr_t)to, 0, i ? (width + 1) / 2 : width,
                                                i ? (height + 1) / 2 : height};
    }
    frame->stamp = *stamp;
    frame->stamp.flags |= ORIEL_FRAME_BOTTOM_UP;
    frame->stamp.t_captured_ns = self->host->now_ns(self->host);
    frame->release = release;
    frame->pool = self;
    atomic_fetch_add(&self->users, 1);
    self->host->frame_ref(self->host, frame);
    self->sink->frame(self->sink, frame);
    self->host->frame_unref(self->host, frame, NULL);
    return ORIEL_OK;
}

static oriel_result poll(void *self, uint32_t wait)
{
    (void)self, (void)wait; /* nothing is ever in flight */
    return ORIEL_OK;
}

static const struct oriel_capture capture = {
    .size = sizeof(capture),
    .output_format = output_format,
    .create = create,
    .destroy = let_go,
    .grab = grab,
    .poll = poll,
};
ORIEL_MODULE_OF(ORIEL_CAPTURE_V1, &capture, "org.example/my_capture", "1.0.0", "Your name",
                "BSD-3-Clause", "Pictures read back and converted by the CPU");
