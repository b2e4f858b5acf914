/* SPDX-License-Identifier: BSD-3-Clause */
/* Volumes by fragment shaders and by compute shaders: the same pictures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "scene/colormap.h"

#define W 72
#define H 54
#define PIXELS (W * H)

enum { FRAGMENT, COMPUTE, PATHS };

static const uint32_t shapes[3][3] = {{23, 19, 14}, {12, 15, 17}, {31, 27, 1}};
static uint16_t noisy[23 * 19 * 14];
static float waves[12 * 15 * 17];
static uint8_t sheet[31 * 27];
static uint8_t pictures[PATHS][PIXELS * 4];

static void fill(void)
{
    uint32_t seed = 3;
    for (size_t k = 0; k < sizeof noisy / sizeof *noisy; k++) {
        seed = seed * 1664525 + 1013904223;
        int x = (int)(k % 23) - 9, y = (int)(k / 23 % 19) - 8, z = (int)(k / 23 / 19) - 7;
        noisy[k] = (uint16_t)(45000 * exp(-(x * x + y * y + z * z) / 40.0) + (seed >> 18));
    }
    for (int k = 0; k < 12 * 15 * 17; k++)
        waves[k] = (float)(sin(k % 12 * 0.6) + cos(k / 12 % 15 * 0.5) * sin(k / 180 * 0.4 + 1));
    for (size_t k = 0; k < sizeof sheet; k++)
        sheet[k] = (uint8_t)(k % 31 * 5 + k / 31 * 3);
}

/* Two volumes that reach into each other, and an image through both: a volume of one voxel. */
static void begin(struct rig *rig, int path)
{
    static const float colors[] = {0.1F, 0, 0.3F, 0.1F, 1, 0.8F, 0.2F, 0.9F}, controls[] = {0, 1};
    static const struct oriel_colormap ramp = {.name = "ramp",
                                               .colors = colors,
                                               .controls = controls,
                                               .count = 2,
                                               .interpolation = ORIEL_LUT_LINEAR};
    fill();
    rig_shaders = path == COMPUTE ? "compute" : "fragment";
    rig_init(rig, 3, W, H);
    rig_shaders = NULL;
    rig->view.background[0] = 0.2F;
    rig->view.background[3] = 0.9F;
    static const void *const data[] = {noisy, waves, sheet};
    static const uint32_t dtypes[] = {ORIEL_U16, ORIEL_F32, ORIEL_U8};
    for (uint32_t i = 0; i < 3; i++) {
        struct oriel_layer *layer = rig_add(rig, i == 0 ? &ramp : colormap_find("viridis"));
        layer->opacity = 0.9;
        layer->contrast_limits[0] = i == 0 ? 4000 : i == 1 ? -1.5 : 20;
        layer->contrast_limits[1] = i == 0 ? 60000 : i == 1 ? 1.8 : 220;
        layer->contrast_limits_range[1] = i == 0 ? 65535 : i == 1 ? 2 : 255;
        layer->iso_threshold = i == 0 ? 30000 : i == 1 ? 0.4 : 128;
        layer->plane_thickness = 5;
        const double position[3] = {10, 8 + 3 * i, 6}, normal[3] = {0.3, -0.2, 0.9};
        memcpy(layer->plane_position, position, sizeof position);
        memcpy(layer->plane_normal, normal, sizeof normal);
        rig_apply(rig);
        struct oriel_slab slab = rig_slab(rig, i, i + 1, dtypes[i], shapes[i], data[i]);
        if (i == 1) { /* mirrored, in front of the other's middle */
            slab.scale[0] = -1.5;
            slab.translate[0] = 26;
            slab.translate[2] = -5;
        } else if (i == 2) {
            slab.translate[0] = slab.translate[1] = -3;
            slab.translate[2] = 7;
        }
        rig_upload(rig, &slab);
    }
}

enum { ORTHOGRAPHIC, ALONG_AXIS, PERSPECTIVE, INSIDE, CLOSE, CAMERAS };

