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
#include "render/loader.h"
#include "render/plan.h"
#include "rig.h"

static atomic_int wakes;
static _Thread_local struct made made; /* of the last block that was taken */

static void count_wake(void *data)
{
    (void)data;
    atomic_fetch_add(&wakes, 1);
}

static void count_into(void *data)
{
    atomic_fetch_add((atomic_int *)data, 1);
}

struct fixture {
    struct dataset *dataset;
    struct loader *loader;
    struct lane *lane;
};

static void make(struct fixture *f, unsigned threads, uint64_t cache_bytes)
{
    static const uint64_t shape[2] = {64, 64}, chunk[2] = {8, 8};
    fake_source_set(ORIEL_U16, 2, shape, chunk, 1, 0);
    atomic_store(&wakes, 0);
    f->dataset = rig_open();
    struct error err;
    f->loader = loader_create(threads, cache_bytes, 0, &err);
    assert_non_null(f->loader);
    f->lane = lane_create(f->loader, count_wake, NULL);
}

static void finish(struct fixture *f)
{
    lane_destroy(f->lane);
    loader_destroy(f->loader);
    dataset_unref(f->dataset);
}

static struct want want_of(struct fixture *f, uint64_t y, uint64_t x, bool prefetch)
{
    return (struct want){.dataset = f->dataset,
                         .key = {.dataset = dataset_key(f->dataset), .index = {y, x}},
                         .origin = {y * 8, x * 8},
                         .shape = {8, 8},
                         .prefetch = prefetch};
}

/* The next block within a second, as its x index; -1: none. */
static int take(struct fixture *f, char **failure)
{
    for (int i = 0; i < 1000; i++) {
        struct block *block = lane_take(f->lane, &made, failure);
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

static void blocks_come_in_the_order_of_the_list(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
    atomic_store(&fake_source.delay_ms, 2);
    struct want wants[4];
    for (uint64_t i = 0; i < 4; i++)
        wants[i] = want_of(&f, 0, 3 - i, false);
    lane_want(f.lane, wants, 4);
    char *failure;
    for (int i = 3; i >= 0; i--)
        assert_int_equal(take(&f, &failure), i);
    assert_true(rig_wait(&wakes, 4));
    finish(&f);
}

static void a_block_is_read_once(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 4, 1 << 20);
    struct want wants[3] = {want_of(&f, 0, 1, false), want_of(&f, 0, 1, false),
                            want_of(&f, 0, 1, true)};
    lane_want(f.lane, wants, 3);
    char *failure;
    assert_int_equal(take(&f, &failure), 1);
    assert_null(lane_take(f.lane, &made, &failure));
    lane_want(f.lane, wants, 1); /* cached: at once */
    assert_int_equal(take(&f, &failure), 1);
    assert_int_equal(atomic_load(&fake_source.reads), 1);
    struct loader_stats stats;
    loader_get_stats(f.loader, &stats);
    assert_int_equal(stats.blocks, 1);
    assert_int_equal(stats.hits, 1);
    assert_int_equal(stats.value_bytes, 128);
    finish(&f);
}

static void a_new_list_drops_and_cancels(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
    atomic_store(&fake_source.delay_ms, 5000);
    struct want wants[8];
    for (uint64_t i = 0; i < 8; i++)
        wants[i] = want_of(&f, 0, i, false);
    lane_want(f.lane, wants, 8);
    assert_true(rig_wait(&fake_source.reads, 1));
    atomic_store(&fake_source.delay_ms, 0);
    struct want other = want_of(&f, 1, 7, false);
    lane_want(f.lane, &other, 1);
    char *failure;
    assert_int_equal(take(&f, &failure), 7);
    assert_int_equal(atomic_load(&fake_source.cancelled), 1);
    assert_int_equal(atomic_load(&fake_source.reads), 2); /* the seven in the queue never started */
    finish(&f);
}

static void what_is_wanted_again_is_read_again(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
    atomic_store(&fake_source.delay_ms, 300);
    struct want want = want_of(&f, 0, 2, false);
    lane_want(f.lane, &want, 1);
    assert_true(rig_wait(&fake_source.reads, 1));
    lane_want(f.lane, NULL, 0);  /* the read is being cancelled … */
    lane_want(f.lane, &want, 1); /* … when it is wanted after all */
    char *failure;
    assert_int_equal(take(&f, &failure), 2);
    finish(&f);
}

static void prefetched_blocks_only_fill_the_cache(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
    struct want wants[2] = {want_of(&f, 0, 0, true), want_of(&f, 0, 1, true)};
    lane_want(f.lane, wants, 2);
    assert_true(rig_wait(&fake_source.reads, 2));
    rig_sleep_ms(20);
    char *failure;
    assert_null(lane_take(f.lane, &made, &failure));
    assert_int_equal(atomic_load(&wakes), 0);
    wants[0].prefetch = false;
    lane_want(f.lane, wants, 1);
    assert_int_equal(take(&f, &failure), 0);
    assert_int_equal(atomic_load(&fake_source.reads), 2);
    finish(&f);
}

static void failures_are_told_and_tried_again(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 2, 1 << 20);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[1], 8);
    atomic_store(&fake_source.fail_times, 1);
    struct want wants[2] = {want_of(&f, 0, 1, false), want_of(&f, 0, 2, false)};
    lane_want(f.lane, wants, 2);
    char *failures[2] = {NULL, NULL};
    int first = take(&f, &failures[0]), second = take(&f, &failures[1]);
    assert_int_equal(first + second, 3); /* the other one goes on */
    char *failure = failures[first == 1 ? 0 : 1];
    assert_string_equal(failure, "fake/broken: is broken");
    assert_null(failures[first == 1 ? 1 : 0]);
    free(failure);
    /* Not at once, but after half a second. */
    rig_sleep_ms(200);
    assert_null(lane_take(f.lane, &made, &failure));
    assert_int_equal(take(&f, &failure), 1);
    assert_null(failure);
    struct loader_stats stats;
    loader_get_stats(f.loader, &stats);
    assert_int_equal(stats.failures, 1);
    finish(&f);
}

