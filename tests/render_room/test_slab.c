/* SPDX-License-Identifier: BSD-3-Clause */
/* Putting slabs together: every voxel of every piece is the right value of the dataset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "render/convert.h"
#include "render/slab.h"
#include "rig.h"

static const struct plan_policy policy = {.threshold_in = 1.05,
                                          .threshold_out = 1.35,
                                          .fine_threshold = 1.05,
                                          .lock = -1,
                                          .max_texture_2d = 16384,
                                          .max_texture_3d = 2048};

static double voxel(const struct oriel_slab *piece, uint32_t x, uint32_t y, uint32_t z)
{
    const uint8_t *row =
        (const uint8_t *)piece->data + z * piece->slice_bytes + y * piece->row_bytes;
    return dtype_value(piece->dtype, row, x);
}

static double expected(uint32_t dtype, uint32_t value)
{
    switch (dtype) {
    case ORIEL_U8:
        return (uint8_t)value;
    case ORIEL_U16:
        return (uint16_t)value;
    case ORIEL_I16:
        return (int16_t)(uint16_t)value;
    default:
        return value & 0xffff;
    }
}

/* Values that lie in page-locked memory, or have been made there, may be held; those of the scratch
 * may not. `piece` is how it looks without. */
static void check_handed_over(const struct slab *slab, size_t i, const void *values, uint64_t bytes,
                              const struct oriel_slab *piece)
{
    struct scratch scratch = {0};
    struct want want;
    slab_want(slab, i, &want);
    uint8_t *data, *out;
    struct block block = {.memory = buffer_create(bytes, &data), .locked = true};
    block.data = data;
    memcpy(data, values, bytes);
    struct made made = {.gather = want.gather, .locked = true};
    made.memory = buffer_create(gather_bytes(&made.gather), &out);
    if (want.gather.dtype)
        gather_run(&want.gather, values, out);
    struct oriel_slab got;
    assert_true(slab_describe(slab, i, &block, &made, &scratch, &got));
    const struct oriel_buffer *from = want.gather.dtype ? made.memory : block.memory;
    assert_ptr_equal(got.hold, from);
    assert_null(scratch.data);
    assert_in_range((uintptr_t)got.data, (uintptr_t)from->data,
                    (uintptr_t)from->data + from->bytes - 1);
    assert_int_equal(got.row_bytes, piece->row_bytes);
    assert_int_equal(got.slice_bytes, piece->slice_bytes);
    size_t row = (size_t)got.extent[0] * dtype_bytes(got.dtype);
    for (uint32_t z = 0; z < got.extent[2]; z++)
        for (uint32_t y = 0; y < got.extent[1]; y++)
            assert_memory_equal(
                (const uint8_t *)got.data + z * got.slice_bytes + y * got.row_bytes,
                (const uint8_t *)piece->data + z * got.slice_bytes + y * got.row_bytes, row);
    made.gather.first++; /* made for another piece */
    assert_true(slab_describe(slab, i, &block, &made, &scratch, &got));
    assert_ptr_equal(got.hold, want.gather.dtype ? NULL : block.memory);
    made.gather.first--;
    made.locked = block.locked = false;
    assert_true(slab_describe(slab, i, &block, &made, &scratch, &got));
    assert_null(got.hold);
    buffer_unref(made.memory);
    buffer_unref(block.memory);
    free(scratch.data);
}

/* Loads every piece of the planned slab and compares all voxels with the dataset. */
static void check(uint32_t dtype, const uint32_t order[4], uint32_t ndisplay, uint64_t volume_bytes,
                  bool contiguous)
{
    static const uint64_t shape[4] = {3, 20, 30, 41}, chunk[4] = {2, 7, 8, 16};
    fake_source_set(dtype, 4, shape, chunk, 1, 1);
    struct dataset *dataset = rig_open();
    struct scene_snapshot *snapshot = rig_snapshot(dataset, 1, ndisplay, 640, 480);
    memcpy(snapshot->scene.order, order, 4 * sizeof *order);
    for (int a = 0; a < 4; a++)
        snapshot->scene.point[a] = 1;
    struct plan plan;
    struct plan_memory memory = {0};
    struct plan_policy p = policy;
    p.max_volume_bytes = volume_bytes;
    plan_layer(snapshot, 0, dataset_info(dataset), &p, true, 0, &memory, &plan);
    assert_true(plan.shown && plan.has_base);

    struct slab *slab = slab_create(&plan.base, 7, 9);
    struct scratch scratch = {0};
    const struct plan_rect part = {{1.25, 0.75}, {18.75, 1e6}}; /* of it, and beyond it */
    const struct slab_area before = slab_measure(slab, &part);
    uint64_t seen = 0;
    for (size_t i = 0; i < slab->piece_count; i++) {
        if (slab->pieces[i] == PIECE_THERE)
            continue; /* thinned away */
        struct want want;
        slab_want(slab, i, &want);
        size_t found;
        assert_true(slab_find(slab, &want.key, &found));
        assert_int_equal(found, i);
        uint64_t bytes = dtype_bytes(dtype);
        for (int a = 0; a < 4; a++)
            bytes *= want.shape[a];
        void *values = malloc(bytes);
        struct oriel_read read = {.out = values, .out_bytes = bytes};
        memcpy(read.origin, want.origin, sizeof read.origin);
        memcpy(read.shape, want.shape, sizeof read.shape);
        struct error err;
        assert_int_equal(dataset_read(dataset, &read, &err), ORIEL_OK);
        struct oriel_slab piece;
        assert_true(
            slab_describe(slab, i, &(struct block){.data = values}, NULL, &scratch, &piece));
        assert_int_equal(piece.layer, 7);
        assert_int_equal(piece.id, 9);
        assert_int_equal(piece.dtype, convert_type(dtype));
        if (contiguous)
            assert_ptr_not_equal(piece.data, scratch.data);
        for (uint32_t z = 0; z < piece.extent[2]; z++) {
            for (uint32_t y = 0; y < piece.extent[1]; y++) {
                for (uint32_t x = 0; x < piece.extent[0]; x++) {
                    uint32_t at[3] = {x, y, z};
                    uint64_t index[4] = {1, 1, 1, 1};
                    for (uint32_t d = 0; d < ndisplay; d++)
                        index[order[3 - d]] =
                            slab->plan.origin[d] + (piece.offset[d] + at[d]) * slab->plan.stride[d];
                    assert_float_equal(voxel(&piece, x, y, z),
                                       expected(dtype, fake_value(0, 4, index)), 0);
                    seen++;
                }
            }
        }
        check_handed_over(slab, i, values, bytes, &piece);
        slab_set(slab, i, PIECE_THERE);
        free(values);
    }
    assert_int_equal(slab->missing, 0);
    /* As large in one piece as in many. */
    const struct slab_area whole = slab_measure(slab, &part);
    assert_true(before.seen > 0);
    assert_float_equal(whole.seen, before.seen, 1e-6);
    assert_float_equal(whole.there, before.seen, 1e-6);
    assert_float_equal(whole.failed + (double)whole.missing, 0, 0);
    assert_int_equal(seen,
                     (uint64_t)slab->plan.shape[0] * slab->plan.shape[1] * slab->plan.shape[2]);
    slab_destroy(slab);
    free(scratch.data);
    scene_snapshot_unref(snapshot);
    dataset_unref(dataset);
}

