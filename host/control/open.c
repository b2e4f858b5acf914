/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening data and scene files. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "render/dataset.h"
#include "scene/json.h"
#include "scene/scene_file.h"
#include "util/check.h"
#include "util/log.h"

void opened_finish(struct opened *opened)
{
    for (size_t i = 0; i < opened->count; i++)
        scene_layer_destroy(opened->layers[i]);
    free(opened->layers);
    free(opened->note);
    *opened = (struct opened){0};
}

void open_options(const struct control *control, struct layers_options *options)
{
    const struct config *config = control->config;
    const char *split = config_string(config, "data.split_channels");
    *options = (struct layers_options){
        .split = strcmp(split, "always") == 0  ? LAYERS_SPLIT_ALWAYS
                 : strcmp(split, "never") == 0 ? LAYERS_SPLIT_NEVER
                                               : LAYERS_SPLIT_AUTO,
        .max_channels = (uint32_t)config_int(config, "data.max_channels"),
        .interpolation_2d = config_string(config, "render.interpolation_2d"),
        .level = -1,
        .axes = config_string(config, "data.axes"),
    };
}

bool open_uri(struct registry *registry, const char *uri, const struct layers_options *options,
              struct opened *opened, struct error *err)
{
    *opened = (struct opened){0};
    struct dataset *dataset = dataset_open(registry, uri, err);
    if (!dataset)
        return false;
    const struct oriel_source_info *info = dataset_info(dataset);
    if (!info->dtype && info->image_count) {
        char *first = xasprintf("%s/%s", uri, info->images[0]);
        opened->note = xasprintf("%s holds %u images; this is the first, %s", uri,
                                 info->image_count, info->images[0]);
        dataset_unref(dataset);
        dataset = dataset_open(registry, first, err);
        free(first);
    }
    bool ok =
        dataset && layers_from_dataset(dataset, options, &opened->layers, &opened->count, err);
    dataset_unref(dataset);
    for (size_t i = 0; ok && opened->note && i < opened->count; i++)
        cJSON_AddItemToArray(opened->layers[i]->warnings, cJSON_CreateString(opened->note));
    if (!ok)
        opened_finish(opened);
    return ok;
}

bool open_allowed(const struct control *control, const char *real)
{
    for (size_t i = 0; i < control->allowed_count; i++) {
        if (strcmp(control->allowed[i], real) == 0)
            return true;
    }
    return false;
}

void open_allow(struct control *control, const char *uri)
{
    char resolved[PATH_MAX];
    const char *real = realpath(uri, resolved) ? resolved : uri;
    if (open_allowed(control, real))
        return;
    control->allowed =
        xrealloc(control->allowed, (control->allowed_count + 1) * sizeof *control->allowed);
    control->allowed[control->allowed_count++] = xstrdup(real);
}

static void put_first_view(struct control *control, const char *id, const struct session *viewer,
                           struct record_batch *batch)
{
    const struct config *config = control->config;
    struct scene *scene = control->scene;
    struct scene_view view;
    scene_view_read(scene, id, &view);
    struct oriel_camera home;
    if (viewer && viewer->canvas[0] && strcmp(viewer->view->id, id) == 0) {
        view.width = viewer->canvas[0];
        view.height = viewer->canvas[1];
        scene_home(scene, &view, 2, &home);
        record_put(batch, "camera", id, scene_pose_key(2), scene_pose_json(&home));
    }
    int64_t z = config_int(config, "view.open_z");
    int axis = scene_axis_find(scene, "z");
    if (z >= 0 && axis >= 0) {
        int64_t last = (int64_t)scene->axes[axis].size - 1;
        view.step[axis] = z < last ? z : last;
        record_put(batch, "dims", id, "step", json_from_integers(view.step, scene->ndim));
    }
    int64_t level = config_int(config, "lod.lock");
    if (level < 0)
        level = config_int(config, "view.open_level");
    const struct scene_layer *primary = scene_primary(scene);
    if (level >= 0 && primary) {
        int64_t last = (int64_t)primary->level_count - 1;
        record_put(batch, "multiscale", id, "level",
                   cJSON_CreateNumber((double)(level < last ? level : last)));
    }
    if (config_int(config, "view.ndisplay") == 3 && scene->ndim >= 3) {
        scene_home(scene, &view, 3, &home);
        record_put(batch, "view", id, "ndisplay", cJSON_CreateNumber(3));
        record_put(batch, "camera", id, scene_pose_key(3), scene_pose_json(&home));
    }
}

void open_first_view(struct control *control, const struct session *viewer)
{
    struct record_batch *batch = record_batch_create();
    for (const struct view *view = &control->main; view; view = view->next)
        put_first_view(control, view->id, viewer, batch);
    record_commit(control->scene->record, batch, NULL);
}

bool control_open_data(struct control *control, const char *uri, struct error *err)
{
    CHECK(!control->started);
    struct layers_options options;
    open_options(control, &options);
    struct opened opened;
    if (!open_uri(control->registry, uri, &options, &opened, err))
        return false;
    if (opened.note)
        log_info(LOG_DATA, "%s", opened.note);
    bool fresh = control->scene->layer_count == 0;
    scene_add(control->scene, opened.layers, opened.count, NULL);
    opened.count = 0; /* the scene's now */
    opened_finish(&opened);
    if (fresh)
        open_first_view(control, NULL);
    open_allow(control, uri);
    return true;
}

bool open_file_layer(struct registry *registry, const struct layers_options *usual,
                     const struct scene_file *file, size_t index, struct opened *opened,
                     struct error *err)
{
    const struct scene_file_layer *from = &file->layers[index];
    struct layers_options options = *usual;
    options.level = from->level;
    options.index = from->has_index ? &from->index : NULL;
    options.limits_known = cJSON_HasObjectItem(from->controls, "contrast_limits");
    if (!open_uri(registry, from->uri, &options, opened, err))
        return error_prefix(err, "%s: layers[%zu].source", file->path, index);
    for (size_t i = 0; i < opened->count; i++) {
        if (!scene_file_apply_layer(file, index, opened->layers[i], err)) {
            opened_finish(opened);
            return false;
        }
    }
    return true;
}

void open_fit_canvas(const struct control *control, struct scene_file *file)
{
    uint32_t asked[2], most = (uint32_t)config_int(control->config, "canvas.max");
    session_canvas(control, &control->main, NULL, asked);
    if (asked[0]) {
        file->width = asked[0];
        file->height = asked[1];
    } else if (file->width > most || file->height > most) {
        log_warn(LOG_SCENE, "%s: canvas.size: %ux%u is more than canvas.max, %u", file->path,
                 file->width, file->height, most);
        file->width = file->width < most ? file->width : most;
        file->height = file->height < most ? file->height : most;
    }
}

bool control_open_scene(struct control *control, const char *path, struct error *err)
{
    CHECK(!control->started);
    struct scene_file *file = scene_file_read(path, err);
    if (!file)
        return false;
    struct layers_options options;
    open_options(control, &options);
    options.split = LAYERS_SPLIT_NEVER;
    open_fit_canvas(control, file);
    bool ok = true;
    for (size_t i = 0; ok && i < file->layer_count; i++) {
        struct opened opened;
        ok = open_file_layer(control->registry, &options, file, i, &opened, err);
        if (!ok)
            break;
        scene_add(control->scene, opened.layers, opened.count, NULL);
        opened.count = 0;
        opened_finish(&opened);
        open_allow(control, file->layers[i].uri);
    }
    ok = ok && scene_file_apply_view(file, control->scene, err);
    scene_file_destroy(file);
    return ok;
}
