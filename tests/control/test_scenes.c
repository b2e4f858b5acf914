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
#include "util/check.h"

struct folder {
    char top[64];
    char *sets[4];
};

static void put(const struct folder *folder, const char *name, const char *content)
{
    char *path = xasprintf("%s/%s", folder->top, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
    free(path);
}

/* A root with some data and room for scenes. */
static void folder_make(struct folder *folder)
{
    *folder = (struct folder){.top = "/tmp/oriel-scenes-XXXXXX"};
    assert_non_null(mkdtemp(folder->top));
    put(folder, "a.mem", "mem:zyx:8,32,32:u16");
    put(folder, "b.mem", "mem:zyx:8,32,32:u8");
    put(folder, "many.mem", "mem:czyx:3,8,32,32:u8");
    put(folder, "slow.mem", "mem:zyx:8,32,32:u8:wait=600");
    folder->sets[0] = xasprintf("data.root=%s", folder->top);
    folder->sets[1] = xasprintf("scene.folder=%s/scenes", folder->top);
}

static void folder_remove(struct folder *folder)
{
    char *command = xasprintf("rm -r %s", folder->top);
    assert_int_equal(system(command), 0);
    free(command);
    for (size_t i = 0; folder->sets[i]; i++)
        free(folder->sets[i]);
}

static cJSON *ask(struct rig *rig, uint64_t conn, const char *command, const char *kwargs)
{
    rig_call(rig, conn, command, kwargs);
    return rig_expect(rig, conn, "reply.command");
}

static void refuse(struct rig *rig, uint64_t conn, const char *command, const char *kwargs,
                   const char *code)
{
    rig_call(rig, conn, command, kwargs);
    cJSON *error = rig_expect(rig, conn, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, code);
    assert_true(strlen(rig_at(error, "message")->valuestring) > 5);
    cJSON_Delete(error);
}

static void test_add(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    cJSON *reply = ask(rig, o, "napari.layer.add", "{\"path\":\"a.mem\",\"name\":\"first\"}");
    assert_string_equal(rig_at(reply, "result/layer_ids/0")->valuestring, "layer-0");
    cJSON_Delete(reply);
    reply = ask(rig, o, "napari.layer.add",
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
    reply = ask(rig, o, "napari.layer.add", "{\"path\":\"many.mem\"}");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/layer_ids")), 3);
    cJSON_Delete(reply);
    reply = ask(rig, o, "napari.layer.rename", "{\"layer_id\":\"layer-1\",\"name\":\"first\"}");
    assert_string_equal(rig_at(reply, "result/name")->valuestring, "first [1]");
    cJSON_Delete(reply);
    refuse(rig, o, "napari.layer.rename", "{\"layer_id\":\"layer-1\"}", "command.invalid");
    refuse(rig, o, "napari.layer.add", "{}", "command.invalid");
    refuse(rig, o, "napari.layer.add", "{\"path\":\"none.mem\"}", "fs.not_found");
    refuse(rig, o, "napari.layer.add", "{\"path\":\"/etc/passwd\"}", "fs.forbidden");
    refuse(rig, o, "napari.layer.add", "{\"path\":\"a.mem\",\"controls\":{\"gamma\":-1}}",
           "command.invalid");
    cJSON_Delete(ask(rig, o, "napari.close", "{}"));
    reply = ask(rig, o, "oriel.describe", "{}");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/layers")), 0);
    assert_string_equal(rig_at(reply, "result/view/view")->valuestring, "main");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/sessions")), 1);
    cJSON_Delete(reply);
    rig_destroy(rig);
    assert_int_equal(fake_dataset_alive(), 0);
    folder_remove(&folder);
}

static void test_scenes(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    cJSON *reply = ask(rig, o, "napari.scene.list", "{}");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/scenes")), 0);
    cJSON_Delete(reply);
    cJSON_Delete(ask(rig, o, "napari.load_zarr", "{\"path\":\"a.mem\"}"));
    cJSON_Delete(ask(rig, o, "napari.layer.add", "{\"path\":\"b.mem\"}"));
    rig_update(rig, o, "layer", "layer-1", "gamma", "0.5");
    rig_update(rig, o, "dims", "z", "index", "6");
    cJSON *before = ask(rig, o, "napari.scene.get", "{}");
    reply = ask(rig, o, "napari.scene.save", "{\"name\":\"two layers\"}");
    assert_non_null(strstr(rig_at(reply, "result/path")->valuestring, "scenes/two layers.json"));
    cJSON_Delete(reply);
    reply = ask(rig, o, "napari.scene.list", "{}");
    assert_string_equal(rig_at(reply, "result/scenes/0/name")->valuestring, "two layers");
    cJSON_Delete(reply);

    cJSON_Delete(ask(rig, o, "napari.close", "{}"));
    cJSON_Delete(ask(rig, o, "napari.scene.load", "{\"name\":\"two layers\"}"));
    cJSON *after = ask(rig, o, "napari.scene.get", "{}");
    assert_true(cJSON_Compare(rig_at(before, "result"), rig_at(after, "result"), true));
    cJSON_Delete(after);

    /* As text in the call, and from a path in the root. */
    char *text = cJSON_PrintUnformatted(rig_at(before, "result"));
    put(&folder, "own.json", text);
    char *kwargs = xasprintf("{\"scene\":%s}", text);
    cJSON_Delete(ask(rig, o, "napari.close", "{}"));
    cJSON_Delete(ask(rig, o, "napari.scene.load", kwargs));
    cJSON_Delete(ask(rig, o, "napari.scene.load", "{\"path\":\"own.json\"}"));
    after = ask(rig, o, "napari.scene.get", "{}");
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
        refuse(rig, o, "napari.scene.load", wrong[i].kwargs, wrong[i].code);
    refuse(rig, o, "napari.scene.save", "{\"name\":\"a/b\"}", "command.invalid");
    after = ask(rig, o, "napari.scene.get", "{}");
    assert_true(cJSON_Compare(rig_at(before, "result"), rig_at(after, "result"), true));
    cJSON_Delete(after);
    cJSON_Delete(before);
    rig_destroy(rig);
    assert_int_equal(fake_dataset_alive(), 0);

    rig = rig_create((const char *const[]){folder.sets[0], NULL}, NULL);
    refuse(rig, rig_hello(rig, true), "napari.scene.save", "{\"name\":\"x\"}", "scene.nowhere");
    rig_destroy(rig);
    folder_remove(&folder);
}

static void expect_canvas(struct rig *rig, uint64_t conn, int width, int height)
{
    cJSON *scene = ask(rig, conn, "napari.scene.get", "{}");
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
    struct folder folder;
    folder_make(&folder);
    folder.sets[2] = xstrdup("canvas.max=1000");
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    char *kwargs = xasprintf("{\"scene\":%s}", large);
    cJSON_Delete(ask(rig, o, "napari.scene.load", kwargs));
    expect_canvas(rig, o, 1000, 300);
    rig_update(rig, o, "view", "main", "canvas", "{\"size\":[640,480]}");
    cJSON_Delete(rig_expect(rig, o, "ack.state"));
    expect_canvas(rig, o, 640, 480);
    cJSON_Delete(ask(rig, o, "napari.scene.load", kwargs));
    expect_canvas(rig, o, 640, 480);
    free(kwargs);
    rig_destroy(rig);

    put(&folder, "large.json", large);
    char *path = xasprintf("%s/large.json", folder.top);
    rig = rig_create((const char *const *)folder.sets, path);
    o = rig_hello(rig, true);
    expect_canvas(rig, o, 1000, 300);
    rig_destroy(rig);
    free(path);
    folder_remove(&folder);
}

/* Saving writes through no link, and says what went wrong. */
static void test_save(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    put(&folder, "other", "theirs");
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
    cJSON_Delete(ask(rig, o, "napari.scene.save", "{\"name\":\"x\"}"));
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
    cJSON *reply = ask(rig, o, "napari.scene.list", "{}");
    assert_int_equal(cJSON_GetArraySize(rig_at(reply, "result/scenes")), 1);
    cJSON_Delete(reply);
    rig_destroy(rig);
    free(other);
    free(scenes);
    folder_remove(&folder);
}

/* The lock of a view comes back as one that can be changed; a layer's only level stays one. */
static void test_levels(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    put(&folder, "deep.mem", "mem:zyx:8,32,32:u16:levels=3");
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    cJSON_Delete(ask(rig, o, "napari.load_zarr", "{\"path\":\"deep.mem\"}"));
    rig_update(rig, o, "multiscale", "main", "level", "1");
    cJSON *saved = ask(rig, o, "napari.scene.get", "{}");
    assert_int_equal(rig_at(saved, "result/dims/level")->valueint, 1);
    assert_true(cJSON_IsNull(rig_at(saved, "result/layers/0/source/level")));
    char *text = cJSON_PrintUnformatted(rig_at(saved, "result"));
    char *kwargs = xasprintf("{\"scene\":%s}", text);
    cJSON_Delete(saved);
    cJSON_Delete(ask(rig, o, "napari.close", "{}"));
    cJSON_Delete(ask(rig, o, "napari.scene.load", kwargs));
    free(kwargs);
    free(text);
    rig_drain(rig, o); /* what was posted is what was told */
    struct scene_snapshot *snapshot = control_snapshot(rig_control(rig));
    assert_int_equal(snapshot->scene.layer_count, 1);
    assert_int_equal(snapshot->bindings[0].level, -1);
    scene_snapshot_unref(snapshot);
    rig_update(rig, o, "multiscale", "main", "level", "2");
    cJSON *ack = rig_expect(rig, o, "ack.state");
    assert_string_equal(rig_at(ack, "status")->valuestring, "accepted");
    cJSON_Delete(ack);

    cJSON_Delete(ask(rig, o, "napari.close", "{}"));
    cJSON_Delete(ask(rig, o, "napari.layer.add", "{\"path\":\"deep.mem\",\"level\":1}"));
    rig_drain(rig, o);
    rig_update(rig, o, "multiscale", "main", "level", "2");
    ack = rig_expect(rig, o, "ack.state");
    assert_string_equal(rig_at(ack, "error/code")->valuestring, "state.error");
    assert_non_null(strstr(rig_at(ack, "error/message")->valuestring, "level 1 alone"));
    cJSON_Delete(ack);

    /* A pipe is no scene, and holds nobody up. */
    char *pipe_path = xasprintf("%s/pipe.json", folder.top);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    refuse(rig, o, "napari.scene.load", "{\"path\":\"pipe.json\"}", "scene.invalid");
    free(pipe_path);
    rig_destroy(rig);
    folder_remove(&folder);
}

static void test_pages(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    char cursor[64] = "", names[256] = "";
    int pages = 0;
    for (; pages < 10; pages++) {
        char kwargs[128];
        snprintf(kwargs, sizeof kwargs, "{\"only\":[],\"limit\":3,\"cursor\":%s%s%s}",
                 cursor[0] ? "\"" : "", cursor[0] ? cursor : "null", cursor[0] ? "\"" : "");
        cJSON *page = ask(rig, o, "fs.listdir", kwargs);
        const cJSON *entry;
        cJSON_ArrayForEach(entry, rig_at(page, "result/entries"))
        {
            strcat(names, cJSON_GetObjectItem(entry, "name")->valuestring);
            strcat(names, " ");
        }
        const cJSON *next = rig_at(page, "result/cursor");
        assert_int_equal(cJSON_IsTrue(rig_at(page, "result/has_more")), next != NULL);
        snprintf(cursor, sizeof cursor, "%s", next ? next->valuestring : "");
        cJSON_Delete(page);
        if (!cursor[0])
            break;
        if (pages == 0)
            put(&folder, "aa.mem", "new"); /* before the cursor: pages stay in step */
    }
    assert_string_equal(names, "a.mem b.mem many.mem slow.mem ");
    assert_int_equal(pages, 1);
    refuse(rig, o, "fs.listdir", "{\"limit\":0}", "command.invalid");
    refuse(rig, o, "fs.listdir", "{\"limit\":1001}", "command.invalid");
    refuse(rig, o, "fs.listdir", "{\"cursor\":7}", "command.invalid");
    refuse(rig, o, "fs.listdir", "{\"path\":7}", "command.invalid");
    rig_destroy(rig);
    folder_remove(&folder);
}

static void send_raw(struct rig *rig, uint64_t conn, const char *type, const char *id,
                     const char *payload)
{
    char *text = xasprintf("{\"type\":\"%s\",\"version\":2,\"session\":\"s\",\"frame_id\":\"%s\","
                           "\"timestamp\":1.0,\"payload\":%s}",
                           type, id, payload);
    rig_send(rig, conn, text);
    free(text);
}

static void test_ends(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true), other = rig_hello(rig, true);
    const char *slow = "{\"command\":\"napari.load_zarr\",\"kwargs\":{\"path\":\"slow.mem\"}}";
    send_raw(rig, o, "call.command", "cmd-slow", slow);
    send_raw(rig, other, "cancel.command", "x", "{\"in_reply_to\":\"cmd-slow\"}"); /* not theirs */
    send_raw(rig, o, "cancel.command", "y", "{\"in_reply_to\":\"cmd-slow\"}");
    cJSON *error = rig_expect(rig, o, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, "command.cancelled");
    assert_string_equal(rig_at(error, "in_reply_to")->valuestring, "cmd-slow");
    cJSON_Delete(error);
    rig_expect_none(rig, o, "notify.scene", 900); /* what was cancelled is not shown */

    send_raw(rig, o, "call.command", "cmd-late",
             "{\"command\":\"napari.load_zarr\",\"kwargs\":{\"path\":\"slow.mem\"},"
             "\"timeout_ms\":50}");
    error = rig_expect(rig, o, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, "command.timeout");
    cJSON_Delete(error);

    /* Others are answered meanwhile. */
    send_raw(rig, o, "call.command", "cmd-slow", slow);
    rig_call(rig, o, "fs.listdir", "{}");
    cJSON *reply = rig_expect(rig, o, "reply.command");
    assert_string_equal(rig_at(reply, "in_reply_to")->valuestring, "cmd-1");
    cJSON_Delete(reply);
    rig_destroy(rig); /* with a call under way */
    assert_int_equal(fake_dataset_alive(), 0);
    folder_remove(&folder);
}

struct answers {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int count;
    char text[512];
};

static void on_answer(void *data, const struct surface_answer *answer)
{
    struct answers *answers = data;
    char *value = answer->value ? cJSON_PrintUnformatted(answer->value) : NULL;
    pthread_mutex_lock(&answers->mutex);
    answers->count++;
    snprintf(answers->text, sizeof answers->text, "%s",
             answer->ok ? value ? value : "" : answer->code);
    pthread_cond_signal(&answers->changed);
    pthread_mutex_unlock(&answers->mutex);
    free(value);
}

static void await(struct answers *answers, int count, const char *text)
{
    pthread_mutex_lock(&answers->mutex);
    while (answers->count < count)
        pthread_cond_wait(&answers->changed, &answers->mutex);
    assert_int_equal(answers->count, count);
    if (text)
        assert_string_equal(answers->text, text);
    pthread_mutex_unlock(&answers->mutex);
}

/* Everything again without a connection. */
static void test_surface(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    rig_drain(rig, o);
    struct control *control = rig_control(rig);
    struct answers answers = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, ""};
    const struct surface_actor editor = {"test", ROLE_EDITOR, NULL},
                               viewer = {"eye", ROLE_VIEWER, NULL};
    surface_call(control, &editor, "napari.load_zarr", cJSON_Parse("{\"path\":\"a.mem\"}"), 0,
                 on_answer, &answers);
    await(&answers, 1, "{\"ok\":true}");
    surface_update(control, &editor, "layer", "layer-0", "opacity", cJSON_CreateNumber(7),
                   on_answer, &answers);
    await(&answers, 2, "1");
    surface_update(control, &editor, "layer", "layer-0", "gamma", cJSON_CreateNumber(0.5),
                   on_answer, &answers);
    await(&answers, 3, "0.5");
    cJSON *layers = rig_expect(rig, o, "notify.layers");
    while (!rig_at(layers, "controls/gamma") ||
           rig_at(layers, "controls/gamma")->valuedouble != 0.5) {
        cJSON_Delete(layers);
        layers = rig_expect(rig, o, "notify.layers");
    }
    assert_string_equal(rig_at(layers, "control_versions/gamma/source_client_id")->valuestring,
                        "test");
    cJSON_Delete(layers);
    surface_update(control, &editor, "layer", "layer-0", "gamma", cJSON_CreateNumber(-1), on_answer,
                   &answers);
    await(&answers, 4, "state.error");
    surface_update(control, &viewer, "layer", "layer-0", "gamma", cJSON_CreateNumber(1), on_answer,
                   &answers);
    await(&answers, 5, "state.forbidden");
    surface_call(control, &viewer, "napari.close", NULL, 0, on_answer, &answers);
    await(&answers, 6, "command.forbidden");
    surface_call(control, &viewer, "napari.fly", NULL, 0, on_answer, &answers);
    await(&answers, 7, "command.not_found");
    uint64_t call = surface_call(control, &editor, "napari.load_zarr",
                                 cJSON_Parse("{\"path\":\"slow.mem\"}"), 0, on_answer, &answers);
    surface_cancel(control, call);
    await(&answers, 8, "command.cancelled");
    surface_call(control, &editor, "napari.load_zarr", cJSON_Parse("{\"path\":\"slow.mem\"}"), 0,
                 on_answer, &answers);
    rig_destroy(rig); /* answers what is under way */
    await(&answers, 9, "command.cancelled");
    folder_remove(&folder);
}

