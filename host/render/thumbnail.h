/* SPDX-License-Identifier: BSD-3-Clause */
/* A layer as a picture of at most 32 × 32 pixels, made without OpenGL as napari makes its
 * thumbnails: the slice in 2-D, the maximum along the first displayed axis in 3-D, the nearest
 * values, limits, gamma, colour map, opacity. */
#ifndef RENDER_THUMBNAIL_H
#define RENDER_THUMBNAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "scene/snapshot.h"
#include "util/error.h"

#define THUMBNAIL_SIDE 32u

struct render_pool;

struct thumbnail {
    uint32_t width, height; /* the longer one is 32, the other as the world's extent has it */
    uint8_t rgba[THUMBNAIL_SIDE * THUMBNAIL_SIDE * 4]; /* dense rows, row 0 at the top */
};

/* Of the layer's coarsest level that has 32 pixels along a side of the picture; values come through
 * the pool's cache. Where a picture would take more than 64 MiB of them, some planes of the volume
 * or, in a plane, some of the places are left out. A layer that the slice does not meet is one
 * transparent pixel. Reads data and so takes time; false when it cannot be read. [any-thread but a
 * render's callbacks] */
bool thumbnail_make(struct render_pool *pool, const struct scene_snapshot *snapshot, uint32_t layer,
                    struct thumbnail *out, struct error *err);

#endif
