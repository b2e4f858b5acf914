/* SPDX-License-Identifier: BSD-3-Clause */
/* Every mistake in a file is an error with the line of the mistake. */
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

static char folder[] = "/tmp/oriel-file-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink("oriel.json");
    return rmdir(folder);
}

static struct config *read_bytes(const char *bytes, size_t length, struct error *err)
{
    FILE *file = fopen("oriel.json", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
    return config_create(&(struct config_inputs){.file = "oriel.json"}, err);
}

static void wrong(const char *text, const char *expected)
{
    struct error err = {""};
    struct config *config = read_bytes(text, strlen(text), &err);
    config_destroy(config);
    if (config || strncmp(err.text, expected, strlen(expected)) != 0)
        fail_msg("%s\n  gives \"%s\",\n  not   \"%s\"", text, err.text, expected);
}

static void test_keys(void **state)
{
    (void)state;
    wrong("{\n \"stream\": {\n  \"fps\": 30,\n  \"fsp\": 30\n }\n}",
          "oriel.json:4: stream.fsp: unknown key, did you mean stream.fps?");
    wrong("{\n\n \"quite unknown\": 1 }", "oriel.json:3: quite unknown: unknown key");
    wrong("{\n \"stream\": 5 }", "oriel.json:2: stream: is a section, wants an object");
    wrong("{\n \"stream\": {\"fps\": {\n \"a\": 1}}}",
          "oriel.json:3: stream.fps.a: unknown key, did you mean stream.fps?");
    wrong("{\"log\": {\"areas\": {\n\"camra\": \"debug\"}}}",
          "oriel.json:2: log.areas.camra: unknown key, did you mean log.areas.camera?");
    wrong("{\"stream\": {\"fps\": 30,\n \"bitrate\": 1000000},\n \"stream.fps\": 20}",
          "oriel.json:3: stream.fps: set before, in oriel.json:1");
    wrong("{\"preset\":\n\"fast\"}",
          "oriel.json:1: unknown preset \"fast\" (there are latency balanced quality lossless)");
    wrong("{\"preset\": \"latancy\"}",
          "oriel.json:1: unknown preset \"latancy\", did you mean latency?");
    wrong("{\"preset\": 3}", "oriel.json:1: preset: wants a name");
}

static void test_types(void **state)
{
    (void)state;
    wrong("{\n\"server\": {\"port\": \"8081\"}}",
          "oriel.json:2: server.port: wants an integer, got \"8081\"");
    wrong("{\"server\": {\"port\": 80.5}}",
          "oriel.json:1: server.port: wants an integer, got 80.5");
    wrong("{\"server\": {\"port\": 70000}}",
          "oriel.json:1: server.port: wants an integer from 0 to 65535, got 70000");
    wrong("{\"server\": {\"port\": null}}",
          "oriel.json:1: server.port: wants an integer, got null");
    wrong("{\"stream\": {\"fps\": true}}", "oriel.json:1: stream.fps: wants a number, got true");
    wrong("{\"stream\": {\"fps\": 0}}",
          "oriel.json:1: stream.fps: wants a number from 1 to 240, got 0");
    wrong("{\"render\": {\"animate\": 1}}",
          "oriel.json:1: render.animate: wants true or false, got 1");
    wrong("{\"server\": {\"host\": 1}}", "oriel.json:1: server.host: wants a string, got 1");
    wrong("{\"log\": {\"level\": \"debgu\"}}", "oriel.json:1: log.level: \"debgu\" is not one of: "
                                               "error warn info debug trace, did you mean "
                                               "debug?");
    wrong("{\"modules\": {\"path\": \"/a\"}}",
          "oriel.json:1: modules.path: wants a list of strings, got \"/a\"");
    wrong("{\"modules\": {\"path\": [\"/a\",\n 1]}}",
          "oriel.json:1: modules.path: wants a list of strings, got [\"/a\",1]");
}

static void test_syntax(void **state)
{
    (void)state;
    wrong("{\n \"stream\": {\n  \"fps\": 30,\n }\n}",
          "oriel.json:3: not valid JSON: a comma before }");
    wrong("{\"modules.path\": [\"/a\",\n ]}", "oriel.json:1: not valid JSON: a comma before ]");
    wrong("{\n \"stream\": {\"fps\": 30,\n fsp: 3}}",
          "oriel.json:3: not valid JSON near \"fsp: 3}}\"");
    wrong("{ , }", "oriel.json:1: not valid JSON near \", }\"");
    wrong("{\n \"stream\": {\n\n", "oriel.json:2: not valid JSON: ends too early");
    wrong("{\n \"stream\" {\"fps\": 30}\n}", "oriel.json:2: not valid JSON near \"{\"fps\": 30}\"");
    wrong("{\n \"stream\": {\"fps\": 30}\n} x", "oriel.json:3: not valid JSON near \"x\"");
    wrong("{\n // a comment\n \"a\": /* b */ 1, \n /* without an\n end }",
          "oriel.json:4: comment without an end");
    wrong("[1]", "oriel.json: wants an object");
    wrong("", "oriel.json:1: not valid JSON");
    wrong("{\"a\": \"", "oriel.json:1: not valid JSON");
    wrong("{\"a\\", "oriel.json:1: not valid JSON");

    struct error err = {""};
    assert_null(read_bytes("{}\0{}", 5, &err));
    assert_string_equal(err.text, "oriel.json: is not a text file");
    static char large[(1 << 20) + 2];
    memset(large, ' ', sizeof large);
    assert_null(read_bytes(large, sizeof large, &err));
    assert_string_equal(err.text, "oriel.json: larger than 1 MiB, which no configuration is");
    assert_null(config_create(&(struct config_inputs){.file = "none.json"}, &err));
    assert_string_equal(err.text, "none.json: No such file or directory");
    assert_null(config_create(&(struct config_inputs){.file = "/"}, &err));
    assert_string_equal(err.text, "/: Is a directory");
}

/* Deep nesting must end in a message, whatever its cost. */
static void test_nesting(void **state)
{
    (void)state;
    static char deep[200000];
    size_t at = 0;
    for (int i = 0; i < 30000; i++)
        at += (size_t)sprintf(deep + at, "{\"a\":");
    wrong(deep, "oriel.json:1: not valid JSON");
}

static void test_good(void **state)
{
    (void)state;
    static const char text[] =
        "\xef\xbb\xbf// For the microscope in room 3\n"
        "{\n"
        "  /* two lines\n     of comment */\n"
        "  \"server\": {\"prefix\": \"/a//b/*c*/\", // not a comment, a comment\n"
        "             \"port\": 9000},\n"
        "  \"stream\": {},\n"
        "  \"modules\": {\"path\": [\"/x{y\", \"/\\\"]z\"]},\n"
        "  \"encode/x264\": {\"preset\": \"fast\"}\n"
        "} // the end";
    struct error err = {""};
    struct config *config = read_bytes(text, sizeof text - 1, &err);
    if (!config)
        fail_msg("%s", err.text);
    assert_string_equal(config_string(config, "server.prefix"), "/a//b/*c*/");
    assert_int_equal(config_int(config, "server.port"), 9000);
    assert_string_equal(config_item(config, "modules.path", 0), "/x{y");
    assert_string_equal(config_item(config, "modules.path", 1), "/\"]z");
    config_destroy(config);
}

static void test_flags(void **state)
{
    (void)state;
    static const struct {
        const char *set, *expected;
    } cases[] = {
        {"stream.fsp=30", "--set: stream.fsp: unknown key, did you mean stream.fps?"},
        {"stream.fps", "--set stream.fps: wants key=value"},
        {"=30", "--set =30: wants key=value"},
        {"stream.fps=", "--set: stream.fps: wants a number, got \"\""},
        {"stream.fps=fast", "--set: stream.fps: wants a number, got \"fast\""},
        {"stream.fps=nan", "--set: stream.fps: wants a number, got nan"},
        {"stream.keyint=1e99", "--set: stream.keyint: wants an integer, got 1e99"},
        {"stream.fps=30 ", "--set: stream.fps: wants a number, got \"30 \""},
        {"render.animate=2", "--set: render.animate: wants true or false, got \"2\""},
        {"modules.path=[1]", "--set: modules.path: wants a list of strings, got [1]"},
        {"modules.path=[", "--set: modules.path: wants a list of strings, got ["},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {""};
        assert_null(
            config_create(&(struct config_inputs){.sets = &cases[i].set, .set_count = 1}, &err));
        assert_string_equal(err.text, cases[i].expected);
    }
    struct error err = {""};
    assert_null(config_create(&(struct config_inputs){.preset = "qualty"}, &err));
    assert_string_equal(err.text,
                        "--preset: unknown preset \"qualty\", did you mean quality? (there are "
                        "latency balanced quality lossless)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_types), cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_nesting), cmocka_unit_test(test_good),  cmocka_unit_test(test_flags),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
