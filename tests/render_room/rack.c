/* SPDX-License-Identifier: BSD-3-Clause */
#include "rack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

atomic_int rack_wakes;
_Thread_local struct made rack_made;

void rack_count_wake(void *data)
{
    (void)data;
    atomic_fetch_add(&rack_wakes, 1);
}

void rack_make(struct rack *f, unsigned threads, uint64_t cache_bytes)
{
    static const uint64_t shape[2] = {64, 64}, chunk[2] = {8, 8};
    fake_source_set(ORIEL_U16, 2, shape, chunk, 1, 0);
    atomic_store(&rack_wakes, 0);
    f->dataset = rig_open();
    struct error err;
    f->loader = loader_create(threads, cache_bytes, 0, &err);
    assert_non_null(f->loader);
    f->lane = lane_create(f->loader, rack_count_wake, NULL);
}

void rack_finish(struct rack *f)
{
    lane_destroy(f->lane);
    loader_destroy(f->loader);
    dataset_unref(f->dataset);
}

struct want rack_want_of(struct rack *f, uint64_t y, uint64_t x, bool prefetch)
{
    return (struct want){.dataset = f->dataset,
                         .key = {.dataset = dataset_key(f->dataset), .index = {y, x}},
                         .origin = {y * 8, x * 8},
                         .shape = {8, 8},
                         .prefetch = prefetch};
}

int rack_take(struct rack *f, char **failure)
{
    for (int i = 0; i < 1000; i++) {
        struct block *block = lane_take(f->lane, &rack_made, failure);
        if (block) {
            int x = (int)block->key.index[1];
            if (!*failure) {
                uint64_t first[2] = {block->key.index[0] * 8, block->key.index[1] * 8};
                assert_int_equal(*(uint16_t *)block->data, (uint16_t)fake_value(0, 2, first));
            }
            loader_release(f->loader, block);
            return x;
        }
        rig_sleep_ms(1);
    }
    return -1;
}

int rack_take_from(struct rack *f, struct lane *lane)
{
    struct lane *own = f->lane;
    char *failure;
    f->lane = lane;
    int x = rack_take(f, &failure);
    f->lane = own;
    assert_null(failure);
    return x;
}