static void look(struct rig *rig, int camera)
{
    const double middle[3] = {11.2, 9.1, 6.7}, turned[3] = {25, 30, -40}, along[3] = {0};
    switch (camera) {
    case ORTHOGRAPHIC:
        rig_turn(rig, middle, turned, 2.1, 0);
        break;
    case ALONG_AXIS:
        rig_turn(rig, middle, along, 2.13, 0);
        break;
    case PERSPECTIVE:
        rig_turn(rig, middle, turned, 2.3, 45);
        break;
    case INSIDE: /* the eye is 3 units from the middle of the volumes */
        rig_turn(rig, middle, turned, H / (2 * 3 * tan(0.5)), 57.29578);
        break;
    default: /* the eye is beside the box, which the near plane cuts */
        rig_turn(rig, middle, turned, H / (2 * 9 * tan(0.6)), 68.7549);
        break;
    }
    double *m = rig->view.world_to_clip;
    /* Planes so that 16 bits of depth tell the volumes apart. */
    double near = camera == CLOSE ? 6 : 0.5, far = 100;
    for (int c = 0; c < 4; c++)
        if (camera <= ALONG_AXIS)
            m[4 * c + 2] *= 2e4;
        else
            m[4 * c + 2] = (far + near) / (far - near) * m[4 * c + 3] -
                           (c == 3 ? 2 * far * near / (far - near) : 0);
}

/* The whole picture, in uneven bands, in less resolution, or with fewer samples. */
enum { WHOLE, BANDS, REDUCED, FEWER, VARIANTS };

static void draw(struct rig *rig, int variant, uint8_t *rgba)
{
    rig->view.flags = variant >= REDUCED ? ORIEL_VIEW_INTERACTIVE : 0;
    rig->view.resolution = variant == REDUCED ? 0.6 : 1;
    rig->view.step = variant == FEWER ? 2 : 1;
    if (variant == BANDS) {
        static const int lines[] = {0, 13, 14, 40, H};
        glEnable(GL_SCISSOR_TEST);
        for (int i = 0; i < 4; i++) {
            for (int x = 0; x < W; x += 37) {
                glScissor(x, lines[i], 37, lines[i + 1] - lines[i]);
                rig_draw(rig, rgba);
            }
        }
        glDisable(GL_SCISSOR_TEST);
    }
    if (variant != BANDS)
        rig_draw(rig, rgba);
}

static int count_far(const uint8_t *a, const uint8_t *b)
{
    int far = 0;
    for (size_t i = 0; i < PIXELS; i++) {
        int worst = 0;
        for (size_t c = 0; c < 4; c++) {
            int d = abs(a[4 * i + c] - b[4 * i + c]);
            worst = d > worst ? d : worst;
        }
        far += worst > 1;
    }
    return far;
}

static long all_far, all_pixels;

/* Where the greatest value lies on a smooth rise is for the last bit to say: where layers that
 * reach into each other depend on it, a few pixels show another one. */
static void check(struct rig rigs[PATHS], int camera, int variant)
{
    for (int path = 0; path < PATHS; path++) {
        look(&rigs[path], camera);
        rig_apply(&rigs[path]);
        draw(&rigs[path], variant, pictures[path]);
    }
    int far = count_far(pictures[FRAGMENT], pictures[COMPUTE]);
    const struct oriel_layer *layer = &rigs[0].layers[0];
    all_far += far;
    all_pixels += PIXELS;
    if (far > PIXELS / 50)
        fail_msg("rendering %u, blending %u, depiction %u, camera %d, variant %d: %d pixels "
                 "of %d differ",
                 layer->rendering, layer->blending, layer->depiction, camera, variant, far, PIXELS);
}

static void test_all(void **state)
{
    (void)state;
    if (!rig_context())
        skip();
    struct rig rigs[PATHS];
    for (int path = 0; path < PATHS; path++)
        begin(&rigs[path], path);
    int turn = 0;
    for (uint32_t mode = ORIEL_RENDER_MIP; mode <= ORIEL_RENDER_ISO; mode++)
        for (uint32_t blending = ORIEL_BLEND_TRANSLUCENT; blending <= ORIEL_BLEND_MULTIPLICATIVE;
             blending++)
            for (int plane = 0; plane < 2; plane++)
                for (int camera = 0; camera < CAMERAS; camera++) {
                    for (int path = 0; path < PATHS; path++)
                        for (int i = 0; i < 2; i++) {
                            struct oriel_layer *layer = &rigs[path].layers[i];
                            layer->rendering = mode;
                            layer->blending = blending;
                            layer->gamma = turn % 3 ? 1 : 0.7;
                            layer->depiction = plane ? ORIEL_DEPICT_PLANE : ORIEL_DEPICT_VOLUME;
                        }
                    check(rigs, camera, turn++ % VARIANTS);
                }
    for (int path = 0; path < PATHS; path++)
        rig_finish(&rigs[path]);
    print_message("%ld of %ld pixels differ by more than one level\n", all_far, all_pixels);
    assert_true(all_far * 1000 < all_pixels);
}

