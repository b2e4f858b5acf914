/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON-RPC, versions, batches, cancellation, resources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "util/check.h"

static void initialize_negotiates(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *given;
    } rows[] = {{"2024-11-05", "2024-11-05"}, {"2025-03-26", "2025-03-26"},
                {"2025-06-18", "2025-06-18"}, {"2025-11-25", "2025-11-25"},
                {"2026-07-28", "2025-11-25"}, /* has no initialize */
                {"1999-01-01", "2025-11-25"}};
    struct fake *fake = fake_create(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char body[400];
        snprintf(body, sizeof body,
                 "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"initialize\",\"params\":{"
                 "\"protocolVersion\":\"%s\",\"capabilities\":{\"roots\":{}},\"clientInfo\":{"
                 "\"name\":\"n\",\"version\":\"1\"}}}",
                 rows[i].asked);
        struct answer *answer = fake_http(fake, "POST", "", body);
        assert_int_equal(answer->status, 200);
        assert_string_equal(answer_text(answer, "result/protocolVersion"), rows[i].given);
        assert_string_equal(answer_text(answer, "result/serverInfo/name"), "oriel");
        assert_true(
            same_json(answer_at(answer, "result/capabilities"), "{\"tools\":{},\"resources\":{}}"));
        assert_non_null(answer_at(answer, "result/instructions"));
        assert_non_null(strstr(answer->headers, "mcp-session-id: "));
    }
    static const char *const bad[] = {
        "{}", "{\"protocolVersion\":1,\"capabilities\":{},\"clientInfo\":{\"name\":\"n\"}}",
        "{\"protocolVersion\":\"2025-06-18\",\"clientInfo\":{\"name\":\"n\"}}",
        "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *body = xasprintf(
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"initialize\",\"params\":%s}", bad[i]);
        struct answer *answer = fake_http(fake, "POST", "", body);
        assert_int_equal(answer_error(answer), -32602);
        assert_null(strstr(answer->headers, "mcp-session-id"));
        free(body);
    }
    fake_destroy(fake);
}

static void what_is_no_message(void **state)
{
    struct fake *fake = *state;
    static const struct {
        const char *body;
        int code;
    } rows[] = {
        {"", -32700},
        {"{", -32700},
        {"{} {}", -32700},
        {"{\"a\":\"\xff\"}", -32700},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", -32700},
        {"7", -32600},
        {"{}", -32600},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", -32600},
        {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"ping\"}", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"ping\"}", -32600},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer *answer = fake_post(fake, rows[i].body);
        if (answer_error(answer) != rows[i].code)
            fail_msg("%s: %s", rows[i].body, answer->body);
        assert_int_equal(answer->status, 400);
        assert_true(cJSON_IsNull(answer_at(answer, "id")));
        assert_string_equal(answer_text(answer, "jsonrpc"), "2.0");
    }
}

static void requests_are_answered_with_their_id(void **state)
{
    struct fake *fake = *state;
    static const char *const ids[] = {"1", "-5", "0", "1.5", "\"a b\"", "\"\"", "9007199254740991"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char *body = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", ids[i]);
        struct answer *answer = fake_post(fake, body);
        assert_int_equal(answer->status, 200);
        assert_true(same_json(answer_at(answer, "id"), ids[i]));
        assert_true(same_json(answer_at(answer, "result"), "{}"));
        free(body);
    }
    struct answer *answer =
        fake_post(fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"toolz/list\"}");
    assert_int_equal(answer_error(answer), -32601);
    assert_int_equal(answer->status, 200);
    answer = fake_post(fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"server/discover\"}");
    assert_int_equal(answer_error(answer), -32601);
    answer = fake_post(fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\",\"params\":[]}");
    assert_int_equal(answer_error(answer), -32602);
}

static void notifications_are_not_answered(void **state)
{
    struct fake *fake = *state;
    static const char *const bodies[] = {
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"tools/list\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
        "cancelled\",\"params\":{\"requestId\":99}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":1,\"message\":\"m\"}}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct answer *answer = fake_post(fake, bodies[i]);
        assert_int_equal(answer->status, 202);
        assert_string_equal(answer->body, "");
    }
}

