/* SPDX-License-Identifier: BSD-3-Clause */
/* Volumes against the formulae on the CPU. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu_volume.h"
#include "rig.h"
#include "scene/colormap.h"

#define W 64
#define H 48

static const uint32_t shape[3] = {21, 17, 13};
static float data[21 * 17 * 13];
static uint8_t picture[W * H * 4];

/* Blobs on noise: smooth enough that rays agree, rough enough to tell bricks apart. */
static void fill(void)
{
    uint32_t seed = 7;
    size_t k = 0;
    for (uint32_t z = 0; z < shape[2]; z++)
        for (uint32_t y = 0; y < shape[1]; y++)
            for (uint32_t x = 0; x < shape[0]; x++, k++) {
                seed = seed * 1664525 + 1013904223;
                double wave = sin(x * 0.7) * cos(y * 0.5 + 1) * sin(z * 0.6 + 0.4);
                data[k] = (float)(40 * wave + (seed >> 24) / 16.0);
            }
}

static void begin(struct rig *rig, double fov)
{
    if (!rig_context())
        skip();
    fill();
    rig_init(rig, 3, W, H);
    const double center[3] = {10, 8, 12}, angles[3] = {20, -35, 110};
    rig_turn(rig, center, angles, 1.6, fov);
    struct oriel_layer *layer = rig_add(rig, colormap_find("viridis"));
    layer->contrast_limits[0] = -5;
    layer->contrast_limits[1] = 50;
    layer->iso_threshold = 18;
}

/* A slab with voxels of 1 × 1 × 2 units. */
static void upload(struct rig *rig, uint32_t flags)
{
    rig_apply(rig);
    struct oriel_slab slab = rig_slab(rig, 0, 1, ORIEL_F32, shape, data);
    slab.scale[2] = 2;
    slab.translate[0] = 0.5;
    slab.flags = flags;
    rig_upload(rig, &slab);
}

static void cpu_begin(const struct rig *rig, struct cpu_volume *v)
{
    *v = (struct cpu_volume){.shape = {21, 17, 13},
                             .data = data,
                             .linear = rig->layers[0].interpolation_3d != ORIEL_FILTER_NEAREST,
                             .layer = &rig->layers[0]};
    const double *m = rig->view.world_to_clip;
    static const double scale[3] = {1, 1, 2}, translate[3] = {0.5, 0, 0};
    memcpy(v->voxel_to_clip, m, sizeof v->voxel_to_clip);
    for (int i = 0; i < 3; i++)
        for (int r = 0; r < 4; r++) {
            v->voxel_to_clip[4 * i + r] = m[4 * i + r] * scale[i];
            v->voxel_to_clip[12 + r] += m[4 * i + r] * translate[i];
        }
}

/* The shares of pixels that are no more than one level off. */
static double agreement(const struct rig *rig, const struct cpu_volume *v)
{
    int good = 0, drawn = 0;
    const struct oriel_layer *layer = &rig->layers[0];
    for (int j = 0; j < H; j++)
        for (int i = 0; i < W; i++) {
            struct cpu_result r;
            double c[4] = {0};
            if (cpu_cast(v, (i + 0.5) / W * 2 - 1, 1 - (j + 0.5) / H * 2, &r)) {
                drawn++;
                if (r.is_color)
                    memcpy(c, r.color, sizeof c);
                else
                    cpu_map(layer, r.value, c);
                for (int k = 0; k < 3; k++) /* over black */
                    c[k] *= c[3] * layer->opacity;
            }
            bool near = true;
            for (int k = 0; k < 3; k++)
                near = near && fabs(picture[(j * W + i) * 4 + k] - 255 * c[k]) <= 1.5;
            good += near;
        }
    assert_true(drawn > 200 && drawn < W * H);
    return (double)good / (W * H);
}

static void check(struct rig *rig, double least)
{
    struct cpu_volume v;
    cpu_begin(rig, &v);
    memcpy(v.plane_position, rig->layers[0].plane_position, sizeof v.plane_position);
    memcpy(v.plane_normal, rig->layers[0].plane_normal, sizeof v.plane_normal);
    rig_apply(rig);
    rig_draw(rig, picture);
    double share = agreement(rig, &v);
    if (share < least)
        fail_msg("rendering %u, blending %u, filter %u, fov %g: %.4f of the pixels agree",
                 rig->layers[0].rendering, rig->layers[0].blending, rig->layers[0].interpolation_3d,
                 rig->view.camera.fov, share);
}