/* One layer alone, nothing at all, and what lies beside the canvas. */
static void test_few(void **state)
{
    (void)state;
    if (!rig_context())
        skip();
    struct rig rigs[PATHS];
    for (int path = 0; path < PATHS; path++)
        begin(&rigs[path], path);
    for (uint32_t blending = ORIEL_BLEND_TRANSLUCENT; blending <= ORIEL_BLEND_MULTIPLICATIVE;
         blending++)
        for (int variant = 0; variant < VARIANTS; variant++)
            for (unsigned shown = 0; shown < 8; shown++) {
                for (int path = 0; path < PATHS; path++)
                    for (unsigned i = 0; i < 3; i++) {
                        rigs[path].layers[i].visible = shown >> i & 1;
                        rigs[path].layers[i].blending = blending;
                        /* The middle one is there without data now and then. */
                        rigs[path].view_layers[1].base = shown == 7 && variant == 1 ? 99 : 2;
                    }
                check(rigs, PERSPECTIVE, variant);
            }
    for (int path = 0; path < PATHS; path++) {
        const double beside[3] = {4000, 0, 0}, angles[3] = {0};
        rig_turn(&rigs[path], beside, angles, 2, 0);
        rig_apply(&rigs[path]);
        rig_draw(&rigs[path], pictures[path]);
        rig_finish(&rigs[path]);
    }
    assert_memory_equal(pictures[FRAGMENT], pictures[COMPUTE], sizeof pictures[0]);
    assert_int_equal(pictures[COMPUTE][0], 51);
}

/* What is in front hides what is behind, in whatever order the layers are. */
static void test_depth(void **state)
{
    (void)state;
    if (!rig_context())
        skip();
    static const uint32_t cube[3] = {8, 8, 8};
    static uint8_t full[512];
    memset(full, 255, sizeof full);
    for (int path = 0; path < PATHS; path++)
        for (int swapped = 0; swapped < 2; swapped++)
            for (int near = 0; near < 2; near++) {
                rig_shaders = path == COMPUTE ? "compute" : "fragment";
                struct rig rig;
                rig_init(&rig, 3, W, H);
                rig_shaders = NULL;
                for (uint32_t i = 0; i < 2; i++) {
                    struct oriel_layer *layer =
                        rig_add(&rig, colormap_find((i == 0) != swapped ? "red" : "green"));
                    layer->blending = near ? ORIEL_BLEND_OPAQUE : ORIEL_BLEND_TRANSLUCENT;
                    layer->contrast_limits[1] = 255;
                    rig_apply(&rig);
                    struct oriel_slab slab = rig_slab(&rig, i, i + 1, ORIEL_U8, cube, full);
                    slab.translate[2] = (i == 0) != swapped ? -9 : 9; /* red is in front */
                    rig_upload(&rig, &slab);
                }
                const double middle[3] = {3.5, 3.5, 3.5}, angles[3] = {0};
                rig_turn(&rig, middle, angles, 5, 0);
                for (int c = 0; c < 4; c++)
                    rig.view.world_to_clip[4 * c + 2] *= 2e4;
                rig_draw(&rig, pictures[path]);
                const uint8_t *p = &pictures[path][(H / 2 * W + W / 2) * 4];
                bool front = p[0] == 255 && p[1] == 0;
                bool back = p[0] == 0 && p[1] == 255;
                /* Which of the two is in front is for the camera to say; it is always the same. */
                static int first = -1;
                if (first < 0)
                    first = front;
                assert_true(front != back);
                assert_int_equal(front, first);
                rig_finish(&rig);
            }
}

/* Where nobody knows better both are tried, once in a process; the log says what they took. */
static void test_choice(void **state)
{
    (void)state;
    if (!rig_context())
        skip();
    char lines[2][256];
    rig_hardware = true;
    rig_shaders = "auto";
    for (int i = 0; i < 2; i++) {
        struct rig rig;
        rig_init(&rig, 3, W, H);
        memcpy(lines[i], rig.logged, sizeof lines[i]);
        rig_finish(&rig);
    }
    rig_hardware = false;
    rig_shaders = NULL;
    char first[16], second[16];
    double fast, slow;
    assert_int_equal(sscanf(lines[0], "3 shaders: %15s (a volume %lf ms, %15s %lf ms)", first,
                            &fast, second, &slow),
                     4);
    assert_true(fast > 0 && fast <= slow);
    assert_string_equal(strcmp(first, "compute") == 0 ? "fragment" : "compute", second);
    assert_int_equal(lines[1][0], '0' + ORIEL_LOG_DEBUG);
    assert_string_equal(lines[0] + 1, lines[1] + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_few),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
