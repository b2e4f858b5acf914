/* SPDX-License-Identifier: BSD-3-Clause */
/* Slices against their formulae, worked out here in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "scene/colormap.h"

#define W 64
#define H 48
#define CX 3.37
#define CY 2.21
#define ZOOM 7.9

static uint8_t picture[W * H * 4];

static void begin(struct rig *rig)
{
    if (!rig_context())
        skip();
    rig_init(rig, 2, W, H);
    rig_look(rig, CX, CY, ZOOM);
}

static void draw(struct rig *rig)
{
    rig_apply(rig);
    rig_draw(rig, picture);
}

static double world_x(int i)
{
    return CX + (i + 0.5 - W / 2.0) / ZOOM;
}

static double world_y(int j)
{
    return CY + (j + 0.5 - H / 2.0) / ZOOM;
}

static void upload(struct rig *rig, uint32_t layer, uint32_t dtype, uint32_t w, uint32_t h,
                   const void *data)
{
    const uint32_t shape[3] = {w, h, 1};
    rig_apply(rig);
    struct oriel_slab slab = rig_slab(rig, layer, layer + 1, dtype, shape, data);
    rig_upload(rig, &slab);
}

static void assert_pixel(int i, int j, double r, double g, double b, double a, int tolerance)
{
    const double wanted[4] = {r, g, b, a};
    const uint8_t *p = &picture[(j * W + i) * 4];
    for (int c = 0; c < 4; c++)
        if (fabs(p[c] - wanted[c]) > tolerance + 0.5)
            fail_msg("pixel %d, %d, channel %d is %d, not %.2f", i, j, c, p[c], wanted[c]);
}

static void test_nearest(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    uint8_t data[5 * 7];
    for (int k = 0; k < 35; k++)
        data[k] = (uint8_t)(k * 7 + 3);
    rig_add(&rig, colormap_find("gray"))->contrast_limits[1] = 255;
    upload(&rig, 0, ORIEL_U8, 7, 5, data);
    draw(&rig);
    for (int j = 0; j < H; j++)
        for (int i = 0; i < W; i++) {
            /* the world's origin is the centre of the first pixel */
            int x = (int)floor(world_x(i) + 0.5), y = (int)floor(world_y(j) + 0.5);
            double v = x >= 0 && x < 7 && y >= 0 && y < 5 ? data[y * 7 + x] : 0;
            assert_pixel(i, j, v, v, v, 255, 0);
        }
    rig_finish(&rig);
}

static void test_linear(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    float data[5 * 7];
    for (int k = 0; k < 35; k++)
        data[k] = (float)(-20 + (k * 37) % 91);
    struct oriel_layer *layer = rig_add(&rig, colormap_find("gray"));
    layer->contrast_limits[0] = -20;
    layer->contrast_limits[1] = 70;
    layer->interpolation_2d = ORIEL_FILTER_CUBIC; /* drawn as linear */
    upload(&rig, 0, ORIEL_F32, 7, 5, data);
    draw(&rig);
    for (int j = 0; j < H; j++)
        for (int i = 0; i < W; i++) {
            double x = world_x(i), y = world_y(j), v = 0;
            if (x < -0.5 || x > 6.5 || y < -0.5 || y > 4.5)
                continue;
            int x0 = (int)floor(x), y0 = (int)floor(y);
            for (int k = 0; k < 4; k++) {
                int xi = x0 + (k & 1), yi = y0 + (k >> 1);
                double weight = (1 - fabs(x - xi)) * (1 - fabs(y - yi));
                xi = xi < 0 ? 0 : xi > 6 ? 6 : xi;
                yi = yi < 0 ? 0 : yi > 4 ? 4 : yi;
                v += weight * data[yi * 7 + xi];
            }
            v = (v + 20) / 90 * 255;
            assert_pixel(i, j, v, v, v, 255, 1);
        }
    rig_finish(&rig);
}

/* One row of values over the whole canvas, one column each. */
static void draw_row(struct rig *rig, uint32_t dtype, const void *data, uint32_t n)
{
    upload(rig, 0, dtype, n, 1, data);
    rig_look(rig, (n - 1) / 2.0, 0, (double)W / n);
    rig->view.world_to_clip[5] = -2; /* a pixel high enough for the canvas */
    draw(rig);
}

