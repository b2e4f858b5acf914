/* SPDX-License-Identifier: BSD-3-Clause */
#include "image.h"
#include "json.h"
#include "locate.h"

#include <stdlib.h>
#include <string.h>

const cJSON *ome_of(const cJSON *attributes)
{
    const cJSON *ome = json_get(attributes, "ome");
    return cJSON_IsObject(ome) ? ome : attributes;
}

const char *ome_version(const cJSON *ome)
{
    const char *version = json_string(ome, "version");
    const cJSON *parts[] = {cJSON_GetArrayItem(json_get(ome, "multiscales"), 0),
                            json_get(ome, "plate"), json_get(ome, "well"),
                            json_get(ome, "image-label")};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !version; i++)
        version = json_string(parts[i], "version");
    return version ? version : "";
}

struct array *image_array(struct image *self, const char *path, struct fault *fault)
{
    struct node node;
    struct array *array = NULL;
    const char *store = self->catalog.store->name;
    if (node_load(&self->catalog, path, &node, fault)) {
        if (node.kind == NODE_ARRAY)
            array = node.version == 3
                        ? array_parse_v3(&self->arena, path, node.file, node.document, fault)
                        : array_parse_v2(&self->arena, path, node.file, node.document,
                                         node.attributes, fault);
        else
            fault_set(fault, ORIEL_IO, "%s/%s: there is no array", store, path);
    }
    node_finish(&node);
    return array;
}

const char *axis_type(const char *name)
{
    static const char *const known[][2] = {
        {"t", "time"},  {"time", "time"}, {"c", "channel"}, {"channel", "channel"},
        {"z", "space"}, {"y", "space"},   {"x", "space"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(name, known[i][0]) == 0)
            return known[i][1];
    return "";
}

void level_from_array(struct image *self, const struct array *array,
                      struct oriel_source_level *level)
{
    uint64_t chunk[PIPELINE_AXES] = {0};
    pipeline_chunk(array->pipeline, chunk);
    level->path = array->path;
    level->codecs = pipeline_describe(array->pipeline, &self->arena);
    if (!level->codecs)
        level->codecs = "";
    for (uint32_t k = 0; k < array->ndim; k++) {
        level->shape[k] = array->shape[k];
        level->chunk[k] = chunk[k];
        level->shard[k] = array->pipeline->shard ? array->chunk[k] : 0;
        level->scale[k] = 1;
    }
}

static bool open_array(struct image *self, const char *path, struct fault *fault)
{
    struct array *array = image_array(self, path, fault);
    if (!array)
        return false;
    self->arrays = arena_alloc(&self->arena, sizeof(struct array *));
    struct oriel_source_level *level = arena_alloc(&self->arena, sizeof *level);
    struct oriel_axis *axes = arena_alloc(&self->arena, (array->ndim + 1) * sizeof *axes);
    if (!self->arrays || !level || !axes)
        return fault_nomem(fault);
    self->arrays[0] = array;
    level_from_array(self, array, level);
    level->path = "";
    for (uint32_t k = 0; k < array->ndim; k++) {
        const char *name = array->dims ? array->dims[k] : "";
        axes[k] = (struct oriel_axis){name, axis_type(name), ""};
        if (strcmp(axes[k].type, "channel") == 0 && self->info.channel_axis < 0)
            self->info.channel_axis = (int32_t)k;
    }
    self->info.kind = "zarr";
    self->info.format = array->version == 3 ? "zarr v3" : "zarr v2";
    self->info.ndim = array->ndim;
    self->info.level_count = 1;
    self->info.levels = level;
    self->info.axes = axes;
    return true;
}

static bool open_group(struct image *self, const char *path, const struct node *node,
                       struct fault *fault)
{
    const cJSON *ome = ome_of(node->attributes);
    if (cJSON_GetArraySize(json_get(ome, "multiscales")) > 0) {
        if (!multiscale_open(self, path, ome, node->version, fault))
            return false;
        collection_labels(self, path);
        return true;
    }
    return collection_open(self, path, node, ome, fault);
}

static void finish_info(struct image *self)
{
    struct oriel_source_info *info = &self->info;
    info->labels = (const char *const *)self->labels.items;
    info->label_count = (uint32_t)self->labels.count;
    info->images = (const char *const *)self->images.items;
    info->image_count = (uint32_t)self->images.count;
    info->warnings = (const char *const *)self->warnings.items;
    info->warning_count = (uint32_t)self->warnings.count;
    if (self->arrays) {
        info->dtype = self->arrays[0]->dtype.type;
        uint64_t fill = 0;
        memcpy(&fill, self->arrays[0]->fill, sizeof fill);
        info->fill_value = value_load(info->dtype, &fill, 0);
    }
}

static bool open_node(struct image *self, const char *path, struct fault *fault)
{
    struct node node;
    bool ok = node_load(&self->catalog, path, &node, fault);
    if (ok && node.kind == NODE_NONE)
        ok = fault_set(fault, ORIEL_IO, "%s: it has nothing called \"%s\"",
                       self->catalog.store->name, path);
    else if (ok)
        ok = node.kind == NODE_ARRAY ? open_array(self, path, fault)
                                     : open_group(self, path, &node, fault);
    node_finish(&node);
    return ok;
}

struct image *image_open(const char *uri, const char *root, struct fault *fault)
{
    struct location location;
    if (!locate(uri, &location, fault))
        return NULL;
    struct image *self = calloc(1, sizeof *self);
    if (!self) {
        fault_nomem(fault);
        return NULL;
    }
    self->info.size = sizeof self->info;
    self->info.name = self->info.kind = self->info.format = "";
    self->info.channel_axis = -1;
    scratch_pool_init(&self->reader.scratches);
    index_cache_init(&self->reader.indices);
    self->reader.store = store_dir_create(location.root, root, fault);
    bool ok = self->reader.store && catalog_init(&self->catalog, self->reader.store, fault) &&
              open_node(self, location.inside, fault);
    catalog_finish(&self->catalog);
    if (!ok) {
        image_close(self);
        return NULL;
    }
    finish_info(self);
    return self;
}

void image_close(struct image *self)
{
    if (!self)
        return;
    catalog_finish(&self->catalog);
    scratch_pool_finish(&self->reader.scratches);
    index_cache_finish(&self->reader.indices);
    if (self->reader.store)
        self->reader.store->ops->destroy(self->reader.store);
    arena_finish(&self->arena);
    free(self);
}
