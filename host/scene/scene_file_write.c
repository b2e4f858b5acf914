/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include "scene/controls.h"
#include "scene/json.h"
#include "scene/rotation.h"
#include "scene/scene_file.h"

static cJSON *transform_json(const struct scene_layer *layer)
{
    double scale[ORIEL_MAX_AXES], translate[ORIEL_MAX_AXES];
    for (uint32_t a = 0; a < layer->ndim; a++) {
        scale[a] = layer->axes[a].scale;
        translate[a] = layer->axes[a].translate;
    }
    cJSON *transform = cJSON_CreateObject();
    json_put_numbers(transform, "scale", scale, layer->ndim);
    json_put_numbers(transform, "translate", translate, layer->ndim);
    return transform;
}

static cJSON *source_json(const struct scene_layer *layer)
{
    const struct layer_binding *binding = &layer->binding;
    cJSON *source = cJSON_CreateObject();
    json_put_string(source, "uri", layer->uri ? layer->uri : "");
    int32_t level = binding->level;
    json_put(source, "level", level >= 0 ? cJSON_CreateNumber(level) : cJSON_CreateNull());
    cJSON *index = json_put(source, "index", cJSON_CreateArray());
    for (uint32_t a = 0; a < binding->axis_count; a++) {
        int32_t to = binding->layer_axis[a];
        double start = (double)binding->start[a];
        bool whole = binding->start[a] == 0 && binding->count[a] == layer->full[a];
        cJSON_AddItemToArray(
            index, to < 0  ? cJSON_CreateNumber(start)
                   : whole ? cJSON_CreateNull()
                           : cJSON_CreateDoubleArray(
                                 (double[]){start, start + (double)binding->count[a]}, 2));
    }
    return source;
}

cJSON *scene_file_layer_source(const struct scene_layer *layer)
{
    cJSON *source = source_json(layer);
    json_put(source, "transform", transform_json(layer));
    return source;
}

static cJSON *layer_json(const struct scene *scene, const struct scene_layer *layer)
{
    const struct record *record = scene->record;
    cJSON *out = cJSON_CreateObject();
    json_put_string(out, "type", "image");
    const cJSON *name = record_value(record, "layer", layer->id, "name");
    json_put_string(out, "name", json_string(name) ? name->valuestring : layer->id);
    json_put(out, "source", source_json(layer));
    json_put(out, "transform", transform_json(layer));
    cJSON *controls = json_put(out, "controls", cJSON_CreateObject());
    for (size_t i = 0; control_name(i); i++) {
        const cJSON *value = record_value(record, "layer", layer->id, control_name(i));
        if (value)
            json_put(controls, control_name(i), cJSON_Duplicate(value, true));
    }
    return out;
}

cJSON *scene_file_write(const struct scene *scene, const char *id)
{
    struct scene_view view;
    scene_view_read(scene, id, &view);
    const struct record *record = scene->record;
    cJSON *out = cJSON_CreateObject();
    json_put_number(out, "oriel_scene", 1);
    cJSON *canvas = json_put(out, "canvas", cJSON_CreateObject());
    json_put(canvas, "size", json_from_integers((int64_t[]){view.width, view.height}, 2));
    json_put(canvas, "background",
             cJSON_Duplicate(record_value(record, "view", id, "background"), true));
    cJSON *dims = json_put(out, "dims", cJSON_CreateObject());
    json_put_number(dims, "ndisplay", view.ndisplay);
    json_put(dims, "current_step", json_from_integers(view.step, scene->ndim));
    json_put(dims, "order", cJSON_Duplicate(record_value(record, "view", id, "order"), true));
    json_put(dims, "level", view.level >= 0 ? cJSON_CreateNumber(view.level) : cJSON_CreateNull());

    const struct oriel_camera *pose = &view.camera;
    cJSON *camera = json_put(out, "camera", cJSON_CreateObject());
    json_put_string(camera, "model", "napari");
    double center[3] = {pose->center[2], pose->center[1], pose->center[0]}, angles[3];
    camera_to_angles(pose->quat, angles);
    for (int i = 0; i < 3; i++)                           /* without the last digits' noise */
        angles[i] = round(angles[i] * 1e10) / 1e10 + 0.0; /* no -0 */
    json_put_numbers(camera, "center", center, 3);
    json_put_number(camera, "zoom", pose->zoom);
    json_put_numbers(camera, "angles", angles, 3);
    json_put_number(camera, "perspective", pose->fov);

    const cJSON *step = record_value(record, "volume", "main", "sample_step");
    if (step) {
        cJSON *volume = json_put(out, "volume", cJSON_CreateObject());
        json_put(volume, "sample_step", cJSON_Duplicate(step, true));
    }
    cJSON *layers = json_put(out, "layers", cJSON_CreateArray());
    for (size_t i = 0; i < scene->layer_count; i++)
        cJSON_AddItemToArray(layers, layer_json(scene, scene->layers[i]));
    return out;
}
