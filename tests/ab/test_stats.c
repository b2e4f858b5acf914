/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ab/stats.h"

#define NEAR(a, b, by) assert_true(fabs((a) - (b)) <= (by))

static double bd(const struct rd_point *a, size_t n, const struct rd_point *b, size_t m)
{
    double percent = NAN;
    const char *why;
    if (!bd_rate(a, n, b, m, &percent, &why))
        fail_msg("%s", why);
    return percent;
}

/* Curves with the same quality at rates in a fixed proportion differ by that proportion, whatever
 * their shape. */
static void test_bd_proportion(void **state)
{
    (void)state;
    const struct rd_point base[] = {{1000, 31}, {2200, 34.5}, {5100, 37}, {9000, 40.25}};
    struct rd_point less[4], more[4];
    for (int i = 0; i < 4; i++) {
        less[i] = (struct rd_point){base[3 - i].rate * 0.8, base[3 - i].quality};
        more[i] = (struct rd_point){base[i].rate * 2, base[i].quality};
    }
    NEAR(bd(base, 4, base, 4), 0, 1e-9);
    NEAR(bd(base, 4, less, 4), -20, 1e-9);
    NEAR(bd(base, 4, more, 4), 100, 1e-9);
    NEAR(bd(more, 4, base, 4), -50, 1e-9);
}

/* The logarithm of the rate is a straight line over the quality: the mean difference is that in the
 * middle of what both have, here 35 to 41 dB, so at 38 dB. */
static void test_bd_lines(void **state)
{
    (void)state;
    struct rd_point a[4], b[4];
    for (int i = 0; i < 4; i++) {
        double qa = 32 + 3 * i, qb = 35 + 3 * i;
        a[i] = (struct rd_point){pow(10, 2 + 0.10 * (qa - 30)), qa};
        b[i] = (struct rd_point){pow(10, 2 + 0.08 * (qb - 30)), qb};
    }
    NEAR(bd(a, 4, b, 4), (pow(10, -0.02 * 8) - 1) * 100, 1e-6);
}

/* The answer is that of another implementation of PCHIP (scipy's), integrated numerically. */
static void test_bd_known(void **state)
{
    (void)state;
    const struct rd_point a[] = {{686.76, 40.28}, {309.58, 37.18}, {157.11, 34.24}, {85.95, 31.42}};
    const struct rd_point b[] = {{893.34, 40.39}, {407.8, 37.21}, {204.93, 34.17}, {112.75, 31.24}};
    NEAR(bd(a, 4, b, 4), 31.379878, 1e-4);
}

static void test_bd_refused(void **state)
{
    (void)state;
    double percent;
    const char *why;
    const struct rd_point a[] = {{100, 30}, {200, 33}, {400, 36}};
    const struct rd_point apart[] = {{100, 40}, {200, 43}, {400, 46}};
    const struct rd_point falls[] = {{100, 30}, {200, 29}, {400, 36}};
    const struct rd_point lossless[] = {{100, 30}, {200, INFINITY}, {400, INFINITY}};
    assert_false(bd_rate(a, 3, apart, 3, &percent, &why));
    assert_string_equal(why, "the curves have no quality in common");
    assert_false(bd_rate(a, 3, falls, 3, &percent, &why));
    assert_string_equal(why, "the quality does not grow with the rate");
    assert_false(bd_rate(a, 3, lossless, 3, &percent, &why));
    assert_false(bd_rate(a, 1, a, 3, &percent, &why));
    assert_string_equal(why, "fewer than two rates have a finite quality");
}

static void test_percentiles(void **state)
{
    (void)state;
    double values[] = {5, NAN, 1, 4, NAN, 2, 3};
    assert_int_equal(sort_numbers(values, 7), 5);
    NEAR(percentile(values, 5, 0), 1, 0);
    NEAR(percentile(values, 5, 0.5), 3, 0);
    NEAR(percentile(values, 5, 0.9), 4.6, 1e-12);
    NEAR(percentile(values, 5, 1), 5, 0);
    assert_true(isnan(percentile(values, 0, 0.5)));
    assert_true(isnan(mean_of(values, 0)));
}

static void test_bootstrap(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    double noise[COUNT], shifted[COUNT];
    uint32_t random = 1;
    double sum = 0;
    for (int i = 0; i < COUNT; i++) {
        double twelve = 0; /* of twelve uniform numbers: nearly normal, variance 1 */
        for (int k = 0; k < 12; k++) {
            random = random * 1664525 + 1013904223;
            twelve += (random >> 8) / 16777216.0;
        }
        noise[i] = twelve - 6;
        sum += noise[i];
    }
    for (int i = 0; i < COUNT; i++) {
        noise[i] -= sum / COUNT;
        shifted[i] = noise[i] + 0.3;
    }
    struct interval none = bootstrap_mean(noise, COUNT, 0.95, 2000, 7);
    struct interval some = bootstrap_mean(shifted, COUNT, 0.95, 2000, 7);
    assert_false(none.significant);
    assert_true(some.significant);
    NEAR(some.mean, 0.3, 1e-9);
    /* The standard error is 1/20; the interval of a normal mean is 1.96 of them to each side. */
    NEAR(some.high - some.low, 2 * 1.96 / 20, 0.03);
    struct interval again = bootstrap_mean(shifted, COUNT, 0.95, 2000, 7);
    struct interval other = bootstrap_mean(shifted, COUNT, 0.95, 2000, 8);
    assert_true(again.low == some.low && again.high == some.high);
    assert_true(other.low != some.low);
    /* Neighbours that are alike tell less: the interval is wider than for independent ones. */
    double blocks[COUNT];
    for (int i = 0; i < COUNT; i++)
        blocks[i] = noise[i / 8 * 8];
    struct interval alike = bootstrap_mean(blocks, COUNT, 0.95, 2000, 7);
    assert_true(alike.high - alike.low > 1.5 * (none.high - none.low));
    struct interval one = bootstrap_mean(shifted, 1, 0.95, 2000, 7);
    assert_false(one.significant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bd_proportion), cmocka_unit_test(test_bd_lines),
        cmocka_unit_test(test_bd_known),      cmocka_unit_test(test_bd_refused),
        cmocka_unit_test(test_percentiles),   cmocka_unit_test(test_bootstrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
