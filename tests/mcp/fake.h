/* SPDX-License-Identifier: BSD-3-Clause */
/* An MCP room with a control room behind it that only writes down what it is asked. */
#ifndef MCP_FAKE_H
#define MCP_FAKE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/surface.h"
#include "mcp/mcp.h"
#include "metrics/metrics.h"

#define EDITOR "editor-token"
#define VIEWER "viewer-token"

/* What the control room was asked. */
struct asked {
    bool update;
    char scope[32], target[64], key[64]; /* key: of an update, or the command */
    cJSON *value;                        /* or kwargs; NULL: none */
    enum access_role role;
    char actor[128];
    int64_t timeout_ms;
    uint64_t number;
    bool cancelled;
    surface_done *done;
    void *data;
};

struct answer {
    bool given;
    uint32_t status;
    char headers[1024]; /* "name: value\n…" */
    char *body;
    cJSON *json; /* of the body; NULL when it is none */
};

struct fake;

/* `sets`: NULL-terminated "--set" values besides mcp.enabled and the two tokens; may be NULL. */
struct fake *fake_create(const char *const *sets);
void fake_destroy(struct fake *fake);
struct mcp *fake_mcp(struct fake *fake);
struct metrics *fake_metrics(struct fake *fake);

/* A request; `headers` are "name: value\n…" in lower case, in place of those that a POST has of
 * itself: a line "name:" leaves one out. Valid until fake_destroy. */
struct answer *fake_http(struct fake *fake, const char *method, const char *headers,
                         const char *body);
/* A session of an editor, or of another token. */
void fake_initialize(struct fake *fake, const char *token, const char *version);
const char *fake_session(const struct fake *fake);
/* Of a test in the session of an editor: *state is the fake. */
int fake_begin(void **state);
int fake_end(void **state);
#define IN_SESSION(test) cmocka_unit_test_setup_teardown(test, fake_begin, fake_end)
/* A POST in that session. */
struct answer *fake_post(struct fake *fake, const char *body);
/* tools/call with the next id; `args` is JSON text. */
struct answer *fake_call(struct fake *fake, const char *tool, const char *args);

/* The oldest question without an answer; fails the test when there is none. */
struct asked *fake_asked(struct fake *fake);
bool fake_idle(struct fake *fake);
/* The oldest must be this one, with this JSON as value (NULL: none); answers with `result`. */
void fake_expect_command(struct fake *fake, const char *command, const char *kwargs,
                         const char *result);
void fake_expect_update(struct fake *fake, const char *scope, const char *target, const char *key,
                        const char *value, const char *applied);
void fake_reply(struct fake *fake, const char *result);
void fake_refuse(struct fake *fake, const char *code, const char *message, const char *details);

/* "a/b/0/c" in an answer's body. */
const cJSON *answer_at(const struct answer *answer, const char *path);
const char *answer_text(const struct answer *answer, const char *path);
int answer_error(const struct answer *answer); /* the JSON-RPC code, 0: none */
/* The text of a tool's failure; fails the test when the tool did not fail. */
const char *answer_failure(const struct answer *answer);
bool same_json(const cJSON *json, const char *text);

#endif
