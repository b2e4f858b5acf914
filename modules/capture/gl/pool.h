/* SPDX-License-Identifier: BSD-3-Clause */
/* The frames of one capture instance, in CPU memory that belongs to no GL context: they outlive the
 * instance for as long as anybody holds one. */
#ifndef POOL_H
#define POOL_H

#include "../common/convert.h"

struct pool;

struct pool *pool_create(const struct oriel_format *format, uint32_t count);
/* The owner lets go; frames that are out stay valid. NULL is fine. */
void pool_release(struct pool *pool);
/* A free frame, marked taken, or NULL. It comes back through its release(). [render] */
struct oriel_frame *pool_take(struct pool *pool);
uint8_t *pool_memory(const struct oriel_frame *frame);
const struct layout *pool_layout(const struct pool *pool);

#endif
