/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/internal.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "module/folders.h"
#include "module/tables.h"
#include "oriel/capture.h"
#include "oriel/encoder.h"
#include "oriel/scene_module.h"
#include "oriel/source.h"
#include "oriel/transport.h"
#include "util/check.h"
#include "util/log.h"
#include "util/nearest.h"

static const struct {
    const char *name, *interface, *key, *section;
} kinds[MODULE_KIND_COUNT] = {
    [MODULE_CAPTURE] = {"capture", ORIEL_CAPTURE_V1, "modules.capture", "render"},
    [MODULE_ENCODER] = {"encoder", ORIEL_ENCODER_V1, "modules.encoder", "stream"},
    [MODULE_TRANSPORT] = {"transport", ORIEL_TRANSPORT_V1, "modules.transport", "server"},
    [MODULE_SCENE] = {"scene", ORIEL_SCENE_V1, "modules.scene", "render"},
    [MODULE_SOURCE] = {"source", ORIEL_SOURCE_V1, "modules.source", "data"},
};

const char *module_kind_name(enum module_kind kind)
{
    return kinds[kind].name;
}

const char *module_kind_interface(enum module_kind kind)
{
    return kinds[kind].interface;
}

const char *module_kind_section(enum module_kind kind)
{
    return kinds[kind].section;
}

/* ---- scanning ---- */

static const char *text_of(const cJSON *facts, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(facts, name));
    return text ? text : "";
}

static unsigned number_of(const cJSON *facts, const char *name)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(facts, name);
    return cJSON_IsNumber(number) && number->valuedouble >= 0 && number->valuedouble <= 1e9
               ? (unsigned)number->valuedouble
               : 0;
}

static void add_module(struct registry *registry, const char *path)
{
    const cJSON *facts = cache_probe(registry->cache, path);
    const char *reason = text_of(facts, "reason");
    registry->modules =
        xrealloc(registry->modules, (registry->count + 1) * sizeof *registry->modules);
    struct module *module = &registry->modules[registry->count];
    *module = (struct module){
        .path = registry->paths.at[registry->count],
        .id = text_of(facts, "id"),
        .version = text_of(facts, "version"),
        .vendor = text_of(facts, "vendor"),
        .license = text_of(facts, "license"),
        .description = text_of(facts, "description"),
        .build = text_of(facts, "build"),
        .abi_major = number_of(facts, "abi_major"),
        .abi_minor = number_of(facts, "abi_minor"),
        .target_minor = number_of(facts, "target_minor"),
        .reason = reason[0] ? reason : NULL,
        .facts = reason[0] ? NULL : cJSON_GetObjectItemCaseSensitive(facts, "kinds"),
    };
    for (int kind = 0; kind < MODULE_KIND_COUNT && module->facts; kind++) {
        const cJSON *of_kind = cJSON_GetObjectItemCaseSensitive(module->facts, kinds[kind].name);
        module->kinds[kind] = of_kind != NULL;
        module->options[kind] = of_kind ? table_from_facts(of_kind) : NULL;
    }
    for (size_t i = 0; i < registry->count && !module->reason; i++) {
        const struct module *earlier = &registry->modules[i];
        if (!earlier->reason && strcmp(earlier->id, module->id) == 0) {
            char *hidden = xasprintf("%s: %s comes from %s, which was found first", path,
                                     module->id, earlier->path);
            registry->hidden =
                xrealloc(registry->hidden, (registry->hidden_count + 1) * sizeof(char *));
            registry->hidden[registry->hidden_count++] = hidden;
            module->reason = hidden;
        }
    }
    registry->count++;
    if (module->reason)
        log_debug(LOG_MODULE, "refused: %s", module->reason);
}

static void read_wanted(struct registry *registry, const struct config *config)
{
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++) {
        size_t count = 0;
        while (config_item(config, kinds[kind].key, count))
            count++;
        registry->wanted[kind] = xcalloc(count, sizeof(char *));
        registry->wanted_count[kind] = count;
        for (size_t i = 0; i < count; i++)
            registry->wanted[kind][i] = config_item(config, kinds[kind].key, i);
    }
}

/* A slip in the options of a module shows now, not when the module is first needed. Modules that
 * are not here, or cannot be used here, may have options in a file that several machines share. */
static bool check_options(const struct registry *registry, struct error *err)
{
    const char **ids = xcalloc(registry->count, sizeof *ids);
    bool ok = true;
    for (size_t i = 0; i < registry->count && ok; i++) {
        const struct module *module = &registry->modules[i];
        ids[i] = module->id;
        for (int kind = 0; kind < MODULE_KIND_COUNT && ok && !module->reason; kind++) {
            if (module->kinds[kind])
                ok = config_check_options(registry->config, module->id, module->options[kind], err);
        }
    }
    struct error unknown;
    if (ok && !config_check_modules(registry->config, ids, registry->count, &unknown))
        log_warn(LOG_MODULE, "%s", unknown.text);
    free(ids);
    return ok;
}

