/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/internal.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "module/folders.h"
#include "module/load.h"
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

static struct entry *entry_create(struct cache *cache, const struct quarantine *quarantine,
                                  const char *path)
{
    struct entry *entry = xcalloc(1, sizeof *entry);
    entry->path = xstrdup(path);
    entry->key = cache_key(path);
    const cJSON *facts = cache_probe(cache, path);
    const char *reason = text_of(facts, "reason");
    struct module *module = &entry->module;
    *module = (struct module){
        .path = entry->path,
        .key = entry->key ? entry->key : "",
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
    char *quarantined = reason[0] ? NULL : quarantine_reason(quarantine, path, module->key);
    if (quarantined) {
        log_warn(LOG_MODULE, "%s is not used: %s: %s", module->id, path, quarantined);
        module->reason = entry->reason = xasprintf("%s: %s", path, quarantined);
        module->facts = NULL;
    }
    free(quarantined);
    for (int kind = 0; kind < MODULE_KIND_COUNT && module->facts; kind++) {
        const cJSON *of_kind = cJSON_GetObjectItemCaseSensitive(module->facts, kinds[kind].name);
        module->kinds[kind] = of_kind != NULL;
        module->options[kind] = of_kind ? table_from_facts(of_kind) : NULL;
    }
    return entry;
}

static void entry_destroy(struct entry *entry)
{
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++)
        table_free((struct oriel_option_table *)(uintptr_t)entry->module.options[kind]);
    free(entry->path);
    free(entry->key);
    free(entry->reason);
    free(entry);
}

/* Of several usable files with one id the first counts. */
static void hide_behind(struct entry *entry, struct entry *const *earlier, size_t count)
{
    struct module *module = &entry->module;
    for (size_t i = 0; i < count && !module->reason; i++) {
        const struct module *other = &earlier[i]->module;
        if (other->reason || strcmp(other->id, module->id) != 0)
            continue;
        entry->reason = xasprintf("%s: %s comes from %s, which was found first", entry->path,
                                  module->id, other->path);
        module->reason = entry->reason;
    }
}

static struct wanted *wanted_create(const struct config *config)
{
    struct wanted *wanted = xcalloc(1, sizeof *wanted);
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++) {
        size_t count = 0;
        while (config_item(config, kinds[kind].key, count))
            count++;
        wanted->ids[kind] = xcalloc(count, sizeof(char *));
        wanted->count[kind] = count;
        for (size_t i = 0; i < count; i++)
            wanted->ids[kind][i] = config_item(config, kinds[kind].key, i);
    }
    return wanted;
}

static void wanted_destroy(struct wanted *wanted)
{
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++)
        free(wanted->ids[kind]);
    free(wanted);
}

/* What a look at all folders gives, before it counts. */
struct look {
    const struct config *config;
    struct folders folders;
    struct entry **list;
    size_t count;
};

/* A slip in the options of a module shows now, not when the module is first needed. Modules that
 * are not here, or cannot be used here, may have options in a file that several machines share. */
static bool check_options(const struct look *look, struct error *err)
{
    const char **ids = xcalloc(look->count, sizeof *ids);
    bool ok = true;
    for (size_t i = 0; i < look->count && ok; i++) {
        const struct module *module = &look->list[i]->module;
        ids[i] = module->id;
        for (int kind = 0; kind < MODULE_KIND_COUNT && ok && !module->reason; kind++) {
            if (module->kinds[kind])
                ok = config_check_options(look->config, module->id, module->options[kind], err);
        }
    }
    struct error unknown;
    if (ok && !config_check_modules(look->config, ids, look->count, &unknown))
        log_warn(LOG_MODULE, "%s", unknown.text);
    free(ids);
    return ok;
}

static void look_add(struct look *look, struct entry *entry)
{
    look->list = xrealloc(look->list, (look->count + 1) * sizeof *look->list);
    look->list[look->count++] = entry;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Files with a build id and of one size are the same, whenever they were written. */
static bool same_content(const struct entry *a, const struct entry *b)
{
    const char *tails[2];
    for (int i = 0; i < 2; i++) {
        const char *key = (i ? b : a)->module.key, *tail = strchr(key, ' ');
        const char *id = tail ? strchr(tail + 1, ' ') : NULL;
        tails[i] = id && id[1] ? tail : key;
    }
    return *tails[0] && strcmp(tails[0], tails[1]) == 0;
}

static struct entry *at_path(struct entry *const *list, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i]->path, path) == 0)
            return list[i];
    }
    return NULL;
}

