/* SPDX-License-Identifier: BSD-3-Clause */
/* The encoders of the configuration in their order, for `oriel modules`: which can be used and
 * which would be taken. */
#ifndef CLI_MODULES_LADDER_H
#define CLI_MODULES_LADDER_H

#include <stdbool.h>
#include <stdio.h>

struct cJSON;
struct config;
struct registry;

/* {"modules.encoder": [{"id", "result", "reason"}…], "modules.still": […]}. With `try` each usable
 * one is made and given test pictures of the canvas' size, in a child process of its own: "codec",
 * "ms", "chain" and "taken" are told as well. No thread may run yet. */
struct cJSON *modules_ladder(const struct config *config, struct registry *registry, bool try);
void modules_ladder_print(const struct cJSON *ladder, FILE *out);

#endif
