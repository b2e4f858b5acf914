/* SPDX-License-Identifier: BSD-3-Clause */
#include "catalog.h"
#include "arena.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_LIMIT = 64 << 20 };

/* *document is NULL when there is none. */
static bool load_file(struct catalog *self, const char *key, cJSON **document, struct fault *fault)
{
    char *text = NULL;
    size_t bytes = 0;
    *document = NULL;
    if (!store_text(self->store, key, DOCUMENT_LIMIT, &text, &bytes, fault))
        return false;
    if (!text)
        return true;
    char file[1024];
    snprintf(file, sizeof file, "%s/%s", self->store->name, key);
    *document = json_parse(text, bytes, file, fault);
    free(text);
    return *document;
}

static bool load(struct catalog *self, const char *path, const char *name, cJSON **document,
                 struct fault *fault)
{
    char key[1024];
    if (!key_join(key, sizeof key, path, name))
        return fault_set(fault, ORIEL_UNSUPPORTED, "%s: the path is too long", path);
    if (!load_file(self, key, document, fault))
        return false;
    bool v2 = strcmp(name, "zarr.json") != 0;
    if (*document || !self->entries || v2 != self->entries_v2)
        return true;
    const cJSON *entry = json_get(self->entries, v2 ? key : path);
    if (!entry || !cJSON_IsObject(entry))
        return true;
    *document = cJSON_Duplicate(entry, true);
    return *document || fault_nomem(fault);
}

bool catalog_init(struct catalog *self, struct store *store, struct fault *fault)
{
    *self = (struct catalog){.store = store};
    if (!load_file(self, "zarr.json", &self->root, fault))
        return false;
    if (self->root) {
        self->entries = json_get(json_get(self->root, "consolidated_metadata"), "metadata");
    } else {
        if (!load_file(self, ".zmetadata", &self->root, fault))
            return false;
        self->entries = json_get(self->root, "metadata");
        self->entries_v2 = true;
    }
    return true;
}

void catalog_finish(struct catalog *self)
{
    cJSON_Delete(self->root);
    *self = (struct catalog){0};
}

static bool load_v3(struct node *node, struct fault *fault)
{
    const char *type = json_string(node->document, "node_type");
    node->version = 3;
    if (!type || (strcmp(type, "array") != 0 && strcmp(type, "group") != 0))
        return fault_set(fault, ORIEL_IO, "%s: node_type is neither array nor group", node->file);
    node->kind = *type == 'a' ? NODE_ARRAY : NODE_GROUP;
    node->attributes = json_get(node->document, "attributes");
    return true;
}

bool node_load(struct catalog *self, const char *path, struct node *node, struct fault *fault)
{
    static const char *const names[] = {"zarr.json", ".zarray", ".zgroup"};
    memset(node, 0, sizeof *node);
    for (size_t i = 0; i < sizeof names / sizeof *names && !node->document; i++) {
        if (!load(self, path, names[i], &node->document, fault))
            return false;
        if (!node->document)
            continue;
        snprintf(node->file, sizeof node->file, "%s/%s%s%s", self->store->name, path,
                 *path ? "/" : "", names[i]);
        if (i == 0)
            return load_v3(node, fault);
        node->version = 2;
        node->kind = i == 1 ? NODE_ARRAY : NODE_GROUP;
    }
    if (!load(self, path, ".zattrs", &node->zattrs, fault))
        return false;
    if (node->zattrs && node->kind == NODE_NONE) {
        node->version = 2;
        node->kind = NODE_GROUP;
    }
    node->attributes = node->zattrs;
    return true;
}

void node_finish(struct node *node)
{
    cJSON_Delete(node->document);
    cJSON_Delete(node->zattrs);
    node->document = node->zattrs = NULL;
    node->attributes = NULL;
}

struct children {
    struct arena *arena;
    struct text_list *names;
};

static void add_child(void *data, const char *name)
{
    struct children *children = data;
    for (size_t i = 0; i < children->names->count; i++)
        if (strcmp(children->names->items[i], name) == 0)
            return;
    if (*name != '.' && strcmp(name, "zarr.json") != 0)
        text_list_add(children->names, children->arena, "%s", name);
}

/* Consolidated metadata lists everything below; the first part under `path` is a child. */
static void add_consolidated(const struct catalog *self, const char *path,
                             struct children *children)
{
    size_t n = strlen(path);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, self->entries)
    {
        const char *rest = entry->string;
        if (n && (strncmp(rest, path, n) != 0 || rest[n] != '/'))
            continue;
        rest += n + (n != 0);
        size_t part = strcspn(rest, "/");
        char name[256];
        if (part && part < sizeof name) {
            memcpy(name, rest, part);
            name[part] = '\0';
            add_child(children, name);
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

bool catalog_children(struct catalog *self, const char *path, struct arena *arena,
                      struct text_list *names, struct fault *fault)
{
    struct children children = {arena, names};
    struct fault ignored;
    /* The path of a store that is only consolidated need not exist. */
    if (!self->store->ops->list(self->store, path, add_child, &children, &ignored) &&
        !self->entries)
        return *fault = ignored, false;
    add_consolidated(self, path, &children);
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        char child[1024];
        struct node node = {0};
        bool is_node = key_join(child, sizeof child, path, names->items[i]) &&
                       node_load(self, child, &node, &ignored) && node.kind != NODE_NONE;
        node_finish(&node);
        if (is_node)
            names->items[kept++] = names->items[i];
    }
    names->count = kept;
    if (kept)
        qsort(names->items, kept, sizeof *names->items, by_name);
    return true;
}
