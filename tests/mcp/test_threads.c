/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests, answers, cancellations and ends of sessions from many threads at once: every request is
 * answered, once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "control/surface.h"
#include "mcp/mcp.h"
#include "metrics/metrics.h"
#include "util/check.h"

#define CLIENTS 4
#define ROUNDS 400

/* A control room that answers on a thread of its own, the newest question first, so that orders
 * come about that a queue would hide. */
struct question {
    struct question *next;
    uint64_t number;
    bool cancelled;
    surface_done *done;
    void *data;
    cJSON *value;
};
static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct question *questions;
    uint64_t numbers;
    bool stop;
} room = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static uint64_t ask(cJSON *value, surface_done *done, void *data)
{
    struct question *question = xcalloc(1, sizeof *question);
    question->done = done;
    question->data = data;
    question->value = value;
    pthread_mutex_lock(&room.lock);
    uint64_t number = question->number = ++room.numbers;
    question->next = room.questions;
    room.questions = question;
    pthread_cond_signal(&room.wake);
    pthread_mutex_unlock(&room.lock);
    return number;
}

void surface_update(struct control *control, const struct surface_actor *actor, const char *scope,
                    const char *target, const char *key, cJSON *value, surface_done *done,
                    void *data)
{
    (void)control, (void)actor, (void)scope, (void)target, (void)key;
    ask(value, done, data);
}

uint64_t surface_call(struct control *control, const struct surface_actor *actor,
                      const char *command, cJSON *kwargs, int64_t timeout_ms, surface_done *done,
                      void *data)
{
    (void)control, (void)actor, (void)command, (void)timeout_ms;
    return ask(kwargs, done, data);
}

void surface_cancel(struct control *control, uint64_t call)
{
    (void)control;
    pthread_mutex_lock(&room.lock);
    for (struct question *q = room.questions; q; q = q->next)
        q->cancelled |= q->number == call;
    pthread_mutex_unlock(&room.lock);
}

static void *answer_all(void *data)
{
    (void)data;
    cJSON *value = cJSON_Parse("{\"layers\":[{\"layer_id\":\"a\",\"name\":\"mri\"}]}");
    pthread_mutex_lock(&room.lock);
    while (!room.stop || room.questions) {
        struct question *question = room.questions;
        if (!question) {
            pthread_cond_wait(&room.wake, &room.lock);
            continue;
        }
        room.questions = question->next;
        bool cancelled = question->cancelled;
        pthread_mutex_unlock(&room.lock);
        struct surface_answer answer = {.ok = true, .value = value};
        if (cancelled)
            answer = (struct surface_answer){.code = "command.cancelled", .message = "cancelled"};
        question->done(question->data, &answer);
        cJSON_Delete(question->value);
        free(question);
        pthread_mutex_lock(&room.lock);
    }
    pthread_mutex_unlock(&room.lock);
    cJSON_Delete(value);
    return NULL;
}

struct client {
    pthread_t thread;
    struct mcp *mcp;
    char session[64];
    uint64_t asked;
    atomic_uint_fast64_t answered, twice;
    atomic_uchar seen[ROUNDS * 3 + 8];
};

static void on_respond(void *data, uint64_t id, const struct mcp_response *response)
{
    struct client *client = data;
    if (atomic_fetch_add(&client->seen[id], 1))
        atomic_fetch_add(&client->twice, 1);
    for (size_t i = 0; id == 0 && i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, "mcp-session-id") == 0)
            snprintf(client->session, sizeof client->session, "%s", response->headers[i].value);
    }
    atomic_fetch_add(&client->answered, 1);
}

static const char *header(const struct oriel_request *request, const char *name)
{
    const struct client *client = request->data;
    if (strcmp(name, "content-type") == 0)
        return "application/json";
    return strcmp(name, "mcp-session-id") == 0 && *client->session ? client->session : NULL;
}

static void request(struct client *client, const char *method, char *body)
{
    const struct oriel_request seen = {.size = sizeof seen,
                                       .method = method,
                                       .path = "/mcp",
                                       .query = "",
                                       .peer = "127.0.0.1:1",
                                       .body = (const uint8_t *)body,
                                       .body_bytes = strlen(body),
                                       .header = header,
                                       .data = client};
    mcp_http(client->mcp, &seen,
             &(struct mcp_reply){.respond = on_respond, .data = client, .id = client->asked++});
    free(body);
}

static void initialize(struct client *client)
{
    request(client, "POST",
            xstrdup("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
                    "\"protocolVersion\":\"2025-03-26\",\"capabilities\":{},\"clientInfo\":{"
                    "\"name\":\"n\"}}}"));
}

static void *run_client(void *data)
{
    struct client *client = data;
    initialize(client);
    for (int i = 1; i <= ROUNDS; i++) {
        request(client, "POST",
                xasprintf("[{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{"
                          "\"name\":\"set_layer_properties\",\"arguments\":{\"layer\":\"mri\","
                          "\"opacity\":1,\"gamma\":1}}},{\"jsonrpc\":\"2.0\",\"id\":\"x%d\","
                          "\"method\":\"tools/call\",\"params\":{\"name\":\"list_layers\"}}]",
                          i, i));
        if (i % 3 == 0)
            request(client, "POST",
                    xasprintf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                              "\"params\":{\"requestId\":%d}}",
                              i));
        else
            request(client, "POST",
                    xstrdup("{\"jsonrpc\":\"2.0\",\"id\":\"ping\",\"method\":\"ping\"}"));
    }
    request(client, "DELETE", xstrdup(""));
    return NULL;
}

static void every_request_is_answered_once(void **state)
{
    (void)state;
    const char *const sets[] = {"mcp.enabled=true", "mcp.calls_per_minute=100000",
                                "log.level=error"};
    struct config *config =
        config_create(&(struct config_inputs){.sets = sets, .set_count = 3}, NULL);
    assert_non_null(config);
    config_apply_log(config);
    struct access *access = access_create(config, NULL);
    struct metrics *metrics = metrics_create();
    struct mcp *mcp = mcp_create(config, NULL, access, metrics);
    struct client *clients = xcalloc(CLIENTS, sizeof *clients);
    pthread_t control;
    assert_int_equal(pthread_create(&control, NULL, answer_all, NULL), 0);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].mcp = mcp;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    pthread_mutex_lock(&room.lock);
    room.stop = true;
    pthread_cond_signal(&room.wake);
    pthread_mutex_unlock(&room.lock);
    pthread_join(control, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(clients[i].answered, clients[i].asked);
        assert_int_equal(clients[i].twice, 0);
    }
    mcp_close(mcp);
    mcp_destroy(mcp);
    free(clients);
    metrics_destroy(metrics);
    access_destroy(access);
    config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_answered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
