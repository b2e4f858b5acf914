/* SPDX-License-Identifier: BSD-3-Clause */
/* The door: who may come in, and with what. */
#include "mcp/mcp.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "mcp/room.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"

struct mcp *mcp_create(const struct config *config, struct control *control,
                       const struct access *access, struct metrics *metrics)
{
    struct mcp *mcp = xcalloc(1, sizeof *mcp);
    mcp->config = config;
    mcp->control = control;
    mcp->access = access;
    mcp->metrics = metrics;
    mcp->enabled = config_bool(config, "mcp.enabled");
    mcp->call_ms = config_int(config, "mcp.call_ms");
    mcp->calls_per_minute = config_int(config, "mcp.calls_per_minute");
    mcp->session_limit = config_int(config, "mcp.sessions");
    mcp->body_bytes = config_int(config, "server.message_bytes");
    mcp->allowance = (double)mcp->calls_per_minute;
    mcp->allowance_ns = clock_ns();
    pthread_mutex_init(&mcp->lock, NULL);
    return mcp;
}

void mcp_close(struct mcp *mcp)
{
    pthread_mutex_lock(&mcp->lock);
    mcp->closed = true;
    pthread_mutex_unlock(&mcp->lock);
}

void mcp_destroy(struct mcp *mcp)
{
    if (!mcp)
        return;
    for (struct mcp_session *session = mcp->sessions, *next; session; session = next) {
        next = session->next;
        free(session);
    }
    pthread_mutex_destroy(&mcp->lock);
    free(mcp);
}

/* The role that the token of a request has. */
static enum access_role role_of(const struct mcp *mcp, const struct oriel_request *request,
                                bool *given)
{
    char token[256];
    *given = access_token(header_of(request, "authorization"), request->query, token);
    enum access_role role = access_role(mcp->access, *given ? token : NULL);
    explicit_bzero(token, sizeof token);
    return role;
}

static void take_delete(struct exchange *exchange, const struct oriel_request *request)
{
    const char *id = header_of(request, "mcp-session-id");
    if (!id) {
        exchange_refuse(exchange, 400, NULL, NULL, "the header Mcp-Session-Id is missing");
    } else if (!mcp_session_close(exchange->mcp, id)) {
        exchange_refuse(exchange, 404, NULL, NULL, "there is no such session");
    } else {
        exchange_status(exchange, 204);
        exchange_drop(exchange);
    }
}

static void take_post(struct exchange *exchange, const struct oriel_request *request)
{
    if (!media_is_json(header_of(request, "content-type")))
        exchange_refuse(exchange, 415, NULL, NULL, "the Content-Type must be application/json");
    else if (!media_accepts_json(header_of(request, "accept")))
        exchange_refuse(exchange, 406, NULL, NULL,
                        "the answer is application/json, which Accept leaves out");
    else if (request->body_bytes > (uint64_t)exchange->mcp->body_bytes)
        exchange_refuse(exchange, 413, NULL, NULL, "a request may have %lld bytes at most",
                        (long long)exchange->mcp->body_bytes);
    else
        rpc_take(exchange, request);
}

bool mcp_http(struct mcp *mcp, const struct oriel_request *request, const struct mcp_reply *reply)
{
    if (!mcp->enabled)
        return false;
    struct exchange *exchange = exchange_create(mcp, request, reply);
    const char *origin = header_of(request, "origin");
    bool given;
    exchange->role = role_of(mcp, request, &given);
    if (origin && !access_origin(mcp->access, origin, NULL)) {
        log_warn(LOG_MCP, "%s: refused for a page of %.100s", exchange->peer, origin);
        exchange_refuse(exchange, 403, NULL, NULL, "not for pages of other sites");
    } else if (strcmp(request->method, "POST") != 0 && strcmp(request->method, "DELETE") != 0) {
        exchange_refuse(exchange, 405, "allow", "POST, DELETE", "only POST and DELETE here");
    } else if (exchange->role == ROLE_NONE) {
        log_warn(LOG_MCP, "%s: refused %s", exchange->peer,
                 given ? "with a token that is not known" : "without a token");
        exchange_refuse(exchange, 401, "www-authenticate",
                        given ? "Bearer realm=\"oriel\", error=\"invalid_token\""
                              : "Bearer realm=\"oriel\"",
                        "a token is needed: Authorization: Bearer …");
    } else if (strcmp(request->method, "DELETE") == 0) {
        take_delete(exchange, request);
    } else {
        take_post(exchange, request);
    }
    return true;
}
