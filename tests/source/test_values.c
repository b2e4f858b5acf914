/* SPDX-License-Identifier: BSD-3-Clause */
/* Every codec, key, order and type of the stores in tests/data gives the values that were stored.
 */
#include "harness.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>

static uint64_t count_values(const struct opened *opened)
{
    uint64_t count = 1;
    for (uint32_t k = 0; k < opened->info->ndim; k++)
        count *= opened->info->levels[0].shape[k];
    return count;
}

/* What an array named "absent" has where chunk (1, …, 0) was left out. */
static bool is_absent(const char *name, uint64_t index)
{
    if (!strstr(name, "_absent"))
        return false;
    if (strstr(name, "shard"))
        return index / 4 % 5 >= 3;
    return index / 20 == 2; /* shape 3 × 5 × 4, chunks 2 × 3 × 4 */
}

static void check_array(const char *name)
{
    char path[512];
    struct opened opened;
    uint8_t *data = NULL;
    uint64_t bytes = 0;
    snprintf(path, sizeof path, "arrays.zarr/%s", name);
    source_must_open(&opened, "zarr", test_data(path));
    if (source_read(&opened, 0, NULL, NULL, &data, &bytes) != ORIEL_OK)
        fail_msg("%s: %s", name, source_failure());
    uint32_t dtype = opened.info->dtype;
    for (uint64_t i = 0; i < count_values(&opened); i++) {
        double value = type_value(dtype, data, i);
        double wanted = is_absent(name, i) ? opened.info->fill_value : expected_value(dtype, i);
        if (value != wanted && !(isnan(value) && isnan(wanted)))
            fail_msg("%s: value %llu is %g, not %g", name, (unsigned long long)i, value, wanted);
    }
    free(data);
    source_close(&opened);
}

static void arrays_have_their_values(void **state)
{
    (void)state;
    DIR *dir = opendir(test_data("arrays.zarr"));
    assert_non_null(dir);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            check_array(entry->d_name);
            count++;
        }
    closedir(dir);
    print_message("  %d arrays\n", count);
    assert_true(count >= 50);
}

static void fill_values_are_read_in_every_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double value;
    } cases[] = {{"v2_absent_text", 9},
                 {"v2_absent_null", 0},
                 {"v2_absent_large", 0x1p64},
                 {"v2_absent_base64", -1},
                 {"v2_absent_infinity", -INFINITY},
                 {"v3_shard_absent", 500},
                 {"v2_absent_nan", NAN},
                 {"v3_absent_hex", NAN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128];
        struct opened opened;
        snprintf(path, sizeof path, "arrays.zarr/%s", cases[i].name);
        source_must_open(&opened, "zarr", test_data(path));
        double fill = opened.info->fill_value;
        if (fill != cases[i].value && !(isnan(fill) && isnan(cases[i].value)))
            fail_msg("%s: fill value %g", cases[i].name, fill);
        source_close(&opened);
    }
    /* All of a 64-bit integer arrives, not what a double keeps of it. */
    struct opened opened;
    uint8_t *data = NULL;
    uint64_t bytes = 0, last = 0;
    source_must_open(&opened, "zarr", test_data("arrays.zarr/v2_absent_large"));
    assert_int_equal(source_read(&opened, 0, NULL, NULL, &data, &bytes), ORIEL_OK);
    memcpy(&last, data + bytes - 8, 8);
    assert_true(last == UINT64_MAX);
    free(data);
    source_close(&opened);
}

static uint32_t random_below(uint64_t *state, uint64_t limit)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % limit);
}

