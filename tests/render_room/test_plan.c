/* SPDX-License-Identifier: BSD-3-Clause */
/* Planning: levels, regions, alignment, hysteresis, budgets, axis orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>
#include <string.h>

#include "render/plan.h"
#include "rig.h"

static const struct plan_policy policy = {.threshold_in = 1.05,
                                          .threshold_out = 1.35,
                                          .fine_threshold = 1.05,
                                          .cooldown_ns = 150000000,
                                          .lock = -1,
                                          .max_texture_2d = 16384,
                                          .max_texture_3d = 2048,
                                          .max_volume_bytes = 256 << 20};

struct fixture {
    struct dataset *dataset;
    struct scene_snapshot *snapshot;
    struct plan_memory memory;
    struct plan_policy policy;
};

static void make(struct fixture *f, uint32_t ndim, const uint64_t *shape, const uint64_t *chunk,
                 uint32_t levels, uint32_t ndisplay)
{
    fake_source_set(ORIEL_U16, ndim, shape, chunk, levels, ndim > 2 ? ndim - 2 : 0);
    memset(f, 0, sizeof *f);
    f->policy = policy;
    f->dataset = rig_open();
    f->snapshot = rig_snapshot(f->dataset, 1, ndisplay, 800, 600);
}

static void finish(struct fixture *f)
{
    scene_snapshot_unref(f->snapshot);
    dataset_unref(f->dataset);
}

static struct plan plan_at(struct fixture *f, bool resting, int64_t now)
{
    struct plan plan;
    plan_layer(f->snapshot, 0, dataset_info(f->dataset), &f->policy, resting, now, &f->memory,
               &plan);
    return plan;
}

static double edge(const struct plan_slab *slab, unsigned d, bool high)
{
    return slab->translate[d] + slab->scale[d] * (high ? slab->shape[d] - 0.5 : -0.5);
}

static const uint64_t large[3] = {10, 16384, 16384}, chunks[3] = {1, 256, 256};

static void level_follows_zoom(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    struct {
        double zoom;
        uint32_t level;
    } cases[] = {{2, 0},   {1, 0},    {1 / 1.34, 0}, {1 / 1.36, 1},
                 {0.5, 1}, {0.25, 2}, {0.04, 5},     {0.001, 5}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        f.snapshot->scene.camera.zoom = cases[i].zoom;
        assert_int_equal(plan_at(&f, true, 0).level, cases[i].level);
    }
    finish(&f);
}

/* Between the thresholds a moving view keeps its level; at rest it does not matter how it came
 * there. */
static void level_has_hysteresis_only_in_motion(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    f.snapshot->scene.camera.zoom = 0.5;
    assert_int_equal(plan_at(&f, false, 0).level, 1);
    f.snapshot->scene.camera.zoom = 1 / 1.2; /* level 0 has 1.2 texels for a pixel */
    struct plan plan = plan_at(&f, false, 1000000000);
    assert_int_equal(plan.level, 1);
    assert_false(plan.settled);
    f.snapshot->scene.camera.zoom = 1 / 1.04;
    assert_int_equal(plan_at(&f, false, 2000000000).level, 0);
    f.snapshot->scene.camera.zoom = 1 / 1.2;
    plan = plan_at(&f, false, 3000000000);
    assert_int_equal(plan.level, 0);
    assert_true(plan.settled);
    f.memory.level = 1;
    assert_int_equal(plan_at(&f, true, 4000000000).level, 0);
    finish(&f);
}

static void level_cools_down(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    f.snapshot->scene.camera.zoom = 0.5;
    plan_at(&f, false, 0);
    f.snapshot->scene.camera.zoom = 1;
    assert_int_equal(plan_at(&f, false, 100000000).level, 1);
    assert_int_equal(plan_at(&f, false, 200000000).level, 0);
    f.policy.hysteresis = 0.1; /* holds single steps back */
    f.snapshot->scene.camera.zoom = 0.5;
    assert_int_equal(plan_at(&f, false, 900000000).level, 0);
    f.snapshot->scene.camera.zoom = 0.25;
    assert_int_equal(plan_at(&f, false, 950000000).level, 2);
    finish(&f);
}

