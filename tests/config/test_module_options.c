/* SPDX-License-Identifier: BSD-3-Clause */
/* What the option table of a module becomes: inheritance, checks, defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/option.h"

static const struct oriel_option list[] = {
    {"bitrate", "2000000", NULL, "Rate.", 50000, 15000000, ORIEL_OPT_INT, 0},
    {"fps", "25", NULL, "Pictures.", 0, 0, ORIEL_OPT_FLOAT, 0},
    {"threads", "3", NULL, "Threads.", 0, 8, ORIEL_OPT_INT, 0},
    {"tier", "medium", "medium high", "Another thing of that name.", 0, 0, ORIEL_OPT_ENUM, 0},
    {"crf", "20", NULL, "Quality.", 0, 51, ORIEL_OPT_FLOAT, 0},
};
static const struct oriel_option_table table = {sizeof table, sizeof list / sizeof list[0], list};

static struct config *with(const char *const *sets, size_t count)
{
    struct error err;
    struct config *config =
        config_create(&(struct config_inputs){.sets = sets, .set_count = count}, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static void test_inheritance(void **state)
{
    (void)state;
    const char *sets[] = {"encode/x.crf=18.5", "stream.tier=p3", "stream.fps=30"};
    struct config *config = with(sets, 3);
    struct error err = {""};
    const struct oriel_config *values =
        config_for_module(config, "encode/x", "stream", &table, &err);
    assert_non_null(values);
    assert_int_equal(values->get_int(values, "bitrate"), 12000000); /* the section's default */
    assert_true(values->get_float(values, "fps") == 30);
    assert_int_equal(values->get_int(values, "threads"), 3); /* the section's key is not set */
    assert_string_equal(values->get_string(values, "tier"),
                        "medium"); /* p3 is no word of its own */
    assert_true(values->get_float(values, "crf") == 18.5);
    config_for_module_free(values);

    values = config_for_module(config, "encode/x", NULL, &table, &err);
    assert_int_equal(values->get_int(values, "bitrate"), 2000000);
    config_for_module_free(values);
    values = config_for_module(config, "encode/none", "stream", NULL, &err);
    assert_non_null(values);
    config_for_module_free(values);
    config_for_module_free(NULL);
    config_destroy(config);
}

static void test_own_value_wins(void **state)
{
    (void)state;
    const char *sets[] = {"encode/x.bitrate=60000", "stream.bitrate=900000000",
                          "stream.threads=99"};
    struct config *config = with(sets, 3);
    struct error err = {""};
    const struct oriel_config *values =
        config_for_module(config, "encode/x", "stream", &table, &err);
    assert_int_equal(values->get_int(values, "bitrate"), 60000);
    assert_int_equal(values->get_int(values, "threads"), 8); /* as much as it can */
    config_for_module_free(values);
    values = config_for_module(config, "encode/y", "stream", &table, &err);
    assert_int_equal(values->get_int(values, "bitrate"), 15000000);
    config_for_module_free(values);
    config_destroy(config);
}

static const struct oriel_option hardware_list[] = {
    {"preset", "p3", "p1 p2 p3 p4 p5 p6 p7", "Speed.", 0, 0, ORIEL_OPT_ENUM, 0},
    {"rate_control", "bitrate", "bitrate variable quality lossless", "Rate.", 0, 0, ORIEL_OPT_ENUM,
     0},
    {"temporal_aq", "false", NULL, "Bits.", 0, 0, ORIEL_OPT_BOOL, 0},
};
static const struct oriel_option_table hardware = {
    sizeof hardware, sizeof hardware_list / sizeof hardware_list[0], hardware_list};

static void all_become(const struct config_inputs *inputs, const char *speed, const char *rate,
                       int64_t temporal_aq)
{
    struct error err = {""};
    struct config *config = config_create(inputs, &err);
    const struct oriel_config *values =
        config ? config_for_module(config, "encode/nvenc", "stream", &hardware, &err) : NULL;
    if (!values)
        fail_msg("%s", err.text);
    assert_string_equal(values->get_string(values, "preset"), speed);
    assert_string_equal(values->get_string(values, "rate_control"), rate);
    assert_int_equal(values->get_int(values, "temporal_aq"), temporal_aq);
    config_for_module_free(values);
    config_destroy(config);
}

static void becomes(const char *preset, const char *const *sets, size_t count, const char *speed,
                    const char *rate, int64_t temporal_aq)
{
    all_become(&(struct config_inputs){.preset = preset, .sets = sets, .set_count = count}, speed,
               rate, temporal_aq);
}

