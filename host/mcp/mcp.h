/* SPDX-License-Identifier: BSD-3-Clause */
/* The Model Context Protocol for language models and their tools: JSON-RPC over HTTP ("streamable
 * HTTP", answered with JSON), one tool for what a person would do in the viewer. It does what it
 * does through control/surface.h, for whoever the request's token says. docs/mcp.md. */
#ifndef MCP_MCP_H
#define MCP_MCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oriel/transport.h"

struct access;
struct config;
struct control;
struct mcp;
struct metrics;

/* Valid during the call. */
struct mcp_response {
    uint32_t status;
    size_t header_count;
    const struct oriel_http_header *headers;
    const char *body; /* "" without */
    size_t body_bytes;
};

/* Where an answer goes. Copied. */
struct mcp_reply {
    void (*respond)(void *data, uint64_t id, const struct mcp_response *response);
    void *data;
    uint64_t id;
};

/* All of them must live longer. */
struct mcp *mcp_create(const struct config *config, struct control *control,
                       const struct access *access, struct metrics *metrics);
/* Nothing is answered any more: the transports have gone. */
void mcp_close(struct mcp *mcp);
/* After control_destroy, which ends all calls. NULL is fine. */
void mcp_destroy(struct mcp *mcp);

/* One HTTP request to /mcp, answered once, before this returns or later by the control thread.
 * False: it is switched off (mcp.enabled), and there is no such place. [any-thread] */
bool mcp_http(struct mcp *mcp, const struct oriel_request *request, const struct mcp_reply *reply);

#endif
