/* SPDX-License-Identifier: BSD-3-Clause */
/* The loader with a source that can be slow, fail and cancel. */
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

static void blocks_come_in_the_order_of_the_list(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    atomic_store(&fake_source.delay_ms, 2);
    struct want wants[4];
    for (uint64_t i = 0; i < 4; i++)
        wants[i] = rack_want_of(&f, 0, 3 - i, false);
    lane_want(f.lane, wants, 4);
    char *failure;
    for (int i = 3; i >= 0; i--)
        assert_int_equal(rack_take(&f, &failure), i);
    assert_true(rig_wait(&rack_wakes, 4));
    rack_finish(&f);
}

static void a_block_is_read_once(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 4, 1 << 20);
    struct want wants[3] = {rack_want_of(&f, 0, 1, false), rack_want_of(&f, 0, 1, false),
                            rack_want_of(&f, 0, 1, true)};
    lane_want(f.lane, wants, 3);
    char *failure;
    assert_int_equal(rack_take(&f, &failure), 1);
    assert_null(lane_take(f.lane, &rack_made, &failure));
    lane_want(f.lane, wants, 1); /* cached: at once */
    assert_int_equal(rack_take(&f, &failure), 1);
    assert_int_equal(atomic_load(&fake_source.reads), 1);
    struct loader_stats stats;
    loader_get_stats(f.loader, &stats);
    assert_int_equal(stats.blocks, 1);
    assert_int_equal(stats.hits, 1);
    assert_int_equal(stats.value_bytes, 128);
    rack_finish(&f);
}

static void a_new_list_drops_and_cancels(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    atomic_store(&fake_source.delay_ms, 5000);
    struct want wants[8];
    for (uint64_t i = 0; i < 8; i++)
        wants[i] = rack_want_of(&f, 0, i, false);
    lane_want(f.lane, wants, 8);
    assert_true(rig_wait(&fake_source.reads, 1));
    atomic_store(&fake_source.delay_ms, 0);
    struct want other = rack_want_of(&f, 1, 7, false);
    lane_want(f.lane, &other, 1);
    char *failure;
    assert_int_equal(rack_take(&f, &failure), 7);
    assert_int_equal(atomic_load(&fake_source.cancelled), 1);
    assert_int_equal(atomic_load(&fake_source.reads), 2); /* the seven in the queue never started */
    rack_finish(&f);
}

static void what_is_wanted_again_is_read_again(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    atomic_store(&fake_source.delay_ms, 300);
    struct want want = rack_want_of(&f, 0, 2, false);
    lane_want(f.lane, &want, 1);
    assert_true(rig_wait(&fake_source.reads, 1));
    lane_want(f.lane, NULL, 0);  /* the read is being cancelled … */
    lane_want(f.lane, &want, 1); /* … when it is wanted after all */
    char *failure;
    assert_int_equal(rack_take(&f, &failure), 2);
    rack_finish(&f);
}

static void prefetched_blocks_only_fill_the_cache(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    struct want wants[2] = {rack_want_of(&f, 0, 0, true), rack_want_of(&f, 0, 1, true)};
    lane_want(f.lane, wants, 2);
    assert_true(rig_wait(&fake_source.reads, 2));
    rig_sleep_ms(20);
    char *failure;
    assert_null(lane_take(f.lane, &rack_made, &failure));
    assert_int_equal(atomic_load(&rack_wakes), 0);
    wants[0].prefetch = false;
    lane_want(f.lane, wants, 1);
    assert_int_equal(rack_take(&f, &failure), 0);
    assert_int_equal(atomic_load(&fake_source.reads), 2);
    rack_finish(&f);
}

static void failures_are_told_and_tried_again(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 2, 1 << 20);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[1], 8);
    atomic_store(&fake_source.fail_times, 1);
    struct want wants[2] = {rack_want_of(&f, 0, 1, false), rack_want_of(&f, 0, 2, false)};
    lane_want(f.lane, wants, 2);
    char *failures[2] = {NULL, NULL};
    int first = rack_take(&f, &failures[0]), second = rack_take(&f, &failures[1]);
    assert_int_equal(first + second, 3); /* the other one goes on */
    char *failure = failures[first == 1 ? 0 : 1];
    assert_string_equal(failure, "fake/broken: is broken");
    assert_null(failures[first == 1 ? 1 : 0]);
    free(failure);
    /* Not at once, but after half a second. */
    rig_sleep_ms(200);
    assert_null(lane_take(f.lane, &rack_made, &failure));
    assert_int_equal(rack_take(&f, &failure), 1);
    assert_null(failure);
    struct loader_stats stats;
    loader_get_stats(f.loader, &stats);
    assert_int_equal(stats.failures, 1);
    rack_finish(&f);
}

