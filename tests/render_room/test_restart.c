/* SPDX-License-Identifier: BSD-3-Clause */
/* Modules that fail for good or end the render thread: it is made again from the newest snapshot,
 * says so, and whoever had a tap gets pictures as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "rig.h"
#include "util/clock.h"
#include "util/thread.h"

static void begin(struct fixture *f)
{
    fixture_make(f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(f);
    fixture_post(f, rig_snapshot(f->dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f->complete, 1));
}

/* The fault has been told, then that all is well again, and the newest snapshot is shown whole. */
static void goes_on(struct fixture *f, uint64_t revision, int faults)
{
    assert_true(rig_wait(&f->notices[RENDER_NOTICE_FAULT], faults));
    assert_true(rig_wait(&f->notices[RENDER_NOTICE_READY], 2));
    assert_true(fixture_shows(f, revision));
    for (int i = 0; i < 2000 && fixture_last(f).coverage < 1; i++)
        rig_sleep_ms(1);
    assert_float_equal(fixture_last(f).coverage, 1, 0);
}

static void says(struct fixture *f, const char *text)
{
    pthread_mutex_lock(&f->mutex);
    if (!strstr(f->text, text))
        fail_msg("\"%s\" does not say \"%s\"", f->text, text);
    pthread_mutex_unlock(&f->mutex);
}

static void a_call_of_the_scene_module_ends_the_thread(void **state)
{
    (void)state;
    static const int calls[] = {CALL_APPLY, CALL_DRAW, CALL_UPLOAD, CALL_EVICT};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        static struct fixture f;
        begin(&f);
        atomic_store(&fake_scene.end_in, calls[i]);
        fixture_post(&f, fixture_slice(&f, 2, 7)); /* another slice: all of them are called */
        goes_on(&f, 2, 1);
        says(&f, "scene/fake has ended the render thread; rendering starts again");
        assert_int_equal(atomic_load(&fake_scene.lost), 1);
        fixture_post(&f, fixture_slice(&f, 3, 8));
        assert_true(fixture_shows(&f, 3));
        fixture_finish(&f);
    }
}

static void a_call_of_the_capture_module_ends_the_thread(void **state)
{
    (void)state;
    static const int calls[] = {CALL_GRAB, CALL_POLL};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        static struct fixture f;
        begin(&f);
        atomic_store(&fake_capture.late, true);
        atomic_store(&fake_capture.end_in, calls[i]);
        fixture_post(&f, fixture_slice(&f, 2, 7));
        goes_on(&f, 2, 1);
        says(&f, "capture/fake has ended the render thread");
        assert_int_equal(atomic_load(&fake_scene.lost), 0);
        assert_int_equal(atomic_load(&fake_capture.lost), 1);
        fixture_finish(&f);
    }
}

static void the_thread_ends_while_it_is_taken_down(void **state)
{
    (void)state;
    static struct fixture f;
    begin(&f);
    atomic_store(&fake_scene.end_in, CALL_DESTROY);
    fixture_finish(&f);

    begin(&f); /* and while another fault is dealt with */
    atomic_store(&fake_scene.end_in, CALL_DESTROY);
    atomic_store(&fake_scene.fail_draw, ORIEL_DEVICE_LOST);
    fixture_post(&f, fixture_slice(&f, 2, 7));
    goes_on(&f, 2, 2);
    fixture_finish(&f);
}

static void it_ends_again_and_again(void **state)
{
    (void)state;
    static struct fixture f;
    begin(&f);
    int64_t started = clock_ns();
    atomic_store(&fake_scene.end_then, CALL_CREATE); /* when it starts again, too */
    atomic_store(&fake_scene.end_in, CALL_DRAW);
    fixture_post(&f, fixture_slice(&f, 2, 1));
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_FAULT], 2));
    says(&f, "rendering starts again in 0.5 s");
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_READY], 2));
    atomic_store(&fake_scene.end_in, CALL_DRAW);
    fixture_post(&f, fixture_slice(&f, 4, 3));
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_FAULT], 3));
    says(&f, "rendering starts again in 1 s");
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_READY], 3));
    assert_true(fixture_shows(&f, 4));
    assert_true(clock_ns() - started > 1200 * NS_PER_MS); /* 0, 0.5 and 1 s */
    fixture_finish(&f);
}

