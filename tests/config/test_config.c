/* SPDX-License-Identifier: BSD-3-Clause */
/* Who wins, and what is said of where a value came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/option.h"
#include "config/schema.h"
#include "util/log.h"

static char file[64];

static void write_file(const char *text)
{
    strcpy(file, "/tmp/oriel-config-XXXXXX");
    int fd = mkstemp(file);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    unlink(file);
    return 0;
}

static struct config *make(const char *text, const char *preset, const char *variable,
                           const char *set)
{
    if (text)
        write_file(text);
    char *environment[] = {(char *)(uintptr_t)variable, NULL};
    const char *sets[] = {set};
    struct error err;
    struct config *config = config_create(&(struct config_inputs){.file = text ? file : NULL,
                                                                  .preset = preset,
                                                                  .environment = environment,
                                                                  .sets = sets,
                                                                  .set_count = set != NULL},
                                          &err);
    if (text)
        unlink(file);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static void origin_is(const struct config *config, const char *key, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_print(config, NULL, 0, out, true);
    fclose(out);
    cJSON *json = cJSON_Parse(text);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    const char *origin = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "origin"));
    assert_non_null(origin);
    assert_string_equal(origin, expected);
    cJSON_Delete(json);
    free(text);
}

static void bitrate_is(struct config *config, int64_t value, const char *origin)
{
    assert_int_equal(config_int(config, "stream.bitrate"), value);
    origin_is(config, "stream.bitrate", origin);
    config_destroy(config);
}

static void test_order(void **state)
{
    (void)state;
    static const char text[] = "{\n  \"stream\": {\"bitrate\": 1000001}\n}";
    static const char variable[] = "ORIEL_STREAM_BITRATE=1000002";
    static const char set[] = "stream.bitrate=1000003";
    bitrate_is(make(NULL, NULL, NULL, NULL), 12000000, "default");
    struct config *config = make(text, NULL, NULL, NULL);
    char line[80];
    snprintf(line, sizeof line, "%s:2", file);
    bitrate_is(config, 1000001, line);
    bitrate_is(make(text, "latency", NULL, NULL), 10000000, "preset latency");
    bitrate_is(make(text, "balanced", NULL, NULL), 12000000, "preset balanced");
    bitrate_is(make(text, "latency", variable, NULL), 1000002, "ORIEL_STREAM_BITRATE");
    bitrate_is(make(text, "latency", variable, set), 1000003, "--set");
}

/* A preset that the file names is what the file's values refine. */
static void test_preset_of_the_file(void **state)
{
    (void)state;
    struct config *config =
        make("{\"stream\": {\"bitrate\": 7000000}, \"preset\": \"quality\"}", NULL, NULL, NULL);
    assert_int_equal(config_int(config, "stream.bitrate"), 7000000);
    assert_int_equal(config_int(config, "stream.refine"), 4);
    assert_string_equal(config_string(config, "preset"), "quality");
    config_destroy(config);
}

static void test_who_names_the_preset(void **state)
{
    (void)state;
    static const char text[] = "{\"preset\": \"quality\"}";
    bitrate_is(make(text, NULL, NULL, NULL), 35000000, "preset quality");
    bitrate_is(make(text, NULL, "NAPARI_CUDA_PRESET=latency", NULL), 10000000, "preset latency");
    bitrate_is(make(text, NULL, "ORIEL_PRESET=latency", NULL), 10000000, "preset latency");
    bitrate_is(make(text, NULL, "ORIEL_PRESET=latency", "preset=lossless"), 80000000,
               "preset lossless");
    bitrate_is(make(text, "latency", "ORIEL_PRESET=balanced", "preset=lossless"), 10000000,
               "preset latency");
}

static void test_presets_fit_their_keys(void **state)
{
    (void)state;
    char names[] = SCHEMA_PRESETS, *rest = names;
    for (char *name; (name = strtok_r(rest, " ", &rest));)
        config_destroy(make(NULL, name, NULL, NULL));
}