struct registry *registry_create(const struct config *config, struct error *err)
{
    struct folders folders;
    if (!folders_find(&folders, config, err))
        return NULL;
    struct registry *registry = xcalloc(1, sizeof *registry);
    registry->config = config;
    registry->cache = cache_open(config_string(config, "modules.cache"));
    read_wanted(registry, config);
    for (size_t i = 0; i < folders.count; i++) {
        struct folders files;
        folders_files(&files, folders.at[i]);
        for (size_t j = 0; j < files.count; j++) {
            size_t at = registry->paths.count++;
            registry->paths.at =
                xrealloc(registry->paths.at, registry->paths.count * sizeof(char *));
            registry->paths.at[at] = xstrdup(files.at[j]);
            add_module(registry, files.at[j]);
        }
        folders_finish(&files);
    }
    registry->folders = folders;
    cache_save(registry->cache);
    if (check_options(registry, err))
        return registry;
    registry_destroy(registry);
    return NULL;
}

void registry_destroy(struct registry *registry)
{
    if (!registry)
        return;
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++)
        free(registry->wanted[kind]);
    for (size_t i = 0; i < registry->count; i++) {
        for (int kind = 0; kind < MODULE_KIND_COUNT; kind++)
            table_free((struct oriel_option_table *)(uintptr_t)registry->modules[i].options[kind]);
    }
    for (size_t i = 0; i < registry->hidden_count; i++)
        free(registry->hidden[i]);
    free(registry->hidden);
    free(registry->modules);
    folders_finish(&registry->paths);
    folders_finish(&registry->folders);
    cache_close(registry->cache);
    free(registry);
}

/* ---- asking ---- */

size_t registry_count(const struct registry *registry)
{
    return registry->count;
}

const struct module *registry_at(const struct registry *registry, size_t index)
{
    return &registry->modules[index];
}

size_t registry_wanted(const struct registry *registry, enum module_kind kind,
                       const char *const **ids)
{
    *ids = registry->wanted[kind];
    return registry->wanted_count[kind];
}

/* "encode/x264" for ".../encode-x264.so": what a file that does not speak is meant to be. */
static bool named_like(const char *path, const char *id)
{
    const char *file = strrchr(path, '/') + 1;
    size_t length = strlen(id);
    if (strlen(file) != length + 3) /* ".so" */
        return false;
    for (size_t i = 0; i < length; i++) {
        if (file[i] != id[i] && !(id[i] == '/' && file[i] == '-'))
            return false;
    }
    return true;
}

const struct module *registry_find(const struct registry *registry, const char *id)
{
    const struct module *refused = NULL;
    for (size_t i = 0; i < registry->count; i++) {
        const struct module *module = &registry->modules[i];
        bool same = module->id[0] ? strcmp(module->id, id) == 0 : named_like(module->path, id);
        if (same && !module->reason)
            return module;
        if (same && !refused)
            refused = module;
    }
    return refused;
}

static bool not_there(const struct registry *registry, enum module_kind kind, const char *id,
                      struct error *err)
{
    struct nearest nearest = nearest_begin(id);
    for (size_t i = 0; i < registry->count; i++) {
        const struct module *module = &registry->modules[i];
        if (!module->reason && module->kinds[kind])
            nearest_offer(&nearest, module->id);
    }
    char *folders = xstrdup("");
    for (size_t i = 0; i < registry->folders.count; i++) {
        char *more = xasprintf("%s %s", folders, registry->folders.at[i]);
        free(folders);
        folders = more;
    }
    error_set(err, "%s: there is no such %s module%s (looked in%s)", id, module_kind_name(kind),
              nearest_hint(&nearest), folders[0] ? folders : " no folder at all");
    free(folders);
    return false;
}

bool registry_usable(const struct registry *registry, enum module_kind kind, const char *id,
                     struct error *err)
{
    const struct module *module = registry_find(registry, id);
    if (!module)
        return not_there(registry, kind, id, err);
    if (module->reason)
        return error_set(err, "%s: %s", id, module->reason);
    return module->kinds[kind] ||
           error_set(err, "%s: is no %s module (%s)", id, module_kind_name(kind), module->path);
}

void registry_print_config(const struct registry *registry, FILE *out, bool json)
{
    struct config_module *modules = xcalloc(registry->count * MODULE_KIND_COUNT, sizeof *modules);
    size_t count = 0;
    for (size_t i = 0; i < registry->count; i++) {
        const struct module *module = &registry->modules[i];
        for (int kind = 0; kind < MODULE_KIND_COUNT && !module->reason; kind++) {
            if (module->kinds[kind])
                modules[count++] =
                    (struct config_module){module->id, kinds[kind].section, module->options[kind]};
        }
    }
    config_print(registry->config, modules, count, out, json);
    free(modules);
}