static void calls_that_fail_time_and_again(void **state)
{
    (void)state;
    static const int results[] = {ORIEL_IO, ORIEL_NOMEM, ORIEL_INVALID};
    for (unsigned i = 0; i < sizeof results / sizeof *results; i++) {
        static struct fixture f;
        begin(&f);
        atomic_store(&fake_scene.fail_with, results[i]);
        atomic_store(&fake_scene.fail_draws, 2); /* once or twice: it is drawn again */
        fixture_post(&f, fixture_slice(&f, 2, 7));
        assert_true(fixture_shows(&f, 2));
        assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_FAULT]), 0);
        int frames = atomic_load(&f.frames);
        atomic_store(&fake_scene.fail_draws, 3);
        fixture_post(&f, fixture_slice(&f, 3, 8));
        assert_true(rig_wait(&f.notices[RENDER_NOTICE_FAULT], 1));
        assert_true(rig_wait(&f.frames, frames + 1)); /* no picture of a draw that failed */
        assert_true(fixture_shows(&f, 3));
        fixture_finish(&f);
    }
}

/* No thread can be started any more, and the painter goes meanwhile: it joins the one that was. */
static atomic_int refusals, refused;

bool __real_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *data);
bool __wrap_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *data);

bool __wrap_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *data)
{
    if (!atomic_load(&refusals))
        return __real_thread_start(thread, name, run, data);
    memset(thread, 0x5a, sizeof *thread); /* undefined then */
    atomic_fetch_add(&refused, 1);
    return false;
}

static void it_goes_while_no_thread_starts(void **state)
{
    (void)state;
    static struct fixture f;
    begin(&f);
    atomic_store(&refusals, 1);
    atomic_store(&fake_scene.end_in, CALL_DRAW);
    fixture_post(&f, fixture_slice(&f, 2, 7));
    assert_true(rig_wait(&refused, 1));
    fixture_finish(&f);
    atomic_store(&refusals, 0);
}

/* The only module there is has failed for good: it is not given up for ever. */
static void the_last_module_gets_another_chance(void **state)
{
    (void)state;
    static struct fixture f;
    begin(&f);
    atomic_store(&fake_scene.fail_draw, ORIEL_FATAL);
    fixture_post(&f, fixture_slice(&f, 2, 7));
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_FAULT], 2));
    assert_true(rig_wait(&f.notices[RENDER_NOTICE_READY], 2));
    assert_true(fixture_shows(&f, 2));
    fixture_finish(&f);
}

static void a_start_that_ends_the_thread_is_an_error(void **state)
{
    (void)state;
    static struct fixture f;
    fixture_prepare(&f, 3, fixture_plane, fixture_tiles, 1);
    atomic_store(&fake_scene.end_in, CALL_CREATE);
    struct error err = {""};
    assert_null(painter_create(&f.setup, &err));
    assert_string_equal(err.text, "scene/fake has ended the render thread");
    assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_FAULT]), 0);
    fixture_finish(&f);
}

static void a_still_hears_of_the_end(void **state)
{
    (void)state;
    static struct fixture f;
    begin(&f);
    painter_still_begin(f.painter);
    atomic_store(&fake_scene.end_in, CALL_DRAW);
    fixture_post(&f, fixture_slice(&f, 2, 7));
    struct error err = {""};
    assert_false(painter_still_wait(f.painter, INT64_MAX, NULL, &err));
    assert_non_null(strstr(err.text, "scene/fake has ended the render thread"));
    painter_still_end(f.painter);
    goes_on(&f, 2, 1);

    painter_still_begin(f.painter); /* what the module does not take is an error, no endless wait */
    atomic_store(&fake_scene.fail_uploads, 1);
    fixture_post(&f, fixture_slice(&f, 3, 8));
    assert_false(painter_still_wait(f.painter, INT64_MAX, NULL, &err));
    painter_still_end(f.painter);
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_call_of_the_scene_module_ends_the_thread, fixture_abandon),
        cmocka_unit_test_teardown(a_call_of_the_capture_module_ends_the_thread, fixture_abandon),
        cmocka_unit_test_teardown(the_thread_ends_while_it_is_taken_down, fixture_abandon),
        cmocka_unit_test_teardown(it_ends_again_and_again, fixture_abandon),
        cmocka_unit_test_teardown(calls_that_fail_time_and_again, fixture_abandon),
        cmocka_unit_test_teardown(it_goes_while_no_thread_starts, fixture_abandon),
        cmocka_unit_test_teardown(the_last_module_gets_another_chance, fixture_abandon),
        cmocka_unit_test_teardown(a_start_that_ends_the_thread_is_an_error, fixture_abandon),
        cmocka_unit_test_teardown(a_still_hears_of_the_end, fixture_abandon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