static void test_values(void **state)
{
    (void)state;
    struct config *config =
        make("{\"modules\": {\"path\": [\"/a\", \"/b\"]}, \"render.animate\": true,"
             " \"lod\": {\"hysteresis\": 0.25}, \"server\": {\"prefix\": \"/s/\\u00e4\"}}",
             NULL, NULL, "modules.source=source/npy , source/zarr");
    assert_string_equal(config_item(config, "modules.path", 1), "/b");
    assert_null(config_item(config, "modules.path", 2));
    assert_string_equal(config_item(config, "modules.source", 0), "source/npy");
    assert_string_equal(config_item(config, "modules.source", 1), "source/zarr");
    assert_true(config_bool(config, "render.animate"));
    assert_true(config_float(config, "lod.hysteresis") == 0.25);
    assert_true(config_float(config, "stream.keyint") == 600);
    assert_string_equal(config_string(config, "server.prefix"), "/s/\xc3\xa4");
    assert_string_equal(config_string(config, "stream.tier"), "");
    assert_string_equal(config_string(config, "server.host"), "127.0.0.1");
    config_destroy(config);
}

static void test_print(void **state)
{
    (void)state;
    struct config *config = make("{\"transport/x\": {\"token\": \"hunter2\", \"size\": 3}}", NULL,
                                 NULL, "encode/x264.preset=fast");
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_print(config, NULL, 0, out, false);
    fclose(out);
    assert_non_null(strstr(text, "server.port = 8081  # default\n"));
    assert_non_null(strstr(text, "encode/x264.preset = \"fast\"  # --set\n"));
    assert_non_null(strstr(text, "transport/x.size = 3  # /tmp/oriel-config-"));
    assert_non_null(strstr(text, "transport/x.token = \"(secret)\""));
    assert_null(strstr(text, "hunter2"));
    free(text);
    config_destroy(config);
}

static void test_log(void **state)
{
    (void)state;
    struct config *config =
        make("{\"log\": {\"level\": \"warn\", \"areas\": {\"encoder-nals\": \"trace\"}}}", NULL,
             NULL, "log.areas.http=error");
    config_apply_log(config);
    assert_true(log_on(LOG_ENCODER_NALS, LOG_TRACE));
    assert_true(log_on(LOG_RENDER, LOG_WARN) && !log_on(LOG_RENDER, LOG_INFO));
    assert_false(log_on(LOG_HTTP, LOG_WARN));
    config_destroy(config);
    for (int area = 0; area < LOG_AREA_COUNT; area++)
        log_set_level((enum log_area)area, LOG_INFO);
}

/* Every key, every area has a variable of its own and a sound row in the table. */
static void test_schema(void **state)
{
    (void)state;
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++) {
        struct option_value value;
        struct error err = {""};
        if (!option_default(&options[i], &value, &err))
            fail_msg("%s: %s", options[i].name, err.text);
        option_value_finish(&value);
        char name[128], other[128];
        assert_true(schema_variable(options[i].name, name, sizeof name));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(options[i].name, options[j].name);
            schema_variable(options[j].name, other, sizeof other);
            assert_string_not_equal(name, other);
        }
    }
    for (int area = 0; area < LOG_AREA_COUNT; area++) {
        char key[64];
        snprintf(key, sizeof key, "log.areas.%s", log_area_name((enum log_area)area));
        assert_true(schema_find(key) >= 0);
    }
}

static void test_schema_json(void **state)
{
    (void)state;
    char *text = config_schema_json();
    cJSON *root = cJSON_Parse(text);
    const cJSON *stream = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(root, "properties"), "stream");
    const cJSON *fps = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(stream, "properties"), "fps");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fps, "type")),
                        "number");
    assert_true(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(fps, "default")) == 60);
    assert_true(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(fps, "maximum")) == 240);
    cJSON_Delete(root);
    free(text);
}

/* docs/options.md is made from the tables; a new key that is not there was forgotten. */
static void test_documented(void **state)
{
    (void)state;
    const char *source = getenv("ORIEL_SOURCE_DIR");
    if (!source) {
        print_message("ORIEL_SOURCE_DIR is not set: docs/options.md is not looked at\n");
        skip();
    }
    char path[512];
    snprintf(path, sizeof path, "%s/docs/options.md", source);
    FILE *page = fopen(path, "r");
    assert_non_null(page);
    static char text[1 << 20];
    size_t length = fread(text, 1, sizeof text - 1, page);
    text[length] = '\0';
    fclose(page);
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++) {
        char cell[128];
        snprintf(cell, sizeof cell, "| `%s` |", options[i].name);
        if (!strstr(text, cell))
            fail_msg("%s: is not in docs/options.md; `oriel modules --markdown` writes that page",
                     options[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_order, tear_down),
        cmocka_unit_test(test_preset_of_the_file),
        cmocka_unit_test(test_who_names_the_preset),
        cmocka_unit_test(test_presets_fit_their_keys),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_schema_json),
        cmocka_unit_test(test_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