/* What counts for a path that was known as `old`: that again where nothing is different, or where
 * the new file is no good but the old one is in use. */
static struct entry *settle(struct entry *old, struct entry *new, registry_tell *tell, void *data)
{
    bool changed = !same_content(old, new);
    if (!changed && same_text(old->module.reason, new->module.reason)) {
        entry_destroy(new);
        return old;
    }
    bool used = !old->module.reason && load_state_of(&old->module) == LOAD_USABLE;
    const char *reason = new->module.reason;
    if (changed && !reason && load_state_of(&new->module) == LOAD_FAILED)
        reason = "it could not be loaded before";
    if (reason && changed)
        tell(data, MODULE_REFUSED, used ? &old->module : &new->module, reason);
    else if (changed)
        tell(data, MODULE_CHANGED, &new->module, NULL);
    if (!reason || !used)
        return new;
    entry_destroy(new);
    return old;
}

static void keep(struct registry *registry, struct entry *entry)
{
    for (const struct entry *e = registry->entries; e; e = e->next) {
        if (e == entry)
            return;
    }
    entry->next = registry->entries;
    registry->entries = entry;
}

static void look_at_all(struct registry *registry, struct look *look, registry_tell *tell,
                        void *data)
{
    struct quarantine *quarantine = quarantine_open(look->config);
    for (size_t i = 0; i < look->folders.count; i++) {
        struct folders files;
        folders_files(&files, look->folders.at[i]);
        for (size_t j = 0; j < files.count; j++) {
            struct entry *new = entry_create(registry->cache, quarantine, files.at[j]);
            hide_behind(new, look->list, look->count);
            struct entry *old = at_path(registry->list, registry->count, files.at[j]);
            if (!old)
                tell(data, MODULE_ADDED, &new->module, new->module.reason);
            look_add(look, old ? settle(old, new, tell, data) : new);
        }
        folders_finish(&files);
    }
    for (size_t i = 0; i < registry->count; i++) {
        struct entry *old = registry->list[i];
        if (at_path(look->list, look->count, old->path))
            continue;
        if (load_state_of(&old->module) != LOAD_USABLE && !old->module.reason) {
            struct entry *gone = entry_create(registry->cache, quarantine, old->path);
            tell(data, MODULE_GONE, &gone->module, gone->module.reason);
            old = gone;
        }
        look_add(look, old);
    }
    quarantine_close(quarantine);
}

bool registry_refresh(struct registry *registry, const struct config *config, registry_tell *tell,
                      void *data, struct error *err)
{
    pthread_mutex_lock(&registry->refreshing); /* the only ones that change what is read here */
    struct look look = {.config = config ? config : registry->config};
    bool ok = folders_find(&look.folders, look.config, err);
    if (ok) {
        look_at_all(registry, &look, tell, data);
        cache_save(registry->cache);
        ok = check_options(&look, err);
    }
    struct wanted *wanted = ok && config ? wanted_create(config) : NULL;
    pthread_mutex_lock(&registry->lock);
    for (size_t i = 0; i < look.count; i++)
        keep(registry, look.list[i]);
    if (ok) {
        struct entry **list = registry->list;
        struct folders folders = registry->folders;
        registry->config = look.config;
        registry->list = look.list;
        registry->count = look.count;
        registry->folders = look.folders;
        look.list = list;
        look.folders = folders;
    }
    if (wanted) {
        wanted->former = registry->wanted;
        registry->wanted = wanted;
    }
    pthread_mutex_unlock(&registry->lock);
    pthread_mutex_unlock(&registry->refreshing);
    free(look.list);
    folders_finish(&look.folders);
    return ok;
}

const struct module *registry_take_back(struct registry *registry, const struct module *module)
{
    const struct module *found = NULL;
    pthread_mutex_lock(&registry->lock);
    for (size_t i = 0; i < registry->count && !found; i++) {
        if (&registry->list[i]->module != module)
            continue;
        struct entry *former = registry->entries; /* newest first */
        while (former && (&former->module == module || former->module.reason ||
                          strcmp(former->path, module->path) != 0 ||
                          load_state_of(&former->module) != LOAD_USABLE))
            former = former->next;
        if (former) {
            registry->list[i] = former;
            found = &former->module;
        }
    }
    pthread_mutex_unlock(&registry->lock);
    return found;
}

static void tell_log(void *data, enum module_news news, const struct module *module,
                     const char *reason)
{
    (void)data;
    (void)news;
    (void)module;
    if (reason)
        log_debug(LOG_MODULE, "refused: %s", reason);
}

