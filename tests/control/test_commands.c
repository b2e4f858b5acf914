/* SPDX-License-Identifier: BSD-3-Clause */
/* call.command: every command, what it answers, and what stays closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_dataset.h"
#include "rig.h"
#include "util/check.h"

#define DATA "mem:zyx:8,32,32:u16"

static void expect_error(struct rig *rig, uint64_t conn, const char *command, const char *kwargs,
                         const char *code)
{
    rig_call(rig, conn, command, kwargs);
    cJSON *error = rig_expect(rig, conn, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, code);
    assert_string_equal(rig_at(error, "in_reply_to")->valuestring, "cmd-1");
    assert_string_equal(rig_at(error, "status")->valuestring, "error");
    cJSON_Delete(error);
}

static cJSON *expect_reply(struct rig *rig, uint64_t conn, const char *command, const char *kwargs)
{
    rig_call(rig, conn, command, kwargs);
    cJSON *reply = rig_expect(rig, conn, "reply.command");
    assert_string_equal(rig_at(reply, "status")->valuestring, "ok");
    return reply;
}

static void test_dispatch(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t c = rig_hello(rig, false);
    cJSON *reply = expect_reply(rig, c, "napari.pixel.request_keyframe", "{}");
    assert_null(rig_at(reply, "result"));
    cJSON_Delete(reply);
    assert_int_equal(rig_key_requests(), 1);
    expect_error(rig, c, "napari.fly", "{}", "command.not_found");
    expect_error(rig, c, "napari.probe", "[]", "command.forbidden");
    rig_destroy(rig);
}

static void test_layers(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, "mem:cyx:2,16,16:u16");
    uint64_t o = rig_hello(rig, true), c = rig_hello(rig, false);
    rig_drain(rig, o);
    rig_drain(rig, c);
    cJSON_Delete(
        expect_reply(rig, o, "napari.layer.move", "{\"layer_id\":\"layer-0\",\"index\":1}"));
    cJSON *scene = rig_expect(rig, c, "notify.scene");
    assert_string_equal(rig_at(scene, "layers/0/layer_id")->valuestring, "layer-1");
    assert_int_equal(cJSON_GetObjectItem(scene, "seq")->valueint, 0);
    cJSON_Delete(scene);
    rig_update(rig, o, "layer", "layer-0", "gamma", "0.3");
    cJSON_Delete(rig_expect(rig, c, "notify.layers"));
    cJSON_Delete(expect_reply(rig, o, "napari.layer.remove", "{\"layer_id\":\"layer-0\"}"));
    scene = rig_expect(rig, c, "notify.scene");
    assert_int_equal(cJSON_GetArraySize(rig_at(scene, "layers")), 1);
    cJSON_Delete(scene);
    expect_error(rig, o, "napari.layer.remove", "{\"layer_id\":\"layer-0\"}", "command.invalid");
    cJSON_Delete(expect_reply(rig, o, "napari.layer.restore", "{\"layer_id\":\"layer-0\"}"));
    scene = rig_expect(rig, c, "notify.scene");
    assert_string_equal(rig_at(scene, "layers/1/layer_id")->valuestring, "layer-0");
    assert_true(rig_at(scene, "layers/1/controls/gamma")->valuedouble == 0.3);
    cJSON_Delete(scene);
    cJSON *saved = expect_reply(rig, o, "napari.scene.get", "{}");
    assert_int_equal(rig_at(saved, "result/oriel_scene")->valueint, 1);
    assert_int_equal(rig_at(saved, "result/layers/0/source/index/0")->valueint, 1);
    cJSON_Delete(saved);
    rig_destroy(rig);
    assert_int_equal(fake_dataset_alive(), 0);
}

static void test_values(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t o = rig_hello(rig, true);
    rig_drain(rig, o);
    cJSON *range = expect_reply(rig, o, "napari.layer.range", "{\"layer_id\":\"layer-0\"}");
    assert_int_equal(rig_at(range, "result/max")->valueint, 69);
    assert_int_equal(cJSON_GetArraySize(rig_at(range, "result/bins")), 256);
    cJSON_Delete(range);
    cJSON *limits =
        expect_reply(rig, o, "napari.layer.auto_contrast", "{\"layer_id\":\"layer-0\"}");
    double low = rig_at(limits, "result/contrast_limits/0")->valuedouble;
    assert_true(low > 0);
    cJSON_Delete(limits);
    cJSON *layers = rig_expect(rig, o, "notify.layers");
    assert_true(rig_at(layers, "controls/contrast_limits/0")->valuedouble == low);
    cJSON_Delete(layers);
    cJSON *probe = expect_reply(rig, o, "napari.probe", "{\"position\":[5,7],\"dims\":3}");
    assert_int_equal(rig_at(probe, "result/layers/0/value")->valueint, 3 + 7 + 5);
    assert_int_equal(rig_at(probe, "result/dims")->valueint, 3);
    assert_int_equal(rig_at(probe, "result/layers/0/index/1")->valueint, 7);
    assert_string_equal(rig_at(probe, "result/layers/0/dtype")->valuestring, "uint16");
    cJSON_Delete(probe);
    probe = expect_reply(rig, o, "napari.probe", "{\"world\":[1,7,5]}");
    assert_int_equal(rig_at(probe, "result/layers/0/value")->valueint, 1 + 7 + 5);
    cJSON_Delete(probe);
    expect_error(rig, o, "napari.probe", "{\"world\":[1,7]}", "command.invalid");
    cJSON *shot = expect_reply(rig, o, "napari.screenshot", "{\"size\":[40,30]}");
    assert_int_equal(rig_at(shot, "result/width")->valueint, 40);
    assert_memory_equal(rig_at(shot, "result/png")->valuestring, "iVBORw0KGgo", 11); /* of PNG */
    cJSON_Delete(shot);
    expect_error(rig, o, "napari.screenshot", "{\"size\":[0,30]}", "command.invalid");
    expect_error(rig, o, "napari.screenshot", "{\"size\":[99999,30]}", "command.invalid");
    expect_error(rig, o, "napari.screenshot", "{\"size\":[1.5,2]}", "command.invalid");
    probe = expect_reply(rig, o, "napari.probe", "{\"position\":[-5,7]}");
    assert_true(cJSON_IsNull(rig_at(probe, "result/layers/0/value")));
    cJSON_Delete(probe);
    expect_error(rig, o, "napari.probe", "{\"position\":\"x\"}", "command.invalid");
    expect_error(rig, o, "napari.layer.range", "{}", "command.invalid");
    rig_destroy(rig);
}

