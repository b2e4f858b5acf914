/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene/snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "render/dataset.h"
#include "scene/colormap.h"
#include "scene/controls.h"
#include "scene/json.h"
#include "scene/scene.h"
#include "util/check.h"

/* All memory of a snapshot: one block after another, freed together. */
struct block {
    struct block *next;
    max_align_t data[];
};

struct owned {
    struct scene_snapshot snapshot; /* first: the public pointer is this one */
    atomic_uint references;
    struct block *blocks;
};

static void *take(struct owned *owned, size_t bytes)
{
    struct block *block = xcalloc(1, sizeof *block + bytes);
    block->next = owned->blocks;
    owned->blocks = block;
    return block->data;
}

static char *take_string(struct owned *owned, const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(take(owned, bytes), text, bytes);
}

struct scene_snapshot *scene_snapshot_ref(struct scene_snapshot *snapshot)
{
    struct owned *owned = (struct owned *)snapshot;
    atomic_fetch_add_explicit(&owned->references, 1, memory_order_relaxed);
    return snapshot;
}

void scene_snapshot_unref(struct scene_snapshot *snapshot)
{
    struct owned *owned = (struct owned *)snapshot;
    if (!owned || atomic_fetch_sub_explicit(&owned->references, 1, memory_order_acq_rel) > 1)
        return;
    for (uint32_t i = 0; i < snapshot->scene.layer_count; i++)
        dataset_unref(snapshot->bindings[i].dataset);
    while (owned->blocks) {
        struct block *next = owned->blocks->next;
        free(owned->blocks);
        owned->blocks = next;
    }
    free(owned);
}

static const struct oriel_colormap *take_colormap(struct owned *owned, const cJSON *value)
{
    if (!cJSON_IsObject(value)) {
        const struct oriel_colormap *named =
            colormap_find(cJSON_IsString(value) ? value->valuestring : "gray");
        CHECK(named); /* canonical values are known names */
        return named;
    }
    const cJSON *colors = cJSON_GetObjectItemCaseSensitive(value, "colors");
    const cJSON *stops = cJSON_GetObjectItemCaseSensitive(value, "controls");
    const cJSON *mode = cJSON_GetObjectItemCaseSensitive(value, "interpolation");
    uint32_t count = (uint32_t)cJSON_GetArraySize(colors);
    float *rgba = take(owned, count * 4 * sizeof *rgba);
    float *at = take(owned, (size_t)cJSON_GetArraySize(stops) * sizeof *at);
    const cJSON *item;
    float *p = rgba;
    cJSON_ArrayForEach(item, colors)
    {
        const cJSON *channel;
        /* cppcheck-suppress uninitvar ; the macro sets it */
        cJSON_ArrayForEach(channel, item) *p++ = (float)channel->valuedouble;
    }
    p = at;
    cJSON_ArrayForEach(item, stops) *p++ = (float)item->valuedouble;
    struct oriel_colormap *map = take(owned, sizeof *map);
    map->name = "custom";
    map->colors = rgba;
    map->controls = at;
    map->count = count;
    map->interpolation = strcmp(mode->valuestring, "zero") == 0 ? ORIEL_LUT_ZERO : ORIEL_LUT_LINEAR;
    return map;
}

static double number(const struct record *record, const char *id, const char *key, double otherwise)
{
    json_number(record_value(record, "layer", id, key), &otherwise);
    return otherwise;
}

