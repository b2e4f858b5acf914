/* SPDX-License-Identifier: BSD-3-Clause */
/* Scene files: a scene as JSON, read and written (docs/scene-files.md). Reading checks everything
 * that can be checked without the data; every error names the file and the key. */
#ifndef SCENE_SCENE_FILE_H
#define SCENE_SCENE_FILE_H

#include "scene/layers.h"

struct scene_file_layer {
    char *uri;     /* ready to open: relative ones are made relative to the file's folder */
    int32_t level; /* -1: the policy chooses */
    bool has_index;
    struct layers_index index;
    int scale_count, translate_count; /* 0: as in the data */
    double scale[ORIEL_MAX_AXES];
    double translate[ORIEL_MAX_AXES];
    cJSON *controls; /* those given, canonical; may have "name" and "interpolation" */
};

struct scene_file {
    char *path;
    uint32_t width, height; /* 0: not given */
    cJSON *background;      /* rgba, or NULL */
    uint32_t ndisplay;      /* 0: not given */
    cJSON *step, *order;    /* arrays, or NULL */
    int32_t level;          /* locked for the view, or -1 */
    cJSON *camera;          /* object, or NULL */
    cJSON *volume_step;     /* number, or NULL */
    struct scene_file_layer *layers;
    size_t layer_count;
};

struct scene_file *scene_file_read(const char *path, struct error *err);
/* The same of JSON that is there. `path` is what errors name, and relative URIs are relative to its
 * folder. */
struct scene_file *scene_file_parse(const cJSON *json, const char *path, struct error *err);
void scene_file_destroy(struct scene_file *file); /* NULL is fine */

/* Puts what the file says about a layer over the defaults of one that was made for it. */
bool scene_file_apply_layer(const struct scene_file *file, size_t index, struct scene_layer *layer,
                            struct error *err);
/* Canvas, dims and camera, once the layers are in the scene. One revision. */
bool scene_file_apply_view(const struct scene_file *file, struct scene *scene, struct error *err);

/* What a layer is made from, enough to make it again: uri, level, index and transform, as in a
 * file. */
cJSON *scene_file_layer_source(const struct scene_layer *layer);
/* The scene as the view `id` shows it, as a file's content. Local files are written as absolute
 * paths. */
cJSON *scene_file_write(const struct scene *scene, const char *id);

#endif
