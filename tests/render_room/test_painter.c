/* SPDX-License-Identifier: BSD-3-Clause */
/* The render thread over fakes: when it draws, what it draws, and what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "render/painter.h"
#include "rig.h"
#include "util/clock.h"

struct fixture {
    struct dataset *dataset;
    struct metrics *metrics;
    struct stats *stats;
    struct taps *taps;
    struct loader *loader;
    struct painter *painter;
    atomic_int frames, complete, notices[8];
    pthread_mutex_t mutex;
    struct oriel_stamp last; /* under mutex */
    uint32_t width, height;
    char text[512];
};

static void wake(void *data)
{
    struct fixture *f = data;
    painter_wake(f->painter);
}

static void notice(void *data, const struct render_notice *n)
{
    struct fixture *f = data;
    pthread_mutex_lock(&f->mutex);
    if (n->kind == RENDER_NOTICE_DATA_ERROR || n->kind == RENDER_NOTICE_FAULT)
        memcpy(f->text, n->text, sizeof f->text);
    pthread_mutex_unlock(&f->mutex);
    atomic_fetch_add(&f->notices[n->kind], 1);
}

static void take(void *data, const struct oriel_frame *frame)
{
    struct fixture *f = data;
    pthread_mutex_lock(&f->mutex);
    f->last = frame->stamp;
    f->width = frame->format.width;
    f->height = frame->format.height;
    pthread_mutex_unlock(&f->mutex);
    if (frame->stamp.flags & ORIEL_FRAME_COMPLETE)
        atomic_fetch_add(&f->complete, 1);
    atomic_fetch_add(&f->frames, 1);
}

static const struct oriel_format rgba = {.domain = ORIEL_DOMAIN_CPU,
                                         .fourcc = ORIEL_FMT_RGBA,
                                         .primaries = ORIEL_PRIMARIES_BT709,
                                         .transfer = ORIEL_TRANSFER_SRGB,
                                         .matrix = ORIEL_MATRIX_IDENTITY,
                                         .full_range = 1};

static uint32_t tap(struct fixture *f)
{
    uint32_t id = taps_add(
        f->taps, &(struct render_tap){.format = rgba, .frames_held = 1, .frame = take, .data = f});
    painter_wake(f->painter);
    return id;
}

static struct oriel_stamp last(struct fixture *f)
{
    pthread_mutex_lock(&f->mutex);
    struct oriel_stamp stamp = f->last;
    pthread_mutex_unlock(&f->mutex);
    return stamp;
}

/* Until a frame has shown `revision`. */
static bool shows(struct fixture *f, uint64_t revision)
{
    for (int i = 0; i < 2000 && last(f).revision != revision; i++)
        rig_sleep_ms(1);
    return last(f).revision == revision;
}

static void post(struct fixture *f, struct scene_snapshot *snapshot)
{
    painter_post(f->painter, snapshot);
    scene_snapshot_unref(snapshot);
}

static void make(struct fixture *f, uint32_t ndim, const uint64_t *shape, const uint64_t *chunk,
                 uint32_t levels)
{
    memset(f, 0, sizeof *f);
    fake_source_set(ORIEL_U16, ndim, shape, chunk, levels, ndim > 2 ? ndim - 2 : 0);
    fake_scene_reset();
    pthread_mutex_init(&f->mutex, NULL);
    f->dataset = rig_open();
    f->metrics = metrics_create();
    f->stats = stats_create(f->metrics);
    f->taps = taps_create(NULL, f->stats);
    struct error err = {""};
    f->loader = loader_create(2, 64 << 20, wake, f, &err);
    struct painter_setup setup = {.loader = f->loader,
                                  .taps = f->taps,
                                  .stats = f->stats,
                                  .events = {notice, f},
                                  .policy = {.threshold_in = 1.05,
                                             .threshold_out = 1.35,
                                             .fine_threshold = 1.05,
                                             .cooldown_ns = 1000000,
                                             .lock = -1,
                                             .max_volume_bytes = 256 << 20},
                                  .device = -1,
                                  .frame_ns = 5 * NS_PER_MS,
                                  .settle_ns = 60 * NS_PER_MS,
                                  .budget_ms = 20};
    f->painter = painter_create(&setup, &err);
    if (!f->painter)
        fail_msg("%s", err.text);
}

static void finish(struct fixture *f)
{
    loader_stop(f->loader);
    painter_destroy(f->painter);
    taps_destroy(f->taps);
    loader_destroy(f->loader);
    stats_destroy(f->stats);
    metrics_destroy(f->metrics);
    dataset_unref(f->dataset);
    assert_int_equal(atomic_load(&fake_scene.creates), atomic_load(&fake_scene.destroys));
    assert_int_equal(atomic_load(&fake_capture.creates), atomic_load(&fake_capture.destroys));
}

