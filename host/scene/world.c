/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene/world.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene/json.h"

#define SCALE_LEAST 1e-15
#define MOST 1e15
#define AXIS_MOST 9007199254740992.0 /* steps: each is exact as a double */

bool world_scale_ok(double scale)
{
    return fabs(scale) >= SCALE_LEAST && fabs(scale) <= MOST;
}

bool world_translate_ok(double translate)
{
    return fabs(translate) <= MOST;
}

void world_remember(const struct scene *scene, struct world_axes *axes)
{
    axes->ndim = scene->layer_count ? scene->ndim : 0;
    memcpy(axes->axes, scene->axes, sizeof axes->axes);
}

/* The range of a world axis: napari's, from the first voxel centre of any layer to the last one in
 * steps of the smallest scale. */
static void fit_axis(const struct scene *scene, uint32_t axis, struct scene_axis *out)
{
    double low = INFINITY, high = -INFINITY, step = INFINITY;
    *out = (struct scene_axis){.size = 1, .scale = 1};
    const struct scene_axis *named = NULL;
    for (size_t i = 0; i < scene->layer_count; i++) {
        const struct scene_layer *layer = scene->layers[i];
        if (axis + layer->ndim < scene->ndim)
            continue;
        const struct scene_axis *a = &layer->axes[axis + layer->ndim - scene->ndim];
        if (!named || (!named->name[0] && a->name[0]))
            named = a;
        double first = a->translate, last = a->translate + a->scale * (double)(a->size - 1);
        low = fmin(low, fmin(first, last));
        high = fmax(high, fmax(first, last));
        step = fmin(step, fabs(a->scale));
    }
    if (!named)
        return;
    *out = *named;
    out->scale = step;
    out->translate = low;
    out->size = (uint64_t)fmin(floor((high - low) / step + 1e-6) + 1, AXIS_MOST);
}

void world_fit(struct scene *scene)
{
    scene->ndim = 2;
    for (size_t i = 0; i < scene->layer_count; i++) {
        if (scene->layers[i]->ndim > scene->ndim)
            scene->ndim = scene->layers[i]->ndim;
    }
    static const char *const idle[] = {"y", "x"};
    for (uint32_t a = 0; a < scene->ndim; a++) {
        fit_axis(scene, a, &scene->axes[a]);
        if (!scene->layer_count)
            snprintf(scene->axes[a].name, sizeof scene->axes[a].name, "%s", idle[a]);
    }
}

void world_put_view(const struct scene *scene, const char *id, struct record_batch *batch)
{
    int64_t order[ORIEL_MAX_AXES], step[ORIEL_MAX_AXES];
    for (uint32_t a = 0; a < scene->ndim; a++) {
        order[a] = a;
        step[a] = (int64_t)(scene->axes[a].size - 1) / 2;
    }
    record_put(batch, "view", id, "order", json_from_integers(order, scene->ndim));
    record_put(batch, "view", id, "play", cJSON_CreateNull());
    record_put(batch, "dims", id, "step", json_from_integers(step, scene->ndim));
    record_put(batch, "multiscale", id, "level", cJSON_CreateNumber(-1));
}

/* The same axes, longer or shorter: stay at the same place, keep the view. */
static void stay(const struct scene *scene, const struct world_axes *before, const char *id,
                 struct record_batch *batch)
{
    struct scene_view view;
    scene_view_read(scene, id, &view);
    int64_t step[ORIEL_MAX_AXES];
    for (uint32_t a = 0; a < scene->ndim; a++) {
        double at = before->axes[a].translate + (double)view.step[a] * before->axes[a].scale;
        double index = round((at - scene->axes[a].translate) / scene->axes[a].scale);
        step[a] = (int64_t)fmin(fmax(index, 0), (double)(scene->axes[a].size - 1));
    }
    record_put(batch, "dims", id, "step", json_from_integers(step, scene->ndim));
}

static void start_anew(const struct scene *scene, const char *id, struct record_batch *batch)
{
    struct scene_view view;
    scene_view_read(scene, id, &view);
    world_put_view(scene, id, batch);
    if (view.ndisplay > scene->ndim) {
        view.ndisplay = 2;
        record_put(batch, "view", id, "ndisplay", cJSON_CreateNumber(2));
    }
    record_put(batch, "camera", id, scene_pose_key(2), NULL);
    record_put(batch, "camera", id, scene_pose_key(3), NULL);
    if (!scene->layer_count)
        return;
    for (uint32_t a = 0; a < scene->ndim; a++)
        view.order[a] = a;
    view.ndim = scene->ndim;
    struct oriel_camera home;
    scene_home(scene, &view, view.ndisplay, &home);
    record_put(batch, "camera", id, scene_pose_key(view.ndisplay), scene_pose_json(&home));
}

void world_put(const struct scene *scene, const struct world_axes *before,
               struct record_batch *batch)
{
    bool same = before->ndim == scene->ndim;
    for (uint32_t a = 0; same && a < scene->ndim; a++) {
        const struct scene_axis *x = &before->axes[a], *y = &scene->axes[a];
        same = x->size == y->size && x->scale == y->scale && x->translate == y->translate;
    }
    const char *id;
    for (size_t i = 0; !same && (id = scene_view_id(scene, i)); i++) {
        if (before->ndim == scene->ndim && scene->layer_count)
            stay(scene, before, id, batch);
        else
            start_anew(scene, id, batch);
    }
}

int scene_axis_find(const struct scene *scene, const char *target)
{
    if (!target[0])
        return -1;
    if (strspn(target, "0123456789") == strlen(target)) {
        unsigned long index = strtoul(target, NULL, 10);
        return index < scene->ndim ? (int)index : -1;
    }
    for (uint32_t a = 0; a < scene->ndim; a++) {
        if (strcasecmp(scene->axes[a].name, target) == 0)
            return (int)a;
    }
    return -1;
}

uint32_t scene_wire_level(const struct scene *scene, const struct scene_view *view)
{
    const struct scene_layer *layer = scene_primary(scene);
    if (!layer)
        return 0;
    int32_t level = view->level >= 0 ? view->level : layer->binding.level;
    if (level < 0)
        return 0;
    return (uint32_t)level < layer->level_count ? (uint32_t)level : layer->level_count - 1;
}

uint64_t scene_axis_size(const struct scene *scene, uint32_t axis, uint32_t level)
{
    const struct scene_layer *layer = scene_primary(scene);
    uint64_t size = scene->axes[axis].size;
    if (!layer || level == 0 || level >= layer->level_count)
        return size;
    double ratio = (double)layer->levels[level].shape[axis] / (double)layer->levels[0].shape[axis];
    uint64_t scaled = (uint64_t)llround((double)size * ratio);
    return scaled ? scaled : 1;
}

/* round(i · (n_to − 1) / (n_from − 1)), clamped. */
static int64_t remap(int64_t index, uint64_t from, uint64_t to)
{
    if (index < 0 || from < 2 || to < 2)
        return 0;
    double i = (double)index * (double)(to - 1) / (double)(from - 1);
    int64_t rounded = (int64_t)fmin(floor(i + 0.5), 9e15);
    return rounded < (int64_t)to ? rounded : (int64_t)to - 1;
}

int64_t scene_index_to_level(const struct scene *scene, uint32_t axis, uint32_t level,
                             int64_t index)
{
    return remap(index, scene_axis_size(scene, axis, 0), scene_axis_size(scene, axis, level));
}

int64_t scene_index_from_level(const struct scene *scene, uint32_t axis, uint32_t level,
                               int64_t index)
{
    return remap(index, scene_axis_size(scene, axis, level), scene_axis_size(scene, axis, 0));
}
