/* SPDX-License-Identifier: BSD-3-Clause */
/* The render thread over fakes that fail: what is shown and said, and how it goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "rig.h"
#include "util/clock.h"

static void what_cannot_be_read_is_told_once_and_then_read(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[1], 64);
    atomic_store(&fake_source.fail_times, 1);
    fixture_tap(&f);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_DATA_ERROR], 1));
    pthread_mutex_lock(&f.mutex);
    assert_string_equal(f.text, "fake/broken: is broken");
    pthread_mutex_unlock(&f.mutex);
    for (int i = 0; i < 500 && fixture_last(&f).coverage < 0.9f; i++)
        rig_sleep_ms(1);
    assert_true(fixture_last(&f).coverage > 0.9f &&
                fixture_last(&f).coverage < 1); /* the rest is there */
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_DATA_OK], 1));
    assert_true(rig_wait(&f.complete, 1));
    assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_DATA_ERROR]), 1);
    fixture_finish(&f);
}

static void count_refusal(void *data, const char *why)
{
    if (strcmp(why, "no capture module offers P010 pictures of primaries 1, transfer 13 and matrix "
                    "0 in memory domain 1 now") == 0)
        atomic_fetch_add((atomic_int *)data, 1);
}

static void never_refused(void *data, const char *why)
{
    (void)data;
    fail_msg("refused: %s", why);
}

/* Primaries and a transfer that a module leaves open by 0 are those that were agreed on. */
static void colours_that_are_left_open_are_served(void **state)
{
    (void)state;
    static struct fixture f;
    struct render_tap want = {.format = fixture_rgba,
                              .frames_held = 1,
                              .frame = fixture_take,
                              .refused = never_refused,
                              .data = &f};
    want.format.fourcc = ORIEL_FMT_NV12;
    want.format.matrix = ORIEL_MATRIX_BT709;
    want.format.full_range = 0;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    uint32_t tap = taps_add(f.taps, &want);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f.complete, 1));
    taps_remove(f.taps, tap);
    fixture_finish(&f);
}

/* Whoever wants what no module makes hears of it, also when somebody before did. */
static void every_tap_that_cannot_be_served_is_told(void **state)
{
    (void)state;
    static struct fixture f;
    static atomic_int told[2];
    struct render_tap want = {.format = fixture_rgba,
                              .frames_held = 1,
                              .frame = fixture_take,
                              .refused = count_refusal,
                              .data = &told[0]};
    want.format.fourcc = ORIEL_FMT_P010;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    uint32_t first = taps_add(f.taps, &want);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&told[0], 1));
    want.data = &told[1];
    uint32_t second = taps_add(f.taps, &want);
    painter_wake(f.painter);
    assert_true(rig_wait(&told[1], 1));
    taps_remove(f.taps, second); /* and comes back: as many as before */
    atomic_store(&told[1], 0);
    second = taps_add(f.taps, &want);
    painter_wake(f.painter);
    assert_true(rig_wait(&told[1], 1));
    taps_remove(f.taps, first);
    taps_remove(f.taps, second);
    fixture_tap(&f); /* and others are served */
    assert_true(rig_wait(&f.complete, 1));
    fixture_finish(&f);
}

/* A chunk of the finest of three levels cannot be read for a while. */
static void a_level_with_gaps_gives_way_to_the_next(uint32_t ndisplay)
{
    static const uint64_t chunk[3] = {8, 8, 8};
    static struct fixture f;
    if (ndisplay == 3)
        fixture_make(&f, 3, fixture_cube, chunk, 3);
    else
        fixture_make(&f, 3, fixture_plane, fixture_tiles, 3);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[1], ndisplay == 3 ? 8 : 64);
    atomic_store(&fake_source.fail_times, 2);
    fixture_tap(&f);
    struct scene_snapshot *snapshot = rig_snapshot(f.dataset, 1, ndisplay, 320, 200);
    fixture_post(&f, snapshot);
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_DATA_ERROR], 1));
    assert_true(rig_wait(&f.complete, 1));
    assert_int_equal(fixture_last(&f).level, 1);
    assert_int_equal(fixture_last(&f).outstanding, 0);
    assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_DATA_OK]), 0);
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_DATA_OK], 1)); /* it is tried again */
    for (int i = 0; i < 1000 && fixture_last(&f).level != 0; i++)
        rig_sleep_ms(1);
    assert_int_equal(fixture_last(&f).level, 0);
    assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_DATA_ERROR]), 1);
    fixture_finish(&f);
}

