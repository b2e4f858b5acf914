/* SPDX-License-Identifier: BSD-3-Clause */
/* Views of sessions' own: made, seen by their session alone, limited, ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"
#include "util/check.h"

#define DATA "mem:zyx:64,128,96:u16:levels=3:scale=2,0.5,0.5:unit=micrometer"

static uint64_t join(struct rig *rig, char session[64])
{
    uint64_t conn = rig_hello(rig, true);
    cJSON *welcome = rig_expect(rig, conn, "session.welcome");
    snprintf(session, 64, "%s", rig_at(welcome, "session/id")->valuestring);
    cJSON_Delete(welcome);
    rig_drain(rig, conn);
    return conn;
}

static void expect_view(struct rig *rig, uint64_t conn, const char *command, const char *view)
{
    rig_call(rig, conn, command, "{}");
    cJSON *reply = rig_expect(rig, conn, "reply.command");
    assert_string_equal(rig_at(reply, "result/view")->valuestring, view);
    cJSON_Delete(reply);
}

static void expect_error(struct rig *rig, uint64_t conn, const char *command, const char *code,
                         const char *text)
{
    rig_call(rig, conn, command, "{}");
    cJSON *error = rig_expect(rig, conn, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, code);
    assert_non_null(strstr(rig_at(error, "message")->valuestring, text));
    cJSON_Delete(error);
}

static cJSON *expect_notify_view(struct rig *rig, uint64_t conn, const char *view)
{
    cJSON *frame = rig_expect(rig, conn, "notify.view");
    assert_string_equal(rig_at(frame, "view")->valuestring, view);
    return frame;
}

static void expect_ack(struct rig *rig, uint64_t conn, const char *status, const char *code)
{
    cJSON *ack = rig_expect(rig, conn, "ack.state");
    assert_string_equal(rig_at(ack, "status")->valuestring, status);
    if (code)
        assert_string_equal(rig_at(ack, "error/code")->valuestring, code);
    cJSON_Delete(ack);
}

static bool leads_to(struct rig *rig, const char *session, const char *view)
{
    char found[16] = "";
    struct stream *stream = control_stream_of(rig_control(rig), session, found);
    bool right = stream && strcmp(found, view) == 0 && stream == rig_stream(view);
    if (stream)
        control_stream_release(rig_control(rig), found);
    return right;
}

static void test_own(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    char own[64], other[64];
    uint64_t a = join(rig, own), b = join(rig, other), c = rig_hello(rig, false);
    rig_update(rig, a, "view", "main", "play", "{\"axis\":\"z\",\"fps\":1,\"mode\":\"loop\"}");
    rig_update(rig, a, "view", "main", "play", "null");
    rig_update(rig, a, "dims", "z", "index", "7");
    rig_drain(rig, a);
    rig_drain(rig, b);
    rig_drain(rig, c);

    expect_view(rig, a, "napari.view.fork", "v1");
    cJSON *view = expect_notify_view(rig, a, "v1");
    assert_int_equal(rig_at(view, "step/0")->valueint, 7); /* as it was */
    cJSON_Delete(view);
    assert_true(leads_to(rig, own, "v1"));
    assert_true(leads_to(rig, other, "main"));
    assert_false(leads_to(rig, "nobody", "main"));
    struct scene_snapshot *snapshot = rig_wait_posted_at("v1", 1);
    assert_int_equal(snapshot->scene.ndisplay, 2);
    scene_snapshot_unref(snapshot);
    rig_drain(rig, a);

    /* What it does stays with it. */
    unsigned shared = rig_posts("main");
    rig_update(rig, a, "view", "main", "ndisplay", "3");
    expect_ack(rig, a, "accepted", NULL);
    rig_update(rig, a, "dims", "z", "index", "3");
    expect_ack(rig, a, "accepted", NULL);
    rig_update(rig, a, "camera", "main", "zoom", "{\"factor\":2,\"anchor_px\":[10,10]}");
    expect_ack(rig, a, "accepted", NULL);
    rig_update(rig, a, "view", "v1", "background", "[1,0,0]");
    expect_ack(rig, a, "accepted", NULL);
    rig_expect_none(rig, b, "notify.view", 100);
    rig_expect_none(rig, c, "notify.dims", 10);
    rig_expect_none(rig, c, "notify.camera", 10);
    assert_int_equal(rig_posts("main"), shared);

    /* What others do stays away from it. */
    unsigned forked = rig_posts("v1");
    rig_drain(rig, a);
    rig_update(rig, b, "dims", "z", "index", "50");
    cJSON_Delete(expect_notify_view(rig, b, "main"));
    rig_expect_none(rig, a, "notify.view", 100);
    assert_int_equal(rig_posts("v1"), forked);
    assert_int_equal(rig_posts("main"), shared + 1);

    /* Layers are everyone's. */
    rig_update(rig, a, "layer", "layer-0", "opacity", "0.25");
    cJSON_Delete(rig_expect(rig, b, "notify.layers"));
    cJSON_Delete(rig_expect(rig, c, "notify.layers"));
    cJSON_Delete(rig_expect(rig, a, "notify.layers"));
    assert_int_equal(rig_posts("v1"), forked + 1);
    assert_int_equal(rig_posts("main"), shared + 2);

    expect_view(rig, a, "napari.view.fork", "v1"); /* it has one */
    expect_view(rig, a, "napari.view.follow", "main");
    view = expect_notify_view(rig, a, "main");
    assert_int_equal(rig_at(view, "step/0")->valueint, 50);
    assert_int_equal(rig_at(view, "ndisplay")->valueint, 2);
    cJSON_Delete(view);
    assert_true(leads_to(rig, own, "main"));
    assert_true(rig_wait_views(0));
    expect_view(rig, a, "napari.view.follow", "main");
    /* What was on its way to the fork moves nothing else. */
    rig_update(rig, a, "view", "v1", "ndisplay", "3");
    expect_ack(rig, a, "rejected", "state.invalid");
    rig_update(rig, a, "camera", "v1", "zoom", "{\"factor\":2,\"anchor_px\":[10,10]}");
    expect_ack(rig, a, "rejected", "state.invalid");
    rig_destroy(rig);
}

