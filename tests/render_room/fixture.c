/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "rig.h"
#include "util/clock.h"

const uint64_t fixture_plane[3] = {20, 256, 256}, fixture_tiles[3] = {1, 64, 64},
               fixture_cube[3] = {32, 32, 32};

static struct fixture *running;

static void notice(void *data, const struct render_notice *n)
{
    struct fixture *f = data;
    pthread_mutex_lock(&f->mutex);
    if (n->kind == RENDER_NOTICE_DATA_ERROR || n->kind == RENDER_NOTICE_FAULT)
        memcpy(f->text, n->text, sizeof f->text);
    pthread_mutex_unlock(&f->mutex);
    atomic_fetch_add(&f->notices[n->kind], 1);
}

void fixture_take(void *data, const struct oriel_frame *frame)
{
    struct fixture *f = data;
    pthread_mutex_lock(&f->mutex);
    f->last = frame->stamp;
    f->width = frame->format.width;
    f->height = frame->format.height;
    pthread_mutex_unlock(&f->mutex);
    if (frame->stamp.flags & ORIEL_FRAME_COMPLETE)
        atomic_fetch_add(&f->complete, 1);
    atomic_fetch_add(&f->frames, 1);
}

const struct oriel_format fixture_rgba = {.domain = ORIEL_DOMAIN_CPU,
                                          .fourcc = ORIEL_FMT_RGBA,
                                          .primaries = ORIEL_PRIMARIES_BT709,
                                          .transfer = ORIEL_TRANSFER_SRGB,
                                          .matrix = ORIEL_MATRIX_IDENTITY,
                                          .full_range = 1};

uint32_t fixture_tap(struct fixture *f)
{
    uint32_t id = taps_add(
        f->taps, &(struct render_tap){
                     .format = fixture_rgba, .frames_held = 1, .frame = fixture_take, .data = f});
    painter_wake(f->painter);
    return id;
}

struct oriel_stamp fixture_last(struct fixture *f)
{
    pthread_mutex_lock(&f->mutex);
    struct oriel_stamp stamp = f->last;
    pthread_mutex_unlock(&f->mutex);
    return stamp;
}

/* Until a frame has shown `revision`. */
bool fixture_shows(struct fixture *f, uint64_t revision)
{
    for (int i = 0; i < 2000 && fixture_last(f).revision != revision; i++)
        rig_sleep_ms(1);
    return fixture_last(f).revision == revision;
}

void fixture_post(struct fixture *f, struct scene_snapshot *snapshot)
{
    painter_post(f->painter, snapshot);
    scene_snapshot_unref(snapshot);
}

void fixture_prepare(struct fixture *f, uint32_t ndim, const uint64_t *shape, const uint64_t *chunk,
                     uint32_t levels)
{
    memset(f, 0, sizeof *f);
    running = f;
    fake_source_set(ORIEL_U16, ndim, shape, chunk, levels, ndim > 2 ? ndim - 2 : 0);
    fake_scene_reset();
    pthread_mutex_init(&f->mutex, NULL);
    f->dataset = rig_open();
    f->metrics = metrics_create();
    f->stats = stats_create(f->metrics, false);
    f->taps = taps_create(NULL, f->stats);
    struct error err = {""};
    f->loader = loader_create(2, 64 << 20, 0, &err);
    f->setup = (struct painter_setup){.label = "main",
                                      .loader = f->loader,
                                      .taps = f->taps,
                                      .stats = f->stats,
                                      .events = {notice, f},
                                      .policy = {.threshold_in = 1.05,
                                                 .threshold_out = 1.35,
                                                 .fine_threshold = 1.05,
                                                 .cooldown_ns = 1000000,
                                                 .lock = -1,
                                                 .max_volume_bytes = 256 << 20},
                                      .device = -1,
                                      .frame_ns = 5 * NS_PER_MS,
                                      .settle_ns = 60 * NS_PER_MS,
                                      .budget_ms = 20};
    if (!f->loader)
        fail_msg("%s", err.text);
}

void fixture_make(struct fixture *f, uint32_t ndim, const uint64_t *shape, const uint64_t *chunk,
                  uint32_t levels)
{
    fixture_prepare(f, ndim, shape, chunk, levels);
    struct error err = {""};
    f->painter = painter_create(&f->setup, &err);
    if (!f->painter)
        fail_msg("%s", err.text);
}

static void take_down(struct fixture *f)
{
    running = NULL;
    painter_destroy(f->painter);
    taps_destroy(f->taps);
    loader_destroy(f->loader);
    stats_destroy(f->stats);
    metrics_destroy(f->metrics);
    dataset_unref(f->dataset);
}

int fixture_abandon(void **state)
{
    (void)state;
    if (running)
        take_down(running);
    return 0;
}

void fixture_finish(struct fixture *f)
{
    take_down(f);
    assert_int_equal(atomic_load(&fake_scene.creates),
                     atomic_load(&fake_scene.destroys) + atomic_load(&fake_scene.lost));
    assert_int_equal(atomic_load(&fake_capture.creates),
                     atomic_load(&fake_capture.destroys) + atomic_load(&fake_capture.lost));
}

struct scene_snapshot *fixture_slice(struct fixture *f, uint64_t revision, double z)
{
    struct scene_snapshot *snapshot = rig_snapshot(f->dataset, revision, 2, 320, 200);
    snapshot->scene.point[0] = z;
    return snapshot;
}
