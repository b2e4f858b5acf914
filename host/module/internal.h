/* SPDX-License-Identifier: BSD-3-Clause */
/* What a registry holds; for the files of this room. */
#ifndef MODULE_INTERNAL_H
#define MODULE_INTERNAL_H

#include <cjson/cJSON.h>

#include "module/cache.h"
#include "module/folders.h"
#include "module/registry.h"

/* Immutable after registry_create(). */
struct registry {
    const struct config *config;
    struct cache *cache; /* owns what the modules' texts point into */
    struct folders folders;
    struct folders paths; /* of the modules */
    struct module *modules;
    size_t count;
    char **hidden; /* reasons of files that another one of their id stands before */
    size_t hidden_count;
    const char **wanted[MODULE_KIND_COUNT];
    size_t wanted_count[MODULE_KIND_COUNT];
};

#endif
