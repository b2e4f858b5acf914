/* SPDX-License-Identifier: BSD-3-Clause */
/* The render thread over fakes: when it draws, what it draws, and what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "rig.h"
#include "util/cancel.h"
#include "util/clock.h"

static void nothing_is_drawn_without_a_tap_or_a_change(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 2);
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_READY], 1));
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    rig_sleep_ms(50);
    assert_int_equal(atomic_load(&fake_scene.draws), 0);
    fixture_tap(&f);
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(120); /* beyond the rest time */
    int draws = atomic_load(&fake_scene.draws);
    rig_sleep_ms(200);
    assert_int_equal(atomic_load(&fake_scene.draws), draws);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200)); /* the same revision */
    rig_sleep_ms(50);
    assert_int_equal(atomic_load(&fake_scene.draws), draws);
    fixture_post(&f, rig_snapshot(f.dataset, 2, 2, 320, 200));
    assert_true(fixture_shows(&f, 2));
    struct oriel_stamp stamp = fixture_last(&f);
    assert_true(stamp.flags & ORIEL_FRAME_BOTTOM_UP);
    assert_true(stamp.flags & ORIEL_FRAME_COMPLETE);
    assert_float_equal(stamp.coverage, 1, 0);
    assert_int_equal(stamp.outstanding, 0);
    assert_true(stamp.t_input_ns <= stamp.t_begin_ns && stamp.t_begin_ns <= stamp.t_drawn_ns);
    fixture_finish(&f);
}

static void the_newest_snapshot_wins(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(&f);
    atomic_store(&fake_scene.draw_ms, 20);
    for (uint64_t r = 1; r <= 200; r++) {
        fixture_post(&f, rig_snapshot(f.dataset, r, 2, 320, 200));
        rig_sleep_ms(1);
    }
    assert_true(fixture_shows(&f, 200));
    assert_true(atomic_load(&f.frames) < 60);
    fixture_finish(&f);
}

static void pictures_are_paced(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(&f);
    int64_t begin = clock_ns();
    for (uint64_t r = 1; clock_ns() - begin < 300 * NS_PER_MS; r++) {
        fixture_post(&f, rig_snapshot(f.dataset, r, 2, 320, 200));
        rig_sleep_ms(1);
    }
    assert_in_range(atomic_load(&f.frames), 5, 63); /* at most one in 5 ms */
    fixture_finish(&f);
}

/* Input comes exactly at the rate; one picture is late. Those after it are not. */
static void a_late_picture_makes_no_other_late(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_prepare(&f, 3, fixture_plane, fixture_tiles, 1);
    f.setup.frame_ns = 200 * NS_PER_MS;
    struct error err = {""};
    f.painter = painter_create(&f.setup, &err);
    assert_non_null(f.painter);
    fixture_tap(&f);
    int64_t begin = clock_ns(), least = INT64_MAX;
    for (uint64_t r = 1; r <= 7; r++) {
        /* The third is posted late: its own turn, and the phase of the rate, move by that. */
        int64_t at = begin + (int64_t)r * f.setup.frame_ns + (r == 3 ? 130 * NS_PER_MS : 0);
        while (clock_ns() < at)
            rig_sleep_ms(1);
        fixture_post(&f, rig_snapshot(f.dataset, r, 2, 320, 200));
        assert_true(fixture_shows(&f, r));
        int64_t waited = fixture_last(&f).t_begin_ns - at;
        if (r > 3 && waited < least)
            least = waited;
    }
    assert_true(least < 60 * NS_PER_MS); /* of several, since machines are busy at times */
    fixture_finish(&f);
}

