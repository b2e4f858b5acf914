/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/scene_rig.h"

#include <stdlib.h>
#include <string.h>

#include "scene/camera.h"

const uint8_t scene_background[4] = {51, 102, 153, 255};

static const float map_colors[2][4] = {{0, 0, 0, 1}, {1, 1, 1, 1}}, map_controls[2] = {0, 1};
static const struct oriel_colormap gray = {.name = "gray",
                                           .colors = map_colors[0],
                                           .controls = map_controls,
                                           .count = 2,
                                           .interpolation = ORIEL_LUT_LINEAR};

static void need_images(struct check_run *run)
{
    const struct oriel_scene_module *module = run->vtable;
    uint32_t kind = 0;
    for (uint32_t i = 0; i < 64 && module->kind(i, &kind) == ORIEL_OK; i++)
        if (kind == ORIEL_LAYER_IMAGE)
            return;
    check_skip(run, "it draws no images, which is what this looks at");
}

static void fill_layer(struct scene_rig *rig, uint32_t ndisplay)
{
    rig->layer = (struct oriel_layer){.size = sizeof rig->layer,
                                      .kind = ORIEL_LAYER_IMAGE,
                                      .key = 11,
                                      .id = "layer",
                                      .name = "layer",
                                      .ndim = ndisplay,
                                      .dtype = ORIEL_U8,
                                      .level_count = 1,
                                      .levels = &rig->level,
                                      .visible = 1,
                                      .blending = ORIEL_BLEND_TRANSLUCENT,
                                      .interpolation_2d = ORIEL_FILTER_NEAREST,
                                      .interpolation_3d = ORIEL_FILTER_LINEAR,
                                      .rendering = ORIEL_RENDER_MIP,
                                      .depiction = ORIEL_DEPICT_VOLUME,
                                      .opacity = 1,
                                      .gamma = 1,
                                      .attenuation = 0.05,
                                      .iso_threshold = 128,
                                      .contrast_limits = {0, 255},
                                      .contrast_limits_range = {0, 255},
                                      .plane_thickness = 1,
                                      .plane_normal = {0, 0, 1},
                                      .colormap = &gray};
    for (uint32_t i = 0; i < ORIEL_MAX_AXES; i++) {
        rig->layer.scale[i] = 1;
        rig->level.scale[i] = 1;
        rig->level.shape[i] = rig->level.chunk[i] = i < ndisplay ? SCENE_SIDE : 0;
    }
    rig->layers[0] = &rig->layer;
}

void scene_rig_resize(struct scene_rig *rig, uint32_t width, uint32_t height)
{
    if (rig->target.texture)
        gl_target_free(&rig->target);
    rig->target = gl_target(rig->run, width, height);
    rig->snapshot.width = rig->view.width = width;
    rig->snapshot.height = rig->view.height = height;
    double middle = (SCENE_SIDE - 1) / 2.0, least = width < height ? width : height;
    rig->view.camera =
        (struct oriel_camera){.center = {middle, middle, rig->view.ndisplay == 3 ? middle : 0},
                              .quat = {1},
                              .zoom = least / SCENE_SIDE * 0.75};
    camera_matrix(&rig->view.camera, rig->view.ndisplay, width, height, rig->view.world_to_clip);
    rig->snapshot.camera = rig->view.camera;
}

void scene_rig_open(struct scene_rig *rig, struct check_run *run, uint32_t ndisplay, uint32_t width,
                    uint32_t height)
{
    scene_rig_open_on(rig, run, CHECK_HOST_USUAL, ndisplay, width, height);
}

void scene_rig_open_on(struct scene_rig *rig, struct check_run *run, enum check_host_kind host,
                       uint32_t ndisplay, uint32_t width, uint32_t height)
{
    memset(rig, 0, sizeof *rig);
    rig->run = run;
    rig->module = run->vtable;
    need_images(run);
    rig->host = gl_host(run, host);
    check_doing(run, "create()");
    const struct oriel_config *config = check_config(run, rig->module->options, NULL);
    check_created(run, rig->module->create(&rig->host->host, config, &rig->self), "create()");
    gl_no_error(run, "create()");
    if (!rig->self)
        check_fail(run, "create() is OK and gives no instance");
    fill_layer(rig, ndisplay);
    rig->snapshot = (struct oriel_snapshot){.size = sizeof rig->snapshot,
                                            .layers = rig->layers,
                                            .ndisplay = ndisplay,
                                            .ndim = ndisplay,
                                            .order = {0, 1, 2}};
    rig->view = (struct oriel_view){.size = sizeof rig->view,
                                    .ndisplay = ndisplay,
                                    .layers = &rig->view_layer,
                                    .resolution = 1,
                                    .step = 1};
    for (int c = 0; c < 4; c++)
        rig->snapshot.background[c] = rig->view.background[c] = (float)scene_background[c] / 255.0f;
    scene_rig_resize(rig, width, height);
}

void scene_rig_close(struct scene_rig *rig)
{
    check_doing(rig->run, "destroy()");
    rig->module->destroy(rig->self);
    gl_no_error(rig->run, "destroy()");
    gl_target_free(&rig->target);
}

/* ---- data ---- */

uint32_t scene_rig_bytes(uint32_t dtype)
{
    return dtype == ORIEL_U8 ? 1 : dtype == ORIEL_U16 ? 2 : 4;
}