static void the_cache_stays_within_its_bytes(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 2, 512); /* four blocks */
    for (uint64_t y = 0; y < 8; y++) {
        struct want wants[8];
        for (uint64_t x = 0; x < 8; x++)
            wants[x] = want_of(&f, y, x, false);
        lane_want(f.lane, wants, 8);
        char *failure;
        for (int i = 0; i < 8; i++)
            assert_true(take(&f, &failure) >= 0);
    }
    lane_want(f.lane, NULL, 0);
    struct loader_stats stats;
    loader_get_stats(f.loader, &stats);
    assert_int_equal(stats.blocks, 64);
    assert_true(stats.cache_bytes <= 512);
    finish(&f);
}

static void *load_many(void *data)
{
    struct fixture *f = data;
    for (uint64_t i = 0; i < 64; i++) {
        struct want want = want_of(f, i / 8, i % 8, false);
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
    struct fixture f;
    make(&f, 2, 1 << 20);
    atomic_store(&fake_source.delay_ms, 1);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, load_many, &f);
    for (uint64_t n = 0; n < 60; n++) {
        struct want wants[6];
        for (uint64_t i = 0; i < 6; i++)
            wants[i] = want_of(&f, n % 8, (n + i) % 8, i > 3);
        lane_want(f.lane, wants, 6);
        char *failure;
        struct block *block;
        rig_sleep_ms(1);
        while ((block = lane_take(f.lane, &made, &failure)))
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
    finish(&f);
}

static void a_load_that_fails_says_why(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_times, 1);
    struct want want = want_of(&f, 0, 0, false);
    struct error err = {""};
    assert_null(loader_load(f.loader, &want, &err));
    assert_string_equal(err.text, "fake/broken: is broken");
    struct block *block = loader_load(f.loader, &want, &err);
    assert_non_null(block);
    loader_release(f.loader, block);
    finish(&f);
}

