/* SPDX-License-Identifier: BSD-3-Clause */
/* What each tool asks of the control room and makes of the answer; roles, limits, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "util/check.h"

#define DESCRIBED                                                                                  \
    "{\"view\":{\"ndisplay\":2,\"axes\":[{\"name\":\"z\",\"size\":9}],\"canvas\":{\"size\":[640,"  \
    "480]},\"step\":[4]},\"layers\":[{\"layer_id\":\"layer-1\",\"name\":\"mri\",\"dtype\":"        \
    "\"uint8\",\"shape\":[9,8,7],\"scale\":[1,1,1],\"translate\":[0,0,0],\"controls\":{"           \
    "\"opacity\":1},\"oriel\":{\"axes\":[\"z\",\"y\",\"x\"],\"unit\":\"mm\",\"source\":\"a\","     \
    "\"status\":\"ready\",\"error\":\"\",\"level\":0,\"level_count\":1,\"warnings\":[]}},{"        \
    "\"layer_id\":\"layer-2\",\"name\":\"layer-1\"}],\"status\":{\"renderer\":\"r\"},"             \
    "\"sessions\":[{\"id\":\"s\",\"view\":\"main\"}]}"

static void expect_result(const struct answer *answer, const char *json)
{
    const cJSON *result = answer_at(answer, "result/structuredContent");
    if (!result || !same_json(result, json))
        fail_msg("%s, not %s", answer->body, json);
    /* The same as text, for clients that know no structured content. */
    cJSON *text = cJSON_Parse(answer_text(answer, "result/content/0/text"));
    assert_true(cJSON_Compare(result, text, true));
    cJSON_Delete(text);
}

static void looking(void **state)
{
    struct fake *fake = *state;
    struct answer *answer = fake_call(fake, "init_viewer", "{}");
    assert_string_equal(fake_asked(fake)->actor, "mcp 127.0.0.1:4711");
    assert_int_equal(fake_asked(fake)->role, ROLE_EDITOR);
    assert_in_range(fake_asked(fake)->timeout_ms, 4000, 5000);
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    assert_true(
        same_json(answer_at(answer, "result/structuredContent/layers"), "[\"mri\",\"layer-1\"]"));
    assert_string_equal(answer_text(answer, "result/structuredContent/role"), "editor");
    assert_true(same_json(answer_at(answer, "result/structuredContent/canvas"), "[640,480]"));
    assert_true(cJSON_IsFalse(answer_at(answer, "result/structuredContent/idle")));

    answer = fake_call(fake, "detect_viewers", "{}");
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    fake_expect_command(fake, "oriel.streams", NULL, "{\"streams\":[{\"view\":\"main\"}]}");
    expect_result(answer, "{\"sessions\":[{\"id\":\"s\",\"view\":\"main\"}],"
                          "\"streams\":[{\"view\":\"main\"}]}");

    answer = fake_call(fake, "session_information", "{}");
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    assert_string_equal(answer_text(answer, "result/structuredContent/protocol"), "2025-11-25");
    assert_true(same_json(answer_at(answer, "result/structuredContent/limits"),
                          "{\"call_ms\":5000,\"slow_call_ms\":30000,\"calls_per_minute\":600,"
                          "\"calls_at_once\":32}"));
    assert_string_equal(answer_text(answer, "result/structuredContent/status/renderer"), "r");

    answer = fake_call(fake, "list_layers", "{}");
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    assert_true(same_json(
        answer_at(answer, "result/structuredContent/layers/0"),
        "{\"layer_id\":\"layer-1\",\"name\":\"mri\",\"dtype\":\"uint8\",\"shape\":[9,8,7],"
        "\"scale\":[1,1,1],\"translate\":[0,0,0],\"axes\":[\"z\",\"y\",\"x\"],\"unit\":\"mm\","
        "\"source\":\"a\",\"status\":\"ready\",\"error\":\"\",\"level\":0,\"level_count\":1,"
        "\"warnings\":[],\"controls\":{\"opacity\":1}}"));

    answer = fake_call(fake, "list_scenes", "{}");
    fake_expect_command(fake, "napari.scene.list", NULL, "{\"scenes\":[]}");
    expect_result(answer, "{\"scenes\":[]}");
    answer = fake_call(fake, "get_scene", "{}");
    fake_expect_command(fake, "napari.scene.get", NULL, "{\"oriel_scene\":1}");
    expect_result(answer, "{\"oriel_scene\":1}");
}

