/* SPDX-License-Identifier: BSD-3-Clause */
/* What one client may ask for, and that another never pays for it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/limit.h"
#include "control/surface.h"
#include "rig.h"
#include "util/clock.h"

static void a_bucket_fills_again(void **state)
{
    (void)state;
    struct limit limit = {0};
    int64_t now = 1000 * NS_PER_S;
    for (int i = 0; i < 20; i++)
        assert_true(limit_take(&limit, 10, now));
    assert_false(limit_take(&limit, 10, now));
    assert_false(limit_take(&limit, 10, now - NS_PER_S)); /* time never runs back for it */
    now += NS_PER_S / 2;
    for (int i = 0; i < 5; i++)
        assert_true(limit_take(&limit, 10, now));
    assert_false(limit_take(&limit, 10, now));
    now += 3600 * NS_PER_S;
    for (int i = 0; i < 20; i++)
        assert_true(limit_take(&limit, 10, now));
    assert_false(limit_take(&limit, 10, now));
    for (int i = 0; i < 1000; i++)
        assert_true(limit_take(&limit, 0, now));
}

static bool text_is(const cJSON *json, const char *text)
{
    return cJSON_IsString(json) && strcmp(json->valuestring, text) == 0;
}

/* True when accepted; else the code has to be `code`. */
static bool acknowledged(struct rig *rig, uint64_t conn, const char *code)
{
    cJSON *ack = rig_expect(rig, conn, "ack.state");
    bool accepted = text_is(rig_at(ack, "status"), "accepted");
    if (!accepted)
        assert_string_equal(rig_at(ack, "error/code")->valuestring, code);
    cJSON_Delete(ack);
    return accepted;
}

static void updates_have_a_rate(void **state)
{
    (void)state;
    static const char *const sets[] = {"control.update_rate=5", NULL};
    struct rig *rig = rig_create(sets, NULL);
    uint64_t greedy = rig_hello(rig, true), modest = rig_hello(rig, false);
    int accepted = 0;
    for (int i = 0; i < 30; i++)
        rig_update(rig, greedy, "view", "main", "ndisplay", "2");
    rig_update(rig, modest, "view", "main", "ndisplay", "2");
    for (int i = 0; i < 30; i++)
        accepted += acknowledged(rig, greedy, "state.rate_limited");
    assert_in_range(accepted, 10, 12); /* two seconds' worth, and a slow machine's more */
    assert_true(acknowledged(rig, modest, ""));
    rig_expect_none(rig, modest, "session.goodbye", 500);
    rig_update(rig, greedy, "view", "main", "ndisplay", "2");
    assert_true(acknowledged(rig, greedy, ""));
    assert_int_equal(rig_close_code(rig, greedy, 0), 0);
    rig_destroy(rig);
}

static void calls_have_a_rate(void **state)
{
    (void)state;
    static const char *const sets[] = {"control.command_rate=2", NULL};
    struct rig *rig = rig_create(sets, NULL);
    uint64_t greedy = rig_hello(rig, true), modest = rig_hello(rig, true);
    for (int i = 0; i < 10; i++)
        rig_call(rig, greedy, "napari.pixel.request_keyframe", "{}");
    rig_call(rig, modest, "napari.pixel.request_keyframe", "{}");
    for (int i = 0; i < 4; i++)
        cJSON_Delete(rig_expect(rig, greedy, "reply.command"));
    int refused = 0;
    for (int i = 0; i < 5; i++) {
        cJSON *error = rig_expect(rig, greedy, "error.command");
        refused += text_is(rig_at(error, "code"), "command.rate_limited");
        assert_string_equal(rig_at(error, "message")->valuestring, "more than 2 calls a second");
        cJSON_Delete(error);
    }
    assert_int_equal(refused, 5);
    cJSON_Delete(rig_expect(rig, modest, "reply.command"));
    rig_destroy(rig);
}

