/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON-RPC 2.0: one message, or a batch where the revision has them. And which era a request is of:
 * one that says its revision in `_meta` stands for itself; others belong to a session. */
#include <string.h>

#include "mcp/room.h"
#include "scene/json.h"
#include "util/error.h"

/* Newest first. */
static const char *const versions[] = {MCP_MODERN, MCP_LEGACY, "2025-06-18", "2025-03-26",
                                       "2024-11-05"};
#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_CLIENT "io.modelcontextprotocol/clientInfo"
#define META_ABILITIES "io.modelcontextprotocol/clientCapabilities"

const char *version_find(const char *name)
{
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        if (strcmp(versions[i], name) == 0)
            return versions[i];
    }
    return NULL;
}

cJSON *version_names(void)
{
    return cJSON_CreateStringArray(versions, sizeof versions / sizeof *versions);
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool id_ok(const cJSON *id)
{
    double number;
    return cJSON_IsString(id) || json_number(id, &number);
}

enum kind { NOT_A_MESSAGE, REQUEST, NOTIFICATION, RESPONSE };

static enum kind kind_of(const cJSON *message)
{
    const cJSON *version = member(message, "jsonrpc"), *id = member(message, "id");
    const cJSON *method = member(message, "method");
    if (!cJSON_IsObject(message) || !cJSON_IsString(version) ||
        strcmp(version->valuestring, "2.0") != 0)
        return NOT_A_MESSAGE;
    if (!method && (member(message, "result") || member(message, "error")))
        return RESPONSE;
    if (!cJSON_IsString(method) || (id && !id_ok(id)))
        return NOT_A_MESSAGE;
    return id ? REQUEST : NOTIFICATION;
}

static void take_notification(struct exchange *exchange, const cJSON *message)
{
    const cJSON *params = member(message, "params");
    if (strcmp(member(message, "method")->valuestring, "notifications/cancelled") == 0 &&
        exchange->session[0])
        tool_call_cancel(exchange, member(params, "requestId"));
}

static void take_message(struct exchange *exchange, const cJSON *message)
{
    switch (kind_of(message)) {
    case NOT_A_MESSAGE:
        exchange_status(exchange, 400);
        exchange_error(
            exchange, NULL, RPC_INVALID, NULL,
            "not a JSON-RPC 2.0 message: it needs \"jsonrpc\": \"2.0\", a method, and as "
            "id a string, a number or nothing");
        break;
    case REQUEST:
        method_take(exchange, message);
        break;
    case NOTIFICATION:
        take_notification(exchange, message);
        break;
    case RESPONSE: /* nothing was asked */
        break;
    }
}

/* --- the modern era --- */

static void complain(struct exchange *exchange, const cJSON *message, int code, const char *what)
{
    exchange_status(exchange, 400);
    exchange_error(exchange, member(message, "id"), code, NULL, "%s", what);
}

static void complain_of_version(struct exchange *exchange, const cJSON *message, const char *asked)
{
    cJSON *data = cJSON_CreateObject();
    json_put(data, "supported", version_names());
    json_put_string(data, "requested", asked);
    exchange_status(exchange, 400);
    exchange_error(exchange, member(message, "id"), RPC_VERSION, data,
                   "the protocol version %.40s is not supported", asked);
}

/* The headers repeat the body, so that what stands between can read along: they must agree. */
static const char *disagreement(const struct oriel_request *request, const cJSON *message,
                                const char *version)
{
    const char *method = member(message, "method")->valuestring;
    const cJSON *params = member(message, "params");
    const char *header = header_of(request, "mcp-protocol-version");
    if (!header || strcmp(header, version) != 0)
        return "the header MCP-Protocol-Version does not say what the body says";
    header = header_of(request, "mcp-method");
    if (!header || strcmp(header, method) != 0)
        return "the header Mcp-Method does not say what the body says";
    const char *key = strcmp(method, "tools/call") == 0       ? "name"
                      : strcmp(method, "resources/read") == 0 ? "uri"
                                                              : NULL;
    const cJSON *name = key ? member(params, key) : NULL;
    header = header_of(request, "mcp-name");
    if (cJSON_IsString(name) && (!header || !header_says(header, name->valuestring)))
        return "the header Mcp-Name does not say what the body says";
    return NULL;
}

static void take_modern(struct exchange *exchange, const struct oriel_request *request,
                        const cJSON *message)
{
    const cJSON *meta = member(member(message, "params"), "_meta");
    const cJSON *version = member(meta, META_VERSION);
    exchange->modern = true;
    if (!cJSON_IsString(version)) {
        complain(exchange, message, RPC_HEADER,
                 "the body does not say the version that MCP-Protocol-Version says");
    } else if (strcmp(version->valuestring, MCP_MODERN) != 0) {
        complain_of_version(exchange, message, version->valuestring);
    } else if (!cJSON_IsObject(member(meta, META_ABILITIES))) {
        complain(exchange, message, RPC_PARAMS, "_meta lacks " META_ABILITIES);
    } else {
        const char *wrong = disagreement(request, message, version->valuestring);
        exchange->version = MCP_MODERN;
        client_name(member(meta, META_CLIENT), exchange->client);
        if (wrong)
            complain(exchange, message, RPC_HEADER, wrong);
        else
            method_take(exchange, message);
    }
}

/* --- sessions --- */

static void take_batch(struct exchange *exchange, const cJSON *batch)
{
    int count = cJSON_GetArraySize(batch);
    if (strcmp(exchange->version, "2025-03-26") > 0) {
        exchange_status(exchange, 400);
        exchange_error(exchange, NULL, RPC_INVALID, NULL, "the protocol version %s has no batches",
                       exchange->version);
    } else if (count < 1 || count > MCP_BATCH) {
        exchange_status(exchange, 400);
        exchange_error(exchange, NULL, RPC_INVALID, NULL, "a batch has 1 to %d messages",
                       MCP_BATCH);
    } else {
        exchange->batch = true;
        const cJSON *message;
        cJSON_ArrayForEach(message, batch)
        {
            take_message(exchange, message);
        }
    }
}

/* False after a refusal, with the exchange gone. */
static bool join(struct exchange *exchange, const struct oriel_request *request)
{
    const char *id = header_of(request, "mcp-session-id");
    if (id && mcp_session_join(exchange, id))
        return true;
    if (id)
        exchange_refuse(exchange, 404, NULL, NULL, "there is no such session: initialize again");
    else
        exchange_refuse(exchange, 400, NULL, NULL,
                        "the header Mcp-Session-Id is missing; a session begins with initialize");
    return false;
}

static bool is_method(const cJSON *message, const char *name)
{
    const cJSON *method = member(message, "method");
    return cJSON_IsString(method) && strcmp(method->valuestring, name) == 0;
}

static void take(struct exchange *exchange, const struct oriel_request *request, const cJSON *body)
{
    const char *header = header_of(request, "mcp-protocol-version");
    enum kind kind = kind_of(body);
    bool says_version = member(member(member(body, "params"), "_meta"), META_VERSION);
    bool modern_header = header && strcmp(header, MCP_MODERN) == 0;
    if (header && !version_find(header))
        complain_of_version(exchange, kind == REQUEST ? body : NULL, header);
    else if (kind == REQUEST && is_method(body, "initialize"))
        method_initialize(exchange, body);
    else if (kind == REQUEST && (says_version || modern_header))
        take_modern(exchange, request, body);
    else if (modern_header && kind == NOTIFICATION)
        ; /* this revision has none that mean anything here */
    else if (!cJSON_IsArray(body) && kind == NOT_A_MESSAGE)
        take_message(exchange, body);
    else if (!join(exchange, request))
        return;
    else if (cJSON_IsArray(body))
        take_batch(exchange, body);
    else
        take_message(exchange, body);
    exchange_drop(exchange);
}

void rpc_take(struct exchange *exchange, const struct oriel_request *request)
{
    struct error err;
    const char *text = request->body ? (const char *)request->body : "";
    cJSON *body = json_parse(text, (size_t)request->body_bytes, &err);
    if (body) {
        take(exchange, request, body);
        cJSON_Delete(body);
        return;
    }
    exchange_status(exchange, 400);
    exchange_error(exchange, NULL, RPC_PARSE, NULL, "%s", err.text);
    exchange_drop(exchange);
}
