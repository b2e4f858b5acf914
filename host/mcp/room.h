/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the MCP room. A request becomes an exchange; each of its messages is answered into it, the
 * tools' from the control thread; with the last one the exchange answers the request and is gone.
 */
#ifndef MCP_ROOM_H
#define MCP_ROOM_H

#include <cjson/cJSON.h>
#include <pthread.h>

#include "control/access.h"
#include "control/surface.h"
#include "mcp/mcp.h"
#include "mcp/params.h"

#define MCP_CALLS 32      /* at a time, of all clients */
#define MCP_BATCH 32      /* messages in one request */
#define MCP_SLOW 6        /* calls that read data or draw may take this many times mcp.call_ms */
#define MCP_ID_BYTES 33   /* of a session */
#define MCP_NAME_BYTES 96 /* "claude-code 2.0.1" */

/* JSON-RPC's codes, and those that MCP adds. */
enum {
    RPC_PARSE = -32700,
    RPC_INVALID = -32600,
    RPC_NO_METHOD = -32601,
    RPC_PARAMS = -32602,
    RPC_NO_RESOURCE = -32002, /* up to 2025-11-25 */
    RPC_HEADER = -32020,
    RPC_VERSION = -32022
};

/* Revisions of the protocol. From MODERN on a request says all about itself; before, a session
 * begins with `initialize`. */
#define MCP_MODERN "2026-07-28"
#define MCP_LEGACY "2025-11-25"
const char *version_find(const char *name); /* one of version_names(), or NULL */
cJSON *version_names(void);

struct mcp_session {
    struct mcp_session *next;
    char id[MCP_ID_BYTES];
    const char *version;
    char client[MCP_NAME_BYTES];
    int64_t used_ns;
    unsigned exchanges; /* open */
};

struct mcp {
    const struct config *config;
    struct control *control;
    const struct access *access;
    struct metrics *metrics;
    bool enabled;
    int64_t call_ms, calls_per_minute, session_limit, body_bytes;

    pthread_mutex_t lock; /* guards what follows; never held while another room is called */
    bool closed;
    struct mcp_session *sessions;
    struct tool_call *calls;
    unsigned call_count;
    double allowance; /* calls that may begin now */
    int64_t allowance_ns;
};

struct exchange {
    struct mcp *mcp;
    struct mcp_reply reply;
    enum access_role role;
    char peer[80];
    const char *version;
    bool modern, batch;
    char session[MCP_ID_BYTES]; /* "": none */
    char client[MCP_NAME_BYTES];
    /* Under the lock. */
    bool cancelled;   /* by its client, which wants no answer */
    unsigned waiting; /* for this many answers, and for whoever is still taking messages */
    uint32_t status;
    char *text; /* the answers so far */
    size_t bytes;
};

/* exchange.c */
struct exchange *exchange_create(struct mcp *mcp, const struct oriel_request *request,
                                 const struct mcp_reply *reply);
