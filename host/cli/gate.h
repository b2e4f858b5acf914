/* SPDX-License-Identifier: BSD-3-Clause */
/* The gate: between the transports and the rooms. It decides from listener and path what a
 * connection is for, gives every connection one number that is unique over all transports, and
 * answers HTTP: the page, the numbers, the health of the process. Its callbacks run on the
 * transports' threads. */
#ifndef CLI_GATE_H
#define CLI_GATE_H

#include <stdbool.h>

#include "module/registry.h"
#include "oriel/transport.h"
#include "util/error.h"

struct config;
struct control;
struct gate;
struct mcp;
struct metrics;

struct gate_rooms {
    struct control *control;
    struct metrics *metrics;
    struct mcp *mcp;
};

/* Reads the page's files from `web_dir` once; they are served from memory. */
struct gate *gate_create(const struct gate_rooms *rooms, const char *web_dir, struct error *err);
void gate_destroy(struct gate *gate); /* NULL is fine; after gate_close */

/* Starts one transport. False when it cannot listen. */
bool gate_open_transport(struct gate *gate, struct registry *registry, const char *id,
                         struct error *err);
/* Is one of that id open, to new connections too? [any-thread, as the next four] */
bool gate_has_transport(struct gate *gate, const char *id);
/* The id of one that is open and not among these; false: there is none. */
bool gate_surplus_transport(struct gate *gate, const char *const *ids, size_t count, char id[64]);
/* `to` takes the place of `from` (NULL: of itself, else of any), whose id is given back, at its
 * addresses. Who is connected stays with the one that is replaced, which closes when the last has
 * gone. False with the reason: the one there goes on. */
bool gate_swap_transport(struct gate *gate, struct registry *registry, const char *to,
                         const char *from, char replaced[64], struct error *err);
/* Nobody comes through it any more; it closes when the last one has gone. */
bool gate_retire_transport(struct gate *gate, const char *id, struct error *err);
/* Stops every transport, once; no callback comes after it. */
void gate_close(struct gate *gate);

/* /readyz: 200 while true. */
void gate_set_ready(struct gate *gate, bool ready);

/* The first bound address of a listener (ORIEL_LISTENER_*); false when there is none. */
bool gate_endpoint(struct gate *gate, uint32_t listener, struct oriel_endpoint *endpoint);

#endif