static void locks_win(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    f.snapshot->scene.camera.zoom = 1;
    f.policy.lock = 4;
    assert_int_equal(plan_at(&f, true, 0).level, 4);
    f.snapshot->level = 3;
    assert_int_equal(plan_at(&f, true, 0).level, 3);
    f.snapshot->bindings[0].level = 2;
    struct plan plan = plan_at(&f, true, 0);
    assert_int_equal(plan.level, 2);
    assert_int_equal(plan.base.level, 2); /* the only level to show */
    f.snapshot->bindings[0].level = 99;
    assert_int_equal(plan_at(&f, true, 0).level, 5);
    finish(&f);
}

static void region_covers_the_canvas_in_whole_chunks(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    struct oriel_camera *camera = &f.snapshot->scene.camera;
    camera->zoom = 1;
    camera->center[0] = 5000.3;
    camera->center[1] = 7000.7;
    struct plan plan = plan_at(&f, true, 0);
    assert_true(plan.has_base && plan.has_detail);
    assert_int_equal(plan.base.level, 5);
    assert_int_equal(plan.base.shape[0], 512);
    assert_int_equal(plan.detail.level, 0);
    for (unsigned d = 0; d < 2; d++) {
        double half = (d ? 600 : 800) / 2.0;
        assert_true(edge(&plan.detail, d, false) <= camera->center[d] - 2 * half);
        assert_true(edge(&plan.detail, d, true) >= camera->center[d] + 2 * half);
        assert_int_equal(plan.detail.origin[d] % 256, 0);
        assert_int_equal(plan.detail.shape[d] % 256, 0);
        assert_true(plan.detail.shape[d] <= 4 * half + 2 * 256 + 8);
    }
    /* Coarse and fine lie on each other: outer edges are those of the data. */
    assert_float_equal(edge(&plan.base, 0, false), -0.5, 1e-9);
    assert_float_equal(edge(&plan.base, 0, true), 16383.5, 1e-9);
    finish(&f);
}

static void small_pans_reload_nothing(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    struct oriel_camera *camera = &f.snapshot->scene.camera;
    camera->zoom = 1;
    struct plan first = plan_at(&f, false, 0);
    camera->center[0] += 150;
    struct plan second = plan_at(&f, false, 1);
    assert_true(plan_slab_equal(&first.detail, &second.detail));
    camera->center[0] += 600; /* the old region would still cover the canvas, but only just */
    struct plan third = plan_at(&f, false, 2);
    assert_false(plan_slab_equal(&first.detail, &third.detail));
    assert_true(plan_view_equal(&first.detail.view, &third.detail.view));
    finish(&f);
}

static void off_the_canvas_there_is_no_detail(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    f.snapshot->scene.camera.zoom = 1;
    f.snapshot->scene.camera.center[0] = -1e6;
    struct plan plan = plan_at(&f, true, 0);
    assert_true(plan.shown && plan.has_base);
    assert_false(plan.has_detail);
    finish(&f);
}

static void slices_are_nearest_and_end_at_the_data(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    struct oriel_layer *layer = rig_layer(f.snapshot);
    layer->scale[0] = 2;
    layer->translate[0] = 100;
    struct {
        double point;
        int index;
    } cases[] = {{100, 0},   {100.9, 0},  {101.1, 1}, {118, 9},
                 {118.9, 9}, {119.1, -1}, {98.9, -1}, {99.1, 0}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        f.snapshot->scene.point[0] = cases[i].point;
        struct plan plan = plan_at(&f, true, 0);
        assert_int_equal(plan.shown, cases[i].index >= 0);
        if (plan.shown)
            assert_int_equal(plan.base.index[0], cases[i].index);
    }
    finish(&f);
}

static void any_axis_pair_can_be_shown(void **state)
{
    (void)state;
    static const uint64_t shape[4] = {5, 40, 50, 60}, chunk[4] = {1, 20, 25, 30};
    struct fixture f;
    make(&f, 4, shape, chunk, 1, 2);
    const uint32_t order[4] = {0, 3, 2,
                               1}; /* x is the data's axis 1, y axis 2; axes 0 and 3 slide */
    memcpy(f.snapshot->scene.order, order, sizeof order);
    f.snapshot->scene.point[0] = 3;
    f.snapshot->scene.point[3] = 41;
    struct plan plan = plan_at(&f, true, 0);
    assert_int_equal(plan.base.view.axis[0], 1);
    assert_int_equal(plan.base.view.axis[1], 2);
    assert_int_equal(plan.base.view.axis[2], -1);
    assert_int_equal(plan.base.shape[0], 40);
    assert_int_equal(plan.base.shape[1], 50);
    assert_int_equal(plan.base.index[0], 3);
    assert_int_equal(plan.base.index[3], 41);
    uint64_t first, count;
    plan_grid(&plan.base, 0, &first, &count);
    assert_int_equal(count, 2);
    struct want want;
    const uint64_t place[3] = {1, 1, 0};
    plan_want(&plan.base, dataset_info(f.dataset), place, &want);
    const uint64_t origin[4] = {3, 20, 25, 30}, extent[4] = {1, 20, 25, 30};
    assert_memory_equal(want.origin, origin, sizeof origin);
    assert_memory_equal(want.shape, extent, sizeof extent);
    finish(&f);
}

