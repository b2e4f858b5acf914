/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for decoded values. Where a renderer has CUDA it is page-locked, up to a bound, so that a
 * decoder writes where the GPU's copy engine reads; elsewhere and beyond it is ordinary memory. To
 * lock pages takes long: a thread of the arena's own does it, ahead of need. [any-thread] */
#ifndef RENDER_ARENA_H
#define RENDER_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oriel/frame.h"
#include "util/error.h"

struct arena;

/* Where page-locked memory comes from: cuda/pinned.h, or a test's own. */
struct arena_pages {
    bool (*possible)(void);
    void *(*alloc)(size_t bytes, struct error *err);
    void (*free)(void *memory);
};

struct arena_stats {
    uint64_t locked; /* bytes that are page-locked … */
    uint64_t used;   /* … and handed out */
};

/* `limit_bytes` of page-locked memory at most. `pages` outlives the last buffer. */
struct arena *arena_create(uint64_t limit_bytes, const struct arena_pages *pages);
/* Buffers may still be held: their memory goes with the last of them. NULL is fine. */
void arena_destroy(struct arena *arena);

/* A renderer has started: pages are locked from now on if there is a device to lock them for. */
void arena_start(struct arena *arena);
/* A buffer with one reference and `bytes` bytes at *data; NULL when out of memory. *locked: it is
 * page-locked. Never waits for pages. */
const struct oriel_buffer *arena_buffer(struct arena *arena, uint64_t bytes, uint8_t **data,
                                        bool *locked);
void arena_get_stats(struct arena *arena, struct arena_stats *stats);

#endif