static const uint64_t plane[3] = {20, 256, 256}, tiles[3] = {1, 64, 64}, cube[3] = {32, 32, 32};

static void nothing_is_drawn_without_a_tap_or_a_change(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 2);
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_READY], 1));
    post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    rig_sleep_ms(50);
    assert_int_equal(atomic_load(&fake_scene.draws), 0);
    tap(&f);
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(120); /* beyond the rest time */
    int draws = atomic_load(&fake_scene.draws);
    rig_sleep_ms(200);
    assert_int_equal(atomic_load(&fake_scene.draws), draws);
    post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200)); /* the same revision */
    rig_sleep_ms(50);
    assert_int_equal(atomic_load(&fake_scene.draws), draws);
    post(&f, rig_snapshot(f.dataset, 2, 2, 320, 200));
    assert_true(shows(&f, 2));
    struct oriel_stamp stamp = last(&f);
    assert_true(stamp.flags & ORIEL_FRAME_BOTTOM_UP);
    assert_true(stamp.flags & ORIEL_FRAME_COMPLETE);
    assert_float_equal(stamp.coverage, 1, 0);
    assert_int_equal(stamp.outstanding, 0);
    assert_true(stamp.t_input_ns <= stamp.t_begin_ns && stamp.t_begin_ns <= stamp.t_drawn_ns);
    finish(&f);
}

static void the_newest_snapshot_wins(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    tap(&f);
    atomic_store(&fake_scene.draw_ms, 20);
    for (uint64_t r = 1; r <= 200; r++) {
        post(&f, rig_snapshot(f.dataset, r, 2, 320, 200));
        rig_sleep_ms(1);
    }
    assert_true(shows(&f, 200));
    assert_true(atomic_load(&f.frames) < 60);
    finish(&f);
}

static void pictures_are_paced(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    tap(&f);
    int64_t begin = clock_ns();
    for (uint64_t r = 1; clock_ns() - begin < 300 * NS_PER_MS; r++) {
        post(&f, rig_snapshot(f.dataset, r, 2, 320, 200));
        rig_sleep_ms(1);
    }
    assert_in_range(atomic_load(&f.frames), 5, 63); /* at most one in 5 ms */
    finish(&f);
}

static void coarse_comes_before_fine(void **state)
{
    (void)state;
    static const uint64_t shape[3] = {4, 4096, 4096}, chunk[3] = {1, 256, 256};
    struct fixture f;
    make(&f, 3, shape, chunk, 5);
    atomic_store(&fake_source.delay_ms, 20);
    tap(&f);
    struct scene_snapshot *snapshot = rig_snapshot(f.dataset, 1, 2, 600, 400);
    post(&f, snapshot);
    bool coarse_alone = false;
    while (!atomic_load(&f.complete)) {
        struct oriel_stamp stamp = last(&f);
        if (stamp.level_count == 5 && atomic_load(&fake_scene.last_base) && stamp.coverage < 0.5f &&
            stamp.outstanding > 0)
            coarse_alone = true;
        rig_sleep_ms(1);
    }
    assert_true(coarse_alone);
    assert_int_equal(last(&f).level, 0);
    assert_int_equal(last(&f).outstanding, 0);
    assert_true(atomic_load(&f.notices[RENDER_NOTICE_LEVEL]) >= 2);
    assert_true(atomic_load(&f.notices[RENDER_NOTICE_LOADING]) >= 2);
    finish(&f);
}

static struct scene_snapshot *slice(struct fixture *f, uint64_t revision, double z)
{
    struct scene_snapshot *snapshot = rig_snapshot(f->dataset, revision, 2, 320, 200);
    snapshot->scene.point[0] = z;
    return snapshot;
}

static void a_moved_slider_keeps_the_old_slice_until_the_new_one_is_there(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    tap(&f);
    post(&f, slice(&f, 1, 0));
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(100);
    atomic_store(&fake_source.delay_ms, 60);
    uint64_t old = atomic_load(&fake_scene.last_base);
    post(&f, slice(&f, 2, 10)); /* too far to be prefetched */
    assert_true(shows(&f, 2));
    assert_int_equal(atomic_load(&fake_scene.last_base), old);
    assert_true(last(&f).coverage < 1);
    assert_false(last(&f).flags & ORIEL_FRAME_COMPLETE);
    int complete = atomic_load(&f.complete);
    assert_true(rig_wait(&f.complete, complete + 1));
    assert_int_not_equal(atomic_load(&fake_scene.last_base), old);
    assert_int_equal(atomic_load(&fake_scene.slabs), 1); /* the old one is gone */
    finish(&f);
}

