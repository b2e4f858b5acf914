/* SPDX-License-Identifier: BSD-3-Clause */
/* Every module found on disk: probed in a child process, loaded on first use, never unloaded. */
#ifndef MODULE_REGISTRY_H
#define MODULE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "oriel/module.h"
#include "util/error.h"

struct callee;
struct cJSON;
struct config;
struct registry;

enum module_kind {
    MODULE_CAPTURE,
    MODULE_ENCODER,
    MODULE_TRANSPORT,
    MODULE_SCENE,
    MODULE_SOURCE,
    MODULE_KIND_COUNT
};

const char *module_kind_name(enum module_kind kind);      /* "capture", "encoder", … */
const char *module_kind_interface(enum module_kind kind); /* "oriel.capture/1", … */
/* The section of the configuration whose keys its options inherit: "render", "stream", … */
const char *module_kind_section(enum module_kind kind);

/* What the probe found in a file. Strings live as long as the registry. `reason` is NULL for a
 * usable module; else it says in one sentence, with file and both versions where versions differ,
 * why not. */
struct module {
    const char *path;
    const char *id; /* "" when it could not be read */
    const char *version;
    const char *vendor;
    const char *license;
    const char *description;
    const char *build;
    unsigned abi_major, abi_minor, target_minor;
    bool kinds[MODULE_KIND_COUNT];
    const char *reason;
    /* {"encoder": {"options": […], "formats": […], "codecs": […]}, …}; NULL for an unusable one. */
    const struct cJSON *facts;
    /* By kind; NULL where it has not that kind. */
    const struct oriel_option_table *options[MODULE_KIND_COUNT];
    /* Tells the file's content from that of another one at the same path. */
    const char *key;
};

/* Scans the module folders: modules.path of the configuration, $ORIEL_MODULE_PATH, the user's,
 * those beside this program, the system's. The first usable file of an id wins, the others are kept
 * with that as their reason, as is a file that cannot be used; a folder of modules.path that is
 * none and a wrong option of a usable module fail. [main] */
struct registry *registry_create(const struct config *config, struct error *err);
void registry_destroy(struct registry *registry);

/* What has become of a file since it was looked at before. */
enum module_news {
    MODULE_ADDED,
    MODULE_CHANGED, /* new instances are made from the new file, those there are go on */
    MODULE_REFUSED, /* … and cannot be used as it is now; one that was loaded before stays in use */
    MODULE_GONE
};
typedef void registry_tell(void *data, enum module_news news, const struct module *module,
                           const char *reason);
/* Looks again, with `config` from now on (NULL: as it is), which then outlives the registry. False
 * with the reason, and nothing has changed, where registry_create would fail. [any-thread] */
bool registry_refresh(struct registry *registry, const struct config *config, registry_tell *tell,
                      void *data, struct error *err);
/* No instance can be made from that file: what was loaded from its path before, if anything, is
 * used again. The module that is used then, or NULL. [any-thread] */
const struct module *registry_take_back(struct registry *registry, const struct module *module);

/* Modules never go before the registry does, and there are never fewer. [any-thread] */
size_t registry_count(const struct registry *registry);
const struct module *registry_at(const struct registry *registry, size_t index);

/* The module that an instance of `id` would be made from, or a refused file of that id, or NULL. */
const struct module *registry_find(const struct registry *registry, const char *id);

/* Can instances of this kind be made from `id`, as far as its file tells? Else why not, with file
 * names and the nearest id. */
bool registry_usable(const struct registry *registry, enum module_kind kind, const char *id,
                     struct error *err);

/* The ids that the configuration lists for a kind ("modules.encoder": [...]), best first. */
size_t registry_wanted(const struct registry *registry, enum module_kind kind,
                       const char *const **ids);

/* config_print() of its configuration, with the options of the usable modules. */
void registry_print_config(const struct registry *registry, FILE *out, bool json);

/* One instance's hold on a module: its vtable, its services and its options. */
struct module_use {
    const struct module *module;
    const struct callee *callee; /* for MODULE_CALL */
    const void *vtable;          /* struct oriel_encoder, … by kind */
    struct oriel_host *host;
    const struct oriel_config *config;
};

/* Loads a module for one instance. `label` names the instance in the log. False with the reason
 * when it is missing, refused, or its options are wrong (nearest name and file position included).
 * [any-thread] */
bool module_use_open(struct registry *registry, enum module_kind kind, const char *id,
                     const char *label, struct module_use *use, struct error *err);
/* The same with the options that `config` has for it (NULL: the registry's), which outlives this
 * call only. [any-thread] */
bool module_use_open_with(struct registry *registry, enum module_kind kind, const char *id,
                          const char *label, const struct config *with, struct module_use *use,
                          struct error *err);
/* The instance has been destroyed. Zeroed `use` is fine. [any-thread] */
void module_use_close(struct module_use *use);

/* Loads the first of the wanted modules for which `try` (create an instance, encode a frame, …)
 * returns true. Logs the choice and the reason of every refusal before it. False, with all reasons,
 * when none works. */
bool module_use_first(struct registry *registry, enum module_kind kind, const char *label,
                      bool (*try_use)(struct module_use *use, void *data, struct error *err),
                      void *data, struct module_use *use, struct error *err);

#endif
