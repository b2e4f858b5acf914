/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's own keys: one table, from which files, flags and variables are checked, printed,
 * documented and described as a JSON schema. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "oriel/host_config.h"

/* An option whose default is NULL has no value until something sets it. */
const struct oriel_option *schema_options(size_t *count);
/* The index of a key, or -1. */
int schema_find(const char *key);
/* Is it the beginning of keys ("stream")? */
bool schema_is_section(const char *key);

/* "ORIEL_SERVER_PORT" for "server.port"; false when it does not fit. */
bool schema_variable(const char *key, char *name, size_t size);

/* All presets' names, separated by spaces. */
#define SCHEMA_PRESETS "latency balanced quality lossless"

struct schema_preset_value {
    const char *key;
    const char *value;
};
/* The index-th value of a preset; false past the end, or for an unknown preset. */
bool schema_preset(const char *preset, size_t index, struct schema_preset_value *value);

#endif
