/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that change what is shown as a whole, and how calls end. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/surface.h"
#include "fake_dataset.h"
#include "rig.h"
#include "root.h"
#include "util/check.h"

static void test_add(void **state)
{
    (void)state;
    struct root folder;
    root_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    cJSON *reply = rig_ask(rig, o, "napari.layer.add", "{\"path\":\"a.mem\",\"name\":\"first\"}");
    assert_string_equal(rig_at(reply, "result/layer_ids/0")->valuestring, "layer-0");
    cJSON_Delete(reply);
    reply =
        rig_ask(rig, o, "napari.layer.add",
                "{\"path\":\"b.mem\",\"index\":[[2,5],null,null],\"controls\":{\"opacity\":0.25}}");
    cJSON_Delete(reply);
    cJSON *scene;
    do {
        scene = rig_expect(rig, o, "notify.scene");
    } while (cJSON_GetArraySize(rig_at(scene, "layers")) < 2 && (cJSON_Delete(scene), true));
    assert_string_equal(rig_at(scene, "layers/0/name")->valuestring, "first");
    assert_int_equal(rig_at(scene, "layers/1/shape/0")->valueint, 3);
    assert_true(rig_at(scene, "layers/1/controls/opacity")->valuedouble == 0.25);
    cJSON_Delete(scene);
    reply = rig_ask(rig, o, "napari.layer.add", "{\"path\":\"many.mem\"}");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/layer_ids")), 3);
    cJSON_Delete(reply);
    reply = rig_ask(rig, o, "napari.layer.rename", "{\"layer_id\":\"layer-1\",\"name\":\"first\"}");
    assert_string_equal(rig_at(reply, "result/name")->valuestring, "first [1]");
    cJSON_Delete(reply);
    rig_refuse(rig, o, "napari.layer.rename", "{\"layer_id\":\"layer-1\"}", "command.invalid");
    rig_refuse(rig, o, "napari.layer.add", "{}", "command.invalid");
    rig_refuse(rig, o, "napari.layer.add", "{\"path\":\"none.mem\"}", "fs.not_found");
    rig_refuse(rig, o, "napari.layer.add", "{\"path\":\"/etc/passwd\"}", "fs.forbidden");
    rig_refuse(rig, o, "napari.layer.add", "{\"path\":\"a.mem\",\"controls\":{\"gamma\":-1}}",
               "command.invalid");
    cJSON_Delete(rig_ask(rig, o, "napari.close", "{}"));
    reply = rig_ask(rig, o, "oriel.describe", "{}");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/layers")), 0);
    assert_string_equal(rig_at(reply, "result/view/view")->valuestring, "main");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/sessions")), 1);
    cJSON_Delete(reply);
    rig_destroy(rig);
    assert_int_equal(fake_dataset_alive(), 0);
    root_remove(&folder);
}