static void coarse_comes_before_fine(void **state)
{
    (void)state;
    static const uint64_t shape[3] = {4, 4096, 4096}, chunk[3] = {1, 256, 256};
    static struct fixture f;
    fixture_make(&f, 3, shape, chunk, 5);
    atomic_store(&fake_source.delay_ms, 20);
    fixture_tap(&f);
    struct scene_snapshot *snapshot = rig_snapshot(f.dataset, 1, 2, 600, 400);
    fixture_post(&f, snapshot);
    bool coarse_alone = false;
    while (!atomic_load(&f.complete)) {
        struct oriel_stamp stamp = fixture_last(&f);
        if (stamp.level_count == 5 && atomic_load(&fake_scene.last_base) && stamp.coverage < 0.5f &&
            stamp.outstanding > 0)
            coarse_alone = true;
        rig_sleep_ms(1);
    }
    assert_true(coarse_alone);
    assert_int_equal(fixture_last(&f).level, 0);
    assert_int_equal(fixture_last(&f).outstanding, 0);
    assert_true(atomic_load(&f.notices[RENDER_NOTICE_LEVEL]) >= 2);
    assert_true(atomic_load(&f.notices[RENDER_NOTICE_LOADING]) >= 2);
    fixture_finish(&f);
}

static void a_moved_slider_keeps_the_old_slice_until_the_new_one_is_there(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(&f);
    fixture_post(&f, fixture_slice(&f, 1, 0));
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(100);
    atomic_store(&fake_source.delay_ms, 60);
    uint64_t old = atomic_load(&fake_scene.last_base);
    fixture_post(&f, fixture_slice(&f, 2, 10)); /* too far to be prefetched */
    assert_true(fixture_shows(&f, 2));
    assert_int_equal(atomic_load(&fake_scene.last_base), old);
    assert_true(fixture_last(&f).coverage < 1);
    assert_false(fixture_last(&f).flags & ORIEL_FRAME_COMPLETE);
    int complete = atomic_load(&f.complete);
    assert_true(rig_wait(&f.complete, complete + 1));
    assert_int_not_equal(atomic_load(&fake_scene.last_base), old);
    assert_int_equal(atomic_load(&fake_scene.slabs), 1); /* the old one is gone */
    fixture_finish(&f);
}

static void neighbours_are_there_before_they_are_asked_for(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(&f);
    fixture_post(&f, fixture_slice(&f, 1, 5));
    assert_true(rig_wait(&fake_source.reads, 16 * 3));
    rig_sleep_ms(100);
    assert_int_equal(atomic_load(&fake_source.reads), 48);
    atomic_store(&fake_source.delay_ms, 1000);
    fixture_post(&f, fixture_slice(&f, 2, 6));
    assert_true(fixture_shows(&f, 2));
    assert_true(fixture_last(&f).flags & ORIEL_FRAME_COMPLETE);
    fixture_finish(&f);
}

static void a_fast_slider_still_shows_pictures(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(&f);
    fixture_post(&f, fixture_slice(&f, 1, 0));
    assert_true(rig_wait(&f.complete, 1));
    atomic_store(&fake_source.delay_ms, 20); /* 16 fixture_tiles, 2 threads: 160 ms for a slice */
    uint64_t base = atomic_load(&fake_scene.last_base);
    unsigned slices = 0;
    for (uint64_t r = 2; r < 100; r++) {
        fixture_post(&f, fixture_slice(&f, r, (double)((r * 7) % 20)));
        rig_sleep_ms(15);
        uint64_t now = atomic_load(&fake_scene.last_base);
        slices += now != base;
        base = now;
    }
    assert_true(slices >= 2);
    fixture_post(&f, fixture_slice(&f, 1000, 3));
    assert_true(fixture_shows(&f, 1000));
    int complete = atomic_load(&f.complete);
    for (int i = 0; i < 2000 && fixture_last(&f).coverage < 1; i++)
        rig_sleep_ms(1);
    assert_true(atomic_load(&f.complete) > complete || fixture_last(&f).coverage >= 1);
    fixture_finish(&f);
}

static void pose(struct fixture *f, uint64_t revision, uint32_t rendering)
{
    struct scene_snapshot *snapshot = rig_snapshot(f->dataset, revision, 3, 320, 200);
    rig_layer(snapshot)->rendering = rendering;
    fixture_post(f, snapshot);
}

/* Turns for `ms` with a pose each 8 ms; how many pictures came. */
static int turn(struct fixture *f, uint64_t *revision, uint32_t rendering, int ms)
{
    int before = atomic_load(&f->frames);
    for (int64_t end = clock_ns() + ms * NS_PER_MS; clock_ns() < end; ++*revision) {
        pose(f, *revision, rendering);
        rig_sleep_ms(8);
    }
    return atomic_load(&f->frames) - before;
}