static void a_volume_with_gaps_is_shown_coarser(void **state)
{
    (void)state;
    a_level_with_gaps_gives_way_to_the_next(3);
}

static void a_slice_with_gaps_is_shown_coarser(void **state)
{
    (void)state;
    a_level_with_gaps_gives_way_to_the_next(2);
}

static void a_lost_device_is_rebuilt(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(&f);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f.complete, 1));
    atomic_store(&fake_scene.fail_draw, ORIEL_DEVICE_LOST);
    fixture_post(&f, rig_snapshot(f.dataset, 2, 2, 320, 200));
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_FAULT], 1));
    assert_true(fixture_shows(&f, 2));
    for (int i = 0; i < 1000 && fixture_last(&f).coverage < 1; i++)
        rig_sleep_ms(1);
    assert_float_equal(fixture_last(&f).coverage, 1, 0);
    assert_int_equal(atomic_load(&fake_scene.creates), 2);
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_READY], 2));
    fixture_finish(&f);
}

static void a_full_gpu_is_asked_for_less(void **state)
{
    (void)state;
    static const uint64_t shape[3] = {64, 256, 256}, chunk[3] = {64, 64, 64};
    static struct fixture f;
    fixture_make(&f, 3, shape, chunk, 3);
    atomic_store(&fake_scene.nomem, 3);
    fixture_tap(&f);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 3, 320, 200));
    assert_true(rig_wait(&f.complete, 1));
    fixture_finish(&f);
}

static void a_still_is_complete_or_says_why_not(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 2);
    atomic_store(&fake_source.delay_ms, 3);
    painter_still_begin(f.painter);
    fixture_tap(&f);
    struct scene_snapshot *snapshot = rig_snapshot(f.dataset, 5, 2, 320, 200);
    painter_post(f.painter, snapshot);
    assert_true(rig_wait(&f.complete, 1));
    assert_int_equal(atomic_load(&f.frames), 1); /* nothing in between */
    painter_still_done(f.painter);
    struct error err = {""};
    assert_true(painter_still_wait(f.painter, INT64_MAX, NULL, &err));
    painter_still_end(f.painter);
    scene_snapshot_unref(snapshot);

    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[0], 15);
    atomic_store(&fake_source.fail_times, 1000);
    painter_still_begin(f.painter);
    fixture_post(&f, fixture_slice(&f, 6, 15));
    assert_false(painter_still_wait(f.painter, INT64_MAX, NULL, &err));
    assert_string_equal(err.text, "fake/broken: is broken");
    painter_still_end(f.painter);
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_cannot_be_read_is_told_once_and_then_read, fixture_abandon),
        cmocka_unit_test_teardown(every_tap_that_cannot_be_served_is_told, fixture_abandon),
        cmocka_unit_test_teardown(colours_that_are_left_open_are_served, fixture_abandon),
        cmocka_unit_test_teardown(a_volume_with_gaps_is_shown_coarser, fixture_abandon),
        cmocka_unit_test_teardown(a_slice_with_gaps_is_shown_coarser, fixture_abandon),
        cmocka_unit_test_teardown(a_lost_device_is_rebuilt, fixture_abandon),
        cmocka_unit_test_teardown(a_full_gpu_is_asked_for_less, fixture_abandon),
        cmocka_unit_test_teardown(a_still_is_complete_or_says_why_not, fixture_abandon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
