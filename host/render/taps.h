/* SPDX-License-Identifier: BSD-3-Clause */
/* Who wants frames, and the capture instances that make them: one for each format and order of rows
 * in demand. */
#ifndef RENDER_TAPS_H
#define RENDER_TAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/capture.h"
#include "render/render.h"

struct registry;
struct stats;
struct taps;

struct taps *taps_create(struct registry *registry, struct stats *stats);
void taps_destroy(struct taps *taps); /* closed, or never opened */

/* [any-thread but a tap's callback] As render_tap_add and render_tap_remove. */
uint32_t taps_add(struct taps *taps, const struct render_tap *tap);
void taps_remove(struct taps *taps, uint32_t id);
/* Frames are wanted. *news: a tap came since the last time this was asked. [render] */
bool taps_wanted(struct taps *taps, bool *news);

/* Asks the modules of modules.capture what they make on the current context, without those in
 * `refused` (NULL-terminated); each format is made by the first that offers it. `label` names the
 * view in the log. [render] */
bool taps_open(struct taps *taps, const char *label, const char *const *refused, struct error *err);
/* Drops what is in flight and destroys every instance. [render] */
void taps_close(struct taps *taps);
/* The capture module has ended the thread: true. Its instances are not called any more. [render] */
bool taps_lost(struct taps *taps);
const char *taps_module(const struct taps *taps); /* called last, or at fault; "" before [render] */
/* As render_formats and render_capture_id. [any-thread] */
uint32_t taps_formats(struct taps *taps, struct oriel_format *formats, uint32_t room);
const char *taps_maker(struct taps *taps, const struct oriel_format *format);

/* Makes the instances fit the demand and the canvas. A format that cannot be captured is told once
 * for each change of these, by the text in `err`, and the others go on: false then. Without a
 * canvas (0 × 0) there are none. [render] */
bool taps_prepare(struct taps *taps, uint32_t width, uint32_t height, struct error *err);
/* Captures the target for every tap, or only where a grab before was refused for want of a free
 * frame. *owed: some was refused now. The worst result of the module. [render] */
oriel_result taps_grab(struct taps *taps, const struct oriel_target *target,
                       const struct oriel_stamp *stamp, bool only_owed, bool *owed);
/* Whether pictures go into this memory domain. [render] */
bool taps_make(const struct taps *taps, uint32_t domain);
/* Sees to what is in flight, waiting `wait_us` at most; *in_flight while something is. The worst
 * result of the modules. [render] */
oriel_result taps_poll(struct taps *taps, uint32_t wait_us, bool *in_flight);

#endif