/* The last one answers the request. */
void exchange_drop(struct exchange *exchange);
/* The answer to the message with this id (NULL: null). Both take the JSON. */
void exchange_result(struct exchange *exchange, const cJSON *id, cJSON *result);
void exchange_error(struct exchange *exchange, const cJSON *id, int code, cJSON *data,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The HTTP status, when it is not 200. */
void exchange_status(struct exchange *exchange, uint32_t status);
/* Answers the request with an HTTP status, a reason and a header (or NULL) instead, and drops it.
 */
void exchange_refuse(struct exchange *exchange, uint32_t status, const char *header,
                     const char *value, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* headers.c: what the headers of a request say. */
const char *header_of(const struct oriel_request *request, const char *name);
bool media_is_json(const char *content_type);
bool media_accepts_json(const char *accept);
/* Does a header that may be "=?base64?…?=" say `value`? */
bool header_says(const char *header, const char *value);

/* text.c */
/* For the log: no quote in it ends what is quoted. */
void text_unquote(char *text);

/* session.c: sessions before MODERN. */
/* Fills exchange->session; the session unused for longest makes room. False: all are busy. */
bool mcp_session_open(struct exchange *exchange, const char *version, const char *client);
/* Fills version, session and client; false when there is no such session. */
bool mcp_session_join(struct exchange *exchange, const char *id);
void mcp_session_leave(struct exchange *exchange);
bool mcp_session_close(struct mcp *mcp, const char *id);

/* rpc.c: the messages of a body. Both drop the exchange. */
void rpc_take(struct exchange *exchange, const struct oriel_request *request);

/* method.c: one request of an exchange whose era and session are clear. */
void method_take(struct exchange *exchange, const cJSON *message);
void method_initialize(struct exchange *exchange, const cJSON *message);
/* "claude-code 2.0.1" of {"name","version"}; "" when it is nothing of the kind. */
void client_name(const cJSON *info, char name[MCP_NAME_BYTES]);

/* tools.c */
struct tool {
    const char *name, *title, *help;
    const struct param *params;
    unsigned least_params; /* 0: those that are required */
    const struct param *result;
    bool read_only, destructive, idempotent;
    bool slow;          /* reads data, or draws */
    const char *object; /* the argument that stands in the log, or NULL */
    void (*run)(struct tool_call *call);
};
const struct tool *tool_find(const char *name);
cJSON *tool_list(enum access_role role);
extern const struct tool tool_read_scene; /* resources/read, which is answered as one */

/* call.c: a call of a tool, from one answer of the control room to the next. */
typedef void tool_then(struct tool_call *call, const cJSON *value);
struct tool_call {
    struct tool_call *next;
    struct exchange *exchange;
    struct mcp *mcp;
    const struct tool *tool;
    cJSON *id;
    char actor[112];
    int64_t started_ns;
    /* The tool's own. */
    cJSON *args; /* right by tool->params */
    cJSON *gathered;
    char layer[64];
    size_t at;
    char done[256]; /* what has been changed already, for a failure */
    tool_then *then, *with_layer;
    /* Under the lock. */
    unsigned holds;
    unsigned step; /* counts requests and answers, so that a late number is known as such */
    bool cancelled;
    uint64_t pending; /* the control room's number; 0: none that can be cancelled */
};
/* Checks and begins; `args` may be NULL. */
void tool_call_begin(struct exchange *exchange, const cJSON *id, const struct tool *tool,
                     const cJSON *args);
/* notifications/cancelled of a session; an unknown id is ignored. */
void tool_call_cancel(struct exchange *exchange, const cJSON *id);
void tool_call_cancel_session(struct mcp *mcp, const char *session);

/* For tools. Each ends in one of the last three. */
const cJSON *tool_arg(const struct tool_call *call, const char *name); /* NULL when not given */
cJSON *tool_arg_copy(const struct tool_call *call, const char *name);
/* napari.*: `then` gets the result; a failure ends the call. Takes kwargs. */
void tool_command(struct tool_call *call, const char *command, cJSON *kwargs, tool_then *then);
/* state.update: `then` gets the applied value. Takes value. */
void tool_update(struct tool_call *call, const char *scope, const char *target, const char *key,
                 cJSON *value, tool_then *then);
/* Finds the layer that the argument "layer" names, by id or by name, into call->layer. */
void tool_with_layer(struct tool_call *call, tool_then *then);
void tool_finish(struct tool_call *call, cJSON *result); /* takes it */
/* The same with a picture before it. */
void tool_finish_picture(struct tool_call *call, const char *png_base64, cJSON *result);
void tool_fail(struct tool_call *call, const char *code, const cJSON *details, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

/* tools_look.c, tools_view.c, tools_layer.c, tools_data.c */
extern const struct tool tools_look[], tools_view[], tools_layer[], tools_data[];

#endif
