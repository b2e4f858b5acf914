/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the render room stand on: a registry of fakes (a source whose values are a
 * function of the index, a scene module that counts, a capture module that hands frames on at once)
 * and snapshots made by hand. One process, one rig: the fakes' state is global and may be touched
 * while no painter runs. */
#ifndef TESTS_RENDER_RIG_H
#define TESTS_RENDER_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "oriel/capture.h"
#include "oriel/scene_module.h"
#include "oriel/source.h"
#include "render/dataset.h"
#include "scene/snapshot.h"

/* ---- source: the uri is "fake" ---- */

struct fake_source {
    struct oriel_source_info info;
    struct oriel_axis axes[ORIEL_MAX_AXES];
    struct oriel_source_level levels[8];
    atomic_int delay_ms; /* of a read; it looks at `cancel` meanwhile */
    atomic_int reads, cancelled, running, running_most;
    atomic_int fail_times; /* so many reads of a failing block fail */
    _Atomic uint64_t
        fail_origin[ORIEL_MAX_AXES]; /* reads that begin here at level fail_level fail */
    atomic_int fail_level;           /* -1: none */
};
extern struct fake_source fake_source;

/* Shape of level 0 and of chunks, in C order; every level halves the axes of length > 1 from
 * `halve` on. */
void fake_source_set(uint32_t dtype, uint32_t ndim, const uint64_t *shape, const uint64_t *chunk,
                     uint32_t levels, uint32_t halve);
/* The value at an index of a level, before it is cut to the dtype. */
uint32_t fake_value(uint32_t level, uint32_t ndim, const uint64_t *index);

uint16_t fake_half(uint32_t value); /* what is stored of it as float16: any 16 bits */

/* ---- scene module ---- */

/* Calls of a module that do not return: they end the thread. */
enum fake_call {
    CALL_NONE,
    CALL_CREATE,
    CALL_DESTROY,
    CALL_APPLY,
    CALL_UPLOAD,
    CALL_EVICT,
    CALL_DRAW,
    CALL_GRAB,
    CALL_POLL
};

#define FAKE_SLABS 64
struct fake_scene {
    atomic_int end_in;                /* the next such call ends the thread, … */
    atomic_int end_then;              /* … and then such a one does */
    atomic_int lost;                  /* instances in which that happened */
    atomic_int fail_draws, fail_with; /* so many draws return this */
    atomic_int fail_uploads;          /* so many return ORIEL_IO */
    atomic_int applies, uploads, draws, evicts, creates, destroys;
    atomic_bool software;   /* what draws */
    atomic_int draw_ms;     /* a draw of the whole canvas in full quality takes so long */
    atomic_int fail_draw;   /* the next draw returns this and it is reset; 0: none */
    atomic_int nomem;       /* so many uploads have no room */
    atomic_int slabs;       /* known now */
    atomic_uint last_flags; /* of the last view */
    atomic_int bands;       /* draws under a scissor box */
    atomic_int reads;       /* of the source, when the first draw of the newest revision ended */
    _Atomic double last_resolution;
    _Atomic uint64_t last_revision, last_base, last_detail; /* of the first layer */
};
extern struct fake_scene fake_scene;
void fake_scene_reset(void);

/* ---- capture module: RGBA and NV12, delivered during grab, or by poll when `late`; with `cuda`
 * NV12 that is said to be in a GPU's memory as well ---- */

struct fake_capture {
    atomic_int end_in, end_then, lost; /* as of the scene module */
    atomic_int creates, destroys, grabs, polls;
    atomic_bool late, cuda;
    atomic_int busy; /* so many grabs find no free frame */
};
extern struct fake_capture fake_capture;

/* ---- snapshots ---- */

/* One visible layer with all axes of the dataset, the last `ndisplay` displayed, the camera at
 * home. */
struct scene_snapshot *rig_snapshot(struct dataset *dataset, uint64_t revision, uint32_t ndisplay,
                                    uint32_t width, uint32_t height);
struct oriel_layer *rig_layer(struct scene_snapshot *snapshot);

struct dataset *rig_open(void);
void rig_sleep_ms(int ms);
/* Waits up to two seconds until *value is at least `least`. */
bool rig_wait(atomic_int *value, int least);

#endif
