/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/dataset.h"
#include "scene/controls.h"
#include "scene/json.h"
#include "scene/spec.h"

/* The reference's client asserts strictly increasing limits. */
static cJSON *classic_limits(const cJSON *value)
{
    double v[2] = {0, 1};
    json_numbers(value, v, 2, 2);
    if (!(v[1] > v[0]))
        v[1] = v[0] + fmax(1e-6, fabs(v[0]) * 1e-6);
    return cJSON_CreateDoubleArray(v, 2);
}

static bool changed(const struct scene *scene, const char *scope, const char *target,
                    const char *key, uint64_t since)
{
    const struct record_entry *entry = record_find(scene->record, scope, target, key);
    return entry && (since == 0 || entry->revision > since);
}

/* The key that `interpolation` stands for. */
static const char *filter_key(const struct scene *scene)
{
    struct scene_view view;
    scene_view_read(scene, SCENE_MAIN, &view);
    return view.ndisplay == 2 ? "interpolation2d" : "interpolation3d";
}

cJSON *spec_controls(const struct scene *scene, const struct scene_layer *layer,
                     enum spec_class class, uint64_t since)
{
    static const char *const classic[] = {"visible",         "opacity",       "blending",
                                          "colormap",        "rendering",     "gamma",
                                          "contrast_limits", "iso_threshold", "attenuation"};
    cJSON *controls = cJSON_CreateObject();
    for (size_t i = 0;; i++) {
        const char *key = class == SPEC_ORIEL                    ? control_name(i)
                          : i < sizeof classic / sizeof *classic ? classic[i]
                                                                 : NULL;
        if (!key)
            break;
        if (!changed(scene, "layer", layer->id, key, since))
            continue;
        const cJSON *value = record_value(scene->record, "layer", layer->id, key);
        char name[64];
        if (class == SPEC_CLASSIC && strcmp(key, "contrast_limits") == 0) {
            json_put(controls, key, classic_limits(value));
        } else if (class == SPEC_CLASSIC && strcmp(key, "colormap") == 0) {
            colormap_napari_name(value, name);
            json_put_string(controls, key, name);
        } else {
            json_put(controls, key, cJSON_Duplicate(value, true));
        }
    }
    const char *filter = filter_key(scene);
    const cJSON *value = record_value(scene->record, "layer", layer->id, filter);
    if (value && (changed(scene, "layer", layer->id, filter, since) ||
                  changed(scene, "view", SCENE_MAIN, "ndisplay", since)))
        json_put(controls, "interpolation", cJSON_Duplicate(value, true));
    if (controls->child)
        return controls;
    cJSON_Delete(controls);
    return NULL;
}

cJSON *spec_version(const struct record_entry *entry)
{
    cJSON *out = cJSON_CreateObject();
    json_put_number(out, "version", (double)entry->version);
    json_put_number(out, "server_seq", (double)entry->revision);
    json_put_string(out, "source_client_id", entry->origin.session);
    json_put_number(out, "source_client_seq", (double)entry->origin.client_seq);
    json_put_string(out, "interaction_id", entry->origin.interaction);
    json_put_string(out, "phase", entry->origin.phase);
    return out;
}

/* `interpolation` changes with the filter it stands for, and with ndisplay; what counts its changes
 * never goes back. NULL when it was never set. */
static const struct record_entry *
filter_entry(const struct scene *scene, const struct scene_layer *layer, struct record_entry *alias)
{
    const struct record_entry *filter =
        record_find(scene->record, "layer", layer->id, filter_key(scene));
    const struct record_entry *shown = record_find(scene->record, "view", SCENE_MAIN, "ndisplay");
    if (!filter || !shown)
        return filter;
    *alias = shown->revision > filter->revision ? *shown : *filter;
    alias->version = alias->revision;
    return alias;
}

cJSON *spec_control_versions(const struct scene *scene, const struct scene_layer *layer,
                             const cJSON *controls)
{
    cJSON *out = cJSON_CreateObject();
    const cJSON *control;
    cJSON_ArrayForEach(control, controls)
    {
        const char *key = control->string;
        struct record_entry alias;
        const struct record_entry *entry = record_find(scene->record, "layer", layer->id, key);
        if (strcmp(key, "interpolation") == 0)
            entry = filter_entry(scene, layer, &alias);
        if (entry)
            json_put(out, control->string, spec_version(entry));
    }
    return out;
}

cJSON *spec_layer_state(const struct scene_layer *layer)
{
    cJSON *state = cJSON_CreateObject();
    json_put_string(state, "status",
                    layer->state.error[0]  ? "error"
                    : layer->state.loading ? "loading"
                                           : "ready");
    json_put_string(state, "error", layer->state.error);
    json_put_number(state, "level", layer->state.level);
    json_put_number(state, "level_count", layer->level_count);
    return state;
}