static void test_scenes(void **state)
{
    (void)state;
    struct root folder;
    root_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    cJSON *reply = rig_ask(rig, o, "napari.scene.list", "{}");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/scenes")), 0);
    cJSON_Delete(reply);
    cJSON_Delete(rig_ask(rig, o, "napari.load_zarr", "{\"path\":\"a.mem\"}"));
    cJSON_Delete(rig_ask(rig, o, "napari.layer.add", "{\"path\":\"b.mem\"}"));
    rig_update(rig, o, "layer", "layer-1", "gamma", "0.5");
    rig_update(rig, o, "dims", "z", "index", "6");
    cJSON *before = rig_ask(rig, o, "napari.scene.get", "{}");
    reply = rig_ask(rig, o, "napari.scene.save", "{\"name\":\"two layers\"}");
    assert_non_null(strstr(rig_at(reply, "result/path")->valuestring, "scenes/two layers.json"));
    cJSON_Delete(reply);
    reply = rig_ask(rig, o, "napari.scene.list", "{}");
    assert_string_equal(rig_at(reply, "result/scenes/0/name")->valuestring, "two layers");
    cJSON_Delete(reply);

    cJSON_Delete(rig_ask(rig, o, "napari.close", "{}"));
    cJSON_Delete(rig_ask(rig, o, "napari.scene.load", "{\"name\":\"two layers\"}"));
    cJSON *after = rig_ask(rig, o, "napari.scene.get", "{}");
    assert_true(cJSON_Compare(rig_at(before, "result"), rig_at(after, "result"), true));
    cJSON_Delete(after);

    /* As text in the call, and from a path in the root. */
    char *text = cJSON_PrintUnformatted(rig_at(before, "result"));
    root_put(&folder, "own.json", text);
    char *kwargs = xasprintf("{\"scene\":%s}", text);
    cJSON_Delete(rig_ask(rig, o, "napari.close", "{}"));
    cJSON_Delete(rig_ask(rig, o, "napari.scene.load", kwargs));
    cJSON_Delete(rig_ask(rig, o, "napari.scene.load", "{\"path\":\"own.json\"}"));
    after = rig_ask(rig, o, "napari.scene.get", "{}");
    assert_true(cJSON_Compare(rig_at(before, "result"), rig_at(after, "result"), true));
    cJSON_Delete(after);
    free(kwargs);
    free(text);

    /* What cannot be shown changes nothing. */
    static const struct {
        const char *kwargs, *code;
    } wrong[] = {
        {"{}", "command.invalid"},
        {"{\"name\":\"../x\"}", "command.invalid"},
        {"{\"name\":\".hidden\"}", "command.invalid"},
        {"{\"name\":\"none\"}", "scene.not_found"},
        {"{\"path\":\"/etc/passwd\"}", "fs.forbidden"},
        {"{\"path\":\"a.mem\"}", "scene.invalid"},
        {"{\"scene\":{}}", "scene.invalid"},
        {"{\"scene\":{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"/etc/passwd\"}}]}}",
         "fs.forbidden"},
        {"{\"scene\":{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"gone.mem\"}}]}}",
         "fs.not_found"},
        {"{\"scene\":{\"oriel_scene\":1,\"dims\":{\"order\":[7,8,9]},"
         "\"layers\":[{\"source\":{\"uri\":\"a.mem\"}}]}}",
         "scene.invalid"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        rig_refuse(rig, o, "napari.scene.load", wrong[i].kwargs, wrong[i].code);
    rig_refuse(rig, o, "napari.scene.save", "{\"name\":\"a/b\"}", "command.invalid");
    after = rig_ask(rig, o, "napari.scene.get", "{}");
    assert_true(cJSON_Compare(rig_at(before, "result"), rig_at(after, "result"), true));
    cJSON_Delete(after);
    cJSON_Delete(before);
    rig_destroy(rig);
    assert_int_equal(fake_dataset_alive(), 0);

    rig = rig_create((const char *const[]){folder.sets[0], NULL}, NULL);
    rig_refuse(rig, rig_hello(rig, true), "napari.scene.save", "{\"name\":\"x\"}", "scene.nowhere");
    rig_destroy(rig);
    root_remove(&folder);
}

static void expect_canvas(struct rig *rig, uint64_t conn, int width, int height)
{
    cJSON *scene = rig_ask(rig, conn, "napari.scene.get", "{}");
    assert_int_equal(rig_at(scene, "result/canvas/size/0")->valueint, width);
    assert_int_equal(rig_at(scene, "result/canvas/size/1")->valueint, height);
    cJSON_Delete(scene);
}

/* A scene is as large as those who look ask for; with nobody, no larger than it may be. */
static void test_canvas(void **state)
{
    (void)state;
    static const char large[] =
        "{\"oriel_scene\":1,\"canvas\":{\"size\":[16384,300]},\"layers\":[{\"source\":"
        "{\"uri\":\"a.mem\"}}]}";
    struct root folder;
    root_make(&folder);
    folder.sets[2] = xstrdup("canvas.max=1000");
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    char *kwargs = xasprintf("{\"scene\":%s}", large);
    cJSON_Delete(rig_ask(rig, o, "napari.scene.load", kwargs));
    expect_canvas(rig, o, 1000, 300);
    rig_update(rig, o, "view", "main", "canvas", "{\"size\":[640,480]}");
    cJSON_Delete(rig_expect(rig, o, "ack.state"));
    expect_canvas(rig, o, 640, 480);
    cJSON_Delete(rig_ask(rig, o, "napari.scene.load", kwargs));
    expect_canvas(rig, o, 640, 480);
    free(kwargs);
    rig_destroy(rig);

    root_put(&folder, "large.json", large);
    char *path = xasprintf("%s/large.json", folder.top);
    rig = rig_create((const char *const *)folder.sets, path);
    o = rig_hello(rig, true);
    expect_canvas(rig, o, 1000, 300);
    rig_destroy(rig);
    free(path);
    root_remove(&folder);
}

/* Saving writes through no link, and says what went wrong. */
static void test_save(void **state)
{
    (void)state;
    struct root folder;
    root_make(&folder);
    root_put(&folder, "other", "theirs");
    char *scenes = xasprintf("%s/scenes", folder.top);
    assert_int_equal(mkdir(scenes, 0700), 0);
    static const char *const links[] = {"x.json", "x.json.new", "x.json.tmp"};
    for (size_t i = 0; i < 3; i++) {
        char *link = xasprintf("%s/%s", scenes, links[i]);
        assert_int_equal(symlink("../other", link), 0);
        free(link);
    }
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    cJSON_Delete(rig_ask(rig, o, "napari.scene.save", "{\"name\":\"x\"}"));
    char *other = xasprintf("%s/other", folder.top);
    struct stat st;
    assert_int_equal(stat(other, &st), 0);
    assert_int_equal(st.st_size, strlen("theirs"));

    char *taken = xasprintf("%s/y.json", scenes);
    assert_int_equal(mkdir(taken, 0700), 0);
    rig_call(rig, o, "napari.scene.save", "{\"name\":\"y\"}");
    cJSON *error = rig_expect(rig, o, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, "scene.failed");
    assert_non_null(strstr(rig_at(error, "message")->valuestring, strerror(EISDIR)));
    cJSON_Delete(error);
    free(taken);
    cJSON *reply = rig_ask(rig, o, "napari.scene.list", "{}");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/scenes")), 1);
    cJSON_Delete(reply);
    rig_destroy(rig);
    free(other);
    free(scenes);
    root_remove(&folder);
}

/* The lock of a view comes back as one that can be changed; a layer's only level stays one. */
static void test_levels(void **state)
{
    (void)state;
    struct root folder;
    root_make(&folder);
    root_put(&folder, "deep.mem", "mem:zyx:8,32,32:u16:levels=3");
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    cJSON_Delete(rig_ask(rig, o, "napari.load_zarr", "{\"path\":\"deep.mem\"}"));
    rig_update(rig, o, "multiscale", "main", "level", "1");
    cJSON *saved = rig_ask(rig, o, "napari.scene.get", "{}");
    assert_int_equal(rig_at(saved, "result/dims/level")->valueint, 1);
    assert_true(cJSON_IsNull(rig_at(saved, "result/layers/0/source/level")));
    char *text = cJSON_PrintUnformatted(rig_at(saved, "result"));
    char *kwargs = xasprintf("{\"scene\":%s}", text);
    cJSON_Delete(saved);
    cJSON_Delete(rig_ask(rig, o, "napari.close", "{}"));
    cJSON_Delete(rig_ask(rig, o, "napari.scene.load", kwargs));
    free(kwargs);
    free(text);
    rig_drain(rig, o); /* what was posted is what was told */
    struct scene_snapshot *snapshot = control_snapshot(rig_control(rig));
    assert_int_equal(snapshot->scene.layer_count, 1);
    assert_int_equal(snapshot->bindings[0].level, -1);
    assert_int_equal(snapshot->level, 1);
    scene_snapshot_unref(snapshot);
    rig_update(rig, o, "multiscale", "main", "level", "2");
    cJSON *ack = rig_expect(rig, o, "ack.state");
    assert_string_equal(rig_at(ack, "status")->valuestring, "accepted");
    cJSON_Delete(ack);

    cJSON_Delete(rig_ask(rig, o, "napari.close", "{}"));
    cJSON_Delete(rig_ask(rig, o, "napari.layer.add", "{\"path\":\"deep.mem\",\"level\":1}"));
    rig_drain(rig, o);
    rig_update(rig, o, "multiscale", "main", "level", "2");
    ack = rig_expect(rig, o, "ack.state");
    assert_string_equal(rig_at(ack, "error/code")->valuestring, "state.error");
    assert_non_null(strstr(rig_at(ack, "error/message")->valuestring, "level 1 alone"));
    cJSON_Delete(ack);

    /* A pipe is no scene, and holds nobody up. */
    char *pipe_path = xasprintf("%s/pipe.json", folder.top);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    rig_refuse(rig, o, "napari.scene.load", "{\"path\":\"pipe.json\"}", "scene.invalid");
    free(pipe_path);
    rig_destroy(rig);
    root_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),  cmocka_unit_test(test_scenes), cmocka_unit_test(test_canvas),
        cmocka_unit_test(test_save), cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
