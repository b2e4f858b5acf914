/* SPDX-License-Identifier: BSD-3-Clause */
/* What modules there are and what the configuration makes of them: for `oriel modules` and
 * oriel.modules. [any-thread] */
#ifndef MODULE_INVENTORY_H
#define MODULE_INVENTORY_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "config/config.h"
#include "module/registry.h"

struct inventory {
    const struct config *config;
    const struct registry *registry;
};

/* A list of the configuration and what stands in it. */
struct inventory_list {
    const char *key;
    enum module_kind kind;
};

bool inventory_wants(const struct inventory *inventory, enum module_kind kind, const char *id);
/* Calls `each` for whatever the configuration names and cannot have. */
void inventory_missing(const struct inventory *inventory,
                       void (*each)(void *data, const struct inventory_list *list, const char *id,
                                    const char *reason),
                       void *data);
/* {"modules": […], "missing": […]} */
cJSON *inventory_json(const struct inventory *inventory);

#endif
