/* SPDX-License-Identifier: BSD-3-Clause */
/* Scene modules: they draw layers with OpenGL. Interface "oriel.scene/1".
 *
 * All calls are [render] with the GL context of oriel.host.gl/1 current, and leave the GL state as
 * they found it, bindings of the framebuffer included, except where they say otherwise. */
#ifndef ORIEL_SCENE_MODULE_H
#define ORIEL_SCENE_MODULE_H

#include "oriel/capture.h"
#include "oriel/module.h"
#include "oriel/scene.h"

#define ORIEL_SCENE_V1 "oriel.scene/1"

/* What a pick found. */
struct oriel_pick {
    uint32_t size;
    uint32_t reserved;
    uint64_t layer;     /* oriel_layer::key; 0: nothing */
    double position[3]; /* world x, y, z */
    double value;
};

struct oriel_scene_module {
    uint32_t size;
    uint32_t reserved;
    const struct oriel_option_table *options;

    /* The index-th ORIEL_LAYER_* it draws; UNSUPPORTED past the end. [any-thread] */
    oriel_result (*kind)(uint32_t index, uint32_t *kind);

    /* Compiles what every scene needs, so that no frame waits for a shader later. */
    oriel_result (*create)(const struct oriel_host *host, const struct oriel_config *config,
                           void **self);
    void (*destroy)(void *self);
    const void *(*get_interface)(void *self, const char *id); /* or NULL */

    /* The scene changed. Layers that are not in the snapshot are gone, with their slabs. */
    oriel_result (*apply)(void *self, const struct oriel_snapshot *snapshot);
    /* Data for a layer. NOMEM when the GPU has no room: the host asks for less. */
    oriel_result (*upload)(void *self, const struct oriel_slab *slab);
    /* Forgets a slab; unknown ids are fine. */
    void (*evict)(void *self, uint64_t slab);
    /* Draws the background and every visible layer into the target. Slabs it was not given are left
     * out. When GL_SCISSOR_TEST is enabled at the call, nothing outside of the scissor box is
     * touched and no work is spent there: the host draws costly pictures band by band. */
    oriel_result (*draw)(void *self, const struct oriel_view *view,
                         const struct oriel_target *target);

    /* Optional from here on. */

    /* What lies under a pixel of the view (x right, y down, pixel centres at .5). */
    oriel_result (*pick)(void *self, const struct oriel_view *view, double x, double y,
                         struct oriel_pick *pick);
    /* The layer alone, fitted into width × height RGBA8 pixels, row 0 at the top. */
    oriel_result (*thumbnail)(void *self, uint64_t layer, uint32_t width, uint32_t height,
                              uint8_t *rgba);
    /* How long the last draw kept the GPU, nanoseconds; AGAIN while unknown. */
    oriel_result (*draw_time)(void *self, int64_t *ns);
};

#endif