static void garbage_ends_a_session(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, NULL);
    uint64_t bad = rig_hello(rig, true), good = rig_hello(rig, false);
    for (int i = 0; i < 100; i++)
        rig_send(rig, bad, i % 2 ? "{" : "[1]");
    rig_update(rig, bad, "view", "main", "ndisplay", "2");
    assert_true(acknowledged(rig, bad, ""));
    assert_int_equal(rig_close_code(rig, bad, 0), 0);
    rig_send(rig, bad, "\xff");
    cJSON *goodbye = rig_expect(rig, bad, "session.goodbye");
    assert_string_equal(rig_at(goodbye, "code")->valuestring, "garbage");
    cJSON_Delete(goodbye);
    assert_int_equal(rig_close_code(rig, bad, 5000), 1008);
    rig_update(rig, good, "view", "main", "ndisplay", "2");
    assert_true(acknowledged(rig, good, ""));
    rig_destroy(rig);
}

static void binary_is_garbage_but_for_the_hello(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, NULL);
    uint64_t conn = rig_hello(rig, true);
    cJSON_Delete(rig_expect(rig, conn, "session.welcome"));
    static const uint8_t text[] = "{\"type\":\"ping\"}";
    control_conn_message(rig_control(rig), conn, ORIEL_MESSAGE_BINARY, text, sizeof text - 1);
    cJSON *error = rig_expect(rig, conn, "notify.error");
    assert_string_equal(rig_at(error, "code")->valuestring, "state.garbage");
    assert_non_null(strstr(rig_at(error, "message")->valuestring, "a binary message"));
    cJSON_Delete(error);
    rig_update(rig, conn, "view", "main", "ndisplay", "2");
    assert_true(acknowledged(rig, conn, ""));
    rig_destroy(rig);
}

static void types_nobody_knows_have_a_rate(void **state)
{
    (void)state;
    static const char *const sets[] = {"control.update_rate=5", NULL};
    struct rig *rig = rig_create(sets, NULL);
    uint64_t conn = rig_hello(rig, true);
    for (int i = 0; i < 10; i++)
        rig_send(rig, conn, "{\"type\":\"ping\"}");
    rig_expect_none(rig, conn, "notify.error", 50);
    for (int i = 0; i < 200; i++)
        rig_send(rig, conn, "{\"type\":\"ping\"}");
    assert_int_equal(rig_close_code(rig, conn, 5000), 1008);
    rig_destroy(rig);
}

static void wait_for(void *data, const struct surface_answer *answer)
{
    (void)answer;
    sem_wait(data);
}

/* More than may wait comes while the room is busy: its sender is sent away, and nothing of
 * another's is lost. */
static void a_flood_is_its_senders_own_matter(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, NULL);
    uint64_t flood = rig_hello(rig, true), good = rig_hello(rig, false);
    cJSON_Delete(rig_expect(rig, flood, "session.welcome"));
    cJSON_Delete(rig_expect(rig, good, "session.welcome"));
    sem_t busy;
    sem_init(&busy, 0, 0);
    struct surface_actor actor = {.id = "test", .role = ROLE_EDITOR};
    surface_call(rig_control(rig), &actor, "no.such", NULL, 0, wait_for, &busy);
    static char padding[10000] = "{\"type\":\"ping\"}";
    memset(padding + strlen(padding), ' ', sizeof padding - 1 - strlen(padding));
    for (int i = 0; i < 1000; i++) {
        rig_send(rig, flood, padding);
        if (i % 50 == 0)
            rig_update(rig, good, "view", "main", "ndisplay", "2");
    }
    sem_post(&busy);
    cJSON *goodbye = rig_expect(rig, flood, "session.goodbye");
    assert_string_equal(rig_at(goodbye, "code")->valuestring, "flood");
    cJSON_Delete(goodbye);
    assert_int_equal(rig_close_code(rig, flood, 5000), 1008);
    for (int i = 0; i < 20; i++)
        assert_true(acknowledged(rig, good, ""));
    rig_destroy(rig);
    sem_destroy(&busy);
}