static void reading(void **state)
{
    struct fake *fake = *state;
    struct answer *answer = fake_call(fake, "probe", "{\"position\":[1,2.5]}");
    assert_in_range(fake_asked(fake)->timeout_ms, 29000, 30000);
    fake_expect_command(fake, "napari.probe", "{\"position\":[1,2.5]}", "{\"layers\":[]}");
    expect_result(answer, "{\"layers\":[]}");
    fake_call(fake, "probe", "{\"position\":[0,1,2,3],\"space\":\"world\"}");
    fake_expect_command(fake, "napari.probe", "{\"world\":[0,1,2,3]}", "{\"layers\":[]}");

    answer = fake_call(fake, "layer_range", "{\"layer\":\"mri\"}");
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    fake_expect_command(fake, "napari.layer.range", "{\"layer_id\":\"layer-1\"}",
                        "{\"min\":0,\"max\":1,\"low\":0,\"high\":1,\"bins\":[]}");
    expect_result(answer, "{\"min\":0,\"max\":1,\"low\":0,\"high\":1,\"bins\":[]}");

    answer = fake_call(fake, "list_directory", "{\"path\":\"/data\",\"limit\":5,\"cursor\":null}");
    fake_expect_command(fake, "fs.listdir", "{\"path\":\"/data\",\"limit\":5,\"cursor\":null}",
                        "{\"path\":\"/data\",\"entries\":[]}");
    expect_result(answer, "{\"path\":\"/data\",\"entries\":[]}");

    answer = fake_call(fake, "screenshot", "{\"size\":[64,32]}");
    fake_expect_command(fake, "napari.screenshot", "{\"size\":[64,32]}",
                        "{\"png\":\"aGk=\",\"width\":64,\"height\":32,\"revision\":7}");
    assert_true(same_json(answer_at(answer, "result/content/0"),
                          "{\"type\":\"image\",\"data\":\"aGk=\",\"mimeType\":\"image/png\"}"));
    assert_true(same_json(answer_at(answer, "result/structuredContent"),
                          "{\"width\":64,\"height\":32,\"revision\":7}"));
    answer = fake_call(fake, "screenshot", "{}");
    fake_expect_command(fake, "napari.screenshot", "{}", "{}");
    assert_string_equal(answer_failure(answer), "mcp.no_picture: there is no picture");
}

static void moving(void **state)
{
    struct fake *fake = *state;
    struct answer *answer = fake_call(fake, "set_ndisplay", "{\"ndisplay\":3}");
    fake_expect_update(fake, "view", "main", "ndisplay", "3", "3");
    expect_result(answer, "{\"ndisplay\":3}");
    answer = fake_call(fake, "set_dims_current_step", "{\"axis\":\"z\",\"value\":99}");
    fake_expect_update(fake, "dims", "z", "index", "99", "8");
    expect_result(answer, "{\"axis\":\"z\",\"value\":8}");
    fake_call(fake, "set_dims_current_step", "{\"axis\":1,\"value\":-3}");
    fake_expect_update(fake, "dims", "1", "index", "-3", "0");
    answer = fake_call(fake, "reset_view", "{}");
    fake_expect_update(fake, "view", "main", "reset", "{}", "{}");
    expect_result(answer, "{}");

    answer = fake_call(fake, "set_camera", "{\"center\":[1,2],\"zoom\":3}");
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    fake_expect_update(fake, "camera", "main", "set", "{\"center\":[1,2],\"zoom\":3}",
                       "{\"center\":[1,2],\"zoom\":3}");
    expect_result(answer, "{\"center\":[1,2],\"zoom\":3}");
    answer = fake_call(fake, "set_camera", "{\"angles\":[1,2]}");
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    assert_non_null(strstr(answer_failure(answer), "angles: the view is 2-D"));
    answer = fake_call(fake, "set_camera", "{\"center\":[1,2,3]}");
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    assert_non_null(strstr(answer_failure(answer), "center must be [x, y]: the view is 2-D"));
    fake_call(fake, "set_camera", "{\"center\":[1,2,3],\"angles\":[30,40]}");
    fake_expect_command(fake, "oriel.describe", NULL, "{\"view\":{\"ndisplay\":3}}");
    fake_expect_update(fake, "camera", "main", "set", "{\"center\":[1,2,3],\"angles\":[30,40]}",
                       "{\"center\":[1,2,3],\"angles\":[30,40,0]}");
    answer = fake_call(fake, "set_camera", "{}");
    assert_string_equal(answer_failure(answer),
                        "mcp.invalid_arguments: at least 1 arguments are needed");
}