/* The next block of a lane within a second, as its x index; -1: none. */
static int take_from(struct fixture *f, struct lane *lane)
{
    struct lane *own = f->lane;
    char *failure;
    f->lane = lane;
    int x = take(f, &failure);
    f->lane = own;
    assert_null(failure);
    return x;
}

static void lanes_share_what_is_read(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 2, 1 << 20);
    atomic_int other_wakes = 0;
    struct lane *other = lane_create(f.loader, count_into, &other_wakes);
    assert_int_equal(lane_prefetch_bytes(other), (1 << 20) / 8);
    atomic_store(&fake_source.delay_ms, 30);
    struct want want = want_of(&f, 0, 3, false);
    lane_want(f.lane, &want, 1);
    assert_true(rig_wait(&fake_source.reads, 1));
    lane_want(other, &want, 1); /* while it is being read */
    assert_int_equal(take_from(&f, f.lane), 3);
    assert_int_equal(take_from(&f, other), 3);
    assert_true(rig_wait(&wakes, 1) && rig_wait(&other_wakes, 1));
    assert_int_equal(atomic_load(&fake_source.reads), 1);
    lane_destroy(other);
    finish(&f);
}

static void a_read_goes_on_while_another_lane_wants_it(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
    struct lane *other = lane_create(f.loader, count_wake, NULL);
    atomic_store(&fake_source.delay_ms, 100);
    struct want want = want_of(&f, 0, 5, false), before[2] = {want, want_of(&f, 1, 1, false)};
    lane_want(f.lane, before, 2);
    lane_want(other, &want, 1);
    assert_true(rig_wait(&fake_source.reads, 1));
    lane_want(f.lane, NULL, 0);
    assert_int_equal(take_from(&f, other), 5);
    assert_int_equal(atomic_load(&fake_source.cancelled), 0);
    assert_int_equal(atomic_load(&fake_source.reads), 1);
    lane_destroy(other);
    finish(&f);
}

/* One thread, a long list and a short one: the short one does not wait for the long one's end, and
 * what is only prefetched comes last. */
static void lanes_take_turns(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
    struct lane *other = lane_create(f.loader, count_wake, NULL);
    atomic_store(&fake_source.delay_ms, 4);
    struct want many[40], few[3];
    for (uint64_t i = 0; i < 40; i++)
        many[i] = want_of(&f, i / 8, i % 8, i >= 30);
    few[0] = want_of(&f, 7, 0, false);
    few[1] = want_of(&f, 7, 1, false);
    few[2] = want_of(&f, 7, 2, true);
    lane_want(f.lane, many, 40);
    lane_want(other, few, 3);
    assert_int_equal(take_from(&f, other), 0);
    assert_int_equal(take_from(&f, other), 1);
    assert_in_range(atomic_load(&fake_source.reads), 2, 8);
    char *failure;
    for (int i = 0; i < 30; i++)
        assert_true(take(&f, &failure) >= 0);
    assert_true(rig_wait(&fake_source.reads, 43));
    assert_null(lane_take(other, &made, &failure));
    lane_destroy(other);
    finish(&f);
}

static void a_failure_is_told_to_every_lane(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
    struct lane *other = lane_create(f.loader, count_wake, NULL);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[1], 16);
    atomic_store(&fake_source.fail_times, 1);
    struct want want = want_of(&f, 0, 2, false);
    lane_want(f.lane, &want, 1);
    char *failure;
    assert_int_equal(take(&f, &failure), 2);
    assert_string_equal(failure, "fake/broken: is broken");
    free(failure);
    lane_want(other, &want, 1); /* remembered */
    struct block *block = lane_take(other, &made, &failure);
    assert_non_null(block);
    assert_string_equal(failure, "fake/broken: is broken");
    free(failure);
    loader_release(f.loader, block);
    assert_int_equal(take_from(&f, f.lane), 2); /* and when it has been read after all */
    assert_int_equal(take_from(&f, other), 2);
    assert_int_equal(atomic_load(&fake_source.reads), 2);
    lane_destroy(other);
    finish(&f);
}

struct stormer {
    struct fixture *f;
    uint64_t seed;
    bool wrong;
};

