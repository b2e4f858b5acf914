/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures of a scene at any size while its stream goes on, and their PNG. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <png.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "real.h"
#include "render/png.h"
#include "util/cancel.h"
#include "util/check.h"
#include "util/clock.h"

enum { W = 240, H = 160 };

static char *make_scene(const char *path, uint32_t ndisplay)
{
    const char *camera = ndisplay == 3 ? "\"center\": [3.5, 79.5, 119.5], \"zoom\": 1, "
                                         "\"angles\": [20, 30, 40]"
                                       : "\"center\": [0, 79.5, 119.5], \"zoom\": 1";
    return xasprintf("{\"oriel_scene\": 1, \"canvas\": {\"size\": [%d, %d]},"
                     " \"dims\": {\"ndisplay\": %u},"
                     " \"camera\": {\"model\": \"napari\", %s},"
                     " \"layers\": [{\"type\": \"image\", \"source\": {\"uri\": \"%s\"},"
                     "  \"controls\": {\"colormap\": \"gray\", \"interpolation2d\": \"nearest\","
                     "   \"contrast_limits\": [0, 255]}}]}",
                     W, H, ndisplay, camera, path);
}

struct shot {
    struct real real;
    char *path;
    struct scene_snapshot *snapshot;
};

static void begin(struct shot *shot, uint32_t ndisplay)
{
    real_open(&shot->real);
    shot->path = real_write_npy(ndisplay == 3 ? 8 : 0, H, W, false);
    char *scene = make_scene(shot->path, ndisplay);
    shot->snapshot = real_snapshot(&shot->real, scene);
    free(scene);
}

static void finish(struct shot *shot)
{
    scene_snapshot_unref(shot->snapshot);
    unlink(shot->path);
    free(shot->path);
    real_close(&shot->real);
}

static void take(struct shot *shot, uint32_t width, uint32_t height, uint8_t *rgba)
{
    struct error err = {""};
    if (!render_screenshot(shot->real.pool, shot->snapshot, width, height, 20 * NS_PER_S, NULL,
                           rgba, &err))
        fail_msg("%s", err.text);
}

/* One image pixel is 2 × 2 of the picture, in the middle of one that is wider. */
static void a_larger_picture_shows_the_same(void **state)
{
    (void)state;
    enum { WIDE = 2 * W + 100, TALL = 2 * H, LEFT = 50 };
    struct shot shot;
    begin(&shot, 2);
    uint8_t *rgba = malloc((size_t)WIDE * TALL * 4);
    take(&shot, WIDE, TALL, rgba);
    for (uint32_t y = 0; y < TALL; y++) {
        for (uint32_t x = 0; x < 2 * W; x++) {
            uint8_t value = real_npy_value(0, y / 2, x / 2, H, W);
            uint8_t got = rgba[((size_t)y * WIDE + LEFT + x) * 4 + 1];
            assert_in_range(got, value ? value - 1 : 0, value + 1);
        }
        assert_int_equal(rgba[((size_t)y * WIDE + LEFT - 1) * 4 + 1], 0);
        assert_int_equal(rgba[((size_t)y * WIDE + LEFT + 2 * W) * 4 + 1], 0);
    }
    free(rgba);
    finish(&shot);
}

static void it_is_what_a_still_is(void **state)
{
    (void)state;
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct shot shot;
        begin(&shot, ndisplay);
        uint8_t *rgba = malloc(W * H * 4), *still = malloc(W * H * 4);
        take(&shot, W, H, rgba);
        struct error err = {""};
        struct render *render = render_create(shot.real.pool, "main", NULL, &err);
        assert_non_null(render);
        assert_true(render_still(render, shot.snapshot, still, &err));
        render_destroy(render);
        assert_memory_equal(rgba, still, W * H * 4);
        free(rgba);
        free(still);
        finish(&shot);
    }
}

struct stream {
    atomic_int frames;
    atomic_uint width;
};

static void count(void *data, const struct oriel_frame *frame)
{
    struct stream *stream = data;
    atomic_store(&stream->width, frame->format.width);
    atomic_fetch_add(&stream->frames, 1);
}

