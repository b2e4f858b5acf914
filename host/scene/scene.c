/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/dataset.h"
#include "scene/controls.h"
#include "scene/json.h"
#include "scene/scene_file.h"
#include "scene/world.h"
#include "util/check.h"

struct scene *scene_create(uint32_t width, uint32_t height)
{
    struct scene *scene = xcalloc(1, sizeof *scene);
    scene->record = record_create();
    world_fit(scene);
    struct record_batch *batch = record_batch_create();
    const char *id = SCENE_MAIN;
    record_put(batch, "view", id, "canvas", json_from_integers((int64_t[]){width, height}, 2));
    record_put(batch, "view", id, "background", cJSON_CreateDoubleArray((double[]){0, 0, 0, 1}, 4));
    record_put(batch, "view", id, "ndisplay", cJSON_CreateNumber(2));
    world_put_view(scene, id, batch);
    record_commit(scene->record, batch, NULL);
    return scene;
}

void scene_destroy(struct scene *scene)
{
    if (!scene)
        return;
    for (size_t i = 0; i < scene->layer_count; i++)
        scene_layer_destroy(scene->layers[i]);
    free(scene->layers);
    cJSON_Delete(scene->absent);
    record_destroy(scene->record);
    free(scene);
}

struct scene_layer *scene_layer_create(void)
{
    struct scene_layer *layer = xcalloc(1, sizeof *layer);
    layer->binding.level = -1;
    layer->controls = cJSON_CreateObject();
    layer->warnings = cJSON_CreateArray();
    layer->labels = cJSON_CreateArray();
    return layer;
}

void scene_layer_destroy(struct scene_layer *layer)
{
    if (!layer)
        return;
    dataset_unref(layer->binding.dataset);
    free(layer->levels);
    free(layer->uri);
    free(layer->source);
    free(layer->format);
    free(layer->kind);
    cJSON_Delete(layer->warnings);
    cJSON_Delete(layer->labels);
    cJSON_Delete(layer->controls);
    free(layer);
}

struct scene_layer *scene_find(const struct scene *scene, const char *id)
{
    if (!id[0] || strcmp(id, "main") == 0)
        return scene->layer_count ? scene->layers[0] : NULL;
    for (size_t i = 0; i < scene->layer_count; i++) {
        if (strcmp(scene->layers[i]->id, id) == 0)
            return scene->layers[i];
    }
    return NULL;
}

struct scene_layer *scene_find_key(const struct scene *scene, uint64_t key)
{
    for (size_t i = 0; i < scene->layer_count; i++) {
        if (scene->layers[i]->key == key)
            return scene->layers[i];
    }
    return NULL;
}

const struct scene_layer *scene_primary(const struct scene *scene)
{
    for (size_t i = 0; i < scene->layer_count; i++) {
        if (scene->layers[i]->ndim == scene->ndim)
            return scene->layers[i];
    }
    return NULL;
}

