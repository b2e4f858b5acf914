/* SPDX-License-Identifier: BSD-3-Clause */
/* Every state.update of the protocol: acknowledged, applied, told to the others. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "util/clock.h"

#define DATA "mem:zyx:64,128,96:u16:levels=3"

/* Acknowledges must come; `applied` is the JSON expected, NULL: rejected with `code`. */
static void check(struct rig *rig, uint64_t conn, const char *scope, const char *target,
                  const char *key, const char *value, const char *applied, const char *code)
{
    unsigned n = rig_update(rig, conn, scope, target, key, value);
    cJSON *ack = rig_expect(rig, conn, "ack.state");
    char id[32];
    snprintf(id, sizeof id, "intent-%u", n);
    assert_string_equal(rig_at(ack, "intent_id")->valuestring, id);
    snprintf(id, sizeof id, "state-%u", n);
    assert_string_equal(rig_at(ack, "in_reply_to")->valuestring, id);
    assert_null(cJSON_GetObjectItem(ack, "intent_id"));
    if (!applied) {
        if (strcmp(rig_at(ack, "status")->valuestring, "rejected") != 0)
            fail_msg("%s.%s = %s was accepted", scope, key, value);
        assert_string_equal(rig_at(ack, "error/code")->valuestring, code);
        assert_true(strlen(rig_at(ack, "error/message")->valuestring) > 0);
    } else {
        const cJSON *why = rig_at(ack, "error/message");
        if (why)
            fail_msg("%s.%s = %s: %s", scope, key, value, why->valuestring);
        assert_true(cJSON_IsNumber(rig_at(ack, "version")));
        assert_null(rig_at(ack, "error"));
        char *text = cJSON_PrintUnformatted(rig_at(ack, "applied_value"));
        assert_string_equal(text, applied);
        free(text);
    }
    cJSON_Delete(ack);
}

