/* SPDX-License-Identifier: BSD-3-Clause */
/* What the render side sees: an immutable snapshot of the scene, the view to draw, the data to
 * draw.
 *
 * World coordinates of the displayed axes are always (x, y, z): x is the last displayed axis of the
 * data (a column of a numpy array), y the one before, z the third from the end (0 in 2-D). */
#ifndef ORIEL_SCENE_H
#define ORIEL_SCENE_H

#include "oriel/abi.h"

#define ORIEL_MAX_AXES 8u

enum {
    ORIEL_U8 = 1,
    ORIEL_U16,
    ORIEL_U32,
    ORIEL_U64,
    ORIEL_I8,
    ORIEL_I16,
    ORIEL_I32,
    ORIEL_I64,
    ORIEL_F16,
    ORIEL_F32,
    ORIEL_F64,
    ORIEL_BOOL /* one byte, 0 or 1 */
};

enum { ORIEL_LAYER_IMAGE = 1, ORIEL_LAYER_LABELS, ORIEL_LAYER_POINTS, ORIEL_LAYER_SHAPES };
enum {
    ORIEL_BLEND_TRANSLUCENT = 1,
    ORIEL_BLEND_TRANSLUCENT_NO_DEPTH,
    ORIEL_BLEND_ADDITIVE,
    ORIEL_BLEND_MINIMUM,
    ORIEL_BLEND_OPAQUE,
    ORIEL_BLEND_MULTIPLICATIVE
};
/* Spatial filters, napari's names. Scene modules may treat the ones from CUBIC on as LINEAR. */
enum {
    ORIEL_FILTER_NEAREST = 1,
    ORIEL_FILTER_LINEAR,
    ORIEL_FILTER_CUBIC,
    ORIEL_FILTER_BESSEL,
    ORIEL_FILTER_BLACKMAN,
    ORIEL_FILTER_CATROM,
    ORIEL_FILTER_GAUSSIAN,
    ORIEL_FILTER_HAMMING,
    ORIEL_FILTER_HANNING,
    ORIEL_FILTER_HERMITE,
    ORIEL_FILTER_KAISER,
    ORIEL_FILTER_LANCZOS,
    ORIEL_FILTER_MITCHELL,
    ORIEL_FILTER_SPLINE16,
    ORIEL_FILTER_SPLINE36,
    ORIEL_FILTER_CUSTOM
};
enum {
    ORIEL_RENDER_MIP = 1,
    ORIEL_RENDER_MINIP,
    ORIEL_RENDER_ATTENUATED_MIP,
    ORIEL_RENDER_AVERAGE,
    ORIEL_RENDER_ADDITIVE,
    ORIEL_RENDER_TRANSLUCENT,
    ORIEL_RENDER_ISO
};
enum { ORIEL_DEPICT_VOLUME = 1, ORIEL_DEPICT_PLANE };
enum { ORIEL_LUT_LINEAR = 1, ORIEL_LUT_ZERO /* piecewise constant */ };

/* Piecewise function from 0..1 to RGBA (not premultiplied). LINEAR: `count` colours at `count`
 * controls; ZERO: `count` colours, the i-th from controls[i] to controls[i + 1]. Frozen, 88 bytes.
 */
struct oriel_colormap {
    const char *name;
    const float *colors;   /* count × RGBA, 0..1 */
    const float *controls; /* ascending from 0 to 1 */
    uint32_t count;
    uint32_t interpolation; /* ORIEL_LUT_* */
    float nan_color[4];
    float low_color[4];  /* shown for t <= 0 when has_low */
    float high_color[4]; /* shown for t >= 1 when has_high */
    uint32_t has_low;
    uint32_t has_high;
};

/* One pyramid level in the axes of the data. Frozen, 256 bytes. data index i of this level lies at
 * level-0 pixel i * scale + translate. */
struct oriel_level {
    uint64_t shape[ORIEL_MAX_AXES];
    uint64_t chunk[ORIEL_MAX_AXES];
    double scale[ORIEL_MAX_AXES];     /* relative to level 0: about shape0 / shape */
    double translate[ORIEL_MAX_AXES]; /* in level-0 pixels: (scale - 1) / 2 for averaged pyramids */
};

/* One layer with its controls, all in napari's terms and defaults. */
struct oriel_layer {
    uint32_t size;
    uint32_t kind; /* ORIEL_LAYER_* */
    uint64_t key;  /* names the layer; never used again for another */
    const char *id;
    const char *name;

    uint32_t ndim;
    uint32_t dtype; /* of the stored data */
    uint32_t level_count;
    uint32_t reserved;
    const struct oriel_level *levels;
    double scale[ORIEL_MAX_AXES]; /* data (level 0) to world, per axis */
    double translate[ORIEL_MAX_AXES];

