/* SPDX-License-Identifier: BSD-3-Clause */
/* Who wrote what, and that clients which follow docs/protocol/README.md agree in the end, in
 * whatever order requests arrive and however late the notifies are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "util/check.h"

#define DATA "mem:zyx:8,32,32:u16"

static void update(struct rig *rig, uint64_t conn, const char *key, double value, unsigned seq,
                   const char *interaction, const char *phase)
{
    char *text =
        xasprintf("{\"type\":\"state.update\",\"version\":2,\"session\":\"s\",\"frame_id\":"
                  "\"f-%u\",\"intent_id\":\"i-%u\",\"timestamp\":1.0,\"payload\":{\"scope\":"
                  "\"layer\",\"target\":\"layer-0\",\"key\":\"%s\",\"value\":%.17g,"
                  "\"client_seq\":%u,\"interaction_id\":\"%s\",\"phase\":\"%s\"}}",
                  seq, seq, key, value, seq, interaction, phase);
    rig_send(rig, conn, text);
    free(text);
}

static char *session_of(struct rig *rig, uint64_t conn)
{
    rig_call(rig, conn, "oriel.describe", "{}");
    cJSON *reply = rig_expect(rig, conn, "reply.command");
    char *id = xstrdup(cJSON_GetObjectItem(reply, "session")->valuestring);
    cJSON_Delete(reply);
    return id;
}

static void test_stamps(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t a = rig_hello(rig, true), b = rig_hello(rig, true), c = rig_hello(rig, false);
    char *id = session_of(rig, a);
    rig_drain(rig, a);
    rig_drain(rig, b);
    rig_drain(rig, c);
    update(rig, a, "opacity", 0.5, 41, "drag-7", "update");
    cJSON *ack = rig_expect(rig, a, "ack.state");
    cJSON *told = rig_expect(rig, b, "notify.layers");
    const cJSON *version = rig_at(told, "control_versions/opacity");
    assert_true(cJSON_Compare(version, rig_at(ack, "control_version"), true));
    assert_string_equal(cJSON_GetObjectItem(version, "source_client_id")->valuestring, id);
    assert_int_equal(cJSON_GetObjectItem(version, "source_client_seq")->valueint, 41);
    assert_string_equal(cJSON_GetObjectItem(version, "interaction_id")->valuestring, "drag-7");
    assert_string_equal(cJSON_GetObjectItem(version, "phase")->valuestring, "update");
    assert_int_equal(cJSON_GetObjectItem(version, "version")->valueint, 2);
    double first = cJSON_GetObjectItem(version, "server_seq")->valuedouble;
    assert_int_equal(cJSON_GetArraySize(rig_at(told, "control_versions")), 1);
    cJSON_Delete(ack);
    cJSON_Delete(told);
    /* The reference's client sees none of it. */
    told = rig_expect(rig, c, "notify.layers");
    assert_null(rig_at(told, "control_versions"));
    cJSON_Delete(told);

    /* What is the same as before is accepted and told to nobody; its version stays. */
    update(rig, b, "opacity", 0.5, 1, "", "");
    ack = rig_expect(rig, b, "ack.state");
    assert_int_equal(rig_at(ack, "version")->valueint, 2);
    cJSON_Delete(ack);
    rig_expect_none(rig, c, "notify.layers", 50);
    rig_drain(rig, a); /* its own echo */

    update(rig, b, "opacity", 0.25, 2, "", "");
    told = rig_expect(rig, a, "notify.layers");
    version = rig_at(told, "control_versions/opacity");
    assert_int_equal(cJSON_GetObjectItem(version, "version")->valueint, 3);
    assert_true(cJSON_GetObjectItem(version, "server_seq")->valuedouble > first);
    assert_string_not_equal(cJSON_GetObjectItem(version, "source_client_id")->valuestring, id);
    cJSON_Delete(told);

    /* A fresh client gets the stamps of everything with the scene. */
    uint64_t d = rig_hello(rig, true);
    cJSON *scene = rig_expect(rig, d, "notify.scene");
    assert_int_equal(rig_at(scene, "layers/0/control_versions/opacity/version")->valueint, 3);
    assert_int_equal(cJSON_GetArraySize(rig_at(scene, "layers/0/control_versions")),
                     cJSON_GetArraySize(rig_at(scene, "layers/0/controls")));
    cJSON_Delete(scene);
    free(id);
    rig_destroy(rig);
}