static size_t index_of(const struct scene *scene, const char *id)
{
    for (size_t i = 0; i < scene->layer_count; i++) {
        if (strcmp(scene->layers[i]->id, id) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* Each absent layer stays above the one that it was above. */
static void put_order(const struct scene *scene, struct record_batch *batch)
{
    const cJSON *old = record_value(scene->record, "scene", "main", "layers"), *id, *absent;
    cJSON *ids = cJSON_CreateArray();
    for (size_t i = 0; i <= scene->layer_count; i++) {
        if (i > 0)
            cJSON_AddItemToArray(ids, cJSON_CreateString(scene->layers[i - 1]->id));
        size_t below = 0; /* layers that are there */
        cJSON_ArrayForEach(id, old)
        {
            size_t at = index_of(scene, id->valuestring);
            below = at == SIZE_MAX ? below : at + 1;
            cJSON_ArrayForEach(absent, scene->absent)
            {
                if (below == i && strcmp(absent->valuestring, id->valuestring) == 0)
                    cJSON_AddItemToArray(ids, cJSON_Duplicate(id, true));
            }
        }
    }
    record_put(batch, "scene", "main", "layers", ids);
}

static bool name_taken(const struct scene *scene, const struct record_batch *batch,
                       const char *name, const char *except)
{
    for (size_t i = 0; i < scene->layer_count; i++) {
        const char *id = scene->layers[i]->id;
        const cJSON *other = batch ? record_batch_value(batch, "layer", id, "name") : NULL;
        if (!other)
            other = record_value(scene->record, "layer", id, "name");
        if (strcmp(id, except) != 0 && cJSON_IsString(other) &&
            strcmp(other->valuestring, name) == 0)
            return true;
    }
    return false;
}

void scene_unique_name(const struct scene *scene, const struct record_batch *batch,
                       const char *name, const char *except, char unique[256])
{
    snprintf(unique, 256, "%.240s", name);
    for (unsigned n = 1; name_taken(scene, batch, unique, except); n++)
        snprintf(unique, 256, "%.240s [%u]", name, n);
}

static void put_layer(struct scene *scene, struct scene_layer *layer, struct record_batch *batch)
{
    const cJSON *control;
    cJSON_ArrayForEach(control, layer->controls)
    {
        if (strcmp(control->string, "name") != 0 && strcmp(control->string, "source") != 0)
            record_put(batch, "layer", layer->id, control->string, cJSON_Duplicate(control, true));
    }
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(layer->controls, "name");
    char unique[256];
    scene_unique_name(scene, batch, json_string(name) ? name->valuestring : layer->id, layer->id,
                      unique);
    record_put(batch, "layer", layer->id, "name", cJSON_CreateString(unique));
    record_put(batch, "layer", layer->id, "source", scene_file_layer_source(layer));
}

void scene_add(struct scene *scene, struct scene_layer **layers, size_t count,
               const struct record_origin *origin)
{
    struct world_axes before;
    world_remember(scene, &before);
    scene->layers = xrealloc(scene->layers, (scene->layer_count + count) * sizeof *scene->layers);
    struct record_batch *batch = record_batch_create();
    for (size_t i = 0; i < count; i++) {
        struct scene_layer *layer = layers[i];
        if (!layer->id[0]) {
            layer->key = scene->next_layer + 1;
            snprintf(layer->id, sizeof layer->id, "layer-%llu",
                     (unsigned long long)scene->next_layer++);
        }
        scene->layers[scene->layer_count++] = layer;
        put_layer(scene, layer, batch);
    }
    put_order(scene, batch);
    world_fit(scene);
    world_put(scene, &before, batch);
    record_commit(scene->record, batch, origin);
}

void scene_restore(struct scene *scene, struct scene_layer **layers, size_t count,
                   const struct world_axes *before)
{
    scene->layers = xrealloc(scene->layers, count * sizeof *scene->layers);
    for (size_t i = 0; i < count; i++)
        scene->layers[i] = layers[i];
    scene->layer_count = count;
    world_fit(scene);
    struct record_batch *batch = record_batch_create();
    world_put(scene, before, batch);
    record_commit(scene->record, batch, NULL);
}

struct scene_layer *scene_take(struct scene *scene, const char *id,
                               const struct record_origin *origin)
{
    size_t at = index_of(scene, id);
    if (at == SIZE_MAX)
        return NULL;
    struct world_axes before;
    world_remember(scene, &before);
    struct scene_layer *layer = scene->layers[at];
    /* What it was set to goes with it, for a restore. */
    cJSON *controls = cJSON_CreateObject();
    size_t cursor = 0;
    const struct record_entry *entry;
    while ((entry = record_next(scene->record, "layer", layer->id, &cursor))) {
        if (entry->value)
            json_put(controls, entry->key, cJSON_Duplicate(entry->value, true));
    }
    cJSON_Delete(layer->controls);
    layer->controls = controls;

    scene->layer_count--;
    memmove(&scene->layers[at], &scene->layers[at + 1],
            (scene->layer_count - at) * sizeof *scene->layers);
    struct record_batch *batch = record_batch_create();
    record_put_clear(batch, scene->record, "layer", layer->id);
    put_order(scene, batch);
    world_fit(scene);
    world_put(scene, &before, batch);
    record_commit(scene->record, batch, origin);
    return layer;
}

void scene_move(struct scene *scene, const char *id, size_t index,
                const struct record_origin *origin)
{
    size_t at = index_of(scene, id);
    CHECK(at != SIZE_MAX);
    if (index >= scene->layer_count)
        index = scene->layer_count - 1;
    struct scene_layer *layer = scene->layers[at];
    memmove(&scene->layers[at], &scene->layers[at + 1],
            (scene->layer_count - 1 - at) * sizeof *scene->layers);
    memmove(&scene->layers[index + 1], &scene->layers[index],
            (scene->layer_count - 1 - index) * sizeof *scene->layers);
    scene->layers[index] = layer;
    struct record_batch *batch = record_batch_create();
    put_order(scene, batch);
    record_commit(scene->record, batch, origin);
}

void scene_clear(struct scene *scene, const struct record_origin *origin)
{
    struct record_batch *batch = record_batch_create();
    record_put_clear(batch, scene->record, "layer", NULL);
    record_put_clear(batch, scene->record, "camera", NULL);
    record_put_clear(batch, scene->record, "volume", NULL);
    for (size_t i = 0; i < scene->layer_count; i++)
        scene_layer_destroy(scene->layers[i]);
    scene->layer_count = 0;
    cJSON_Delete(scene->absent);
    scene->absent = NULL;
    put_order(scene, batch);
    world_fit(scene);
    const char *id;
    for (size_t i = 0; (id = scene_view_id(scene, i)); i++) {
        record_put(batch, "view", id, "ndisplay", cJSON_CreateNumber(2));
        world_put_view(scene, id, batch);
    }
    record_commit(scene->record, batch, origin);
}