static void boxes_are_parts_of_the_whole(void **state)
{
    (void)state;
    static const char *const names[] = {"arrays.zarr/v2_f_order",
                                        "arrays.zarr/v2_u2",
                                        "arrays.zarr/v2_big_chunk",
                                        "arrays.zarr/v3_transpose",
                                        "arrays.zarr/v3_shard_nested",
                                        "arrays.zarr/v3_shard_transpose",
                                        "arrays.zarr/v3_shard_packed",
                                        "arrays.zarr/v3_shard_absent",
                                        "cyx.ome.zarr",
                                        "npy/c_u2.npy",
                                        "npy/f_i4.npy"};
    uint64_t random = 1;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct opened opened;
        uint8_t *whole = NULL;
        uint64_t whole_bytes = 0;
        source_must_open(&opened, strstr(names[n], ".npy") ? "npy" : "zarr", test_data(names[n]));
        const uint64_t *shape = opened.info->levels[0].shape;
        uint32_t item = type_bytes(opened.info->dtype);
        assert_int_equal(opened.info->ndim, 3);
        assert_int_equal(source_read(&opened, 0, NULL, NULL, &whole, &whole_bytes), ORIEL_OK);
        for (int turn = 0; turn < 60; turn++) {
            uint64_t from[ORIEL_MAX_AXES] = {0}, size[ORIEL_MAX_AXES] = {0}, bytes = 0;
            uint8_t *part = NULL;
            for (int k = 0; k < 3; k++) {
                from[k] = random_below(&random, shape[k]);
                size[k] = 1 + random_below(&random, shape[k] - from[k]);
            }
            assert_int_equal(source_read(&opened, 0, from, size, &part, &bytes), ORIEL_OK);
            for (uint64_t z = 0; z < size[0]; z++)
                for (uint64_t y = 0; y < size[1]; y++) {
                    const uint8_t *row =
                        whole +
                        (((from[0] + z) * shape[1] + from[1] + y) * shape[2] + from[2]) * item;
                    assert_memory_equal(part + (z * size[1] + y) * size[2] * item, row,
                                        size[2] * item);
                }
            free(part);
        }
        free(whole);
        source_close(&opened);
    }
}

static void boxes_outside_are_refused(void **state)
{
    (void)state;
    struct opened opened;
    uint8_t *data = NULL;
    uint64_t bytes = 0;
    source_must_open(&opened, "zarr", test_data("arrays.zarr/v2_u2"));
    const uint64_t past[] = {2, 0, 0}, far[] = {UINT64_MAX, 0, 0}, two[] = {2, 1, 1};
    assert_int_equal(source_read(&opened, 0, past, two, &data, &bytes), ORIEL_INVALID);
    assert_int_equal(source_read(&opened, 0, far, two, &data, &bytes), ORIEL_INVALID);
    struct oriel_read read = {.size = sizeof read, .level = 1};
    assert_int_equal(opened.source->read(opened.self, &read), ORIEL_INVALID);
    uint8_t room[8];
    read =
        (struct oriel_read){.size = sizeof read, .shape = {1, 1, 1}, .out = room, .out_bytes = 8};
    assert_int_equal(opened.source->read(opened.self, &read), ORIEL_INVALID);
    source_close(&opened);
}

static void a_read_nobody_wants_is_cancelled(void **state)
{
    (void)state;
    static const char *const names[] = {"cyx.ome.zarr", "npy/c_u2.npy"};
    for (int i = 0; i < 2; i++) {
        const uint32_t cancel = 1;
        uint8_t room[12];
        struct opened opened;
        source_must_open(&opened, i ? "npy" : "zarr", test_data(names[i]));
        struct oriel_read read = {.size = sizeof read,
                                  .shape = {1, 2, 3},
                                  .out = room,
                                  .out_bytes = sizeof room,
                                  .cancel = &cancel};
        assert_int_equal(opened.source->read(opened.self, &read), ORIEL_CANCELLED);
        source_close(&opened);
    }
}

