/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups that hold images instead of being one. */
#include "image.h"
#include "json.h"

#include <string.h>

/* Adds "base/name" to `list`; a name that leaves the store is a warning. */
static void add_path(struct image *image, struct text_list *list, const char *base,
                     const char *name)
{
    if (!name || !key_is_safe(name)) {
        text_list_add(&image->warnings, &image->arena, "the path \"%.200s\" leaves the store",
                      name ? name : "?");
        return;
    }
    text_list_add(list, &image->arena, "%s%s%s", base, *base && *name ? "/" : "", name);
}

/* The fields of view of a well; `base` is its path inside the collection. */
static void add_fields(struct image *image, const cJSON *ome, const char *base)
{
    const cJSON *field;
    cJSON_ArrayForEach(field, json_get(json_get(ome, "well"), "images"))
    {
        add_path(image, &image->images, base, json_string(field, "path"));
    }
}

static void add_wells(struct image *image, const char *path, const cJSON *plate)
{
    const cJSON *well;
    cJSON_ArrayForEach(well, json_get(plate, "wells"))
    {
        const char *name = json_string(well, "path");
        char key[1024];
        struct node node = {0};
        struct fault fault;
        if (!name || !key_is_safe(name) || !key_join(key, sizeof key, path, name)) {
            add_path(image, &image->images, "", name);
            continue;
        }
        if (!node_load(&image->catalog, key, &node, &fault))
            text_list_add(&image->warnings, &image->arena, "well %s: %s", name, fault.text);
        else if (node.kind == NODE_NONE)
            text_list_add(&image->warnings, &image->arena, "well %s is missing", name);
        else
            add_fields(image, ome_of(node.attributes), name);
        node_finish(&node);
    }
}

/* bioformats2raw: the order is in OME's series, or the children are 0, 1, 2, … */
static bool add_series(struct image *image, const char *path, struct fault *fault)
{
    char key[1024];
    struct node node = {0};
    bool ok =
        key_join(key, sizeof key, path, "OME") && node_load(&image->catalog, key, &node, fault);
    const cJSON *series;
    cJSON_ArrayForEach(series, json_get(ome_of(node.attributes), "series"))
    {
        add_path(image, &image->images, "", cJSON_GetStringValue(series));
    }
    node_finish(&node);
    if (!ok || image->images.count)
        return ok;
    struct text_list names = {0};
    if (!catalog_children(&image->catalog, path, &image->arena, &names, fault))
        return false;
    for (size_t i = 0; i < names.count; i++)
        if (strcmp(names.items[i], "OME") != 0)
            add_path(image, &image->images, "", names.items[i]);
    return true;
}

bool collection_open(struct image *image, const char *path, const struct node *node,
                     const cJSON *ome, struct fault *fault)
{
    const cJSON *plate = json_get(ome, "plate"), *labels = json_get(ome, "labels");
    const char *what = "groups and arrays";
    image->info.kind = "ome-zarr";
    if (plate) {
        what = "a plate";
        add_wells(image, path, plate);
    } else if (json_get(ome, "well")) {
        what = "a well";
        add_fields(image, ome, "");
    } else if (json_get(ome, "bioformats2raw.layout")) {
        what = "a series of images";
        if (!add_series(image, path, fault))
            return false;
    } else if (cJSON_IsArray(labels)) {
        what = "labels";
        const cJSON *label;
        cJSON_ArrayForEach(label, labels)
        {
            add_path(image, &image->images, "", cJSON_GetStringValue(label));
        }
    } else {
        image->info.kind = "zarr";
        if (!catalog_children(&image->catalog, path, &image->arena, &image->images, fault))
            return false;
    }
    const char *store = image->catalog.store->name;
    if (!image->images.count)
        return fault_set(fault, ORIEL_UNSUPPORTED,
                         "%s%s%s: a Zarr group, but no image: it has neither "
                         "multiscales nor arrays",
                         store, *path ? "/" : "", path);
    const char *version = ome_version(ome);
    const char *format = arena_print(&image->arena, "zarr v%u, %s%s%s", node->version, what,
                                     *version ? ", OME " : "", version);
    const char *name = json_string(plate, "name");
    const char *title = arena_print(&image->arena, "%s", name ? name : "");
    if (!format || !title)
        return fault_nomem(fault);
    image->info.format = format;
    image->info.name = title;
    return true;
}

void collection_labels(struct image *image, const char *path)
{
    char key[1024];
    struct node node = {0};
    struct fault fault;
    if (!key_join(key, sizeof key, path, "labels"))
        return;
    if (!node_load(&image->catalog, key, &node, &fault))
        text_list_add(&image->warnings, &image->arena, "labels: %s", fault.text);
    const cJSON *label;
    cJSON_ArrayForEach(label, json_get(ome_of(node.attributes), "labels"))
    {
        add_path(image, &image->labels, "labels", cJSON_GetStringValue(label));
    }
    node_finish(&node);
}
