/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading modules for instances. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "module/call.h"
#include "module/inspect.h"
#include "module/internal.h"
#include "module/load.h"
#include "module/services.h"
#include "util/check.h"
#include "util/log.h"

bool module_use_open(struct registry *registry, enum module_kind kind, const char *id,
                     const char *label, struct module_use *use, struct error *err)
{
    return module_use_open_with(registry, kind, id, label, NULL, use, err);
}

bool module_use_open_with(struct registry *registry, enum module_kind kind, const char *id,
                          const char *label, const struct config *with, struct module_use *use,
                          struct error *err)
{
    struct error local = {""};
    err = err ? err : &local;
    *use = (struct module_use){0};
    if (!registry_usable(registry, kind, id, err))
        return false;
    const struct module *module = registry_find(registry, id);
    if (module->reason) /* looked at again just now */
        return error_set(err, "%s: %s", id, module->reason);
    const struct loaded *loaded = load(module, kind, err);
    if (!loaded)
        return false;
    use->callee = &loaded->callees[kind];
    const void *vtable = MODULE_CALL(use, "get_factory", inspect_vtable(loaded->entry, kind, err));
    if (!vtable)
        return error_prefix(err, "%s", module->path);
    const struct oriel_config *config =
        config_for_module(with ? with : registry_config(registry), id, module_kind_section(kind),
                          inspect_options(vtable), err);
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
