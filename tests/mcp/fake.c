/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "util/check.h"

#define MOST 1024

struct fake {
    struct config *config;
    struct access *access;
    struct metrics *metrics;
    struct mcp *mcp;
    struct asked asked[MOST];
    size_t first, count; /* asked[first] is the oldest that waits */
    struct answer answers[MOST];
    uint64_t answer_count;
    char token[64], session[64], version[32];
    unsigned id;
};

/* The control room's address is the fake. */
static struct fake *fake_of(struct control *control)
{
    return (struct fake *)control;
}

static struct asked *note(struct control *control, const struct surface_actor *actor)
{
    struct fake *fake = fake_of(control);
    assert_true(fake->count < MOST);
    struct asked *asked = &fake->asked[fake->count++];
    snprintf(asked->actor, sizeof asked->actor, "%s", actor->id);
    asked->role = actor->role;
    assert_null(actor->view);
    asked->number = fake->count;
    return asked;
}

void surface_update(struct control *control, const struct surface_actor *actor, const char *scope,
                    const char *target, const char *key, cJSON *value, surface_done *done,
                    void *data)
{
    struct asked *asked = note(control, actor);
    asked->update = true;
    snprintf(asked->scope, sizeof asked->scope, "%s", scope);
    snprintf(asked->target, sizeof asked->target, "%s", target);
    snprintf(asked->key, sizeof asked->key, "%s", key);
    asked->value = value;
    asked->done = done;
    asked->data = data;
}

uint64_t surface_call(struct control *control, const struct surface_actor *actor,
                      const char *command, cJSON *kwargs, int64_t timeout_ms, surface_done *done,
                      void *data)
{
    struct asked *asked = note(control, actor);
    snprintf(asked->key, sizeof asked->key, "%s", command);
    asked->value = kwargs;
    asked->timeout_ms = timeout_ms;
    asked->done = done;
    asked->data = data;
    return asked->number;
}

void surface_cancel(struct control *control, uint64_t call)
{
    struct fake *fake = fake_of(control);
    assert_in_range(call, 1, fake->count);
    fake->asked[call - 1].cancelled = true;
}

struct fake *fake_create(const char *const *sets)
{
    static const char *const own[] = {"mcp.enabled=true",
                                      "access.tokens=editor:" EDITOR ",viewer:" VIEWER};
    const char *all[16] = {own[0], own[1]};
    size_t count = 2;
    for (; sets && *sets; sets++)
        all[count++] = *sets;
    struct fake *fake = xcalloc(1, sizeof *fake);
    struct error err = {""};
    fake->config = config_create(&(struct config_inputs){.sets = all, .set_count = count}, &err);
    assert_string_equal(err.text, "");
    fake->access = access_create(fake->config, &err);
    assert_non_null(fake->access);
    fake->metrics = metrics_create();
    fake->mcp = mcp_create(fake->config, (struct control *)fake, fake->access, fake->metrics);
    return fake;
}

void fake_destroy(struct fake *fake)
{
    mcp_close(fake->mcp);
    while (!fake_idle(fake)) /* as control_destroy does */
        fake_refuse(fake, "command.cancelled", "the server stops", NULL);
    mcp_destroy(fake->mcp);
    for (uint64_t i = 0; i < fake->answer_count; i++) {
        free(fake->answers[i].body);
        cJSON_Delete(fake->answers[i].json);
    }
    for (size_t i = 0; i < fake->count; i++)
        cJSON_Delete(fake->asked[i].value);
    metrics_destroy(fake->metrics);
    access_destroy(fake->access);
    config_destroy(fake->config);
    free(fake);
}

struct mcp *fake_mcp(struct fake *fake)
{
    return fake->mcp;
}

struct metrics *fake_metrics(struct fake *fake)
{
    return fake->metrics;
}

/* --- requests --- */

static void on_respond(void *data, uint64_t id, const struct mcp_response *response)
{
    struct answer *answer = &((struct fake *)data)->answers[id];
    assert_false(answer->given);
    answer->given = true;
    answer->status = response->status;
    size_t used = 0;
    for (size_t i = 0; i < response->header_count; i++)
        used += (size_t)snprintf(answer->headers + used, sizeof answer->headers - used, "%s: %s\n",
                                 response->headers[i].name, response->headers[i].value);
    answer->body = xcalloc(1, response->body_bytes + 1);
    memcpy(answer->body, response->body, response->body_bytes);
    if (strstr(answer->headers, "application/json"))
        assert_non_null(answer->json = cJSON_Parse(answer->body));
}

/* Looks through "name: value\n…" lists, the given one first. */
static const char *find_header(const struct oriel_request *request, const char *name)
{
    static char values[16][512];
    static unsigned next;
    const char *const *lists = request->data;
    for (; *lists; lists++) {
        for (const char *line = *lists; *line;) {
            size_t n = strcspn(line, "\n"), length = strlen(name);
            if (strncmp(line, name, length) == 0 && line[length] == ':') {
                const char *value = line + length + 1;
                if (*value == '\n' || !*value)
                    return NULL;
                char *out = values[next++ % 16];
                snprintf(out, 512, "%.*s", (int)(n - length - 2), value + 1);
                return out;
            }
            line += n + (line[n] == '\n');
        }
    }
    return NULL;
}

struct answer *fake_http(struct fake *fake, const char *method, const char *headers,
                         const char *body)
{
    static const char usual[] = "authorization: Bearer " EDITOR "\ncontent-type: application/json\n"
                                "accept: application/json, text/event-stream\n";
    const char *lists[] = {headers ? headers : "", usual, NULL};
    const struct oriel_request request = {
        .size = sizeof request,
        .listener = ORIEL_LISTENER_HTTP,
        .method = method,
        .path = "/mcp",
        .query = "",
        .peer = "127.0.0.1:4711",
        .body = (const uint8_t *)(body ? body : ""),
        .body_bytes = body ? strlen(body) : 0,
        .header = find_header,
        .data = (void *)lists,
    };
    assert_true(fake->answer_count < MOST);
    uint64_t id = fake->answer_count++;
    assert_true(mcp_http(fake->mcp, &request,
                         &(struct mcp_reply){.respond = on_respond, .data = fake, .id = id}));
    return &fake->answers[id];
}