/* A (y, x) layer in a 3-D view: one voxel thick. A fixed axis and a crop: the binding's. */
static void bindings_drop_and_crop_axes(void **state)
{
    (void)state;
    static const uint64_t shape[3] = {4, 64, 64}, chunk[3] = {1, 16, 16};
    struct fixture f;
    make(&f, 3, shape, chunk, 2, 3);
    struct layer_binding *binding = &f.snapshot->bindings[0];
    struct oriel_layer *layer = rig_layer(f.snapshot);
    binding->layer_axis[0] = -1;
    binding->start[0] = 2;
    binding->layer_axis[1] = 0;
    binding->layer_axis[2] = 1;
    binding->start[2] = 16;
    binding->count[2] = 32;
    layer->ndim = 2;
    struct oriel_level *levels = (struct oriel_level *)layer->levels;
    for (int l = 0; l < 2; l++) {
        for (int a = 0; a < 2; a++) {
            levels[l].scale[a] = l ? 2 : 1;
            levels[l].translate[a] = l ? 0.5 : 0;
        }
    }
    struct plan plan = plan_at(&f, true, 0);
    assert_int_equal(plan.level, 0);
    assert_int_equal(plan.detail.index[0], 2);
    assert_int_equal(plan.detail.view.axis[0], 2);
    assert_int_equal(plan.detail.view.axis[2], -1);
    assert_int_equal(plan.detail.shape[2], 1);
    assert_int_equal(plan.detail.origin[0], 16);
    assert_int_equal(plan.detail.shape[0], 32);
    assert_float_equal(plan.detail.translate[0], 0, 1e-12);
    assert_int_equal(plan.base.level, 1);
    assert_int_equal(plan.base.origin[0], 8);
    assert_float_equal(plan.base.translate[0], 0.5, 1e-12);
    finish(&f);
}

static void volumes_take_the_finest_level_that_fits(void **state)
{
    (void)state;
    static const uint64_t shape[3] = {512, 1024, 1024}, chunk[3] = {64, 64, 64};
    struct fixture f;
    make(&f, 3, shape, chunk, 4, 3);
    for (int l = 1; l < 4; l++)
        fake_source.levels[l].shape[0] = 512 >> l;
    assert_int_equal(plan_at(&f, true, 0).level, 1); /* 1 GiB, 128 MiB */
    f.policy.max_volume_bytes = 16 << 20;
    assert_int_equal(plan_at(&f, true, 0).level, 2);
    f.policy.max_volume_bytes = 0;
    assert_int_equal(plan_at(&f, true, 0).level, 0);
    f.policy.max_volume_voxels = 3000000;
    assert_int_equal(plan_at(&f, true, 0).level, 3);
    f.policy.max_volume_voxels = 0;
    f.policy.max_texture_3d = 512;
    struct plan plan = plan_at(&f, true, 0);
    assert_int_equal(plan.level, 1);
    assert_true(plan.has_base && plan.has_detail);
    assert_int_equal(plan.base.level, 3);
    finish(&f);
}

static void volumes_that_never_fit_are_thinned(void **state)
{
    (void)state;
    static const uint64_t shape[3] = {300, 3000, 500}, chunk[3] = {64, 64, 64};
    struct fixture f;
    make(&f, 3, shape, chunk, 1, 3);
    f.policy.max_volume_bytes = 64 << 20;
    struct plan plan = plan_at(&f, true, 0);
    assert_true(plan.has_base);
    assert_false(plan.has_detail);
    uint64_t bytes = 2;
    for (unsigned d = 0; d < 3; d++) {
        bytes *= plan.base.shape[d];
        assert_true(plan.base.shape[d] <= 2048);
        uint64_t last = plan.base.origin[d] + (plan.base.shape[d] - 1) * plan.base.stride[d];
        assert_true(last < shape[2 - d]);
    }
    assert_true(bytes <= 64 << 20);
    assert_true(plan.base.stride[1] >= 2);
    assert_float_equal(plan.base.scale[1], (double)plan.base.stride[1], 1e-12);
    finish(&f);
}

