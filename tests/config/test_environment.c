/* SPDX-License-Identifier: BSD-3-Clause */
/* Every variable: what it sets, or that it is taken without effect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/reference.h"
#include "config/schema.h"

/* The variable alone; NULL with the error. */
static struct config *with(const char *first, const char *second, struct error *err)
{
    char *environment[] = {(char *)(uintptr_t) "PATH=/bin", (char *)(uintptr_t)first,
                           (char *)(uintptr_t)second, NULL};
    return config_create(&(struct config_inputs){.environment = environment}, err);
}

/* The printed value of a key, and its origin. */
static void printed(const struct config *config, const char *key, char *value, char *origin,
                    size_t size)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    config_print(config, NULL, 0, out, true);
    fclose(out);
    cJSON *json = cJSON_Parse(text);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    assert_non_null(item);
    char *found = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(item, "value"));
    snprintf(value, size, "%s", found);
    snprintf(origin, size, "%s",
             cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "origin")));
    free(found);
    free(text);
    cJSON_Delete(json);
}

static void expect(const char *first, const char *second, const char *key, const char *expected)
{
    struct error err = {""};
    struct config *config = with(first, second, &err);
    if (!config)
        fail_msg("%s: %s", first, err.text);
    char value[256], origin[256];
    printed(config, key, value, origin, sizeof value);
    if (strcmp(value, expected) != 0)
        fail_msg("%s: %s is %s, not %s", first, key, value, expected);
    config_destroy(config);
}