static int column(uint32_t n, uint32_t k)
{
    return (int)((k + 0.5) * W / n);
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        double low, high, gamma, value, wanted;
    } cases[] = {
        {0, 100, 1, 50, 0.5},     {0, 100, 1, -5, 0},
        {0, 100, 1, 500, 1},      {100, 0, 1, 25, 0.75},
        {0, 100, 0.5, 25, 0.5},   {0, 100, 2, 50, 0.25},
        {20, 20, 1, 30, 0},       {20, 20, 1, 5, 0},
        {-3e38, 3e38, 1, 0, 0.5}, {1000, 1000.5, 1, 1000.25, 0.5},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct rig rig;
        begin(&rig);
        struct oriel_layer *layer = rig_add(&rig, colormap_find("gray"));
        layer->contrast_limits[0] = cases[k].low;
        layer->contrast_limits[1] = cases[k].high;
        layer->gamma = cases[k].gamma;
        float value = (float)cases[k].value;
        draw_row(&rig, ORIEL_F32, &value, 1);
        double v = cases[k].wanted * 255;
        assert_pixel(W / 2, H / 2, v, v, v, 255, 1);
        rig_finish(&rig);
    }
}

static void test_special_colors(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    const float data[4] = {0, 0.5F, 1, NAN};
    rig_add(&rig, colormap_find("HiLo"));
    draw_row(&rig, ORIEL_F32, data, 4);
    assert_pixel(column(4, 0), H / 2, 0, 0, 255, 255, 0);
    assert_pixel(column(4, 1), H / 2, 127.5, 127.5, 127.5, 255, 1);
    assert_pixel(column(4, 2), H / 2, 255, 0, 0, 255, 0);
    assert_pixel(column(4, 3), H / 2, 0, 0, 0, 255, 0); /* transparent */
    rig.layers[0].colormap = colormap_find("nan");
    draw(&rig);
    assert_pixel(column(4, 2), H / 2, 255, 255, 255, 255, 0);
    assert_pixel(column(4, 3), H / 2, 255, 0, 0, 255, 0);
    rig_finish(&rig);
}

/* The table has 1024 texels of 8 bits; both ends are flat for half a texel. */
static void test_table(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    float data[W];
    for (int k = 0; k < W; k++)
        data[k] = (float)(k / (W - 1.0));
    const struct oriel_colormap *map = colormap_find("twilight");
    rig_add(&rig, map);
    draw_row(&rig, ORIEL_F32, data, W);
    for (int k = 0; k < W; k++) {
        float c[4];
        double p = fmin(fmax(1024 * (double)data[k] - 0.5, 0), 1023);
        colormap_sample(map, p / 1023, c);
        assert_pixel(k, H / 2, 255 * (double)c[0], 255 * (double)c[1], 255 * (double)c[2], 255, 1);
    }
    static const float colors[] = {1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1};
    static const float controls[] = {0, 0.25F, 0.5F, 1};
    const struct oriel_colormap steps = {.name = "steps",
                                         .colors = colors,
                                         .controls = controls,
                                         .count = 3,
                                         .interpolation = ORIEL_LUT_ZERO};
    rig.layers[0].colormap = &steps;
    draw(&rig);
    for (int k = 0; k < W; k++) {
        int color = data[k] < 0.25F ? 0 : data[k] < 0.5F ? 1 : 2;
        assert_pixel(k, H / 2, color == 0 ? 255 : 0, color == 1 ? 255 : 0, color == 2 ? 255 : 0,
                     255, 0);
    }
    rig_finish(&rig);
}

