/* SPDX-License-Identifier: BSD-3-Clause */
/* Draws tiny pictures of what every scene starts with, in each type of voxels. A driver translates
 * a program when it first draws with a combination of state; that takes tens of milliseconds, which
 * no frame should wait for. */
#include <stdlib.h>
#include <string.h>

#include "napari.h"

#define SIZE 8 /* pixels */

static oriel_result draw_one(struct scene *scene, uint32_t ndisplay, uint32_t dtype, uint32_t side,
                             const struct oriel_layer *layer)
{
    static const uint8_t voxels[8 * 8 * 8 * 4];
    const struct oriel_layer *layers[] = {layer};
    struct oriel_snapshot snapshot = {.size = sizeof snapshot,
                                      .layer_count = 1,
                                      .layers = layers,
                                      .ndisplay = ndisplay,
                                      .ndim = ndisplay,
                                      .order = {0, 1, 2}};
    oriel_result result = layers_apply(scene, &snapshot);
    if (result != ORIEL_OK)
        return result;
    struct oriel_slab piece = {.size = sizeof piece,
                               .layer = layer->key,
                               .id = 1,
                               .ndisplay = ndisplay,
                               .dtype = dtype,
                               .scale = {1, 1, 1},
                               .data = voxels};
    for (uint32_t i = 0; i < 3; i++)
        piece.shape[i] = piece.extent[i] = i < ndisplay ? side : 1;
    piece.row_bytes = 4ull * side;
    piece.slice_bytes = piece.row_bytes * side;

    static const double to_clip[16] = {0.2, 0, 0, 0, 0, 0.2, 0, 0, 0, 0, 0.1, 0, -0.8, -0.8, 0, 1};
    const struct oriel_view_layer shown = {.layer = layer->key, .base = 1};
    struct pass pass = {.width = SIZE, .height = SIZE, .world_to_clip = to_clip, .step = 1.0};
    for (int complete = 0; complete < 2 && result == ORIEL_OK; complete++) {
        piece.flags = complete ? ORIEL_SLAB_COMPLETE : 0u;
        pass.coarse = !complete;
        piece.extent[0] = complete ? side : 1;
        result = slab_upload(scene, &piece);
        if (result == ORIEL_OK)
            result = scene_draw_layers(scene, &shown, 1, ndisplay, &pass);
    }
    while (scene->slab_count)
        slab_drop(scene, &scene->slabs[0]);
    return result;
}

oriel_result warm_up(struct scene *scene)
{
    static const float colors[8] = {0, 0, 0, 1, 1, 1, 1, 1};
    static const float controls[2] = {0, 1};
    static const uint32_t dtypes[] = {ORIEL_U8, ORIEL_U16, ORIEL_F32};
    const struct oriel_colormap map = {.name = "gray",
                                       .colors = colors,
                                       .controls = controls,
                                       .count = 2,
                                       .interpolation = ORIEL_LUT_LINEAR};
    struct oriel_layer layer = {.size = sizeof layer,
                                .kind = ORIEL_LAYER_IMAGE,
                                .key = 1,
                                .visible = 1,
                                .blending = ORIEL_BLEND_TRANSLUCENT,
                                .interpolation_2d = ORIEL_FILTER_NEAREST,
                                .interpolation_3d = ORIEL_FILTER_LINEAR,
                                .rendering = ORIEL_RENDER_MIP,
                                .depiction = ORIEL_DEPICT_VOLUME,
                                .opacity = 1,
                                .gamma = 1,
                                .contrast_limits = {0, 1},
                                .colormap = &map};
    GLuint texture;
    glCreateTextures(GL_TEXTURE_2D, 1, &texture);
    glTextureStorage2D(texture, 1, GL_RGBA8, SIZE, SIZE);
    oriel_result result = scene_attach(scene, scene->framebuffer, texture, SIZE, SIZE);
    glBindFramebuffer(GL_FRAMEBUFFER, scene->framebuffer);
    glViewport(0, 0, SIZE, SIZE);
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++)
        for (uint32_t i = 0; i < 3 && result == ORIEL_OK; i++)
            /* llvmpipe tells powers of two from other sizes; volumes seldom are one in all axes. */
            for (uint32_t side = 7; side <= (ndisplay == 2 ? 8u : 7u) && result == ORIEL_OK; side++)
                result = draw_one(scene, ndisplay, dtypes[i], side, &layer);
    for (uint32_t i = 0; i < scene->layer_count; i++)
        layer_finish(&scene->layers[i]);
    scene->layer_count = 0;
    scene->snapshot = NULL;
    glNamedFramebufferTexture(scene->framebuffer, GL_COLOR_ATTACHMENT0, 0, 0);
    glDeleteTextures(1, &texture);
    return result == ORIEL_OK && !program_get(scene, PROGRAM_UPSCALE) ? ORIEL_FATAL : result;
}