static void slices_of_rows_need_no_copy(void **state)
{
    (void)state;
    check(ORIEL_U8, (const uint32_t[]){0, 1, 2, 3}, 2, 0, true);
    check(ORIEL_U16, (const uint32_t[]){1, 0, 2, 3}, 2, 0, true);
    check(ORIEL_F32, (const uint32_t[]){0, 2, 1, 3}, 2, 0, true);
}

static void other_axes_are_gathered(void **state)
{
    (void)state;
    check(ORIEL_U8, (const uint32_t[]){0, 3, 1, 2}, 2, 0, false);
    check(ORIEL_U16, (const uint32_t[]){2, 1, 3, 0}, 2, 0, false);
}

static void other_types_become_float(void **state)
{
    (void)state;
    check(ORIEL_I16, (const uint32_t[]){0, 1, 2, 3}, 2, 0, false);
    check(ORIEL_F64, (const uint32_t[]){0, 3, 2, 1}, 2, 0, false);
}

static void volumes(void **state)
{
    (void)state;
    check(ORIEL_U16, (const uint32_t[]){0, 1, 2, 3}, 3, 0, true);
    check(ORIEL_U16, (const uint32_t[]){1, 3, 0, 2}, 3, 0, false);
    check(ORIEL_I16, (const uint32_t[]){2, 1, 0, 3}, 3, 0, false);
}

static void thinned_volumes(void **state)
{
    (void)state;
    check(ORIEL_U8, (const uint32_t[]){0, 1, 2, 3}, 3, 3000, false);
    check(ORIEL_U8, (const uint32_t[]){0, 1, 2, 3}, 3, 10, false); /* steps larger than chunks */
}

static void all_types_convert(void **state)
{
    (void)state;
    float out[2];
    convert_row(ORIEL_F16, (const uint16_t[]){0x3c00, 0xfc00}, 2, 2, out);
    assert_float_equal(out[0], 1, 0);
    assert_true(out[1] < -1e38f);
    convert_row(ORIEL_F16, (const uint16_t[]){0x0001, 0x8400}, 2, 2, out);
    assert_float_equal(out[0], 0x1p-24f, 0);
    assert_float_equal(out[1], -0x1p-14f, 0);
    convert_row(ORIEL_I8, (const int8_t[]){-3, 4}, 1, 2, out);
    assert_float_equal(out[0], -3, 0);
    convert_row(ORIEL_U32, (const uint32_t[]){1, 0, 4000000000u}, 8, 2, out);
    assert_float_equal(out[1], 4e9f, 0);
    convert_row(ORIEL_I64, (const int64_t[]){-5, 6}, 8, 2, out);
    assert_float_equal(out[0], -5, 0);
    uint8_t flags[2];
    convert_row(ORIEL_BOOL, (const uint8_t[]){0, 1}, 1, 2, flags);
    assert_int_equal(flags[1], 1);
    assert_int_equal(convert_type(ORIEL_BOOL), ORIEL_U8);
    assert_int_equal(convert_type(99), 0);
    assert_int_equal(dtype_bytes(99), 0);
    assert_string_equal(dtype_name(ORIEL_F16), "float16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_of_rows_need_no_copy),
        cmocka_unit_test(other_axes_are_gathered),
        cmocka_unit_test(other_types_become_float),
        cmocka_unit_test(volumes),
        cmocka_unit_test(thinned_volumes),
        cmocka_unit_test(all_types_convert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
