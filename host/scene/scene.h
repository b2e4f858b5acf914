/* SPDX-License-Identifier: BSD-3-Clause */
/* The scene: the record (what can be changed) and the facts of its layers (what cannot). Everything
 * that a client may set lives in the record under these keys; indices are of level 0:
 *
 *   view/<view>        ndisplay, order, canvas, background, play
 *   dims/<view>        step
 *   camera/<view>      plane (the pose in 2-D), volume (that in 3-D)
 *   multiscale/<view>  level
 *   volume/main        what the reference's volume controls were set to
 *   layer/<id>         one key for each control, name, and source
 *   scene/main         layers: the ids, bottom first
 *
 * <view> is "main", which clients share, or a fork of it. Owned by the control thread; not locked.
 */
#ifndef SCENE_SCENE_H
#define SCENE_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oriel/scene.h"
#include "scene/camera.h"
#include "scene/record.h"
#include "scene/snapshot.h"

struct scene_axis {
    char name[32];
    char type[16];
    char unit[32];
    uint64_t size;
    double scale; /* world = index * scale + translate */
    double translate;
};

/* A layer. What is above `state` does not change once it is in a scene. */
struct scene_layer {
    char id[32];
    uint64_t key;
    struct layer_binding binding;  /* with a reference to the dataset */
    uint64_t full[ORIEL_MAX_AXES]; /* level-0 shape of the dataset, its axes */
    uint32_t ndim;
    uint32_t dtype;
    uint32_t level_count;
    struct oriel_level *levels;             /* of the crop that the binding shows */
    struct scene_axis axes[ORIEL_MAX_AXES]; /* level 0 */
    char *uri;                              /* as opened; of a local file the absolute path */
    char *source;                           /* last part of it, for people */
    char *format;                           /* "zarr v3, OME 0.5" */
    char *kind;                             /* "ome-zarr" */
    bool has_color;
    uint32_t color; /* 0xRRGGBB, of the channel */
    cJSON *warnings;
    cJSON *labels;   /* names of label images beside it */
    cJSON *controls; /* initial: every key of controls.h and "name" */
    /* What the renderer last said; not in the record. */
    struct {
        bool loading;
        uint32_t level, level_count; /* level_count 0: not known yet */
        char error[512];             /* "" none */
        uint64_t changed, told;      /* counts of changes, and of those that clients know */
    } state;
};

struct scene {
    struct record *record;
    struct scene_layer **layers; /* bottom first */
    size_t layer_count;
    uint64_t next_layer;
    /* Ids of layers in the record whose data could not be opened at the start, or NULL. What they
     * were set to is kept, for another start. */
    cJSON *absent;
    uint32_t ndim;                          /* of the world; 2 for an idle scene */
    struct scene_axis axes[ORIEL_MAX_AXES]; /* of the world: napari's dims ranges */
};

/* The axes of a world. */
struct world_axes {
    uint32_t ndim; /* 0: there were no layers */
    struct scene_axis axes[ORIEL_MAX_AXES];
};

#define SCENE_MAIN "main"
#define SCENE_VIEW_ID 16

/* A view as the record has it. */
struct scene_view {
    char id[SCENE_VIEW_ID];
    uint32_t ndisplay, ndim;
    uint32_t order[ORIEL_MAX_AXES];
    int64_t step[ORIEL_MAX_AXES];
    uint32_t width, height;
    float background[4];
    int32_t level;              /* locked, or -1 */
    struct oriel_camera camera; /* of the current ndisplay */
};

struct scene *scene_create(uint32_t width, uint32_t height);
void scene_destroy(struct scene *scene); /* NULL is fine */

struct scene_layer *scene_layer_create(void);
void scene_layer_destroy(struct scene_layer *layer); /* NULL is fine */

/* Adds layers on top, taking them over: gives ids and keys, makes names unique, writes their
 * controls, and fits dims and camera to the new world as napari does (a world that keeps its axes
 * keeps its view). `id` of a layer that was in the scene before (restore) is kept. One revision. */
