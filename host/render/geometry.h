/* SPDX-License-Identifier: BSD-3-Clause */
/* How the axes of a dataset become the axes of the picture, level by level. Pure functions; part of
 * the planning. */
#ifndef RENDER_GEOMETRY_H
#define RENDER_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/source.h"
#include "scene/snapshot.h"

/* One dataset axis at one level, of which the layer shows the indices first … first + count - 1. */
struct axis_map {
    uint64_t first, count;
    double scale,
        translate; /* index i lies at level-0 index i * scale + translate of the dataset */
};

struct geometry {
    const struct scene_snapshot *snapshot;
    const struct oriel_layer *layer;
    const struct layer_binding *binding;
    const struct oriel_source_info *info;
    uint32_t ndisplay;
    int32_t axis[3]; /* dataset axis shown as x, y, z; -1: none */
    double scale[3]; /* level-0 pixel of the layer to world, per display axis; never 0 */
    double translate[3];
    uint64_t index[ORIEL_MAX_AXES]; /* level-0 index along dataset axes that are not shown */
};

/* False when the point of the slice lies outside of the layer. */
bool geometry_init(struct geometry *g, const struct scene_snapshot *snapshot, uint32_t layer,
                   const struct oriel_source_info *info);
struct axis_map geometry_axis(const struct geometry *g, uint32_t level, uint32_t axis);
/* The index at `level` that lies nearest to g->index along an axis that is not shown. */
uint64_t geometry_index(const struct geometry *g, uint32_t level, uint32_t axis);

#endif
