/* SPDX-License-Identifier: BSD-3-Clause */
/* What to load for one layer of a snapshot: which level, which box of it, cut into which blocks.
 * Pure functions of the snapshot, the dataset's description, and what was planned before.
 *
 * Display axes are numbered 0, 1, 2 for x, y, z (scene.h). docs/rendering.md tells the policy. */
#ifndef RENDER_PLAN_H
#define RENDER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/source.h"
#include "render/loader.h"
#include "scene/snapshot.h"

struct plan_policy {
    double threshold_in, threshold_out, fine_threshold, hysteresis; /* lod.* */
    int64_t cooldown_ns;
    int32_t lock;
    uint32_t finest;                         /* finer levels are not taken, unless one is locked */
    uint32_t max_texture_2d, max_texture_3d; /* of the GL */
    uint64_t max_slice_bytes;                /* 0: no limit */
    uint64_t max_volume_bytes, max_volume_voxels;
};

/* What is looked at, at whatever level. No padding: compared as bytes. */
struct plan_view {
    struct dataset *dataset; /* borrowed */
    uint32_t ndisplay;
    int32_t axis[3]; /* of the dataset; -1: it has none there, the box is 1 thick */
    double scale[3]; /* level-0 index of the dataset to world */
    double translate[3];
    uint64_t slice[ORIEL_MAX_AXES]; /* level-0 index along axes that are not shown */
};

/* A box of one level as the scene module will get it: voxel (k_x, k_y, k_z) is the dataset's index
 * origin[d] + k_d * stride[d] along view.axis[d], and `index` along the axes that are not shown. */
struct plan_slab {
    struct plan_view view;
    uint32_t level;
    uint32_t shape[3];
    uint64_t origin[3];
    uint64_t stride[3];
    uint64_t index[ORIEL_MAX_AXES];
    uint64_t block[ORIEL_MAX_AXES]; /* shape of the unit of reading, all axes */
    double scale[3];                /* voxel to world */
    double translate[3];
};

/* What was decided last time for the layer; zeroed at first. Kept by the caller. */
struct plan_memory {
    bool planned;
    uint32_t level;
    int64_t switched_ns;
    bool has_detail;
    struct plan_slab detail;
};

/* Part of the world, x and y. */
struct plan_rect {
    double low[2], high[2];
};

struct plan {
    bool shown;      /* false: the point lies outside of the layer, it shows nothing */
    bool settled;    /* the level is the one that a view at rest gets */
    uint32_t level;  /* wanted */
    bool has_base;   /* coarsest level, everything: shown until detail is there */
    bool has_detail; /* wanted level; false when the base is already that */
    struct plan_slab base, detail;
    struct plan_rect visible; /* what a 2-D canvas shows */
};

/* `resting`: nothing moved lately, so the level must not depend on how the view came here. */
void plan_layer(const struct scene_snapshot *snapshot, uint32_t layer,
                const struct oriel_source_info *info, const struct plan_policy *policy,
                bool resting, int64_t now_ns, struct plan_memory *memory, struct plan *plan);

/* The level for `count` oversamplings (texels for a canvas pixel, by level, descending). */
uint32_t plan_level(const struct plan_policy *policy, const double *over, uint32_t count,
                    bool resting, int64_t now_ns, const struct plan_memory *memory);

/* The unit of reading of a level: its chunk, or a part of one that is too large to be read whole.
 */
void plan_block(const struct oriel_source_info *info, uint32_t level, uint64_t *block);

bool plan_slab_equal(const struct plan_slab *a, const struct plan_slab *b);
bool plan_view_equal(const struct plan_view *a, const struct plan_view *b);

/* Blocks along a display axis that the slab touches: from *first on, *count of them. */
void plan_grid(const struct plan_slab *slab, unsigned d, uint64_t *first, uint64_t *count);
/* The want of the block at a place of the display grid. */
void plan_want(const struct plan_slab *slab, const struct oriel_source_info *info,
               const uint64_t place[3], struct want *want);

#endif
