/* SPDX-License-Identifier: BSD-3-Clause */
/* The frames of one capture instance, in CUDA memory, each with the event that says when its
 * samples are there, and the stream they come on. They outlive the instance for as long as anybody
 * holds one; the last to let go frees them, on whatever thread that is. */
#ifndef POOL_H
#define POOL_H

#include <stdint.h>

#include "../common/convert.h"
#include "driver.h"

struct pool;

/* With `context` current. NULL: *call and *code say what failed, *call NULL for want of memory. */
struct pool *pool_create(const struct driver *driver, CUcontext context,
                         const struct oriel_format *format, uint32_t count, const char **call,
                         CUresult *code);
/* The owner lets go; frames that are out stay valid. NULL is fine. [any-thread] */
void pool_release(struct pool *pool);

/* A free frame, marked taken, or NULL. It comes back through its release(), whose `done` may be an
 * event of this device: the frame is free when that is over. [render] */
struct oriel_frame *pool_take(struct pool *pool);
CUevent pool_event(const struct oriel_frame *frame);
CUstream pool_stream(const struct pool *pool);
const struct layout *pool_layout(const struct pool *pool);

#endif
