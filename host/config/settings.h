/* SPDX-License-Identifier: BSD-3-Clause */
/* What was written somewhere: keys with values that are not yet checked, in the order in which they
 * win (the last one does). */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "util/error.h"

struct setting {
    char *key;
    cJSON *json;  /* from a file, or */
    char *text;   /* from anywhere else */
    char *origin; /* "oriel.json:12", "NAPARI_CUDA_WIDTH", "--set", "preset latency" */
    bool preset;  /* what a preset says about a module is a wish, not a claim */
};

struct settings {
    struct setting *at;
    size_t count;
};

void settings_finish(struct settings *settings);
void settings_add_text(struct settings *settings, const char *key, const char *text,
                       const char *origin);
/* Takes `json`. */
void settings_add_json(struct settings *settings, const char *key, cJSON *json, const char *origin);
/* Moves all of `from` to the end. */
void settings_move(struct settings *settings, struct settings *from);
/* The one that wins, or NULL. */
const struct setting *settings_find(const struct settings *settings, const char *key);

/* "encode/x264.preset": the length of the module's id, 0 for a key of the host. */
size_t setting_module_length(const char *key);

bool settings_read_file(struct settings *settings, const char *path, struct error *err);
/* "key=value"; `origins` may be NULL. */
bool settings_read_sets(struct settings *settings, const char *const *sets,
                        const char *const *origins, size_t count, struct error *err);
bool settings_read_preset(struct settings *settings, const char *preset, const char *origin,
                          struct error *err);
/* ORIEL_… and NAPARI_CUDA_…; the former win. */
bool settings_read_environment(struct settings *settings, char **environment, struct error *err);

#endif
