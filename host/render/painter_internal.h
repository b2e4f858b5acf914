/* SPDX-License-Identifier: BSD-3-Clause */
/* The painter's own state, for life.c (the thread), painter.c (its turns), stage.c (context and
 * modules) and draw.c. */
#ifndef RENDER_PAINTER_INTERNAL_H
#define RENDER_PAINTER_INTERNAL_H

#include <pthread.h>

#include "module/registry.h"
#include "oriel/scene_module.h"
#include "render/egl.h"
#include "render/quality.h"
#include "render/view.h"
#include "render/painter.h"

#define MAX_REFUSED 8

/* A snapshot on a canvas of this painter's size. */
struct shown {
    struct scene_snapshot snapshot; /* a copy; what it points to is the source's */
    struct scene_snapshot *source;  /* a reference */
};

/* One for each start of the context. */
struct shared {
    struct oriel_host_gl_share gl;
    struct shared *before;
};

struct painter {
    struct painter_setup setup;
    char label[32];
    char renderer[256];               /* set by the first start */
    const char *_Atomic scene_module; /* id */
    bool spare_cores;                 /* constant: the thread may stay awake for a snapshot */

    pthread_mutex_t mutex;
    pthread_cond_t wake;   /* for the render thread */
    pthread_cond_t answer; /* started, or a still is done */
    pthread_t thread;      /* the newest … */
    pthread_t before;      /* … which joins the one before */
    bool quit, woken, started, start_failed;
    struct error start_error;
    _Atomic(struct scene_snapshot *) mailbox; /* changed under the mutex */
    int64_t expected_ns; /* until then the thread stays awake: a snapshot is on its way; or 0 */
    bool still, still_done, still_cancelled;
    struct error still_error;
    struct scene_order *order; /* of somebody who waits for it; NULL: none */
    struct shared *shared;     /* the newest; `sharing`: and its context is there */
    bool sharing;

    /* The render thread's from here on. */

    /* stage.c: what is rebuilt after a fault */
    bool staged;
    struct egl *egl;
    struct module_use scene_use;
    const struct oriel_scene_module *scene;
    void *scene_self;
    struct egl_target target;
    uint32_t queries[2]; /* GL timestamps around a draw, on hardware */
    bool measuring;
    struct quality_step measured; /* of the picture that is measured, … */
    bool measured_quick;          /* … whether it moved, and its `costs` */
    uint64_t measured_costs;
    int64_t measured_calls_ns; /* … and how long the calls of OpenGL took, … */
    int64_t former_calls_ns; /* … and for the picture measured before; 0: its costs were others */
    const char *refused_scene[MAX_REFUSED + 1], *refused_capture[MAX_REFUSED + 1];
    unsigned invalid_calls, failed_calls, faults;
    int64_t restage_ns;
    struct module_use *lost; /* of instances that are not called any more, not even to go */
    size_t lost_count;

    struct lane *lane;
    struct view *view;
    struct heir *heir; /* scene.c: the scene module that is to take over; NULL: none */
    struct quality quality;
    uint64_t costs;                        /* of what `quality` has been measured */
    bool abandoned;                        /* the last picture was given up for newer input */
    struct shown *shown, *former;          /* former: while another one is accepted */
    const struct scene_snapshot *snapshot; /* of `shown`, NULL before there is one */
    uint64_t seq;
    bool still_now;           /* `still` as of this turn */
    bool dirty;               /* what is on display changed since the last picture */
    bool refine;              /* the last picture was not in full quality */
    bool rest_planned;        /* the plan is that of a view at rest */
    bool owed;                /* a grab was refused: the target is captured again */
    bool in_flight;           /* captures are under way */
    bool lent;                /* the GPU has been left to CUDA: see draw_take_back() */
    struct oriel_stamp stamp; /* of the last picture */
    int64_t created_ns;
    int64_t moved_ns; /* the last change of the scene */
    int64_t begin_ns; /* of the last picture */
    int64_t slot_ns;  /* what its turn was: see picture_due() */
    int64_t end_ns;
};

/* painter.c */
void shown_destroy(struct shown *shown);                                       /* NULL is fine */
void painter_accept(struct painter *painter, struct scene_snapshot *snapshot); /* takes it over */
/* Does what can be done now; returns when there may be more to do. */
int64_t painter_work(struct painter *painter);

/* stage.c */
bool stage_open(struct painter *painter, struct error *err);
void stage_close(struct painter *painter); /* closed is fine */
/* A module has ended the thread: everything is closed, but for the instance that was running. On
 * the thread's way out. */
void stage_lost(struct painter *painter);
/* Modules that failed for good get another chance. */
void stage_forgive(struct painter *painter);
/* Deals with a failure of the scene or capture module, or of OpenGL. True: nothing to worry about.
 */
bool stage_check(struct painter *painter, oriel_result result, const char *what, bool capture);
void stage_fault(struct painter *painter, const char *text);
bool stage_resize(struct painter *painter, uint32_t width, uint32_t height);

/* scene.c: another scene module beside the one in use. Each does nothing while there is none. */
void heir_accept(struct painter *painter);               /* a snapshot that was applied */
int64_t heir_work(struct painter *painter, int64_t now); /* when there may be more to do; 0: now */
void heir_close(struct painter *painter, const char *why); /* with the context */
/* Where its module has ended the thread: the id; it is not called any more. Else NULL. */
const char *heir_lost(struct painter *painter);

/* draw.c */
/* A corner of the picture, so that nothing is compiled later and what fails fails now. */
oriel_result draw_trial(struct painter *painter, struct view *layers, const struct module_use *use,
                        void *self);
enum drawn { DRAWN, DRAWN_ABANDONED, DRAWN_FAILED };
enum drawn draw_picture(struct painter *painter, bool moving);
void draw_collect_time(struct painter *painter);
/* The GPU changes between OpenGL's and CUDA's work, and what comes first after the other waits
 * 0.15 ms for it (H200). After an encoder on CUDA that should not be the next picture. Returns when
 * it is to be called again. */
int64_t draw_take_back(struct painter *painter, int64_t now);
/* A newer snapshot waits, or the end. */
bool painter_interrupted(struct painter *painter);
void painter_notice(struct painter *painter, enum render_notice_kind kind, const char *text);

#endif
