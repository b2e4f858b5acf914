/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/frame_read.h"

#include <dlfcn.h>
#include <epoxy/gl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "util/check.h"

static const double tolerance = 2.01; /* levels; the sums here are exact */

uint32_t frame_plane_count(const struct oriel_format *format)
{
    switch (format->fourcc) {
    case ORIEL_FMT_RGBA:
        return 1;
    case ORIEL_FMT_NV12:
    case ORIEL_FMT_P010:
        return 2;
    case ORIEL_FMT_I420:
    case ORIEL_FMT_I444:
        return 3;
    default:
        return 0;
    }
}

uint32_t frame_rows(const struct oriel_format *format, uint32_t plane)
{
    bool halved = plane && format->fourcc != ORIEL_FMT_I444;
    return halved ? (format->height + 1) / 2 : format->height;
}

uint32_t frame_row_bytes(const struct oriel_format *format, uint32_t plane)
{
    uint32_t width = format->width, half = (width + 1) / 2;
    switch (format->fourcc) {
    case ORIEL_FMT_RGBA:
        return 4 * width;
    case ORIEL_FMT_NV12:
        return plane ? 2 * half : width;
    case ORIEL_FMT_P010:
        return plane ? 4 * half : 2 * width;
    case ORIEL_FMT_I420:
        return plane ? half : width;
    case ORIEL_FMT_I444:
        return width;
    default:
        return 0;
    }
}

/* ---- reading ---- */

static bool wait_ready(struct check_run *run, const struct oriel_frame *frame)
{
    struct error err = {""};
    if (frame->ready.kind == ORIEL_FENCE_GLSYNC) {
        GLenum over = glClientWaitSync((GLsync)(uintptr_t)frame->ready.handle,
                                       GL_SYNC_FLUSH_COMMANDS_BIT, 5000000000u);
        return over == GL_ALREADY_SIGNALED || over == GL_CONDITION_SATISFIED;
    }
    if (frame->ready.kind == ORIEL_FENCE_SYNC_FD) {
        struct pollfd fd = {.fd = (int)frame->ready.handle, .events = POLLIN};
        return poll(&fd, 1, 5000) == 1;
    }
    if (frame->ready.kind > ORIEL_FENCE_FLAG)
        check_fail(run, "a frame has a fence of kind %u, which is no ORIEL_FENCE_*",
                   frame->ready.kind);
    if (!frame_wait(frame, &err))
        check_fail(run, "the fence of a frame never opens: %s", err.text);
    return true;
}

static void copy_rows(uint8_t *to, const uint8_t *from, uint32_t stride, uint32_t bytes,
                      uint32_t rows)
{
    for (uint32_t y = 0; y < rows; y++)
        memcpy(to + (size_t)y * bytes, from + (size_t)y * stride, bytes);
}

static void read_texture(struct check_run *run, const struct oriel_frame *frame,
                         uint8_t *planes[ORIEL_MAX_PLANES])
{
    GLuint texture = (GLuint)frame->planes[0].handle;
    GLint width = 0, height = 0;
    if (!glIsTexture(texture))
        check_fail(run,
                   "a frame in ORIEL_DOMAIN_GL has the handle %u, which is no texture of the "
                   "context's share group",
                   texture);
    glGetTextureLevelParameteriv(texture, 0, GL_TEXTURE_WIDTH, &width);
    glGetTextureLevelParameteriv(texture, 0, GL_TEXTURE_HEIGHT, &height);
    size_t size = (size_t)width * (size_t)height;
    uint8_t *all = xcalloc(size ? size : 1, 1);
    GLint alignment;
    glGetIntegerv(GL_PACK_ALIGNMENT, &alignment);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glGetTextureImage(texture, 0, GL_RED, GL_UNSIGNED_BYTE, (GLsizei)size, all);
    glPixelStorei(GL_PACK_ALIGNMENT, alignment);
    for (uint32_t p = 0; p < frame->plane_count; p++) {
        const struct oriel_plane *plane = &frame->planes[p];
        uint32_t bytes = frame_row_bytes(&frame->format, p), rows = frame_rows(&frame->format, p);
        if (plane->offset + (uint64_t)plane->stride * (rows - 1) + bytes > size)
            check_fail(run, "plane %u of a frame ends behind its texture of %dx%d", p, width,
                       height);
        copy_rows(planes[p], all + plane->offset, plane->stride, bytes, rows);
    }
    free(all);
}

