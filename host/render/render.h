/* SPDX-License-Identifier: BSD-3-Clause */
/* A render: one thread with an EGL context, a scene module and capture taps, over a pool that loads
 * chunks (render/pool.h). It is given snapshots and gives back frames and notices. It never waits
 * for I/O, for an encoder or for a client, and does nothing while the newest snapshot is shown
 * completely. There may be several, side by side: one for each view. */
#ifndef RENDER_RENDER_H
#define RENDER_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/frame.h"
#include "oriel/host_gl.h"
#include "scene/snapshot.h"
#include "util/error.h"

struct cancel;
struct render;
struct render_pool;

enum render_notice_kind {
    RENDER_NOTICE_READY = 1,  /* the context is up; `text` names the renderer */
    RENDER_NOTICE_LEVEL,      /* the level shown for `layer` changed */
    RENDER_NOTICE_LOADING,    /* `layer`: outstanding chunks changed to or from zero */
    RENDER_NOTICE_DATA_ERROR, /* `layer`: a chunk could not be read; `text` names the file */
    RENDER_NOTICE_DATA_OK,    /* `layer`: what failed before has been read */
    RENDER_NOTICE_FAULT       /* the worker failed and will be rebuilt or not: `text` */
};

struct render_notice {
    enum render_notice_kind kind;
    uint64_t layer; /* oriel_layer::key, 0: none */
    uint32_t level;
    uint32_t level_count;
    uint64_t outstanding; /* bytes */
    char text[512];
};

/* Called on the render thread (or a loader's); they must return at once. */
struct render_events {
    void (*notice)(void *data, const struct render_notice *notice);
    void *data;
};

/* One demand for frames: a format, and who gets them. `frame` is called on the render thread and
 * keeps what it wants with frame_ref. */
struct render_tap {
    struct oriel_format format; /* width and height are ignored: the canvas decides */
    bool complete_only;         /* only pictures with ORIEL_FRAME_COMPLETE: for stills */
    bool top_down; /* row 0 is the top one, where the capture module can do that; stamps say it */
    uint32_t frames_held;
    void (*frame)(void *data, const struct oriel_frame *frame);
    /* NULL, or told on the render thread that no module makes the format now, and why. */
    void (*refused)(void *data, const char *why);
    void *data;
};

/* Of the view named `view` ("main" is the shared one). Returns when the context, the scene module
 * and the capture module work; NULL with the reason why not. The pool outlives it. [any-thread] */
struct render *render_create(struct render_pool *pool, const char *view,
                             const struct render_events *events, struct error *err);
/* Nobody uses it any more. NULL is fine. [any-thread but its callbacks] */
void render_destroy(struct render *render);

#define RENDER_MAX_FORMATS 128u

/* The formats that the capture modules make here now, a module's cheapest first; at most `room`.
 * [any-thread] */
uint32_t render_formats(const struct render *render, struct oriel_format *formats, uint32_t room);
/* The module that makes a format; NULL: the first that makes any. "capture/gl", or "" for none.
 * [any-thread] */
const char *render_capture_id(const struct render *render, const struct oriel_format *format);
const char *render_renderer(const struct render *render); /* GL_RENDERER */
const char *render_scene_id(const struct render *render);

/* Another scene module draws from now on, or the same from a file that has changed, without a
 * picture less. False with the reason, and the one in use goes on. Waits for it; one at a time.
 * [any-thread but its callbacks] */
bool render_swap_scene(struct render *render, const char *id, struct error *err);

/* "oriel.host.gl.share/1" of this render: what makes a context that sees its textures. NULL while
 * it has none; else it stays until the render goes. [any-thread] */
const struct oriel_host_gl_share *render_gl_share(const struct render *render);

/* Input for this view is being taken in, and a snapshot follows at once: the render thread wakes up
 * meanwhile, which takes longer than the taking in. [any-thread] */
void render_expect(struct render *render);
/* The newest snapshot wins. Takes a reference of its own. [any-thread] */
void render_post(struct render *render, struct scene_snapshot *snapshot);

/* Frames are drawn only while there is at least one tap. Adding one draws the newest snapshot for
 * it, also when nothing changed. 0 on failure. Removing waits until its callback is not running and
 * frames in flight to it are dropped. [any-thread but the render thread's callbacks] */
uint32_t render_tap_add(struct render *render, const struct render_tap *tap);
void render_tap_remove(struct render *render, uint32_t tap);

/* For `oriel render`: draws `snapshot` with all its data at full quality and gives RGBA rows, row 0
 * at the top, width × height × 4 bytes. Waits. */
bool render_still(struct render *render, struct scene_snapshot *snapshot, uint8_t *rgba,
                  struct error *err);
/* A complete picture in full quality of what the snapshot's canvas shows, at another size: RGBA
 * rows, row 0 at the top, width × height × 4 bytes, each side at most canvas.max. It is drawn by a
 * render of its own, with the pool's data: streams go on meanwhile. False with the reason, which
 * may be that it took longer than `timeout_ns`, or that it was cancelled (NULL: cannot be).
 * [any-thread but a render's callbacks] */
bool render_screenshot(struct render_pool *pool, struct scene_snapshot *snapshot, uint32_t width,
                       uint32_t height, int64_t timeout_ns, struct cancel *cancel, uint8_t *rgba,
                       struct error *err);

/* What a render_still or the stream has cost so far, as a JSON object for --stats; caller frees. */
char *render_stats_json(struct render *render);

#endif
