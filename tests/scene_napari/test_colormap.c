/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "scene/colormap.h"

static void assert_color(const char *name, double t, double r, double g, double b)
{
    const struct oriel_colormap *map = colormap_find(name);
    assert_non_null(map);
    float c[4];
    colormap_sample(map, t, c);
    assert_float_equal(c[0], r, 2e-6);
    assert_float_equal(c[1], g, 2e-6);
    assert_float_equal(c[2], b, 2e-6);
    assert_float_equal(c[3], 1, 0);
}

static void test_menu(void **state)
{
    (void)state;
    size_t n = 0;
    for (; colormap_at(n); n++) {
        assert_ptr_equal(colormap_find(colormap_at(n)->name), colormap_at(n));
        if (n > 0)
            assert_true(strcasecmp(colormap_at(n - 1)->name, colormap_at(n)->name) < 0);
    }
    assert_int_equal(n, 30);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(colormap_find("VIRIDIS")->name, "viridis");
    assert_string_equal(colormap_find("hilo")->name, "HiLo");
    assert_string_equal(colormap_find("i bordeaux")->name, "I Bordeaux");
    assert_string_equal(colormap_find("Blues")->name, "Blues"); /* matplotlib's */
    assert_string_equal(colormap_find("blues")->name, "blues"); /* vispy's */
    assert_ptr_not_equal(colormap_find("Blues"), colormap_find("blues"));
    assert_null(colormap_find("no such map"));
    assert_null(colormap_find("Set1_r_r"));
}

static void test_values(void **state)
{
    (void)state;
    assert_color("viridis", 0, 0.267004, 0.004874, 0.329415);
    assert_color("viridis", 1, 0.993248, 0.906157, 0.143936);
    assert_color("viridis_r", 0, 0.993248, 0.906157, 0.143936);
    assert_color("magma", 0, 0.001462, 0.000466, 0.013866);
    assert_color("gray", 0.25, 0.25, 0.25, 0.25);
    assert_color("gray_r", 0.25, 0.75, 0.75, 0.75);
    assert_color("fire", 0.5, 1, 1, 0);
    assert_color("ice", 0, 0, 0, 1);
    assert_color("I Orange", 1, 1, 117 / 255.0, 0);
    assert_color("bop orange", 2 / 255.0, 1 / 255.0, 1 / 255.0, 0);
    assert_color("bop blue", 1, 32 / 255.0, 173 / 255.0, 248 / 255.0);
    assert_color("HiLo", 0, 0, 0, 1);
    assert_color("HiLo", 1, 1, 0, 0);
    assert_color("HiLo", 0.5, 0.5, 0.5, 0.5);
    assert_color("nan", NAN, 1, 0, 0);
}

/* Every map is usable as the scene's: controls from 0 to 1, ascending, colours in range. */
static void test_tables(void **state)
{
    (void)state;
    static const char *const names[] = {"twilight_shifted", "PiYG", "Paired_r", "cividis", "hot_r"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct oriel_colormap *map = colormap_find(names[i]);
        assert_non_null(map);
        assert_int_equal(map->count, 256);
        assert_true(map->controls[0] == 0 && map->controls[255] == 1);
        for (uint32_t k = 0; k < map->count; k++) {
            assert_true(k == 0 || map->controls[k] > map->controls[k - 1]);
            for (int c = 0; c < 4; c++)
                assert_true(map->colors[4 * k + (uint32_t)c] >= 0 &&
                            map->colors[4 * k + (uint32_t)c] <= 1);
        }
    }
}

static void test_steps(void **state)
{
    (void)state;
    static const float colors[] = {1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0.5F};
    static const float controls[] = {0, 0.25F, 0.5F, 1};
    const struct oriel_colormap map = {.name = "steps",
                                       .colors = colors,
                                       .controls = controls,
                                       .count = 3,
                                       .interpolation = ORIEL_LUT_ZERO};
    static const struct {
        double t;
        int color;
    } cases[] = {{0, 0}, {0.2499, 0}, {0.25, 1}, {0.49, 1}, {0.5, 2}, {1, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float c[4];
        colormap_sample(&map, cases[i].t, c);
        assert_memory_equal(c, &colors[4 * cases[i].color], sizeof c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_menu),   cmocka_unit_test(test_names), cmocka_unit_test(test_values),
        cmocka_unit_test(test_tables), cmocka_unit_test(test_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
