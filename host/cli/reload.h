/* SPDX-License-Identifier: BSD-3-Clause */
/* A running server with other modules and other values: modules.swap, modules.reload, SIGHUP. */
#ifndef CLI_RELOAD_H
#define CLI_RELOAD_H

#include "cli/server.h"

struct cJSON;

/* For control_rooms; `data` is the server. [any-thread, one at a time] */
struct cJSON *reload_swap(void *data, const char *kind, const char *to, const char *from,
                          struct error *err);
struct cJSON *reload_now(void *data, struct error *err);
/* SIGHUP: the same, told in the log. */
void reload_for_signal(struct server *server);
/* A view that was made while something was exchanged. */
void reload_catch_up(struct server *server, struct server_view *view);

#endif