static void test_canvas(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    char own[64], other[64];
    uint64_t a = join(rig, own), b = join(rig, other);
    rig_update(rig, a, "view", "main", "canvas", "{\"size\":[900,300]}");
    rig_update(rig, b, "view", "main", "canvas", "{\"size\":[400,700]}");
    rig_drain(rig, a);
    rig_drain(rig, b);
    expect_view(rig, a, "napari.view.fork", "v1");
    cJSON *view = expect_notify_view(rig, a, "v1");
    assert_int_equal(rig_at(view, "canvas/size/0")->valueint, 900);
    assert_int_equal(rig_at(view, "canvas/size/1")->valueint, 300);
    cJSON_Delete(view);
    view = expect_notify_view(rig, b, "main");
    assert_int_equal(rig_at(view, "canvas/size/0")->valueint, 400);
    assert_int_equal(rig_at(view, "canvas/size/1")->valueint, 700);
    cJSON_Delete(view);
    expect_view(rig, a, "napari.view.follow", "main");
    view = expect_notify_view(rig, a, "main");
    assert_int_equal(rig_at(view, "canvas/size/0")->valueint, 900);
    assert_int_equal(rig_at(view, "canvas/size/1")->valueint, 700);
    cJSON_Delete(view);
    rig_destroy(rig);
}

/* One that is just ending may still count. */
static void expect_view_soon(struct rig *rig, uint64_t conn, const char *view)
{
    for (int i = 0; i < 500; i++) {
        rig_call(rig, conn, "napari.view.fork", "{}");
        for (cJSON *frame; (frame = rig_next(rig, conn, 5000)); cJSON_Delete(frame)) {
            const cJSON *name = rig_at(frame, "result/view"), *code = rig_at(frame, "code");
            if (name) {
                assert_string_equal(name->valuestring, view);
                cJSON_Delete(frame);
                return;
            }
            if (code && strcmp(code->valuestring, "view.limit") == 0) {
                cJSON_Delete(frame);
                break;
            }
        }
        usleep(2000);
    }
    fail_msg("no view of its own");
}

