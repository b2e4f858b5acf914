/* SPDX-License-Identifier: BSD-3-Clause */
/* The frames of one capture instance, in memory of the CPU: of the process, or of an OpenGL buffer
 * that stays mapped, into which the GPU writes. They outlive the instance, and its OpenGL context,
 * for as long as anybody holds one; the last to let go frees them, on whatever thread that is. */
#ifndef POOL_H
#define POOL_H

#include <epoxy/gl.h>

#include "../common/convert.h"
#include "keeper.h"

struct pool;

/* In a buffer of the keeper's, which the pool has then, also when it fails; NULL: in memory of the
 * process. [render] */
struct pool *pool_create(const struct oriel_format *format, uint32_t count, struct keeper *keeper);
/* The owner lets go; frames that are out stay valid. NULL is fine. */
void pool_release(struct pool *pool);
/* A free frame, marked taken, or NULL. It comes back through its release(). [render] */
struct oriel_frame *pool_take(struct pool *pool);
uint8_t *pool_memory(const struct oriel_frame *frame); /* without a keeper */
/* Lets the GPU copy the planes from a buffer of the context that is current into the frame, whose
 * fence is a flag: pool_copied sets it, when that is over. [render] */
void pool_copy(struct oriel_frame *frame, GLuint planes);
void pool_copied(struct oriel_frame *frame, bool good);
const struct layout *pool_layout(const struct pool *pool);

#endif
