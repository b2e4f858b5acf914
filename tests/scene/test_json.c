/* SPDX-License-Identifier: BSD-3-Clause */
/* The one reader of JSON from outside: what it takes, and what it says about the rest. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene/json.h"
#include "util/check.h"

static void takes(const char *text)
{
    struct error err = {""};
    cJSON *json = json_parse(text, strlen(text), &err);
    if (!json)
        fail_msg("%s: %s", text, err.text);
    cJSON_Delete(json);
}

#define refuses(text, why) refuses_bytes(text, sizeof text - 1, why)

static void refuses_bytes(const char *text, size_t bytes, const char *why)
{
    /* Of its own size, so that a sanitizer sees what is read beyond it. */
    char *copy = malloc(bytes + !bytes);
    memcpy(copy, text, bytes);
    struct error err = {""};
    cJSON *json = json_parse(copy, bytes, &err);
    free(copy);
    if (json)
        fail_msg("taken: %s", text);
    if (!strstr(err.text, why))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, why);
}

static void one_value_and_nothing_else(void **state)
{
    (void)state;
    takes("{}");
    takes(" [1, 2.5e3, -0, \"x\", true, false, null] \r\n\t");
    takes("\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \\\\u0000\"");
    refuses("", "not JSON");
    refuses("   ", "not JSON");
    refuses("{", "not JSON");
    refuses("\"", "not JSON");
    refuses("\"\\", "not JSON");
    refuses("\"\\u12", "not JSON");
    refuses("{\"a\":}", "line 1, column 6");
    refuses("{\"a\":1,}", "not JSON");
    refuses("[1,\n2,\nx]", "line 3, column 1");
    refuses("{} {}", "text after the JSON value");
    refuses("{}\0", "a NUL at byte 2");
    refuses("'a'", "not JSON");
    refuses("{a:1}", "not JSON");
    refuses("// x\n{}", "not JSON");
}

static void no_number_that_is_none(void **state)
{
    (void)state;
    refuses("NaN", "not JSON");
    refuses("[nan]", "not JSON");
    refuses("Infinity", "not JSON");
    refuses("[-Infinity]", "not JSON");
    refuses("[-inf]", "not JSON");
    refuses("0x10", "JSON");
    refuses("[+1]", "not JSON");
    refuses("[.5]", "not JSON");
    refuses("[1e]", "not JSON");
    refuses("[--1]", "not JSON");
    static const char *const huge[] = {"1e999", "-1e999", "1e99999999999"};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        cJSON *json = json_parse(huge[i], strlen(huge[i]), NULL);
        double d = 7;
        int64_t n = 7;
        assert_non_null(json);
        assert_false(json_number(json, &d));
        assert_false(json_integer(json, &n));
        assert_int_equal(json_numbers(json, &d, 0, 1), -1);
        cJSON_Delete(json);
    }
    static const struct {
        const char *text;
        bool integer;
    } cases[] = {{"9007199254740992", true},
                 {"-9007199254740992", true},
                 {"9007199254740994", false},
                 {"1e300", false},
                 {"1.5", false},
                 {"-0", true},
                 {"true", true},
                 {"\"1\"", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *json = json_parse(cases[i].text, strlen(cases[i].text), NULL);
        int64_t n;
        assert_int_equal(json_integer(json, &n), cases[i].integer);
        cJSON_Delete(json);
    }
}

static void no_string_that_is_none(void **state)
{
    (void)state;
    refuses("\"\\u0000\"", "a NUL in a string at byte 1");
    refuses("{\"a\\u0000b\":1}", "a NUL in a string");
    refuses("[\"\\\\\\u0000\"]", "a NUL in a string");
    refuses("\"a\0b\"", "a NUL at byte 2");
    refuses("\"\\ud800\"", "not JSON");
    refuses("\"\\ud800x\"", "not JSON");
    refuses("\"\\ud800\\u0041\"", "not JSON");
    refuses("\"\\udc00\"", "not JSON");
    refuses("\"\\x41\"", "not JSON");
    refuses("\"\xed\xa0\x80\"", "not UTF-8");
    refuses("\"\xc0\x80\"", "not UTF-8");
    refuses("\"\xf4\x90\x80\x80\"", "not UTF-8");
    refuses("\"\xff\"", "not UTF-8");
    refuses("\"\xe2\x82", "not UTF-8");
    refuses("\xef\xbb\xbf\xff{}", "not UTF-8");
}

static void no_key_twice(void **state)
{
    (void)state;
    refuses("{\"a\":1,\"a\":1}", "the key \"a\" twice");
    refuses("[0,{\"b\":{\"x\":1,\"y\":2,\"x\":3}}]", "the key \"x\" twice");
    refuses("{\"a\":1,\"\\u0061\":2}", "the key \"a\" twice"); /* the same, written otherwise */
    refuses("{\"\":1,\"\":2}", "the key \"\" twice");
    takes("{\"a\":1,\"A\":1,\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":2}]}");
    /* A long one is quoted in part, and many keys are no matter of minutes. */
    char *text = xasprintf("{\"%0*d\":1,\"%0*d\":2}", 100000, 0, 100000, 0);
    refuses_bytes(text, strlen(text), "0\" twice in one object");
    free(text);
    size_t room = 1 << 20, n = 1;
    text = malloc(room);
    text[0] = '{';
    for (int i = 0; i < 60000; i++)
        n += (size_t)snprintf(text + n, room - n, "\"k%d\":0,", i);
    snprintf(text + n, room - n, "\"k59999\":0}");
    refuses_bytes(text, strlen(text), "\"k59999\" twice");
    free(text);
}

static void no_depth_without_end(void **state)
{
    (void)state;
    char text[200001];
    for (int depth = 31; depth <= 33; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        if (depth <= JSON_MAX_DEPTH)
            takes(text);
        else
            refuses_bytes(text, strlen(text), "nested deeper than 32");
    }
    memset(text, '[', sizeof text - 1);
    refuses_bytes(text, sizeof text - 1, "nested deeper than 32");
    for (size_t i = 0; i + 5 <= sizeof text; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    refuses_bytes(text, sizeof text - 1, "nested deeper than 32");
    takes("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\"");
}

/* Names of files, of layers and messages that were cut need not be UTF-8; what a client gets is. */
static void prints_utf8_whatever_it_was_given(void **state)
{
    (void)state;
    cJSON *json = cJSON_CreateObject();
    json_put_string(json, "a\xff", "caf\xc3\xa9 cut: \xe2\x82");
    json_put_string(json, "b", "tab\t esc\x1b del\x7f");
    json_put_number(json, "c", INFINITY);
    char *text = json_print(json);
    assert_true(json_is_utf8((const uint8_t *)text, strlen(text)));
    assert_string_equal(text, "{\"a?\":\"caf\xc3\xa9 cut: ??\",\"b\":\"tab\\t esc\\u001b del\x7f\","
                              "\"c\":null}");
    takes(text);
    free(text);
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value_and_nothing_else),
        cmocka_unit_test(no_number_that_is_none),
        cmocka_unit_test(no_string_that_is_none),
        cmocka_unit_test(no_key_twice),
        cmocka_unit_test(no_depth_without_end),
        cmocka_unit_test(prints_utf8_whatever_it_was_given),
    };
    return cmocka_run_group_tests_name("scene: JSON", tests, NULL, NULL);
}
