/* SPDX-License-Identifier: BSD-3-Clause */
/* layer.* and the reference's volume.*, which are controls of layers here. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scene/controls.h"
#include "scene/json.h"
#include "scene/reduce_internal.h"

static bool limits(const struct scene *scene, const struct reduction *out, const char *id,
                   const char *key, double v[2])
{
    const cJSON *value = record_batch_value(out->writes, "layer", id, key);
    if (!value)
        value = record_value(scene->record, "layer", id, key);
    return json_numbers(value, v, 2, 2) == 2;
}

/* As napari: the range grows with the limits, and the limits stay inside a new range. */
static void put_control(const struct scene *scene, const char *id, const char *key,
                        const cJSON *value, struct reduction *out)
{
    record_put(out->writes, "layer", id, key, cJSON_Duplicate(value, true));
    double range[2], clim[2];
    if (!limits(scene, out, id, "contrast_limits_range", range) ||
        !limits(scene, out, id, "contrast_limits", clim))
        return;
    if (strcmp(key, "contrast_limits") == 0 && (clim[0] < range[0] || clim[1] > range[1])) {
        double grown[2] = {fmin(range[0], clim[0]), fmax(range[1], clim[1])};
        record_put(out->writes, "layer", id, "contrast_limits_range",
                   cJSON_CreateDoubleArray(grown, 2));
    }
    if (strcmp(key, "contrast_limits_range") == 0) {
        double inside[2] = {fmin(fmax(clim[0], range[0]), range[1]),
                            fmin(fmax(clim[1], range[0]), range[1])};
        record_put(out->writes, "layer", id, "contrast_limits", cJSON_CreateDoubleArray(inside, 2));
    }
    static const char *const mirrored[] = {"opacity", "colormap", "contrast_limits"};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(key, mirrored[i]) == 0 && strcmp(scene->layers[0]->id, id) == 0)
            record_put(out->writes, "volume", "main", key, cJSON_Duplicate(value, true));
    }
}

void reduce_layer(const struct scene *scene, const struct scene_request *request,
                  struct reduction *out)
{
    const char *key = request->key;
    if (strcmp(key, "interpolation") == 0) {
        struct scene_view view;
        scene_view_read(scene, request->view, &view);
        key = view.ndisplay == 2 ? "interpolation2d" : "interpolation3d";
    }
    bool name = strcmp(key, "name") == 0;
    if (!name && !control_known(key)) {
        reduce_reject(out, "state.invalid", "unsupported layer key %.60s", key);
        return;
    }
    const struct scene_layer *layer = scene_find(scene, request->target);
    if (!layer) {
        reduce_reject(out, "state.error", "layer update failed: no layer \"%.60s\"",
                      request->target);
        return;
    }
    if (name) {
        const char *text = json_string(request->value);
        if (!text) {
            reduce_reject(out, "state.error", "layer update failed: name must be a string");
            return;
        }
        char unique[256];
        scene_unique_name(scene, NULL, text, layer->id, unique);
        reduce_write(out, "layer", layer->id, "name", cJSON_CreateString(unique));
        return;
    }
    /* A key of controls.c, so that its pointer outlives the request. */
    for (size_t i = 0; control_name(i); i++) {
        if (strcmp(key, control_name(i)) == 0)
            key = control_name(i);
    }
    struct error err;
    cJSON *value = control_normalise(key, request->value, &err);
    if (!value) {
        reduce_reject(out, "state.error", "layer update failed: %s %s", key, err.text);
        return;
    }
    put_control(scene, layer->id, key, value, out);
    reduce_accept(out, "layer", layer->id, key, value);
}

static void volume_control(const struct scene *scene, const char *control,
                           const struct scene_request *request, struct reduction *out)
{
    struct error err;
    cJSON *value = control_normalise(control, request->value, &err);
    if (!value) {
        reduce_reject(out, "state.invalid", "volume.%s %s", request->key, err.text);
        return;
    }
    /* How to render is a matter of all layers; colours and limits are those of the first. */
    size_t count = strcmp(control, "rendering") == 0 ? scene->layer_count : 1;
    for (size_t i = 0; i < count; i++)
        put_control(scene, scene->layers[i]->id, control, value, out);
    const char *key = strcmp(control, "rendering") == 0 ? "render_mode" : control;
    reduce_write(out, "volume", "main", key, value);
}

void reduce_volume(const struct scene *scene, const struct scene_request *request,
                   struct reduction *out)
{
    static const char *const same[] = {"contrast_limits", "colormap", "opacity"};
    if (!scene->layer_count) {
        reduce_reject(out, "state.invalid", "volume.%.60s: nothing is open", request->key);
        return;
    }
    if (strcmp(request->key, "render_mode") == 0) {
        volume_control(scene, "rendering", request, out);
        return;
    }
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (strcmp(request->key, same[i]) == 0) {
            volume_control(scene, same[i], request, out);
            return;
        }
    }
    double step;
    if (strcmp(request->key, "sample_step") != 0)
        reduce_unsupported(request, out);
    else if (!json_number(request->value, &step))
        reduce_reject(out, "state.invalid", "volume.sample_step must be a number");
    else
        reduce_write(out, "volume", "main", "sample_step",
                     cJSON_CreateNumber(fmin(4.0, fmax(0.1, step))));
}
