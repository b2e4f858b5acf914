/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scene/json.h"
#include "scene/reduce_internal.h"
#include "scene/scene_file.h"
#include "util/log.h"

static void override(struct scene_layer *layer, const char *key, const cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(layer->controls, key);
    json_put(layer->controls, key, cJSON_Duplicate(value, true));
}

static bool has(const cJSON *controls, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(controls, key) != NULL;
}

bool scene_file_apply_layer(const struct scene_file *file, size_t index, struct scene_layer *layer,
                            struct error *err)
{
    const struct scene_file_layer *from = &file->layers[index];
    int n = (int)layer->ndim;
    if ((from->scale_count && from->scale_count != n) ||
        (from->translate_count && from->translate_count != n))
        return error_set(err, "%s: layers[%zu].transform: the layer has %d axes", file->path, index,
                         n);
    for (int a = 0; a < n; a++) {
        if (from->scale_count)
            layer->axes[a].scale = from->scale[a];
        if (from->translate_count)
            layer->axes[a].translate = from->translate[a];
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, from->controls)
    {
        if (strcmp(item->string, "interpolation") != 0) {
            override(layer, item->string, item);
            continue;
        }
        if (!has(from->controls, "interpolation2d"))
            override(layer, "interpolation2d", item);
        if (!has(from->controls, "interpolation3d"))
            override(layer, "interpolation3d", item);
    }
    /* What napari derives from the limits, when only those were given. */
    const cJSON *limits = cJSON_GetObjectItemCaseSensitive(layer->controls, "contrast_limits");
    if (has(from->controls, "contrast_limits") && !has(from->controls, "contrast_limits_range"))
        override(layer, "contrast_limits_range", limits);
    double range[2];
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(layer->controls, "contrast_limits_range");
    if (json_numbers(given, range, 2, 2) == 2) {
        double clim[2];
        json_numbers(limits, clim, 2, 2);
        if (!(range[0] < range[1]))
            range[1] = range[0] + 1;
        double wide[2] = {fmin(range[0], clim[0]), fmax(range[1], clim[1])};
        cJSON *value = cJSON_CreateDoubleArray(wide, 2);
        override(layer, "contrast_limits_range", value);
        cJSON_Delete(value);
        if (!has(from->controls, "iso_threshold")) {
            cJSON *middle = cJSON_CreateNumber((wide[0] + wide[1]) / 2);
            override(layer, "iso_threshold", middle);
            cJSON_Delete(middle);
        }
    }
    return true;
}

/* As many numbers as the scene has axes: of more the last ones, as napari aligns them. */
static int last_numbers(const struct scene_file *file, const char *key, const cJSON *list, int axes,
                        double v[ORIEL_MAX_AXES])
{
    int got = json_numbers(list, v, 0, ORIEL_MAX_AXES);
    if (got <= axes)
        return got;
    log_warn(LOG_SCENE, "%s: dims.%s: has %d entries for %d axes, the last ones count", file->path,
             key, got, axes);
    memmove(v, v + got - axes, (size_t)axes * sizeof *v);
    return axes;
}

static bool apply_dims(const struct scene_file *file, const struct scene *scene,
                       struct record_batch *batch, struct scene_view *view, struct error *err)
{
    double v[ORIEL_MAX_AXES];
    int n = (int)scene->ndim;
    if (file->ndisplay) {
        if (file->ndisplay > scene->ndim)
            return error_set(err, "%s: dims.ndisplay: 3 needs three axes, the layers have %d",
                             file->path, n);
        view->ndisplay = file->ndisplay;
        record_put(batch, "view", SCENE_MAIN, "ndisplay", cJSON_CreateNumber(view->ndisplay));
    }
    if (file->order) {
        uint32_t seen = 0;
        int all = cJSON_GetArraySize(file->order);
        int got = last_numbers(file, "order", file->order, n, v);
        int64_t order[ORIEL_MAX_AXES];
        for (int i = 0; i < got; i++) {
            v[i] -= all > n ? all - n : 0; /* the same axes, counted from the end */
            bool axis = v[i] >= 0 && v[i] < n && v[i] == floor(v[i]);
            order[i] = axis ? (int64_t)v[i] : -1;
            seen |= axis ? 1u << order[i] : 0;
        }
        if (got != n || seen != (1u << n) - 1)
            return error_set(err, "%s: dims.order: must be a permutation of 0..%d", file->path,
                             n - 1);
        for (int i = 0; i < n; i++)
            view->order[i] = (uint32_t)order[i];
        record_put(batch, "view", SCENE_MAIN, "order", json_from_integers(order, scene->ndim));
    }
    if (file->step) {
        int got = last_numbers(file, "current_step", file->step, n, v);
        if (got != n)
            return error_set(err, "%s: dims.current_step: has %d entries for %d axes", file->path,
                             got, n);
        for (int i = 0; i < n; i++)
            view->step[i] = (int64_t)fmin(fmax(floor(v[i]), 0), (double)(scene->axes[i].size - 1));
        record_put(batch, "dims", SCENE_MAIN, "step", json_from_integers(view->step, scene->ndim));
    }
    return true;
}

