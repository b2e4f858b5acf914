/* SPDX-License-Identifier: BSD-3-Clause */
/* What a state directory gives back: to clients that come back, and of layers that may be shown. */
#include <dirent.h>
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

#include "module/services.h"
#include "oriel/host_loop.h"
#include "rig.h"
#include "util/check.h"

static char top[64];
static char *sets[8];

static char *below(const char *name)
{
    return xasprintf("%s/%s", top, name);
}

static void put(const char *name, const char *content)
{
    char *path = below(name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
    free(path);
}

static int begin(void **state)
{
    (void)state;
    strcpy(top, "/tmp/oriel-state-XXXXXX");
    assert_non_null(mkdtemp(top));
    char *root = below("root");
    mkdir(root, 0700);
    put("a.mem", "mem:zyx:8,32,32:u16");
    put("root/b.mem", "mem:zyx:8,32,32:u16");
    sets[0] = xasprintf("state.dir=%s/state", top);
    sets[1] = xstrdup("state.fsync=off");
    free(root);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char *command = xasprintf("rm -r %s", top);
    assert_int_equal(system(command), 0);
    free(command);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        free(sets[i]);
        sets[i] = NULL;
    }
    return 0;
}

static struct rig *serve(const char *data, const char *root)
{
    char *uri = data ? below(data) : NULL;
    free(sets[2]);
    sets[2] = root ? xasprintf("data.root=%s/%s", top, root) : NULL;
    struct rig *rig = rig_create((const char *const *)sets, uri);
    free(uri);
    return rig;
}

/* The ids of the layers that are shown, in their order: "layer-0 layer-1". */
static void expect_layers(struct rig *rig, uint64_t conn, const char *ids)
{
    char got[256] = "";
    const cJSON *layer;
    cJSON *scene = rig_expect(rig, conn, "notify.scene");
    cJSON_ArrayForEach(layer, rig_at(scene, "layers"))
    {
        const cJSON *id = cJSON_GetObjectItemCaseSensitive(layer, "layer_id");
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", *got ? " " : "",
                 id->valuestring);
    }
    cJSON_Delete(scene);
    assert_string_equal(got, ids);
}

static void ask(struct rig *rig, uint64_t conn, const char *command, const char *kwargs)
{
    rig_call(rig, conn, command, kwargs);
    cJSON_Delete(rig_expect(rig, conn, "reply.command"));
}

/* --- the last turn --- */

struct last {
    struct rig *rig;
    uint64_t conn;
    pthread_t stopper;
};

static void *stop(void *data)
{
    control_stop(rig_control(((struct last *)data)->rig));
    return NULL;
}

/* On the control thread, which finds an update and the stop together when this returns. */
static void update_and_stop(void *data)
{
    struct last *last = data;
    rig_update(last->rig, last->conn, "layer", "layer-0", "opacity", "0.25");
    assert_int_equal(pthread_create(&last->stopper, NULL, stop, last), 0);
    usleep(200000);
}

static void test_last_turn(void **state)
{
    (void)state;
    struct rig *rig = serve("a.mem", NULL);
    control_publish_loop(rig_control(rig));
    struct oriel_host *host = services_create("scene/test#1");
    const struct oriel_host_loop *loop = host->get_interface(host, ORIEL_HOST_LOOP_V1);
    struct last last = {.rig = rig, .conn = rig_hello(rig, false)};
    cJSON *layers = rig_expect(rig, last.conn, "notify.layers");
    char *token = xstrdup(cJSON_GetObjectItem(layers, "delta_token")->valuestring);
    cJSON_Delete(layers);
    rig_drain(rig, last.conn);
    assert_int_equal(loop->defer(host, 0, update_and_stop, &last), ORIEL_OK);
    cJSON *ack = rig_expect(rig, last.conn, "ack.state");
    assert_string_equal(rig_at(ack, "status")->valuestring, "accepted");
    cJSON_Delete(ack);
    pthread_join(last.stopper, NULL);
    services_destroy(host);
    rig_destroy(rig);

    /* Who comes back is told what it was acknowledged, and others were not told. */
    rig = serve("a.mem", NULL);
    uint64_t again = rig_connect(rig);
    char *hello = xasprintf(
        "{\"type\":\"session.hello\",\"version\":2,\"frame_id\":\"h\",\"timestamp\":1,\"payload\":{"
        "\"protocols\":[2],\"client\":{\"name\":\"a\",\"version\":\"1\",\"platform\":\"x\"},"
        "\"features\":{\"notify.scene\":true,\"notify.layers\":true,\"notify.stream\":true},"
        "\"resume_tokens\":{\"notify.layers\":\"%s\"}}}",
        token);
    rig_send(rig, again, hello);
    layers = rig_expect(rig, again, "notify.layers");
    assert_true(rig_at(layers, "controls/opacity")->valuedouble == 0.25);
    cJSON_Delete(layers);
    free(hello);
    free(token);
    rig_destroy(rig);
}