/* Detail replaces the base texel by texel where its pieces have come, and blends once. */
static void test_detail(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    struct oriel_layer *layer = rig_add(&rig, colormap_find("gray"));
    layer->contrast_limits[1] = 255;
    layer->opacity = 0.5;
    rig.levels[0] = (struct oriel_level){.shape = {6, 8}, .scale = {1, 1}};
    const uint8_t coarse[12] = {40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40};
    uint8_t fine[48];
    memset(fine, 200, sizeof fine);
    const uint32_t base_shape[3] = {4, 3, 1}, shape[3] = {8, 6, 1};
    rig_apply(&rig);
    struct oriel_slab base = rig_slab(&rig, 0, 1, ORIEL_U8, base_shape, coarse);
    base.level = 1;
    base.scale[0] = base.scale[1] = 2;
    base.translate[0] = base.translate[1] = 0.5;
    rig_upload(&rig, &base);
    struct oriel_slab detail = rig_slab(&rig, 0, 2, ORIEL_U8, shape, fine);
    detail.flags = 0;
    detail.offset[0] = 3;
    detail.extent[0] = 2;
    detail.offset[1] = 1;
    detail.extent[1] = 4;
    rig_upload(&rig, &detail);
    rig.view_layers[0].detail = 2;
    for (int pass = 0; pass < 3; pass++) {
        draw(&rig);
        for (int j = 0; j < H; j++)
            for (int i = 0; i < W; i++) {
                int x = (int)floor(world_x(i) + 0.5), y = (int)floor(world_y(j) + 0.5);
                bool in = x >= 0 && x < 8 && y >= 0 && y < 6;
                bool come = pass == 2 || (pass == 1 && x < 5 && y >= 1 && y < 5) ||
                            (x >= 3 && x < 5 && y >= 1 && y < 5);
                double v = !in ? 0 : come ? 100 : 20;
                assert_pixel(i, j, v, v, v, 255, 1);
            }
        detail.offset[0] = 0;
        detail.extent[0] = pass ? 8 : 3;
        detail.offset[1] = pass ? 0 : 1;
        detail.extent[1] = pass ? 6 : 4;
        detail.flags = pass ? ORIEL_SLAB_COMPLETE : 0;
        rig_upload(&rig, &detail);
    }
    /* Without a base, what has not come shows the layers below. */
    rig.module->evict(rig.self, 1);
    rig.module->evict(rig.self, 2);
    detail.id = 3;
    detail.flags = 0;
    detail.extent[0] = 4;
    rig_upload(&rig, &detail);
    rig.view_layers[0].detail = 3;
    draw(&rig);
    for (int i = 0; i < W; i++) {
        int x = (int)floor(world_x(i) + 0.5);
        double v = x >= 0 && x < 4 ? 100 : 0;
        assert_pixel(i, H / 2, v, v, v, 255, 1);
    }
    rig_finish(&rig);
}

/* Levels of a pyramid need not end at the same place: a complete detail is the whole picture. */
static void test_level_ends(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    rig_add(&rig, colormap_find("gray"))->contrast_limits[1] = 255;
    rig.levels[0] = (struct oriel_level){.shape = {5, 7}, .scale = {1, 1}};
    uint8_t coarse[12], fine[35];
    memset(coarse, 90, sizeof coarse);
    memset(fine, 200, sizeof fine);
    const uint32_t base_shape[3] = {4, 3, 1}, shape[3] = {7, 5, 1};
    rig_apply(&rig);
    struct oriel_slab base = rig_slab(&rig, 0, 1, ORIEL_U8, base_shape, coarse);
    base.level = 1;
    base.scale[0] = base.scale[1] = 2;
    base.translate[0] = base.translate[1] = 0.5;
    rig_upload(&rig, &base);
    struct oriel_slab detail = rig_slab(&rig, 0, 2, ORIEL_U8, shape, fine);
    rig_upload(&rig, &detail);
    rig.view_layers[0].detail = 2;
    draw(&rig);
    for (int j = 0; j < H; j++)
        for (int i = 0; i < W; i++) {
            int x = (int)floor(world_x(i) + 0.5), y = (int)floor(world_y(j) + 0.5);
            double v = x >= 0 && x < 7 && y >= 0 && y < 5 ? 200 : 0;
            assert_pixel(i, j, v, v, v, 255, 0);
        }
    rig_finish(&rig);
}

static double blend(uint32_t mode, bool bottom, double s, double sa, double d, double da)
{
    if (mode == ORIEL_BLEND_MINIMUM)
        return bottom ? s : fmin(s, d);
    if (mode == ORIEL_BLEND_ADDITIVE)
        return bottom ? s * sa : s * sa + d * da;
    if (mode == ORIEL_BLEND_OPAQUE && !bottom)
        return s;
    if (mode == ORIEL_BLEND_MULTIPLICATIVE && !bottom)
        return s * d;
    return s * sa + d * (1 - sa);
}

static double blend_alpha(uint32_t mode, bool bottom, double sa, double da)
{
    if (bottom)
        return fmin(sa + da, 1);
    return mode == ORIEL_BLEND_MINIMUM  ? fmin(sa, da)
           : mode == ORIEL_BLEND_OPAQUE ? sa
                                        : fmin(sa + da, 1);
}