/* ndisplay, camera, dims and level of a toggle are one revision and one frame. */
static void test_together(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    uint64_t a = rig_hello(rig, true), c = rig_hello(rig, false);
    rig_drain(rig, a);
    rig_drain(rig, c);
    rig_update(rig, c, "view", "main", "ndisplay", "3");
    cJSON *view = rig_expect(rig, a, "notify.view");
    assert_int_equal(rig_at(view, "ndisplay")->valueint, 3);
    assert_true(cJSON_Compare(rig_at(view, "versions/ndisplay/server_seq"),
                              rig_at(view, "versions/camera/server_seq"), true));
    assert_true(cJSON_Compare(rig_at(view, "versions/ndisplay/server_seq"),
                              rig_at(view, "revision"), true));
    cJSON_Delete(view);
    rig_expect_none(rig, a, "notify.view", 60);
    cJSON *dims = rig_expect(rig, c, "notify.dims");
    assert_int_equal(rig_at(dims, "ndisplay")->valueint, 3);
    cJSON_Delete(dims);
    cJSON *pose = rig_expect(rig, c, "notify.camera");
    assert_int_equal(cJSON_GetArraySize(rig_at(pose, "state/angles")), 3);
    cJSON_Delete(pose);
    rig_destroy(rig);
}

/* A client as the protocol asks it to be, for one key. */
struct client {
    struct rig *rig;
    uint64_t conn;
    char *id;
    double known; /* the newest by server_seq */
    double seq;
    double local;         /* its own newest, while that has not been answered */
    unsigned sent, acked; /* requests */
};

static double shown(const struct client *client)
{
    return client->acked < client->sent ? client->local : client->known;
}

static void learn(struct client *client, const cJSON *value, const cJSON *version)
{
    double seq = cJSON_GetObjectItem(version, "server_seq")->valuedouble;
    if (seq < client->seq)
        return;
    client->known = value->valuedouble;
    client->seq = seq;
}

static void client_read(struct client *client, int ms)
{
    cJSON *frame;
    while ((frame = rig_next(client->rig, client->conn, ms))) {
        const char *type = cJSON_GetObjectItem(frame, "type")->valuestring;
        if (strcmp(type, "notify.layers") == 0 && rig_at(frame, "controls/opacity"))
            learn(client, rig_at(frame, "controls/opacity"),
                  rig_at(frame, "control_versions/opacity"));
        if (strcmp(type, "ack.state") == 0) {
            learn(client, rig_at(frame, "applied_value"), rig_at(frame, "control_version"));
            client->acked++;
        }
        cJSON_Delete(frame);
    }
}

static void client_send(struct client *client, double value, bool last)
{
    client->local = value;
    update(client->rig, client->conn, "opacity", value, ++client->sent, "drag",
           last ? "end" : "update");
}

/* What is read when: 0 after every request, 1 at the end, 2 each client after its own only. */
static void interleave(struct rig *rig, unsigned order, unsigned reading)
{
    struct client clients[2];
    for (int i = 0; i < 2; i++) {
        clients[i] = (struct client){.rig = rig, .conn = rig_hello(rig, true)};
        clients[i].id = session_of(rig, clients[i].conn);
        rig_drain(rig, clients[i].conn);
    }
    unsigned left[2] = {3, 2};
    double last = 0;
    for (int step = 0; step < 5; step++) {
        int who = order >> step & 1;
        last = (10 + 5 * step + 30 * who + (int)reading) / 128.0; /* exact in any text */
        client_send(&clients[who], last, --left[who] == 0);
        if (reading == 0) {
            client_read(&clients[0], 1);
            client_read(&clients[1], 1);
        } else if (reading == 2) {
            client_read(&clients[who], 1);
        }
        /* The slider stays where the hand is, whatever of others was heard. */
        if (clients[who].acked < clients[who].sent)
            assert_true(shown(&clients[who]) == last);
    }
    for (int i = 0; i < 2; i++) {
        for (int tries = 0; clients[i].acked < clients[i].sent && tries < 50; tries++)
            client_read(&clients[i], 20);
        client_read(&clients[i], 30);
        assert_int_equal(clients[i].acked, clients[i].sent);
    }
    uint64_t fresh = rig_hello(rig, true);
    cJSON *scene = rig_expect(rig, fresh, "notify.scene");
    double truth = rig_at(scene, "layers/0/controls/opacity")->valuedouble;
    cJSON_Delete(scene);
    assert_true(truth == last);
    for (int i = 0; i < 2; i++) {
        assert_true(shown(&clients[i]) == truth);
        free(clients[i].id);
    }
}

static void test_interleavings(void **state)
{
    (void)state;
    for (unsigned reading = 0; reading < 3; reading++) {
        struct rig *rig = rig_create(NULL, DATA);
        for (unsigned order = 0; order < 32; order++) {
            if (__builtin_popcount(order) == 2)
                interleave(rig, order, reading);
        }
        rig_destroy(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_interleavings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