static void neighbours_are_there_before_they_are_asked_for(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    tap(&f);
    post(&f, slice(&f, 1, 5));
    assert_true(rig_wait(&fake_source.reads, 16 * 3));
    rig_sleep_ms(100);
    assert_int_equal(atomic_load(&fake_source.reads), 48);
    atomic_store(&fake_source.delay_ms, 1000);
    post(&f, slice(&f, 2, 6));
    assert_true(shows(&f, 2));
    assert_true(last(&f).flags & ORIEL_FRAME_COMPLETE);
    finish(&f);
}

static void a_fast_slider_still_shows_pictures(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    tap(&f);
    post(&f, slice(&f, 1, 0));
    assert_true(rig_wait(&f.complete, 1));
    atomic_store(&fake_source.delay_ms, 20); /* 16 tiles, 2 threads: 160 ms for a slice */
    uint64_t base = atomic_load(&fake_scene.last_base);
    unsigned slices = 0;
    for (uint64_t r = 2; r < 100; r++) {
        post(&f, slice(&f, r, (double)((r * 7) % 20)));
        rig_sleep_ms(15);
        uint64_t now = atomic_load(&fake_scene.last_base);
        slices += now != base;
        base = now;
    }
    assert_true(slices >= 2);
    post(&f, slice(&f, 1000, 3));
    assert_true(shows(&f, 1000));
    int complete = atomic_load(&f.complete);
    for (int i = 0; i < 2000 && last(&f).coverage < 1; i++)
        rig_sleep_ms(1);
    assert_true(atomic_load(&f.complete) > complete || last(&f).coverage >= 1);
    finish(&f);
}

static void a_turning_volume_is_quick_and_a_resting_one_complete(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, cube, cube, 1);
    atomic_store(&fake_scene.draw_ms, 200);
    tap(&f);
    int64_t begin = clock_ns();
    uint64_t r = 1;
    for (; clock_ns() - begin < 600 * NS_PER_MS; r++) {
        post(&f, rig_snapshot(f.dataset, r, 3, 320, 200));
        rig_sleep_ms(8);
    }
    int moving = atomic_load(&f.frames);
    assert_true(moving >= 12); /* 20 a second */
    assert_true(atomic_load(&fake_scene.last_flags) & ORIEL_VIEW_INTERACTIVE);
    assert_true(atomic_load(&fake_scene.last_resolution) < 1);
    assert_false(last(&f).flags & ORIEL_FRAME_COMPLETE);
    int complete = atomic_load(&f.complete);
    begin = clock_ns();
    assert_true(rig_wait(&f.complete, complete + 1));
    assert_true(clock_ns() - begin < 500 * NS_PER_MS);
    assert_int_equal(last(&f).revision, r - 1);
    assert_true(atomic_load(&fake_scene.bands) >= 8);
    int draws = atomic_load(&fake_scene.draws);
    rig_sleep_ms(300);
    assert_int_equal(atomic_load(&fake_scene.draws), draws);
    finish(&f);
}

static void a_costly_picture_gives_way_to_input(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, cube, cube, 1);
    atomic_store(&fake_scene.draw_ms, 1500);
    tap(&f);
    for (uint64_t r = 1; r < 4; r++) {
        post(&f, rig_snapshot(f.dataset, r, 3, 320, 200));
        assert_true(shows(&f, r));
    }
    assert_true(rig_wait(&fake_scene.bands, 3)); /* the full picture is under way */
    int64_t begin = clock_ns();
    post(&f, rig_snapshot(f.dataset, 4, 3, 320, 200));
    assert_true(shows(&f, 4));
    assert_true(clock_ns() - begin < 400 * NS_PER_MS);
    assert_int_equal(atomic_load(&f.complete), 0);
    finish(&f);
}

/* Turns for `ms` with a pose each 8 ms; how many pictures came. */
static int turn(struct fixture *f, uint64_t *revision, uint32_t rendering, int ms)
{
    int before = atomic_load(&f->frames);
    for (int64_t end = clock_ns() + ms * NS_PER_MS; clock_ns() < end; ++*revision) {
        struct scene_snapshot *snapshot = rig_snapshot(f->dataset, *revision, 3, 320, 200);
        rig_layer(snapshot)->rendering = rendering;
        post(f, snapshot);
        rig_sleep_ms(8);
    }
    return atomic_load(&f->frames) - before;
}