/* { variable, value, key, what the key becomes } */
static const struct row {
    const char *variable, *value, *key, *becomes;
} rows[] = {
    {"HOST", "0.0.0.0", "server.host", "\"0.0.0.0\""},
    {"STATE_PORT", "9081", "server.port", "9081"},
    {"PIXEL_PORT", "9082", "server.pixel_port", "9082"},
    {"METRICS_PORT", "9083", "server.metrics_port", "9083"},
    {"METRICS_REFRESH_MS", "500", "", ""},
    {"METRICS_WINDOW", "100", "", ""},
    {"ZARR_PATH", "/data/a.zarr", "data.open", "[\"/data/a.zarr\"]"},
    {"ZARR_PATH", "/a, \"b\"", "data.open", "[\"/a, \\\"b\\\"\"]"},
    {"ZARR_LEVEL", "level_02", "view.open_level", "2"},
    {"ZARR_LEVEL", "1", "view.open_level", "1"},
    {"ZARR_AXES", "zyx", "data.axes", "\"zyx\""},
    {"ZARR_Z", "-1", "view.open_z", "-1"},
    {"ZARR_Z", "7", "view.open_z", "7"},
    {"DATA_ROOT", "/data", "data.root", "\"/data\""},
    {"WIDTH", "1920", "canvas.width", "1920"},
    {"HEIGHT", "1080", "canvas.height", "1080"},
    {"NDISPLAY", "3", "view.ndisplay", "3"},
    {"USE_VOLUME", "1", "view.ndisplay", "3"},
    {"USE_VOLUME", "off", "view.ndisplay", "2"},
    {"ANIMATE", "yes", "render.animate", "true"},
    {"TURNTABLE_DPS", "12.5", "render.animate_dps", "12.5"},
    {"FRAME_QUEUE", "3", "", ""},
    {"FRAME_QUEUE_SIZE", "2", "", ""},
    {"TARGET_FPS", "50", "stream.fps", "50"},
    {"ENCODE_FPS", "30", "stream.fps", "30"},
    {"ENCODE_BITRATE", "5000000", "stream.bitrate", "5000000"},
    {"ENCODE_KEYINT", "90", "stream.keyint", "90"},
    {"ENCODE_THREADS", "4", "stream.threads", "4"},
    {"ENCODE_CODEC", "hevc", "", ""},
    {"ENCODER_INPUT_FORMAT", "NV12", "stream.input_format", "\"nv12\""},
    {"ENCODER_RC_MODE", "VBR", "stream.rc_mode", "\"vbr\""},
    {"ENCODER_PRESET", "P5", "stream.tier", "\"p5\""},
    {"ENCODER_MAX_BITRATE", "30000000", "stream.max_bitrate", "30000000"},
    {"ENCODER_MAX_BITRATE", "none", "stream.max_bitrate", "1000000000"},
    {"ENCODER_MAX_BITRATE", "0", "stream.max_bitrate", "1000000000"},
    {"ENCODER_LOOKAHEAD", "8", "stream.lookahead", "8"},
    {"ENCODER_LOOKAHEAD", "-4", "stream.lookahead", "0"},
    {"ENCODER_AQ", "0", "stream.aq", "0"},
    {"ENCODER_TEMPORALAQ", "1", "stream.temporal_aq", "1"},
    {"ENCODER_NON_REF_P", "true", "stream.non_ref_p", "true"},
    {"ENCODER_BFRAMES", "2", "stream.bframes", "2"},
    {"ENCODER_IDR_PERIOD", "240", "stream.keyint", "240"},
    {"ENCODER_IDR_ON_RESET", "1", "", ""},
    {"PACKER", "cython", "", ""},
    {"BITSTREAM_BUILD_CYTHON", "1", "", ""},
    {"BITSTREAM_DISABLE_FAST_PACK", "0", "", ""},
    {"BITSTREAM_ALLOW_PY_FALLBACK", "0", "", ""},
    {"ALLOW_PY_FALLBACK", "0", "", ""},
    {"DUMP_BITSTREAM", "120", "debug.dump_bitstream", "120"},
    {"DUMP_DIR", "/tmp/dump", "debug.dump_dir", "\"/tmp/dump\""},
    {"KF_WATCHDOG_COOLDOWN", "2.0", "stream.key_cooldown_ms", "2000"},
    {"MAX_SLICE_BYTES", "1048576", "data.max_slice_bytes", "1048576"},
    {"VRAM_MB", "8192", "data.max_volume_bytes", "3221225472"},
    {"GPU_NAME", "L4", "", ""},
    {"MAX_VOLUME_BYTES", "0", "data.max_volume_bytes", "268435456"},
    {"MAX_VOLUME_BYTES", "1000", "data.max_volume_bytes", "1000"},
    {"MAX_VOLUME_VOXELS", "1000", "data.max_volume_voxels", "1000"},
    {"PROFILE", "quality", "preset", "\"quality\""},
    {"PRESET", "Latency", "preset", "\"latency\""},
    {"LOG_LEVEL", "WARN", "log.level", "\"warn\""},
    {"SAVE_FRAMES", "5", "", ""},
    {"2D_PATTERN", "bars", "", ""},
    {"2D_IMAGE", "cat.png", "", ""},
    {"CAT_SCALE", "2", "", ""},
    {"LOG_DIR", "logs", "", ""},
    {"SKIP_FRAMES", "2", "", ""},
    {"MOCK_GPU", "1", "", ""},
    {"MS_AUTO", "1", "", ""},
    {"MS_PRIME", "1", "", ""},
    {"USE_NAPARI_ADAPTER", "1", "", ""},
    {"DEBUG", "camera, encoder-nals", "log.areas.encoder-nals", "\"debug\""},
    {"DEBUG", "camera,dims", "log.areas.dims", "\"debug\""},
    {"DEBUG", "1", "log.level", "\"debug\""},
    {"DEBUG", "0", "log.level", "\"info\""},
    {"DEBUG", "[\"roi\"]", "log.areas.roi", "\"debug\""},
    {"DEBUG", "{\"flags\": \"sends,state\"}", "log.areas.state", "\"debug\""},
    {"DEBUG",
     "{\"flags\": [\"policy\"], \"dumps\": {\"frames\": 7, \"dir\": \"d\", \"flip\": true}}",
     "log.areas.policy", "\"debug\""},
    {"DEBUG", "{\"dumps\": {\"dir\": \"d\"}}", "debug.dump_dir", "\"d\""},
    {"DEBUG", "{\"enabled\": false, \"dumps\": {\"frames\": 7}}", "", ""},
    {"DEBUG", "{\"worker\": {\"lock_level\": 2, \"roi_edge_threshold\": 4}}", "lod.lock", "2"},
    {"DEBUG", "{\"worker\": {\"lock_level\": null}}", "lod.lock", "-1"},
    {"DEBUG", "{\"worker\": {\"layer_interpolation\": \"linear\"}}", "render.interpolation_2d",
     "\"linear\""},
    {"POLICY_CONFIG", "{\"threshold_in\": 1.1, \"sticky_contrast\": true}", "lod.threshold_in",
     "1.1"},
    {"POLICY_CONFIG", "{\"threshold_out\": 1.5}", "lod.threshold_out", "1.5"},
    {"POLICY_CONFIG", "{\"hysteresis\": 0.2}", "lod.hysteresis", "0.2"},
    {"POLICY_CONFIG", "{\"fine_threshold\": 1.2}", "lod.fine_threshold", "1.2"},
    {"POLICY_CONFIG", "{\"threshold_in\": 1.3}", "lod.fine_threshold", "1.3"},
    {"POLICY_CONFIG", "{\"cooldown_ms\": 300}", "lod.cooldown_ms", "300"},
    {"POLICY_CONFIG", "{\"oversampling\": {\"thresholds\": {\"0\": 1.2}, \"hysteresis\": 0.1}}",
     "lod.hysteresis", "0"},
    {"ENCODER_CONFIG", "{\"runtime\": {\"rc_mode\": \"VBR\", \"bframes\": 1}}", "stream.rc_mode",
     "\"vbr\""},
    {"ENCODER_CONFIG", "{\"runtime\": {\"preset\": \"P1\", \"max_bitrate\": null}}", "stream.tier",
     "\"p1\""},
    {"ENCODER_CONFIG", "{\"runtime\": {\"non_ref_p\": true}}", "stream.non_ref_p", "true"},
    {"ENCODER_CONFIG", "{\"dump_bitstream\": 9, \"bitstream\": {\"build_cython\": true}}",
     "debug.dump_bitstream", "9"},
    {"ENCODER_CONFIG", "{\"packer\": \"x\", \"idr_on_reset\": false}", "debug.dump_bitstream", "0"},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char variable[512];
        snprintf(variable, sizeof variable, "NAPARI_CUDA_%s=%s", rows[i].variable, rows[i].value);
        expect(variable, NULL, rows[i].key[0] ? rows[i].key : "server.port",
               rows[i].key[0] ? rows[i].becomes : "8081");
    }
}

