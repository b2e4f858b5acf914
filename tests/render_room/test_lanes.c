/* SPDX-License-Identifier: BSD-3-Clause */
/* One loader and many who want something of it, and what is made of blocks on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "rack.h"
#include "render/plan.h"
#include "rig.h"

static void count_into(void *data)
{
    atomic_fetch_add((atomic_int *)data, 1);
}

static void lanes_share_what_is_read(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 2, 1 << 20);
    atomic_int other_wakes = 0;
    struct lane *other = lane_create(f.loader, count_into, &other_wakes);
    assert_int_equal(lane_prefetch_bytes(other), (1 << 20) / 8);
    atomic_store(&fake_source.delay_ms, 30);
    struct want want = rack_want_of(&f, 0, 3, false);
    lane_want(f.lane, &want, 1);
    assert_true(rig_wait(&fake_source.reads, 1));
    lane_want(other, &want, 1); /* while it is being read */
    assert_int_equal(rack_take_from(&f, f.lane), 3);
    assert_int_equal(rack_take_from(&f, other), 3);
    assert_true(rig_wait(&rack_wakes, 1) && rig_wait(&other_wakes, 1));
    assert_int_equal(atomic_load(&fake_source.reads), 1);
    lane_destroy(other);
    rack_finish(&f);
}

static void a_read_goes_on_while_another_lane_wants_it(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    struct lane *other = lane_create(f.loader, rack_count_wake, NULL);
    atomic_store(&fake_source.delay_ms, 100);
    struct want want = rack_want_of(&f, 0, 5, false),
                before[2] = {want, rack_want_of(&f, 1, 1, false)};
    lane_want(f.lane, before, 2);
    lane_want(other, &want, 1);
    assert_true(rig_wait(&fake_source.reads, 1));
    lane_want(f.lane, NULL, 0);
    assert_int_equal(rack_take_from(&f, other), 5);
    assert_int_equal(atomic_load(&fake_source.cancelled), 0);
    assert_int_equal(atomic_load(&fake_source.reads), 1);
    lane_destroy(other);
    rack_finish(&f);
}

/* One thread, a long list and a short one: the short one does not wait for the long one's end, and
 * what is only prefetched comes last. */
static void lanes_take_turns(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    struct lane *other = lane_create(f.loader, rack_count_wake, NULL);
    atomic_store(&fake_source.delay_ms, 4);
    struct want many[40], few[3];
    for (uint64_t i = 0; i < 40; i++)
        many[i] = rack_want_of(&f, i / 8, i % 8, i >= 30);
    few[0] = rack_want_of(&f, 7, 0, false);
    few[1] = rack_want_of(&f, 7, 1, false);
    few[2] = rack_want_of(&f, 7, 2, true);
    lane_want(f.lane, many, 40);
    lane_want(other, few, 3);
    assert_int_equal(rack_take_from(&f, other), 0);
    assert_int_equal(rack_take_from(&f, other), 1);
    assert_in_range(atomic_load(&fake_source.reads), 2, 8);
    char *failure;
    for (int i = 0; i < 30; i++)
        assert_true(rack_take(&f, &failure) >= 0);
    assert_true(rig_wait(&fake_source.reads, 43));
    assert_null(lane_take(other, &rack_made, &failure));
    lane_destroy(other);
    rack_finish(&f);
}

static void a_failure_is_told_to_every_lane(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    struct lane *other = lane_create(f.loader, rack_count_wake, NULL);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[1], 16);
    atomic_store(&fake_source.fail_times, 1);
    struct want want = rack_want_of(&f, 0, 2, false);
    lane_want(f.lane, &want, 1);
    char *failure;
    assert_int_equal(rack_take(&f, &failure), 2);
    assert_string_equal(failure, "fake/broken: is broken");
    free(failure);
    lane_want(other, &want, 1); /* remembered */
    struct block *block = lane_take(other, &rack_made, &failure);
    assert_non_null(block);
    assert_string_equal(failure, "fake/broken: is broken");
    free(failure);
    loader_release(f.loader, block);
    assert_int_equal(rack_take_from(&f, f.lane), 2); /* and when it has been read after all */
    assert_int_equal(rack_take_from(&f, other), 2);
    assert_int_equal(atomic_load(&fake_source.reads), 2);
    lane_destroy(other);
    rack_finish(&f);
}

struct stormer {
    struct rack *f;
    uint64_t seed;
    bool wrong;
};

/* A lane of its own, lists that change all the time, some blocks taken and some not. */
static void *storm(void *data)
{
    struct stormer *self = data;
    struct lane *lane = lane_create(self->f->loader, rack_count_wake, NULL);
    for (uint64_t n = 0; n < 80; n++) {
        struct want wants[6];
        for (uint64_t i = 0; i < 6; i++)
            wants[i] = rack_want_of(self->f, (n + self->seed) % 8, (n / 3 + i) % 8, i > 3);
        lane_want(lane, wants, n % 7 ? 6 : 0);
        if (n % 3 == 0)
            rig_sleep_ms(1);
        char *failure;
        for (struct block *block; (block = lane_take(lane, &rack_made, &failure)); free(failure)) {
            uint64_t first[2] = {block->key.index[0] * 8, block->key.index[1] * 8};
            if (!failure && *(uint16_t *)block->data != (uint16_t)fake_value(0, 2, first))
                self->wrong = true;
            loader_release(self->f->loader, block);
        }
        if (n % 20 == 19) {
            lane_destroy(lane);
            lane = lane_create(self->f->loader, rack_count_wake, NULL);
        }
    }
    lane_destroy(lane);
    return NULL;
}

