/* SPDX-License-Identifier: BSD-3-Clause */
/* The render thread: takes the newest snapshot, plans, uploads, draws, captures, and sleeps. */
#ifndef RENDER_PAINTER_H
#define RENDER_PAINTER_H

#include "oriel/host_gl.h"
#include "render/loader.h"
#include "render/plan.h"
#include "render/render.h"
#include "render/stats.h"
#include "render/taps.h"

struct painter;

struct painter_setup {
    const char *label; /* of its modules in the log; copied */
    struct registry *registry;
    struct loader *loader;
    struct taps *taps;
    struct stats *stats;
    struct render_events events;
    struct plan_policy policy; /* texture limits are filled in by the painter */
    int64_t device;            /* for egl_create() */
    int64_t frame_ns;          /* 1 / stream.fps */
    int64_t settle_ns;         /* render.settle_ms */
    double budget_ms;          /* render.budget_ms */
    uint32_t width, height;    /* of pictures; 0: as the scene says */
    bool apart;                /* debug.apart */
    bool animate;
    double animate_dps;
};

/* Starts the thread and waits until it can draw; NULL with the reason when it cannot. */
struct painter *painter_create(const struct painter_setup *setup, struct error *err);
void painter_destroy(struct painter *painter); /* NULL is fine */

void painter_post(struct painter *painter, struct scene_snapshot *snapshot); /* [any-thread] */
void painter_expect(struct painter *painter); /* as render_expect [any-thread] */
/* A block has been read, or a tap has come or gone. [any-thread] */
void painter_wake(struct painter *painter);

/* From begin to end every picture is drawn in full quality, without pacing, and only when complete;
 * what cannot be read ends the wait. [one thread at a time, not the render thread] */
void painter_still_begin(struct painter *painter);
void painter_still_done(struct painter *painter); /* from a tap's callback: the picture has come */
void painter_still_fail(struct painter *painter, const char *why); /* … or will not */
/* Until clock_ns() is `deadline_ns` at most; INT64_MAX: for ever. */
bool painter_still_wait(struct painter *painter, int64_t deadline_ns, struct cancel *cancel,
                        struct error *err);
void painter_still_end(struct painter *painter);

/* To share textures with its context; NULL while there is none. It stays until the painter goes.
 * [any-thread] */
const struct oriel_host_gl_share *painter_gl_share(struct painter *painter);

/* Has another scene module take over. It is made beside the one in use, gets its data from the
 * cache, and takes over when it has as much of the picture. False with the reason: the one in use
 * goes on. Waits. [one thread at a time, not the render thread] */
bool painter_swap_scene(struct painter *painter, const char *id, struct error *err);

const char *painter_renderer(const struct painter *painter);
const char *painter_scene_module(const struct painter *painter);

#endif
