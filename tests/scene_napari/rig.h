/* SPDX-License-Identifier: BSD-3-Clause */
/* A GL context without a window, the scene module loaded as the host does it, and one scene to
 * draw. */
#ifndef RIG_H
#define RIG_H

#include <epoxy/gl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "oriel/host_cuda.h"
#include "oriel/scene_module.h"

#define RIG_LAYERS 4

struct rig {
    const struct oriel_scene_module *module;
    void *self;
    struct oriel_host host;
    char failure[768]; /* the last text given to fail() */
    char logged[256];  /* the last line of the log, its level before it */

    uint32_t width, height;
    struct oriel_target target;

    struct oriel_layer layers[RIG_LAYERS];
    struct oriel_level levels[RIG_LAYERS];
    const struct oriel_layer *layer_list[RIG_LAYERS];
    struct oriel_snapshot snapshot;
    struct oriel_view_layer view_layers[RIG_LAYERS];
    struct oriel_view view;
};

/* False without EGL or without OpenGL 4.5: says so. One context for the process. */
bool rig_context(void);

/* The module's option `shaders` from the next rig on; NULL: the environment's ORIEL_TEST_SHADERS,
 * or auto. */
extern const char *rig_shaders;
/* Its option `bounds`, "auto" at first. */
extern const char *rig_bounds;
/* What the host has as "oriel.host.cuda/1" from the next rig on; NULL at first. */
extern const struct oriel_host_cuda *rig_cuda;

/* A buffer whose references are those of the module. */
struct rig_buffer {
    struct oriel_buffer public;
    atomic_int refs;
};

/* From the next rig on, that the host says that the renderer is no software. */
extern bool rig_hardware;

void rig_init(struct rig *rig, uint32_t ndisplay, uint32_t width, uint32_t height);
void rig_finish(struct rig *rig);

/* Adds an image layer with napari's defaults; keys and slab ids start at 1. Its slabs are placed by
 * scale and translate (x, y, z). */
struct oriel_layer *rig_add(struct rig *rig, const struct oriel_colormap *map);
/* The voxel at (0, 0, 0) in the world's origin, unit voxels. */
struct oriel_slab rig_slab(const struct rig *rig, uint32_t layer, uint64_t id, uint32_t dtype,
                           const uint32_t shape[3], const void *data);
void rig_upload(struct rig *rig, const struct oriel_slab *slab);
/* apply(), draw() and read back: row 0 at the top. */
void rig_apply(struct rig *rig);
void rig_draw(struct rig *rig, uint8_t *rgba);
/* A camera over a slice: the world point in the middle, pixels for one unit. */
void rig_look(struct rig *rig, double x, double y, double zoom);
/* A camera around a volume, napari's angles. */
void rig_turn(struct rig *rig, const double center[3], const double angles[3], double zoom,
              double fov);

#endif
