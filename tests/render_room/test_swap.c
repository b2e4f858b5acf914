/* SPDX-License-Identifier: BSD-3-Clause */
/* Another scene module takes over: with all data, from the cache, and only then the old one goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fixture.h"
#include "rig.h"

static void shown(struct fixture *f)
{
    fixture_make(f, 3, fixture_plane, fixture_tiles, 1);
    fixture_tap(f);
    fixture_post(f, rig_snapshot(f->dataset, 1, 2, 320, 200));
    assert_true(rig_wait(&f->complete, 1));
}

static void nothing_is_read_again(void **state)
{
    (void)state;
    static struct fixture f;
    struct error err = {""};
    fake_scene_reset();
    shown(&f);
    int reads = atomic_load(&fake_source.reads), uploads = atomic_load(&fake_scene.uploads);
    for (int i = 1; i <= 5; i++) {
        int complete = atomic_load(&f.complete);
        if (!painter_swap_scene(f.painter, "scene/fake", &err))
            fail_msg("%s", err.text);
        assert_true(rig_wait(&f.complete, complete + 1));
        assert_int_equal(atomic_load(&fake_scene.creates), i + 1);
        assert_true(rig_wait(&fake_scene.destroys, i));
        assert_true(fixture_last(&f).coverage >= 1);
    }
    assert_int_equal(atomic_load(&fake_source.reads), reads);
    assert_true(atomic_load(&fake_scene.uploads) >= uploads * 6);
    assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_FAULT]), 0);
    assert_int_equal(atomic_load(&fake_scene.evicts), 0); /* what goes, goes whole */
    fixture_finish(&f);
}

static void one_that_fails_is_not_taken(void **state)
{
    (void)state;
    static struct fixture f;
    struct error err = {""};
    fake_scene_reset();
    shown(&f);
    atomic_store(&fake_scene.fail_draw, ORIEL_FATAL);
    assert_false(painter_swap_scene(f.painter, "scene/fake", &err));
    assert_non_null(strstr(err.text, "scene/fake: draw failed"));
    assert_true(rig_wait(&fake_scene.destroys, 1));
    fixture_post(&f, rig_snapshot(f.dataset, 2, 2, 320, 200)); /* the one there goes on */
    for (int i = 0; i < 500 && fixture_last(&f).revision < 2; i++)
        rig_sleep_ms(2);
    assert_true(fixture_last(&f).revision == 2);
    assert_int_equal(atomic_load(&f.notices[RENDER_NOTICE_FAULT]), 0);
    assert_true(painter_swap_scene(f.painter, "scene/fake", &err));
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_is_read_again, fixture_abandon),
        cmocka_unit_test_teardown(one_that_fails_is_not_taken, fixture_abandon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
