/* SPDX-License-Identifier: BSD-3-Clause */
/* A render thread over fakes, and what came out of it. */
#ifndef TESTS_RENDER_ROOM_FIXTURE_H
#define TESTS_RENDER_ROOM_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "render/painter.h"

struct fixture {
    struct dataset *dataset;
    struct metrics *metrics;
    struct stats *stats;
    struct taps *taps;
    struct loader *loader;
    struct painter_setup setup;
    struct painter *painter;
    atomic_int frames, complete, notices[8];
    pthread_mutex_t mutex;
    struct oriel_stamp last; /* under mutex */
    uint32_t width, height;
    char text[512];
};

extern const struct oriel_format fixture_rgba;
extern const uint64_t fixture_plane[3], fixture_tiles[3], fixture_cube[3];

/* All but the painter. */
void fixture_prepare(struct fixture *f, uint32_t ndim, const uint64_t *shape, const uint64_t *chunk,
                     uint32_t levels);
void fixture_make(struct fixture *f, uint32_t ndim, const uint64_t *shape, const uint64_t *chunk,
                  uint32_t levels);
void fixture_finish(struct fixture *f);
/* After each test: what a failed one has left running would draw into the fakes of the next. Hence
 * fixtures are static. */
int fixture_abandon(void **state);
void fixture_take(void *data, const struct oriel_frame *frame); /* of a tap; data: the fixture */
uint32_t fixture_tap(struct fixture *f);
void fixture_post(struct fixture *f, struct scene_snapshot *snapshot); /* takes it over */
struct scene_snapshot *fixture_slice(struct fixture *f, uint64_t revision, double z);
struct oriel_stamp fixture_last(struct fixture *f);
/* Until a frame has shown `revision`. */
bool fixture_shows(struct fixture *f, uint64_t revision);

#endif
