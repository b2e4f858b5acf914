/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/room.h"
#include "scene/json.h"
#include "util/check.h"

struct exchange *exchange_create(struct mcp *mcp, const struct oriel_request *request,
                                 const struct mcp_reply *reply)
{
    struct exchange *exchange = xcalloc(1, sizeof *exchange);
    exchange->mcp = mcp;
    exchange->reply = *reply;
    exchange->status = 200;
    exchange->waiting = 1;
    exchange->version = MCP_LEGACY;
    snprintf(exchange->peer, sizeof exchange->peer, "%s", request->peer);
    return exchange;
}

static void forget(struct exchange *exchange)
{
    mcp_session_leave(exchange);
    free(exchange->text);
    free(exchange);
}

static void respond(const struct exchange *exchange, uint32_t status, const char *header,
                    const char *value, const char *type, const char *body, size_t bytes)
{
    struct oriel_http_header headers[4];
    size_t count = 0;
    headers[count++] = (struct oriel_http_header){"cache-control", "no-store"};
    if (bytes)
        headers[count++] = (struct oriel_http_header){"content-type", type};
    if (exchange->session[0])
        headers[count++] = (struct oriel_http_header){"mcp-session-id", exchange->session};
    if (header)
        headers[count++] = (struct oriel_http_header){header, value};
    const struct mcp_response response = {.status = status,
                                          .header_count = count,
                                          .headers = headers,
                                          .body = body,
                                          .body_bytes = bytes};
    exchange->reply.respond(exchange->reply.data, exchange->reply.id, &response);
}

void exchange_drop(struct exchange *exchange)
{
    pthread_mutex_lock(&exchange->mcp->lock);
    bool last = --exchange->waiting == 0, closed = exchange->mcp->closed;
    pthread_mutex_unlock(&exchange->mcp->lock);
    if (!last)
        return;
    if (closed) {
        forget(exchange);
        return;
    }
    if (exchange->batch && exchange->bytes)
        exchange->text[exchange->bytes++] = ']'; /* append() left room */
    /* No answer to a request is, in HTTP, a stream of messages that has ended without one. */
    static const char nothing[] = ": cancelled\n\n";
    if (exchange->bytes)
        respond(exchange, exchange->status, NULL, NULL, "application/json", exchange->text,
                exchange->bytes);
    else if (exchange->cancelled)
        respond(exchange, 200, NULL, NULL, "text/event-stream", nothing, sizeof nothing - 1);
    else
        respond(exchange, exchange->status == 200 ? 202 : exchange->status, NULL, NULL, NULL, "",
                0);
    forget(exchange);
}

static void append(struct exchange *exchange, const char *text)
{
    size_t n = strlen(text);
    pthread_mutex_lock(&exchange->mcp->lock);
    exchange->text = xrealloc(exchange->text, exchange->bytes + n + 2);
    if (exchange->batch) {
        exchange->text[exchange->bytes] = exchange->bytes ? ',' : '[';
        exchange->bytes++;
    }
    memcpy(exchange->text + exchange->bytes, text, n);
    exchange->bytes += n;
    pthread_mutex_unlock(&exchange->mcp->lock);
}

static cJSON *message_create(void)
{
    cJSON *message = cJSON_CreateObject();
    json_put_string(message, "jsonrpc", "2.0");
    return message;
}

static void put_id(cJSON *message, const cJSON *id)
{
    json_put(message, "id", id ? cJSON_Duplicate(id, true) : cJSON_CreateNull());
}

static char *print(cJSON *message)
{
    char *text = json_print(message);
    cJSON_Delete(message);
    return text;
}

void exchange_result(struct exchange *exchange, const cJSON *id, cJSON *result)
{
    if (exchange->modern) {
        json_put_string(result, "resultType", "complete");
        cJSON *meta = json_put(result, "_meta", cJSON_CreateObject());
        cJSON *server = json_put(meta, "io.modelcontextprotocol/serverInfo", cJSON_CreateObject());
        json_put_string(server, "name", "oriel");
        json_put_string(server, "version", ORIEL_VERSION);
    }
    cJSON *message = message_create();
    put_id(message, id);
    json_put(message, "result", result);
    char *text = print(message);
    append(exchange, text);
    free(text);
}

static cJSON *error_create(int code, cJSON *data, const char *format, va_list args)
{
    char text[1400];
    vsnprintf(text, sizeof text, format, args);
    cJSON *error = cJSON_CreateObject();
    json_put_number(error, "code", code);
    json_put_string(error, "message", text);
    if (data)
        json_put(error, "data", data);
    return error;
}

void exchange_error(struct exchange *exchange, const cJSON *id, int code, cJSON *data,
                    const char *format, ...)
{
    cJSON *message = message_create();
    put_id(message, id);
    va_list args;
    va_start(args, format);
    json_put(message, "error", error_create(code, data, format, args));
    va_end(args);
    char *text = print(message);
    append(exchange, text);
    free(text);
}

void exchange_status(struct exchange *exchange, uint32_t status)
{
    pthread_mutex_lock(&exchange->mcp->lock);
    if (!exchange->batch)
        exchange->status = status;
    pthread_mutex_unlock(&exchange->mcp->lock);
}

void exchange_refuse(struct exchange *exchange, uint32_t status, const char *header,
                     const char *value, const char *format, ...)
{
    cJSON *message = message_create(); /* an error that answers no message has no id */
    va_list args;
    va_start(args, format);
    json_put(message, "error", error_create(RPC_INVALID, NULL, format, args));
    va_end(args);
    char *text = print(message);
    respond(exchange, status, header, value, "application/json", text, strlen(text));
    free(text);
    forget(exchange);
}