static void test_all_rows(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t c = rig_hello(rig, false);
    rig_drain(rig, c);
    static const struct {
        const char *scope, *target, *key, *value, *applied, *code;
    } rows[] = {
        {"dims", "z", "index", "10", "10", NULL},
        {"dims", "0", "index", "999", "63", NULL},
        {"dims", "Z", "step", "-3", "60", NULL},
        {"dims", "z", "step", "true", "61", NULL},
        {"dims", "q", "index", "1", NULL, "state.error"},
        {"dims", "9", "index", "1", NULL, "state.error"},
        {"dims", "z", "index", "1.5", NULL, "state.invalid"},
        {"dims", "", "index", "1", NULL, "state.invalid"},
        {"dims", "z", "speed", "1", NULL, "state.invalid"},
        {"camera", "main", "zoom", "{\"factor\":0.5,\"anchor_px\":[10,20]}",
         "{\"factor\":0.5,\"anchor_px\":[10,20]}", NULL},
        {"camera", "", "zoom", "{\"factor\":0,\"anchor_px\":[0,0]}", NULL, "state.invalid"},
        {"camera", "main", "zoom", "{\"factor\":1.1}", NULL, "state.invalid"},
        {"camera", "main", "pan", "{\"dx_px\":5,\"dy_px\":-2}", "{\"dx_px\":5,\"dy_px\":-2}", NULL},
        {"camera", "main", "pan", "{\"dx_px\":0,\"dy_px\":0}", "{\"dx_px\":0,\"dy_px\":0}", NULL},
        {"camera", "main", "orbit", "{\"d_az_deg\":5,\"d_el_deg\":5}", NULL, "state.invalid"},
        {"camera", "main", "reset", "{}", "{\"reason\":\"state.update\"}", NULL},
        {"camera", "main", "reset", "\"key\"", "{\"reason\":\"key\"}", NULL},
        {"camera", "main", "set", "{\"center\":[40,30],\"zoom\":2}",
         "{\"center\":[40,30],\"zoom\":2}", NULL},
        {"camera", "main", "set", "{\"rect\":[0,0,96,128]}", "{\"rect\":[0,0,96,128]}", NULL},
        {"camera", "main", "set", "{}", NULL, "state.invalid"},
        {"camera", "main", "set", "{\"center\":\"x\"}", NULL, "state.invalid"},
        {"camera", "main", "set", "{\"angles\":[10,20]}", "{\"angles\":[10,20,0]}", NULL},
        {"layer", "layer-0", "visible", "\"off\"", "false", NULL},
        {"layer", "", "visible", "1", "true", NULL},
        {"layer", "layer-0", "visible", "\"maybe\"", NULL, "state.error"},
        {"layer", "layer-0", "opacity", "7", "1", NULL},
        {"layer", "layer-0", "opacity", "null", NULL, "state.error"},
        {"layer", "layer-0", "blending", "\"Additive\"", "\"additive\"", NULL},
        {"layer", "layer-0", "blending", "\"maximal\"", NULL, "state.error"},
        {"layer", "layer-0", "interpolation", "\"spline36\"", "\"spline36\"", NULL},
        {"layer", "layer-0", "interpolation3d", "\"nearest\"", "\"nearest\"", NULL},
        {"layer", "layer-0", "gamma", "0.5", "0.5", NULL},
        {"layer", "layer-0", "gamma", "0", NULL, "state.error"},
        {"layer", "layer-0", "colormap", "\"VIRIDIS\"", "\"viridis\"", NULL},
        {"layer", "layer-0", "colormap", "{\"name\":\"red\"}", "\"red\"", NULL},
        {"layer", "layer-0", "colormap", "\"nothing\"", NULL, "state.error"},
        {"layer", "layer-0", "contrast_limits", "[9,3]", "[3,9]", NULL},
        {"layer", "layer-0", "contrast_limits", "{\"lo\":5,\"hi\":5}", "[5,5]", NULL},
        {"layer", "layer-0", "contrast_limits", "[1]", NULL, "state.error"},
        {"layer", "layer-0", "contrast_limits_range", "[0,1000]", "[0,1000]", NULL},
        {"layer", "layer-0", "rendering", "\"minip\"", "\"minip\"", NULL},
        {"layer", "layer-0", "rendering", "\"xray\"", NULL, "state.error"},
        {"layer", "layer-0", "attenuation", "-1", "0", NULL},
        {"layer", "layer-0", "iso_threshold", "12.5", "12.5", NULL},
        {"layer", "layer-0", "depiction", "\"plane\"", "\"plane\"", NULL},
        {"layer", "layer-0", "name", "\"brain\"", "\"brain\"", NULL},
        {"layer", "layer-0", "projection_mode", "\"Max\"", "\"max\"", NULL},
        {"layer", "layer-0", "projection_mode", "\"median\"", NULL, "state.error"},
        {"layer", "layer-9", "opacity", "1", NULL, "state.error"},
        {"volume", "main", "render_mode", "\"iso\"", "\"iso\"", NULL},
        {"volume", "main", "render_mode", "\"solid\"", NULL, "state.invalid"},
        {"volume", "main", "contrast_limits", "[50,7]", "[7,50]", NULL},
        {"volume", "main", "colormap", "\"fire\"", "\"fire\"", NULL},
        {"volume", "main", "opacity", "-4", "0", NULL},
        {"volume", "main", "sample_step", "9", "4", NULL},
        {"multiscale", "main", "policy", "\"auto\"", NULL, "state.unsupported"},
        {"multiscale", "main", "level", "\"1\"", "1", NULL},
        {"multiscale", "main", "level", "99", "2", NULL},
        {"multiscale", "main", "level", "\"x\"", NULL, "state.invalid"},
        {"multiscale", "main", "level", "\"auto\"", "\"auto\"", NULL},
        {"view", "main", "ndisplay", "3", "3", NULL},
        {"camera", "main", "orbit", "{\"d_az_deg\":5,\"d_el_deg\":5}",
         "{\"d_az_deg\":5,\"d_el_deg\":5}", NULL},
        {"camera", "main", "set", "{\"zoom\":3}", "{\"zoom\":3}", NULL},
        {"view", "main", "ndisplay", "\"x\"", NULL, "state.invalid"},
        {"view", "main", "canvas", "{\"size\":[641,99999]}", "{\"size\":[640,4096]}", NULL},
        {"view", "main", "canvas", "[1,2]", NULL, "state.invalid"},
        {"view", "main", "order", "[2,0,1]", "[2,0,1]", NULL},
        {"view", "main", "order", "[0,0,1]", NULL, "state.invalid"},
        {"view", "main", "reset", "{}", "{}", NULL},
        {"view", "main", "background", "[1,1,1]", "[1,1,1,1]", NULL},
        {"view", "main", "background", "[1,1,2]", NULL, "state.invalid"},
        {"view", "main", "play", "{\"axis\":\"q\"}", NULL, "state.invalid"},
        {"view", "main", "pose", "{\"rev\":1}", NULL, "state.invalid"},
        {"view", "main", "mood", "1", NULL, "state.invalid"},
        {"", "main", "x", "1", NULL, "state.invalid"},
        {"points", "main", "size", "1", NULL, "state.invalid"},
        {" View ", "main", " NDISPLAY ", "null", "2", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rig, c, rows[i].scope, rows[i].target, rows[i].key, rows[i].value, rows[i].applied,
              rows[i].code);
    rig_destroy(rig);
}

static void expect_canvas(struct rig *rig, uint64_t conn, int width, int height)
{
    cJSON *view = rig_expect(rig, conn, "notify.view");
    assert_int_equal(rig_at(view, "canvas/size/0")->valueint, width);
    assert_int_equal(rig_at(view, "canvas/size/1")->valueint, height);
    cJSON_Delete(view);
}

/* Everyone sees at least as much as fits their page; nobody's page is cut by a smaller one. */
static void test_canvas_is_shared(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t a = rig_hello(rig, true);
    check(rig, a, "view", "main", "canvas", "{\"size\":[1001,600]}", "{\"size\":[1000,600]}", NULL);
    check(rig, a, "view", "main", "reset", "{}", "{}", NULL);
    rig_drain(rig, a);
    struct scene_snapshot *snapshot = rig_posted(rig);
    double zoom = snapshot->scene.camera.zoom;
    scene_snapshot_unref(snapshot);

    /* A second page is narrower and taller. */
    uint64_t b = rig_hello(rig, true);
    rig_drain(rig, b);
    check(rig, b, "view", "main", "canvas", "{\"size\":[400,800]}", "{\"size\":[400,800]}", NULL);
    expect_canvas(rig, a, 1000, 800);
    snapshot = rig_posted(rig);
    assert_true(snapshot->scene.camera.zoom == zoom);
    scene_snapshot_unref(snapshot);
    check(rig, b, "view", "main", "reset", "{}", "{}", NULL);
    cJSON *view = rig_expect(rig, a, "notify.view");
    double fits = rig_at(view, "camera/zoom")->valuedouble;
    double width =
        rig_at(view, "extent/1/0")->valuedouble - rig_at(view, "extent/0/0")->valuedouble;
    assert_float_equal(fits, 0.95 * 400 / width, 1e-9); /* its own width, not the shared one */
    cJSON_Delete(view);

    /* It shrinks, and leaves; a client that never asked for a size does not count. */
    check(rig, b, "view", "main", "canvas", "{\"size\":[300,700]}", "{\"size\":[300,700]}", NULL);
    expect_canvas(rig, a, 1000, 700);
    uint64_t classic = rig_hello(rig, false);
    rig_drain(rig, classic);
    control_conn_closed(rig_control(rig), b);
    expect_canvas(rig, a, 1000, 600);
    control_conn_closed(rig_control(rig), a);
    uint64_t c = rig_hello(rig, true);
    expect_canvas(rig, c, 1000, 600);
    rig_destroy(rig);
}

static void test_ack_first_then_everyone(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t a = rig_hello(rig, false), b = rig_hello(rig, false), o = rig_hello(rig, true);
    rig_drain(rig, a);
    rig_drain(rig, b);
    rig_drain(rig, o);
    unsigned n = rig_update(rig, a, "layer", "layer-0", "opacity", "0.5");
    cJSON *ack = rig_next(rig, a, 2000), *mine = rig_next(rig, a, 2000);
    assert_string_equal(cJSON_GetObjectItem(ack, "type")->valuestring, "ack.state");
    assert_string_equal(cJSON_GetObjectItem(mine, "type")->valuestring, "notify.layers");
    char id[32];
    snprintf(id, sizeof id, "intent-%u", n);
    assert_string_equal(cJSON_GetObjectItem(mine, "intent_id")->valuestring, id);
    cJSON *theirs = rig_expect(rig, b, "notify.layers"),
          *page = rig_expect(rig, o, "notify.layers");
    assert_true(rig_at(theirs, "controls/opacity")->valuedouble == 0.5);
    assert_int_equal(cJSON_GetArraySize(rig_at(theirs, "controls")), 1);
    assert_int_equal(cJSON_GetObjectItem(theirs, "seq")->valueint,
                     cJSON_GetObjectItem(mine, "seq")->valueint);
    assert_true(rig_at(page, "controls/opacity")->valuedouble == 0.5);
    cJSON_Delete(ack);
    cJSON_Delete(mine);
    cJSON_Delete(theirs);
    cJSON_Delete(page);

    /* What the reference's client would reject stays away from it. */
    rig_update(rig, a, "layer", "layer-0", "depiction", "\"plane\"");
    page = rig_expect(rig, o, "notify.layers");
    assert_string_equal(rig_at(page, "controls/depiction")->valuestring, "plane");
    cJSON_Delete(page);
    rig_expect_none(rig, b, "notify.layers", 60);
    rig_update(rig, a, "layer", "layer-0", "contrast_limits", "[5,5]");
    theirs = rig_expect(rig, b, "notify.layers");
    assert_true(rig_at(theirs, "controls/contrast_limits/1")->valuedouble > 5);
    assert_null(rig_at(theirs, "controls/contrast_limits_range"));
    cJSON_Delete(theirs);
    rig_destroy(rig);
}

static void test_ndisplay_is_one_change(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t a = rig_hello(rig, false), o = rig_hello(rig, true);
    rig_drain(rig, a);
    rig_drain(rig, o);
    rig_update(rig, a, "view", "main", "ndisplay", "3");
    cJSON *dims = rig_expect(rig, a, "notify.dims");
    assert_string_equal(rig_at(dims, "mode")->valuestring, "volume");
    assert_int_equal(cJSON_GetArraySize(rig_at(dims, "displayed")), 3);
    cJSON *camera = rig_expect(rig, a, "notify.camera");
    assert_string_equal(rig_at(camera, "mode")->valuestring, "pose");
    assert_int_equal(cJSON_GetArraySize(rig_at(camera, "state/angles")), 3);
    cJSON *view = rig_expect(rig, o, "notify.view");
    assert_int_equal(rig_at(view, "ndisplay")->valueint, 3);
    assert_true(rig_at(view, "extent/1/2")->valuedouble == 63.5);
    struct scene_snapshot *snapshot =
        rig_wait_posted(rig, (uint64_t)rig_at(view, "revision")->valuedouble);
    assert_int_equal(snapshot->scene.ndisplay, 3);
    assert_true(fabs(snapshot->scene.camera.center[2] - 31.5) < 1e-9);
    scene_snapshot_unref(snapshot);
    cJSON_Delete(dims);
    cJSON_Delete(camera);
    cJSON_Delete(view);
    rig_destroy(rig);
}

static void test_poses(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t a = rig_hello(rig, true), b = rig_hello(rig, true), c = rig_hello(rig, false);
    rig_drain(rig, a);
    rig_drain(rig, b);
    rig_drain(rig, c);
    char value[160];
    for (int i = 1; i <= 120; i++) {
        snprintf(value, sizeof value,
                 "{\"rev\":%d,\"ndisplay\":2,\"center\":[%d,1,0],\"zoom\":2,\"quat\":[1,0,0,0],"
                 "\"fov\":0}",
                 i, i);
        rig_update(rig, a, "view", "main", "pose", value);
        struct timespec pause = {0, 2000000};
        nanosleep(&pause, NULL);
    }
    /* The last one reaches the others, few of those before it do. */
    int views = 0, last = 0, poses = 0;
    cJSON *frame;
    while ((frame = rig_next(rig, b, 150))) {
        if (strcmp(cJSON_GetObjectItem(frame, "type")->valuestring, "notify.view") == 0) {
            views++;
            last = rig_at(frame, "origin/rev")->valueint;
            assert_true(rig_at(frame, "camera/center/0")->valuedouble == last);
        }
        cJSON_Delete(frame);
    }
    assert_int_equal(last, 120);
    assert_in_range(views, 2, 40);
    double x = 0;
    while ((frame = rig_next(rig, c, 150))) {
        poses++;
        x = rig_at(frame, "state/center/0")->valuedouble;
        cJSON_Delete(frame);
    }
    assert_true(x == 120);
    assert_in_range(poses, 2, 40);
    rig_expect_none(rig, a, "ack.state", 20);
    uint64_t rev, revision;
    rig_intent(&rev, &revision);
    assert_int_equal(rev, 120);
    struct scene_snapshot *snapshot = rig_wait_posted(rig, revision);
    assert_true(snapshot->scene.camera.center[0] == 120);
    assert_true(snapshot->pose_revision == revision);
    assert_true(snapshot->t_input_ns > 0);
    scene_snapshot_unref(snapshot);

    /* For the other ndisplay: nothing happens, and its page hears how it is. */
    rig_drain(rig, a);
    rig_update(rig, a, "view", "main", "pose",
               "{\"rev\":121,\"ndisplay\":3,\"center\":[0,0,0],\"zoom\":1,\"quat\":[1,0,0,0]}");
    cJSON *told = rig_expect(rig, a, "notify.view");
    assert_true(rig_at(told, "camera/center/0")->valuedouble == 120);
    cJSON_Delete(told);
    rig_expect_none(rig, b, "notify.view", 100);

    /* One that crosses somebody else's is told to its own page too, which has taken that one over.
     */
    rig_update(rig, b, "view", "main", "pose",
               "{\"rev\":1,\"ndisplay\":2,\"center\":[7,7,0],\"zoom\":1,\"quat\":[1,0,0,0]}");
    told = rig_expect(rig, a, "notify.view");
    assert_true(rig_at(told, "camera/center/0")->valuedouble == 7);
    cJSON_Delete(told);
    rig_update(rig, a, "view", "main", "pose",
               "{\"rev\":122,\"ndisplay\":2,\"center\":[3,3,0],\"zoom\":1,\"quat\":[1,0,0,0]}");
    told = rig_expect(rig, a, "notify.view");
    assert_true(rig_at(told, "camera/center/0")->valuedouble == 3);
    cJSON_Delete(told);
    rig_destroy(rig);
}

/* A pose is on its page's screen before it is sent; where a reset leads only the server knows. */
static void test_reset_is_told_to_who_asked(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t o = rig_hello(rig, true);
    rig_update(rig, o, "view", "main", "pose",
               "{\"rev\":1,\"ndisplay\":2,\"center\":[6,1,0],\"zoom\":2,\"quat\":[1,0,0,0]}");
    rig_drain(rig, o);
    rig_update(rig, o, "view", "main", "pose",
               "{\"rev\":2,\"ndisplay\":2,\"center\":[7,1,0],\"zoom\":2,\"quat\":[1,0,0,0]}");
    rig_expect_none(rig, o, "notify.view", 100);
    rig_update(rig, o, "view", "main", "reset", "{}");
    cJSON *view = rig_expect(rig, o, "notify.view");
    assert_true(rig_at(view, "camera/center/0")->valuedouble != 7);
    assert_true(rig_at(view, "camera/zoom")->valuedouble != 2);
    cJSON_Delete(view);
    rig_destroy(rig);
}

static void test_locked_level_indices(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t c = rig_hello(rig, false), o = rig_hello(rig, true);
    rig_drain(rig, c);
    check(rig, c, "multiscale", "main", "level", "1", "1", NULL);
    cJSON *dims = rig_expect(rig, c, "notify.dims");
    assert_int_equal(rig_at(dims, "current_level")->valueint, 1);
    assert_int_equal(rig_at(dims, "step/0")->valueint, 15);
    cJSON_Delete(dims);
    check(rig, c, "dims", "z", "index", "31", "31", NULL);
    rig_drain(rig, o);
    rig_update(rig, o, "dims", "z", "index", "63");
    cJSON *ack = rig_expect(rig, o, "ack.state");
    assert_int_equal(rig_at(ack, "applied_value")->valueint, 63);
    cJSON_Delete(ack);
    check(rig, c, "dims", "z", "step", "-1", "30", NULL);
    cJSON *view = rig_expect(rig, o, "notify.view");
    assert_int_equal(rig_at(view, "step/0")->valueint, 61);
    cJSON_Delete(view);
    rig_destroy(rig);
}

static void test_play(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, "mem:tyx:4,16,16:u8");
    uint64_t o = rig_hello(rig, true);
    rig_drain(rig, o);
    rig_update(rig, o, "dims", "t", "index", "2");
    cJSON_Delete(rig_expect(rig, o, "notify.view"));
    rig_update(rig, o, "view", "main", "play", "{\"axis\":\"t\",\"fps\":100,\"mode\":\"loop\"}");
    static const int loop[] = {2, 3, 0, 1, 2};
    for (size_t i = 0; i < 5; i++) {
        cJSON *view = rig_expect(rig, o, "notify.view");
        assert_int_equal(rig_at(view, "step/0")->valueint, loop[i]);
        assert_string_equal(rig_at(view, "play/axis")->valuestring, "t");
        cJSON_Delete(view);
    }
    rig_update(rig, o, "view", "main", "play", "null");
    cJSON_Delete(rig_expect(rig, o, "ack.state"));
    rig_drain(rig, o);
    rig_update(rig, o, "dims", "t", "index", "1");
    rig_update(rig, o, "view", "main", "play", "{\"axis\":\"t\",\"fps\":100,\"mode\":\"once\"}");
    cJSON *view;
    int step = 0;
    bool playing = true;
    while ((view = rig_next(rig, o, 300))) {
        if (strcmp(cJSON_GetObjectItem(view, "type")->valuestring, "notify.view") == 0) {
            step = rig_at(view, "step/0")->valueint;
            playing = !cJSON_IsNull(rig_at(view, "play"));
        }
        cJSON_Delete(view);
    }
    assert_int_equal(step, 3);
    assert_false(playing);
    rig_destroy(rig);
}

