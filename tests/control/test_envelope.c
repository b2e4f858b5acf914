/* SPDX-License-Identifier: BSD-3-Clause */
/* What the base protocol asks of the frames of a client: required, forbidden, and read leniently.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "util/check.h"

#define DATA "mem:zyx:8,16,12:u8"

/* A frame of which one part is changed: the object at `path` gets `key`: `value`, or loses it ("").
 */
struct change {
    const char *path, *key, *value, *said;
};

static char *changed(const char *frame, const struct change *change)
{
    cJSON *json = cJSON_Parse(frame), *at = json;
    assert_non_null(json);
    if (change->path[0]) {
        at = cJSON_GetObjectItemCaseSensitive(json, "payload");
        if (strcmp(change->path, "payload") != 0)
            at = cJSON_GetObjectItemCaseSensitive(at, change->path);
    }
    if (change->key)
        cJSON_DeleteItemFromObjectCaseSensitive(at, change->key);
    if (change->key && change->value[0])
        cJSON_AddItemToObject(at, change->key, cJSON_Parse(change->value));
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

static const char hello[] =
    "{\"type\":\"session.hello\",\"version\":2,\"frame_id\":\"hello-1\",\"timestamp\":1.7e9,"
    "\"payload\":{\"protocols\":[2],\"client\":{\"name\":\"a\",\"version\":\"1\",\"platform\":"
    "\"x\"},"
    "\"features\":{\"notify.scene\":true,\"notify.layers\":true,\"notify.stream\":true},"
    "\"resume_tokens\":{\"notify.scene\":null},\"auth\":{\"type\":\"token\"}}}";

static const struct change good_hellos[] = {
    {"", NULL, NULL, NULL},
    {"", "version", "2.7", NULL},
    {"", "version", "\"2\"", NULL},
    {"", "timestamp", "\" 1.5e9 \"", NULL},
    {"", "timestamp", "true", NULL},
    {"", "session", "null", NULL},
    {"", "seq", "null", NULL},
    {"", "frame_id", "7", NULL},
    {"", "extra", "{}", NULL},
    {"payload", "protocols", "[\"1\",\"2\"]", NULL},
    {"payload", "protocols", "[1,2.0]", NULL},
    {"payload", "auth", "\"none\"", NULL},
    {"payload", "auth", "", NULL},
    {"client", "name", "5", NULL},
    {"features", "notify.scene", "\"yes\"", NULL},
    {"features", "notify.stream", "1", NULL},
    {"features", "notify.unheard", "false", NULL},
    {"resume_tokens", "notify.layers", "12", NULL},
    {"resume_tokens", "notify.unheard", "\"a\"", NULL},
    {"auth", "token", "null", NULL},
};

static const struct change bad_hellos[] = {
    {"", "version", "", "version must be 2"},
    {"", "version", "1", "version must be 2"},
    {"", "version", "\"two\"", "version must be 2"},
    {"", "timestamp", "", "timestamp must be a number"},
    {"", "timestamp", "null", "timestamp must be a number"},
    {"", "timestamp", "\"now\"", "timestamp must be a number"},
    {"", "timestamp", "\"\"", "timestamp must be a number"},
    {"", "session", "\"s\"", "session must not be given"},
    {"", "frame_id", "", "frame_id is missing"},
    {"", "frame_id", "null", "frame_id is missing"},
    {"", "intent_id", "\"i\"", "intent_id must not be given"},
    {"", "seq", "0", "seq and delta_token must not be given"},
    {"", "delta_token", "\"t\"", "seq and delta_token must not be given"},
    {"", "payload", "[]", "payload must be an object"},
    {"", "payload", "", "payload must be an object"},
    {"payload", "extra", "1", "payload has the unknown field extra"},
    {"payload", "protocols", "", "payload lacks protocols"},
    {"payload", "protocols", "[]", "protocols must be a list of versions"},
    {"payload", "protocols", "2", "protocols must be a list of versions"},
    {"payload", "protocols", "[\"a\"]", "protocols must be a list of versions"},
    {"payload", "client", "[]", "client must be an object"},
    {"payload", "features", "[]", "features and resume_tokens must be objects"},
    {"payload", "resume_tokens", "", "payload lacks resume_tokens"},
    {"payload", "resume_tokens", "null", "features and resume_tokens must be objects"},
    {"client", "platform", "", "client lacks platform"},
    {"client", "build", "1", "client has the unknown field build"},
    {"auth", "type", "", "auth lacks type"},
    {"auth", "user", "\"me\"", "auth has the unknown field user"},
};

static void test_hello(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    for (size_t i = 0; i < sizeof good_hellos / sizeof *good_hellos; i++) {
        uint64_t conn = rig_connect(rig);
        char *text = changed(hello, &good_hellos[i]);
        rig_send(rig, conn, text);
        free(text);
        cJSON_Delete(rig_expect(rig, conn, "session.welcome"));
        control_conn_closed(rig_control(rig), conn);
    }
    for (size_t i = 0; i < sizeof bad_hellos / sizeof *bad_hellos; i++) {
        uint64_t conn = rig_connect(rig);
        char *text = changed(hello, &bad_hellos[i]);
        rig_send(rig, conn, text);
        free(text);
        cJSON *reject = rig_expect(rig, conn, "session.reject");
        assert_string_equal(rig_at(reject, "code")->valuestring, "invalid_payload");
        assert_string_equal(rig_at(reject, "details/error")->valuestring, bad_hellos[i].said);
        cJSON_Delete(reject);
    }
    rig_destroy(rig);
}

static const char update[] =
    "{\"type\":\"state.update\",\"version\":2,\"session\":\"s\",\"frame_id\":\"f\",\"intent_id\":"
    "\"i\","
    "\"timestamp\":1.0,\"payload\":{\"scope\":\"layer\",\"target\":\"layer-0\",\"key\":\"gamma\","
    "\"value\":0.5}}";

static void test_update(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"", NULL, NULL, NULL},
        {"", "extra", "1", NULL},
        {"", "frame_id", "12", NULL},
        {"", "session", "3", NULL},
        {"", "seq", "null", NULL},
        {"payload", "extra", "[1]", NULL},
        {"payload", "scope", "\" LAYER\"", NULL},
        {"", "version", "3", "state.update payload invalid"},
        {"", "timestamp", "", "state.update payload invalid"},
        {"", "seq", "1", "state.update payload invalid"},
        {"", "delta_token", "\"t\"", "state.update payload invalid"},
        {"", "payload", "[]", "state.update payload invalid"},
        {"payload", "scope", "", "state.update payload invalid"},
        {"payload", "target", "", "state.update payload invalid"},
        {"payload", "value", "", "state.update payload invalid"},
        {"payload", "scope", "5", "unsupported 5 key gamma"},
    };
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t conn = rig_hello(rig, false);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char *text = changed(update, &changes[i]);
        rig_send(rig, conn, text);
        free(text);
        cJSON *ack = rig_expect(rig, conn, "ack.state");
        assert_string_equal(rig_at(ack, "status")->valuestring,
                            changes[i].said ? "rejected" : "accepted");
        if (changes[i].said)
            assert_string_equal(rig_at(ack, "error/message")->valuestring, changes[i].said);
        const char *id = rig_at(ack, "in_reply_to")->valuestring;
        assert_string_equal(id, i == 2 ? "12" : "f");
        cJSON_Delete(ack);
    }
    static const char *const ids[] = {"session", "frame_id", "intent_id"};
    for (size_t i = 0; i < 3; i++) { /* nobody to answer to */
        char *text = changed(update, &(struct change){"", ids[i], "", NULL});
        rig_send(rig, conn, text);
        free(text);
    }
    rig_expect_none(rig, conn, "ack.state", 50);
    rig_destroy(rig);
}

