/* SPDX-License-Identifier: BSD-3-Clause */
/* The experiments of the configuration (docs/experiments.md), by name. */
#ifndef CLI_EXPERIMENTS_H
#define CLI_EXPERIMENTS_H

#include <stdbool.h>

#include "cli/server.h"

struct cJSON;

/* Starts those that start with the server; one whose encoder does not work here is told in the log.
 * False with what is wrong about any of them: a mode that is not for a server, a module that is not
 * there, an option that it has not. */
bool experiments_begin(struct server *server, struct error *err);

/* `what`: "list", "start" or "stop" (`name`). NULL with the reason. [control's worker] */
struct cJSON *experiments_call(void *server, const char *what, const char *name, struct error *err);

#endif
