/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration: built-in defaults, then a file, a preset, the environment and --set, merged
 * once into an immutable snapshot. Keys are dotted paths ("server.port", "stream.fps"); the options
 * of a module stand under its id ("encode/x264.preset"). Every value remembers where it came from.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "oriel/host_config.h"
#include "util/error.h"

struct config;

struct config_inputs {
    const char *file;        /* --config; NULL: none */
    const char *preset;      /* --preset; NULL: from the environment, the file, or "balanced" */
    const char *const *sets; /* --set, "a.b=c" */
    const char *const *set_origins; /* the flag that each stands for; NULL: "--set" for all */
    size_t set_count;
    char **environment; /* environ; NULL: none */
};

/* NULL with a sentence that names file and line, variable or flag, the key, and the nearest known
 * key. */
struct config *config_create(const struct config_inputs *inputs, struct error *err);
void config_destroy(struct config *config); /* NULL is fine */

/* The host's own values. An unknown key is a programmer's error. Strings live as long as the
 * config. */
const char *config_string(const struct config *config, const char *key); /* "" when not set */
int64_t config_int(const struct config *config, const char *key);
double config_float(const struct config *config, const char *key);
bool config_bool(const struct config *config, const char *key);
/* The i-th string of a list, NULL past its end. */
const char *config_item(const struct config *config, const char *key, size_t index);

/* A module whose options are known. */
struct config_module {
    const char *id;
    const char *section; /* as for config_for_module */
    const struct oriel_option_table *table;
};

/* Every value with its origin ("default", "preset balanced", "oriel.json:12", "NAPARI_CUDA_WIDTH",
 * "--set"), one `key = value  # origin` a line, or as JSON. Secrets are not shown. */
void config_print(const struct config *config, const struct config_module *modules, size_t count,
                  FILE *out, bool json);

/* A JSON schema (2020-12) of the file, for editors and other tools; caller frees. */
char *config_schema_json(void);

/* The validated values of one module instance; defaults filled in. An option that has the name of a
 * key of `section` ("stream"; NULL: none) and no value of its own takes that key's, as near as its
 * limits allow. NULL with the reason. */
const struct oriel_config *config_for_module(const struct config *config, const char *module_id,
                                             const char *section,
                                             const struct oriel_option_table *table,
                                             struct error *err);
void config_for_module_free(const struct oriel_config *config); /* NULL is fine */

/* Are the values right that something has set for this module? */
bool config_check_options(const struct config *config, const char *module_id,
                          const struct oriel_option_table *table, struct error *err);
/* False for the first value under an id that is not among `ids`, with the nearest of them. */
bool config_check_modules(const struct config *config, const char *const *ids, size_t count,
                          struct error *err);

/* Sets the log levels of all areas from "log.*". */
void config_apply_log(const struct config *config);

#endif
