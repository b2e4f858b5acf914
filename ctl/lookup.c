/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/lookup.h"

#include <stdio.h>
#include <string.h>

#include "ctl/memory.h"

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* "canvas.size", "axes.0.name": members, and places in lists. */
static const cJSON *walk(const cJSON *from, const char *path)
{
    while (from && *path) {
        char part[128];
        size_t n = strcspn(path, ".");
        if (!n || n >= sizeof part)
            return NULL;
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        if (cJSON_IsArray(from))
            from = strspn(part, "0123456789") == n && n < 6 ? cJSON_GetArrayItem(from, atoi(part))
                                                            : NULL;
        else
            from = get(from, part);
        path += n;
        path += *path == '.';
    }
    return from;
}

static cJSON *found(const cJSON *value, const char *scope, const char *target, const char *key,
                    struct ctl_error *err)
{
    if (value)
        return must(cJSON_Duplicate(value, true));
    ctl_error_set(err, "get.unknown", "there is no %.60s %.60s %.60s", scope, target, key);
    return NULL;
}

static cJSON *layer_value(const struct mirror *mirror, const char *id, const char *key,
                          struct ctl_error *err)
{
    const cJSON *layer = mirror_layer(mirror, id), *value = NULL;
    if (!layer) {
        ctl_error_set(err, "get.unknown", "no layer has the id or, alone, the name \"%.60s\"", id);
        return NULL;
    }
    const cJSON *parts[] = {get(layer, "controls"), get(layer, "oriel"), layer};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !value; i++)
        value = walk(parts[i], key);
    return found(value, "layer", id, key, err);
}

/* An axis by name or number; -1: none. */
static int axis_of(const cJSON *view, const char *target)
{
    const cJSON *axis, *axes = get(view, "axes");
    int index = 0;
    cJSON_ArrayForEach(axis, axes)
    {
        const cJSON *name = get(axis, "name");
        if (cJSON_IsString(name) && strcmp(name->valuestring, target) == 0)
            return index;
        index++;
    }
    size_t digits = strspn(target, "0123456789");
    bool number = digits && digits < 4 && !target[digits];
    return number && atoi(target) < index ? atoi(target) : -1;
}

static const cJSON *dims_value(const cJSON *view, const char *target, const char *key)
{
    int axis = axis_of(view, target);
    if (axis < 0)
        return !target[0] || strcmp(target, "main") == 0 ? walk(view, key) : NULL;
    if (strcmp(key, "index") == 0 || strcmp(key, "step") == 0)
        return cJSON_GetArrayItem(get(view, "step"), axis);
    return walk(cJSON_GetArrayItem(get(view, "axes"), axis), key);
}

static cJSON *layer_ids(const struct mirror *mirror)
{
    cJSON *ids = must(cJSON_CreateArray());
    const cJSON *layer;
    cJSON_ArrayForEach(layer, get(mirror->scene, "layers"))
        cJSON_AddItemToArray(ids, cJSON_Duplicate(get(layer, "layer_id"), false));
    return ids;
}

cJSON *lookup(const struct mirror *mirror, const char *scope, const char *target, const char *key,
              struct ctl_error *err)
{
    const cJSON *view = mirror->view;
    if (strcmp(scope, "layer") == 0)
        return layer_value(mirror, target, key, err);
    if (strcmp(scope, "dims") == 0)
        return found(dims_value(view, target, key), scope, target, key, err);
    if (target[0] && strcmp(target, "main") != 0)
        return found(NULL, scope, target, key, err);
    if (strcmp(scope, "view") == 0)
        return found(walk(strcmp(key, "background") == 0 ? get(view, "canvas") : view, key), scope,
                     target, key, err);
    if (strcmp(scope, "camera") == 0)
        return found(walk(get(view, "camera"), strcmp(key, "pose") == 0 ? "" : key), scope, target,
                     key, err);
    if (strcmp(scope, "status") == 0)
        return found(walk(mirror->status, key), scope, target, key, err);
    if (strcmp(scope, "scene") == 0 && strcmp(key, "layers") == 0)
        return layer_ids(mirror);
    if (strcmp(scope, "scene") == 0)
        return found(walk(mirror->scene, key), scope, target, key, err);
    ctl_error_set(
        err, "get.unknown",
        "scope \"%.60s\" cannot be read, only view, dims, camera, layer, scene and status", scope);
    return NULL;
}