static void the_cache_stays_within_its_bytes(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 2, 512); /* four blocks */
    for (uint64_t y = 0; y < 8; y++) {
        struct want wants[8];
        for (uint64_t x = 0; x < 8; x++)
            wants[x] = rack_want_of(&f, y, x, false);
        lane_want(f.lane, wants, 8);
        char *failure;
        for (int i = 0; i < 8; i++)
            assert_true(rack_take(&f, &failure) >= 0);
    }
    lane_want(f.lane, NULL, 0);
    struct loader_stats stats;
    loader_get_stats(f.loader, &stats);
    assert_int_equal(stats.blocks, 64);
    assert_true(stats.cache_bytes <= 512);
    rack_finish(&f);
}

static void *load_many(void *data)
{
    struct rack *f = data;
    for (uint64_t i = 0; i < 64; i++) {
        struct want want = rack_want_of(f, i / 8, i % 8, false);
        struct error err;
        struct block *block = loader_load(f->loader, &want, &err);
        uint64_t first[2] = {want.origin[0], want.origin[1]};
        if (!block || *(uint16_t *)block->data != (uint16_t)fake_value(0, 2, first))
            return data;
        loader_release(f->loader, block);
    }
    return NULL;
}

/* Loads on callers' threads beside want lists that change all the time. */
static void loads_and_lists_mix(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 2, 1 << 20);
    atomic_store(&fake_source.delay_ms, 1);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, load_many, &f);
    for (uint64_t n = 0; n < 60; n++) {
        struct want wants[6];
        for (uint64_t i = 0; i < 6; i++)
            wants[i] = rack_want_of(&f, n % 8, (n + i) % 8, i > 3);
        lane_want(f.lane, wants, 6);
        char *failure;
        struct block *block;
        rig_sleep_ms(1);
        while ((block = lane_take(f.lane, &rack_made, &failure)))
            loader_release(f.loader, block);
    }
    for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    struct loader_stats stats;
    loader_get_stats(f.loader, &stats);
    assert_int_equal(stats.blocks, 64); /* each once, whoever asked */
    rack_finish(&f);
}

static void a_load_that_fails_says_why(void **state)
{
    (void)state;
    struct rack f;
    rack_make(&f, 1, 1 << 20);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_times, 1);
    struct want want = rack_want_of(&f, 0, 0, false);
    struct error err = {""};
    assert_null(loader_load(f.loader, &want, &err));
    assert_string_equal(err.text, "fake/broken: is broken");
    struct block *block = loader_load(f.loader, &want, &err);
    assert_non_null(block);
    loader_release(f.loader, block);
    rack_finish(&f);
}

static void an_unknown_uri_is_named(void **state)
{
    (void)state;
    struct error err = {""};
    assert_null(dataset_open(NULL, "/nowhere/image.zarr", &err));
    assert_string_equal(err.text, "/nowhere/image.zarr: No such file or directory");
    assert_null(dataset_open(NULL, "/", &err));
    assert_string_equal(err.text, "/: no image that Oriel can open: not \"fake\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_in_the_order_of_the_list),
        cmocka_unit_test(a_block_is_read_once),
        cmocka_unit_test(a_new_list_drops_and_cancels),
        cmocka_unit_test(what_is_wanted_again_is_read_again),
        cmocka_unit_test(prefetched_blocks_only_fill_the_cache),
        cmocka_unit_test(failures_are_told_and_tried_again),
        cmocka_unit_test(the_cache_stays_within_its_bytes),
        cmocka_unit_test(loads_and_lists_mix),
        cmocka_unit_test(a_load_that_fails_says_why),
        cmocka_unit_test(an_unknown_uri_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
