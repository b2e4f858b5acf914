/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/geometry.h"

#include <math.h>

static double usable(double scale)
{
    return isfinite(scale) && scale != 0 ? scale : 1;
}

static double real(double value)
{
    return isfinite(value) ? value : 0;
}

/* From a position to the nearest index in first … first + count - 1. */
static uint64_t nearest(double position, uint64_t first, uint64_t count)
{
    double i = floor(position + 0.5);
    if (!(i > (double)first))
        return first;
    uint64_t last = first + count - 1;
    return i >= (double)last ? last : (uint64_t)i;
}

bool geometry_init(struct geometry *g, const struct scene_snapshot *snapshot, uint32_t layer,
                   const struct oriel_source_info *info)
{
    const struct oriel_snapshot *scene = &snapshot->scene;
    *g = (struct geometry){
        .snapshot = snapshot,
        .layer = scene->layers[layer],
        .binding = &snapshot->bindings[layer],
        .info = info,
        .ndisplay = scene->ndisplay,
        .axis = {-1, -1, -1},
        .scale = {1, 1, 1},
    };
    for (uint32_t a = 0; a < info->ndim; a++) {
        uint64_t start = g->binding->start[a];
        int32_t j = g->binding->layer_axis[a];
        g->index[a] = start;
        if (j < 0 || (uint32_t)j >= g->layer->ndim)
            continue;
        uint32_t world = scene_world_axis(scene, g->layer, (uint32_t)j);
        double scale = usable(g->layer->scale[j]), translate = real(g->layer->translate[j]);

        uint32_t place = 0; /* of the world axis in the order */
        while (place < scene->ndim && scene->order[place] != world)
            place++;
        uint32_t d = scene->ndim - 1 - place; /* 0 is x */
        if (place < scene->ndim && d < scene->ndisplay && d < 3) {
            g->axis[d] = (int32_t)a;
            g->scale[d] = scale;
            g->translate[d] = translate;
            continue;
        }
        double pixel = floor((real(scene->point[world]) - translate) / scale + 0.5);
        if (pixel < 0 || pixel >= (double)g->binding->count[a])
            return false;
        g->index[a] = start + (uint64_t)pixel;
    }
    return true;
}

struct axis_map geometry_axis(const struct geometry *g, uint32_t level, uint32_t axis)
{
    const struct oriel_source_level *zero = &g->info->levels[0], *at = &g->info->levels[level];
    uint64_t shape0 = zero->shape[axis], shape = at->shape[axis];
    int32_t j = g->binding->layer_axis[axis];
    struct axis_map map = {.count = shape, .scale = 1};

    if (j >= 0 && level < g->layer->level_count) {
        const struct oriel_level *l = &g->layer->levels[level];
        layer_binding_range(g->binding, axis, shape0, shape, &map.first, &map.count);
        map.scale = usable(l->scale[j]);
        map.translate =
            real(l->translate[j]) - (double)map.first * map.scale + (double)g->binding->start[axis];
        return map;
    }
    double s0 = zero->scale[axis], s = at->scale[axis];
    if (isfinite(s) && isfinite(s0) && s != 0 && s0 != 0) {
        map.scale = s / s0;
        map.translate = real((at->translate[axis] - zero->translate[axis]) / s0);
    } else {
        map.scale = (double)shape0 / (double)shape;
        map.translate = (map.scale - 1) / 2;
    }
    return map;
}

uint64_t geometry_index(const struct geometry *g, uint32_t level, uint32_t axis)
{
    struct axis_map map = geometry_axis(g, level, axis);
    return nearest(((double)g->index[axis] - map.translate) / map.scale, map.first, map.count);
}