static void lists_are_whole(void **state)
{
    struct fake *fake = *state;
    static const char *const methods[] = {"tools/list", "resources/list",
                                          "resources/templates/list"};
    for (size_t i = 0; i < 3; i++) {
        char *body = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}", methods[i]);
        struct answer *answer = fake_post(fake, body);
        assert_int_equal(answer_error(answer), 0);
        assert_null(answer_at(answer, "result/ttlMs"));
        free(body);
        body = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{\"cursor\":"
                         "\"x\"}}",
                         methods[i]);
        assert_int_equal(answer_error(fake_post(fake, body)), -32602);
        free(body);
    }
}

static void batches(void **state)
{
    struct fake *fake = *state;
    struct answer *answer = fake_post(fake, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]");
    assert_int_equal(answer_error(answer), -32600); /* 2025-11-25 has none */
    fake_initialize(fake, EDITOR, "2025-03-26");
    answer = fake_post(
        fake, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},"
              "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"},"
              "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":"
              "\"list_scenes\"}},"
              "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"initialize\",\"params\":{}},"
              "1,"
              "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{\"name\":"
              "\"get_scene\"}}]");
    assert_false(answer->given);
    fake_expect_command(fake, "napari.scene.list", NULL, "{\"scenes\":[]}");
    assert_false(answer->given);
    fake_expect_command(fake, "napari.scene.get", NULL, "{\"oriel_scene\":1}");
    assert_int_equal(answer->status, 200);
    assert_int_equal(cJSON_GetArraySize(answer->json), 5);
    assert_true(same_json(answer_at(answer, "0"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"));
    assert_int_equal(answer_at(answer, "1/id")->valueint, 3);
    assert_int_equal(answer_at(answer, "1/error/code")->valueint, -32601);
    assert_int_equal(answer_at(answer, "2/error/code")->valueint, -32600);
    assert_int_equal(answer_at(answer, "3/id")->valueint, 2);
    assert_int_equal(answer_at(answer, "4/id")->valueint, 4);
    answer = fake_post(fake, "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}]");
    assert_int_equal(answer->status, 202);
    assert_int_equal(answer_error(fake_post(fake, "[]")), -32600);
    char many[33 * 3 + 2] = "[";
    for (int i = 0; i < 33; i++)
        strcat(many, i ? ",1" : "1");
    strcat(many, "]");
    assert_int_equal(answer_error(fake_post(fake, many)), -32600);
}

static void cancellation(void **state)
{
    struct fake *fake = *state;
    struct answer *answer = fake_call(fake, "screenshot", "{}");
    struct asked *asked = fake_asked(fake);
    struct answer *said = fake_post(fake, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
                                          "cancelled\",\"params\":{\"requestId\":\"1\"}}");
    assert_int_equal(said->status, 202);
    assert_false(asked->cancelled); /* "1" is not 1 */
    fake_post(fake, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                    "\"requestId\":1,\"reason\":\"enough\"}}");
    assert_true(asked->cancelled);
    assert_false(answer->given);
    fake_refuse(fake, "command.cancelled", "the caller cancelled it", NULL);
    /* No message answers a cancelled request: an empty stream of them. */
    assert_int_equal(answer->status, 200);
    assert_non_null(strstr(answer->headers, "content-type: text/event-stream\n"));
    assert_string_equal(answer->body, ": cancelled\n\n");

    /* Of several steps the next one does not begin. */
    answer = fake_call(fake, "remove_layer", "{\"layer\":\"mri\"}");
    fake_post(fake, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                    "\"requestId\":2}}");
    fake_expect_command(fake, "oriel.describe", NULL,
                        "{\"layers\":[{\"layer_id\":\"layer-1\",\"name\":\"mri\"}]}");
    assert_true(fake_idle(fake));
    assert_string_equal(answer->body, ": cancelled\n\n");
}

/* Another session's request of the same number is another request. */
static void sessions_cancel_their_own(void **state)
{
    struct fake *fake = *state;
    struct answer *answer = fake_call(fake, "list_scenes", "{}");
    fake_initialize(fake, VIEWER, "2025-06-18");
    fake_post(fake, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                    "\"requestId\":1}}");
    assert_false(fake_asked(fake)->cancelled);
    fake_reply(fake, "{\"scenes\":[]}");
    assert_non_null(answer_at(answer, "result/structuredContent/scenes"));
}

static void an_id_is_used_once_at_a_time(void **state)
{
    struct fake *fake = *state;
    static const char body[] =
        "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{"
        "\"name\":\"list_scenes\"}}";
    struct answer *first = fake_post(fake, body), *second = fake_post(fake, body);
    assert_int_equal(answer_error(second), -32600);
    assert_false(first->given);
    fake_reply(fake, "{\"scenes\":[]}");
    assert_int_equal(answer_error(first), 0);
    fake_post(fake, body);
    fake_reply(fake, "{\"scenes\":[]}");
    assert_true(fake_idle(fake));
}

static void resources(void **state)
{
    struct fake *fake = *state;
    struct answer *answer =
        fake_post(fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/list\"}");
    assert_string_equal(answer_text(answer, "result/resources/0/uri"), "oriel://scene");
    answer =
        fake_post(fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/read\",\"params\":{"
                        "\"uri\":\"oriel://scene\"}}");
    fake_expect_command(fake, "napari.scene.get", NULL, "{\"oriel_scene\":1}");
    assert_string_equal(answer_text(answer, "result/contents/0/text"), "{\"oriel_scene\":1}");
    assert_string_equal(answer_text(answer, "result/contents/0/mimeType"), "application/json");
    answer =
        fake_post(fake, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"resources/read\",\"params\":{"
                        "\"uri\":\"oriel://scene\"}}");
    fake_refuse(fake, "command.timeout", "it took too long", NULL);
    assert_int_equal(answer_error(answer), -32603);
    answer =
        fake_post(fake, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"resources/read\",\"params\":{"
                        "\"uri\":\"file:///etc/passwd\"}}");
    assert_int_equal(answer_error(answer), -32002);
    assert_string_equal(answer_text(answer, "error/data/uri"), "file:///etc/passwd");
}

static void versions_in_headers(void **state)
{
    struct fake *fake = *state;
    char headers[256];
    static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
    snprintf(headers, sizeof headers, "mcp-session-id: %s\n", fake_session(fake));
    assert_int_equal(fake_http(fake, "POST", headers, ping)->status, 200);
    snprintf(headers, sizeof headers, "mcp-session-id: %s\nmcp-protocol-version: 1900-01-01\n",
             fake_session(fake));
    struct answer *answer = fake_http(fake, "POST", headers, ping);
    assert_int_equal(answer->status, 400);
    assert_int_equal(answer_error(answer), -32022);
    assert_true(same_json(answer_at(answer, "error/data"),
                          "{\"requested\":\"1900-01-01\",\"supported\":[\"2026-07-28\","
                          "\"2025-11-25\",\"2025-06-18\",\"2025-03-26\",\"2024-11-05\"]}"));
}

/* --- 2026-07-28: every request stands for itself --- */

#define META                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                       \
    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"new\",\"version\":\"2\"},"                 \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define SAYS(method) "mcp-protocol-version: 2026-07-28\nmcp-method: " method "\n"

static void modern_requests(void **state)
{
    (void)state;
    struct fake *fake = fake_create(NULL);
    struct answer *answer =
        fake_http(fake, "POST", SAYS("server/discover"),
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\","
                  "\"params\":{" META "}}");
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer_text(answer, "result/resultType"), "complete");
    assert_string_equal(answer_text(answer, "result/supportedVersions/0"), "2026-07-28");
    assert_string_equal(answer_text(answer, "result/cacheScope"), "private");
    assert_non_null(answer_at(answer, "result/_meta"));
    assert_null(strstr(answer->headers, "mcp-session-id"));
    answer = fake_http(fake, "POST", SAYS("tools/call") "mcp-name: list_scenes\n",
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
                       "\"name\":\"list_scenes\"," META "}}");
    assert_false(answer->given);
    fake_expect_command(fake, "napari.scene.list", NULL, "{\"scenes\":[]}");
    assert_string_equal(answer_text(answer, "result/resultType"), "complete");
    assert_null(answer_at(answer, "result/ttlMs"));
    answer = fake_http(fake, "POST",
                       SAYS("resources/read") "mcp-name: =?base64?b3JpZWw6Ly9zY2VuZQ==?=\n",
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\",\"params\":{"
                       "\"uri\":\"oriel://scene\"," META "}}");
    fake_reply(fake, "{}");
    assert_int_equal(answer_at(answer, "result/ttlMs")->valueint, 0);
    answer =
        fake_http(fake, "POST", SAYS("tools/list"),
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" META "}}");
    assert_non_null(answer_at(answer, "result/tools/0/name"));
    assert_true(answer_at(answer, "result/ttlMs")->valuedouble > 0);
    answer = fake_http(fake, "POST", SAYS("ping"),
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{" META "}}");
    assert_int_equal(answer->status, 404);
    assert_int_equal(answer_error(answer), -32601);
    answer = fake_http(fake, "POST", "mcp-protocol-version: 2026-07-28\n",
                       "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}");
    assert_int_equal(answer->status, 202);
    fake_destroy(fake);
}

