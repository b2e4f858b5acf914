/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "render/dataset.h"
#include "scene/json.h"
#include "scene/spec.h"

cJSON *spec_dims(const struct scene *scene, const char *id)
{
    struct scene_view view;
    scene_view_read(scene, id, &view);
    const struct scene_layer *primary = scene_primary(scene);
    uint32_t level = scene_wire_level(scene, &view);
    uint32_t levels = primary ? primary->level_count : 1;
    const struct oriel_source_info *info =
        primary && primary->binding.dataset ? dataset_info(primary->binding.dataset) : NULL;

    int64_t step[ORIEL_MAX_AXES], order[ORIEL_MAX_AXES];
    cJSON *labels = cJSON_CreateArray();
    for (uint32_t a = 0; a < scene->ndim; a++) {
        step[a] = scene_index_to_level(scene, a, level, view.step[a]);
        order[a] = view.order[a];
        cJSON_AddItemToArray(labels, cJSON_CreateString(scene->axes[a].name));
    }
    cJSON *list = cJSON_CreateArray(), *shapes = cJSON_CreateArray();
    for (uint32_t l = 0; l < levels; l++) {
        int64_t shape[ORIEL_MAX_AXES];
        double downsample[ORIEL_MAX_AXES];
        for (uint32_t a = 0; a < scene->ndim; a++) {
            shape[a] = (int64_t)scene_axis_size(scene, a, l);
            downsample[a] = primary ? primary->levels[l].scale[a] : 1;
        }
        cJSON *item = cJSON_CreateObject();
        json_put_number(item, "index", l);
        json_put(item, "shape", json_from_integers(shape, scene->ndim));
        json_put_numbers(item, "downsample", downsample, scene->ndim);
        json_put_string(item, "path", info && l < info->level_count ? info->levels[l].path : "");
        cJSON_AddItemToArray(list, item);
        cJSON_AddItemToArray(shapes, json_from_integers(shape, scene->ndim));
    }
    cJSON *dims = cJSON_CreateObject();
    json_put(dims, "step", json_from_integers(step, scene->ndim));
    json_put(dims, "current_step", json_from_integers(step, scene->ndim));
    json_put(dims, "levels", list);
    json_put_number(dims, "current_level", level);
    json_put(dims, "level_shapes", shapes);
    json_put_string(dims, "mode", view.ndisplay == 3 ? "volume" : "plane");
    json_put_number(dims, "ndisplay", view.ndisplay);
    json_put_bool(dims, "downgraded", false);
    json_put(dims, "axis_labels", labels);
    json_put(dims, "order", json_from_integers(order, scene->ndim));
    json_put(dims, "displayed",
             json_from_integers(order + scene->ndim - view.ndisplay, view.ndisplay));
    return dims;
}

cJSON *spec_camera(const struct scene *scene, const char *id)
{
    struct scene_view view;
    scene_view_read(scene, id, &view);
    const struct oriel_camera *camera = &view.camera;
    cJSON *state = cJSON_CreateObject();
    if (view.ndisplay == 2) {
        double w = view.width / camera->zoom, h = view.height / camera->zoom;
        double rect[4] = {camera->center[0] - w / 2, camera->center[1] - h / 2, w, h};
        json_put_numbers(state, "center", camera->center, 2);
        json_put_number(state, "zoom", camera->zoom);
        json_put_numbers(state, "rect", rect, 4);
        return state;
    }
    struct camera_turntable turntable;
    camera_to_turntable(camera, view.height, &turntable);
    double angles[3] = {turntable.azimuth, turntable.elevation, turntable.roll};
    json_put_numbers(state, "center", turntable.center, 3);
    json_put_numbers(state, "angles", angles, 3);
    json_put_number(state, "distance", turntable.distance);
    json_put_number(state, "fov", turntable.fov);
    return state;
}

static cJSON *view_axes(const struct scene *scene)
{
    cJSON *axes = cJSON_CreateArray();
    for (uint32_t a = 0; a < scene->ndim; a++) {
        const struct scene_axis *axis = &scene->axes[a];
        cJSON *item = cJSON_CreateObject();
        json_put_string(item, "name", axis->name);
        json_put_string(item, "type", axis->type);
        json_put_string(item, "unit", axis->unit);
        json_put_number(item, "size", (double)axis->size);
        json_put_number(item, "scale", axis->scale);
        json_put_number(item, "translate", axis->translate);
        cJSON_AddItemToArray(axes, item);
    }
    return axes;
}

static cJSON *duplicate(const struct scene *scene, const char *scope, const char *id,
                        const char *key)
{
    const cJSON *value = record_value(scene->record, scope, id, key);
    return value ? cJSON_Duplicate(value, true) : cJSON_CreateNull();
}

/* Who set what of the view last, for every part that was ever set. */
static cJSON *view_versions(const struct scene *scene, const struct scene_view *view)
{
    const struct {
        const char *name, *scope, *key;
    } parts[] = {
        {"camera", "camera", scene_pose_key(view->ndisplay)},
        {"step", "dims", "step"},
        {"level", "multiscale", "level"},
        {"ndisplay", "view", "ndisplay"},
        {"order", "view", "order"},
        {"canvas", "view", "canvas"},
        {"background", "view", "background"},
        {"play", "view", "play"},
    };
    cJSON *out = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const struct record_entry *entry =
            record_find(scene->record, parts[i].scope, view->id, parts[i].key);
        if (entry)
            json_put(out, parts[i].name, spec_version(entry));
    }
    return out;
}

cJSON *spec_view(const struct scene *scene, const char *id, const char *session, uint64_t rev)
{
    struct scene_view view;
    scene_view_read(scene, id, &view);
    struct camera_extent extent;
    scene_extent(scene, &view, &extent);

    cJSON *out = cJSON_CreateObject();
    json_put_string(out, "view", id);
    json_put_number(out, "revision", (double)scene_view_revision(scene, id));
    json_put_number(out, "ndisplay", view.ndisplay);
    json_put(out, "order", duplicate(scene, "view", id, "order"));
    json_put(out, "axes", view_axes(scene));
    json_put(out, "step", duplicate(scene, "dims", id, "step"));
    cJSON *canvas = json_put(out, "canvas", cJSON_CreateObject());
    json_put(canvas, "size", duplicate(scene, "view", id, "canvas"));
    json_put(canvas, "background", duplicate(scene, "view", id, "background"));
    json_put(out, "camera", scene_pose_json(&view.camera));
    cJSON *box = json_put(out, "extent", cJSON_CreateArray());
    cJSON_AddItemToArray(box, cJSON_CreateDoubleArray(extent.min, 3));
    cJSON_AddItemToArray(box, cJSON_CreateDoubleArray(extent.max, 3));
    cJSON *origin = json_put(out, "origin", cJSON_CreateObject());
    json_put_string(origin, "session", session);
    json_put_number(origin, "rev", (double)rev);
    json_put(out, "play", duplicate(scene, "view", id, "play"));
    json_put(out, "versions", view_versions(scene, &view));
    return out;
}