/* Limits that nobody waits for any more, or of a layer that has gone, are not set, and not said to
 * be. */
static void test_late_limits(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    put(&folder, "reads.mem", "mem:zyx:8,32,32:u8:slow=300");
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    cJSON_Delete(ask(rig, o, "napari.load_zarr", "{\"path\":\"reads.mem\"}"));
    rig_update(rig, o, "layer", "layer-0", "contrast_limits", "[1,2]");
    cJSON_Delete(rig_expect(rig, o, "ack.state"));
    const char *limits = "{\"command\":\"napari.layer.auto_contrast\",\"kwargs\":{\"layer_id\":"
                         "\"layer-0\"},\"timeout_ms\":100}";
    send_raw(rig, o, "call.command", "late", limits);
    cJSON *error = rig_expect(rig, o, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, "command.timeout");
    cJSON_Delete(error);
    usleep(500000);
    cJSON *scene = ask(rig, o, "napari.scene.get", "{}");
    assert_int_equal(rig_at(scene, "result/layers/0/controls/contrast_limits/1")->valueint, 2);
    cJSON_Delete(scene);
    rig_call(rig, o, "napari.layer.auto_contrast", "{\"layer_id\":\"layer-0\"}");
    cJSON_Delete(ask(rig, o, "napari.layer.remove", "{\"layer_id\":\"layer-0\"}"));
    cJSON_Delete(rig_expect(rig, o, "error.command"));
    rig_destroy(rig);
    folder_remove(&folder);
}

