/* SPDX-License-Identifier: BSD-3-Clause */
/* Values in their own dtype, down to the last digit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "real.h"
#include "render/dataset.h"
#include "render/value.h"

static void prints(uint32_t dtype, const void *bytes, const char *text, bool quoted)
{
    struct data_value value = {.dtype = dtype};
    memcpy(value.bytes, bytes, dtype_bytes(dtype));
    char out[32];
    bool is_quoted = !quoted;
    data_value_print(&value, out, &is_quoted);
    assert_string_equal(out, text);
    assert_int_equal(is_quoted, quoted);
    if (!quoted)
        assert_true(strtod(out, NULL) == data_value_number(&value));
}

#define PRINTS(dtype, type, value, text, quoted) prints(dtype, &(const type){value}, text, quoted)

static void integers_keep_every_digit(void **state)
{
    (void)state;
    PRINTS(ORIEL_U8, uint8_t, 255, "255", false);
    PRINTS(ORIEL_I8, int8_t, -128, "-128", false);
    PRINTS(ORIEL_U16, uint16_t, 65535, "65535", false);
    PRINTS(ORIEL_I16, int16_t, -32768, "-32768", false);
    PRINTS(ORIEL_U32, uint32_t, 4294967295, "4294967295", false);
    PRINTS(ORIEL_I32, int32_t, INT32_MIN, "-2147483648", false);
    PRINTS(ORIEL_U64, uint64_t, 0, "0", false);
    PRINTS(ORIEL_U64, uint64_t, UINT64_C(1) << 53, "9007199254740992", false);
    PRINTS(ORIEL_U64, uint64_t, (UINT64_C(1) << 53) + 1, "9007199254740993", true);
    PRINTS(ORIEL_U64, uint64_t, UINT64_C(1) << 63, "9223372036854775808", false);
    PRINTS(ORIEL_U64, uint64_t, UINT64_MAX, "18446744073709551615", true);
    PRINTS(ORIEL_U64, uint64_t, UINT64_MAX - 2047, "18446744073709549568", false);
    PRINTS(ORIEL_I64, int64_t, INT64_MIN, "-9223372036854775808", false);
    PRINTS(ORIEL_I64, int64_t, INT64_MIN + 1, "-9223372036854775807", true);
    PRINTS(ORIEL_I64, int64_t, INT64_MAX, "9223372036854775807", true);
    PRINTS(ORIEL_I64, int64_t, -1, "-1", false);
    PRINTS(ORIEL_BOOL, uint8_t, 0, "0", false);
    PRINTS(ORIEL_BOOL, uint8_t, 1, "1", false);
    PRINTS(ORIEL_BOOL, uint8_t, 7, "1", false);
}

static void floats_are_the_doubles_they_are(void **state)
{
    (void)state;
    PRINTS(ORIEL_F64, double, 0.1, "0.1", false);
    PRINTS(ORIEL_F64, double, -0.0, "-0", false);
    PRINTS(ORIEL_F64, double, 0x1p-1074, "5e-324", false);
    PRINTS(ORIEL_F64, double, 1.7976931348623157e308, "1.7976931348623157e+308", false);
    PRINTS(ORIEL_F64, double, 1e22, "1e+22", false);
    PRINTS(ORIEL_F64, double, -3, "-3", false);
    PRINTS(ORIEL_F64, double, NAN, "NaN", true);
    PRINTS(ORIEL_F64, double, INFINITY, "Infinity", true);
    PRINTS(ORIEL_F64, double, -INFINITY, "-Infinity", true);
    PRINTS(ORIEL_F32, float, 0.1f, "0.10000000149011612", false);
    PRINTS(ORIEL_F32, float, -0.0f, "-0", false);
    PRINTS(ORIEL_F32, float, 0x1p-149f, "1.401298464324817e-45", false);
    PRINTS(ORIEL_F32, float, 16777216, "16777216", false);
    PRINTS(ORIEL_F32, float, NAN, "NaN", true);
    PRINTS(ORIEL_F16, uint16_t, 0x3c00, "1", false);
    PRINTS(ORIEL_F16, uint16_t, 0x2e66, "0.0999755859375", false);
    PRINTS(ORIEL_F16, uint16_t, 0x0001, "5.9604644775390625e-08", false);
    PRINTS(ORIEL_F16, uint16_t, 0x8000, "-0", false);
    PRINTS(ORIEL_F16, uint16_t, 0xfbff, "-65504", false);
    PRINTS(ORIEL_F16, uint16_t, 0x7c00, "Infinity", true);
    PRINTS(ORIEL_F16, uint16_t, 0xfc00, "-Infinity", true);
    PRINTS(ORIEL_F16, uint16_t, 0x7e00, "NaN", true);
}

/* From a file, through the cache, in an image of several blocks. */
static void probes_give_what_is_stored(void **state)
{
    (void)state;
    struct real real;
    real_open(&real);
    static const uint64_t values[6] = {0,  UINT64_MAX,        (UINT64_C(1) << 53) + 1,
                                       42, UINT64_C(1) << 63, UINT64_MAX - 1};
    char *path = real_write_values("<u8", "(2, 3)", values, sizeof values);
    struct error err = {""};
    struct dataset *dataset = dataset_open(real.registry, path, &err);
    assert_non_null(dataset);
    /* The layer shows column 1 and 2: its axes are the columns, then the rows. */
    struct layer_binding binding = {.dataset = dataset,
                                    .axis_count = 2,
                                    .layer_axis = {1, 0},
                                    .start = {0, 1},
                                    .count = {2, 2},
                                    .level = -1};
    static const struct {
        int64_t index[2];
        const char *text;
    } cases[] = {{{0, 0}, "18446744073709551615"},
                 {{1, 0}, "9007199254740993"},
                 {{0, 1}, "9223372036854775808"},
                 {{1, 1}, "18446744073709551614"}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t index[ORIEL_MAX_AXES] = {cases[i].index[0], cases[i].index[1]};
        struct data_value value;
        assert_true(data_probe(real.pool, &binding, index, &value, &err));
        assert_int_equal(value.dtype, ORIEL_U64);
        char out[32];
        bool quoted;
        data_value_print(&value, out, &quoted);
        assert_string_equal(out, cases[i].text);
    }
    static const int64_t outside[][ORIEL_MAX_AXES] = {{2, 0}, {0, 2}, {-1, 0}, {0, INT64_MAX}};
    for (unsigned i = 0; i < sizeof outside / sizeof *outside; i++) {
        struct data_value value;
        assert_false(data_probe(real.pool, &binding, outside[i], &value, &err));
        assert_string_equal(err.text, "outside of the data");
    }
    dataset_unref(dataset);
    unlink(path);
    free(path);
    real_close(&real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_keep_every_digit),
        cmocka_unit_test(floats_are_the_doubles_they_are),
        cmocka_unit_test(probes_give_what_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