static void lanes_come_and_go_on_many_threads(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 3, 2048); /* room for sixteen blocks: some are read again */
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[0], 16);
    atomic_store(&fake_source.fail_origin[1], 16);
    atomic_store(&fake_source.fail_times, 3);
    pthread_t threads[4];
    struct stormer stormers[4];
    for (uint64_t i = 0; i < 4; i++) {
        stormers[i] = (struct stormer){&f, i * 3, false};
        pthread_create(&threads[i], NULL, storm, &stormers[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_false(stormers[i].wrong);
    }
    rack_finish(&f);
}

/* Rows become columns. */
static struct want turned(struct rack *f, uint64_t y, uint64_t x)
{
    struct want want = rack_want_of(f, y, x, false);
    want.gather = (struct gather){.step = {16, 2, 0}, .extent = {8, 8, 1}, .dtype = ORIEL_U16};
    return want;
}

/* Takes a block with what was made of it; false after a second. */
static bool take_turned(struct rack *f, struct lane *lane)
{
    char *failure;
    struct block *block = NULL;
    for (int i = 0; i < 1000 && !block; i++) {
        block = lane_take(lane, &rack_made, &failure);
        if (!block)
            rig_sleep_ms(1);
    }
    if (!block)
        return false;
    const uint16_t *values = block->data;
    assert_non_null(rack_made.memory);
    const uint16_t *out = (const uint16_t *)(const void *)rack_made.memory->data;
    for (int i = 0; i < 64; i++)
        assert_int_equal(out[i], values[i % 8 * 8 + i / 8]);
    buffer_unref(rack_made.memory);
    loader_release(f->loader, block);
    return true;
}

static void what_has_to_be_made_is_made(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    struct want wants[3] = {turned(&f, 1, 2), turned(&f, 3, 4), turned(&f, 5, 6)};
    lane_want(f.lane, wants, 3);
    for (int i = 0; i < 3; i++)
        assert_true(take_turned(&f, f.lane));
    lane_want(f.lane, wants, 3); /* from the cache, and stated again before they are taken */
    rig_sleep_ms(20);
    lane_want(f.lane, wants, 3);
    lane_want(f.lane, wants + 1, 2);
    for (int i = 0; i < 2; i++)
        assert_true(take_turned(&f, f.lane));
    char *failure;
    assert_null(lane_take(f.lane, &rack_made, &failure));
    assert_int_equal(atomic_load(&fake_source.reads), 3);

    /* A slow read keeps nobody waiting for what is there. */
    atomic_store(&fake_source.delay_ms, 300);
    struct want both[2] = {turned(&f, 7, 7), turned(&f, 1, 2)};
    lane_want(f.lane, both, 1);
    while (atomic_load(&fake_source.running) == 0)
        rig_sleep_ms(1);
    lane_want(f.lane, both, 2);
    assert_true(take_turned(&f, f.lane));
    assert_int_equal(atomic_load(&fake_source.running), 1);
    rack_finish(&f);
}

/* Only in the cache for one, and something else for another: the one that is handed over counts. */
static void what_is_prefetched_is_made_nothing_of(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    struct want wants[2] = {turned(&f, 1, 2), turned(&f, 1, 2)};
    wants[0].prefetch = true;
    wants[0].gather.extent[1] = 1;
    lane_want(f.lane, wants, 1);
    while (atomic_load(&fake_source.reads) < 1)
        rig_sleep_ms(1);
    rig_sleep_ms(10);
    char *failure;
    assert_null(lane_take(f.lane, &rack_made, &failure));
    lane_want(f.lane, wants, 2);
    assert_true(take_turned(&f, f.lane));
    rack_finish(&f);
}

static void *make_and_go(void *data)
{
    struct rack *f = data;
    for (int i = 0; i < 150; i++) {
        atomic_int woken = 0;
        struct lane *lane = lane_create(f->loader, count_into, &woken);
        struct want wants[16];
        for (uint64_t k = 0; k < 16; k++)
            wants[k] = turned(f, k % 8, (k + (uint64_t)i) % 8);
        lane_want(lane, wants, 16);
        if (i % 3 == 0)
            lane_want(lane, wants + 4, 12);
        for (int k = 0; k < i % 5; k++)
            assert_true(take_turned(f, lane));
        lane_destroy(lane);
    }
    return NULL;
}

static void lists_change_while_something_is_made(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 2, 4096);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, make_and_go, &f);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    rack_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_share_what_is_read),
        cmocka_unit_test(a_read_goes_on_while_another_lane_wants_it),
        cmocka_unit_test(lanes_take_turns),
        cmocka_unit_test(a_failure_is_told_to_every_lane),
        cmocka_unit_test(lanes_come_and_go_on_many_threads),
        cmocka_unit_test(what_has_to_be_made_is_made),
        cmocka_unit_test(what_is_prefetched_is_made_nothing_of),
        cmocka_unit_test(lists_change_while_something_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
