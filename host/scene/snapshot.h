/* SPDX-License-Identifier: BSD-3-Clause */
/* The scene at one revision as the render thread sees it: immutable, reference-counted,
 * self-contained. Built by the control thread from the record (scene/spec), read by any thread. */
#ifndef SCENE_SNAPSHOT_H
#define SCENE_SNAPSHOT_H

#include <stdint.h>

#include "oriel/scene.h"

struct dataset;

/* Where a layer's values come from: which part of which dataset. Everything in axes of the dataset.
 */
struct layer_binding {
    struct dataset *dataset; /* a reference of the snapshot's own */
    uint32_t axis_count;
    int32_t layer_axis[ORIEL_MAX_AXES]; /* the layer's axis this dataset axis becomes; -1: fixed */
    uint64_t start[ORIEL_MAX_AXES];     /* level-0 index: the fixed one, or where the crop begins */
    uint64_t count[ORIEL_MAX_AXES];     /* level-0 length of the crop */
    int32_t level;                      /* the only level to show, or -1: the policy chooses */
};

struct scene_snapshot {
    struct oriel_snapshot scene; /* scene.layers[i] belongs to bindings[i] */
    struct layer_binding *bindings;
    int32_t level;          /* level locked for the whole view by multiscale.level, or -1 */
    int64_t t_input_ns;     /* when the newest change in it was received */
    uint64_t pose_revision; /* the revision in which camera or dims changed last */
    double sample_step;     /* volume.sample_step, 1.0 */
};

struct scene_snapshot *scene_snapshot_ref(struct scene_snapshot *snapshot);
void scene_snapshot_unref(struct scene_snapshot *snapshot); /* NULL is fine */

/* The part [*start, *start + *count) of a level that a binding shows along a dataset axis, from the
 * level's length and level 0's. oriel_level::shape is *count, and index 0 of the layer is *start.
 */
static inline void layer_binding_range(const struct layer_binding *binding, uint32_t axis,
                                       uint64_t shape0, uint64_t shape, uint64_t *start,
                                       uint64_t *count)
{
    double ratio = shape0 ? (double)shape / (double)shape0 : 1;
    double first = (double)binding->start[axis] * ratio;
    double end = ((double)binding->start[axis] + (double)binding->count[axis]) * ratio;
    uint64_t low = (uint64_t)first, high = (uint64_t)end;
    high += (double)high < end - 1e-6;
    high = high > shape ? shape : high;
    low = low >= high ? high ? high - 1 : 0 : low;
    *start = low;
    *count = binding->layer_axis[axis] < 0 ? 1 : high - low;
}

/* napari aligns axes at the end: layer axis j of an n-d layer is world axis j + ndim - n. */
static inline uint32_t scene_world_axis(const struct oriel_snapshot *scene,
                                        const struct oriel_layer *layer, uint32_t layer_axis)
{
    return layer_axis + scene->ndim - layer->ndim;
}

#endif
