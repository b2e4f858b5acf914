/* SPDX-License-Identifier: BSD-3-Clause */
/* The view's own types, for view.c and wants.c. */
#ifndef RENDER_VIEW_INTERNAL_H
#define RENDER_VIEW_INTERNAL_H

#include "render/failures.h"
#include "render/slab.h"
#include "render/view.h"

/* A slice or volume: everything coarse, and what is fine. Slabs may stand in two pairs of one
 * layer. */
struct pair {
    bool any;
    struct plan_view view;
    struct slab *base, *detail; /* NULL: none wanted */
};

struct layer {
    uint64_t key;
    struct layer *next_layer; /* of the snapshot before, while planning */
    bool visible;
    uint32_t level_count;
    struct plan plan;
    struct plan_memory memory;
    struct pair shown; /* on display */
    struct pair next;  /* being loaded to take its place; any == false: none */
    int64_t shown_ns, next_ns;
    uint32_t shrink; /* how often the GPU had no room: limits are halved as often */
    struct failures failures;
    size_t failures_planned; /* what the plan knew of */
    size_t failures_told;
    bool failed; /* something of it could not be read or kept; told or soon to be */
    char failure[512];
    bool told_level_once;
    uint32_t told_level;
    bool told_loading;
};

struct view {
    struct loader *loader;
    struct lane *lane;
    struct plan_policy policy;
    struct render_events events;
    const struct oriel_scene_module *scene;
    const struct module_use *use;
    void *self;
    struct scratch scratch;
    struct block *placing; /* handed over just now */
    const struct oriel_buffer *placing_made;
    uint64_t next_id;
    struct layer **layers; /* in the order of the snapshot */
    uint32_t layer_count;
    struct oriel_view_layer *out;
    bool stale; /* to be planned again */
    bool held;  /* a newer slice waits until one that is on its way has been shown */
    bool wants_changed;
};

/* What a layer loads: its next pair, else the one on display. */
static inline const struct pair *layer_target(const struct layer *layer)
{
    return layer->next.any ? &layer->next : &layer->shown;
}

/* Tells the loader what is missing, most urgent first, and what may be needed next. */
void view_state_wants(struct view *view);

#endif
