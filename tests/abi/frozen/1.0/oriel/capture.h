/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture: from a framebuffer to frames an encoder can read. Interface "oriel.capture/1". */
#ifndef ORIEL_CAPTURE_H
#define ORIEL_CAPTURE_H

#include "oriel/module.h"

#define ORIEL_CAPTURE_V1 "oriel.capture/1"

/* What was drawn: a complete framebuffer of the current GL context. Its colour attachment 0 is
 * `texture`, RGBA8, row 0 at the bottom. */
struct oriel_target {
    uint32_t size;
    uint32_t framebuffer;
    uint32_t texture;
    uint32_t width;  /* pixels */
    uint32_t height; /* pixels */
    uint32_t reserved;
};

/* Where frames go. Called on the render thread from grab() or poll(). The sink takes what it wants
 * to keep with frame_ref. */
struct oriel_frame_sink {
    uint32_t size;
    uint32_t reserved;
    void (*frame)(const struct oriel_frame_sink *sink, const struct oriel_frame *frame);
    void *data;
};

struct oriel_capture {
    uint32_t size;
    uint32_t reserved;
    const struct oriel_option_table *options;

    /* The index-th format it can make on the current GL context, cheapest first; UNSUPPORTED past
     * the end. [render, context current] */
    oriel_result (*output_format)(const struct oriel_host *host, uint32_t index,
                                  struct oriel_format *format);
    /* `frames_held`: how many frames consumers may hold at a time; the pool has at least one more.
     * Size and format are fixed: another size is another instance. [render] */
    oriel_result (*create)(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_format *format, uint32_t frames_held,
                           const struct oriel_frame_sink *sink, void **self);
    void (*destroy)(void *self); /* frames still held stay valid until released [render] */
    const void *(*get_interface)(void *self, const char *id); /* or NULL */

    /* Starts to capture the target; the frame may come during the call, with a fence that is open.
     * AGAIN when the pool is empty: the picture is dropped. The GL state is as before on return.
     * [render] */
    oriel_result (*grab)(void *self, const struct oriel_target *target,
                         const struct oriel_stamp *stamp);
    /* Sees to what is in flight: finished frames go to the sink, flags of frames that are out are
     * set. Waits `wait` microseconds at most for the oldest, 0: not at all; UINT32_MAX: until none
     * is in flight. Returns AGAIN while some are. [render] */
    oriel_result (*poll)(void *self, uint32_t wait);
};

#endif
