/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounds of a volume's values, brick by brick, so that rays can leave out what cannot matter. */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "napari.h"

/* Brick b holds what a sample between voxel 8 b - 0.5 and 8 b + 7.5 can touch, and half a voxel
 * more on either side: voxels 8 b - 1 to 8 b + 8. */
#define SIDE BRICK_SIDE

struct bricks {
    uint32_t shape[3]; /* voxels */
    uint32_t count[3];
    uint32_t dtype;
    const struct scene *scene; /* where the GPU finds the bounds, in `volume` */
    GLuint volume;
    void *bounds; /* else: least and greatest of each brick, in the volume's type */
    void *row;    /* scratch: least of each column, then greatest */
    GLuint texture;
    bool changed;
};

static uint32_t value_bytes(uint32_t dtype)
{
    return dtype == ORIEL_U8 ? 1 : dtype == ORIEL_U16 ? 2 : 4;
}

struct bricks *bricks_create(struct scene *scene, const struct slab *slab)
{
    struct bricks *bricks = calloc(1, sizeof *bricks);
    if (!bricks)
        return NULL;
    const uint32_t *shape = slab->shape, dtype = slab->dtype;
    bricks->dtype = dtype;
    size_t bytes = 2 * (size_t)value_bytes(dtype), total = 1;
    for (int i = 0; i < 3; i++) {
        bricks->shape[i] = shape[i];
        bricks->count[i] = (shape[i] + SIDE - 1) / SIDE;
        total *= bricks->count[i];
    }
    if (scene->bounds_program) {
        bricks->scene = scene;
        bricks->volume = slab->texture;
        return bricks;
    }
    bricks->bounds = malloc(total * bytes);
    bricks->row = malloc(shape[0] * bytes);
    if (!bricks->bounds || !bricks->row) {
        bricks_destroy(bricks);
        return NULL;
    }
    for (size_t i = 0; i < total; i++) {
        if (dtype == ORIEL_F32) {
            ((float *)bricks->bounds)[2 * i] = FLT_MAX;
            ((float *)bricks->bounds)[2 * i + 1] = -FLT_MAX;
        } else {
            memset((char *)bricks->bounds + i * bytes, 0xff, bytes / 2);
            memset((char *)bricks->bounds + i * bytes + bytes / 2, 0, bytes / 2);
        }
    }
    return bricks;
}

void bricks_destroy(struct bricks *bricks)
{
    if (!bricks)
        return;
    glDeleteTextures(1, &bricks->texture);
    free(bricks->bounds);
    free(bricks->row);
    free(bricks);
}

/* The voxels of brick b along an axis that a piece has, as a range within the piece. */
static void overlap(const struct oriel_slab *piece, int axis, uint32_t b, uint32_t range[2])
{
    int64_t first = (int64_t)b * SIDE - 1 - piece->offset[axis];
    int64_t end = (int64_t)b * SIDE + SIDE + 1 - piece->offset[axis];
    range[0] = first > 0 ? (uint32_t)first : 0;
    range[1] = end < 0 ? 0 : end < piece->extent[axis] ? (uint32_t)end : piece->extent[axis];
}

/* The bricks that a piece reaches. */
static void reach(const struct bricks *bricks, const struct oriel_slab *piece, int axis,
                  uint32_t range[2])
{
    uint32_t low = piece->offset[axis], high = low + piece->extent[axis];
    range[0] = low > 0 ? (low - 1) / SIDE : 0;
    range[1] = high / SIDE + 1 < bricks->count[axis] ? high / SIDE + 1 : bricks->count[axis];
}

/* Rows may begin anywhere. */
typedef uint8_t loose_u8;
typedef uint16_t __attribute__((aligned(1))) loose_u16;
typedef float __attribute__((aligned(1))) loose_f32;

/* First the rows of a brick become one row, which compilers make vectors of; NaN loses every
 * comparison and so takes no part. */