void scene_add(struct scene *scene, struct scene_layer **layers, size_t count,
               const struct record_origin *origin);
/* Takes a layer out; the caller destroys it. One revision. */
struct scene_layer *scene_take(struct scene *scene, const char *id,
                               const struct record_origin *origin);
void scene_move(struct scene *scene, const char *id, size_t index,
                const struct record_origin *origin);
/* After the record was put back: the layers in their order, taking them over, with their ids; the
 * record stays as it is, unless the world is another than it was then (`before`). */
void scene_restore(struct scene *scene, struct scene_layer **layers, size_t count,
                   const struct world_axes *before);
/* Takes everything out: layers, dims, cameras, locks. Canvas and background stay. */
void scene_clear(struct scene *scene, const struct record_origin *origin);

/* By id; "" is the first. NULL when there is none. */
struct scene_layer *scene_find(const struct scene *scene, const char *id);
struct scene_layer *scene_find_key(const struct scene *scene, uint64_t key);
/* The layer whose levels stand for the world's: the first with all its axes. NULL when idle. */
const struct scene_layer *scene_primary(const struct scene *scene);

/* The view `id` as it is; one that is not there reads as an empty one. */
void scene_view_read(const struct scene *scene, const char *id, struct scene_view *view);
/* The index-th view, SCENE_MAIN among them; NULL past the end. */
const char *scene_view_id(const struct scene *scene, size_t index);
/* Whether a key matters to a view: its own, and everything that is shared. */
bool scene_view_shows(const char *id, const struct record_entry *entry);
/* The newest revision that this view shows something of. */
uint64_t scene_view_revision(const struct scene *scene, const char *id);
/* Makes the view `id` a copy of `from`, or takes it away. One revision. */
void scene_view_fork(struct scene *scene, const char *from, const char *id,
                     const struct record_origin *origin);
void scene_view_remove(struct scene *scene, const char *id, const struct record_origin *origin);
/* The pose of one mode; false when it was never set. */
bool scene_pose_read(const struct scene *scene, const char *id, uint32_t ndisplay,
                     struct oriel_camera *camera);
cJSON *scene_pose_json(const struct oriel_camera *camera);
/* The key of the pose in camera/<view>. */
const char *scene_pose_key(uint32_t ndisplay);
/* World box of all layers in x, y, z of the displayed axes; z is 0..0 in 2-D. */
void scene_extent(const struct scene *scene, const struct scene_view *view,
                  struct camera_extent *extent);
/* napari's home for `ndisplay`. */
void scene_home(const struct scene *scene, const struct scene_view *view, uint32_t ndisplay,
                struct oriel_camera *camera);

/* Number or name (ignoring case) of a world axis → its index; -1. */
int scene_axis_find(const struct scene *scene, const char *target);
/* The level in whose index space the reference's clients count: the locked one, or the one that the
 * data were opened with, else 0. */
uint32_t scene_wire_level(const struct scene *scene, const struct scene_view *view);
/* Length of a world axis at a level of the primary layer, and indices between level 0 and that
 * level. */
uint64_t scene_axis_size(const struct scene *scene, uint32_t axis, uint32_t level);
int64_t scene_index_to_level(const struct scene *scene, uint32_t axis, uint32_t level,
                             int64_t index);
int64_t scene_index_from_level(const struct scene *scene, uint32_t axis, uint32_t level,
                               int64_t index);

/* `name`, or "name [1]", … when another layer than `except` (an id) has it, in the
 * record or in what `batch` (or NULL) will write. */
void scene_unique_name(const struct scene *scene, const struct record_batch *batch,
                       const char *name, const char *except, char unique[256]);

/* An immutable copy of the layers and one view. The caller's reference. */
struct scene_snapshot *scene_snapshot_create(const struct scene *scene, const char *view);

#endif