/* The few functions of the driver that a reader needs. */
static bool read_cuda(const struct oriel_frame *frame, uint8_t *planes[ORIEL_MAX_PLANES])
{
    int (*copy)(void *to, unsigned long long from, size_t bytes);
    int (*push)(void *context), (*pop)(void **context), (*attribute)(void *, int, uint64_t);
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *symbols[4] = {0};
    static const char *const names[4] = {"cuMemcpyDtoH_v2", "cuCtxPushCurrent_v2",
                                         "cuCtxPopCurrent_v2", "cuPointerGetAttribute"};
    for (int i = 0; i < 4; i++)
        if (!library || !(symbols[i] = dlsym(library, names[i])))
            return false;
    memcpy(&copy, &symbols[0], sizeof copy);
    memcpy(&push, &symbols[1], sizeof push);
    memcpy(&pop, &symbols[2], sizeof pop);
    memcpy(&attribute, &symbols[3], sizeof attribute);
    void *context = NULL;
    if (attribute(&context, 1 /* CU_POINTER_ATTRIBUTE_CONTEXT */, frame->planes[0].handle) ||
        push(context))
        return false;
    bool good = true;
    for (uint32_t p = 0; p < frame->plane_count; p++) {
        const struct oriel_plane *plane = &frame->planes[p];
        uint32_t bytes = frame_row_bytes(&frame->format, p);
        for (uint32_t y = 0; y < frame_rows(&frame->format, p); y++)
            good =
                good && !copy(planes[p] + (size_t)y * bytes,
                              plane->handle + plane->offset + (uint64_t)y * plane->stride, bytes);
    }
    pop(&context);
    return good;
}

static void check_layout(struct check_run *run, const struct oriel_frame *frame)
{
    const struct oriel_format *format = &frame->format;
    if (frame->plane_count != frame_plane_count(format))
        check_fail(run, "a frame of %.4s has %u planes, and that format %u",
                   (const char *)&format->fourcc, frame->plane_count, frame_plane_count(format));
    for (uint32_t p = 0; p < frame->plane_count; p++) {
        const struct oriel_plane *plane = &frame->planes[p];
        if (plane->stride < frame_row_bytes(format, p))
            check_fail(run, "plane %u of %.4s at %ux%u has a stride of %u bytes, and a row %u", p,
                       (const char *)&format->fourcc, format->width, format->height, plane->stride,
                       frame_row_bytes(format, p));
        if (plane->rows < frame_rows(format, p))
            check_fail(run, "plane %u of %.4s at %ux%u has %u rows where %u are needed", p,
                       (const char *)&format->fourcc, format->width, format->height, plane->rows,
                       frame_rows(format, p));
        if (format->domain == ORIEL_DOMAIN_CUDA && plane->stride % 256)
            check_fail(run,
                       "plane %u has a stride of %u bytes: in ORIEL_DOMAIN_CUDA strides are "
                       "multiples of 256",
                       p, plane->stride);
        if (format->domain == ORIEL_DOMAIN_CPU && !plane->handle)
            check_fail(run, "plane %u of a frame in memory has no address", p);
    }
}

bool frame_read(struct check_run *run, const struct oriel_frame *frame,
                uint8_t *planes[ORIEL_MAX_PLANES], char *why, size_t room)
{
    const struct oriel_format *format = &frame->format;
    memset(planes, 0, ORIEL_MAX_PLANES * sizeof *planes);
    if (!frame_plane_count(format)) {
        snprintf(why, room, "nothing here knows the samples of %.4s",
                 (const char *)&format->fourcc);
        return false;
    }
    check_layout(run, frame);
    if (!wait_ready(run, frame))
        check_fail(run, "a frame is not ready 5 s after it was handed out");
    for (uint32_t p = 0; p < frame->plane_count; p++)
        planes[p] = xcalloc(frame_row_bytes(format, p), frame_rows(format, p));
    bool good = true;
    if (format->domain == ORIEL_DOMAIN_CPU) {
        for (uint32_t p = 0; p < frame->plane_count; p++)
            copy_rows(planes[p],
                      (const uint8_t *)(uintptr_t)frame->planes[p].handle + frame->planes[p].offset,
                      frame->planes[p].stride, frame_row_bytes(format, p), frame_rows(format, p));
    } else if (format->domain == ORIEL_DOMAIN_GL) {
        read_texture(run, frame, planes);
    } else {
        good = format->domain == ORIEL_DOMAIN_CUDA && read_cuda(frame, planes);
        snprintf(why, room, "nothing here reads memory domain %u", format->domain);
    }
    for (uint32_t p = 0; !good && p < frame->plane_count; p++)
        free(planes[p]);
    return good;
}

/* ---- comparing ---- */

struct comparison {
    const struct oriel_format *format;
    const uint8_t *rgba; /* as the rows of the frame go */
    bool flipped;        /* … the other way round */
    uint8_t *const *planes;
};

static const uint8_t *pixel(const struct comparison *c, uint32_t x, uint32_t y)
{
    uint32_t row = c->flipped ? c->format->height - 1 - y : y;
    return c->rgba + 4 * ((size_t)row * c->format->width + x);
}

/* H.273 8.3; in levels of eight bits. */
static void exact(const struct oriel_format *format, const uint8_t *rgba, double yuv[3])
{
    double kr = 0.299, kb = 0.114;
    if (format->matrix == ORIEL_MATRIX_BT709)
        kr = 0.2126, kb = 0.0722;
    double luma = kr * rgba[0] + (1 - kr - kb) * rgba[1] + kb * rgba[2];
    double scale = format->full_range ? 1 : 224.0 / 255;
    yuv[0] = format->full_range ? luma : 16 + luma * 219 / 255;
    yuv[1] = 128 + (rgba[2] - luma) / (2 * (1 - kb)) * scale;
    yuv[2] = 128 + (rgba[0] - luma) / (2 * (1 - kr)) * scale;
}

