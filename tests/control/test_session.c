/* SPDX-License-Identifier: BSD-3-Clause */
/* Handshake, baseline, heartbeats, resuming, and clients that misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "util/check.h"

/* An AVCDecoderConfigurationRecord with the beginnings of an SPS and a PPS. */
#define AVCC                                                                                       \
    {                                                                                              \
        1, 0x42, 0xc0, 0x2a, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x2a, 1, 0, 2, 0x68, 0xce         \
    }
#define DATA "mem:zyx:64,128,96:u16:levels=3:scale=2,0.5,0.5:unit=micrometer"

static const char *type_of(const cJSON *frame)
{
    return cJSON_GetObjectItemCaseSensitive(frame, "type")->valuestring;
}

static void test_baseline_classic(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    struct stream_info info = {.codec = ORIEL_CODEC_H264,
                               .width = 1280,
                               .height = 720,
                               .fps = 60,
                               .avcc = AVCC,
                               .avcc_bytes = 17};
    control_stream_config(rig_control(rig), "main", &info);
    uint64_t conn = rig_hello(rig, false);
    static const char *const order[] = {"session.welcome", "notify.scene",  "notify.dims",
                                        "notify.layers",   "notify.stream", "notify.camera"};
    char session[64] = "";
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        cJSON *frame = rig_next(rig, conn, 5000);
        assert_non_null(frame);
        assert_string_equal(type_of(frame), order[i]);
        assert_int_equal(cJSON_GetObjectItem(frame, "version")->valueint, 2);
        const char *id = cJSON_GetObjectItem(frame, "session")->valuestring;
        if (i == 0)
            snprintf(session, sizeof session, "%s", id);
        assert_string_equal(id, session);
        if (i == 0) {
            assert_string_equal(rig_at(frame, "session/id")->valuestring, session);
            assert_true(cJSON_IsTrue(rig_at(frame, "features/call.command/enabled")));
            assert_int_equal(cJSON_GetArraySize(rig_at(frame, "features/call.command/commands")),
                             3);
            assert_null(rig_at(frame, "features/oriel"));
        }
        if (i == 1) {
            assert_int_equal(cJSON_GetObjectItem(frame, "seq")->valueint, 0);
            assert_string_equal(rig_at(frame, "metadata/status")->valuestring, "ready");
            assert_null(rig_at(frame, "layers/0/oriel"));
            assert_null(rig_at(frame, "layers/0/controls/depiction"));
            assert_null(rig_at(frame, "layers/0/controls/interpolation2d"));
        }
        if (i == 2) {
            assert_int_equal(rig_at(frame, "level_shapes/2/2")->valueint, 24);
            assert_int_equal(rig_at(frame, "step/0")->valueint, 31);
            assert_string_equal(rig_at(frame, "mode")->valuestring, "plane");
            assert_null(cJSON_GetObjectItem(frame, "seq"));
        }
        if (i == 4)
            assert_string_equal(rig_at(frame, "avcc")->valuestring, "AULAKv/hAARnQsAqAQACaM4=");
        cJSON_Delete(frame);
    }
    rig_destroy(rig);
}

static void test_baseline_oriel(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, "mem:tczyx:5,2,8,40,60:u16:levels=2:colors=ff0000,00ff80");
    uint64_t conn = rig_hello(rig, true);
    cJSON *welcome = rig_expect(rig, conn, "session.welcome");
    assert_true(cJSON_IsTrue(rig_at(welcome, "features/oriel/enabled")));
    cJSON *scene = rig_expect(rig, conn, "notify.scene");
    assert_int_equal(cJSON_GetArraySize(rig_at(scene, "layers")), 2);
    assert_string_equal(rig_at(scene, "layers/0/controls/colormap")->valuestring, "red");
    assert_string_equal(rig_at(scene, "layers/0/controls/blending")->valuestring, "additive");
    assert_string_equal(rig_at(scene, "layers/1/oriel/color")->valuestring, "#00ff80");
    assert_int_equal(cJSON_GetArraySize(rig_at(scene, "layers/1/controls/colormap/colors")), 2);
    cJSON *view = rig_expect(rig, conn, "notify.view");
    assert_int_equal(cJSON_GetArraySize(rig_at(view, "axes")), 4);
    assert_string_equal(rig_at(view, "axes/0/name")->valuestring, "t");
    assert_int_equal(rig_at(view, "step/1")->valueint, 3);
    cJSON *status = rig_expect(rig, conn, "notify.status");
    assert_true(cJSON_IsTrue(rig_at(status, "software")));
    rig_expect_none(rig, conn, "notify.dims", 100);
    cJSON_Delete(welcome);
    cJSON_Delete(scene);
    cJSON_Delete(view);
    cJSON_Delete(status);
    rig_destroy(rig);
}