    uint32_t visible;
    uint32_t blending;
    uint32_t interpolation_2d;
    uint32_t interpolation_3d;
    uint32_t rendering;
    uint32_t depiction;
    double opacity;            /* 0..1 */
    double gamma;              /* > 0 */
    double attenuation;        /* >= 0 */
    double iso_threshold;      /* data units */
    double contrast_limits[2]; /* data units; low may exceed high: inverted */
    double contrast_limits_range[2];
    double plane_position[3]; /* x, y, z in level-0 pixels */
    double plane_normal[3];
    double plane_thickness; /* level-0 pixels */
    const struct oriel_colormap *colormap;
};

/* napari's camera. Formulae: docs/rendering.md, "Camera". Frozen, 80 bytes. */
struct oriel_camera {
    double center[3]; /* world x, y, z */
    double
        quat[4]; /* w, x, y, z: rotation from camera axes (right, down, away) to world (x, y, z) */
    double zoom; /* canvas pixels for one world unit, at the centre */
    double fov;  /* vertical-field perspective in degrees; 0: orthographic */
    double reserved; /* 0 */
};

/* The scene at one revision, immutable. Valid from the apply() that receives it to the next. */
struct oriel_snapshot {
    uint32_t size;
    uint32_t layer_count;
    uint64_t revision;
    const struct oriel_layer *const *layers; /* bottom first */
    uint32_t ndisplay;                       /* 2 or 3 */
    uint32_t ndim;                           /* of the world */
    double point[ORIEL_MAX_AXES];            /* world position of the slice, per world axis */
    uint32_t order[ORIEL_MAX_AXES];          /* world axes; the last ndisplay are shown */
    uint32_t width;                          /* canvas, pixels */
    uint32_t height;
    float background[4];
    struct oriel_camera camera;
};

/* The layer of that key, or NULL. */
static inline const struct oriel_layer *oriel_find_layer(const struct oriel_snapshot *snapshot,
                                                         uint64_t key)
{
    for (uint32_t i = 0; snapshot && i < snapshot->layer_count; i++)
        if (snapshot->layers[i]->key == key)
            return snapshot->layers[i];
    return NULL;
}

enum {
    ORIEL_VIEW_INTERACTIVE =
        1u << 0 /* speed matters more than quality: a better picture will follow */
};

/* The data to draw for one layer: `base` everywhere, `detail` where its pieces have come. Either
 * may be 0. Frozen, 24 bytes. */
struct oriel_view_layer {
    uint64_t layer;  /* oriel_layer::key */
    uint64_t base;   /* oriel_slab::id */
    uint64_t detail; /* oriel_slab::id */
};

/* One picture to draw. */
struct oriel_view {
    uint32_t size;
    uint32_t flags; /* ORIEL_VIEW_* */
    uint64_t revision;
    uint32_t width; /* pixels */
    uint32_t height;
    uint32_t ndisplay;
    uint32_t layer_count;
    const struct oriel_view_layer *layers; /* bottom first, visible and invisible ones alike */
    float background[4];
    double world_to_clip[16]; /* column-major; clip = M * (x, y, z, 1) */
    struct oriel_camera camera;
    /* How much of the full quality is wanted, both 1.0 unless INTERACTIVE. */
    double resolution; /* 3-D: drawn at this share of width and height, then scaled up */
    double step;       /* 3-D: sample distance is multiplied by this */
};

enum {
    ORIEL_SLAB_COMPLETE = 1u << 0 /* this is the last piece */
};

/* A box of one level of one layer, cut out by the host along the displayed axes, and one piece of
 * its values. The first call with a new id allocates; a call with data == NULL only allocates.
 * Voxel values are U8, U16 or F32; the host converts all other types. */
struct oriel_slab {
    uint32_t size;
    uint32_t flags; /* ORIEL_SLAB_* */
    uint64_t layer; /* oriel_layer::key */
    uint64_t id;    /* never 0, never used again for another box */
    uint32_t level;
    uint32_t ndisplay; /* 2: an image, shape[2] is 1; 3: a volume */
    uint32_t dtype;    /* ORIEL_U8, ORIEL_U16 or ORIEL_F32 */
    uint32_t reserved;
    uint32_t shape[3];  /* x, y, z of the whole box, voxels */
    uint32_t offset[3]; /* of the piece in the box */
    uint32_t extent[3]; /* of the piece */
    uint32_t reserved2;
    /* world = scale * voxel + translate, per axis; a voxel's centre is its integer index. */
    double scale[3];
    double translate[3];
    const void *data;     /* x fastest; borrowed during the call */
    uint64_t row_bytes;   /* from y to y + 1 */
    uint64_t slice_bytes; /* from z to z + 1 */
    /* NULL, or what keeps `data` as it is for longer: a module that copies in the background takes
     * a reference (buffer_ref) and lets go once the copy is over. The data is then page-locked for
     * the device of oriel.host.cuda/1. */
    const struct oriel_buffer *hold;
};

#endif
