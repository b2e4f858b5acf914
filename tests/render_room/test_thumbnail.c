/* SPDX-License-Identifier: BSD-3-Clause */
/* Every pixel of thumbnails of data that are a function of the index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "render/loader.h"
#include "render/pool.h"
#include "render/thumbnail.h"
#include "rig.h"
#include "scene/colormap.h"

struct picture {
    struct config *config;
    struct render_pool *pool;
    struct dataset *dataset;
    struct scene_snapshot *snapshot;
    struct oriel_layer *layer;
    struct thumbnail thumbnail;
};

static void make(struct picture *m, uint32_t dtype, uint32_t ndim, const uint64_t *shape,
                 const uint64_t *chunk, uint32_t levels, uint32_t halve, uint32_t ndisplay)
{
    struct error err = {""};
    fake_source_set(dtype, ndim, shape, chunk, levels, halve);
    m->config = config_create(&(struct config_inputs){0}, &err);
    m->pool = render_pool_create(m->config, NULL, NULL, &err);
    assert_non_null(m->pool);
    m->dataset = rig_open();
    m->snapshot = rig_snapshot(m->dataset, 1, ndisplay, 640, 480);
    m->layer = rig_layer(m->snapshot);
    m->layer->colormap = colormap_find("gray");
    m->layer->contrast_limits[1] = 255;
}

static void finish(struct picture *m)
{
    scene_snapshot_unref(m->snapshot);
    dataset_unref(m->dataset);
    render_pool_destroy(m->pool);
    config_destroy(m->config);
}

static void take(struct picture *m, uint32_t width, uint32_t height)
{
    struct error err = {""};
    if (!thumbnail_make(m->pool, m->snapshot, 0, &m->thumbnail, &err))
        fail_msg("%s", err.text);
    assert_int_equal(m->thumbnail.width, width);
    assert_int_equal(m->thumbnail.height, height);
}

static const uint8_t *pixel(const struct picture *m, uint32_t row, uint32_t column)
{
    return &m->thumbnail.rgba[(row * m->thumbnail.width + column) * 4];
}

static void grey(const struct picture *m, uint32_t row, uint32_t column, uint32_t value)
{
    const uint8_t *p = pixel(m, row, column);
    const uint8_t expected[4] = {(uint8_t)value, (uint8_t)value, (uint8_t)value, 255};
    assert_memory_equal(p, expected, 4);
}

static uint8_t value_of(uint32_t level, uint64_t z, uint64_t y, uint64_t x)
{
    return (uint8_t)fake_value(level, 3, (uint64_t[3]){z, y, x});
}

/* scipy's rule for the nearest sample when `pixels` show `count` values. */
static uint64_t nearest(uint32_t pixel, uint32_t pixels, uint64_t count)
{
    return (uint64_t)floor(pixel * (double)(count - 1) / (pixels - 1) + 0.5);
}

static const uint64_t shape[3] = {20, 64, 128}, chunk[3] = {1, 24, 40};

static void a_slice_of_the_level_that_has_enough(void **state)
{
    (void)state;
    for (uint32_t levels = 3; levels <= 5; levels++) { /* 32 × 16, then smaller ones */
        struct picture m;
        make(&m, ORIEL_U8, 3, shape, chunk, levels, 1, 2);
        m.snapshot->scene.point[0] = 7;
        take(&m, 32, 16);
        for (uint32_t r = 0; r < 16; r++) {
            for (uint32_t c = 0; c < 32; c++)
                grey(&m, r, c, value_of(2, 7, r, c));
        }
        finish(&m);
    }
}

static void one_level_is_sampled(void **state)
{
    (void)state;
    struct picture m;
    make(&m, ORIEL_U8, 3, shape, chunk, 1, 1, 2);
    take(&m, 32, 16);
    for (uint32_t r = 0; r < 16; r++) {
        for (uint32_t c = 0; c < 32; c++)
            grey(&m, r, c, value_of(0, 0, nearest(r, 16, 64), nearest(c, 32, 128)));
    }
    m.snapshot->bindings[0].level = 0; /* the layer's only one */
    take(&m, 32, 16);
    finish(&m);
}

