/* SPDX-License-Identifier: BSD-3-Clause */
/* The door: methods, headers, tokens, pages of other sites, sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "fake.h"

#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"

static struct answer *post(struct fake *fake, const char *headers)
{
    char all[1024];
    snprintf(all, sizeof all, "mcp-session-id: %s\n%s", fake_session(fake), headers);
    return fake_http(fake, "POST", all, PING);
}

static void expect_status(struct answer *answer, uint32_t status, const char *header)
{
    assert_true(answer->given);
    assert_int_equal(answer->status, status);
    if (header && !strstr(answer->headers, header))
        fail_msg("no \"%s\" among %s", header, answer->headers);
    if (status >= 400) { /* an error that answers no message */
        assert_non_null(answer_at(answer, "error/message"));
        assert_null(answer_at(answer, "id"));
    }
}

static void off_is_not_there(void **state)
{
    (void)state;
    struct config *config = config_create(&(struct config_inputs){0}, NULL);
    struct mcp *mcp = mcp_create(config, NULL, NULL, NULL);
    struct oriel_request request = {.size = sizeof request};
    assert_false(mcp_http(mcp, &request, &(struct mcp_reply){0}));
    mcp_destroy(mcp);
    config_destroy(config);
}

static void methods(void **state)
{
    struct fake *fake = *state;
    expect_status(fake_http(fake, "GET", "", NULL), 405, "allow: POST, DELETE\n");
    expect_status(fake_http(fake, "HEAD", "", NULL), 405, "allow: POST, DELETE\n");
}

static void tokens(void **state)
{
    struct fake *fake = *state;
    expect_status(post(fake, ""), 200, NULL);
    expect_status(post(fake, "authorization: Bearer " VIEWER "\n"), 200, NULL);
    expect_status(post(fake, "authorization:\n"), 401,
                  "www-authenticate: Bearer realm=\"oriel\"\n");
    expect_status(post(fake, "authorization: Bearer wrong-token\n"), 401,
                  "www-authenticate: Bearer realm=\"oriel\", error=\"invalid_token\"\n");
    expect_status(post(fake, "authorization: Basic " EDITOR "\n"), 401, "www-authenticate:");
}

/* Rebinding: a page makes its own name point here; then Host and Origin agree, and lie. */
static void origins(void **state)
{
    struct fake *fake = *state;
    static const char *const good[] = {"http://localhost:8081", "http://127.0.0.1",
                                       "https://[::1]:1", "http://LOCALHOST"};
    static const char *const bad[] = {
        "null",
        "",
        "http://evil.example:8081",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "http://[::1].evil.example",
        "file://localhost",
        "http://",
        "localhost",
        "http://0.0.0.0:8081",
    };
    char headers[256];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(headers, sizeof headers, "origin: %s\nhost: 127.0.0.1\n", good[i]);
        expect_status(post(fake, headers), 200, NULL);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(headers, sizeof headers, "origin: %s\nhost: evil.example:8081\n",
                 *bad[i] ? bad[i] : " ");
        expect_status(post(fake, headers), 403, NULL);
    }
    static const char *const named[] = {"server.host=lab.example", NULL};
    struct fake *other = fake_create(named);
    fake_initialize(other, EDITOR, "2025-11-25");
    expect_status(post(other, "origin: https://lab.example:8081\n"), 200, NULL);
    expect_status(post(other, "origin: https://xlab.example\n"), 403, NULL);
    fake_destroy(other);
    static const char *const wild[] = {"server.host=0.0.0.0", NULL};
    other = fake_create(wild);
    fake_initialize(other, EDITOR, "2025-11-25");
    expect_status(post(other, "origin: http://0.0.0.0:8081\n"), 403, NULL);
    fake_destroy(other);
}