static const char *text(const struct record *record, const char *id, const char *key)
{
    const cJSON *value = record_value(record, "layer", id, key);
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

static struct oriel_layer *take_layer(struct owned *owned, const struct scene *scene,
                                      const struct scene_layer *from)
{
    const struct record *r = scene->record;
    const char *id = from->id;
    struct oriel_layer *layer = take(owned, sizeof *layer);
    layer->size = sizeof *layer;
    layer->kind = ORIEL_LAYER_IMAGE;
    layer->key = from->key;
    layer->id = take_string(owned, id);
    layer->name = take_string(owned, text(r, id, "name") ? text(r, id, "name") : id);
    layer->ndim = from->ndim;
    layer->dtype = from->dtype;
    layer->level_count = from->level_count;
    size_t bytes = from->level_count * sizeof *from->levels;
    layer->levels = memcpy(take(owned, bytes), from->levels, bytes);
    for (uint32_t a = 0; a < from->ndim; a++) {
        layer->scale[a] = from->axes[a].scale;
        layer->translate[a] = from->axes[a].translate;
    }
    const cJSON *visible = record_value(r, "layer", id, "visible");
    layer->visible = !visible || cJSON_IsTrue(visible);
    layer->blending = blending_from_name(text(r, id, "blending"));
    layer->interpolation_2d = filter_from_name(text(r, id, "interpolation2d"));
    layer->interpolation_3d = filter_from_name(text(r, id, "interpolation3d"));
    layer->rendering = rendering_from_name(text(r, id, "rendering"));
    layer->depiction = depiction_from_name(text(r, id, "depiction"));
    layer->opacity = number(r, id, "opacity", 1);
    layer->gamma = number(r, id, "gamma", 1);
    layer->attenuation = number(r, id, "attenuation", 0.05);
    layer->iso_threshold = number(r, id, "iso_threshold", 0);
    layer->contrast_limits[1] = layer->contrast_limits_range[1] = 1;
    json_numbers(record_value(r, "layer", id, "contrast_limits"), layer->contrast_limits, 2, 2);
    json_numbers(record_value(r, "layer", id, "contrast_limits_range"),
                 layer->contrast_limits_range, 2, 2);
    for (uint32_t k = 0; k < 3 && k < from->ndim; k++)
        layer->plane_position[k] = (double)(from->axes[from->ndim - 1 - k].size - 1) / 2;
    layer->plane_normal[2] = 1;
    layer->plane_thickness = 1;
    layer->colormap = take_colormap(owned, record_value(r, "layer", id, "colormap"));
    return layer;
}

struct scene_snapshot *scene_snapshot_create(const struct scene *scene, const char *id)
{
    struct owned *owned = xcalloc(1, sizeof *owned);
    atomic_init(&owned->references, 1);
    struct scene_snapshot *snapshot = &owned->snapshot;
    struct oriel_snapshot *out = &snapshot->scene;
    struct scene_view view;
    scene_view_read(scene, id, &view);

    out->size = sizeof *out;
    out->revision = scene_view_revision(scene, id);
    out->ndisplay = view.ndisplay;
    out->ndim = scene->ndim;
    for (uint32_t a = 0; a < scene->ndim; a++) {
        out->order[a] = view.order[a];
        out->point[a] = scene->axes[a].translate + (double)view.step[a] * scene->axes[a].scale;
    }
    out->width = view.width;
    out->height = view.height;
    memcpy(out->background, view.background, sizeof out->background);
    out->camera = view.camera;

    size_t count = scene->layer_count;
    const struct oriel_layer **layers = take(owned, count * sizeof *layers);
    snapshot->bindings = take(owned, count * sizeof *snapshot->bindings);
    for (size_t i = 0; i < count; i++) {
        layers[i] = take_layer(owned, scene, scene->layers[i]);
        snapshot->bindings[i] = scene->layers[i]->binding;
        dataset_ref(snapshot->bindings[i].dataset);
    }
    out->layers = layers;
    out->layer_count = (uint32_t)count;

    snapshot->level = view.level;
    snapshot->sample_step = 1;
    json_number(record_value(scene->record, "volume", "main", "sample_step"),
                &snapshot->sample_step);
    size_t cursor = 0;
    const struct record_entry *entry;
    while ((entry = record_next(scene->record, NULL, NULL, &cursor))) {
        if (!scene_view_shows(id, entry))
            continue;
        if (entry->origin.received_ns > snapshot->t_input_ns)
            snapshot->t_input_ns = entry->origin.received_ns;
        bool pose = strcmp(entry->scope, "camera") == 0 || strcmp(entry->scope, "dims") == 0 ||
                    strcmp(entry->scope, "view") == 0;
        if (pose && entry->revision > snapshot->pose_revision)
            snapshot->pose_revision = entry->revision;
    }
    return snapshot;
}