static void layers(void **state)
{
    struct fake *fake = *state;
    /* In the order of the table, whatever that of the arguments is. */
    struct answer *answer = fake_call(fake, "set_layer_properties",
                                      "{\"contrast_limits\":[1,2],\"layer\":\"mri\",\"name\":\"x\","
                                      "\"contrast_limits_range\":[0,9],\"colormap\":\"#ff0000\"}");
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    fake_expect_update(fake, "layer", "layer-1", "name", "\"x\"", "\"x [1]\"");
    fake_expect_update(fake, "layer", "layer-1", "colormap", "\"#ff0000\"", "\"#ff0000\"");
    fake_expect_update(fake, "layer", "layer-1", "contrast_limits_range", "[0,9]", "[0,9]");
    fake_expect_update(fake, "layer", "layer-1", "contrast_limits", "[1,2]", "[1,2]");
    expect_result(answer,
                  "{\"layer_id\":\"layer-1\",\"applied\":{\"name\":\"x [1]\",\"colormap\":"
                  "\"#ff0000\",\"contrast_limits_range\":[0,9],\"contrast_limits\":[1,2]}}");

    /* The first that is refused ends it, and what was done is said. */
    answer = fake_call(fake, "set_layer_properties",
                       "{\"layer\":\"layer-1\",\"opacity\":0.5,\"visible\":true,\"gamma\":2,"
                       "\"interpolation\":\"cubix\"}");
    fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
    fake_expect_update(fake, "layer", "layer-1", "visible", "true", "true");
    fake_expect_update(fake, "layer", "layer-1", "opacity", "0.5", "0.5");
    fake_refuse(fake, "state.error", "no such filter", NULL);
    assert_string_equal(answer_failure(answer),
                        "state.error: no such filter (changed before: visible, opacity)");
    assert_true(fake_idle(fake));

    static const struct {
        const char *tool, *args, *command, *kwargs;
    } rows[] = {
        {"remove_layer", "{\"layer\":\"mri\"}", "napari.layer.remove",
         "{\"layer_id\":\"layer-1\"}"},
        {"reorder_layer", "{\"layer\":\"mri\",\"index\":2}", "napari.layer.move",
         "{\"layer_id\":\"layer-1\",\"index\":2}"},
        {"auto_contrast", "{\"layer\":\"mri\"}", "napari.layer.auto_contrast",
         "{\"layer_id\":\"layer-1\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answer = fake_call(fake, rows[i].tool, rows[i].args);
        fake_expect_command(fake, "oriel.describe", NULL, DESCRIBED);
        fake_expect_command(fake, rows[i].command, rows[i].kwargs, "{\"contrast_limits\":[0,1]}");
        assert_null(answer_at(answer, "result/isError"));
    }
    answer = fake_call(fake, "restore_layer", "{\"layer_id\":\"layer-1\"}");
    fake_expect_command(fake, "napari.layer.restore", "{\"layer_id\":\"layer-1\"}", "{}");
    expect_result(answer, "{\"layer_id\":\"layer-1\"}");

    answer = fake_call(fake, "add_image",
                       "{\"path\":\"/a\",\"name\":\"n\",\"opacity\":0.5,\"level\":1,"
                       "\"index\":[0,null,[1,2]],\"blending\":\"additive\"}");
    fake_expect_command(fake, "napari.layer.add",
                        "{\"path\":\"/a\",\"name\":\"n\",\"level\":1,\"index\":[0,null,[1,2]],"
                        "\"controls\":{\"opacity\":0.5,\"blending\":\"additive\"}}",
                        "{\"layer_ids\":[\"layer-3\"]}");
    expect_result(answer, "{\"layer_ids\":[\"layer-3\"]}");
    fake_call(fake, "add_image", "{\"path\":\"/a\"}");
    fake_expect_command(fake, "napari.layer.add", "{\"path\":\"/a\"}", "{\"layer_ids\":[]}");
}

/* An id goes before a name, and what is not there is told with what is. */
static void layers_are_found_by_id_or_name(void **state)
{
    struct fake *fake = *state;
    fake_call(fake, "remove_layer", "{\"layer\":\"layer-1\"}");
    fake_reply(fake, DESCRIBED);
    assert_true(same_json(fake_asked(fake)->value, "{\"layer_id\":\"layer-1\"}"));
    fake_reply(fake, "{}");
    struct answer *answer = fake_call(fake, "remove_layer", "{\"layer\":\"mrt\"}");
    fake_reply(fake, DESCRIBED);
    assert_string_equal(answer_failure(answer),
                        "mcp.no_layer: layer: there is no layer \"mrt\"; there are: mri, layer-1");
    /* Cut in the middle of a character, it is still UTF-8. */
    char *args = xasprintf("{\"layer\":\"x%0*d\"}", 100, 0), *e = strstr(args, "00\"}");
    memcpy(e, "\xc3\xa9", 2);
    answer = fake_call(fake, "remove_layer", args);
    free(args);
    fake_reply(fake, "{\"layers\":[]}");
    assert_non_null(strstr(answer_failure(answer), "000?\"; nothing is open"));
    answer = fake_call(fake, "remove_layer", "{\"layer\":\"mri\"}");
    fake_reply(fake, "{\"layers\":[]}");
    assert_string_equal(answer_failure(answer),
                        "mcp.no_layer: layer: there is no layer \"mri\"; nothing is open");
}

static void data(void **state)
{
    struct fake *fake = *state;
    static const struct {
        const char *tool, *args, *command, *kwargs;
    } rows[] = {
        {"open_dataset", "{\"path\":\"/a\"}", "napari.load_zarr", "{\"path\":\"/a\"}"},
        {"close", "{}", "napari.close", NULL},
        {"save_scene", "{\"name\":\"a b\"}", "napari.scene.save", "{\"name\":\"a b\"}"},
        {"load_scene", "{\"scene\":\"s\"}", "napari.scene.load", "{\"name\":\"s\"}"},
        {"load_scene", "{\"scene\":\"/s.json\",\"kind\":\"path\"}", "napari.scene.load",
         "{\"path\":\"/s.json\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer *answer = fake_call(fake, rows[i].tool, rows[i].args);
        fake_expect_command(fake, rows[i].command, rows[i].kwargs, "{\"ok\":true}");
        expect_result(answer, "{\"ok\":true}");
    }
    struct answer *answer = fake_call(fake, "open_dataset", "{\"path\":\"/folder\"}");
    fake_refuse(fake, "zarr.disambiguate", "there are several images in this folder",
                "{\"options\":[\"a\",\"b\"]}");
    assert_string_equal(answer_failure(answer),
                        "zarr.disambiguate: there are several images in this folder");
    assert_string_equal(answer_text(answer, "result/content/1/text"),
                        "{\"options\":[\"a\",\"b\"]}");
}

/* Every tool: a schema that says what it checks, hints, and an answer to what is wrong. */
static void every_tool_is_described(void **state)
{
    struct fake *fake = *state;
    struct answer *list =
        fake_post(fake, "{\"jsonrpc\":\"2.0\",\"id\":\"list\",\"method\":\"tools/list\"}");
    const cJSON *tools = answer_at(list, "result/tools"), *tool;
    assert_int_equal(cJSON_GetArraySize(tools), 24);
    cJSON_ArrayForEach(tool, tools)
    {
        const char *name = cJSON_GetObjectItem(tool, "name")->valuestring;
        assert_true(cJSON_IsString(cJSON_GetObjectItem(tool, "title")));
        assert_true(cJSON_IsString(cJSON_GetObjectItem(tool, "description")));
        const cJSON *schema = cJSON_GetObjectItem(tool, "inputSchema");
        assert_true(cJSON_IsFalse(cJSON_GetObjectItem(schema, "additionalProperties")));
        struct answer *answer = fake_call(fake, name, "{\"nonsense\":1}");
        assert_non_null(strstr(answer_failure(answer),
                               "mcp.invalid_arguments: there is no argument \"nonsense\""));
        const cJSON *required;
        cJSON_ArrayForEach(required, cJSON_GetObjectItem(schema, "required"))
        {
            char *args = xasprintf("{\"%s\":{}}", required->valuestring);
            answer = fake_call(fake, name, args);
            assert_non_null(strstr(answer_failure(answer), required->valuestring));
            free(args);
        }
    }
    assert_true(fake_idle(fake));
}

static void viewers_only_look(void **state)
{
    (void)state;
    struct fake *fake = fake_create(NULL);
    fake_initialize(fake, VIEWER, "2025-11-25");
    struct answer *list =
        fake_post(fake, "{\"jsonrpc\":\"2.0\",\"id\":\"list\",\"method\":\"tools/list\"}");
    const cJSON *tools = answer_at(list, "result/tools"), *tool;
    assert_int_equal(cJSON_GetArraySize(tools), 10);
    cJSON_ArrayForEach(tool, tools)
    {
        const cJSON *hints = cJSON_GetObjectItem(tool, "annotations");
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(hints, "readOnlyHint")));
        assert_true(cJSON_IsFalse(cJSON_GetObjectItem(hints, "destructiveHint")));
    }
    struct answer *answer = fake_call(fake, "close", "{}");
    assert_string_equal(answer_failure(answer),
                        "command.forbidden: close is for editors; this token may only look");
    assert_true(fake_idle(fake));
    fake_call(fake, "list_scenes", "{}");
    assert_int_equal(fake_asked(fake)->role, ROLE_VIEWER);
    fake_destroy(fake);
}

