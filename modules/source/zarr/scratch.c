/* SPDX-License-Identifier: BSD-3-Clause */
#include "scratch.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <zstd.h>

enum { ROOM_KEPT = 64 << 20 }; /* larger buffers are not kept for the next read */

uint8_t *room_reserve(struct room *room, size_t bytes)
{
    if (room->capacity >= bytes && room->data)
        return room->data;
    free(room->data);
    room->capacity = 0;
    room->data = malloc(bytes ? bytes : 1);
    if (room->data)
        room->capacity = bytes;
    return room->data;
}

static void room_trim(struct room *room, size_t kept)
{
    if (room->capacity <= kept && kept)
        return;
    free(room->data);
    *room = (struct room){0};
}

static void trim(struct scratch *scratch, size_t kept)
{
    for (int i = 0; i < SCRATCH_DEPTH; i++) {
        room_trim(&scratch->stored[i], kept);
        room_trim(&scratch->work[i][0], kept);
        room_trim(&scratch->work[i][1], kept);
    }
}

void scratch_pool_init(struct scratch_pool *pool)
{
    pthread_mutex_init(&pool->mutex, NULL);
    pool->idle = NULL;
}

void scratch_pool_finish(struct scratch_pool *pool)
{
    while (pool->idle) {
        struct scratch *scratch = pool->idle;
        pool->idle = scratch->next;
        trim(scratch, 0);
        libdeflate_free_decompressor(scratch->inflate);
        ZSTD_freeDCtx(scratch->zstd);
        free(scratch);
    }
    pthread_mutex_destroy(&pool->mutex);
}

struct scratch *scratch_take(struct scratch_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    struct scratch *scratch = pool->idle;
    if (scratch)
        pool->idle = scratch->next;
    pthread_mutex_unlock(&pool->mutex);
    return scratch ? scratch : calloc(1, sizeof *scratch);
}

void scratch_give(struct scratch_pool *pool, struct scratch *scratch)
{
    trim(scratch, ROOM_KEPT);
    pthread_mutex_lock(&pool->mutex);
    scratch->next = pool->idle;
    pool->idle = scratch;
    pthread_mutex_unlock(&pool->mutex);
}