static void test_blending(void **state)
{
    (void)state;
    const float value = 0.6F;
    static const double color[2][3] = {{0.6, 0.6, 0.6}, {1, 0.8, 0.4}}; /* gray, I Orange-like */
    static const float ramp[] = {1, 0.8F, 0.4F, 1, 1, 0.8F, 0.4F, 1}, controls[] = {0, 1};
    const struct oriel_colormap flat = {.name = "flat",
                                        .colors = ramp,
                                        .controls = controls,
                                        .count = 2,
                                        .interpolation = ORIEL_LUT_LINEAR};
    for (uint32_t lower = 1; lower <= 6; lower++)
        for (uint32_t upper = 1; upper <= 6; upper++) {
            struct rig rig;
            begin(&rig);
            for (int c = 0; c < 3; c++)
                rig.view.background[c] = 0.2F;
            for (uint32_t k = 0; k < 3; k++) { /* the first is not visible: it is not the bottom */
                struct oriel_layer *layer = rig_add(&rig, k < 2 ? colormap_find("gray") : &flat);
                layer->visible = k > 0;
                layer->blending = k < 2 ? lower : upper;
                layer->opacity = k < 2 ? 0.7 : 0.4;
                upload(&rig, k, ORIEL_F32, 1, 1, &value);
            }
            rig_look(&rig, 0, 0, W);
            draw(&rig);
            double wanted[4];
            for (int c = 0; c < 3; c++) {
                double d = blend(lower, true, color[0][c], 0.7, 0.2, 1);
                d = round(fmin(d, 1) * 255) / 255;
                wanted[c] = 255 * fmin(blend(upper, false, color[1][c], 0.4, d, 1), 1);
            }
            wanted[3] = 255 * blend_alpha(upper, false, 0.4, blend_alpha(lower, true, 0.7, 1));
            assert_pixel(W / 2, H / 2, wanted[0], wanted[1], wanted[2], wanted[3], 1);
            rig_finish(&rig);
        }
}

static void test_bands(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    uint16_t data[9 * 9];
    for (int k = 0; k < 81; k++)
        data[k] = (uint16_t)(k * 797);
    rig_add(&rig, colormap_find("magma"))->contrast_limits[1] = 65535;
    upload(&rig, 0, ORIEL_U16, 9, 9, data);
    draw(&rig);
    uint8_t whole[sizeof picture];
    memcpy(whole, picture, sizeof whole);
    static const uint8_t grey[4] = {9, 9, 9, 9};
    glClearTexImage(rig.target.texture, 0, GL_RGBA, GL_UNSIGNED_BYTE, grey);
    glEnable(GL_SCISSOR_TEST);
    for (int y = 0; y < H; y += 16) {
        glScissor(0, y, W, 16);
        rig_draw(&rig, picture);
        /* the rows above the band are still untouched */
        if (y + 16 < H)
            assert_memory_equal(picture, grey, 4);
    }
    glDisable(GL_SCISSOR_TEST);
    assert_memory_equal(picture, whole, sizeof whole);
    rig_finish(&rig);
}

/* A table is filled anew for a map that differs in anything, and only in that. */
static void test_maps_that_change(void **state)
{
    (void)state;
    static const float green[8] = {0, 0, 0, 1, 0, 1, 0, 1}, blue[8] = {0, 0, 0, 1, 0, 0, 1, 1};
    static const float steps[3][3] = {{0, 1, 1}, {0, 0.5f, 1}, {0, 0.75f, 1}};
    const struct oriel_colormap maps[] = {
        {.colors = green, .controls = steps[0], .count = 2, .interpolation = ORIEL_LUT_LINEAR},
        {.colors = blue, .controls = steps[0], .count = 2, .interpolation = ORIEL_LUT_LINEAR},
        {.colors = blue, .controls = steps[1], .count = 2, .interpolation = ORIEL_LUT_ZERO},
        {.colors = blue, .controls = steps[2], .count = 2, .interpolation = ORIEL_LUT_ZERO},
        {.colors = green, .controls = steps[0], .count = 2, .interpolation = ORIEL_LUT_LINEAR},
    };
    static const double wanted[][2] = {{153, 0}, {0, 153}, {0, 255}, {0, 0}, {153, 0}};
    struct rig rig;
    begin(&rig);
    static const uint8_t value = 153;
    struct oriel_layer *layer = rig_add(&rig, &maps[0]);
    layer->contrast_limits[1] = 255;
    upload(&rig, 0, ORIEL_U8, 1, 1, &value);
    rig_look(&rig, 0, 0, 100);
    for (int m = 0; m < 5; m++) {
        layer->colormap = &maps[m];
        draw(&rig);
        assert_pixel(W / 2, H / 2, 0, wanted[m][0], wanted[m][1], 255, 1);
    }
    rig_finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest),        cmocka_unit_test(test_maps_that_change),
        cmocka_unit_test(test_linear),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_special_colors), cmocka_unit_test(test_table),
        cmocka_unit_test(test_detail),         cmocka_unit_test(test_level_ends),
        cmocka_unit_test(test_blending),       cmocka_unit_test(test_bands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
