/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host does for modules behind oriel_host: logs, failures, buffers, frame references. The
 * rooms of the host use the same buffers and references. Safe on any thread. */
#ifndef MODULE_SERVICES_H
#define MODULE_SERVICES_H

#include <stdbool.h>

#include "oriel/module.h"
#include "util/error.h"

/* One instance's services. `label` ("encode/x264#1") names it in the log. */
struct oriel_host *services_create(const char *label);
void services_destroy(struct oriel_host *host);

/* Why the last call of this thread into a module failed; "" after one that did not say. Reading it
 * clears it. */
const char *services_failure(void);

/* The host interfaces that a room offers; NULL takes one back. Set before modules are created.
 * "oriel.host.map/1" is always there. */
void services_set_interface(const char *id, const void *interface);
/* One that only modules see which ask on the calling thread, for what belongs to a thread, such as
 * its OpenGL: one for each thread, `id` a literal. NULL takes it back. */
void services_set_thread_interface(const char *id, const void *interface);

/* A buffer with one reference and `bytes` bytes at *data to fill before anyone else sees it; NULL
 * when out of memory. Headroom is 64 bytes. */
const struct oriel_buffer *buffer_create(uint64_t bytes, uint8_t **data);
/* One around memory of the caller's, without headroom: `release` gives that back, with the last
 * reference, on any thread. */
const struct oriel_buffer *
buffer_wrap(const uint8_t *data, uint64_t bytes,
            void (*release)(void *owner, const struct oriel_buffer *buffer), void *owner);
const struct oriel_buffer *buffer_ref(const struct oriel_buffer *buffer);
void buffer_unref(const struct oriel_buffer *buffer); /* NULL is fine */

const struct oriel_frame *frame_ref(const struct oriel_frame *frame);
void frame_unref(const struct oriel_frame *frame); /* NULL is fine */
/* Until the samples of a frame can be read: at once where its fence is over. One of OpenGL is its
 * reader's to wait for, in a context of its own, so that is no wait here. False with the reason:
 * the device failed, and the samples are not there. */
bool frame_wait(const struct oriel_frame *frame, struct error *err);

/* What waits for the fences of a kind (ORIEL_FENCE_*), on any thread; from the room that knows the
 * device. Set once, before there are such frames. */
void services_set_fence_wait(uint32_t kind,
                             bool (*wait)(const struct oriel_fence *fence, struct error *err));

#endif
