/* SPDX-License-Identifier: BSD-3-Clause */
/* Several renders over one pool, with the modules of this build: what they share, what they do not,
 * and that nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "real.h"
#include "render/dataset.h"
#include "util/check.h"
#include "util/clock.h"

struct view {
    struct real *real;
    struct render *render;
    struct scene_snapshot *snapshot;
    uint8_t *rgba;
    struct error err;
    bool drawn;
};

static struct view view_of(struct real *real, const char *scene)
{
    struct view view = {.real = real};
    view.snapshot = real_snapshot(real, scene);
    view.render = render_create(real->pool, "main", NULL, &view.err);
    if (!view.render)
        fail_msg("%s", view.err.text);
    view.rgba = malloc((size_t)view.snapshot->scene.width * view.snapshot->scene.height * 4);
    return view;
}

static void view_finish(struct view *view)
{
    render_destroy(view->render);
    scene_snapshot_unref(view->snapshot);
    free(view->rgba);
}

static void *draw(void *data)
{
    struct view *view = data;
    view->drawn = render_still(view->render, view->snapshot, view->rgba, &view->err);
    return NULL;
}

static char *scene_of(const char *path, uint32_t width, uint32_t height, double x, double y)
{
    return xasprintf("{\"oriel_scene\": 1, \"canvas\": {\"size\": [%u, %u]},"
                     " \"dims\": {\"ndisplay\": 2},"
                     " \"camera\": {\"model\": \"napari\", \"center\": [0, %g, %g], \"zoom\": 1},"
                     " \"layers\": [{\"type\": \"image\", \"source\": {\"uri\": \"%s\"},"
                     "  \"controls\": {\"colormap\": \"gray\", \"contrast_limits\": [0, 255]}}]}",
                     width, height, y, x, path);
}

/* Two views of one image side by side: each its own size and place, each pixel right. */
static void renders_draw_side_by_side(void **state)
{
    (void)state;
    enum { W = 300, H = 200, VIEWS = 3 };
    struct real real;
    real_open(&real);
    char *path = real_write_npy(0, H, W, false);
    struct view views[VIEWS];
    static const uint32_t sizes[VIEWS][2] = {{100, 80}, {64, 120}, {120, 64}};
    static const uint32_t corner[VIEWS][2] = {{0, 0}, {150, 40}, {100, 100}};
    for (int i = 0; i < VIEWS; i++) {
        char *scene =
            scene_of(path, sizes[i][0], sizes[i][1], corner[i][0] + (sizes[i][0] - 1) / 2.0,
                     corner[i][1] + (sizes[i][1] - 1) / 2.0);
        views[i] = view_of(&real, scene);
        free(scene);
    }
    for (int round = 0; round < 4; round++) {
        pthread_t threads[VIEWS];
        for (int i = 0; i < VIEWS; i++)
            pthread_create(&threads[i], NULL, draw, &views[i]);
        for (int i = 0; i < VIEWS; i++) {
            pthread_join(threads[i], NULL);
            if (!views[i].drawn)
                fail_msg("%s", views[i].err.text);
            for (uint32_t p = 0; p < sizes[i][0] * sizes[i][1]; p++) {
                uint32_t x = corner[i][0] + p % sizes[i][0], y = corner[i][1] + p / sizes[i][0];
                uint8_t value = real_npy_value(0, y, x, H, W);
                assert_in_range(views[i].rgba[p * 4 + 1], value ? value - 1 : 0, value + 1);
            }
            memset(views[i].rgba, 0, (size_t)sizes[i][0] * sizes[i][1] * 4);
        }
    }
    for (int i = 0; i < VIEWS; i++)
        view_finish(&views[i]);
    unlink(path);
    free(path);
    real_close(&real);
}

/* The second view of the same data reads nothing. */
static void what_one_has_read_the_next_has(void **state)
{
    (void)state;
    struct real real;
    real_open(&real);
    char *path = real_write_npy(0, 200, 300, false);
    char *scene = scene_of(path, 100, 80, 50, 40);
    struct view first = view_of(&real, scene);
    draw(&first);
    assert_true(first.drawn);
    char *stats = render_stats_json(first.render);
    double chunks = real_number(stats, "loaded", "chunks");
    free(stats);
    assert_true(chunks > 0);
    struct view second = {.real = &real, .snapshot = scene_snapshot_ref(first.snapshot)};
    second.render = render_create(real.pool, "main", NULL, &second.err);
    second.rgba = malloc(100 * 80 * 4);
    draw(&second);
    assert_true(second.drawn);
    stats = render_stats_json(second.render);
    assert_true(real_number(stats, "loaded", "chunks") == chunks);
    assert_true(real_number(stats, "loaded", "cache_hits") > 0);
    free(stats);
    assert_memory_equal(first.rgba, second.rgba, 100 * 80 * 4);
    view_finish(&first);
    view_finish(&second);
    unlink(path);
    free(path);
    free(scene);
    real_close(&real);
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void renders_come_and_go(void **state)
{
    (void)state;
    enum { ROUNDS = 50, SETTLED = 10 };
    struct real real;
    real_open(&real);
    char *path = real_write_npy(0, 200, 300, false);
    char *scene = scene_of(path, 320, 200, 150, 100);
    struct view stays = view_of(&real, scene);
    draw(&stays);
    int64_t creating = 0, destroying = 0;
    long before = 0;
    for (int i = 0; i < ROUNDS; i++) {
        if (i == SETTLED)
            before = resident_kib();
        int64_t begin = clock_ns();
        struct view view = {.real = &real, .snapshot = scene_snapshot_ref(stays.snapshot)};
        view.render = render_create(real.pool, "main", NULL, &view.err);
        assert_non_null(view.render);
        creating += clock_ns() - begin;
        view.rgba = malloc(320 * 200 * 4);
        if (i % 2 == 0) /* others go before they have drawn */
            draw(&view);
        else
            render_post(view.render, view.snapshot);
        begin = clock_ns();
        view_finish(&view);
        destroying += clock_ns() - begin;
    }
    long grown = resident_kib() - before;
    print_message("a render: %.1f ms to make, %.1f ms to take down; %ld KiB more after %d\n",
                  (double)creating / ROUNDS / NS_PER_MS, (double)destroying / ROUNDS / NS_PER_MS,
                  grown, ROUNDS - SETTLED);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they keep what is freed */
    assert_true(grown < 8 * 1024);
#endif
    assert_true(creating / ROUNDS < 2 * NS_PER_S);
    draw(&stays);
    assert_true(stays.drawn);
    view_finish(&stays);
    unlink(path);
    free(path);
    free(scene);
    real_close(&real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_draw_side_by_side),
        cmocka_unit_test(what_one_has_read_the_next_has),
        cmocka_unit_test(renders_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