/* Turns until it is known what pictures cost that take `ms` in full. A GPU is trusted to be quick:
 * the first two are drawn as they are, and two more when data has come. */
static void learn(struct fixture *f, uint64_t *revision, uint32_t rendering, int ms)
{
    atomic_store(&fake_scene.draw_ms, ms);
    turn(f, revision, rendering, atomic_load(&fake_scene.software) ? 400 : 4 * ms + 400);
}

static void a_turning_volume_is_quick_and_a_resting_one_complete(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_cube, fixture_cube, 1);
    fixture_tap(&f);
    uint64_t r = 1;
    learn(&f, &r, ORIEL_RENDER_TRANSLUCENT, 200);
    assert_true(turn(&f, &r, ORIEL_RENDER_TRANSLUCENT, 600) >= 12); /* 20 a second */
    assert_true(atomic_load(&fake_scene.last_flags) & ORIEL_VIEW_INTERACTIVE);
    assert_true(atomic_load(&fake_scene.last_resolution) < 1);
    assert_false(fixture_last(&f).flags & ORIEL_FRAME_COMPLETE);
    int complete = atomic_load(&f.complete);
    int64_t begin = clock_ns();
    assert_true(rig_wait(&f.complete, complete + 1));
    assert_true(clock_ns() - begin < 500 * NS_PER_MS);
    assert_int_equal(fixture_last(&f).revision, r - 1);
    assert_true(atomic_load(&fake_scene.bands) >= 8);
    int draws = atomic_load(&fake_scene.draws);
    rig_sleep_ms(300);
    assert_int_equal(atomic_load(&fake_scene.draws), draws);
    fixture_finish(&f);
}

static void a_costly_picture_gives_way_to_input(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_cube, fixture_cube, 1);
    fixture_tap(&f);
    uint64_t r = 1;
    learn(&f, &r, ORIEL_RENDER_TRANSLUCENT, 100);
    learn(&f, &r, ORIEL_RENDER_TRANSLUCENT, 1500);
    int complete = atomic_load(&f.complete);
    assert_true(fixture_shows(&f, r - 1));
    assert_true(rig_wait(&fake_scene.bands, atomic_load(&fake_scene.bands) + 3)); /* in full */
    int64_t begin = clock_ns();
    pose(&f, r, ORIEL_RENDER_TRANSLUCENT);
    assert_true(fixture_shows(&f, r));
    assert_true(clock_ns() - begin < 400 * NS_PER_MS);
    assert_int_equal(atomic_load(&f.complete), complete);
    fixture_finish(&f);
}

static void pictures_keep_coming_when_they_become_costly(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_cube, fixture_cube, 1);
    uint64_t revision = 1;
    fixture_tap(&f);
    learn(&f, &revision, ORIEL_RENDER_TRANSLUCENT, 12);
    assert_float_equal(atomic_load(&fake_scene.last_resolution), 1, 0);
    /* with the mode, which is seen before the first picture; software: 340 ms, a GPU: in full */
    learn(&f, &revision, ORIEL_RENDER_ISO, atomic_load(&fake_scene.software) ? 2700 : 700);
    assert_true(turn(&f, &revision, ORIEL_RENDER_ISO, 500) >= 5);
    /* and without a change that tells, after a cheap while */
    learn(&f, &revision, ORIEL_RENDER_ISO, 12);
    assert_float_equal(atomic_load(&fake_scene.last_resolution), 1, 0);
    learn(&f, &revision, ORIEL_RENDER_ISO, 600);
    turn(&f, &revision, ORIEL_RENDER_ISO, 300);
    assert_true(turn(&f, &revision, ORIEL_RENDER_ISO, 500) >= 5);
    fixture_finish(&f);
}

static void the_canvas_can_change(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(&f);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(fixture_shows(&f, 1));
    fixture_post(&f, rig_snapshot(f.dataset, 2, 2, 641, 399));
    assert_true(fixture_shows(&f, 2));
    pthread_mutex_lock(&f.mutex);
    assert_int_equal(f.width, 641);
    assert_int_equal(f.height, 399);
    pthread_mutex_unlock(&f.mutex);
    assert_int_equal(atomic_load(&fake_capture.creates), 2);
    assert_int_equal(atomic_load(&fake_capture.destroys), 1);
    fixture_finish(&f);
}

