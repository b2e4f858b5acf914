/* SPDX-License-Identifier: BSD-3-Clause */
/* The real thing: source, scene and capture modules of this build under the render room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <png.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/control.h"
#include "module/services.h"
#include "real.h"
#include "render/dataset.h"
#include "render/render.h"
#include "render/value.h"
#include "util/check.h"

struct rooms {
    struct real real;
    struct render *render;
};

/* `set`: "key=value" or NULL. */
static void open_rooms(struct rooms *rooms, const char *set)
{
    struct error err = {""};
    real_open_with(&rooms->real, &set, set ? 1 : 0);
    rooms->render = render_create(rooms->real.pool, "main", NULL, &err);
    if (!rooms->render)
        fail_msg("%s", err.text);
}

static void close_rooms(struct rooms *rooms)
{
    render_destroy(rooms->render);
    real_close(&rooms->real);
}

struct taken {
    sem_t come;
    const struct oriel_frame *frame;
};

static void take(void *data, const struct oriel_frame *frame)
{
    struct taken *taken = data;
    if (taken->frame)
        return;
    taken->frame = frame_ref(frame);
    sem_post(&taken->come);
}

/* A frame is waited for, read and let go of by a thread without OpenGL, when what drew it is gone.
 */
static void outlive(struct rooms *rooms, struct scene_snapshot *snapshot, const uint8_t *rgba)
{
    struct taken taken = {.frame = NULL};
    struct render_tap tap = {
        .complete_only = true, .frames_held = 1, .frame = take, .data = &taken};
    struct oriel_format formats[RENDER_MAX_FORMATS];
    uint32_t f = 0, count = render_formats(rooms->render, formats, RENDER_MAX_FORMATS);
    while (f < count &&
           (formats[f].fourcc != ORIEL_FMT_RGBA || formats[f].domain != ORIEL_DOMAIN_CPU))
        f++;
    assert_true(f < count);
    tap.format = formats[f];
    sem_init(&taken.come, 0, 0);
    uint32_t id = render_tap_add(rooms->render, &tap);
    render_post(rooms->render, snapshot);
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 20;
    assert_int_equal(sem_timedwait(&taken.come, &end), 0);
    render_tap_remove(rooms->render, id);
    sem_destroy(&taken.come);
    render_destroy(rooms->render);
    rooms->render = NULL;
    struct error err = {""};
    if (!frame_wait(taken.frame, &err))
        fail_msg("%s", err.text);
    const struct oriel_plane *plane = &taken.frame->planes[0];
    const uint8_t *rows = (const uint8_t *)(uintptr_t)plane->handle + plane->offset;
    size_t row = 4 * (size_t)taken.frame->format.width;
    for (uint32_t y = 0; y < plane->rows; y++) /* the bottom one first */
        assert_memory_equal(rows + (size_t)y * plane->stride, rgba + (plane->rows - 1 - y) * row,
                            row);
    frame_unref(taken.frame);
}