static void pictures_keep_coming_when_they_become_costly(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, cube, cube, 1);
    atomic_store(&fake_scene.draw_ms, 12);
    tap(&f);
    uint64_t revision = 1;
    turn(&f, &revision, ORIEL_RENDER_TRANSLUCENT, 400);
    assert_float_equal(atomic_load(&fake_scene.last_resolution), 1, 0);
    /* with the mode, which is seen before the first picture */
    atomic_store(&fake_scene.draw_ms, 2700);
    turn(&f, &revision, ORIEL_RENDER_ISO, 450); /* one that is slow: 340 ms */
    assert_true(turn(&f, &revision, ORIEL_RENDER_ISO, 500) >= 5);
    /* and without a change that tells, after a cheap while */
    atomic_store(&fake_scene.draw_ms, 12);
    turn(&f, &revision, ORIEL_RENDER_ISO, 400);
    assert_float_equal(atomic_load(&fake_scene.last_resolution), 1, 0);
    atomic_store(&fake_scene.draw_ms, 600);
    turn(&f, &revision, ORIEL_RENDER_ISO, 700);
    assert_true(turn(&f, &revision, ORIEL_RENDER_ISO, 500) >= 5);
    finish(&f);
}

static void the_canvas_can_change(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    tap(&f);
    post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(shows(&f, 1));
    post(&f, rig_snapshot(f.dataset, 2, 2, 641, 399));
    assert_true(shows(&f, 2));
    pthread_mutex_lock(&f.mutex);
    assert_int_equal(f.width, 641);
    assert_int_equal(f.height, 399);
    pthread_mutex_unlock(&f.mutex);
    assert_int_equal(atomic_load(&fake_capture.creates), 2);
    assert_int_equal(atomic_load(&fake_capture.destroys), 1);
    finish(&f);
}

static void taps_come_and_go(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    uint32_t first = tap(&f);
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(100);
    int frames = atomic_load(&f.frames);
    uint32_t second = tap(&f); /* gets a picture though nothing changed */
    assert_true(rig_wait(&f.frames, frames + 1));
    taps_remove(f.taps, first);
    taps_remove(f.taps, second);
    painter_wake(f.painter);
    assert_true(rig_wait(&fake_capture.destroys, atomic_load(&fake_capture.creates)));
    frames = atomic_load(&f.frames);
    post(&f, rig_snapshot(f.dataset, 2, 2, 320, 200));
    rig_sleep_ms(60);
    assert_int_equal(atomic_load(&f.frames), frames);
    finish(&f);
}

static void a_dropped_picture_is_captured_later(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    tap(&f);
    post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(100);
    atomic_store(&fake_capture.busy, 3);
    int draws = atomic_load(&fake_scene.draws);
    post(&f, rig_snapshot(f.dataset, 2, 2, 320, 200));
    assert_true(shows(&f, 2));
    assert_int_equal(atomic_load(&fake_scene.draws), draws + 1); /* drawn once, captured at last */
    finish(&f);
}

static void late_captures_are_collected_without_spinning(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    atomic_store(&fake_capture.late, true);
    tap(&f);
    post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f.complete, 1));
    rig_sleep_ms(100);
    int polls = atomic_load(&fake_capture.polls);
    rig_sleep_ms(100);
    assert_int_equal(atomic_load(&fake_capture.polls), polls);
    finish(&f);
}

static void what_cannot_be_read_is_told_once_and_then_read(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[1], 64);
    atomic_store(&fake_source.fail_times, 1);
    tap(&f);
    post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_DATA_ERROR], 1));
    pthread_mutex_lock(&f.mutex);
    assert_string_equal(f.text, "fake/broken: is broken");
    pthread_mutex_unlock(&f.mutex);
    for (int i = 0; i < 500 && last(&f).coverage < 0.9f; i++)
        rig_sleep_ms(1);
    assert_true(last(&f).coverage > 0.9f && last(&f).coverage < 1); /* the rest is there */
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_DATA_OK], 1));
    assert_true(rig_wait(&f.complete, 1));
    assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_DATA_ERROR]), 1);
    finish(&f);
}

