/* SPDX-License-Identifier: BSD-3-Clause */
/* What a registry holds; for the files of this room. */
#ifndef MODULE_INTERNAL_H
#define MODULE_INTERNAL_H

#include <cjson/cJSON.h>
#include <pthread.h>

#include "module/cache.h"
#include "module/folders.h"
#include "module/quarantine.h"
#include "module/registry.h"

/* What was found in a file once; immutable, and there as long as the registry. */
struct entry {
    struct module module; /* first */
    struct entry *next;   /* of all, newest first */
    char *path, *key, *reason;
};

struct registry {
    struct cache *cache;        /* owns what the modules' texts point into; of who refreshes */
    pthread_mutex_t refreshing; /* one at a time; never held while `lock` is */

    pthread_mutex_t lock; /* guards what follows */
    const struct config *config;
    struct folders folders;
    struct entry *entries;
    struct entry **list; /* what instances are made from: one for each path ever seen */
    size_t count;
    struct wanted {
        struct wanted *former; /* callers may still read them */
        const char **ids[MODULE_KIND_COUNT];
        size_t count[MODULE_KIND_COUNT];
    } * wanted;
};

/* The configuration that counts now; it outlives the registry. */
const struct config *registry_config(const struct registry *registry);

#endif