static void apply_napari(const cJSON *camera, struct oriel_camera *pose)
{
    double v[3];
    int n = json_numbers(cJSON_GetObjectItemCaseSensitive(camera, "center"), v, 2, 3);
    for (int i = 0; i < n; i++) /* z, y, x */
        pose->center[i] = v[n - 1 - i];
    v[2] = 0;
    if (json_numbers(cJSON_GetObjectItemCaseSensitive(camera, "angles"), v, 2, 3) > 0)
        camera_from_angles(v, pose->quat);
    json_number(cJSON_GetObjectItemCaseSensitive(camera, "zoom"), &pose->zoom);
    json_number(cJSON_GetObjectItemCaseSensitive(camera, "perspective"), &pose->fov);
}

static void apply_turntable(const cJSON *camera, uint32_t height, struct oriel_camera *pose)
{
    struct camera_turntable turntable;
    camera_to_turntable(pose, height, &turntable);
    double v[3] = {0, 0, 0};
    json_numbers(cJSON_GetObjectItemCaseSensitive(camera, "center"), turntable.center, 3, 3);
    int n = json_numbers(cJSON_GetObjectItemCaseSensitive(camera, "angles"), v, 2, 3);
    turntable.azimuth = n > 0 ? v[0] : 30; /* where the reference's starts */
    turntable.elevation = n > 0 ? v[1] : 30;
    turntable.roll = n > 2 ? v[2] : 0;
    turntable.fov = CAMERA_NOMINAL_FOV;
    json_number(cJSON_GetObjectItemCaseSensitive(camera, "fov"), &turntable.fov);
    double zoom = pose->zoom;
    bool far =
        json_number(cJSON_GetObjectItemCaseSensitive(camera, "distance"), &turntable.distance);
    camera_from_turntable(&turntable, height, pose);
    if (!far) {
        pose->zoom = zoom;
        json_number(cJSON_GetObjectItemCaseSensitive(camera, "zoom"), &pose->zoom);
    }
}

static void apply_panzoom(const cJSON *camera, const struct scene_view *view,
                          struct oriel_camera *pose)
{
    double v[4];
    if (json_numbers(cJSON_GetObjectItemCaseSensitive(camera, "rect"), v, 4, 4) == 4) {
        pose->center[0] = v[0] + v[2] / 2;
        pose->center[1] = v[1] + v[3] / 2;
        pose->zoom = fmin(view->width / v[2], view->height / v[3]);
    }
    json_numbers(cJSON_GetObjectItemCaseSensitive(camera, "center"), pose->center, 2, 3);
    json_number(cJSON_GetObjectItemCaseSensitive(camera, "zoom"), &pose->zoom);
}

bool scene_file_apply_view(const struct scene_file *file, struct scene *scene, struct error *err)
{
    struct scene_view view;
    scene_view_read(scene, SCENE_MAIN, &view);
    struct record_batch *batch = record_batch_create();
    if (file->width) {
        view.width = file->width;
        view.height = file->height;
        record_put(batch, "view", SCENE_MAIN, "canvas",
                   json_from_integers((int64_t[]){view.width, view.height}, 2));
    }
    if (file->background)
        record_put(batch, "view", SCENE_MAIN, "background",
                   cJSON_Duplicate(file->background, true));
    if (file->volume_step)
        record_put(batch, "volume", "main", "sample_step",
                   cJSON_Duplicate(file->volume_step, true));
    if (!apply_dims(file, scene, batch, &view, err)) {
        record_batch_destroy(batch);
        return false;
    }
    const struct scene_layer *primary = scene_primary(scene);
    if (file->level >= 0 && primary) {
        int32_t last = (int32_t)primary->level_count - 1;
        record_put(batch, "multiscale", SCENE_MAIN, "level",
                   cJSON_CreateNumber(file->level < last ? file->level : last));
    }
    struct oriel_camera pose;
    scene_home(scene, &view, view.ndisplay, &pose);
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(file->camera, "model");
    const char *name = cJSON_IsString(model) ? model->valuestring : "napari";
    if (strcmp(name, "turntable") == 0)
        apply_turntable(file->camera, view.height, &pose);
    else if (strcmp(name, "panzoom") == 0)
        apply_panzoom(file->camera, &view, &pose);
    else if (file->camera)
        apply_napari(file->camera, &pose);
    if (view.ndisplay == 2)
        pose.center[2] = 0;
    if (!reduce_pose_ok(&pose)) {
        record_batch_destroy(batch);
        return error_set(err, "%s: camera: is not a pose", file->path);
    }
    record_put(batch, "camera", SCENE_MAIN, scene_pose_key(view.ndisplay), scene_pose_json(&pose));
    record_commit(scene->record, batch, NULL);
    return true;
}
