/* SPDX-License-Identifier: BSD-3-Clause */
/* From a file to a texture by CUDA: the room reads into page-locked memory, the scene module of
 * this build copies out of it, and nothing stays behind. With the GPU's driver, or the stand-in,
 * which counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cuda/pinned.h"
#include "real.h"
#include "render/loader.h"
#include "standin/standin.h"
#include "util/check.h"

enum { W = 300, H = 200, PLANES = 12 };

static struct standin standin;

static int open_driver(void **state)
{
    (void)state;
    standin_load(&standin, "libcuda.so.1");
    return 0;
}

static void begin(struct real *real)
{
    if (standin.library)
        standin.reset();
    static const char *const sets[] = {
        "modules.capture=capture/gl"}; /* CUDA is the scene's alone */
    real_open_with(real, sets, 1);
}

static void check_nothing_left(void)
{
    static const char *const kinds[] = {"live.graphics", "live.mapped",  "live.arrays",
                                        "live.events",   "live.streams", "live.host_memory"};
    char text[2048] = "";
    if (!standin.library)
        return;
    if (standin.faults(text, sizeof text))
        fail_msg("%s", text);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (standin.count(kinds[i]))
            fail_msg("%s: %d", kinds[i], (int)standin.count(kinds[i]));
}

static struct scene_snapshot *scene_of(struct real *real, const char *path, uint32_t ndisplay)
{
    char *scene = xasprintf(
        "{\"oriel_scene\": 1, \"canvas\": {\"size\": [%d, %d]},"
        " \"dims\": {\"ndisplay\": %u},"
        " \"camera\": {\"model\": \"napari\", \"center\": [%g, %g, %g], \"zoom\": 1},"
        " \"layers\": [{\"type\": \"image\", \"source\": {\"uri\": \"%s\"},"
        "  \"controls\": {\"colormap\": \"gray\", \"contrast_limits\": [0, 255]}}]}",
        W, H, ndisplay, ndisplay == 3 ? PLANES / 2.0 : 0.0, (H - 1) / 2.0, (W - 1) / 2.0, path);
    struct scene_snapshot *snapshot = real_snapshot(real, scene);
    free(scene);
    return snapshot;
}

/* Draws it twice, the first time out of ordinary memory where pages were not locked in time. False:
 * there is no CUDA. */
static bool check_pictures(const char *path, uint32_t ndisplay)
{
    struct real real;
    begin(&real);
    struct scene_snapshot *snapshot = scene_of(&real, path, ndisplay);
    uint8_t *rgba = malloc(W * H * 4);
    struct error err = {""};
    bool possible = true;
    for (int round = 0; round < 2 && possible; round++) {
        struct render *render = render_create(real.pool, "main", NULL, &err);
        if (!render)
            fail_msg("%s", err.text);
        possible = pinned_possible();
        if (!possible) {
            print_message("skipped: what draws here is no device of CUDA\n");
            render_destroy(render);
            continue;
        }
        struct loader_stats stats = {0};
        while (stats.locked_bytes < UINT64_C(96) << 20) {
            loader_get_stats(render_pool_loader(real.pool), &stats);
            usleep(1000);
        }
        uint64_t before = standin.library ? standin.count("cuMemcpy3DAsync") : 0;
        if (!render_still(render, snapshot, rgba, &err))
            fail_msg("%s", err.text);
        if (standin.library)
            assert_true(standin.count("cuMemcpy3DAsync") > before);
        loader_get_stats(render_pool_loader(real.pool), &stats);
        assert_true(stats.locked_used > 0);
        for (uint32_t p = 0; ndisplay == 2 && p < W * H; p++) {
            uint8_t value = real_npy_value(0, p / W, p % W, H, W);
            assert_in_range(rgba[p * 4 + 1], value ? value - 1 : 0, value + 1);
        }
        for (uint32_t p = 0; ndisplay == 3 && round == 0 && p < W * H; p++)
            if (p % W > 10 && p % W < W - 10 && p / W > 10 && p / W < H - 10)
                assert_true(rgba[p * 4 + 1] > 0); /* the volume is there */
        render_destroy(render);
        if (standin.library)
            assert_int_equal(standin.count("live.graphics"), 0);
    }
    free(rgba);
    scene_snapshot_unref(snapshot);
    real_close(&real);
    check_nothing_left();
    return possible;
}

static void bytes_as_they_are(void **state)
{
    (void)state;
    char *image = real_write_npy(0, H, W, false), *stack = real_write_npy(PLANES, H, W, false);
    bool done = check_pictures(image, 2) && check_pictures(stack, 3);
    unlink(image);
    unlink(stack);
    free(image);
    free(stack);
    if (!done)
        skip();
}

static void integers_that_become_floats(void **state)
{
    (void)state;
    static int16_t values[W * H];
    for (uint32_t i = 0; i < W * H; i++)
        values[i] = real_npy_value(0, i / W, i % W, H, W);
    char shape[32];
    snprintf(shape, sizeof shape, "(%d, %d)", H, W);
    char *path = real_write_values("<i2", shape, values, sizeof values);
    bool done = check_pictures(path, 2);
    unlink(path);
    free(path);
    if (!done)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_as_they_are),
        cmocka_unit_test(integers_that_become_floats),
    };
    return cmocka_run_group_tests(tests, open_driver, NULL);
}
