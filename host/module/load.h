/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MODULE_LOAD_H
#define MODULE_LOAD_H

#include "module/call.h"
#include "module/registry.h"

/* A file with one content; one that has been replaced since is another one. Never goes. */
struct loaded {
    struct loaded *next;
    char *path, *key;
    bool again; /* another content of that path has been loaded before */
    enum { LOADING, USABLE, FAILED } state;
    const struct oriel_entry *entry;
    struct oriel_host *host; /* of init(): the module may keep it as long as it is loaded */
    struct error err;        /* of FAILED */
    struct callee callees[MODULE_KIND_COUNT];
};

/* Loads it if it is not there yet; waits where another thread is at it. NULL with the reason, which
 * stays. [any-thread] */
const struct loaded *load(const struct module *module, enum module_kind kind, struct error *err);

/* This process has loaded that file with that content, or could not. */
enum load_state { LOAD_NEVER, LOAD_USABLE, LOAD_FAILED };
enum load_state load_state_of(const struct module *module);

#endif
