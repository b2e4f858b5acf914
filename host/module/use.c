/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading modules for instances. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "module/inspect.h"
#include "module/internal.h"
#include "module/services.h"
#include "util/check.h"
#include "util/log.h"

/* ---- files in this process: loaded once, whatever number of registries asks, and kept for ever
 * ---- */

struct loaded {
    struct loaded *next;
    char *path;
    enum { LOADING, USABLE, FAILED } state;
    const struct oriel_entry *entry;
    struct oriel_host *host; /* of init(): the module may keep it as long as it is loaded */
    struct error err;        /* of FAILED */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct loaded *all; /* under `lock`; an entry's state too, the rest once it is not LOADING */

static bool load_now(struct loaded *loaded)
{
    bool missing;
    loaded->entry = inspect_load(loaded->path, &missing, &loaded->err);
    if (!loaded->entry)
        return false;
    if (!loaded->entry->init)
        return true;
    loaded->host = services_create(loaded->entry->info->id);
    if (loaded->entry->init(loaded->host) == ORIEL_OK)
        return true;
    const char *why = services_failure();
    return error_set(&loaded->err, "%s: its init() failed: %s", loaded->path,
                     why[0] ? why : "it does not say why");
}

static const struct oriel_entry *load(const char *path, struct error *err)
{
    pthread_mutex_lock(&lock);
    struct loaded *loaded = all;
    while (loaded && strcmp(loaded->path, path) != 0)
        loaded = loaded->next;
    if (!loaded) {
        loaded = xcalloc(1, sizeof *loaded);
        loaded->path = xstrdup(path);
        loaded->next = all;
        all = loaded;
        pthread_mutex_unlock(&lock);
        bool ok = load_now(loaded);
        pthread_mutex_lock(&lock);
        loaded->state = ok ? USABLE : FAILED;
        pthread_cond_broadcast(&changed);
    }
    while (loaded->state == LOADING)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    if (loaded->state == USABLE)
        return loaded->entry;
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
    const struct oriel_entry *entry = load(module->path, err);
    if (!entry)
        return false;
    const void *vtable = inspect_vtable(entry, kind, err);
    if (!vtable)
        return error_prefix(err, "%s", module->path);
    const struct oriel_config *config = config_for_module(
        registry->config, id, module_kind_section(kind), inspect_options(vtable), err);
    if (!config)
        return false;
    *use = (struct module_use){
        .module = module,
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
