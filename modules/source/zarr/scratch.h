/* SPDX-License-Identifier: BSD-3-Clause */
/* What one read needs while it runs: buffers and decompressors, kept from read to read. */
#ifndef ZARR_SCRATCH_H
#define ZARR_SCRATCH_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum { SCRATCH_DEPTH = 4 }; /* a chunk in a shard in a shard … */

struct room {
    uint8_t *data;
    size_t capacity;
};

struct scratch {
    struct scratch *next;
    /* For each depth: the stored bytes, and two that decoding steps alternate between. */
    struct room stored[SCRATCH_DEPTH];
    struct room work[SCRATCH_DEPTH][2];
    struct libdeflate_decompressor *inflate;
    struct ZSTD_DCtx_s *zstd;
};

/* At least `bytes` bytes, contents undefined; NULL when out of memory. */
uint8_t *room_reserve(struct room *room, size_t bytes);

/* Scratches that nobody uses. Any thread. */
struct scratch_pool {
    pthread_mutex_t mutex;
    struct scratch *idle;
};

void scratch_pool_init(struct scratch_pool *pool);
void scratch_pool_finish(struct scratch_pool *pool);     /* all given back */
struct scratch *scratch_take(struct scratch_pool *pool); /* NULL when out of memory */
void scratch_give(struct scratch_pool *pool, struct scratch *scratch);

#endif