/* Nothing in the table of the code goes untested, and each says what it sets. */
static void test_all_variables_are_here(void **state)
{
    (void)state;
    const char *variable, *key;
    for (size_t i = 0; reference_variable(i, &variable, &key); i++) {
        bool found = false;
        for (size_t j = 0; j < ROW_COUNT; j++)
            found = found || strcmp(rows[j].variable, variable + strlen("NAPARI_CUDA_")) == 0;
        if (!found)
            fail_msg("%s: is in no row", variable);
        assert_true(!key[0] || schema_find(key) >= 0 || schema_is_section(key));
    }
}

static void test_winners(void **state)
{
    (void)state;
    expect("NAPARI_CUDA_WIDTH=800", "ORIEL_CANVAS_WIDTH=900", "canvas.width", "900");
    expect("ORIEL_CANVAS_WIDTH=900", "NAPARI_CUDA_WIDTH=800", "canvas.width", "900");
    expect("NAPARI_CUDA_ENCODER_IDR_PERIOD=300", "NAPARI_CUDA_ENCODE_KEYINT=100", "stream.keyint",
           "300");
    expect("NAPARI_CUDA_ENCODER_RC_MODE=cbr",
           "NAPARI_CUDA_ENCODER_CONFIG={\"runtime\":{\"rc_mode\":\"vbr\"}}", "stream.rc_mode",
           "\"cbr\"");
    expect("NAPARI_CUDA_USE_VOLUME=0", "NAPARI_CUDA_NDISPLAY=3", "view.ndisplay", "3");
    expect("NAPARI_CUDA_VRAM_MB=4096", "NAPARI_CUDA_MAX_VOLUME_BYTES=1000", "data.max_volume_bytes",
           "1000");
    expect("NAPARI_CUDA_WIDTH=", NULL, "canvas.width", "1280"); /* empty is not set */
    expect("NAPARI_CUDA_CLIENT_ANYTHING=1", NULL, "canvas.width", "1280");
    expect("ORIEL_ANYTHING_ELSE=1", NULL, "canvas.width", "1280");
}

/* ORIEL_<KEY> for every key: its default, or its least value, is taken and named as the origin. */
static void test_own_names(void **state)
{
    (void)state;
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++) {
        char name[128], variable[256], value[256], origin[256], first[32] = "1";
        assert_true(schema_variable(options[i].name, name, sizeof name));
        if (options[i].choices)
            snprintf(first, sizeof first, "%.*s", (int)strcspn(options[i].choices, " "),
                     options[i].choices);
        snprintf(variable, sizeof variable, "%s=%s", name,
                 options[i].default_value ? options[i].default_value : first);
        struct error err = {""};
        struct config *config = with(variable, NULL, &err);
        if (!config)
            fail_msg("%s: %s", variable, err.text);
        printed(config, options[i].name, value, origin, sizeof value);
        assert_string_equal(origin, name);
        config_destroy(config);
    }
}

