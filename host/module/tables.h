/* SPDX-License-Identifier: BSD-3-Clause */
/* The option table of a module that is not loaded, from what its probe said. */
#ifndef MODULE_TABLES_H
#define MODULE_TABLES_H

#include "oriel/host_config.h"

struct cJSON;

/* `facts`: {"options": […]}, as inspect_facts() makes them; they have to outlive the table. */
struct oriel_option_table *table_from_facts(const struct cJSON *facts);
void table_free(struct oriel_option_table *table); /* NULL is fine */

#endif
