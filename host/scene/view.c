/* SPDX-License-Identifier: BSD-3-Clause */
/* Views as the record has them: dims, canvas, camera. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scene/json.h"
#include "scene/scene.h"

/* The scopes whose targets are views. */
static const char *const view_scopes[] = {"camera", "dims", "multiscale", "view"};

bool scene_view_shows(const char *id, const struct record_entry *entry)
{
    for (size_t i = 0; i < sizeof view_scopes / sizeof *view_scopes; i++) {
        if (strcmp(entry->scope, view_scopes[i]) == 0)
            return strcmp(entry->target, id) == 0;
    }
    return true;
}

const char *scene_view_id(const struct scene *scene, size_t index)
{
    size_t cursor = 0;
    const struct record_entry *entry;
    while ((entry = record_next(scene->record, "view", NULL, &cursor))) {
        if (strcmp(entry->key, "ndisplay") == 0 && entry->value && index-- == 0)
            return entry->target;
    }
    return NULL;
}

uint64_t scene_view_revision(const struct scene *scene, const char *id)
{
    uint64_t revision = 0;
    size_t cursor = 0;
    const struct record_entry *entry;
    while ((entry = record_next(scene->record, NULL, NULL, &cursor))) {
        if (entry->revision > revision && scene_view_shows(id, entry))
            revision = entry->revision;
    }
    return revision;
}

void scene_view_fork(struct scene *scene, const char *from, const char *id,
                     const struct record_origin *origin)
{
    struct record_batch *batch = record_batch_create();
    for (size_t i = 0; i < sizeof view_scopes / sizeof *view_scopes; i++) {
        size_t cursor = 0;
        const struct record_entry *entry;
        while ((entry = record_next(scene->record, view_scopes[i], from, &cursor)))
            record_put(batch, entry->scope, id, entry->key, cJSON_Duplicate(entry->value, true));
    }
    record_commit(scene->record, batch, origin);
}

void scene_view_remove(struct scene *scene, const char *id, const struct record_origin *origin)
{
    struct record_batch *batch = record_batch_create();
    for (size_t i = 0; i < sizeof view_scopes / sizeof *view_scopes; i++)
        record_put_clear(batch, scene->record, view_scopes[i], id);
    record_commit(scene->record, batch, origin);
}

const char *scene_pose_key(uint32_t ndisplay)
{
    return ndisplay == 2 ? "plane" : "volume";
}

bool scene_pose_read(const struct scene *scene, const char *id, uint32_t ndisplay,
                     struct oriel_camera *camera)
{
    const cJSON *pose = record_value(scene->record, "camera", id, scene_pose_key(ndisplay));
    *camera = (struct oriel_camera){.quat = {1, 0, 0, 0}, .zoom = 1};
    if (!pose)
        return false;
    json_numbers(cJSON_GetObjectItemCaseSensitive(pose, "center"), camera->center, 3, 3);
    json_numbers(cJSON_GetObjectItemCaseSensitive(pose, "quat"), camera->quat, 4, 4);
    json_number(cJSON_GetObjectItemCaseSensitive(pose, "zoom"), &camera->zoom);
    json_number(cJSON_GetObjectItemCaseSensitive(pose, "fov"), &camera->fov);
    return true;
}

cJSON *scene_pose_json(const struct oriel_camera *camera)
{
    cJSON *pose = cJSON_CreateObject();
    json_put_numbers(pose, "center", camera->center, 3);
    json_put_number(pose, "zoom", camera->zoom);
    json_put_numbers(pose, "quat", camera->quat, 4);
    json_put_number(pose, "fov", camera->fov);
    return pose;
}

void scene_view_read(const struct scene *scene, const char *id, struct scene_view *view)
{
    const struct record *record = scene->record;
    *view = (struct scene_view){.ndisplay = 2, .ndim = scene->ndim, .level = -1};
    snprintf(view->id, sizeof view->id, "%s", id);
    double v[ORIEL_MAX_AXES], number;
    if (json_number(record_value(record, "view", id, "ndisplay"), &number))
        view->ndisplay = (uint32_t)number;
    int n = json_numbers(record_value(record, "view", id, "order"), v, 0, ORIEL_MAX_AXES);
    for (int i = 0; i < n; i++)
        view->order[i] = (uint32_t)v[i];
    n = json_numbers(record_value(record, "dims", id, "step"), v, 0, ORIEL_MAX_AXES);
    for (int i = 0; i < n; i++)
        view->step[i] = (int64_t)v[i];
    if (json_numbers(record_value(record, "view", id, "canvas"), v, 2, 2) == 2) {
        view->width = (uint32_t)v[0];
        view->height = (uint32_t)v[1];
    }
    if (json_numbers(record_value(record, "view", id, "background"), v, 4, 4) == 4) {
        for (int i = 0; i < 4; i++)
            view->background[i] = (float)v[i];
    }
    if (json_number(record_value(record, "multiscale", id, "level"), &number))
        view->level = (int32_t)number;
    scene_pose_read(scene, id, view->ndisplay, &view->camera);
}

void scene_extent(const struct scene *scene, const struct scene_view *view,
                  struct camera_extent *extent)
{
    for (uint32_t k = 0; k < 3; k++) {
        extent->min[k] = extent->max[k] = 0;
        if (k >= view->ndisplay || k >= view->ndim)
            continue;
        uint32_t axis = view->order[view->ndim - 1 - k];
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < scene->layer_count; i++) {
            const struct scene_layer *layer = scene->layers[i];
            if (axis + layer->ndim < view->ndim)
                continue;
            const struct scene_axis *a = &layer->axes[axis + layer->ndim - view->ndim];
            double first = a->translate - a->scale / 2;
            double last = first + a->scale * (double)a->size;
            low = fmin(low, fmin(first, last));
            high = fmax(high, fmax(first, last));
        }
        if (low <= high) {
            extent->min[k] = low;
            extent->max[k] = high;
        }
    }
}

void scene_home(const struct scene *scene, const struct scene_view *view, uint32_t ndisplay,
                struct oriel_camera *camera)
{
    struct scene_view target = *view;
    target.ndisplay = ndisplay;
    struct camera_extent extent;
    scene_extent(scene, &target, &extent);
    *camera = (struct oriel_camera){.zoom = 1};
    camera_reset(camera, ndisplay, view->width, view->height, &extent);
}
