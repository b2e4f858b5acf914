/* SPDX-License-Identifier: BSD-3-Clause */
/* How calls end: in pages, late, cancelled, without a connection, with the server. */
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

static void test_pages(void **state)
{
    (void)state;
    struct root folder;
    root_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    char cursor[64] = "", names[256] = "";
    int pages = 0;
    for (; pages < 10; pages++) {
        char kwargs[128];
        snprintf(kwargs, sizeof kwargs, "{\"only\":[],\"limit\":3,\"cursor\":%s%s%s}",
                 cursor[0] ? "\"" : "", cursor[0] ? cursor : "null", cursor[0] ? "\"" : "");
        cJSON *page = rig_ask(rig, o, "fs.listdir", kwargs);
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
            root_put(&folder, "aa.mem", "new"); /* before the cursor: pages stay in step */
    }
    assert_string_equal(names, "a.mem b.mem many.mem slow.mem ");
    assert_int_equal(pages, 1);
    rig_refuse(rig, o, "fs.listdir", "{\"limit\":0}", "command.invalid");
    rig_refuse(rig, o, "fs.listdir", "{\"limit\":1001}", "command.invalid");
    rig_refuse(rig, o, "fs.listdir", "{\"cursor\":7}", "command.invalid");
    rig_refuse(rig, o, "fs.listdir", "{\"path\":7}", "command.invalid");
    rig_destroy(rig);
    root_remove(&folder);
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
    struct root folder;
    root_make(&folder);
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

    send_raw(rig, o, "call.command", "cmd-never",
             "{\"command\":\"napari.scene.get\",\"timeout_ms\":-5}");
    error = rig_expect(rig, o, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, "command.invalid");
    cJSON_Delete(error);

    /* Others are answered meanwhile. */
    send_raw(rig, o, "call.command", "cmd-slow", slow);
    rig_call(rig, o, "fs.listdir", "{}");
    cJSON *reply = rig_expect(rig, o, "reply.command");
    assert_string_equal(rig_at(reply, "in_reply_to")->valuestring, "cmd-1");
    cJSON_Delete(reply);
    rig_destroy(rig); /* with a call under way */
    assert_int_equal(fake_dataset_alive(), 0);
    root_remove(&folder);
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
    struct root folder;
    root_make(&folder);
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
    root_remove(&folder);
}

/* Limits that nobody waits for any more, or of a layer that has gone, are not set, and not said to
 * be. */
static void test_late_limits(void **state)
{
    (void)state;
    struct root folder;
    root_make(&folder);
    root_put(&folder, "reads.mem", "mem:zyx:8,32,32:u8:slow=300");
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true);
    cJSON_Delete(rig_ask(rig, o, "napari.load_zarr", "{\"path\":\"reads.mem\"}"));
    rig_update(rig, o, "layer", "layer-0", "contrast_limits", "[1,2]");
    cJSON_Delete(rig_expect(rig, o, "ack.state"));
    const char *limits = "{\"command\":\"napari.layer.auto_contrast\",\"kwargs\":{\"layer_id\":"
                         "\"layer-0\"},\"timeout_ms\":100}";
    send_raw(rig, o, "call.command", "late", limits);
    cJSON *error = rig_expect(rig, o, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, "command.timeout");
    cJSON_Delete(error);
    usleep(500000);
    cJSON *scene = rig_ask(rig, o, "napari.scene.get", "{}");
    assert_int_equal(rig_at(scene, "result/layers/0/controls/contrast_limits/1")->valueint, 2);
    cJSON_Delete(scene);
    rig_call(rig, o, "napari.layer.auto_contrast", "{\"layer_id\":\"layer-0\"}");
    cJSON_Delete(rig_ask(rig, o, "napari.layer.remove", "{\"layer_id\":\"layer-0\"}"));
    cJSON_Delete(rig_expect(rig, o, "error.command"));
    rig_destroy(rig);
    root_remove(&folder);
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
    struct root folder;
    root_make(&folder);
    struct rig *rig = rig_create((const char *const *)folder.sets, NULL);
    uint64_t o = rig_hello(rig, true), other = rig_hello(rig, true);
    cJSON_Delete(rig_ask(rig, other, "napari.load_zarr", "{\"path\":\"a.mem\"}"));
    rig_hold_pictures(true);
    char id[32];
    for (int i = 0; i < 9; i++) {
        snprintf(id, sizeof id, "shot-%d", i);
        send_raw(rig, o, "call.command", id,
                 "{\"command\":\"napari.screenshot\",\"kwargs\":{},\"timeout_ms\":600000}");
    }
    cJSON_Delete(rig_ask(rig, other, "fs.listdir", "{}"));
    cJSON_Delete(rig_ask(rig, other, "napari.probe", "{\"position\":[1,1]}"));
    cJSON_Delete(rig_ask(rig, other, "napari.load_zarr", "{\"path\":\"b.mem\"}"));
    cJSON_Delete(rig_ask(rig, other, "napari.view.fork", "{}"));
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
    root_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),      cmocka_unit_test(test_ends),
        cmocka_unit_test(test_surface),    cmocka_unit_test(test_late_limits),
        cmocka_unit_test(test_last_calls), cmocka_unit_test(test_slow_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