static void wrong(const char *variable, const char *expected)
{
    struct error err = {""};
    struct config *config = with(variable, NULL, &err);
    config_destroy(config);
    if (config || strcmp(err.text, expected) != 0)
        fail_msg("%s gives \"%s\", not \"%s\"", variable, err.text, expected);
}

static void test_bad_values(void **state)
{
    (void)state;
    wrong("NAPARI_CUDA_WIDTH=wide",
          "NAPARI_CUDA_WIDTH: canvas.width: wants an integer, got \"wide\"");
    wrong("NAPARI_CUDA_STATE_PORT=70000",
          "NAPARI_CUDA_STATE_PORT: server.port: wants an integer from 0 to 65535, got 70000");
    wrong("NAPARI_CUDA_USE_VOLUME=perhaps",
          "NAPARI_CUDA_USE_VOLUME: \"perhaps\" makes no sense there");
    wrong("NAPARI_CUDA_ZARR_LEVEL=coarse",
          "NAPARI_CUDA_ZARR_LEVEL: \"coarse\" makes no sense there");
    wrong("NAPARI_CUDA_KF_WATCHDOG_COOLDOWN=soon",
          "NAPARI_CUDA_KF_WATCHDOG_COOLDOWN: \"soon\" makes no sense there");
    wrong("NAPARI_CUDA_VRAM_MB=-1", "NAPARI_CUDA_VRAM_MB: \"-1\" makes no sense there");
    wrong("NAPARI_CUDA_ENCODER_PRESET=p9", "NAPARI_CUDA_ENCODER_PRESET: stream.tier: \"p9\" is not "
                                           "one of: p1 p2 p3 p4 p5 p6 p7, did you "
                                           "mean p1?");
    wrong("NAPARI_CUDA_PRESET=latncy",
          "NAPARI_CUDA_PRESET: unknown preset \"latncy\", did you mean "
          "latency? (there are latency balanced quality lossless)");
    wrong("NAPARI_CUDA_DEBUG=camra",
          "NAPARI_CUDA_DEBUG: unknown flag \"camra\", did you mean camera?");
    wrong("NAPARI_CUDA_DEBUG={\"flags\": 3}", "NAPARI_CUDA_DEBUG: flags wants a list of names");
    wrong("NAPARI_CUDA_DEBUG={\"flags\": [3]}", "NAPARI_CUDA_DEBUG: flags wants a list of names");
    wrong("NAPARI_CUDA_DEBUG={", "NAPARI_CUDA_DEBUG: not valid JSON");
    wrong("NAPARI_CUDA_DEBUG={\"worker\": {\"lock_levl\": 1}}",
          "NAPARI_CUDA_DEBUG: unknown member worker.lock_levl, did you mean worker.lock_level?");
    wrong("NAPARI_CUDA_POLICY_CONFIG=[1]", "NAPARI_CUDA_POLICY_CONFIG: wants a JSON object");
    wrong("NAPARI_CUDA_POLICY_CONFIG={\"treshold_in\": 1}",
          "NAPARI_CUDA_POLICY_CONFIG: unknown member treshold_in, did you mean threshold_in?");
    wrong("NAPARI_CUDA_POLICY_CONFIG={\"threshold_in\": \"x\"}",
          "NAPARI_CUDA_POLICY_CONFIG: lod.threshold_in: wants a number, got \"x\"");
    wrong(
        "NAPARI_CUDA_ENCODER_CONFIG={\"runtime\": {\"rc_mod\": \"cbr\"}}",
        "NAPARI_CUDA_ENCODER_CONFIG: unknown member runtime.rc_mod, did you mean runtime.rc_mode?");
    wrong("NAPARI_CUDA_ENCODER_CONFIG=no", "NAPARI_CUDA_ENCODER_CONFIG: wants a JSON object");
    wrong("ORIEL_SERVER_PORT=x", "ORIEL_SERVER_PORT: server.port: wants an integer, got \"x\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_all_variables_are_here),
        cmocka_unit_test(test_winners),    cmocka_unit_test(test_own_names),
        cmocka_unit_test(test_bad_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
