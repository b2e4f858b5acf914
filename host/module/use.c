/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading modules for instances. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "module/call.h"
#include "module/copy.h"
#include "module/inspect.h"
#include "module/internal.h"
#include "module/services.h"
#include "util/check.h"
#include "util/log.h"

/* ---- files in this process: loaded once, whatever number of registries asks, and kept for ever
 * ---- */

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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct loaded *all; /* under `lock`; an entry's state too, the rest once it is not LOADING */

static void introduce(struct loaded *loaded, const struct module *module)
{
    const char *id = xstrdup(module->id);
    const char *record = quarantine_record(id, loaded->path, loaded->key);
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++)
        loaded->callees[kind] = (struct callee){
            .id = id, .path = loaded->path, .record = record, .waits = kind == MODULE_SOURCE};
}

static bool load_now(struct loaded *loaded, struct callee *callee)
{
    const struct module_use use = {.callee = callee};
    bool missing;
    loaded->entry =
        MODULE_CALL(&use, "loading",
                    loaded->again ? copy_load(loaded->path, loaded->key, &loaded->err)
                                  : inspect_load(loaded->path, &missing, &loaded->err));
    if (!loaded->entry)
        return false;
    call_add_callee(callee, loaded->entry);
    if (!loaded->entry->init)
        return true;
    loaded->host = services_create(loaded->entry->info->id);
    if (MODULE_CALL(&use, "init", loaded->entry->init(loaded->host)) == ORIEL_OK)
        return true;
    const char *why = services_failure();
    return error_set(&loaded->err, "%s: its init() failed: %s", loaded->path,
                     why[0] ? why : "it does not say why");
}

/* Under the lock. */
static struct loaded *find(const struct module *module, bool *other)
{
    *other = false;
    for (struct loaded *loaded = all; loaded; loaded = loaded->next) {
        if (strcmp(loaded->path, module->path) != 0)
            continue;
        if (strcmp(loaded->key, module->key) == 0)
            return loaded;
        *other = true;
    }
    return NULL;
}

enum load_state load_state_of(const struct module *module)
{
    bool other;
    pthread_mutex_lock(&lock);
    const struct loaded *loaded = find(module, &other);
    enum load_state state = !loaded || loaded->state == LOADING ? LOAD_NEVER
                            : loaded->state == USABLE           ? LOAD_USABLE
                                                                : LOAD_FAILED;
    pthread_mutex_unlock(&lock);
    return state;
}

static const struct loaded *load(const struct module *module, enum module_kind kind,
                                 struct error *err)
{
    bool again;
    pthread_mutex_lock(&lock);
    struct loaded *loaded = find(module, &again);
    if (!loaded) {
        loaded = xcalloc(1, sizeof *loaded);
        loaded->path = xstrdup(module->path);
        loaded->key = xstrdup(module->key);
        loaded->again = again;
        loaded->next = all;
        all = loaded;
        pthread_mutex_unlock(&lock);
        introduce(loaded, module);
        bool ok = load_now(loaded, &loaded->callees[kind]);
        pthread_mutex_lock(&lock);
        loaded->state = ok ? USABLE : FAILED;
        pthread_cond_broadcast(&changed);
    }
    while (loaded->state == LOADING)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    if (loaded->state == USABLE)
        return loaded;
    error_set(err, "%s", loaded->err.text);
    return NULL;
}

/* ---- instances ---- */

bool module_use_open(struct registry *registry, enum module_kind kind, const char *id,
                     const char *label, struct module_use *use, struct error *err)
{
    struct error local = {""};
    err = err ? err : &local;
    *use = (struct module_use){0};
    if (!registry_usable(registry, kind, id, err))
        return false;
    const struct module *module = registry_find(registry, id);
    const struct loaded *loaded = load(module, kind, err);
    if (!loaded)
        return false;
    use->callee = &loaded->callees[kind];
    const void *vtable = MODULE_CALL(use, "get_factory", inspect_vtable(loaded->entry, kind, err));
    if (!vtable)
        return error_prefix(err, "%s", module->path);
    const struct oriel_config *config = config_for_module(
        registry_config(registry), id, module_kind_section(kind), inspect_options(vtable), err);
    if (!config)
        return false;
    *use = (struct module_use){
        .module = module,
        .callee = &loaded->callees[kind],
        .vtable = vtable,
        .host = services_create(label),
        .config = config,
    };
    return true;
}

void module_use_close(struct module_use *use)
{
    if (use->host)
        services_destroy(use->host);
    config_for_module_free(use->config);
    *use = (struct module_use){0};
}

bool module_use_first(struct registry *registry, enum module_kind kind, const char *label,
                      bool (*try_use)(struct module_use *use, void *data, struct error *err),
                      void *data, struct module_use *use, struct error *err)
{
    const char *const *ids;
    size_t count = registry_wanted(registry, kind, &ids);
    char *reasons = xstrdup("");
    for (size_t i = 0; i < count; i++) {
        struct error why = {""};
        char *name = xasprintf("%s#%s", ids[i], label);
        bool ok = module_use_open(registry, kind, ids[i], name, use, &why);
        free(name);
        if (ok && try_use && !try_use(use, data, &why)) {
            module_use_close(use);
            ok = error_prefix(&why, "%s", ids[i]);
        }
        if (ok) {
            log_info(LOG_MODULE, "%s: %s%s%s", label, ids[i], reasons[0] ? ", not " : "", reasons);
            free(reasons);
            return true;
        }
        char *more = xasprintf("%s%s%s", reasons, reasons[0] ? "; " : "", why.text);
        free(reasons);
        reasons = more;
    }
    if (count)
        error_set(err, "modules.%s: none works: %s", module_kind_name(kind), reasons);
    else
        error_set(err, "modules.%s: is empty", module_kind_name(kind));
    free(reasons);
    return false;
}