static void test_limit(void **state)
{
    (void)state;
    const char *const sets[] = {"view.forks=1", NULL};
    struct rig *rig = rig_create(sets, DATA);
    char own[64], other[64];
    uint64_t a = join(rig, own), b = join(rig, other), c = rig_hello(rig, false);
    rig_hold_views(true);
    rig_call(rig, a, "napari.view.fork", "{}");
    expect_error(rig, b, "napari.view.fork", "view.limit", "1 view of its own is open already");
    rig_hold_views(false);
    cJSON_Delete(rig_expect(rig, a, "reply.command"));
    expect_error(rig, b, "napari.view.fork", "view.limit", "(view.forks)");
    expect_error(rig, c, "napari.view.fork", "command.forbidden", "oriel");
    /* What is just ending still has its rooms. */
    rig_hold_ends(true);
    expect_view(rig, a, "napari.view.follow", "main");
    expect_error(rig, b, "napari.view.fork", "view.limit", "just ending");
    rig_hold_ends(false);
    expect_view_soon(rig, b, "v1");
    /* Its page goes, and its view with it. */
    control_conn_closed(rig_control(rig), b);
    assert_true(rig_wait_views(0));
    for (int i = 0; i < 20; i++) {
        expect_view_soon(rig, a, "v1");
        expect_view(rig, a, "napari.view.follow", "main");
    }
    assert_false(leads_to(rig, other, "main"));
    rig_destroy(rig);
}

static void test_none(void **state)
{
    (void)state;
    const char *const sets[] = {"view.forks=0", NULL};
    struct rig *rig = rig_create(sets, DATA);
    char own[64];
    uint64_t a = join(rig, own);
    expect_error(rig, a, "napari.view.fork", "view.limit", "view.forks is 0");
    rig_destroy(rig);
}

static void test_failing(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    char own[64];
    uint64_t a = join(rig, own);
    rig_refuse_views("no more memory on the card");
    expect_error(rig, a, "napari.view.fork", "view.failed", "no more memory");
    assert_true(leads_to(rig, own, "main"));
    rig_refuse_views(NULL);
    expect_view(rig, a, "napari.view.fork", "v1");
    rig_destroy(rig);
}

/* What is made for a session that has gone meanwhile, or that does not wait any more, ends. */
static void test_too_late(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    char own[64], other[64];
    uint64_t a = join(rig, own), b = join(rig, other);
    rig_hold_views(true);
    rig_call(rig, a, "napari.view.fork", "{}");
    rig_call(rig, b, "napari.view.fork", "{}");
    rig_send(rig, b,
             "{\"type\":\"cancel.command\",\"version\":2,\"frame_id\":\"x\",\"timestamp\":1.0,"
             "\"payload\":{\"in_reply_to\":\"cmd-1\"}}");
    cJSON *error = rig_expect(rig, b, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, "command.cancelled");
    cJSON_Delete(error);
    control_conn_closed(rig_control(rig), a);
    rig_update(rig, b, "dims", "z", "index", "1"); /* a has gone when this is answered */
    expect_ack(rig, b, "accepted", NULL);
    rig_hold_views(false);
    expect_view(rig, b, "napari.view.follow", "main");
    assert_true(rig_wait_views(0));
    assert_true(leads_to(rig, other, "main"));
    /* The room stops while one is made. */
    rig_hold_views(true);
    rig_call(rig, b, "napari.view.fork", "{}");
    rig_drain(rig, b);
    rig_hold_views(false);
    rig_destroy(rig);
}

static void test_stop(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    char own[64], other[64];
    uint64_t a = join(rig, own), b = join(rig, other);
    expect_view(rig, a, "napari.view.fork", "v1");
    expect_view(rig, b, "napari.view.fork", "v2");
    rig_destroy(rig);
    assert_true(rig_wait_views(0));
}

