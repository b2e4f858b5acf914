/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "module/negotiate.h"

#define FORMAT(domain_, fourcc_, matrix_, full_)                                                   \
    {                                                                                              \
        .domain = ORIEL_DOMAIN_##domain_, .fourcc = ORIEL_FMT_##fourcc_,                           \
        .matrix = ORIEL_MATRIX_##matrix_, .full_range = full_                                      \
    }

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void expect(const struct oriel_format *made, size_t made_count,
                   const struct oriel_format *accepted, size_t accepted_count, const char *chain)
{
    struct oriel_format format;
    struct error err = {""};
    if (!negotiate(made, made_count, accepted, accepted_count, &format, &err))
        fail_msg("%s", err.text);
    char text[128];
    format_chain("capture/gl", &format, "encode/x", text, sizeof text);
    assert_string_equal(text, chain);
    assert_int_equal(format.primaries, ORIEL_PRIMARIES_BT709);
    assert_int_equal(format.transfer, ORIEL_TRANSFER_SRGB);
}

static void test_encoder_breaks_ties(void **state)
{
    (void)state;
    const struct oriel_format made[] = {FORMAT(CPU, RGBA, IDENTITY, 1), FORMAT(CPU, NV12, BT601, 1),
                                        FORMAT(CPU, NV12, BT709, 0), FORMAT(CPU, I420, BT709, 0)};
    const struct oriel_format accepted[] = {FORMAT(CPU, I420, BT709, 0),
                                            FORMAT(CPU, NV12, BT601, 1)};
    expect(made, COUNT(made), accepted, 2, "capture/gl I420 cpu bt709 limited -> encode/x");
    const struct oriel_format other[] = {accepted[1], accepted[0]};
    expect(made, COUNT(made), other, 2, "capture/gl NV12 cpu bt601 full -> encode/x");
}

static void test_memory_comes_first(void **state)
{
    (void)state;
    const struct oriel_format made[] = {FORMAT(CPU, NV12, BT709, 0), FORMAT(CUDA, NV12, BT709, 0),
                                        FORMAT(GL, NV12, BT709, 0)};
    const struct oriel_format cpu_first[] = {FORMAT(CPU, NV12, BT709, 0),
                                             FORMAT(CUDA, NV12, BT709, 0)};
    expect(made, 3, cpu_first, 2, "capture/gl NV12 cuda bt709 limited -> encode/x");
    const struct oriel_format with_gl[] = {FORMAT(CUDA, NV12, BT709, 0),
                                           FORMAT(GL, NV12, BT709, 0)};
    expect(made, 3, with_gl, 2, "capture/gl NV12 cuda bt709 limited -> encode/x");
    const struct oriel_format gl_first[] = {with_gl[1], with_gl[0]};
    expect(made, 3, gl_first, 2, "capture/gl NV12 gl bt709 limited -> encode/x");
    expect(made, 1, cpu_first, 2, "capture/gl NV12 cpu bt709 limited -> encode/x");
}

/* An open range takes the first of the capture's. */
static void test_any(void **state)
{
    (void)state;
    struct oriel_format made[] = {FORMAT(CPU, NV12, BT709, 1), FORMAT(CPU, NV12, BT709, 0)};
    struct oriel_format accepted[] = {FORMAT(CPU, NV12, BT709, 0)};
    expect(made, 2, accepted, 1, "capture/gl NV12 cpu bt709 full -> encode/x");

    struct oriel_format format;
    made[0].width = 640;
    accepted[0].height = 480;
    assert_true(negotiate(made, 1, accepted, 1, &format, NULL));
    assert_int_equal(format.width, 640);
    assert_int_equal(format.height, 480);
    accepted[0].width = 320;
    assert_false(negotiate(made, 1, accepted, 1, &format, NULL));
}

static void test_nothing_fits(void **state)
{
    (void)state;
    const struct oriel_format made[] = {FORMAT(CPU, NV12, BT709, 0)};
    const struct oriel_format accepted[] = {FORMAT(CPU, NV12, BT709, 1),
                                            FORMAT(CPU, NV12, BT601, 0), FORMAT(GL, NV12, BT709, 0),
                                            FORMAT(CPU, I444, BT709, 0)};
    struct oriel_format format;
    struct error err = {""};
    assert_false(negotiate(made, 1, accepted, COUNT(accepted), &format, &err));
    assert_string_equal(err.text,
                        "no format in common (made: NV12 cpu bt709 limited; accepted: NV12 "
                        "cpu bt709 full, NV12 cpu bt601 limited, NV12 gl bt709 limited, "
                        "I444 cpu bt709 limited)");
    assert_false(negotiate(made, 1, NULL, 0, &format, &err));
    assert_false(negotiate(NULL, 0, NULL, 0, &format, &err));
    assert_string_equal(err.text, "no format in common (none)");
    struct oriel_format tiled = made[0];
    tiled.modifier = 1;
    assert_false(negotiate(made, 1, &tiled, 1, &format, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoder_breaks_ties),
        cmocka_unit_test(test_memory_comes_first),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_nothing_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
