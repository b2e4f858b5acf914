/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: lines. "=name: value" is a header of the requests that follow, '-' a DELETE, anything else
 * the body of a POST in the session that was begun last. Each request is answered once. */
#include <string.h>

#include "control/control.h"
#include "mcp/mcp.h"
#include "room.h"
#include "scene/json.h"

#define HEADERS 8

struct caller {
    struct room *room;
    struct mcp *mcp;
    char session[64];
    char *names[HEADERS], *values[HEADERS];
    unsigned header_count, answers;
};

static const char *header(const struct oriel_request *request, const char *name)
{
    const struct caller *caller = request->data;
    for (unsigned i = caller->header_count; i-- > 0;) {
        if (strcmp(caller->names[i], name) == 0)
            return caller->values[i];
    }
    if (strcmp(name, "content-type") == 0)
        return "application/json";
    if (strcmp(name, "accept") == 0)
        return "application/json, text/event-stream";
    return strcmp(name, "mcp-session-id") == 0 && caller->session[0] ? caller->session : NULL;
}

static void answer(void *data, uint64_t id, const struct mcp_response *response)
{
    struct caller *caller = data;
    MUST(id == 7);
    MUST(response->status >= 200 && response->status < 600);
    const char *type = "";
    for (size_t i = 0; i < response->header_count; i++) {
        const struct oriel_http_header *given = &response->headers[i];
        MUST(given->name && given->value && !strpbrk(given->value, "\r\n"));
        if (strcmp(given->name, "content-type") == 0)
            type = given->value;
        if (strcmp(given->name, "mcp-session-id") == 0)
            snprintf(caller->session, sizeof caller->session, "%s", given->value);
    }
    if (strcmp(type, "application/json") == 0) {
        struct error err = {""};
        cJSON *json = json_parse(response->body, response->body_bytes, &err);
        if (!json)
            fprintf(stderr, "%s: %.*s\n", err.text, (int)response->body_bytes, response->body);
        MUST(json);
        cJSON_Delete(json);
    }
    caller->answers++;
}

static void set_header(struct caller *caller, const char *line, size_t bytes)
{
    const char *colon = memchr(line, ':', bytes);
    if (!colon || caller->header_count == HEADERS)
        return;
    unsigned i = caller->header_count++;
    caller->names[i] = strndup(line, (size_t)(colon - line));
    bytes -= (size_t)(colon - line) + 1;
    caller->values[i] =
        strndup(colon + 1 + (bytes && colon[1] == ' '), bytes ? bytes - (colon[1] == ' ') : 0);
}

static void request(struct caller *caller, const char *method, const char *body, size_t bytes)
{
    struct oriel_request seen = {.size = sizeof seen,
                                 .listener = ORIEL_LISTENER_HTTP,
                                 .method = method,
                                 .path = "/mcp",
                                 .query = "",
                                 .peer = "fuzz:1",
                                 .body = (const uint8_t *)body,
                                 .body_bytes = bytes,
                                 .header = header,
                                 .data = caller};
    struct mcp_reply reply = {.respond = answer, .data = caller, .id = 7};
    unsigned before = caller->answers;
    MUST(mcp_http(caller->mcp, &seen, &reply));
    room_rest(caller->room);
    MUST(caller->answers == before + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct caller caller = {.room = room_open()};
    struct control *control = room_control(caller.room);
    caller.mcp = mcp_create(room_config(), control, control_access(control), room_metrics());
    struct lines lines = {.at = data, .end = data + bytes};
    const char *line;
    size_t length;
    while (lines_next(&lines, &line, &length)) {
        if (length && *line == '=')
            set_header(&caller, line + 1, length - 1);
        else if (length == 1 && *line == '-')
            request(&caller, "DELETE", "", 0);
        else
            request(&caller, "POST", line, length);
    }
    mcp_close(caller.mcp);
    room_close(caller.room);
    mcp_destroy(caller.mcp);
    for (unsigned i = 0; i < caller.header_count; i++) {
        free(caller.names[i]);
        free(caller.values[i]);
    }
    return 0;
}