static cJSON *axis_names(const struct scene_axis *axes, uint32_t count)
{
    cJSON *names = cJSON_CreateArray();
    for (uint32_t a = 0; a < count; a++)
        cJSON_AddItemToArray(names, cJSON_CreateString(axes[a].name));
    return names;
}

static cJSON *shape_of(const struct scene_layer *layer, uint32_t level, bool chunk)
{
    int64_t v[ORIEL_MAX_AXES];
    for (uint32_t a = 0; a < layer->ndim; a++)
        v[a] = (int64_t)(chunk ? layer->levels[level].chunk[a] : layer->levels[level].shape[a]);
    return json_from_integers(v, layer->ndim);
}

static void put_transform(cJSON *object, const struct scene_layer *layer)
{
    double scale[ORIEL_MAX_AXES], translate[ORIEL_MAX_AXES];
    for (uint32_t a = 0; a < layer->ndim; a++) {
        scale[a] = layer->axes[a].scale;
        translate[a] = layer->axes[a].translate;
    }
    json_put_numbers(object, "scale", scale, layer->ndim);
    json_put_numbers(object, "translate", translate, layer->ndim);
}

static cJSON *oriel_part(const struct scene *scene, const struct scene_layer *layer)
{
    cJSON *out = spec_layer_state(layer);
    json_put_string(out, "dtype", dtype_name(layer->dtype));
    json_put_bool(out, "integer", layer->dtype < ORIEL_F16 || layer->dtype == ORIEL_BOOL);
    cJSON *levels = json_put(out, "levels", cJSON_CreateArray());
    for (uint32_t l = 0; l < layer->level_count; l++) {
        cJSON *level = cJSON_CreateObject();
        json_put(level, "shape", shape_of(layer, l, false));
        json_put(level, "chunk", shape_of(layer, l, true));
        cJSON_AddItemToArray(levels, level);
    }
    put_transform(out, layer);
    json_put(out, "axes", axis_names(layer->axes, layer->ndim));
    const char *unit = "";
    for (uint32_t a = 0; a < layer->ndim; a++) {
        if (strcmp(layer->axes[a].type, "space") == 0)
            unit = layer->axes[a].unit;
    }
    json_put_string(out, "unit", unit);
    json_put_string(out, "source", layer->source ? layer->source : "");
    json_put_string(out, "format", layer->format ? layer->format : "");
    const cJSON *range = record_value(scene->record, "layer", layer->id, "contrast_limits_range");
    json_put(out, "iso_range", range ? cJSON_Duplicate(range, true) : classic_limits(NULL));
    if (layer->has_color) {
        char color[16];
        snprintf(color, sizeof color, "#%06x", layer->color & 0xffffffu);
        json_put_string(out, "color", color);
    } else {
        json_put(out, "color", cJSON_CreateNull());
    }
    json_put(out, "warnings", cJSON_Duplicate(layer->warnings, true));
    return out;
}

static cJSON *multiscale(const struct scene_layer *layer)
{
    cJSON *out = cJSON_CreateObject(), *levels = json_put(out, "levels", cJSON_CreateArray());
    const struct oriel_source_info *info =
        layer->binding.dataset ? dataset_info(layer->binding.dataset) : NULL;
    for (uint32_t l = 0; l < layer->level_count; l++) {
        cJSON *level = cJSON_CreateObject();
        json_put(level, "shape", shape_of(layer, l, false));
        json_put_numbers(level, "downsample", layer->levels[l].scale, layer->ndim);
        json_put_string(level, "path", info && l < info->level_count ? info->levels[l].path : "");
        cJSON_AddItemToArray(levels, level);
    }
    json_put_number(out, "current_level", 0);
    return out;
}

/* The napari-cuda client cannot make a layer without a picture in RGBA of 0..1: one clear pixel,
 * until notify.layers brings the thumbnail. */
static cJSON *no_thumbnail(void)
{
    cJSON *rows = cJSON_CreateArray(), *row = cJSON_CreateArray();
    cJSON_AddItemToArray(row, cJSON_CreateDoubleArray((double[4]){0}, 4));
    cJSON_AddItemToArray(rows, row);
    return rows;
}