static void calls_that_are_none(void **state)
{
    struct fake *fake = *state;
    static const char *const params[] = {"{}", "{\"name\":7}", "{\"name\":\"execute_code\"}",
                                         "{\"name\":\"close\",\"arguments\":[]}"};
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        char *body = xasprintf(
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":%s}", params[i]);
        assert_int_equal(answer_error(fake_post(fake, body)), -32602);
        free(body);
    }
    assert_true(fake_idle(fake));
}

static void limits(void **state)
{
    (void)state;
    static const char *const sets[] = {"mcp.calls_per_minute=40", NULL};
    struct fake *fake = fake_create(sets);
    fake_initialize(fake, EDITOR, "2025-11-25");
    struct answer *first = NULL, *answer = NULL;
    for (int i = 0; i < 32; i++) {
        answer = fake_call(fake, "list_scenes", "{}");
        first = first ? first : answer;
        assert_false(answer->given);
    }
    answer = fake_call(fake, "list_scenes", "{}");
    assert_non_null(strstr(answer_failure(answer), "mcp.busy: 32 calls are at work"));
    while (!fake_idle(fake))
        fake_reply(fake, "{\"scenes\":[]}");
    assert_true(first->given);
    for (int i = 0; i < 8; i++) {
        fake_call(fake, "list_scenes", "{}");
        fake_reply(fake, "{\"scenes\":[]}");
    }
    answer = fake_call(fake, "list_scenes", "{}");
    assert_non_null(strstr(answer_failure(answer), "mcp.rate_limited: more than 40 calls"));
    assert_true(fake_idle(fake));
    char *text = metrics_prometheus(fake_metrics(fake));
    assert_non_null(strstr(text, "oriel_mcp_calls_total{tool=\"list_scenes\"} 42\n"));
    assert_non_null(strstr(text, "oriel_mcp_failures_total{tool=\"list_scenes\"} 2\n"));
    free(text);
    text = metrics_json(fake_metrics(fake));
    assert_non_null(strstr(text, "\"mcp.calls_total\":42"));
    free(text);
    fake_destroy(fake);
}

static void failures_are_told(void **state)
{
    struct fake *fake = *state;
    struct answer *answer = fake_call(fake, "get_scene", "{}");
    fake_refuse(fake, "command.timeout", "it took longer than the caller waits", NULL);
    assert_string_equal(answer_failure(answer),
                        "command.timeout: it took longer than the caller waits");
    assert_null(answer_at(answer, "result/structuredContent"));
    fake_call(fake, "get_scene", "{}"); /* left for fake_destroy */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SESSION(looking),
        IN_SESSION(reading),
        IN_SESSION(moving),
        IN_SESSION(layers),
        IN_SESSION(layers_are_found_by_id_or_name),
        IN_SESSION(data),
        IN_SESSION(every_tool_is_described),
        cmocka_unit_test(viewers_only_look),
        IN_SESSION(calls_that_are_none),
        cmocka_unit_test(limits),
        IN_SESSION(failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