static void the_world_has_the_aspect(void **state)
{
    (void)state;
    struct picture m;
    make(&m, ORIEL_U8, 3, shape, chunk, 3, 1, 2);
    m.layer->scale[1] = 4; /* 256 high, 128 wide */
    take(&m, 16, 32);
    for (uint32_t r = 0; r < 32; r++) {
        for (uint32_t c = 0; c < 16; c++)
            grey(&m, r, c, value_of(2, 0, nearest(r, 32, 16), nearest(c, 16, 32)));
    }
    m.layer->scale[1] = 1e-6; /* a line is one pixel high: the middle */
    take(&m, 32, 1);
    for (uint32_t c = 0; c < 32; c++)
        grey(&m, 0, c, value_of(2, 0, 8, c));
    m.layer->scale[1] = 1;
    m.layer->scale[2] = -1; /* the world's x runs against the index */
    take(&m, 32, 16);
    for (uint32_t c = 0; c < 32; c++)
        grey(&m, 3, c, value_of(2, 0, 3, 31 - c));
    finish(&m);
}

static void axes_in_another_order(void **state)
{
    (void)state;
    struct picture m;
    make(&m, ORIEL_U8, 3, shape, chunk, 3, 1, 2);
    static const uint32_t order[3] = {0, 2, 1}; /* columns are y */
    memcpy(m.snapshot->scene.order, order, sizeof order);
    take(&m, 16, 32);
    for (uint32_t r = 0; r < 32; r++) {
        for (uint32_t c = 0; c < 16; c++)
            grey(&m, r, c, value_of(2, 0, c, r));
    }
    static const uint32_t other[3] = {1, 0, 2}; /* a slice of y: rows are z, 20 of them */
    memcpy(m.snapshot->scene.order, other, sizeof other);
    m.snapshot->scene.point[1] = 41; /* level 2: row 10 */
    take(&m, 32, 5);
    for (uint32_t r = 0; r < 5; r++) {
        for (uint32_t c = 0; c < 32; c++)
            grey(&m, r, c, value_of(2, nearest(r, 5, 20), 10, c));
    }
    finish(&m);
}

static void a_volume_is_its_maximum(void **state)
{
    (void)state;
    static const uint64_t deep[3] = {7, 64, 64}; /* several planes in a chunk */
    struct picture m;
    make(&m, ORIEL_U8, 3, shape, deep, 3, 1, 3);
    m.layer->contrast_limits[0] = 200;
    m.layer->contrast_limits[1] = 250;
    m.layer->gamma = 2;
    m.layer->opacity = 0.5;
    take(&m, 32, 16);
    for (uint32_t r = 0; r < 16; r++) {
        for (uint32_t c = 0; c < 32; c++) {
            uint8_t most = 0;
            for (uint64_t z = 0; z < 20; z++)
                most = value_of(2, z, r, c) > most ? value_of(2, z, r, c) : most;
            double share = fmin(fmax((most - 200.0) / 50, 0), 1);
            uint8_t value = (uint8_t)rint(share * share * 255);
            const uint8_t expected[4] = {value, value, value, 128};
            assert_memory_equal(pixel(&m, r, c), expected, 4);
        }
    }
    static const uint32_t order[3] = {2, 0, 1}; /* along x, rows are z, columns y */
    memcpy(m.snapshot->scene.order, order, sizeof order);
    m.layer->contrast_limits[0] = 0;
    m.layer->contrast_limits[1] = 255;
    m.layer->gamma = m.layer->opacity = 1;
    take(&m, 32, 10);
    for (uint32_t r = 0; r < 10; r++) {
        for (uint32_t c = 0; c < 32; c++) {
            uint8_t most = 0; /* the coarsest level with 32 values of y is the second */
            for (uint64_t x = 0; x < 64; x++) {
                uint8_t value = value_of(1, nearest(r, 10, 20), c, x);
                most = value > most ? value : most;
            }
            grey(&m, r, c, most);
        }
    }
    finish(&m);
}