/* A chunk of the finest of three levels cannot be read for a while. */
static void a_level_with_gaps_gives_way_to_the_next(uint32_t ndisplay)
{
    static const uint64_t chunk[3] = {8, 8, 8};
    struct fixture f;
    if (ndisplay == 3)
        make(&f, 3, cube, chunk, 3);
    else
        make(&f, 3, plane, tiles, 3);
    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[1], ndisplay == 3 ? 8 : 64);
    atomic_store(&fake_source.fail_times, 2);
    tap(&f);
    struct scene_snapshot *snapshot = rig_snapshot(f.dataset, 1, ndisplay, 320, 200);
    post(&f, snapshot);
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_DATA_ERROR], 1));
    assert_true(rig_wait(&f.complete, 1));
    assert_int_equal(last(&f).level, 1);
    assert_int_equal(last(&f).outstanding, 0);
    assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_DATA_OK]), 0);
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_DATA_OK], 1)); /* it is tried again */
    for (int i = 0; i < 1000 && last(&f).level != 0; i++)
        rig_sleep_ms(1);
    assert_int_equal(last(&f).level, 0);
    assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_DATA_ERROR]), 1);
    finish(&f);
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
    struct fixture f;
    make(&f, 3, plane, tiles, 1);
    tap(&f);
    post(&f, rig_snapshot(f.dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f.complete, 1));
    atomic_store(&fake_scene.fail_draw, ORIEL_DEVICE_LOST);
    post(&f, rig_snapshot(f.dataset, 2, 2, 320, 200));
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_FAULT], 1));
    assert_true(shows(&f, 2));
    for (int i = 0; i < 1000 && last(&f).coverage < 1; i++)
        rig_sleep_ms(1);
    assert_float_equal(last(&f).coverage, 1, 0);
    assert_int_equal(atomic_load(&fake_scene.creates), 2);
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_READY], 2));
    finish(&f);
}

static void a_full_gpu_is_asked_for_less(void **state)
{
    (void)state;
    static const uint64_t shape[3] = {64, 256, 256}, chunk[3] = {64, 64, 64};
    struct fixture f;
    make(&f, 3, shape, chunk, 3);
    atomic_store(&fake_scene.nomem, 3);
    tap(&f);
    post(&f, rig_snapshot(f.dataset, 1, 3, 320, 200));
    assert_true(rig_wait(&f.complete, 1));
    finish(&f);
}

static void a_still_is_complete_or_says_why_not(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, plane, tiles, 2);
    atomic_store(&fake_source.delay_ms, 3);
    painter_still_begin(f.painter);
    tap(&f);
    struct scene_snapshot *snapshot = rig_snapshot(f.dataset, 5, 2, 320, 200);
    painter_post(f.painter, snapshot);
    assert_true(rig_wait(&f.complete, 1));
    assert_int_equal(atomic_load(&f.frames), 1); /* nothing in between */
    painter_still_done(f.painter);
    struct error err = {""};
    assert_true(painter_still_wait(f.painter, &err));
    painter_still_end(f.painter);
    scene_snapshot_unref(snapshot);

    atomic_store(&fake_source.fail_level, 0);
    atomic_store(&fake_source.fail_origin[0], 15);
    atomic_store(&fake_source.fail_times, 1000);
    painter_still_begin(f.painter);
    post(&f, slice(&f, 6, 15));
    assert_false(painter_still_wait(f.painter, &err));
    assert_string_equal(err.text, "fake/broken: is broken");
    painter_still_end(f.painter);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_drawn_without_a_tap_or_a_change),
        cmocka_unit_test(the_newest_snapshot_wins),
        cmocka_unit_test(pictures_are_paced),
        cmocka_unit_test(coarse_comes_before_fine),
        cmocka_unit_test(a_moved_slider_keeps_the_old_slice_until_the_new_one_is_there),
        cmocka_unit_test(neighbours_are_there_before_they_are_asked_for),
        cmocka_unit_test(a_fast_slider_still_shows_pictures),
        cmocka_unit_test(a_turning_volume_is_quick_and_a_resting_one_complete),
        cmocka_unit_test(a_costly_picture_gives_way_to_input),
        cmocka_unit_test(pictures_keep_coming_when_they_become_costly),
        cmocka_unit_test(the_canvas_can_change),
        cmocka_unit_test(taps_come_and_go),
        cmocka_unit_test(a_dropped_picture_is_captured_later),
        cmocka_unit_test(late_captures_are_collected_without_spinning),
        cmocka_unit_test(what_cannot_be_read_is_told_once_and_then_read),
        cmocka_unit_test(a_volume_with_gaps_is_shown_coarser),
        cmocka_unit_test(a_slice_with_gaps_is_shown_coarser),
        cmocka_unit_test(a_lost_device_is_rebuilt),
        cmocka_unit_test(a_full_gpu_is_asked_for_less),
        cmocka_unit_test(a_still_is_complete_or_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
