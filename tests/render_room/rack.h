/* SPDX-License-Identifier: BSD-3-Clause */
/* A loader over the fake source, whose blocks of 8 × 8 are taken from lanes. */
#ifndef TESTS_RENDER_ROOM_RACK_H
#define TESTS_RENDER_ROOM_RACK_H

#include <stdatomic.h>

#include "render/loader.h"

struct rack {
    struct dataset *dataset;
    struct loader *loader;
    struct lane *lane;
};

extern atomic_int rack_wakes;               /* of lanes made with rack_count_wake */
extern _Thread_local struct made rack_made; /* of the last block that was taken */

void rack_count_wake(void *data);
void rack_make(struct rack *f, unsigned threads, uint64_t cache_bytes);
void rack_finish(struct rack *f);
struct want rack_want_of(struct rack *f, uint64_t y, uint64_t x, bool prefetch);
/* The next block within a second, as its x index; -1: none. */
int rack_take(struct rack *f, char **failure);
/* The same of another lane, and without a failure. */
int rack_take_from(struct rack *f, struct lane *lane);

#endif