static void media_types(void **state)
{
    struct fake *fake = *state;
    static const char *const accepted[] = {
        "content-type: application/json; charset=utf-8\n",
        "content-type: APPLICATION/JSON;charset=\"UTF-8\"\n",
        "accept: application/json\n",
        "accept:\n",
        "accept: */*\n",
        "accept: text/html, application/*;q=0.1\n",
        "accept: */*;q=0, application/json\n",
    };
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++)
        expect_status(post(fake, accepted[i]), 200, NULL);
    static const char *const no_json[] = {"content-type:\n", "content-type: text/plain\n",
                                          "content-type: application/jsonp\n",
                                          "content-type: application/json; charset=latin1\n"};
    for (size_t i = 0; i < sizeof no_json / sizeof *no_json; i++)
        expect_status(post(fake, no_json[i]), 415, NULL);
    static const char *const others[] = {"accept: text/event-stream\n", "accept: text/*\n",
                                         "accept: application/json;q=0, */*\n",
                                         "accept: application/json; q=0.0\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        expect_status(post(fake, others[i]), 406, NULL);
}

static void large_bodies(void **state)
{
    (void)state;
    static const char *const sets[] = {"server.message_bytes=1024", NULL};
    struct fake *fake = fake_create(sets);
    char body[1100];
    memset(body, ' ', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    expect_status(fake_http(fake, "POST", "", body), 413, NULL);
    fake_destroy(fake);
}

static void sessions_begin_and_end(void **state)
{
    struct fake *fake = *state;
    assert_int_equal(strlen(fake_session(fake)), 32);
    struct answer *answer = post(fake, "");
    expect_status(answer, 200, "mcp-session-id: ");
    expect_status(fake_http(fake, "POST", "", PING), 400, NULL);
    expect_status(fake_http(fake, "POST", "mcp-session-id: 0123\n", PING), 404, NULL);
    char headers[128];
    snprintf(headers, sizeof headers, "mcp-session-id: %s\n", fake_session(fake));
    expect_status(fake_http(fake, "DELETE", "", NULL), 400, NULL);
    answer = fake_http(fake, "DELETE", headers, NULL);
    expect_status(answer, 204, NULL);
    assert_string_equal(answer->body, "");
    expect_status(fake_http(fake, "DELETE", headers, NULL), 404, NULL);
    expect_status(fake_http(fake, "POST", headers, PING), 404, NULL);
}

/* A session that ends takes its calls with it. */
static void the_end_cancels(void **state)
{
    struct fake *fake = *state;
    struct answer *answer = fake_call(fake, "list_layers", "{}");
    assert_false(answer->given);
    char headers[128];
    snprintf(headers, sizeof headers, "mcp-session-id: %s\n", fake_session(fake));
    expect_status(fake_http(fake, "DELETE", headers, NULL), 204, NULL);
    assert_true(fake_asked(fake)->cancelled);
    fake_refuse(fake, "command.cancelled", "the caller cancelled it", NULL);
    assert_true(answer->given);
    assert_string_equal(answer->body, ": cancelled\n\n");
}

static void the_idle_make_room(void **state)
{
    (void)state;
    static const char *const sets[] = {"mcp.sessions=2", NULL};
    struct fake *fake = fake_create(sets);
    char first[128], second[128];
    fake_initialize(fake, EDITOR, "2025-11-25");
    snprintf(first, sizeof first, "mcp-session-id: %s\n", fake_session(fake));
    struct answer *busy = fake_call(fake, "list_layers", "{}");
    fake_initialize(fake, EDITOR, "2025-11-25");
    snprintf(second, sizeof second, "mcp-session-id: %s\n", fake_session(fake));
    fake_initialize(fake, EDITOR, "2025-11-25");
    expect_status(fake_http(fake, "POST", first, PING), 200, NULL); /* older, but at work */
    expect_status(fake_http(fake, "POST", second, PING), 404, NULL);
    fake_call(fake, "list_layers", "{}");
    struct answer *answer = fake_http(
        fake, "POST", "",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"n\",\"version\":\"1\"}}}");
    assert_int_equal(answer->status, 503);
    assert_false(busy->given);
    fake_destroy(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_is_not_there),
        IN_SESSION(methods),
        IN_SESSION(tokens),
        IN_SESSION(origins),
        IN_SESSION(media_types),
        cmocka_unit_test(large_bodies),
        IN_SESSION(sessions_begin_and_end),
        IN_SESSION(the_end_cancels),
        cmocka_unit_test(the_idle_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