/* What asks for more when it is answered at the very end is answered too. */
struct chain {
    struct control *control;
    int answers;
};

static void ask_again(void *data, const struct surface_answer *answer)
{
    struct chain *chain = data;
    assert_string_equal(answer->code, "command.cancelled");
    const struct surface_actor editor = {"test", ROLE_EDITOR, NULL};
    if (++chain->answers < 3)
        surface_call(chain->control, &editor, "napari.close", NULL, 0, ask_again, chain);
}

static void test_last_calls(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, NULL);
    struct chain chain = {.control = rig_control(rig)};
    control_stop(rig_control(rig));
    const struct surface_actor editor = {"test", ROLE_EDITOR, NULL};
    surface_call(rig_control(rig), &editor, "napari.close", NULL, 0, ask_again, &chain);
    rig_destroy(rig);
    assert_int_equal(chain.answers, 3);
}

/* Pictures that take long hold up nothing but pictures, and end when nobody waits for them. */
static void test_slow_pictures(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true), other = rig_hello(rig, true);
    cJSON_Delete(ask(rig, other, "napari.load_zarr", "{\"path\":\"a.mem\"}"));
    rig_hold_pictures(true);
    char id[32];
    for (int i = 0; i < 9; i++) {
        snprintf(id, sizeof id, "shot-%d", i);
        send_raw(rig, o, "call.command", id,
                 "{\"command\":\"napari.screenshot\",\"kwargs\":{},\"timeout_ms\":600000}");
    }
    cJSON_Delete(ask(rig, other, "fs.listdir", "{}"));
    cJSON_Delete(ask(rig, other, "napari.probe", "{\"position\":[1,1]}"));
    cJSON_Delete(ask(rig, other, "napari.load_zarr", "{\"path\":\"b.mem\"}"));
    cJSON_Delete(ask(rig, other, "napari.view.fork", "{}"));
    for (int i = 0; i < 1000 && rig_pictures() == 0; i++)
        usleep(1000);
    assert_int_equal(rig_pictures(), 1);
    for (int i = 0; i < 8; i++) {
        snprintf(id, sizeof id, "{\"in_reply_to\":\"shot-%d\"}", i);
        send_raw(rig, o, "cancel.command", "x", id);
        cJSON *error = rig_expect(rig, o, "error.command");
        assert_string_equal(rig_at(error, "code")->valuestring, "command.cancelled");
        cJSON_Delete(error);
    }
    rig_hold_pictures(false);
    cJSON *reply = rig_expect(rig, o, "reply.command");
    assert_string_equal(rig_at(reply, "in_reply_to")->valuestring, "shot-8");
    cJSON_Delete(reply);
    /* Nor does one hold up the end. */
    rig_hold_pictures(true);
    rig_call(rig, o, "napari.screenshot", "{}");
    for (int i = 0; i < 1000 && rig_pictures() == 0; i++)
        usleep(1000);
    rig_destroy(rig);
    rig_hold_pictures(false);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),           cmocka_unit_test(test_scenes),
        cmocka_unit_test(test_pages),         cmocka_unit_test(test_levels),
        cmocka_unit_test(test_ends),          cmocka_unit_test(test_surface),
        cmocka_unit_test(test_late_limits),   cmocka_unit_test(test_last_calls),
        cmocka_unit_test(test_slow_pictures), cmocka_unit_test(test_canvas),
        cmocka_unit_test(test_save),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