cJSON *spec_layer(const struct scene *scene, const struct scene_layer *layer, enum spec_class class)
{
    const struct record *record = scene->record;
    cJSON *block = cJSON_CreateObject();
    json_put_string(block, "layer_id", layer->id);
    json_put_string(block, "layer_type", "image");
    const cJSON *name = record_value(record, "layer", layer->id, "name");
    json_put_string(block, "name", json_string(name) ? name->valuestring : layer->id);
    json_put_number(block, "ndim", layer->ndim);
    json_put(block, "shape", shape_of(layer, 0, false));
    json_put_string(block, "dtype", dtype_name(layer->dtype));
    json_put(block, "axis_labels", axis_names(layer->axes, layer->ndim));
    json_put_bool(block, "volume", layer->ndim >= 3);
    cJSON *controls = spec_controls(scene, layer, class, 0);
    json_put(block, "controls", controls ? controls : cJSON_CreateObject());
    if (class == SPEC_ORIEL)
        json_put(block, "control_versions", spec_control_versions(scene, layer, controls));
    cJSON *shapes = json_put(block, "level_shapes", cJSON_CreateArray());
    for (uint32_t l = 0; l < layer->level_count; l++)
        cJSON_AddItemToArray(shapes, shape_of(layer, l, false));
    cJSON *about = json_put(block, "metadata", cJSON_CreateObject());
    if (class == SPEC_CLASSIC)
        json_put(about, "thumbnail", no_thumbnail());
    if (layer->level_count > 1)
        json_put(block, "multiscale", multiscale(layer));
    json_put(block, "contrast_limits",
             classic_limits(record_value(record, "layer", layer->id, "contrast_limits")));
    put_transform(block, layer);
    cJSON *source = json_put(block, "source", cJSON_CreateObject());
    json_put_string(source, "kind", layer->kind ? layer->kind : "");
    if (class == SPEC_ORIEL)
        json_put(block, "oriel", oriel_part(scene, layer));
    return block;
}

static cJSON *viewer(const struct scene *scene, const struct scene_view *view, double fps)
{
    cJSON *out = cJSON_CreateObject();
    cJSON *settings = json_put(out, "settings", cJSON_CreateObject());
    json_put_number(settings, "fps_target", fps);
    json_put(settings, "canvas_size",
             json_from_integers((int64_t[]){view->width, view->height}, 2));
    json_put_bool(settings, "volume_enabled", view->ndisplay == 3);
    cJSON *dims = spec_dims(scene, SCENE_MAIN),
          *shown = json_put(out, "dims", cJSON_CreateObject());
    json_put_number(shown, "ndim", scene->ndim);
    static const char *const keys[] = {"axis_labels",  "order",     "level_shapes", "current_level",
                                       "current_step", "displayed", "ndisplay"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_put(shown, keys[i], cJSON_DetachItemFromObjectCaseSensitive(dims, keys[i]));
    cJSON_Delete(dims);
    cJSON *camera = json_put(out, "camera", spec_camera(scene, SCENE_MAIN));
    json_put_number(camera, "ndisplay", view->ndisplay);
    return out;
}

static cJSON *policies(const struct scene *scene, const struct scene_view *view)
{
    cJSON *out = cJSON_CreateObject(), *scale = json_put(out, "multiscale", cJSON_CreateObject());
    json_put_number(scale, "active_level", scene_wire_level(scene, view));
    json_put_bool(scale, "downgraded", false);
    cJSON *dims = spec_dims(scene, SCENE_MAIN);
    json_put(scale, "levels", cJSON_DetachItemFromObjectCaseSensitive(dims, "levels"));
    cJSON_Delete(dims);
    return out;
}

static cJSON *metadata(const struct scene *scene)
{
    cJSON *out = cJSON_CreateObject();
    json_put_string(out, "status", scene->layer_count ? "ready" : "idle");
    if (scene->layer_count) {
        const struct scene_layer *first = scene->layers[0];
        json_put_string(out, "source_path", first->uri ? first->uri : "");
        json_put_string(out, "source_kind", first->kind ? first->kind : "");
    }
    cJSON *labels = json_put(out, "labels", cJSON_CreateArray());
    const struct dataset *last = NULL;
    for (size_t i = 0; i < scene->layer_count; i++) { /* once for each dataset, not each channel */
        const struct scene_layer *layer = scene->layers[i];
        const cJSON *label;
        cJSON_ArrayForEach(label, layer->labels)
        {
            if (layer->binding.dataset != last)
                cJSON_AddItemToArray(labels, cJSON_Duplicate(label, true));
        }
        last = layer->binding.dataset;
    }
    json_put(out, "volume_state", cJSON_CreateObject());
    json_put(out, "viewport_state", cJSON_CreateObject());
    return out;
}

cJSON *spec_scene(const struct scene *scene, enum spec_class class, double fps)
{
    struct scene_view view;
    scene_view_read(scene, SCENE_MAIN, &view);
    cJSON *out = cJSON_CreateObject();
    json_put(out, "viewer", viewer(scene, &view, fps));
    cJSON *layers = json_put(out, "layers", cJSON_CreateArray());
    for (size_t i = 0; i < scene->layer_count; i++)
        cJSON_AddItemToArray(layers, spec_layer(scene, scene->layers[i], class));
    json_put(out, "policies", policies(scene, &view));
    json_put(out, "metadata", metadata(scene));
    return out;
}
