/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "util/check.h"

/* The lists of the configuration and what stands in them. */
static const struct inventory_list lists[] = {
    {"modules.capture", MODULE_CAPTURE}, {"modules.encoder", MODULE_ENCODER},
    {"modules.still", MODULE_ENCODER},   {"modules.transport", MODULE_TRANSPORT},
    {"modules.scene", MODULE_SCENE},     {"modules.source", MODULE_SOURCE},
};

#define LIST_COUNT (sizeof lists / sizeof lists[0])

bool inventory_wants(const struct inventory *inventory, enum module_kind kind, const char *id)
{
    for (size_t i = 0; i < LIST_COUNT; i++) {
        const char *item;
        for (size_t j = 0; (item = config_item(inventory->config, lists[i].key, j)); j++) {
            if (lists[i].kind == kind && strcmp(item, id) == 0)
                return true;
        }
    }
    return false;
}

void inventory_missing(const struct inventory *inventory,
                       void (*each)(void *data, const struct inventory_list *list, const char *id,
                                    const char *reason),
                       void *data)
{
    for (size_t i = 0; i < LIST_COUNT; i++) {
        const char *id;
        for (size_t j = 0; (id = config_item(inventory->config, lists[i].key, j)); j++) {
            struct error why;
            if (!registry_usable(inventory->registry, lists[i].kind, id, &why))
                each(data, &lists[i], id, why.text);
        }
    }
}

static void add_text(cJSON *to, const char *name, const char *text)
{
    cJSON_AddItemToObject(to, name,
                          text && text[0] ? cJSON_CreateString(text) : cJSON_CreateNull());
}

/* One for each kind of a module; a refused file has one without a kind. */
static cJSON *add_entry(cJSON *list, const struct module *module, const char *kind)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    add_text(entry, "id", module->id);
    add_text(entry, "kind", kind);
    add_text(entry, "version", module->version);
    char *abi = xasprintf("%u.%u", module->abi_major, module->abi_minor);
    add_text(entry, "abi", module->id[0] ? abi : NULL);
    free(abi);
    cJSON_AddNumberToObject(entry, "target_minor", module->target_minor);
    add_text(entry, "file", module->path);
    add_text(entry, "vendor", module->vendor);
    add_text(entry, "license", module->license);
    add_text(entry, "description", module->description);
    add_text(entry, "build", module->build);
    add_text(entry, "result", module->reason ? "refused" : "usable");
    add_text(entry, "reason", module->reason);
    const cJSON *facts = cJSON_GetObjectItemCaseSensitive(module->facts, kind ? kind : "");
    for (const cJSON *fact = facts ? facts->child : NULL; fact; fact = fact->next)
        cJSON_AddItemToObject(entry, fact->string, cJSON_Duplicate(fact, true));
    return entry;
}

static void add_missing(void *data, const struct inventory_list *list, const char *id,
                        const char *reason)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(data, entry);
    add_text(entry, "id", id);
    add_text(entry, "kind", module_kind_name(list->kind));
    add_text(entry, "key", list->key);
    add_text(entry, "result", "missing");
    add_text(entry, "reason", reason);
}

cJSON *inventory_json(const struct inventory *inventory)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "modules");
    for (size_t i = 0; i < registry_count(inventory->registry); i++) {
        const struct module *module = registry_at(inventory->registry, i);
        if (!module->facts)
            add_entry(list, module, NULL);
        for (int kind = 0; module->facts && kind < MODULE_KIND_COUNT; kind++) {
            if (!module->kinds[kind])
                continue;
            cJSON *entry = add_entry(list, module, module_kind_name((enum module_kind)kind));
            cJSON_AddBoolToObject(entry, "wanted",
                                  inventory_wants(inventory, (enum module_kind)kind, module->id));
        }
    }
    inventory_missing(inventory, add_missing, cJSON_AddArrayToObject(root, "missing"));
    return root;
}
