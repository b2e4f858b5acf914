/* SPDX-License-Identifier: BSD-3-Clause */
/* A scene module with one layer to draw. */
#ifndef CHECK_SCENE_RIG_H
#define CHECK_SCENE_RIG_H

#include "check/gl.h"
#include "oriel/scene_module.h"

enum { SCENE_SIDE = 12 }; /* voxels along each axis of the layer */

struct scene_rig {
    struct check_run *run;
    const struct oriel_scene_module *module;
    struct check_host *host;
    void *self;
    struct oriel_target target;

    struct oriel_level level;
    struct oriel_layer layer;
    const struct oriel_layer *layers[1];
    struct oriel_snapshot snapshot;
    struct oriel_view_layer view_layer;
    struct oriel_view view;
    uint64_t slabs; /* made so far */
};

/* A context, an instance, and a target of that size. Skips where the module draws no images. */
void scene_rig_open(struct scene_rig *rig, struct check_run *run, uint32_t ndisplay, uint32_t width,
                    uint32_t height);
void scene_rig_open_on(struct scene_rig *rig, struct check_run *run, enum check_host_kind host,
                       uint32_t ndisplay, uint32_t width, uint32_t height);
void scene_rig_close(struct scene_rig *rig);
/* Another size of the target and the view. */
void scene_rig_resize(struct scene_rig *rig, uint32_t width, uint32_t height);

/* The voxels of the layer in a type: bright at the top left, dark at the bottom right. */
const void *scene_rig_voxels(uint32_t dtype);
uint32_t scene_rig_bytes(uint32_t dtype); /* of one */
/* A new slab of the layer with all of its voxels; the contrast limits follow the type. */
struct oriel_slab scene_rig_slab(struct scene_rig *rig, uint32_t dtype);

oriel_result scene_rig_apply(struct scene_rig *rig);
oriel_result scene_rig_upload(struct scene_rig *rig, const struct oriel_slab *slab);
oriel_result scene_rig_draw(struct scene_rig *rig);
/* The same, where anything but OK is a failure. */
void scene_rig_must_apply(struct scene_rig *rig);
void scene_rig_must_upload(struct scene_rig *rig, const struct oriel_slab *slab);
/* Its pixels, the bottom row first; for free(). */
uint8_t *scene_rig_picture(struct scene_rig *rig);
/* A layer that is there, with its slab, and its picture. */
uint8_t *scene_rig_show(struct scene_rig *rig, uint32_t dtype);

/* Is the whole picture of this colour, within one level? */
bool scene_rig_is_filled(const struct scene_rig *rig, const uint8_t *picture,
                         const uint8_t rgba[4]);
bool scene_rig_same(const struct scene_rig *rig, const uint8_t *a, const uint8_t *b);
/* Is the layer of two dimensions upright in it: brighter above than below? */
bool scene_rig_is_upright(const uint8_t *rgba, uint32_t width, uint32_t height, bool bottom_first);
/* The background of the view. */
extern const uint8_t scene_background[4];

/* Tests of check_scene_optional.c. */
void scene_check_thumbnail(struct check_run *run);
void scene_check_pick(struct check_run *run);
void scene_check_draw_time(struct check_run *run);

#endif