static void test_switch(void **state)
{
    (void)state;
    /* Without a root only what was named when it started may be opened. */
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t a = rig_hello(rig, false), b = rig_hello(rig, true);
    rig_drain(rig, a);
    rig_drain(rig, b);
    expect_error(rig, a, "napari.load_zarr", "{\"path\":\"/etc\"}", "fs.forbidden");
    expect_error(rig, a, "napari.load_zarr", "{\"path\":\"mem:yx:4,4:u8\"}", "fs.forbidden");
    expect_error(rig, a, "napari.load_zarr", "{\"path\":7}", "command.invalid");
    expect_error(rig, a, "fs.listdir", "{\"path\":\"/\"}", "fs.forbidden");
    expect_error(rig, a, "fs.listdir", "{\"only\":\"x\"}", "command.invalid");
    rig_destroy(rig);
}

static void make(const char *folder, const char *name, const char *content)
{
    char *path = xasprintf("%s/%s", folder, name);
    if (!content) {
        assert_int_equal(mkdir(path, 0700), 0);
    } else {
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fputs(content, out);
        fclose(out);
    }
    free(path);
}

static void test_files(void **state)
{
    (void)state;
    char top[] = "/tmp/oriel-files-XXXXXX";
    assert_non_null(mkdtemp(top));
    make(top, "outside.zarr", "x");
    make(top, "root", NULL);
    make(top, "root/b.ome.zarr", NULL);
    make(top, "root/b.ome.zarr/.zattrs", "{\"multiscales\":[{}]}");
    make(top, "root/A", NULL);
    make(top, "root/A/in.zarr", NULL);
    make(top, "root/A/in.zarr/zarr.json", "{\"node_type\":\"array\"}");
    make(top, "root/.hidden", NULL);
    make(top, "root/notes.txt", "x");
    make(top, "root/new.mem", "mem:tzyx:6,5,20,20:u8:levels=2");
    char *escape = xasprintf("%s/root/escape", top), *dangling = xasprintf("%s/root/gone", top);
    assert_int_equal(symlink("../outside.zarr", escape), 0);
    assert_int_equal(symlink("nothing", dangling), 0);

    char *set = xasprintf("data.root=%s/root", top);
    const char *const sets[] = {set, NULL};
    struct rig *rig = rig_create(sets, NULL);
    uint64_t c = rig_hello(rig, false);
    cJSON *list = expect_reply(rig, c, "fs.listdir", "{\"path\":null}");
    assert_int_equal(cJSON_GetArraySize(rig_at(list, "result/entries")), 2);
    assert_string_equal(rig_at(list, "result/entries/0/name")->valuestring, "A");
    assert_string_equal(
        rig_at(list, "result/entries/0/zarr_metadata/dataset_children/0")->valuestring, "in.zarr");
    assert_true(cJSON_IsTrue(rig_at(list, "result/entries/1/zarr_metadata/has_multiscales")));
    assert_true(cJSON_IsFalse(rig_at(list, "result/has_more")));
    cJSON_Delete(list);
    list = expect_reply(rig, c, "fs.listdir", "{\"path\":\"\",\"only\":[],\"show_hidden\":true}");
    /* .hidden, A, b.ome.zarr, new.mem, notes.txt; no link that dangles or leads outside */
    assert_int_equal(cJSON_GetArraySize(rig_at(list, "result/entries")), 5);
    assert_null(rig_at(list, "result/cursor"));
    cJSON_Delete(list);
    list = expect_reply(rig, c, "fs.listdir", "{\"path\":\"A\"}");
    assert_int_equal(cJSON_GetArraySize(rig_at(list, "result/entries")), 1);
    cJSON_Delete(list);
    expect_error(rig, c, "fs.listdir", "{\"path\":\"none\"}", "fs.not_found");
    expect_error(rig, c, "fs.listdir", "{\"path\":\"notes.txt\"}", "fs.not_found");
    expect_error(rig, c, "fs.listdir", "{\"path\":\"..\"}", "fs.forbidden");
    expect_error(rig, c, "fs.listdir", "{\"path\":\"/etc\"}", "fs.forbidden");
    expect_error(rig, c, "napari.load_zarr", "{\"path\":\"escape\"}", "fs.forbidden");
    expect_error(rig, c, "napari.load_zarr", "{\"path\":\"A/../../outside.zarr\"}", "fs.forbidden");
    expect_error(rig, c, "napari.load_zarr", "{\"path\":\"notes.txt\"}", "zarr.invalid");

    /* The data are switched under everyone, on the same connections. */
    uint64_t o = rig_hello(rig, true);
    rig_drain(rig, o);
    rig_drain(rig, c);
    cJSON *ok = expect_reply(rig, o, "napari.load_zarr", "{\"path\":\"new.mem\"}");
    assert_true(cJSON_IsTrue(rig_at(ok, "result/ok")));
    cJSON_Delete(ok);
    static const char *const order[] = {"notify.scene", "notify.dims", "notify.layers"};
    for (int i = 0; i < 3; i++) {
        cJSON *frame = rig_next(rig, c, 2000);
        assert_string_equal(cJSON_GetObjectItem(frame, "type")->valuestring, order[i]);
        if (i == 1)
            assert_int_equal(cJSON_GetArraySize(rig_at(frame, "level_shapes/1")), 4);
        cJSON_Delete(frame);
    }
    cJSON *view = rig_expect(rig, o, "notify.view");
    assert_int_equal(cJSON_GetArraySize(rig_at(view, "axes")), 4);
    cJSON_Delete(view);
    rig_destroy(rig);
    free(set);
    char *clean = xasprintf("rm -r %s", top);
    assert_int_equal(system(clean), 0);
    free(clean);
    free(escape);
    free(dangling);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dispatch), cmocka_unit_test(test_layers),
        cmocka_unit_test(test_values),   cmocka_unit_test(test_switch),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