/* Keys that the options have other names and words for. */
static void test_aliases(void **state)
{
    (void)state;
    const char *vbr[] = {"stream.tier=p6", "stream.rc_mode=vbr", "stream.temporal_aq=8"};
    becomes(NULL, vbr, 3, "p6", "variable", 1);
    const char *constqp[] = {"stream.rc_mode=constqp", "stream.temporal_aq=0"};
    becomes(NULL, constqp, 2, "p3", "quality", 0);
    const char *cbr[] = {"stream.rc_mode=cbr", "encode/nvenc.preset=p2", "stream.tier=p6"};
    becomes(NULL, cbr, 3, "p2", "bitrate", 0); /* the module's own wins */
    becomes(NULL, NULL, 0, "p3", "bitrate", 0);

    /* A module with other words for these passes them over. */
    struct config *config = with(vbr, 2);
    static const struct oriel_option other_list[] = {
        {"preset", "fast", "fast slow", "Speed.", 0, 0, ORIEL_OPT_ENUM, 0},
        {"rate_control", "bitrate", "bitrate quality", "Rate.", 0, 0, ORIEL_OPT_ENUM, 0}};
    const struct oriel_option_table other = {sizeof other, 2, other_list};
    struct error err = {""};
    const struct oriel_config *values =
        config_for_module(config, "encode/x", "stream", &other, &err);
    assert_string_equal(values->get_string(values, "preset"), "fast");
    assert_string_equal(values->get_string(values, "rate_control"), "bitrate");
    config_for_module_free(values);
    config_destroy(config);
}

/* Whichever comes later: a preset's wish for a module, or its section's key. */
static void test_presets_and_sections(void **state)
{
    (void)state;
    becomes("latency", NULL, 0, "p1", "bitrate", 0);
    becomes("quality", NULL, 0, "p5", "bitrate", 0);
    becomes("lossless", NULL, 0, "p3", "lossless", 0);
    const char *tier[] = {"stream.tier=p7", "stream.rc_mode=cbr"};
    becomes("latency", tier, 1, "p7", "bitrate", 0);
    becomes("lossless", tier, 2, "p7", "bitrate", 0);
    char file[] = "/tmp/oriel-options-XXXXXX";
    int fd = mkstemp(file);
    FILE *stream = fdopen(fd, "w");
    assert_non_null(stream);
    fputs("{\"stream.tier\": \"p7\", \"preset\": \"quality\"}", stream);
    assert_int_equal(fclose(stream), 0);
    all_become(&(struct config_inputs){.file = file}, "p7", "bitrate", 0);
    all_become(&(struct config_inputs){.file = file, .preset = "latency"}, "p1", "bitrate", 0);
    unlink(file);
}

/* What a preset says of a module that knows no such option is no mistake of the user's. */
static void test_preset_for_another_module(void **state)
{
    (void)state;
    struct error err = {""};
    struct config *config = config_create(&(struct config_inputs){.preset = "latency"}, &err);
    const struct oriel_config *values =
        config_for_module(config, "encode/x264", "stream", &table, &err);
    assert_non_null(values);
    config_for_module_free(values);
    assert_true(config_check_modules(config, NULL, 0, &err));
    config_destroy(config);
}

static void test_unknown_modules(void **state)
{
    (void)state;
    const char *sets[] = {"encode/x246.preset=fast"};
    const char *ids[] = {"encode/x264", "encode/jpeg"};
    struct config *config = with(sets, 1);
    struct error err = {""};
    assert_false(config_check_modules(config, ids, 2, &err));
    assert_string_equal(err.text,
                        "--set: encode/x246.preset: there is no module encode/x246, did you "
                        "mean encode/x264?");
    config_destroy(config);
}

static void test_tables(void **state)
{
    (void)state;
    struct error err = {""};
    assert_true(option_table_check(&table, &err));
    static const struct {
        struct oriel_option option;
        const char *because;
    } cases[] = {
        {{NULL, "1", NULL, "Help.", 0, 0, ORIEL_OPT_INT, 0}, "option 0 has no name"},
        {{"", "1", NULL, "Help.", 0, 0, ORIEL_OPT_INT, 0}, "snake_case"},
        {{"a-b", "1", NULL, "Help.", 0, 0, ORIEL_OPT_INT, 0}, "snake_case"},
        {{"a", "1", NULL, "", 0, 0, ORIEL_OPT_INT, 0}, "has no help"},
        {{"a", "1", NULL, "Help.", 5, 2, ORIEL_OPT_INT, 0}, "its limits are 5 to 2"},
        {{"a", "1", NULL, "Help.", 0, 0, 77, 0}, "unknown type 77"},
        {{"a", "x", NULL, "Help.", 0, 0, ORIEL_OPT_INT, 0}, "its default: wants an integer"},
        {{"a", "x", NULL, "Help.", 0, 0, ORIEL_OPT_ENUM, 0}, "has no choices"},
        {{"a", "x", "b c", "Help.", 0, 0, ORIEL_OPT_ENUM, 0}, "\"x\" is not one of: b c"},
        {{"a", NULL, NULL, "Help.", 0, 0, ORIEL_OPT_INT, 0}, "has no default"},
        {{"a", "1", NULL, "Help.", 0, 0, ORIEL_OPT_INT, ORIEL_OPT_REQUIRED},
         "is required and has a default"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct oriel_option_table one = {sizeof one, 1, &cases[i].option};
        assert_false(option_table_check(&one, &err));
        if (!strstr(err.text, cases[i].because))
            fail_msg("\"%s\" is not about \"%s\"", err.text, cases[i].because);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inheritance),
        cmocka_unit_test(test_own_value_wins),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_presets_and_sections),
        cmocka_unit_test(test_preset_for_another_module),
        cmocka_unit_test(test_unknown_modules),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
