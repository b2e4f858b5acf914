/* SPDX-License-Identifier: BSD-3-Clause */
/* Files in this process: loaded once, whatever number of registries asks, and kept for ever. */
#include "module/load.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "module/copy.h"
#include "module/inspect.h"
#include "module/quarantine.h"
#include "module/services.h"
#include "util/check.h"

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
    loaded->entry = MODULE_CALL(&use, "loading",
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

const struct loaded *load(const struct module *module, enum module_kind kind, struct error *err)
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
