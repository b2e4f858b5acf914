/* SPDX-License-Identifier: BSD-3-Clause */
/* The control surface: all that a client can change, ask and call, without sockets. The state
 * channel's sessions, MCP and tests do what they do through it. Requests wait in the control room's
 * queue, are carried out there in the order in which they came, and are answered there, once. */
#ifndef CONTROL_SURFACE_H
#define CONTROL_SURFACE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/access.h"

struct control;

/* On whose behalf. Copied. */
struct surface_actor {
    const char *id; /* stands in source_client_id and in the log: "mcp 127.0.0.1:4711" */
    enum access_role role;
    const char *view; /* NULL: the shared one */
};

/* Valid during the call. */
struct surface_answer {
    bool ok;
    /* ok: */
    const cJSON *value; /* what was applied, or the result; may be NULL */
    uint64_t version;   /* of an update's key */
    /* else: */
    const char *code, *message;
    const cJSON *details; /* an object, or NULL */
};
/* [control] Must return at once. */
typedef void surface_done(void *data, const struct surface_answer *answer);

/* As state.update: docs/protocol/state.md. Takes `value`. `done` may be NULL. [any-thread] */
void surface_update(struct control *control, const struct surface_actor *actor, const char *scope,
                    const char *target, const char *key, cJSON *value, surface_done *done,
                    void *data);
/* As call.command. Takes `kwargs` (an object, or NULL). `timeout_ms` 0: as configured. Returns the
 * number that surface_cancel takes. [any-thread] */
uint64_t surface_call(struct control *control, const struct surface_actor *actor,
                      const char *command, cJSON *kwargs, int64_t timeout_ms, surface_done *done,
                      void *data);
/* The call is answered with command.cancelled, unless it has been answered. [any-thread] */
void surface_cancel(struct control *control, uint64_t call);

#endif