static void test_idle(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, NULL);
    uint64_t conn = rig_hello(rig, false);
    cJSON *scene = rig_expect(rig, conn, "notify.scene");
    assert_string_equal(rig_at(scene, "metadata/status")->valuestring, "idle");
    cJSON *dims = rig_expect(rig, conn, "notify.dims");
    char *text = cJSON_PrintUnformatted(rig_at(dims, "level_shapes"));
    assert_string_equal(text, "[[1,1]]");
    free(text);
    cJSON_Delete(scene);
    cJSON_Delete(dims);
    rig_destroy(rig);
}

static void expect_reject(struct rig *rig, uint64_t conn, const char *code)
{
    cJSON *frame = rig_expect(rig, conn, "session.reject");
    assert_string_equal(rig_at(frame, "code")->valuestring, code);
    assert_null(cJSON_GetObjectItem(frame, "session"));
    cJSON_Delete(frame);
    assert_int_equal(rig_close_code(rig, conn, 2000), 1000);
}

#define HELLO(protocols, features)                                                                 \
    "{\"type\":\"session.hello\",\"version\":2,\"frame_id\":\"h\",\"timestamp\":1,\"payload\":{"   \
    "\"client\":{\"name\":\"a\",\"version\":\"1\",\"platform\":\"x\"},\"resume_tokens\":{},"       \
    "\"protocols\":" protocols ",\"features\":" features "}}"

static void test_rejects(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"{", "invalid_json"},
        {"{\"type\":\"ping\"}", "unexpected_message"},
        {"[1]", "unexpected_message"},
        {"{\"type\":\"session.hello\",\"payload\":{\"protocols\":[]}}", "invalid_payload"},
        {HELLO("[1]", "{}"), "protocol_mismatch"},
        {HELLO("[2]", "{\"notify.scene\":true}"), "unsupported_client"},
        {"\xff\xfe", "invalid_payload"},
        {"{\"type\":\"session.hello\",\"version\":2,\"frame_id\":\"h\",\"timestamp\":1,\"payload\":"
         "{"
         "\"client\":{\"name\":\"a\",\"version\":\"1\",\"platform\":\"x\"},\"protocols\":[2],"
         "\"features\":{\"notify.scene\":true,\"notify.layers\":true,\"notify.stream\":true},"
         "\"resume_tokens\":{\"notify.layers\":{}}}}",
         "invalid_resume_token"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t conn = rig_connect(rig);
        rig_send(rig, conn, cases[i].text);
        expect_reject(rig, conn, cases[i].code);
    }
    rig_destroy(rig);
}

static void test_garbage_hurts_nobody(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t good = rig_hello(rig, false), bad = rig_hello(rig, true);
    rig_drain(rig, good);
    rig_drain(rig, bad);
    char deep[4001];
    memset(deep, '[', 4000);
    deep[4000] = '\0';
    static const char *const garbage[] = {
        "{\"type\":\"ping\"}",
        "nonsense",
        "[]",
        "\"text\"",
        "null",
        "\xc3\x28",
        "",
        "{\"type\":7}",
        "{\"type\":\"session.ack\",\"payload\":[]}",
        "{\"type\":\"shutdown\"}",
        "{\"type\":\"state.update\"}",
        "{\"type\":\"state.update\",\"payload\":[]}",
        "{\"type\":\"call.command\",\"payload\":{\"kwargs\":[]}}",
        "{\"type\":\"state.update\",\"session\":\"s\",\"frame_id\":\"f\",\"intent_id\":\"i\","
        "\"payload\":{\"scope\":\"view\"}}",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++)
        rig_send(rig, bad, garbage[i]);
    rig_send(rig, bad, deep);
    rig_send_bytes(rig, bad, "a\0b", 3);
    rig_update(rig, good, "layer", "layer-0", "opacity", "0.25");
    cJSON *ack = rig_expect(rig, good, "ack.state");
    assert_string_equal(rig_at(ack, "status")->valuestring, "accepted");
    cJSON_Delete(ack);
    cJSON *error = rig_expect(rig, bad, "notify.error");
    assert_string_equal(rig_at(error, "code")->valuestring, "state.garbage");
    cJSON_Delete(error);
    cJSON *rejected = rig_expect(rig, bad, "ack.state");
    assert_string_equal(rig_at(rejected, "error/message")->valuestring,
                        "state.update payload invalid");
    cJSON_Delete(rejected);
    assert_int_equal(rig_close_code(rig, bad, 50), 0);
    assert_int_equal(rig_close_code(rig, good, 0), 0);
    rig_destroy(rig);
}

static void test_heartbeat(void **state)
{
    (void)state;
    const char *const sets[] = {"control.heartbeat_s=0.2", NULL};
    struct rig *rig = rig_create(sets, DATA);
    uint64_t quiet = rig_hello(rig, false), alive = rig_hello(rig, false);
    for (int i = 0; i < 4; i++) {
        cJSON *beat = rig_expect(rig, alive, "session.heartbeat");
        assert_null(cJSON_GetObjectItem(beat, "payload")->child);
        cJSON_Delete(beat);
        rig_send(rig, alive, "{\"type\":\"ping\"}");
    }
    cJSON *goodbye = rig_expect(rig, quiet, "session.goodbye");
    assert_string_equal(rig_at(goodbye, "reason")->valuestring, "heartbeat_timeout");
    cJSON_Delete(goodbye);
    assert_int_equal(rig_close_code(rig, quiet, 1000), 1011);
    assert_int_equal(rig_close_code(rig, alive, 0), 0);
    rig_destroy(rig);
}