/* A connection that uses the stream of a view while that ends. */
static void test_held_stream(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    char own[64], view[16];
    uint64_t a = join(rig, own);
    expect_view(rig, a, "napari.view.fork", "v1");
    assert_non_null(control_stream_of(rig_control(rig), own, view));
    expect_view(rig, a, "napari.view.follow", "main");
    assert_null(control_stream_hold(rig_control(rig), "v1"));
    assert_non_null(rig_stream("v1")); /* still there */
    control_stream_release(rig_control(rig), view);
    assert_true(rig_wait_views(0));
    rig_destroy(rig);
}

static void level_notice(struct rig *rig, const char *view, uint32_t level)
{
    struct render_notice notice = {
        .kind = RENDER_NOTICE_LEVEL, .layer = 1, .level = level, .level_count = 3};
    control_render_notice(rig_control(rig), view, &notice);
}

static int next_level(struct rig *rig, uint64_t conn)
{
    for (;;) {
        cJSON *frame = rig_expect(rig, conn, "notify.layers");
        const cJSON *level = rig_at(frame, "oriel/level");
        int value = level ? level->valueint : -1;
        cJSON_Delete(frame);
        if (level)
            return value;
    }
}

static void test_notices(void **state)
{
    (void)state;
    const char *const sets[] = {"thumbnails.enabled=false", NULL};
    struct rig *rig = rig_create(sets, DATA);
    char own[64], other[64];
    uint64_t a = join(rig, own), b = join(rig, other);
    level_notice(rig, "main", 2);
    assert_int_equal(next_level(rig, a), 2);
    assert_int_equal(next_level(rig, b), 2);
    expect_view(rig, a, "napari.view.fork", "v1");
    assert_int_equal(next_level(rig, a), 2); /* what it goes on from */
    rig_drain(rig, a);
    level_notice(rig, "v1", 1);
    assert_int_equal(next_level(rig, a), 1);
    rig_expect_none(rig, b, "notify.layers", 100);
    level_notice(rig, "main", 0);
    assert_int_equal(next_level(rig, b), 0);
    rig_expect_none(rig, a, "notify.layers", 100);

    control_stream_fault(rig_control(rig), "v1", "encode/x died");
    cJSON *error = rig_expect(rig, a, "notify.error");
    assert_string_equal(rig_at(error, "code")->valuestring, "encoder.fault");
    cJSON_Delete(error);
    rig_expect_none(rig, b, "notify.error", 100);

    /* Data are wrong for all, until nobody looks there any more. */
    struct render_notice notice = {
        .kind = RENDER_NOTICE_DATA_ERROR, .layer = 1, .text = "0/1.2.3: too short"};
    control_render_notice(rig_control(rig), "v1", &notice);
    for (uint64_t conn = a; conn <= b; conn++) {
        error = rig_expect(rig, conn, "notify.error");
        assert_string_equal(rig_at(error, "code")->valuestring, "data.read");
        cJSON_Delete(error);
    }
    expect_view(rig, a, "napari.view.follow", "main");
    error = rig_expect(rig, b, "notify.error");
    assert_string_equal(rig_at(error, "code")->valuestring, "data.read.cleared");
    cJSON_Delete(error);
    assert_int_equal(next_level(rig, a), 0);
    rig_destroy(rig);
}

