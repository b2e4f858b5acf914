/* SPDX-License-Identifier: BSD-3-Clause */
/* dims.index, dims.step, multiscale.level. */
#include <string.h>

#include "scene/json.h"
#include "scene/reduce_internal.h"

void reduce_dims(const struct scene *scene, const struct scene_request *request,
                 struct reduction *out)
{
    bool relative = strcmp(request->key, "step") == 0;
    if (!relative && strcmp(request->key, "index") != 0) {
        reduce_unsupported(request, out);
        return;
    }
    int64_t value;
    if (!request->target[0] || !json_integer(request->value, &value)) {
        reduce_reject(out, "state.invalid", "dims.%s needs an axis as target and an integer",
                      request->key);
        return;
    }
    int axis = scene_axis_find(scene, request->target);
    if (axis < 0) {
        reduce_reject(out, "state.error", "dims update failed: no axis \"%.60s\"", request->target);
        return;
    }
    struct scene_view view;
    scene_view_read(scene, request->view, &view);
    uint32_t level = request->level_indices ? scene_wire_level(scene, &view) : 0;
    uint32_t a = (uint32_t)axis;
    int64_t last = (int64_t)scene_axis_size(scene, a, level) - 1;
    if (relative) {
        int64_t now = scene_index_to_level(scene, a, level, view.step[axis]);
        value = value > last ? last : value < -last ? -last : value;
        value += now;
    }
    value = value < 0 ? 0 : value > last ? last : value;
    view.step[axis] = scene_index_from_level(scene, a, level, value);
    record_put(out->writes, "dims", request->view, "step",
               json_from_integers(view.step, scene->ndim));
    reduce_accept(out, "dims", request->view, "step", cJSON_CreateNumber((double)value));
}

void reduce_multiscale(const struct scene *scene, const struct scene_request *request,
                       struct reduction *out)
{
    if (strcmp(request->key, "policy") == 0) {
        reduce_reject(
            out, "state.unsupported",
            "multiscale.policy cannot be set: the level follows the view, or is locked by "
            "multiscale.level");
        return;
    }
    if (strcmp(request->key, "level") != 0) {
        reduce_unsupported(request, out);
        return;
    }
    const cJSON *value = request->value;
    int64_t level;
    if (cJSON_IsNull(value) || (cJSON_IsString(value) && strcmp(value->valuestring, "auto") == 0)) {
        record_put(out->writes, "multiscale", request->view, "level", cJSON_CreateNumber(-1));
        reduce_accept(out, "multiscale", request->view, "level", cJSON_CreateString("auto"));
        return;
    }
    const char *digits = json_string(value);
    cJSON *number = digits && strspn(digits, "0123456789") == strlen(digits) && strlen(digits) < 10
                        ? cJSON_Parse(digits)
                        : NULL;
    bool ok = json_integer(number ? number : value, &level);
    cJSON_Delete(number);
    const struct scene_layer *primary = scene_primary(scene);
    if (!ok || !primary) {
        reduce_reject(out, "state.invalid", "level out of range");
        return;
    }
    int64_t last = (int64_t)primary->level_count - 1;
    level = level < 0 ? 0 : level > last ? last : level;
    if (primary->binding.level >= 0 && level != primary->binding.level) {
        reduce_reject(out, "state.error", "level update failed: %.60s was opened at level %d alone",
                      primary->id, (int)primary->binding.level);
        return;
    }
    reduce_write(out, "multiscale", request->view, "level", cJSON_CreateNumber((double)level));
}
