/* SPDX-License-Identifier: BSD-3-Clause */
/* Page-locked memory for blocks: what is handed out when, by whom, and what is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/services.h"
#include "render/arena.h"

#define MIB (UINT64_C(1) << 20)
#define REGION (16 * MIB)
#define PAGE (16u << 10)

/* ---- pages that count ---- */

static atomic_int possible, allocs, frees, fail_after; /* -1: never */
static pthread_t allocated_on;

static bool is_possible(void)
{
    return possible;
}

static void *alloc_pages(size_t bytes, struct error *err)
{
    allocated_on = pthread_self();
    if (fail_after >= 0 && allocs >= fail_after) {
        error_set(err, "there are no more pages");
        return NULL;
    }
    void *memory = malloc(bytes);
    atomic_fetch_add(&allocs, 1);
    return memory;
}

static void free_pages(void *memory)
{
    atomic_fetch_add(&frees, 1);
    free(memory);
}

static const struct arena_pages pages = {is_possible, alloc_pages, free_pages};

static int reset(void **state)
{
    (void)state;
    possible = 1;
    allocs = frees = 0;
    fail_after = -1;
    return 0;
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Until so much is locked. */
static void wait_locked(struct arena *arena, uint64_t bytes)
{
    struct arena_stats stats = {0};
    for (int i = 0; i < 2000 && stats.locked < bytes; i++) {
        arena_get_stats(arena, &stats);
        pause_ms(1);
    }
    assert_int_equal(stats.locked, bytes);
}

static uint64_t used(struct arena *arena)
{
    struct arena_stats stats;
    arena_get_stats(arena, &stats);
    return stats.used;
}

static const struct oriel_buffer *take(struct arena *arena, uint64_t bytes, bool wanted)
{
    uint8_t *data;
    bool locked;
    const struct oriel_buffer *buffer = arena_buffer(arena, bytes, &data, &locked);
    assert_non_null(buffer);
    assert_ptr_equal(buffer->data, data);
    assert_int_equal(buffer->bytes, bytes);
    assert_int_equal(locked, wanted);
    if (bytes) {
        data[0] = 1;
        data[bytes - 1] = 2;
    }
    return buffer;
}

/* ---- tests ---- */

static void without_a_device_it_is_ordinary_memory(void **state)
{
    (void)state;
    possible = 0;
    struct arena *arena = arena_create(4 * REGION, &pages);
    arena_start(arena);
    const struct oriel_buffer *buffer = take(arena, 1000, false);
    pause_ms(20);
    buffer_unref(buffer);
    possible = 1; /* but nothing has started since */
    buffer_unref(take(arena, 1000, false));
    assert_int_equal(allocs, 0);
    arena_start(arena); /* a renderer with a device */
    wait_locked(arena, 4 * REGION);
    buffer_unref(take(arena, 1000, true));
    arena_destroy(arena);
    assert_int_equal(frees, 4);
}

static void pages_are_locked_ahead_and_elsewhere(void **state)
{
    (void)state;
    struct arena *arena = arena_create(8 * REGION, &pages);
    arena_start(arena);
    wait_locked(arena, 6 * REGION); /* before anybody asked */
    assert_false(pthread_equal(allocated_on, pthread_self()));
    const struct oriel_buffer *buffers[8];
    buffers[0] = take(arena, 12 * MIB, true);
    wait_locked(arena, 7 * REGION);
    buffers[1] = take(arena, 12 * MIB, true);
    wait_locked(arena, 8 * REGION);
    for (int i = 2; i < 8; i++)
        buffers[i] = take(arena, REGION, true);
    pause_ms(20);
    wait_locked(arena, 8 * REGION); /* the limit */
    const struct oriel_buffer *beyond = take(arena, 5 * MIB, false);
    buffer_unref(take(arena, 4 * MIB, true)); /* what is left of the first */
    for (int i = 0; i < 8; i++)
        buffer_unref(buffers[i]);
    buffer_unref(beyond);
    assert_int_equal(used(arena), 0);
    buffer_unref(take(arena, REGION + 1, false)); /* larger than what is locked at a time */
    arena_destroy(arena);
    assert_int_equal(frees, 8);
}

static void holes_are_used_again(void **state)
{
    (void)state;
    struct arena *arena = arena_create(REGION, &pages);
    arena_start(arena);
    wait_locked(arena, REGION);
    enum { COUNT = 1024 }; /* of one page each: all there are */
    const struct oriel_buffer *buffers[COUNT];
    for (int i = 0; i < COUNT; i++)
        buffers[i] = take(arena, PAGE - (uint64_t)i % 2, true);
    buffer_unref(take(arena, 1, false));
    for (int i = 100; i < 200; i++)
        buffer_unref(buffers[i]);
    buffer_unref(buffers[900]);
    buffer_unref(take(arena, 101 * PAGE, false)); /* not in one piece */
    const struct oriel_buffer *again = take(arena, 100 * PAGE, true);
    assert_ptr_equal(again->data, buffers[99]->data + PAGE);
    const struct oriel_buffer *one = take(arena, PAGE, true);
    assert_ptr_equal(one->data, buffers[899]->data + PAGE);
    buffer_unref(again);
    buffer_unref(one);
    for (int i = 0; i < COUNT; i++)
        if ((i < 100 || i >= 200) && i != 900)
            buffer_unref(buffers[i]);
    assert_int_equal(used(arena), 0);
    buffer_unref(take(arena, 0, true));
    buffer_unref(take(arena, REGION, true));
    arena_destroy(arena);
}

static void a_driver_that_refuses(void **state)
{
    (void)state;
    fail_after = 1;
    struct arena *arena = arena_create(8 * REGION, &pages);
    arena_start(arena);
    wait_locked(arena, REGION);
    const struct oriel_buffer *all = take(arena, REGION, true);
    buffer_unref(take(arena, MIB, false));
    pause_ms(20);
    fail_after = -1; /* it is not asked again */
    arena_start(arena);
    buffer_unref(take(arena, MIB, false));
    pause_ms(20);
    assert_int_equal(allocs, 1);
    buffer_unref(all);
    buffer_unref(take(arena, MIB, true));
    arena_destroy(arena);
    assert_int_equal(frees, 1);
}

static void memory_outlives_the_arena(void **state)
{
    (void)state;
    struct arena *arena = arena_create(2 * REGION, &pages);
    arena_start(arena);
    wait_locked(arena, 2 * REGION);
    const struct oriel_buffer *a = take(arena, MIB, true), *b = take(arena, MIB, true);
    buffer_ref(a);
    arena_destroy(arena);
    buffer_unref(a);
    buffer_unref(b);
    assert_int_equal(frees, 0);
    assert_int_equal(a->data[MIB - 1], 2);
    buffer_unref(a);
    assert_int_equal(frees, 2);
}

static void *churn(void *data)
{
    struct arena *arena = data;
    const struct oriel_buffer *held[8] = {NULL};
    uint32_t x = (uint32_t)(uintptr_t)&arena | 1u;
    for (int i = 0; i < 4000; i++) {
        x = x * 1664525u + 1013904223u;
        uint64_t bytes = 1 + (x >> 8) % (MIB / 4);
        buffer_unref(held[i % 8]);
        uint8_t *to;
        bool locked;
        held[i % 8] = arena_buffer(arena, bytes, &to, &locked);
        memset(to, i, 64 < bytes ? 64 : (size_t)bytes);
        for (int k = 0; k < 8; k++) /* nobody else writes there */
            if (held[k])
                assert_int_equal(held[k]->data[0], (uint8_t)(i - (i - k + 8) % 8));
    }
    for (int k = 0; k < 8; k++)
        buffer_unref(held[k]);
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    struct arena *arena = arena_create(2 * REGION, &pages);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, arena), 0);
    arena_start(arena); /* amid all that */
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(used(arena), 0);
    arena_destroy(arena);
    assert_int_equal(allocs, frees);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_device_it_is_ordinary_memory, reset),
        cmocka_unit_test_setup(pages_are_locked_ahead_and_elsewhere, reset),
        cmocka_unit_test_setup(holes_are_used_again, reset),
        cmocka_unit_test_setup(a_driver_that_refuses, reset),
        cmocka_unit_test_setup(memory_outlives_the_arena, reset),
        cmocka_unit_test_setup(many_threads, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