/* A lane of its own, lists that change all the time, some blocks taken and some not. */
static void *storm(void *data)
{
    struct stormer *self = data;
    struct lane *lane = lane_create(self->f->loader, count_wake, NULL);
    for (uint64_t n = 0; n < 80; n++) {
        struct want wants[6];
        for (uint64_t i = 0; i < 6; i++)
            wants[i] = want_of(self->f, (n + self->seed) % 8, (n / 3 + i) % 8, i > 3);
        lane_want(lane, wants, n % 7 ? 6 : 0);
        if (n % 3 == 0)
            rig_sleep_ms(1);
        char *failure;
        for (struct block *block; (block = lane_take(lane, &made, &failure)); free(failure)) {
            uint64_t first[2] = {block->key.index[0] * 8, block->key.index[1] * 8};
            if (!failure && *(uint16_t *)block->data != (uint16_t)fake_value(0, 2, first))
                self->wrong = true;
            loader_release(self->f->loader, block);
        }
        if (n % 20 == 19) {
            lane_destroy(lane);
            lane = lane_create(self->f->loader, count_wake, NULL);
        }
    }
    lane_destroy(lane);
    return NULL;
}

static void lanes_come_and_go_on_many_threads(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, 2048); /* room for sixteen blocks: some are read again */
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
    finish(&f);
}

/* Rows become columns. */
static struct want turned(struct fixture *f, uint64_t y, uint64_t x)
{
    struct want want = want_of(f, y, x, false);
    want.gather = (struct gather){.step = {16, 2, 0}, .extent = {8, 8, 1}, .dtype = ORIEL_U16};
    return want;
}

/* Takes a block with what was made of it; false after a second. */
static bool take_turned(struct fixture *f, struct lane *lane)
{
    char *failure;
    struct block *block = NULL;
    for (int i = 0; i < 1000 && !block; i++) {
        block = lane_take(lane, &made, &failure);
        if (!block)
            rig_sleep_ms(1);
    }
    if (!block)
        return false;
    const uint16_t *values = block->data;
    assert_non_null(made.memory);
    const uint16_t *out = (const uint16_t *)(const void *)made.memory->data;
    for (int i = 0; i < 64; i++)
        assert_int_equal(out[i], values[i % 8 * 8 + i / 8]);
    buffer_unref(made.memory);
    loader_release(f->loader, block);
    return true;
}

static void what_has_to_be_made_is_made(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
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
    assert_null(lane_take(f.lane, &made, &failure));
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
    finish(&f);
}

/* Only in the cache for one, and something else for another: the one that is handed over counts. */
static void what_is_prefetched_is_made_nothing_of(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 1, 1 << 20);
    struct want wants[2] = {turned(&f, 1, 2), turned(&f, 1, 2)};
    wants[0].prefetch = true;
    wants[0].gather.extent[1] = 1;
    lane_want(f.lane, wants, 1);
    while (atomic_load(&fake_source.reads) < 1)
        rig_sleep_ms(1);
    rig_sleep_ms(10);
    char *failure;
    assert_null(lane_take(f.lane, &made, &failure));
    lane_want(f.lane, wants, 2);
    assert_true(take_turned(&f, f.lane));
    finish(&f);
}

static void *make_and_go(void *data)
{
    struct fixture *f = data;
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
    struct fixture f;
    make(&f, 2, 4096);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, make_and_go, &f);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    finish(&f);
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
        cmocka_unit_test(lanes_share_what_is_read),
        cmocka_unit_test(a_read_goes_on_while_another_lane_wants_it),
        cmocka_unit_test(lanes_take_turns),
        cmocka_unit_test(a_failure_is_told_to_every_lane),
        cmocka_unit_test(lanes_come_and_go_on_many_threads),
        cmocka_unit_test(what_has_to_be_made_is_made),
        cmocka_unit_test(what_is_prefetched_is_made_nothing_of),
        cmocka_unit_test(lists_change_while_something_is_made),
        cmocka_unit_test(an_unknown_uri_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