static void modern_headers_agree_with_the_body(void **state)
{
    (void)state;
    struct fake *fake = fake_create(NULL);
    static const char call[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
        "\"name\":\"get_scene\"," META "}}";
    static const char *const wrong[] = {
        "",
        "mcp-method: tools/call\nmcp-name: get_scene\n",
        "mcp-protocol-version: 2025-11-25\nmcp-method: tools/call\nmcp-name: get_scene\n",
        "mcp-protocol-version: 2026-07-28\nmcp-name: get_scene\n",
        SAYS("tools/list") "mcp-name: get_scene\n",
        SAYS("tools/call"),
        SAYS("tools/call") "mcp-name: close\n",
        SAYS("tools/call") "mcp-name: =?base64?Y2xvc2U=?=\n",
        SAYS("tools/call") "mcp-name: =?base64?Z2V0X3NjZW5l!?=\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct answer *answer = fake_http(fake, "POST", wrong[i], call);
        if (!answer->given || answer->status != 400 || answer_error(answer) != -32020)
            fail_msg("%s was taken", wrong[i]);
        assert_int_equal(answer_at(answer, "id")->valueint, 1);
    }
    assert_true(fake_idle(fake));
    struct answer *answer =
        fake_http(fake, "POST", SAYS("tools/list"),
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{}}");
    assert_int_equal(answer_error(answer), -32020);
    answer =
        fake_http(fake, "POST", SAYS("tools/list"),
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
                  "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}");
    assert_int_equal(answer_error(answer), -32602);
    answer =
        fake_http(fake, "POST", SAYS("tools/list"),
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
                  "\"io.modelcontextprotocol/protocolVersion\":\"2027-01-01\"}}}");
    assert_int_equal(answer_error(answer), -32022);
    assert_int_equal(answer->status, 400);
    fake_destroy(fake);
}

/* Whatever comes, it is answered, with JSON that can be read. */
static void mutations(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
        "\"set_layer_properties\",\"arguments\":{\"layer\":\"mri\",\"opacity\":0.5,\"colormap\":{},"
        "\"contrast_limits\":[1,2]}}}",
        "[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"tools/call\",\"params\":{\"name\":"
        "\"add_image\",\"arguments\":{\"path\":\"\xc3\xa9\",\"index\":[0,null,[1,2]]}}},"
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":"
        "\"a\"}}]",
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\",\"params\":{" META "}}",
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-03-26\",\"capabilities\":{},\"clientInfo\":{\"name\":\"n\",\"version\":\"1\"}}}",
    };
    static const char letters[] = "\"\\{}[]:,0919-.eEtfnu \n\x01\xc3\xff";
    uint32_t random = 1;
    for (int round = 0; round < 40; round++) {
        struct fake *fake = fake_create(NULL);
        fake_initialize(fake, EDITOR, "2025-03-26");
        for (int i = 0; i < 200; i++) {
            char *body = xstrdup(seeds[i % 4]);
            size_t length = strlen(body);
            for (int k = 0; k <= i % 5; k++) {
                random = random * 1664525u + 1013904223u;
                body[(random >> 8) % length] = letters[(random >> 20) % (sizeof letters - 1)];
            }
            struct answer *answer = i % 4 == 2 ? fake_http(fake, "POST", SAYS("tools/list"), body)
                                               : fake_post(fake, body);
            while (!answer->given && !fake_idle(fake))
                fake_reply(fake, "{\"layers\":[{\"layer_id\":\"a\",\"name\":\"mri\"}]}");
            assert_true(answer->given);
            free(body);
        }
        fake_destroy(fake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initialize_negotiates),
        IN_SESSION(what_is_no_message),
        IN_SESSION(requests_are_answered_with_their_id),
        IN_SESSION(notifications_are_not_answered),
        IN_SESSION(lists_are_whole),
        IN_SESSION(batches),
        IN_SESSION(cancellation),
        IN_SESSION(sessions_cancel_their_own),
        IN_SESSION(an_id_is_used_once_at_a_time),
        IN_SESSION(resources),
        IN_SESSION(versions_in_headers),
        cmocka_unit_test(mutations),
        cmocka_unit_test(modern_requests),
        cmocka_unit_test(modern_headers_agree_with_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