/* Where a sample of chroma says the same wherever it is thought to lie. */
static bool uniform(const struct comparison *c, uint32_t x, uint32_t y)
{
    const uint8_t *here = pixel(c, x, y);
    for (uint32_t j = y ? y - 1 : 0; j < y + 3 && j < c->format->height; j++)
        for (uint32_t i = x ? x - 1 : 0; i < x + 3 && i < c->format->width; i++)
            if (memcmp(pixel(c, i, j), here, 3) != 0)
                return false;
    return true;
}

static double sample(const struct comparison *c, uint32_t plane, size_t index, uint32_t row)
{
    const uint8_t *at = c->planes[plane] + (size_t)row * frame_row_bytes(c->format, plane);
    if (c->format->fourcc != ORIEL_FMT_P010)
        return at[index];
    return (at[2 * index + 1] << 2 | at[2 * index] >> 6) / 4.0;
}

struct miss {
    const char *what;
    uint32_t x, y;
    double is, wanted;
};

static bool off(struct miss *miss, const char *what, uint32_t x, uint32_t y, double is,
                double wanted)
{
    *miss = (struct miss){what, x, y, is, wanted};
    return fabs(is - wanted) > tolerance;
}

static bool misses_rgba(const struct comparison *c, struct miss *miss)
{
    static const char *const names[4] = {"red", "green", "blue", "alpha"};
    for (uint32_t y = 0; y < c->format->height; y++)
        for (uint32_t x = 0; x < c->format->width; x++)
            for (uint32_t k = 0; k < 4; k++)
                if (off(miss, names[k], x, y, sample(c, 0, 4 * x + k, y), pixel(c, x, y)[k]))
                    return true;
    return false;
}

static bool misses_yuv(const struct comparison *c, struct miss *miss)
{
    const struct oriel_format *format = c->format;
    bool whole = format->fourcc == ORIEL_FMT_I444, pairs = frame_plane_count(format) == 2;
    uint32_t side = whole ? 1 : 2;
    for (uint32_t y = 0; y < format->height; y++)
        for (uint32_t x = 0; x < format->width; x++) {
            double want[3],
                full = format->fourcc == ORIEL_FMT_P010 && format->full_range ? 1023.0 / 1020 : 1;
            exact(format, pixel(c, x, y), want);
            if (off(miss, "luma", x, y, sample(c, 0, x, y), want[0] * full))
                return true;
            if (x % side || y % side || !(whole || uniform(c, x, y)))
                continue;
            uint32_t cx = x / side, cy = y / side;
            double cb = pairs ? sample(c, 1, 2 * cx, cy) : sample(c, 1, cx, cy);
            double cr = pairs ? sample(c, 1, 2 * cx + 1, cy) : sample(c, 2, cx, cy);
            if (off(miss, "Cb", x, y, cb, want[1]) || off(miss, "Cr", x, y, cr, want[2]))
                return true;
        }
    return false;
}

static bool misses(const struct comparison *c, struct miss *miss)
{
    return c->format->fourcc == ORIEL_FMT_RGBA ? misses_rgba(c, miss) : misses_yuv(c, miss);
}

bool frame_check(struct check_run *run, const struct oriel_frame *frame, const uint8_t *rgba,
                 char *why, size_t room)
{
    const struct oriel_format *format = &frame->format;
    uint8_t *planes[ORIEL_MAX_PLANES];
    bool known = format->fourcc == ORIEL_FMT_RGBA || format->matrix == ORIEL_MATRIX_BT709 ||
                 format->matrix == ORIEL_MATRIX_BT601;
    snprintf(why, room, "nothing here knows matrix %u", format->matrix);
    if (!known || !frame_read(run, frame, planes, why, room))
        return false;
    struct comparison c = {.format = format,
                           .rgba = rgba,
                           .flipped = !(frame->stamp.flags & ORIEL_FRAME_BOTTOM_UP),
                           .planes = planes};
    struct miss miss, ignored;
    if (misses(&c, &miss)) {
        c.flipped = !c.flipped;
        if (!misses(&c, &ignored))
            check_fail(run,
                       "%.4s at %ux%u is upside down: ORIEL_FRAME_BOTTOM_UP is %sset, and row 0 of "
                       "its planes is the %s of the picture",
                       (const char *)&format->fourcc, format->width, format->height,
                       c.flipped ? "" : "not ", c.flipped ? "top" : "bottom");
        check_fail(run,
                   "%.4s at %ux%u (matrix %u, range %u): %s at column %u, row %u is %.1f and "
                   "should be %.1f, within two levels",
                   (const char *)&format->fourcc, format->width, format->height, format->matrix,
                   format->full_range, miss.what, miss.x, miss.y, miss.is, miss.wanted);
    }
    for (uint32_t p = 0; p < frame->plane_count; p++)
        free(planes[p]);
    return true;
}
