/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "render/quality.h"

/* A renderer whose full picture takes `full_ms`. */
static double turn(struct quality *quality, double full_ms, unsigned frames)
{
    double ms = 0;
    for (unsigned i = 0; i < frames; i++) {
        struct quality_step at = quality_next(quality);
        ms = full_ms * at.resolution * at.resolution / at.step;
        quality_measured(quality, at, ms);
    }
    return ms;
}

static void a_slow_renderer_stays_within_the_budget(void **state)
{
    (void)state;
    static const double full[] = {40, 100, 250, 500, 900};
    for (unsigned i = 0; i < sizeof full / sizeof *full; i++) {
        struct quality quality;
        quality_init(&quality, 33, true);
        assert_true(turn(&quality, full[i], 12) <= 33);
    }
}

static void a_fast_renderer_loses_nothing(void **state)
{
    (void)state;
    struct quality quality;
    quality_init(&quality, 33, false);
    assert_float_equal(quality_next(&quality).resolution, 1, 0);
    turn(&quality, 5, 10);
    assert_float_equal(quality_next(&quality).resolution, 1, 0);
    assert_float_equal(quality_next(&quality).step, 1, 0);
    quality_init(&quality, 33, true); /* a fast software renderer gets there too */
    turn(&quality, 5, 10);
    assert_float_equal(quality_next(&quality).resolution, 1, 0);
}

static void it_does_not_flicker_between_two_rungs(void **state)
{
    (void)state;
    struct quality quality;
    quality_init(&quality, 33, true);
    turn(&quality, 250, 20);
    unsigned rung = quality.rung, changes = 0;
    for (int i = 0; i < 100; i++) {
        turn(&quality, i % 2 ? 262 : 238, 1);
        changes += quality.rung != rung;
        rung = quality.rung;
    }
    assert_true(changes <= 1);
}

static void costly_pictures_are_cut_into_parts(void **state)
{
    (void)state;
    struct quality quality;
    quality_init(&quality, 33, true);
    assert_int_equal(quality_parts(&quality, 10, 64), 1); /* not known yet */
    turn(&quality, 250, 20);
    assert_in_range(quality_parts(&quality, 10, 64), 25, 27);
    turn(&quality, 9000, 50);
    assert_int_equal(quality_parts(&quality, 10, 64), 64);
    quality_rested(&quality, 10, false); /* given up after the first */
    assert_int_equal(quality_parts(&quality, 10, 64), 64);
    quality_rested(&quality, 95, true); /* a picture at rest knows better */
    assert_int_equal(quality_parts(&quality, 10, 64), 10);
}

static void a_picture_that_was_given_up_counts(void **state)
{
    (void)state;
    struct quality quality;
    quality_init(&quality, 33, true);
    turn(&quality, 5, 10);
    assert_int_equal(quality.rung, 0);
    quality_rested(&quality, 300, false);
    assert_true(quality_next(&quality).resolution < 1 || quality_next(&quality).step > 1);
    quality_rested(&quality, 20, false); /* at least 20 ms: nothing new */
    assert_true(quality_next(&quality).resolution < 1 || quality_next(&quality).step > 1);
    quality_rested(&quality, 20, true);
    assert_int_equal((quality_next(&quality), quality.rung), 0);
}

static void a_jump_in_cost_is_followed_at_once(void **state)
{
    (void)state;
    struct quality quality;
    quality_init(&quality, 33, true);
    turn(&quality, 12, 10);
    assert_int_equal(quality.rung, 0);
    turn(&quality, 2700, 1);
    assert_true(turn(&quality, 2700, 1) <= 50);
    quality_reset(&quality);
    assert_true(quality_unknown(&quality));
    assert_true(quality_next(&quality).resolution < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_renderer_stays_within_the_budget),
        cmocka_unit_test(a_fast_renderer_loses_nothing),
        cmocka_unit_test(it_does_not_flicker_between_two_rungs),
        cmocka_unit_test(costly_pictures_are_cut_into_parts),
        cmocka_unit_test(a_picture_that_was_given_up_counts),
        cmocka_unit_test(a_jump_in_cost_is_followed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
