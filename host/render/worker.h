/* SPDX-License-Identifier: BSD-3-Clause */
/* The render thread: takes the newest snapshot, plans, uploads, draws, captures, and sleeps. */
#ifndef RENDER_WORKER_H
#define RENDER_WORKER_H

#include "render/loader.h"
#include "render/plan.h"
#include "render/render.h"
#include "render/stats.h"
#include "render/taps.h"

struct worker;

struct worker_setup {
    struct registry *registry;
    struct loader *loader;
    struct taps *taps;
    struct stats *stats;
    struct render_events events;
    struct plan_policy policy; /* texture limits are filled in by the worker */
    int64_t device;            /* render.device */
    int64_t frame_ns;          /* 1 / stream.fps */
    int64_t settle_ns;         /* render.settle_ms */
    double budget_ms;          /* render.budget_ms */
    bool animate;
    double animate_dps;
};

/* Starts the thread and waits until it can draw; NULL with the reason when it cannot. */
struct worker *worker_create(const struct worker_setup *setup, struct error *err);
void worker_destroy(struct worker *worker); /* NULL is fine */

void worker_post(struct worker *worker, struct scene_snapshot *snapshot); /* [any-thread] */
/* A block has been read, or a tap has come or gone. [any-thread] */
void worker_wake(struct worker *worker);

/* From begin to end every picture is drawn in full quality, without pacing, and only when complete;
 * what cannot be read ends the wait. [one thread at a time, not the render thread] */
void worker_still_begin(struct worker *worker);
void worker_still_done(struct worker *worker); /* from a tap's callback: the picture has come */
bool worker_still_wait(struct worker *worker, struct error *err);
void worker_still_end(struct worker *worker);

const char *worker_renderer(const struct worker *worker);
const char *worker_scene_module(const struct worker *worker);

#endif
