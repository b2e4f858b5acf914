/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ab/plan.h"

static char path[] = "/tmp/oriel-ab-XXXXXX";

static struct plan *read_plan(const char *text, struct error *err)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return plan_read(path, err);
}

static const char good[] = "{ // comments are fine\n"
                           " \"recordings\": [\"a.orec\", \"/data/b.orec\"],\n"
                           " \"baseline\": \"x264 v1.2\",\n"
                           " \"rates\": [1e6, 2e6],\n"
                           " \"arms\": {\n"
                           "  \"jpeg\": {\"module\": \"encode/jpeg\", \"rate_option\": "
                           "\"quality\", \"rates\": [50, 90]},\n"
                           "  \"x264 v1.2\": {\"module\": \"encode/x264\",\n"
                           "   \"options\": {\"preset\": \"fast\", \"threads\": 1}}},\n"
                           " \"repeats\": 2, \"seed\": 17, \"pace\": true}\n";

static void test_good(void **state)
{
    (void)state;
    struct error err;
    struct plan *plan = read_plan(good, &err);
    if (!plan)
        fail_msg("%s", err.text);
    assert_int_equal(plan->recording_count, 2);
    assert_string_equal(plan->recordings[0], "/tmp/a.orec"); /* beside the file */
    assert_string_equal(plan->recordings[1], "/data/b.orec");
    assert_int_equal(plan->arm_count, 2);
    assert_int_equal(plan->baseline, 1);
    assert_string_equal(plan->arms[1].label, "x264 v1.2");
    assert_string_equal(plan->arms[1].rate_option, "bitrate");
    assert_true(plan->arms[1].rates[1] == 2e6);
    assert_int_equal(plan->arms[1].set_count, 2);
    assert_string_equal(plan->arms[1].sets[0], "encode/x264.preset=fast");
    assert_string_equal(plan->arms[0].rate_option, "quality");
    assert_true(plan->arms[0].rates[0] == 50);
    assert_int_equal(plan->repeats, 2);
    assert_int_equal(plan->seed, 17);
    assert_true(plan->pace);
    struct config *config = plan_config(plan, &plan->arms[1], 0, &err);
    assert_non_null(config);
    config_destroy(config);
    plan_destroy(plan);
}

#define ARMS "\"recordings\":[\"a\"],\"rates\":[1],\"arms\":{\"a\":{\"module\":\"encode/x264\"}}"

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where, *why;
    } wrongs[] = {
        {"{\n\n\"basline\": \"a\"}", ":3: ", "unknown key \"basline\", did you mean baseline?"},
        {"{\"arms\":{\"a\":{\"modul\":\"encode/x264\"}}}",
         ":1: ", "unknown key \"arms.a.modul\", did you mean module?"},
        {"{\"arms\":{\"a\":3}}", ":1: ", "arms.a: wants an object with \"module\""},
        {"{" ARMS ",\n\"repeats\": 0}", ":2: ", "repeats: wants a whole number from 1 to 100"},
        {"{" ARMS ",\n\"gain\": \"much\"}", ":2: ", "gain: wants a number from 1 to 255"},
        {"{" ARMS ",\n\"pace\": 1}", ":2: ", "pace: wants true or false"},
        {"{" ARMS ",\n\"baseline\": \"b\"}", ":2: ", "baseline: there is no arm \"b\""},
        {"{\"recordings\": \"a\"}", ":1: ", "recordings: wants a list of paths"},
        {"{\"recordings\": []}", "", "wants \"recordings\", a list of files"},
        {"{\"recordings\": [\"a\"]}", "", "wants \"arms\""},
        {"{\"recordings\":[\"a\"],\"arms\":{\"a\":{\"module\":\"encode/x264\"}}}", "",
         "arms.a: wants \"rates\""},
        {"{\"recordings\":[\"a\"],\"rates\":[1,2],\"arms\":{\"a\":{\"module\":\"m/m\"},\"b\":"
         "{\"module\":\"m/m\",\"rates\":[1]}}}",
         "", "arms.b: has 1 rates where arms.a has 2"},
        {"{\"recordings\":[\"a\"],\"rates\":[1],\"arms\":{\"a\":{\"module\":\"m/m\",\n\"options\":"
         "{\"bitrate\":1}}}}",
         ":2: ", "arms.a.options.bitrate: is what \"rates\" are for"},
        {"{\"recordings\":[\"a\"],\"rates\":[1],\"arms\":{\"a\":{\"options\":{\"x\":1}}}}",
         ":1: ", "arms.a: wants \"module\""},
        {"{\"rates\": [1,}", ":1: ", "not valid JSON"},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct error err;
        assert_null(read_plan(wrongs[i].text, &err));
        if (!strstr(err.text, path) || !strstr(err.text, wrongs[i].where) ||
            !strstr(err.text, wrongs[i].why))
            fail_msg("\"%s\" instead of \"%s\"", err.text, wrongs[i].why);
    }
}

/* The file with one byte changed, everywhere: read or refused. */
static void test_fuzzed(void **state)
{
    (void)state;
    char text[sizeof good];
    unsigned read = 0, refused = 0;
    for (size_t at = 0; at < sizeof good - 1; at++) {
        for (const char *to = "{}[]\",:1e."; *to; to++) {
            struct error err;
            memcpy(text, good, sizeof good);
            text[at] = *to;
            struct plan *plan = read_plan(text, &err);
            read += plan != NULL;
            refused += plan == NULL;
            plan_destroy(plan);
        }
    }
    assert_true(read > 100 && refused > 100);
}

static void test_without_rates(void **state)
{
    (void)state;
    struct error err;
    struct plan *plan = read_plan("{\"recordings\":[\"a\"],\"rates\":[1,2],\"arms\":{\"raw\":"
                                  "{\"module\":\"encode/raw\",\"rate_option\":null}}}",
                                  &err);
    if (!plan)
        fail_msg("%s", err.text);
    assert_string_equal(plan->arms[0].rate_option, "");
    struct config *config = plan_config(plan, &plan->arms[0], 1, &err);
    assert_non_null(config);
    config_destroy(config);
    plan_destroy(plan);
}

static int setup(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_without_rates),
        cmocka_unit_test(test_fuzzed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