void fake_initialize(struct fake *fake, const char *token, const char *version)
{
    char body[512], headers[128];
    snprintf(fake->token, sizeof fake->token, "%s", token);
    snprintf(headers, sizeof headers, "authorization: Bearer %s\n", token);
    snprintf(body, sizeof body,
             "{\"jsonrpc\":\"2.0\",\"id\":\"init\",\"method\":\"initialize\",\"params\":{"
             "\"protocolVersion\":\"%s\",\"capabilities\":{},\"clientInfo\":{\"name\":\"test\","
             "\"version\":\"1\"}}}",
             version);
    struct answer *answer = fake_http(fake, "POST", headers, body);
    assert_int_equal(answer->status, 200);
    const char *session = strstr(answer->headers, "mcp-session-id: ");
    assert_non_null(session);
    assert_int_equal(sscanf(session, "mcp-session-id: %63s", fake->session), 1);
    snprintf(fake->version, sizeof fake->version, "%s",
             answer_text(answer, "result/protocolVersion"));
}

const char *fake_session(const struct fake *fake)
{
    return fake->session;
}

int fake_begin(void **state)
{
    struct fake *fake = *state = fake_create(NULL);
    fake_initialize(fake, EDITOR, "2025-11-25");
    return 0;
}

int fake_end(void **state)
{
    fake_destroy(*state);
    return 0;
}

struct answer *fake_post(struct fake *fake, const char *body)
{
    char headers[512];
    snprintf(headers, sizeof headers,
             "authorization: Bearer %s\nmcp-session-id: %s\nmcp-protocol-version: %s\n",
             fake->token, fake->session, fake->version);
    return fake_http(fake, "POST", headers, body);
}

struct answer *fake_call(struct fake *fake, const char *tool, const char *args)
{
    char *body = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\","
                           "\"params\":{\"name\":\"%s\",\"arguments\":%s}}",
                           ++fake->id, tool, args);
    struct answer *answer = fake_post(fake, body);
    free(body);
    return answer;
}

/* --- the control room --- */

bool fake_idle(struct fake *fake)
{
    return fake->first == fake->count;
}

struct asked *fake_asked(struct fake *fake)
{
    assert_false(fake_idle(fake));
    return &fake->asked[fake->first];
}

static void give(struct fake *fake, const struct surface_answer *answer)
{
    struct asked *asked = fake_asked(fake);
    fake->first++; /* the answer may ask the next question */
    asked->done(asked->data, answer);
}

void fake_reply(struct fake *fake, const char *result)
{
    cJSON *value = result ? cJSON_Parse(result) : NULL;
    assert_true(!result || value);
    give(fake, &(struct surface_answer){.ok = true, .value = value, .version = 1});
    cJSON_Delete(value);
}

void fake_refuse(struct fake *fake, const char *code, const char *message, const char *details)
{
    cJSON *more = details ? cJSON_Parse(details) : NULL;
    give(fake, &(struct surface_answer){.code = code, .message = message, .details = more});
    cJSON_Delete(more);
}

static void given_value(const struct asked *asked, const char *value)
{
    if (!value) {
        assert_null(asked->value);
        return;
    }
    if (!same_json(asked->value, value)) {
        char *text = cJSON_PrintUnformatted(asked->value);
        fail_msg("%s was given %s, not %s", asked->key, text, value);
    }
}

void fake_expect_command(struct fake *fake, const char *command, const char *kwargs,
                         const char *result)
{
    const struct asked *asked = fake_asked(fake);
    assert_false(asked->update);
    assert_string_equal(asked->key, command);
    given_value(asked, kwargs);
    fake_reply(fake, result);
}

void fake_expect_update(struct fake *fake, const char *scope, const char *target, const char *key,
                        const char *value, const char *applied)
{
    const struct asked *asked = fake_asked(fake);
    assert_true(asked->update);
    assert_string_equal(asked->scope, scope);
    assert_string_equal(asked->target, target);
    assert_string_equal(asked->key, key);
    given_value(asked, value);
    fake_reply(fake, applied);
}

/* --- answers --- */

const cJSON *answer_at(const struct answer *answer, const char *path)
{
    assert_true(answer->given);
    const cJSON *at = answer->json;
    char *copy = xstrdup(path), *rest = copy, *part;
    while (at && (part = strsep(&rest, "/"))) {
        at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(part))
                               : cJSON_GetObjectItemCaseSensitive(at, part);
    }
    free(copy);
    return at;
}

const char *answer_text(const struct answer *answer, const char *path)
{
    const cJSON *json = answer_at(answer, path);
    if (!cJSON_IsString(json))
        fail_msg("%s is no text in %s", path, answer->body);
    return json->valuestring;
}

int answer_error(const struct answer *answer)
{
    const cJSON *code = answer_at(answer, "error/code");
    return code ? code->valueint : 0;
}

const char *answer_failure(const struct answer *answer)
{
    if (!cJSON_IsTrue(answer_at(answer, "result/isError")))
        fail_msg("no failure: %s", answer->body);
    return answer_text(answer, "result/content/0/text");
}

bool same_json(const cJSON *json, const char *text)
{
    cJSON *other = cJSON_Parse(text);
    assert_non_null(other);
    bool same = cJSON_Compare(json, other, true);
    cJSON_Delete(other);
    return same;
}