static void test_goodbye(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t conn = rig_hello(rig, false);
    rig_send(rig, conn, "{\"type\":\"session.goodbye\",\"payload\":{}}");
    cJSON_Delete(rig_expect(rig, conn, "session.goodbye"));
    assert_int_equal(rig_close_code(rig, conn, 1000), 1000);
    uint64_t other = rig_hello(rig, false);
    cJSON_Delete(rig_expect(rig, other, "notify.scene"));
    control_stop(rig_control(rig));
    cJSON_Delete(rig_expect(rig, other, "session.goodbye"));
    assert_int_equal(rig_close_code(rig, other, 1000), 1001);
    rig_destroy(rig);
}

/* notify.stream speaks of what is H.264, whatever the others get besides. */
static void test_stream_of_two_codecs(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    struct stream_info info = {.codec = ORIEL_CODEC_H264, .width = 64, .height = 48, .fps = 60};
    struct stream_info jpeg = {.codec = ORIEL_CODEC_JPEG, .width = 640, .height = 480, .fps = 60};
    uint64_t early = rig_hello(rig, false);
    control_stream_config(rig_control(rig), "main", &jpeg);
    rig_expect_none(rig, early, "notify.stream", 50);
    memcpy(info.avcc, (const uint8_t[])AVCC, 17);
    info.avcc_bytes = 17;
    control_stream_config(rig_control(rig), "main", &info);
    control_stream_config(rig_control(rig), "main", &jpeg);
    uint64_t late = rig_hello(rig, false);
    const uint64_t conns[] = {early, late};
    for (int i = 0; i < 2; i++) {
        cJSON *stream = rig_expect(rig, conns[i], "notify.stream");
        assert_string_equal(rig_at(stream, "codec")->valuestring, "h264");
        assert_int_equal(rig_at(stream, "frame_size/0")->valueint, 64);
        cJSON_Delete(stream);
        rig_expect_none(rig, conns[i], "notify.stream", 50);
    }
    rig_destroy(rig);
}

static void test_resume(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t first = rig_hello(rig, false);
    cJSON *layers = rig_expect(rig, first, "notify.layers");
    char *token = xstrdup(cJSON_GetObjectItem(layers, "delta_token")->valuestring);
    int seq = cJSON_GetObjectItem(layers, "seq")->valueint;
    cJSON_Delete(layers);
    rig_update(rig, first, "layer", "layer-0", "opacity", "0.5");
    cJSON_Delete(rig_expect(rig, first, "notify.layers"));
    rig_update(rig, first, "layer", "layer-0", "gamma", "2");
    cJSON_Delete(rig_expect(rig, first, "notify.layers"));

    /* A fresh client in between invalidates nothing. */
    cJSON_Delete(rig_expect(rig, rig_hello(rig, false), "notify.layers"));

    uint64_t again = rig_connect(rig);
    char *hello = xasprintf(
        "{\"type\":\"session.hello\",\"version\":2,\"frame_id\":\"h\",\"timestamp\":1,\"payload\":{"
        "\"protocols\":[2],\"client\":{\"name\":\"a\",\"version\":\"1\",\"platform\":\"x\"},"
        "\"features\":{\"notify.scene\":true,\"notify.layers\":true,\"notify.stream\":true},"
        "\"resume_tokens\":{\"notify.layers\":\"%s\"}}}",
        token);
    rig_send(rig, again, hello);
    cJSON_Delete(rig_expect(rig, again, "notify.scene"));
    cJSON *one = rig_expect(rig, again, "notify.layers");
    assert_int_equal(cJSON_GetObjectItem(one, "seq")->valueint, seq + 1);
    assert_true(rig_at(one, "controls/opacity")->valuedouble == 0.5);
    assert_null(rig_at(one, "controls/gamma"));
    cJSON *two = rig_expect(rig, again, "notify.layers");
    assert_int_equal(cJSON_GetObjectItem(two, "seq")->valueint, seq + 2);
    cJSON_Delete(one);
    cJSON_Delete(two);
    rig_expect_none(rig, again, "notify.layers", 50);
    free(hello);
    free(token);
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baseline_classic),
        cmocka_unit_test(test_baseline_oriel),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_rejects),
        cmocka_unit_test(test_garbage_hurts_nobody),
        cmocka_unit_test(test_heartbeat),
        cmocka_unit_test(test_goodbye),
        cmocka_unit_test(test_stream_of_two_codecs),
        cmocka_unit_test(test_resume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