static const char call[] =
    "{\"type\":\"call.command\",\"version\":2,\"session\":\"s\",\"frame_id\":\"f\",\"timestamp\":1,"
    "\"payload\":{\"command\":\"napari.scene.get\",\"args\":[],\"kwargs\":{}}}";

static void test_call(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"", NULL, NULL, NULL},
        {"payload", "extra", "1", NULL},
        {"payload", "args", "null", NULL},
        {"payload", "kwargs", "null", NULL},
        {"payload", "kwargs", "", NULL},
        {"payload", "idempotency_key", "5", NULL},
        {"", "version", "1", "command.forbidden"},
        {"", "timestamp", "", "command.forbidden"},
        {"", "session", "", "command.forbidden"},
        {"", "frame_id", "", "command.forbidden"},
        {"", "intent_id", "\"i\"", "command.forbidden"},
        {"", "seq", "1", "command.forbidden"},
        {"", "payload", "null", "command.forbidden"},
        {"payload", "args", "{}", "command.forbidden"},
        {"payload", "kwargs", "[]", "command.forbidden"},
        {"payload", "command", "", "command.forbidden"},
        {"payload", "command", "7", "command.not_found"},
    };
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t conn = rig_hello(rig, false);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char *text = changed(call, &changes[i]);
        rig_send(rig, conn, text);
        free(text);
        cJSON *answer = rig_expect(rig, conn, changes[i].said ? "error.command" : "reply.command");
        if (changes[i].said)
            assert_string_equal(rig_at(answer, "code")->valuestring, changes[i].said);
        assert_string_equal(rig_at(answer, "in_reply_to")->valuestring, i == 9 ? "unknown" : "f");
        if (i == 5)
            assert_string_equal(rig_at(answer, "idempotency_key")->valuestring, "5");
        cJSON_Delete(answer);
    }
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