struct registry *registry_create(const struct config *config, struct error *err)
{
    struct registry *registry = xcalloc(1, sizeof *registry);
    registry->cache = cache_open(config_string(config, "modules.cache"));
    pthread_mutex_init(&registry->lock, NULL);
    pthread_mutex_init(&registry->refreshing, NULL);
    if (registry_refresh(registry, config, tell_log, NULL, err))
        return registry;
    registry_destroy(registry);
    return NULL;
}

void registry_destroy(struct registry *registry)
{
    if (!registry)
        return;
    for (struct entry *entry = registry->entries, *next; entry; entry = next) {
        next = entry->next;
        entry_destroy(entry);
    }
    for (struct wanted *wanted = registry->wanted, *former; wanted; wanted = former) {
        former = wanted->former;
        wanted_destroy(wanted);
    }
    free(registry->list);
    folders_finish(&registry->folders);
    cache_close(registry->cache);
    pthread_mutex_destroy(&registry->lock);
    pthread_mutex_destroy(&registry->refreshing);
    free(registry);
}

/* ---- asking ---- */

/* Asking changes nothing but the lock. */
static void lock(const struct registry *registry)
{
    pthread_mutex_lock(&((struct registry *)(uintptr_t)registry)->lock);
}

static void unlock(const struct registry *registry)
{
    pthread_mutex_unlock(&((struct registry *)(uintptr_t)registry)->lock);
}

size_t registry_count(const struct registry *registry)
{
    lock(registry);
    size_t count = registry->count;
    unlock(registry);
    return count;
}

const struct module *registry_at(const struct registry *registry, size_t index)
{
    lock(registry);
    CHECK(index < registry->count);
    const struct module *module = &registry->list[index]->module;
    unlock(registry);
    return module;
}

const struct config *registry_config(const struct registry *registry)
{
    lock(registry);
    const struct config *config = registry->config;
    unlock(registry);
    return config;
}

size_t registry_wanted(const struct registry *registry, enum module_kind kind,
                       const char *const **ids)
{
    lock(registry);
    const struct wanted *wanted = registry->wanted;
    unlock(registry);
    *ids = wanted->ids[kind];
    return wanted->count[kind];
}

/* "encode/x264" for ".../encode-x264.so", "org.example/mine" for ".../mine.so": what a file that
 * does not speak is meant to be. */
static bool named_like(const char *path, const char *id)
{
    const char *file = strrchr(path, '/') + 1, *name = strrchr(id, '/');
    size_t length = strlen(id), stem = strlen(file) - 3; /* ".so" */
    if (name && strlen(name + 1) == stem && strncmp(file, name + 1, stem) == 0)
        return true;
    if (stem != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (file[i] != id[i] && !(id[i] == '/' && file[i] == '-'))
            return false;
    }
    return true;
}

const struct module *registry_find(const struct registry *registry, const char *id)
{
    const struct module *usable = NULL, *refused = NULL;
    lock(registry);
    for (size_t i = 0; i < registry->count && !usable; i++) {
        const struct module *module = &registry->list[i]->module;
        bool same = module->id[0] ? strcmp(module->id, id) == 0 : named_like(module->path, id);
        if (same && !module->reason)
            usable = module;
        else if (same && !refused)
            refused = module;
    }
    unlock(registry);
    return usable ? usable : refused;
}

static bool not_there(const struct registry *registry, enum module_kind kind, const char *id,
                      struct error *err)
{
    struct nearest nearest = nearest_begin(id);
    char *folders = xstrdup("");
    lock(registry);
    for (size_t i = 0; i < registry->count; i++) {
        const struct module *module = &registry->list[i]->module;
        if (!module->reason && module->kinds[kind])
            nearest_offer(&nearest, module->id);
    }
    for (size_t i = 0; i < registry->folders.count; i++) {
        char *more = xasprintf("%s %s", folders, registry->folders.at[i]);
        free(folders);
        folders = more;
    }
    unlock(registry);
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
    size_t all = registry_count(registry), count = 0;
    struct config_module *modules = xcalloc(all * MODULE_KIND_COUNT, sizeof *modules);
    for (size_t i = 0; i < all; i++) {
        const struct module *module = registry_at(registry, i);
        for (int kind = 0; kind < MODULE_KIND_COUNT && !module->reason; kind++) {
            if (module->kinds[kind])
                modules[count++] =
                    (struct config_module){module->id, kinds[kind].section, module->options[kind]};
        }
    }
    config_print(registry_config(registry), modules, count, out, json);
    free(modules);
}