/* Small messages of a few seconds are none: all are read, if only to be told that it is too fast.
 */
static void a_burst_is_no_flood(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, NULL);
    uint64_t conn = rig_hello(rig, true);
    cJSON_Delete(rig_expect(rig, conn, "session.welcome"));
    sem_t busy;
    sem_init(&busy, 0, 0);
    struct surface_actor actor = {.id = "test", .role = ROLE_EDITOR};
    surface_call(rig_control(rig), &actor, "no.such", NULL, 0, wait_for, &busy);
    for (int i = 0; i < 4000; i++)
        rig_update(rig, conn, "view", "main", "ndisplay", "2");
    sem_post(&busy);
    int accepted = 0;
    for (int i = 0; i < 4000; i++)
        accepted += acknowledged(rig, conn, "state.rate_limited");
    assert_true(accepted >= 1200);
    assert_int_equal(rig_close_code(rig, conn, 0), 0);
    rig_destroy(rig);
    sem_destroy(&busy);
}

#define MIB (1u << 20)

/* A call whose answer has at least so many bytes. */
static void call_for(struct rig *rig, uint64_t conn, const char *session, size_t bytes)
{
    char *text = malloc(bytes + 1000);
    assert_non_null(text);
    int n = sprintf(text,
                    "{\"type\":\"call.command\",\"version\":2,\"session\":\"%s\","
                    "\"frame_id\":\"f\",\"timestamp\":1,\"payload\":{\"command\":"
                    "\"napari.pixel.request_keyframe\",\"idempotency_key\":\"",
                    session);
    memset(text + n, 'x', bytes);
    strcpy(text + n + bytes, "\"}}");
    rig_send(rig, conn, text);
    free(text);
}

static void answered(struct rig *rig, uint64_t conn, size_t bytes)
{
    cJSON *reply = rig_expect(rig, conn, "reply.command");
    assert_int_equal(strlen(rig_at(reply, "idempotency_key")->valuestring), bytes);
    cJSON_Delete(reply);
}

/* Who does not read is sent away; who is still reading one large answer is not. */
static void a_large_answer_takes_its_time(void **state)
{
    (void)state;
    static const char *const sets[] = {"server.message_bytes=67108864", NULL};
    struct rig *rig = rig_create(sets, NULL);
    uint64_t conn = rig_hello(rig, true);
    cJSON *welcome = rig_expect(rig, conn, "session.welcome");
    const char *session = rig_at(welcome, "session/id")->valuestring;
    rig_hold(rig, conn);
    call_for(rig, conn, session, 20 * MIB);
    answered(rig, conn, 20 * MIB);
    for (int i = 0; i < 15; i++) {
        call_for(rig, conn, session, MIB);
        answered(rig, conn, MIB);
    }
    rig_let(rig, conn, 30 * MIB); /* it has left; what comes now has no such excuse */
    for (int i = 0; i < 10; i++) {
        call_for(rig, conn, session, MIB);
        answered(rig, conn, MIB);
    }
    assert_int_equal(rig_close_code(rig, conn, 0), 0);
    for (int i = 0; i < 10; i++)
        call_for(rig, conn, session, MIB);
    assert_int_equal(rig_close_code(rig, conn, 5000), 1013);
    cJSON_Delete(welcome);
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_fills_again),
        cmocka_unit_test(updates_have_a_rate),
        cmocka_unit_test(calls_have_a_rate),
        cmocka_unit_test(garbage_ends_a_session),
        cmocka_unit_test(binary_is_garbage_but_for_the_hello),
        cmocka_unit_test(types_nobody_knows_have_a_rate),
        cmocka_unit_test(a_flood_is_its_senders_own_matter),
        cmocka_unit_test(a_burst_is_no_flood),
        cmocka_unit_test(a_large_answer_takes_its_time),
    };
    return cmocka_run_group_tests_name("control: limits", tests, NULL, NULL);
}