/* Sixteen random bits as a half: numbers, infinities and NaN. */
static void colours_of_every_value(void **state)
{
    (void)state;
    static const uint64_t plane[2] = {32, 32};
    struct picture m;
    make(&m, ORIEL_F16, 2, plane, plane, 1, 0, 2);
    struct oriel_colormap map = *colormap_find("viridis");
    static const float nan_color[4] = {1, 0, 1, 0.5f};
    memcpy(map.nan_color, nan_color, sizeof nan_color);
    m.layer->colormap = &map;
    m.layer->contrast_limits[0] = 1; /* inverted */
    m.layer->contrast_limits[1] = -1;
    take(&m, 32, 32);
    unsigned nans = 0, inside = 0;
    for (uint32_t r = 0; r < 32; r++) {
        for (uint32_t c = 0; c < 32; c++) {
            uint16_t bits = fake_half(fake_value(0, 2, (uint64_t[2]){r, c}));
            double value = dtype_value(ORIEL_F16, &bits, 0);
            float sample[4];
            colormap_sample(&map, isnan(value) ? value : fmin(fmax((value - 1) / -2, 0), 1),
                            sample);
            uint8_t expected[4];
            for (int i = 0; i < 4; i++)
                expected[i] = (uint8_t)rint((double)sample[i] * 255);
            assert_memory_equal(pixel(&m, r, c), expected, 4);
            nans += isnan(value);
            inside += fabs(value) < 1;
        }
    }
    assert_true(nans > 0 && inside > 0);
    m.layer->contrast_limits[1] = 1; /* limits that are equal */
    take(&m, 32, 32);
    finish(&m);
}

static void what_is_not_there(void **state)
{
    (void)state;
    struct picture m;
    make(&m, ORIEL_U8, 3, shape, chunk, 3, 1, 2);
    m.snapshot->scene.point[0] = 20; /* beyond */
    take(&m, 1, 1);
    static const uint8_t nothing[4];
    assert_memory_equal(pixel(&m, 0, 0), nothing, 4);
    m.snapshot->scene.point[0] = 3;
    atomic_store(&fake_source.fail_level, 2);
    atomic_store(&fake_source.fail_origin[0], 3);
    atomic_store(&fake_source.fail_times, 1);
    struct error err = {""};
    assert_false(thumbnail_make(m.pool, m.snapshot, 0, &m.thumbnail, &err));
    assert_string_equal(err.text, "fake/broken: is broken");
    take(&m, 32, 16); /* it can be read now */
    finish(&m);

    static const uint64_t line[1] = {100}; /* one axis: a row */
    make(&m, ORIEL_U8, 1, line, line, 1, 0, 2);
    take(&m, 32, 1);
    for (uint32_t c = 0; c < 32; c++)
        grey(&m, 0, c, (uint8_t)fake_value(0, 1, (uint64_t[1]){nearest(c, 32, 100)}));
    finish(&m);
}

/* 32 GiB in one level: a part of it is looked at. */
static void a_huge_volume_without_levels(void **state)
{
    (void)state;
    static const uint64_t huge[3] = {8192, 2048, 2048}, block[3] = {64, 64, 64};
    struct picture m;
    make(&m, ORIEL_U8, 3, huge, block, 1, 0, 3);
    take(&m, 32, 32);
    assert_in_range(atomic_load(&fake_source.reads), 1, 256);
    for (uint32_t i = 0; i < 32 * 32; i++)
        assert_true(pixel(&m, i / 32, i % 32)[0] > 100); /* the maximum of many */
    finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_of_the_level_that_has_enough),
        cmocka_unit_test(one_level_is_sampled),
        cmocka_unit_test(the_world_has_the_aspect),
        cmocka_unit_test(axes_in_another_order),
        cmocka_unit_test(a_volume_is_its_maximum),
        cmocka_unit_test(colours_of_every_value),
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(a_huge_volume_without_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