#define DEFINE_ADD(name, type, loose, most, least_value)                                           \
    static void name(struct bricks *bricks, const struct oriel_slab *piece, uint32_t by,           \
                     uint32_t bz)                                                                  \
    {                                                                                              \
        uint32_t ys[2], zs[2], xs[2], bx[2], n = piece->extent[0];                                 \
        type *restrict low = bricks->row, *restrict high = low + bricks->shape[0];                 \
        for (uint32_t x = 0; x < n; x++) {                                                         \
            low[x] = most;                                                                         \
            high[x] = least_value;                                                                 \
        }                                                                                          \
        overlap(piece, 1, by, ys);                                                                 \
        overlap(piece, 2, bz, zs);                                                                 \
        for (uint32_t z = zs[0]; z < zs[1]; z++)                                                   \
            for (uint32_t y = ys[0]; y < ys[1]; y++) {                                             \
                const loose *restrict row =                                                        \
                    (const loose *)(const void *)((const char *)piece->data +                      \
                                                  z * piece->slice_bytes + y * piece->row_bytes);  \
                for (uint32_t x = 0; x < n; x++) {                                                 \
                    low[x] = row[x] < low[x] ? row[x] : low[x];                                    \
                    high[x] = row[x] > high[x] ? row[x] : high[x];                                 \
                }                                                                                  \
            }                                                                                      \
        reach(bricks, piece, 0, bx);                                                               \
        size_t first = ((size_t)bz * bricks->count[1] + by) * bricks->count[0];                    \
        for (uint32_t b = bx[0]; b < bx[1]; b++) {                                                 \
            type *bound = (type *)bricks->bounds + 2 * (first + b);                                \
            overlap(piece, 0, b, xs);                                                              \
            for (uint32_t x = xs[0]; x < xs[1]; x++) {                                             \
                bound[0] = low[x] < bound[0] ? low[x] : bound[0];                                  \
                bound[1] = high[x] > bound[1] ? high[x] : bound[1];                                \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_ADD(add_u8, uint8_t, loose_u8, UINT8_MAX, 0)
DEFINE_ADD(add_u16, uint16_t, loose_u16, UINT16_MAX, 0)
DEFINE_ADD(add_f32, float, loose_f32, FLT_MAX, -FLT_MAX)

void bricks_add(struct bricks *bricks, const struct oriel_slab *piece)
{
    uint32_t ys[2], zs[2];
    bricks->changed = true;
    if (bricks->scene)
        return;
    reach(bricks, piece, 1, ys);
    reach(bricks, piece, 2, zs);
    for (uint32_t bz = zs[0]; bz < zs[1]; bz++)
        for (uint32_t by = ys[0]; by < ys[1]; by++) {
            if (bricks->dtype == ORIEL_U8)
                add_u8(bricks, piece, by, bz);
            else if (bricks->dtype == ORIEL_U16)
                add_u16(bricks, piece, by, bz);
            else
                add_f32(bricks, piece, by, bz);
        }
}

GLuint bricks_texture(const struct scene *scene, struct bricks *bricks)
{
    GLsizei w = (GLsizei)bricks->count[0], h = (GLsizei)bricks->count[1];
    GLsizei d = (GLsizei)bricks->count[2];
    if (!bricks->texture) {
        glCreateTextures(GL_TEXTURE_3D, 1, &bricks->texture);
        glTextureStorage3D(bricks->texture, 1,
                           bricks->dtype == ORIEL_U8    ? GL_RG8
                           : bricks->dtype == ORIEL_U16 ? GL_RG16
                                                        : GL_RG32F,
                           w, h, d);
    }
    if (bricks->changed && bricks->scene) {
        bounds_find(bricks->scene, bricks->volume, bricks->dtype, bricks->shape, bricks->texture,
                    bricks->count);
    } else if (bricks->changed) {
        struct gl_state state;
        gl_state_save(&state, false);
        scene_begin(scene);
        glTextureSubImage3D(bricks->texture, 0, 0, 0, 0, w, h, d, GL_RG,
                            bricks->dtype == ORIEL_U8    ? GL_UNSIGNED_BYTE
                            : bricks->dtype == ORIEL_U16 ? GL_UNSIGNED_SHORT
                                                         : GL_FLOAT,
                            bricks->bounds);
        gl_state_restore(&state);
    }
    bricks->changed = false;
    return bricks->texture;
}