static void test_notices(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t o = rig_hello(rig, true), c = rig_hello(rig, false);
    rig_drain(rig, o);
    rig_drain(rig, c);
    struct render_notice notice = {
        .kind = RENDER_NOTICE_DATA_ERROR, .layer = 1, .text = "chunk 0/0/1 of x.zarr is corrupt"};
    control_render_notice(rig_control(rig), "main", &notice);
    cJSON *error = rig_expect(rig, o, "notify.error");
    assert_string_equal(rig_at(error, "layer_id")->valuestring, "layer-0");
    assert_string_equal(rig_at(error, "severity")->valuestring, "error");
    cJSON *layers = rig_expect(rig, o, "notify.layers");
    assert_string_equal(rig_at(layers, "oriel/status")->valuestring, "error");
    cJSON_Delete(error);
    cJSON_Delete(layers);
    /* A page that comes later learns of it. */
    uint64_t later = rig_hello(rig, true);
    error = rig_expect(rig, later, "notify.error");
    assert_string_equal(rig_at(error, "code")->valuestring, "data.read");
    cJSON_Delete(error);
    notice.kind = RENDER_NOTICE_DATA_OK;
    control_render_notice(rig_control(rig), "main", &notice);
    error = rig_expect(rig, o, "notify.error");
    assert_string_equal(rig_at(error, "code")->valuestring, "data.read.cleared");
    assert_string_equal(rig_at(error, "severity")->valuestring, "info");
    cJSON_Delete(error);
    control_stream_fault(rig_control(rig), "main", "encode/x died");
    error = rig_expect(rig, o, "notify.error");
    assert_string_equal(rig_at(error, "domain")->valuestring, "encoder");
    cJSON_Delete(error);
    rig_expect_none(rig, c, "notify.error", 50);
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_rows),
        cmocka_unit_test(test_canvas_is_shared),
        cmocka_unit_test(test_ack_first_then_everyone),
        cmocka_unit_test(test_ndisplay_is_one_change),
        cmocka_unit_test(test_poses),
        cmocka_unit_test(test_reset_is_told_to_who_asked),
        cmocka_unit_test(test_locked_level_indices),
        cmocka_unit_test(test_play),
        cmocka_unit_test(test_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