static void slices_beyond_limits_go_coarser_or_thinner(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    f.snapshot->scene.camera.zoom = 1;
    f.policy.max_slice_bytes = 300000;
    struct plan plan = plan_at(&f, true, 0);
    assert_int_equal(plan.level, 1);
    finish(&f);
    static const uint64_t wide[2] = {300, 50000}, strip[2] = {300, 1000};
    make(&f, 2, wide, strip, 1, 2);
    f.snapshot->scene.camera.zoom = 0.01;
    plan = plan_at(&f, true, 0);
    const struct plan_slab *slab = plan.has_detail ? &plan.detail : &plan.base;
    assert_true(slab->shape[0] <= 16384);
    assert_int_equal(slab->stride[0], 4);
    finish(&f);
}

static void giant_chunks_are_read_in_parts(void **state)
{
    (void)state;
    static const struct {
        uint64_t shape[3], chunk[3], block[3];
    } cases[] = {
        {{100, 2048, 2048}, {100, 2048, 2048}, {2, 2048, 2048}}, /* one chunk: an .npy */
        {{4, 16384, 16384}, {4, 16384, 16384}, {1, 512, 16384}},
        {{4, 1024, 1024}, {4, 1024, 1024}, {4, 1024, 1024}},  /* small enough */
        {{512, 512, 512}, {256, 256, 256}, {256, 256, 256}},  /* 32 MiB: a chunk is a chunk */
        {{999, 2000, 2000}, {300, 500, 500}, {30, 500, 500}}, /* parts do not cross chunks */
        {{2, 2, 2}, {100, 100, 100}, {2, 2, 2}},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_source_set(ORIEL_U16, 3, cases[i].shape, cases[i].chunk, 1, 0);
        uint64_t block[ORIEL_MAX_AXES];
        plan_block(&fake_source.info, 0, block);
        assert_memory_equal(block, cases[i].block, sizeof cases[i].block);
    }
}

static void a_single_small_level_is_one_slab(void **state)
{
    (void)state;
    static const uint64_t shape[2] = {4096, 4096}, chunk[2] = {4096, 4096};
    struct fixture f;
    make(&f, 2, shape, chunk, 1, 2);
    struct plan plan = plan_at(&f, true, 0);
    assert_true(plan.has_base);
    assert_false(plan.has_detail);
    assert_int_equal(plan.base.shape[0], 4096);
    finish(&f);
}

static void mirrored_axes_are_covered_too(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 3, large, chunks, 6, 2);
    struct oriel_layer *layer = rig_layer(f.snapshot);
    layer->scale[2] = -1;
    f.snapshot->scene.camera.center[0] = -5000;
    struct plan plan = plan_at(&f, true, 0);
    assert_true(plan.has_detail);
    assert_true(edge(&plan.detail, 0, true) <= -5400 && edge(&plan.detail, 0, false) >= -4600);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(level_follows_zoom),
        cmocka_unit_test(level_has_hysteresis_only_in_motion),
        cmocka_unit_test(level_cools_down),
        cmocka_unit_test(locks_win),
        cmocka_unit_test(region_covers_the_canvas_in_whole_chunks),
        cmocka_unit_test(small_pans_reload_nothing),
        cmocka_unit_test(off_the_canvas_there_is_no_detail),
        cmocka_unit_test(slices_are_nearest_and_end_at_the_data),
        cmocka_unit_test(any_axis_pair_can_be_shown),
        cmocka_unit_test(bindings_drop_and_crop_axes),
        cmocka_unit_test(volumes_take_the_finest_level_that_fits),
        cmocka_unit_test(volumes_that_never_fit_are_thinned),
        cmocka_unit_test(slices_beyond_limits_go_coarser_or_thinner),
        cmocka_unit_test(giant_chunks_are_read_in_parts),
        cmocka_unit_test(a_single_small_level_is_one_slab),
        cmocka_unit_test(mirrored_axes_are_covered_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