static void test_other_data(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, "mem:cyx:2,16,16:u16");
    char own[64], other[64];
    uint64_t a = join(rig, own), b = join(rig, other);
    expect_view(rig, a, "napari.view.fork", "v1");
    rig_update(rig, a, "view", "main", "background", "[0,1,0]");
    rig_drain(rig, a);
    rig_drain(rig, b);
    rig_call(rig, b, "napari.layer.remove", "{\"layer_id\":\"layer-0\"}");
    cJSON_Delete(rig_expect(rig, a, "notify.scene"));
    cJSON *view = expect_notify_view(rig, a, "v1");
    assert_int_equal(rig_at(view, "canvas/background/1")->valueint, 1);
    cJSON_Delete(view);
    rig_call(rig, b, "napari.close", "{}");
    cJSON_Delete(rig_expect(rig, a, "notify.scene"));
    cJSON_Delete(expect_notify_view(rig, a, "v1"));
    struct scene_snapshot *snapshot =
        rig_wait_posted_at("v1", rig_wait_posted_at("main", 1)->scene.revision);
    assert_int_equal(snapshot->scene.layer_count, 0);
    scene_snapshot_unref(snapshot);
    snapshot = rig_posted(rig);
    scene_snapshot_unref(snapshot);
    scene_snapshot_unref(snapshot); /* that of the wait above */
    rig_destroy(rig);
}

static void test_viewer(void **state)
{
    (void)state;
    const char *const sets[] = {"access.tokens=editor:secret-of-editors", "access.anonymous=viewer",
                                NULL};
    struct rig *rig = rig_create(sets, DATA);
    char own[64];
    uint64_t v = join(rig, own), c = rig_hello(rig, false);
    static const struct {
        const char *scope, *target, *key, *value;
    } shared[] = {
        {"view", "main", "ndisplay", "3"},
        {"view", "main", "background", "[1,1,1]"},
        {"view", "main", "play", "{\"axis\":\"z\"}"},
        {"view", "main", "reset", "{}"},
        {"view", "main", "order", "[1,0,2]"},
        {"view", "main", "pose", "{\"rev\":1,\"ndisplay\":2,\"center\":[0,0,0],\"zoom\":2}"},
        {"dims", "z", "index", "1"},
        {"dims", "z", "step", "1"},
        {"camera", "main", "reset", "{}"},
        {"multiscale", "main", "level", "1"},
    };
    static const struct {
        const char *scope, *target, *key, *value;
    } layers[] = {
        {"layer", "layer-0", "opacity", "0.5"}, {"layer", "layer-0", "name", "\"mine\""},
        {"volume", "main", "opacity", "0.5"},   {"volume", "main", "render_mode", "\"mip\""},
        {"nothing", "main", "at_all", "1"},
    };
    static const char *const commands[] = {
        "napari.load_zarr",    "napari.layer.auto_contrast", "napari.layer.move",
        "napari.layer.remove", "napari.layer.restore",       "napari.layer.add",
        "napari.layer.rename", "napari.scene.save",          "napari.scene.load",
        "napari.close",
    };
    for (int forked = 0; forked < 2; forked++) {
        for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
            rig_update(rig, v, shared[i].scope, shared[i].target, shared[i].key, shared[i].value);
            if (!forked)
                expect_ack(rig, v, "rejected", "state.forbidden");
            else if (strcmp(shared[i].key, "pose") != 0)
                expect_ack(rig, v, "accepted", NULL);
        }
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
            rig_update(rig, v, layers[i].scope, layers[i].target, layers[i].key, layers[i].value);
            expect_ack(rig, v, "rejected", "state.forbidden");
        }
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
            expect_error(rig, v, commands[i], "command.forbidden", "needs the role editor");
        rig_update(rig, v, "view", "main", "canvas", "{\"size\":[300,200]}");
        expect_ack(rig, v, "accepted", NULL);
        if (!forked)
            expect_view(rig, v, "napari.view.fork", "v1");
    }
    expect_error(rig, v, "fs.listdir", "command.forbidden", "data.root");
    rig_update(rig, c, "layer", "layer-0", "opacity", "0.5");
    expect_ack(rig, c, "rejected", "state.forbidden");
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),     cmocka_unit_test(test_canvas),
        cmocka_unit_test(test_limit),   cmocka_unit_test(test_none),
        cmocka_unit_test(test_failing), cmocka_unit_test(test_too_late),
        cmocka_unit_test(test_stop),    cmocka_unit_test(test_held_stream),
        cmocka_unit_test(test_notices), cmocka_unit_test(test_other_data),
        cmocka_unit_test(test_viewer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