static void taps_come_and_go(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    uint32_t first = fixture_tap(&f);
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(100);
    int frames = atomic_load(&f.frames);
    uint32_t second = fixture_tap(&f); /* gets a picture though nothing changed */
    assert_true(rig_wait(&f.frames, frames + 1));
    taps_remove(f.taps, first);
    taps_remove(f.taps, second);
    painter_wake(f.painter);
    assert_true(rig_wait(&fake_capture.destroys, atomic_load(&fake_capture.creates)));
    frames = atomic_load(&f.frames);
    fixture_post(&f, rig_snapshot(f.dataset, 2, 2, 320, 200));
    rig_sleep_ms(60);
    assert_int_equal(atomic_load(&f.frames), frames);
    fixture_finish(&f);
}

static void a_dropped_picture_is_captured_later(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(&f);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(100);
    atomic_store(&fake_capture.busy, 3);
    int draws = atomic_load(&fake_scene.draws);
    fixture_post(&f, rig_snapshot(f.dataset, 2, 2, 320, 200));
    assert_true(fixture_shows(&f, 2));
    assert_int_equal(atomic_load(&fake_scene.draws), draws + 1); /* drawn once, captured at last */
    fixture_finish(&f);
}

static void late_captures_are_collected_without_spinning(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    atomic_store(&fake_capture.late, true);
    fixture_tap(&f);
    fixture_post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(100);
    int polls = atomic_load(&fake_capture.polls);
    rig_sleep_ms(100);
    assert_int_equal(atomic_load(&fake_capture.polls), polls);
    fixture_finish(&f);
}

static void *give_up(void *data)
{
    rig_sleep_ms(20);
    cancel_set(data);
    return NULL;
}

/* A still that never comes, for there is no tap, is waited for until nobody wants it. */
static void waiting_for_a_still_can_be_cancelled(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_make(&f, 3, fixture_plane, fixture_tiles, 1);
    struct cancel cancel;
    cancel_init(&cancel);
    pthread_t thread;
    struct error err = {""};
    painter_still_begin(f.painter);
    assert_int_equal(pthread_create(&thread, NULL, give_up, &cancel), 0);
    assert_false(painter_still_wait(f.painter, INT64_MAX, &cancel, &err));
    assert_string_equal(err.text, "nobody waits for the picture any more");
    pthread_join(thread, NULL);
    painter_still_end(f.painter);
    cancel_finish(&cancel);
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_is_drawn_without_a_tap_or_a_change, fixture_abandon),
        cmocka_unit_test_teardown(the_newest_snapshot_wins, fixture_abandon),
        cmocka_unit_test_teardown(pictures_are_paced, fixture_abandon),
        cmocka_unit_test_teardown(a_late_picture_makes_no_other_late, fixture_abandon),
        cmocka_unit_test_teardown(coarse_comes_before_fine, fixture_abandon),
        cmocka_unit_test_teardown(a_moved_slider_keeps_the_old_slice_until_the_new_one_is_there,
                                  fixture_abandon),
        cmocka_unit_test_teardown(neighbours_are_there_before_they_are_asked_for, fixture_abandon),
        cmocka_unit_test_teardown(a_fast_slider_still_shows_pictures, fixture_abandon),
        cmocka_unit_test_teardown(a_turning_volume_is_quick_and_a_resting_one_complete,
                                  fixture_abandon),
        cmocka_unit_test_teardown(a_costly_picture_gives_way_to_input, fixture_abandon),
        cmocka_unit_test_teardown(pictures_keep_coming_when_they_become_costly, fixture_abandon),
        cmocka_unit_test_teardown(the_canvas_can_change, fixture_abandon),
        cmocka_unit_test_teardown(taps_come_and_go, fixture_abandon),
        cmocka_unit_test_teardown(a_dropped_picture_is_captured_later, fixture_abandon),
        cmocka_unit_test_teardown(waiting_for_a_still_can_be_cancelled, fixture_abandon),
        cmocka_unit_test_teardown(late_captures_are_collected_without_spinning, fixture_abandon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