/* One image pixel a canvas pixel: what comes out is what is in the file, the right way up. */
static void check_pixels(const char *set)
{
    enum { W = 200, H = 120 };
    struct rooms rooms;
    open_rooms(&rooms, set);
    char *path = real_write_npy(0, H, W, false), *scene = xasprintf("%s.scene.json", path);
    FILE *file = fopen(scene, "w");
    assert_non_null(file);
    fprintf(file,
            "{\"oriel_scene\": 1, \"canvas\": {\"size\": [%d, %d]}, \"dims\": {\"ndisplay\": 2},\n"
            " \"camera\": {\"model\": \"napari\", \"center\": [0, %g, %g], \"zoom\": 1},\n"
            " \"layers\": [{\"type\": \"image\", \"source\": {\"uri\": \"%s\"},\n"
            "  \"controls\": {\"colormap\": \"gray\", \"contrast_limits\": [0, 255]}}]}\n",
            W, H, (H - 1) / 2.0, (W - 1) / 2.0, path);
    fclose(file);
    struct error err = {""};
    if (!control_open_scene(rooms.real.control, scene, &err))
        fail_msg("%s", err.text);
    struct scene_snapshot *snapshot = control_snapshot(rooms.real.control);
    uint8_t *rgba = malloc(W * H * 4);
    if (!render_still(rooms.render, snapshot, rgba, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < W * H; i++) {
        uint8_t value = (uint8_t)((i * 7 + i / W) % 256);
        assert_in_range(rgba[i * 4 + 1], value ? value - 1 : 0, value + 1);
        assert_int_equal(rgba[i * 4 + 3], 255);
    }
    struct layer_binding *binding = &snapshot->bindings[0];
    const int64_t index[ORIEL_MAX_AXES] = {17, 33}, outside[ORIEL_MAX_AXES] = {17, W};
    struct data_value value;
    assert_true(data_probe(rooms.real.pool, binding, index, &value, &err));
    assert_int_equal((int)data_value_number(&value), ((17 * W + 33) * 7 + 17) % 256);
    assert_false(data_probe(rooms.real.pool, binding, outside, &value, &err));
    char *stats = render_stats_json(rooms.render);
    assert_non_null(strstr(stats, "\"coverage\":\t1"));
    free(stats);
    outlive(&rooms, snapshot, rgba);
    free(rgba);
    scene_snapshot_unref(snapshot);
    unlink(scene);
    unlink(path);
    free(scene);
    free(path);
    close_rooms(&rooms);
}

static void every_pixel_is_where_it_belongs(void **state)
{
    (void)state;
    check_pixels(NULL);
}

/* The frame comes before its samples: the host waits for them. */
static void every_pixel_of_a_gpu(void **state)
{
    (void)state;
    check_pixels("capture/gl.convert=shader");
}

/* A file that ends too early is an error that names it, not a picture with a hole. */
static void broken_data_are_named(void **state)
{
    (void)state;
    struct rooms rooms;
    open_rooms(&rooms, NULL);
    char *path = real_write_npy(64, 600, 600, true);
    struct error err = {""};
    bool opened = control_open_data(rooms.real.control, path, &err);
    if (opened) {
        struct scene_snapshot *snapshot = control_snapshot(rooms.real.control);
        uint8_t *rgba = malloc((size_t)snapshot->scene.width * snapshot->scene.height * 4);
        snapshot->scene.point[0] = 60;
        assert_false(render_still(rooms.render, snapshot, rgba, &err));
        free(rgba);
        scene_snapshot_unref(snapshot);
    }
    assert_non_null(strstr(err.text, path));
    unlink(path);
    free(path);
    close_rooms(&rooms);
}

static bool read_png(const char *path, png_image *image, uint8_t **rgba)
{
    *image = (png_image){.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(image, path))
        return false;
    image->format = PNG_FORMAT_RGBA;
    *rgba = malloc(PNG_IMAGE_SIZE(*image));
    return png_image_finish_read(image, NULL, *rgba, 0, NULL);
}

static double psnr(const uint8_t *a, const uint8_t *b, size_t pixels)
{
    double sum = 0;
    for (size_t i = 0; i < pixels * 4; i++)
        sum += i % 4 < 3 ? (double)(a[i] - b[i]) * (a[i] - b[i]) : 0;
    return sum > 0 ? 10 * log10(255.0 * 255 * 3 * (double)pixels / sum) : 99;
}

static void scenes_look_as_in_napari(void **state)
{
    (void)state;
    const char *data = getenv("ORIEL_TEST_DATA");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/reference", data ? data : "");
    DIR *dir = data ? opendir(folder) : NULL;
    if (!dir) {
        print_message("left out: ORIEL_TEST_DATA names no folder with reference/\n");
        skip();
    }
    struct rooms rooms;
    open_rooms(&rooms, NULL);
    unsigned compared = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char *end = strstr(entry->d_name, ".scene.json");
        if (!end ||
            strncmp(entry->d_name, "img_", 4) != 0) /* volumes: the scene module's own tests */
            continue;
        char *scene = xasprintf("%s/%s", folder, entry->d_name);
        char *picture = xasprintf("%s/%.*s.png", folder, (int)(end - entry->d_name), entry->d_name);
        struct error err = {""};
        control_destroy(rooms.real.control); /* a scene is added to what is there */
        rooms.real.control =
            control_create(rooms.real.config, rooms.real.registry, rooms.real.metrics, &err);
        if (!rooms.real.control || !control_open_scene(rooms.real.control, scene, &err))
            fail_msg("%s", err.text);
        struct scene_snapshot *snapshot = control_snapshot(rooms.real.control);
        png_image image;
        uint8_t *expected = NULL;
        assert_true(read_png(picture, &image, &expected));
        assert_int_equal(image.width, snapshot->scene.width);
        assert_int_equal(image.height, snapshot->scene.height);
        uint8_t *rgba = malloc(PNG_IMAGE_SIZE(image));
        if (!render_still(rooms.render, snapshot, rgba, &err))
            fail_msg("%s", err.text);
        double quality = psnr(rgba, expected, (size_t)image.width * image.height);
        if (quality < 40)
            fail_msg("%s: %.1f dB", entry->d_name, quality);
        compared++;
        scene_snapshot_unref(snapshot);
        free(rgba);
        free(expected);
        free(scene);
        free(picture);
    }
    closedir(dir);
    close_rooms(&rooms);
    assert_true(compared > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_is_where_it_belongs),
        cmocka_unit_test(every_pixel_of_a_gpu),
        cmocka_unit_test(broken_data_are_named),
        cmocka_unit_test(scenes_look_as_in_napari),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
