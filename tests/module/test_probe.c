/* SPDX-License-Identifier: BSD-3-Clause */
/* Every way of being no module gives one sentence that names the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "fixtures.h"
#include "module/probe.h"
#include "util/clock.h"

static struct scratch scratch;

static int set_up(void **state)
{
    (void)state;
    scratch_init(&scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_finish(&scratch);
    return 0;
}

static const char *text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
    return text ? text : "";
}

static void refused(const char *path, const char *because)
{
    cJSON *found = module_probe(path);
    const char *reason = text_of(found, "reason");
    if (strncmp(reason, path, strlen(path)) != 0 || !strstr(reason, because) ||
        strchr(reason, '\n'))
        fail_msg("%s: \"%s\" is not about \"%s\"", path, reason, because);
    cJSON_Delete(found);
}

static void test_good(void **state)
{
    (void)state;
    cJSON *found = module_probe(scratch_copy(scratch.first, "good", "good"));
    assert_string_equal(text_of(found, "reason"), "");
    assert_string_equal(text_of(found, "id"), "encode/fixture");
    assert_string_equal(text_of(found, "version"), "1.2.3");
    const cJSON *kinds = cJSON_GetObjectItemCaseSensitive(found, "kinds");
    const cJSON *encoder = cJSON_GetObjectItemCaseSensitive(kinds, "encoder");
    assert_int_equal(cJSON_GetArraySize(kinds), 1);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(encoder, "options")), 5);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(encoder, "formats")), 1);
    const cJSON *codecs = cJSON_GetObjectItemCaseSensitive(encoder, "codecs");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(codecs, 0)), "RAW");
    cJSON_Delete(found);
}

/* What it prints on stdout is not taken for the answer. */
static void test_prints(void **state)
{
    (void)state;
    cJSON *found = module_probe(scratch_copy(scratch.first, "prints", "prints"));
    assert_string_equal(text_of(found, "id"), "encode/prints");
    cJSON_Delete(found);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *fixture, *because;
    } cases[] = {
        {"magic", "wrong magic"},
        {"major", "module ABI 2.7, this host has 1.0"},
        {"v2", "module ABI 2, this host has 1.0"},
        {"target", "needs module ABI 1.99 or newer, this host has 1.0"},
        {"truncated", "its entry is cut short (40 bytes"},
        {"tiny", "its entry is cut short (12 bytes"},
        {"null_info", "no module info"},
        {"null_factory", "no get_factory"},
        {"no_entry", "is no Oriel module"},
        {"no_interface", "none of the interfaces"},
        {"bad_id", "its id \"nothing\" is not two names with a slash"},
        {"short_vtable", "its oriel.encoder/1: is cut short (32 bytes"},
        {"no_encode", "its oriel.encoder/1: has no encode()"},
        {"option_twice", "option \"speed\" is there twice"},
        {"option_default", "option \"level\": its default: wants an integer from 0 to 9, got 12"},
        {"option_name", "option \"Big-Name\": its name is not snake_case"},
        {"crash", "crashed (Aborted) while it was loaded"},
        {"exit", "ended its process with status 3 in its init()"},
        {"init_fails", "its init() failed: /dev/fixture: no such device"},
        {"needs_library", "liboriel-gone.so"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(scratch_copy(scratch.first, cases[i].fixture, cases[i].fixture), cases[i].because);
}

static void test_hang(void **state)
{
    (void)state;
    int64_t before = clock_ns();
    refused(scratch_copy(scratch.first, "hang", "hang"),
            "did not come to an end within 5 s in its init()");
    assert_true(clock_ns() - before < 8 * NS_PER_S);
}

static void test_no_modules_at_all(void **state)
{
    (void)state;
    static const char text[] = "This is a text, whatever its name says.\n";
    refused(scratch_write(scratch.first, "text.so", text, sizeof text - 1), "not an ELF file");
    refused(scratch_write(scratch.first, "empty.so", "", 0), "is empty");
    refused("/tmp/oriel-no-such-file.so", "No such file or directory");
    refused(scratch.first, "Is a directory");

    const char *path = scratch_copy(scratch.first, "good", "machine");
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    static const uint16_t machine = 0x2a2a;
    assert_int_equal(fseek(file, 18, SEEK_SET), 0); /* e_machine */
    assert_int_equal(fwrite(&machine, sizeof machine, 1, file), 1);
    fclose(file);
    refused(path, "is built for another machine");

    char half[64];
    file = fopen(FIXTURE_DIR "/good.so", "rb");
    assert_non_null(file);
    assert_int_equal(fread(half, 1, sizeof half, file), sizeof half);
    fclose(file);
    refused(scratch_write(scratch.first, "head.so", half, sizeof half), "head.so: ");
    refused(scratch_write(scratch.first, "stub.so", half, 30), "is cut short");
}

static void test_no_executable(void **state)
{
    (void)state;
    const char *path = scratch_copy(scratch.first, "good", "good");
    module_probe_set_executable("/nonexistent/oriel");
    refused(path, "cannot be probed: /nonexistent/oriel: No such file or directory");
    module_probe_set_executable(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_prints),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_hang),
        cmocka_unit_test(test_no_modules_at_all),
        cmocka_unit_test(test_no_executable),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