static void test_modes(void **state)
{
    (void)state;
    static const float colors[] = {0, 0, 0.2F, 0, 1, 0.9F, 0.3F, 0.3F}, controls[] = {0, 1};
    const struct oriel_colormap ramp = {.name = "ramp",
                                        .colors = colors,
                                        .controls = controls,
                                        .count = 2,
                                        .interpolation = ORIEL_LUT_LINEAR};
    for (int perspective = 0; perspective < 2; perspective++)
        for (uint32_t mode = ORIEL_RENDER_MIP; mode <= ORIEL_RENDER_ISO; mode++)
            for (int variant = 0; variant < 6; variant++) {
                struct rig rig;
                begin(&rig, perspective ? 50 : 0);
                struct oriel_layer *layer = &rig.layers[0];
                layer->rendering = mode;
                layer->opacity = 0.8;
                layer->gamma = variant & 1 ? 0.6 : 1;
                layer->attenuation = 0.2;
                layer->blending = variant & 1 ? ORIEL_BLEND_ADDITIVE : ORIEL_BLEND_TRANSLUCENT;
                layer->interpolation_3d = variant >= 4 ? ORIEL_FILTER_NEAREST : ORIEL_FILTER_LINEAR;
                if (mode == ORIEL_RENDER_ADDITIVE || mode == ORIEL_RENDER_TRANSLUCENT)
                    layer->colormap = &ramp;
                upload(&rig, variant & 2 ? 0 : ORIEL_SLAB_COMPLETE); /* with bricks and without */
                /* A nearest sample near a voxel's face may be on its other side. */
                check(&rig, variant >= 4 ? 0.97 : 0.99);
                rig_finish(&rig);
            }
}

static void test_inverted_limits(void **state)
{
    (void)state;
    for (uint32_t mode = ORIEL_RENDER_MIP; mode <= ORIEL_RENDER_MINIP; mode++) {
        struct rig rig;
        begin(&rig, 0);
        rig.layers[0].rendering = mode;
        rig.layers[0].contrast_limits[0] = 25;
        rig.layers[0].contrast_limits[1] = 0;
        upload(&rig, ORIEL_SLAB_COMPLETE);
        check(&rig, 0.99);
        rig_finish(&rig);
    }
}

static void test_plane(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 0);
    struct oriel_layer *layer = &rig.layers[0];
    layer->depiction = ORIEL_DEPICT_PLANE;
    layer->rendering = ORIEL_RENDER_AVERAGE;
    layer->plane_thickness = 4;
    /* The layer's level 0 is the slab: the same placing. */
    layer->scale[0] = 2;
    layer->translate[2] = 0.5;
    const double position[3] = {9, 8, 6}, normal[3] = {0.3, -0.2, 0.9};
    memcpy(layer->plane_position, position, sizeof position);
    memcpy(layer->plane_normal, normal, sizeof normal);
    upload(&rig, ORIEL_SLAB_COMPLETE);
    check(&rig, 0.99);
    rig_finish(&rig);
}

/* Rays along an axis have components that are exactly 0. */
static void test_axis_parallel(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 0);
    const double center[3] = {10.1, 8.2, 12}, angles[3] = {0, 0, 0};
    rig_turn(&rig, center, angles, 1.61, 0);
    upload(&rig, ORIEL_SLAB_COMPLETE);
    check(&rig, 0.99);
    rig_finish(&rig);
}

/* Empty space is left out without a trace: a volume with bricks looks like one without. */
static void test_bricks(void **state)
{
    (void)state;
    static const uint32_t modes[] = {ORIEL_RENDER_MIP, ORIEL_RENDER_MINIP,
                                     ORIEL_RENDER_ATTENUATED_MIP, ORIEL_RENDER_ISO};
    static uint16_t sparse[70 * 61 * 50];
    const uint32_t size[3] = {70, 61, 50};
    for (int k = 0; k < 70 * 61 * 50; k++) {
        int x = k % 70 - 30, y = k / 70 % 61 - 33, z = k / 4270 - 22;
        int d = x * x + y * y + z * z;
        sparse[k] = (uint16_t)(d < 300            ? 60000 - 150 * d
                               : x > 20 && y > 15 ? 9000 + 500 * (k % 7)
                                                  : 0);
    }
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        uint8_t pictures[2][sizeof picture];
        for (int bricks = 0; bricks < 2; bricks++) {
            struct rig rig;
            begin(&rig, 0);
            const double center[3] = {35, 30, 25}, angles[3] = {15, 40, -60};
            rig_turn(&rig, center, angles, 0.6, 0);
            struct oriel_layer *layer = &rig.layers[0];
            layer->rendering = modes[m];
            layer->contrast_limits[0] = 500;
            layer->contrast_limits[1] = layer->contrast_limits_range[1] = 62000;
            layer->iso_threshold = 40000;
            rig_apply(&rig);
            struct oriel_slab slab = rig_slab(&rig, 0, 1, ORIEL_U16, size, sparse);
            slab.flags = 0;
            for (uint32_t z = 0; z < 50; z += 11) { /* pieces that do not fit the bricks */
                slab.offset[2] = z;
                slab.extent[2] = z + 11 < 50 ? 11 : 50 - z;
                slab.data = &sparse[z * 70 * 61];
                if (z + 11 >= 50 && bricks)
                    slab.flags = ORIEL_SLAB_COMPLETE;
                rig_upload(&rig, &slab);
            }
            rig_draw(&rig, pictures[bricks]);
            rig_finish(&rig);
        }
        int off = 0, lit = 0;
        for (size_t i = 0; i < sizeof picture; i++) {
            off += abs(pictures[0][i] - pictures[1][i]) > 1;
            lit += i % 4 < 3 && pictures[0][i] > 0;
        }
        assert_true(lit > W * H / 8);
        if (off > (int)sizeof picture / 500)
            fail_msg("rendering %u: %d values differ", modes[m], off);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),  cmocka_unit_test(test_inverted_limits),
        cmocka_unit_test(test_plane),  cmocka_unit_test(test_axis_parallel),
        cmocka_unit_test(test_bricks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