static bool reaches(atomic_int *value, int least)
{
    for (int i = 0; i < 2000 && atomic_load(value) < least; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return atomic_load(value) >= least;
}

static void a_stream_does_not_notice(void **state)
{
    (void)state;
    struct shot shot;
    begin(&shot, 2);
    struct error err = {""};
    struct render *render = render_create(shot.real.pool, "main", NULL, &err);
    assert_non_null(render);
    struct stream stream = {0};
    struct oriel_format formats[RENDER_MAX_FORMATS];
    assert_true(render_formats(render, formats, RENDER_MAX_FORMATS) > 0);
    uint32_t tap = render_tap_add(
        render, &(struct render_tap){
                    .format = formats[0], .frames_held = 1, .frame = count, .data = &stream});
    render_post(render, shot.snapshot);
    assert_true(reaches(&stream.frames, 1));
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL); /* until it rests */
    int before = atomic_load(&stream.frames);
    uint8_t *rgba = malloc(300 * 300 * 4);
    int64_t begun = clock_ns();
    take(&shot, 300, 300, rgba);
    print_message("a screenshot of 300 x 300: %.1f ms\n", (double)(clock_ns() - begun) / NS_PER_MS);
    assert_int_equal(atomic_load(&stream.frames), before);
    assert_int_equal(atomic_load(&stream.width), W);
    shot.snapshot->scene.revision++; /* it goes on */
    render_post(render, shot.snapshot);
    assert_true(reaches(&stream.frames, before + 1));
    assert_int_equal(atomic_load(&stream.width), W);
    render_tap_remove(render, tap);
    render_destroy(render);
    free(rgba);
    finish(&shot);
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    struct shot shot;
    begin(&shot, 2);
    uint8_t pixel[4];
    struct error err = {""};
    assert_false(
        render_screenshot(shot.real.pool, shot.snapshot, 0, 1, NS_PER_S, NULL, pixel, &err));
    assert_false(
        render_screenshot(shot.real.pool, shot.snapshot, 1, 1000000, NS_PER_S, NULL, pixel, &err));
    assert_non_null(strstr(err.text, "1 x 1000000"));
    assert_false(render_screenshot(shot.real.pool, shot.snapshot, 1, 1, 0, NULL, pixel, &err));
    assert_string_equal(err.text, "the picture was not complete in time");
    assert_true(
        render_screenshot(shot.real.pool, shot.snapshot, 1, 1, 9 * NS_PER_S, NULL, pixel, &err));
    finish(&shot);
}

/* Nobody waits for it: it is not begun. */
static void a_cancelled_one_ends(void **state)
{
    (void)state;
    struct shot shot;
    begin(&shot, 2);
    uint8_t pixel[4];
    struct error err = {""};
    struct cancel cancel;
    cancel_init(&cancel);
    cancel_set(&cancel);
    int64_t begun = clock_ns();
    assert_false(render_screenshot(shot.real.pool, shot.snapshot, 1, 1, 600 * NS_PER_S, &cancel,
                                   pixel, &err));
    assert_string_equal(err.text, "nobody waits for the picture any more");
    assert_true(clock_ns() - begun < 60 * NS_PER_S);
    cancel_finish(&cancel);
    finish(&shot);
}

static void a_png_holds_every_pixel(void **state)
{
    (void)state;
    enum { WIDE = 37, TALL = 11 };
    uint8_t rgba[WIDE * TALL * 4], back[WIDE * TALL * 4];
    for (size_t i = 0; i < sizeof rgba; i++)
        rgba[i] = (uint8_t)(i * 37 + i / 7);
    size_t bytes = 0;
    uint8_t *png = encode_png(rgba, WIDE, TALL, &bytes);
    assert_non_null(png);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, png, bytes));
    assert_int_equal(image.width, WIDE);
    assert_int_equal(image.height, TALL);
    image.format = PNG_FORMAT_RGBA;
    assert_true(png_image_finish_read(&image, NULL, back, 0, NULL));
    assert_memory_equal(rgba, back, sizeof rgba);
    free(png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_larger_picture_shows_the_same),
        cmocka_unit_test(it_is_what_a_still_is),
        cmocka_unit_test(a_stream_does_not_notice),
        cmocka_unit_test(what_cannot_be_is_said),
        cmocka_unit_test(a_cancelled_one_ends),
        cmocka_unit_test(a_png_holds_every_pixel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