const void *scene_rig_voxels(uint32_t dtype)
{
    enum { VOXELS = SCENE_SIDE * SCENE_SIDE * SCENE_SIDE };
    static uint8_t u8[VOXELS];
    static uint16_t u16[VOXELS];
    static float f32[VOXELS];
    for (int i = 0; i < VOXELS; i++) {
        int x = i % SCENE_SIDE, y = i / SCENE_SIDE % SCENE_SIDE;
        int value = 255 - 4 * x - 14 * y - i / (SCENE_SIDE * SCENE_SIDE);
        u8[i] = (uint8_t)value;
        u16[i] = (uint16_t)(value * 257);
        f32[i] = (float)value / 255.0f;
    }
    return dtype == ORIEL_U8 ? (void *)u8 : dtype == ORIEL_U16 ? (void *)u16 : (void *)f32;
}

struct oriel_slab scene_rig_slab(struct scene_rig *rig, uint32_t dtype)
{
    uint32_t bytes = scene_rig_bytes(dtype), depth = rig->view.ndisplay == 3 ? SCENE_SIDE : 1;
    rig->layer.dtype = dtype;
    rig->layer.contrast_limits[1] = rig->layer.contrast_limits_range[1] = dtype == ORIEL_U8 ? 255
                                                                          : dtype == ORIEL_U16
                                                                              ? 65535
                                                                              : 1;
    return (struct oriel_slab){.size = sizeof(struct oriel_slab),
                               .flags = ORIEL_SLAB_COMPLETE,
                               .layer = rig->layer.key,
                               .id = 100 + rig->slabs++,
                               .ndisplay = rig->view.ndisplay,
                               .dtype = dtype,
                               .shape = {SCENE_SIDE, SCENE_SIDE, depth},
                               .extent = {SCENE_SIDE, SCENE_SIDE, depth},
                               .scale = {1, 1, 1},
                               .data = scene_rig_voxels(dtype),
                               .row_bytes = SCENE_SIDE * bytes,
                               .slice_bytes = SCENE_SIDE * SCENE_SIDE * bytes};
}

/* ---- calls ---- */

oriel_result scene_rig_apply(struct scene_rig *rig)
{
    rig->snapshot.revision++;
    check_doing(rig->run, "apply() of revision %llu with %u layers",
                (unsigned long long)rig->snapshot.revision, rig->snapshot.layer_count);
    oriel_result result = rig->module->apply(rig->self, &rig->snapshot);
    gl_no_error(rig->run, "apply()");
    return result;
}

oriel_result scene_rig_upload(struct scene_rig *rig, const struct oriel_slab *slab)
{
    check_doing(rig->run, "upload() of %ux%ux%u voxels of type %u", slab->extent[0],
                slab->extent[1], slab->extent[2], slab->dtype);
    oriel_result result = rig->module->upload(rig->self, slab);
    gl_no_error(rig->run, "upload()");
    return result;
}

oriel_result scene_rig_draw(struct scene_rig *rig)
{
    rig->view.revision = rig->snapshot.revision;
    check_doing(rig->run, "draw() of %u dimensions into %ux%u", rig->view.ndisplay,
                rig->target.width, rig->target.height);
    oriel_result result = rig->module->draw(rig->self, &rig->view, &rig->target);
    gl_no_error(rig->run, "draw()");
    return result;
}

void scene_rig_must_apply(struct scene_rig *rig)
{
    oriel_result result = scene_rig_apply(rig);
    if (result != ORIEL_OK)
        check_fail(rig->run, "apply() is %s (%s): there is nothing wrong with the snapshot",
                   check_result_name(result), check_failure());
}

void scene_rig_must_upload(struct scene_rig *rig, const struct oriel_slab *slab)
{
    oriel_result result = scene_rig_upload(rig, slab);
    if (result != ORIEL_OK)
        check_fail(rig->run,
                   "upload() of type %u for %u dimensions is %s (%s): slabs are U8, U16 or F32, of "
                   "2 or 3 dimensions",
                   slab->dtype, slab->ndisplay, check_result_name(result), check_failure());
}

uint8_t *scene_rig_picture(struct scene_rig *rig)
{
    oriel_result result = scene_rig_draw(rig);
    if (result != ORIEL_OK)
        check_fail(rig->run, "draw() into %ux%u is %s (%s): there is nothing wrong with the view",
                   rig->target.width, rig->target.height, check_result_name(result),
                   check_failure());
    return gl_target_read(&rig->target);
}

uint8_t *scene_rig_show(struct scene_rig *rig, uint32_t dtype)
{
    struct oriel_slab slab = scene_rig_slab(rig, dtype);
    rig->snapshot.layer_count = rig->view.layer_count = 1;
    scene_rig_must_apply(rig);
    scene_rig_must_upload(rig, &slab);
    rig->view_layer = (struct oriel_view_layer){.layer = rig->layer.key, .base = slab.id};
    return scene_rig_picture(rig);
}

/* ---- pictures ---- */

bool scene_rig_is_filled(const struct scene_rig *rig, const uint8_t *picture, const uint8_t rgba[4])
{
    size_t count = (size_t)rig->target.width * rig->target.height;
    for (size_t i = 0; i < 4 * count; i++)
        if (abs(picture[i] - rgba[i % 4]) > 1)
            return false;
    return true;
}

bool scene_rig_same(const struct scene_rig *rig, const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, (size_t)rig->target.width * rig->target.height * 4) == 0;
}

bool scene_rig_is_upright(const uint8_t *rgba, uint32_t width, uint32_t height, bool bottom_first)
{
    double halves[2] = {0};
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = width / 4; x < width - width / 4; x++) {
            const uint8_t *at = rgba + 4 * ((size_t)y * width + x);
            bool upper = bottom_first ? y >= height / 2 : y < height / 2;
            halves[upper] += at[0] * at[3];
        }
    return halves[1] > halves[0] * 1.1;
}