/* --- views of sessions' own --- */

static long long journal_bytes(void)
{
    char *path = below("state");
    DIR *folder = opendir(path);
    long long bytes = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct stat st;
        if (strncmp(entry->d_name, "journal-", 8) == 0 &&
            fstatat(dirfd(folder), entry->d_name, &st, 0) == 0)
            bytes += st.st_size;
    }
    closedir(folder);
    free(path);
    return bytes;
}

static void test_forks(void **state)
{
    (void)state;
    struct rig *rig = serve("a.mem", NULL);
    uint64_t o = rig_hello(rig, true);
    ask(rig, o, "napari.view.fork", "{}");
    rig_drain(rig, o);
    rig_update(rig, o, "dims", "z", "index", "1"); /* room for revisions is made */
    cJSON_Delete(rig_expect(rig, o, "ack.state"));
    long long before = journal_bytes();
    double newest = 0;
    for (int i = 0; i < 100; i++) {
        rig_update(rig, o, "dims", "z", "index", i % 2 ? "1" : "2");
        cJSON *ack = rig_expect(rig, o, "ack.state");
        newest = rig_at(ack, "control_version/server_seq")->valuedouble;
        cJSON_Delete(ack);
    }
    assert_int_equal(journal_bytes(), before);
    rig_destroy(rig);
    /* What was told of them stays older than everything that comes. */
    rig = serve("a.mem", NULL);
    o = rig_hello(rig, true);
    rig_update(rig, o, "layer", "layer-0", "opacity", "0.5");
    cJSON *ack = rig_expect(rig, o, "ack.state");
    assert_true(rig_at(ack, "control_version/server_seq")->valuedouble > newest);
    cJSON_Delete(ack);
    rig_destroy(rig);
}

/* --- what may be shown --- */

static void test_root(void **state)
{
    (void)state;
    struct rig *rig = serve("a.mem", "root");
    uint64_t o = rig_hello(rig, true);
    ask(rig, o, "napari.layer.add", "{\"path\":\"b.mem\"}");
    rig_destroy(rig);
    /* What was named, and what is below the root. */
    rig = serve("a.mem", "root");
    expect_layers(rig, rig_hello(rig, true), "layer-0 layer-1");
    rig_destroy(rig);
    /* The root alone. */
    rig = serve(NULL, "root");
    expect_layers(rig, rig_hello(rig, true), "layer-1");
    rig_destroy(rig);
    /* Neither, but what was named. */
    rig = serve(NULL, NULL);
    expect_layers(rig, rig_hello(rig, true), "layer-0");
    rig_destroy(rig);
}

/* Without a root what was named then is what may be opened now. */
static void test_named(void **state)
{
    (void)state;
    struct rig *rig = serve("a.mem", NULL);
    rig_destroy(rig);
    for (int i = 0; i < 2; i++) {
        rig = serve(NULL, NULL);
        uint64_t o = rig_hello(rig, true);
        expect_layers(rig, o, "layer-0");
        char *kwargs = xasprintf("{\"path\":\"%s/a.mem\"}", top);
        if (i)
            ask(rig, o, "napari.layer.add", kwargs);
        free(kwargs);
        rig_destroy(rig);
    }
}

/* --- a layer whose data are away keeps its place --- */

static void test_place(void **state)
{
    (void)state;
    put("root/a.mem", "mem:zyx:8,32,32:u16");
    put("root/c.mem", "mem:zyx:8,32,32:u16");
    struct rig *rig = serve("root/a.mem", "root");
    uint64_t o = rig_hello(rig, true);
    ask(rig, o, "napari.layer.add", "{\"path\":\"b.mem\"}");
    ask(rig, o, "napari.layer.add", "{\"path\":\"c.mem\"}");
    rig_destroy(rig);

    char *here = below("root/b.mem"), *away = below("away.mem");
    assert_int_equal(rename(here, away), 0);
    rig = serve("root/a.mem", "root");
    o = rig_hello(rig, true);
    expect_layers(rig, o, "layer-0 layer-2");
    ask(rig, o, "napari.layer.add", "{\"path\":\"c.mem\"}");
    rig_destroy(rig);

    assert_int_equal(rename(away, here), 0);
    rig = serve("root/a.mem", "root");
    expect_layers(rig, rig_hello(rig, true), "layer-0 layer-1 layer-2 layer-3");
    rig_destroy(rig);
    free(here);
    free(away);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_last_turn, begin, end),
        cmocka_unit_test_setup_teardown(test_forks, begin, end),
        cmocka_unit_test_setup_teardown(test_root, begin, end),
        cmocka_unit_test_setup_teardown(test_named, begin, end),
        cmocka_unit_test_setup_teardown(test_place, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
