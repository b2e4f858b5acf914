/* SPDX-License-Identifier: BSD-3-Clause */
/* What is on display and what is being loaded, layer by layer. It plans from snapshots, states its
 * wants to the loader, hands pieces to the scene module, and replaces what is on display when what
 * comes next is at least as good. It never waits. [render] */
#ifndef RENDER_VIEW_H
#define RENDER_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/scene_module.h"
#include "render/loader.h"
#include "render/plan.h"
#include "render/render.h"

struct module_use;

struct view;

struct view_status {
    double coverage;             /* share of the canvas shown at the wanted level, 1: all of it */
    uint64_t outstanding;        /* bytes */
    uint32_t level, level_count; /* of the topmost visible layer with levels */
    bool settled;                /* a view at rest would want the same levels */
    bool failed;                 /* something of it could not be read */
};

struct view *view_create(struct loader *loader, struct lane *lane, const struct plan_policy *policy,
                         const struct render_events *events);
/* The scene module has been destroyed or is about to be: nothing is evicted. */
void view_destroy(struct view *view);

/* Another scene module or another context: everything is handed over again. */
void view_set_scene(struct view *view, const struct module_use *scene, void *self,
                    uint32_t max_texture_2d, uint32_t max_texture_3d);

/* What `scene` stands for has moved there, and `events` are told from now on. What had no room
 * beside another module's has it perhaps now. */
void view_settle(struct view *view, const struct module_use *scene,
                 const struct render_events *events);

/* Decides what is wanted of a snapshot the scene module has seen. True when what is on display
 * changed. */
bool view_plan(struct view *view, const struct scene_snapshot *snapshot, bool resting,
               int64_t now_ns);
/* Tells the loader what is wanted, in which order. */
void view_want(struct view *view);
/* Hands over what has been read until `until_ns`; *more: there was no time for all of it. *changed:
 * what is on display changed. Failures of the scene module come back; NOMEM is dealt with. */
oriel_result view_upload(struct view *view, int64_t now_ns, int64_t until_ns, bool *more,
                         bool *changed);
/* view_plan has to be called again, with the newest snapshot. */
bool view_stale(const struct view *view);
/* When view_upload has something to do without a block having come; INT64_MAX: never. */
int64_t view_deadline(const struct view *view, int64_t now_ns);

/* In the order of the snapshot; valid until the next call. */
const struct oriel_view_layer *view_layers(struct view *view, uint32_t *count);
void view_get_status(struct view *view, struct view_status *status);
/* Why something could not be read; "" when nothing failed. */
const char *view_failure(const struct view *view);

#endif
