/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures in memory: where they live, what their samples mean, when they are ready. */
#ifndef ORIEL_FRAME_H
#define ORIEL_FRAME_H

#include "oriel/abi.h"

/* Memory domains: what a plane's `handle` is. */
enum {
    ORIEL_DOMAIN_CPU = 1,   /* address */
    ORIEL_DOMAIN_GL = 2,    /* texture or buffer name, in the render context's share group: one R8
                               texture whose rows are those of all planes, one after the other */
    ORIEL_DOMAIN_CUDA = 3,  /* CUdeviceptr of the device named by oriel.host.cuda/1; strides are
                               multiples of 256 bytes, with room for an even number of rows */
    ORIEL_DOMAIN_DMABUF = 4 /* file descriptor, borrowed */
};

/* DRM fourcc codes (little-endian order of names: ABGR8888 is the bytes R, G, B, A). */
#define ORIEL_FMT_RGBA ORIEL_FOURCC('A', 'B', '2', '4') /* DRM_FORMAT_ABGR8888 */
#define ORIEL_FMT_NV12 ORIEL_FOURCC('N', 'V', '1', '2')
#define ORIEL_FMT_I420 ORIEL_FOURCC('Y', 'U', '1', '2')
#define ORIEL_FMT_I444 ORIEL_FOURCC('Y', 'U', '2', '4')
#define ORIEL_FMT_P010 ORIEL_FOURCC('P', '0', '1', '0')

#define ORIEL_MODIFIER_LINEAR UINT64_C(0)
#define ORIEL_MAX_PLANES 4u

/* ITU-T H.273 code points that Oriel uses. */
enum { ORIEL_PRIMARIES_BT709 = 1 };
enum { ORIEL_TRANSFER_SRGB = 13 };
enum { ORIEL_MATRIX_IDENTITY = 0, ORIEL_MATRIX_BT709 = 1, ORIEL_MATRIX_BT601 = 6 };

/* Frozen, 32 bytes. In a list of accepted formats 0 means "any" for width, height and the four
 * colour fields other than `matrix`; in a negotiated format all fields are set. */
struct oriel_format {
    uint64_t modifier; /* DRM modifier; ORIEL_MODIFIER_LINEAR */
    uint32_t domain;
    uint32_t fourcc;
    uint32_t width;  /* pixels */
    uint32_t height; /* pixels */
    uint8_t primaries;
    uint8_t transfer;
    uint8_t matrix;
    uint8_t full_range; /* 1: 0..255, 0: 16..235 */
    uint32_t reserved;  /* 0 */
};

/* Whether a negotiated format is one that is listed. */
static inline int oriel_format_is(const struct oriel_format *format,
                                  const struct oriel_format *listed)
{
    return format->modifier == listed->modifier && format->domain == listed->domain &&
           format->fourcc == listed->fourcc && format->matrix == listed->matrix && format->width &&
           format->height && (!listed->width || format->width == listed->width) &&
           (!listed->height || format->height == listed->height) &&
           (!listed->primaries || format->primaries == listed->primaries) &&
           (!listed->transfer || format->transfer == listed->transfer) &&
           (!listed->full_range || format->full_range == listed->full_range);
}

/* Frozen, 24 bytes. */
struct oriel_plane {
    uint64_t handle;
    uint64_t offset; /* bytes from the handle to the first row */
    uint32_t stride; /* bytes from row to row */
    uint32_t rows;
};

/* A row of a plane in CPU memory; what is beyond the last row is as that one. */
static inline const uint8_t *oriel_plane_row(const struct oriel_plane *plane, uint32_t row)
{
    if (row >= plane->rows)
        row = plane->rows - 1;
    return (const uint8_t *)(uintptr_t)(plane->handle + plane->offset) +
           (uint64_t)row * plane->stride;
}

enum {
    ORIEL_FENCE_NONE = 0,
    ORIEL_FENCE_GLSYNC = 1,
    ORIEL_FENCE_CUDA_EVENT = 2, /* CUevent */
    ORIEL_FENCE_SYNC_FD = 3,
    ORIEL_FENCE_FLAG = 4 /* address of a uint32_t: see below */
};

/* Frozen, 16 bytes. NONE: what it guards is ready now. The host waits for the CUDA event or the
 * flag of a frame before it gives the frame to an encoder or maps it, on the thread of whoever
 * reads. It cannot wait for a GLSYNC, which takes a context: the reader does (glWaitSync,
 * glClientWaitSync), in a context that shares with the render's. A reader on a device is done
 * before it lets go of a frame, or says with `done` when it will be. A flag is 0 until what it
 * guards is ready, then 1, or 2 where it never will be; the module that knows stores that, in
 * release order, and wakes who waits with a private FUTEX_WAKE on it. It lives as long as the
 * frame. */
struct oriel_fence {
    uint64_t handle;
    uint32_t kind;
    uint32_t reserved;
};

enum {
    /* Row 0 of the planes is the bottom of the picture, as OpenGL reads it. */
    ORIEL_FRAME_BOTTOM_UP = 1u << 0,
    /* Full quality of what the scene asks for: finest wanted level everywhere, full resolution. */
    ORIEL_FRAME_COMPLETE = 1u << 1,
    /* The same picture again, so that a lossy encoder may refine it. */
    ORIEL_FRAME_REPEAT = 1u << 2
};

/* What a picture shows and when its stages ended. Frozen, 80 bytes. Copied unchanged from the grab
 * through the frame to the packet, so every stage can be measured. */
struct oriel_stamp {
    uint64_t seq;          /* of the frame, from 1, without gaps on one view */
    uint64_t revision;     /* the scene revision it shows */
    int64_t pts_ns;        /* presentation time: when it was drawn */
    int64_t t_input_ns;    /* T0: the newest input in this revision was applied */
    int64_t t_begin_ns;    /* the render thread began this frame */
    int64_t t_drawn_ns;    /* T1 */
    int64_t t_captured_ns; /* T2, set by the capture module: it handed the frame out, whose fence
                              may still be open */
    uint32_t flags;        /* ORIEL_FRAME_* */
    uint32_t level;        /* of the topmost visible multiscale layer; 0 is the finest */
    uint32_t level_count;
    float coverage;       /* share of the view shown at the wanted level, 0..1 */
    uint64_t outstanding; /* bytes asked for and not yet there */
};

/* One picture. It is borrowed: whoever gets it in a call has it until the call returns, keeps it
 * longer with oriel_host::frame_ref and lets go with oriel_host::frame_unref. Written by its pool
 * only; immutable for everyone else. */
struct oriel_frame {
    uint32_t size;
    uint32_t plane_count;
    struct oriel_format format;
    struct oriel_plane planes[ORIEL_MAX_PLANES];
    struct oriel_fence ready;
    struct oriel_stamp stamp;
    /* The pool's own: called by the host when the last reference is gone; `done` is when the last
     * reader on a device will be finished. [any-thread] */
    void (*release)(const struct oriel_frame *frame, const struct oriel_fence *done);
    void *pool; /* for release */
    /* The host's reference count: the pool sets NULL once, then never touches it. */
    void *host_count;
};

/* A block of bytes that many may read. Made by the host; immutable once handed out. At least
 * `headroom` bytes before `data` belong to the buffer and may be overwritten by the one module that
 * is sending it at that moment. */
struct oriel_buffer {
    uint32_t size;
    uint32_t headroom;
    const uint8_t *data;
    uint64_t bytes;
};

#endif