static void reads_say_what_was_stored(void **state)
{
    (void)state;
    struct opened opened;
    uint16_t room[60];
    source_must_open(&opened, "zarr", test_data("arrays.zarr/v2_absent_null"));
    struct oriel_read read = {
        .size = sizeof read, .shape = {3, 5, 4}, .out = room, .out_bytes = sizeof room};
    assert_int_equal(opened.source->read(opened.self, &read), ORIEL_OK);
    /* Of the two chunks that are there: all of one, and up to the last row of the array of the
     * other. */
    assert_int_equal(read.stored_bytes, (2 * 3 + 1 * 3 + 2) * 4 * 2);
    assert_int_equal(read.flags, 0);
    read = (struct oriel_read){
        .size = sizeof read, .origin = {2, 0, 0}, .shape = {1, 5, 4}, .out = room, .out_bytes = 40};
    assert_int_equal(opened.source->read(opened.self, &read), ORIEL_OK);
    assert_int_equal(read.stored_bytes, 0);
    assert_int_equal(read.flags, ORIEL_READ_ALL_FILL);
    source_close(&opened);
}

struct worker {
    const struct opened *opened;
    const uint8_t *whole;
    uint64_t whole_bytes;
    int wrong;
};

static void *read_often(void *data)
{
    struct worker *worker = data;
    for (int i = 0; i < 40; i++) {
        struct oriel_read read = {.size = sizeof read, .out_bytes = worker->whole_bytes};
        memcpy(read.shape, worker->opened->info->levels[0].shape, sizeof read.shape);
        read.out = malloc(worker->whole_bytes);
        worker->wrong += worker->opened->source->read(worker->opened->self, &read) != ORIEL_OK ||
                         memcmp(read.out, worker->whole, worker->whole_bytes) != 0;
        free(read.out);
    }
    return NULL;
}

static void threads_read_at_the_same_time(void **state)
{
    (void)state;
    static const char *const names[] = {"cyx.ome.zarr", "arrays.zarr/v3_shard_nested",
                                        "arrays.zarr/v2_zlib", "npy/f_i4.npy"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct opened opened;
        uint8_t *whole = NULL;
        struct worker workers[4];
        pthread_t threads[4];
        uint64_t bytes = 0;
        source_must_open(&opened, strstr(names[n], ".npy") ? "npy" : "zarr", test_data(names[n]));
        assert_int_equal(source_read(&opened, 0, NULL, NULL, &whole, &bytes), ORIEL_OK);
        for (int i = 0; i < 4; i++) {
            workers[i] = (struct worker){&opened, whole, bytes, 0};
            assert_int_equal(pthread_create(&threads[i], NULL, read_often, &workers[i]), 0);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(workers[i].wrong, 0);
        }
        free(whole);
        source_close(&opened);
    }
}

static void npy_files_have_their_values(void **state)
{
    (void)state;
    static const char *const names[] = {"c_u2", "f_i4",  "f_big_f8", "big_f4",
                                        "bool", "rank0", "v2",       "v3"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        char path[64];
        struct opened opened;
        uint8_t *data = NULL;
        uint64_t bytes = 0;
        snprintf(path, sizeof path, "npy/%s.npy", names[n]);
        assert_int_equal(source_probe("npy", test_data(path)), 100);
        source_must_open(&opened, "npy", test_data(path));
        assert_int_equal(source_read(&opened, 0, NULL, NULL, &data, &bytes), ORIEL_OK);
        for (uint64_t i = 0; i < count_values(&opened); i++)
            if (type_value(opened.info->dtype, data, i) != expected_value(opened.info->dtype, i))
                fail_msg("%s: value %llu", names[n], (unsigned long long)i);
        free(data);
        source_close(&opened);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_have_their_values),
        cmocka_unit_test(fill_values_are_read_in_every_spelling),
        cmocka_unit_test(boxes_are_parts_of_the_whole),
        cmocka_unit_test(boxes_outside_are_refused),
        cmocka_unit_test(a_read_nobody_wants_is_cancelled),
        cmocka_unit_test(reads_say_what_was_stored),
        cmocka_unit_test(threads_read_at_the_same_time),
        cmocka_unit_test(npy_files_have_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
