/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/mirror.h"

#include <stdio.h>

#include "ctl/memory.h"

static cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = get(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static double number_of(const cJSON *object, const char *key)
{
    const cJSON *item = get(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void put(cJSON *object, const char *key, const cJSON *value)
{
    cJSON *copy = must(cJSON_Duplicate(value, true));
    if (get(object, key))
        cJSON_ReplaceItemInObjectCaseSensitive(object, key, copy);
    else
        cJSON_AddItemToObject(object, key, copy);
}

static cJSON *object_in(cJSON *parent, const char *key)
{
    cJSON *child = get(parent, key);
    return child ? child : cJSON_AddObjectToObject(parent, key);
}

static void replace(cJSON **slot, const cJSON *value)
{
    cJSON_Delete(*slot);
    *slot = value ? must(cJSON_Duplicate(value, true)) : NULL;
}

void mirror_finish(struct mirror *mirror)
{
    cJSON_Delete(mirror->scene);
    cJSON_Delete(mirror->view);
    cJSON_Delete(mirror->dims);
    cJSON_Delete(mirror->camera);
    cJSON_Delete(mirror->status);
    cJSON_Delete(mirror->own);
    memset(mirror, 0, sizeof *mirror);
}

void mirror_connected(struct mirror *mirror, const char *session)
{
    snprintf(mirror->session, sizeof mirror->session, "%s", session);
    cJSON_Delete(mirror->own);
    mirror->own = must(cJSON_CreateObject());
    mirror->pose_seq = mirror->pose_rev = 0;
}

/* --- layers --- */

static cJSON *layer_by(const struct mirror *mirror, const char *key, const char *value, int *count)
{
    cJSON *layer, *found = NULL;
    *count = 0;
    cJSON_ArrayForEach(layer, get(mirror->scene, "layers"))
    {
        if (strcmp(text_of(layer, key), value) == 0) {
            found = layer;
            ++*count;
        }
    }
    return found;
}

cJSON *mirror_layer(const struct mirror *mirror, const char *id)
{
    int count;
    cJSON *layer = layer_by(mirror, "layer_id", id, &count);
    if (layer)
        return layer;
    layer = layer_by(mirror, "name", id, &count);
    return count == 1 ? layer : NULL;
}

static void own_key(const char *layer, const char *key, char out[256])
{
    snprintf(out, 256, "%s\n%s", layer, key);
}

/* An echo of its own that is older than what it shows already. */
static bool stale_echo(const struct mirror *mirror, const char *layer, const char *key,
                       const cJSON *version)
{
    char name[256];
    own_key(layer, key, name);
    return mirror->session[0] &&
           strcmp(text_of(version, "source_client_id"), mirror->session) == 0 &&
           number_of(version, "source_client_seq") < number_of(mirror->own, name);
}

static void take_controls(struct mirror *mirror, cJSON *layer, const cJSON *payload)
{
    const char *id = text_of(layer, "layer_id");
    cJSON *controls = object_in(layer, "controls");
    const cJSON *news = get(payload, "control_versions"), *item;
    cJSON_ArrayForEach(item, get(payload, "controls"))
    {
        const cJSON *version = get(news, item->string);
        const cJSON *known = get(get(layer, "control_versions"), item->string);
        /* What is replayed to one who comes back may be older than its scene. "interpolation" is
         * another control in 3-D than in 2-D, with a version of its own. */
        if (number_of(version, "server_seq") < number_of(known, "server_seq") &&
            strcmp(item->string, "interpolation") != 0)
            continue;
        if (version)
            put(object_in(layer, "control_versions"), item->string, version);
        if (!stale_echo(mirror, id, item->string, version))
            put(controls, item->string, item);
    }
}

static void merge(cJSON *into, const cJSON *from)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, from) put(into, item->string, item);
}

static void take_layer(struct mirror *mirror, const cJSON *payload)
{
    int count;
    cJSON *layer = layer_by(mirror, "layer_id", text_of(payload, "layer_id"), &count);
    if (!layer)
        return;
    if (cJSON_IsTrue(get(payload, "removed"))) {
        cJSON_Delete(cJSON_DetachItemViaPointer(get(mirror->scene, "layers"), layer));
        return;
    }
    take_controls(mirror, layer, payload);
    static const char *const whole[] = {"name", "metadata", "thumbnail"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (get(payload, whole[i]))
            put(layer, whole[i], get(payload, whole[i]));
    }
    if (get(payload, "oriel"))
        merge(object_in(layer, "oriel"), get(payload, "oriel"));
    merge(layer, get(payload, "data"));
}

/* --- the view --- */

/* Its own pose stays until somebody else's is newer; what changed may be something else. */
static bool keeps_pose(const struct mirror *mirror, const cJSON *view)
{
    const cJSON *camera = get(get(view, "versions"), "camera");
    const cJSON *known = get(get(mirror->view, "versions"), "camera");
    if (!mirror->pose_seq || number_of(view, "ndisplay") != number_of(mirror->view, "ndisplay"))
        return false;
    if (camera && strcmp(text_of(camera, "source_client_id"), mirror->session) == 0)
        return number_of(camera, "source_client_seq") < (double)mirror->pose_seq;
    if (camera)
        return number_of(camera, "server_seq") <= number_of(known, "server_seq");
    const cJSON *origin = get(view, "origin");
    return strcmp(text_of(origin, "session"), mirror->session) == 0 &&
           number_of(origin, "rev") < (double)mirror->pose_rev;
}

static void take_view(struct mirror *mirror, const cJSON *view)
{
    cJSON *kept = keeps_pose(mirror, view)
                      ? cJSON_DetachItemFromObjectCaseSensitive(mirror->view, "camera")
                      : NULL;
    replace(&mirror->view, view);
    if (kept)
        cJSON_ReplaceItemInObjectCaseSensitive(mirror->view, "camera", kept);
}

void mirror_take(struct mirror *mirror, const char *type, const cJSON *frame)
{
    const cJSON *payload = get(frame, "payload");
    if (strcmp(type, "notify.layers") == 0)
        take_layer(mirror, payload);
    else if (strcmp(type, "notify.view") == 0)
        take_view(mirror, payload);
    else if (strcmp(type, "notify.scene") == 0)
        replace(&mirror->scene, payload);
    else if (strcmp(type, "notify.dims") == 0)
        replace(&mirror->dims, payload);
    else if (strcmp(type, "notify.status") == 0)
        replace(&mirror->status, payload);
    else if (strcmp(type, "notify.camera") == 0 && get(payload, "state"))
        replace(&mirror->camera, get(payload, "state"));
}

/* --- its own changes --- */

void mirror_edit(struct mirror *mirror, const char *layer, const char *key, const cJSON *value,
                 uint64_t client_seq)
{
    cJSON *block = mirror_layer(mirror, layer), *seq = must(cJSON_CreateNumber((double)client_seq));
    char name[256];
    own_key(layer, key, name);
    put(mirror->own, name, seq);
    cJSON_Delete(seq);
    if (block)
        put(object_in(block, "controls"), key, value);
}

void mirror_ack(struct mirror *mirror, const char *layer, const char *key, uint64_t client_seq,
                const cJSON *ack)
{
    char name[256];
    own_key(layer, key, name);
    cJSON *block = mirror_layer(mirror, layer);
    const cJSON *applied = get(ack, "applied_value"), *version = get(ack, "control_version");
    if (!block || number_of(mirror->own, name) != (double)client_seq || !applied)
        return;
    const cJSON *known = get(get(block, "control_versions"), key);
    if (number_of(version, "server_seq") < number_of(known, "server_seq"))
        return;
    if (version)
        put(object_in(block, "control_versions"), key, version);
    put(object_in(block, "controls"), key, applied);
}

void mirror_pose(struct mirror *mirror, const cJSON *pose, uint64_t client_seq)
{
    mirror->pose_seq = client_seq;
    mirror->pose_rev = (uint64_t)number_of(pose, "rev");
    if (!mirror->view || number_of(pose, "ndisplay") != number_of(mirror->view, "ndisplay"))
        return;
    cJSON *camera = object_in(mirror->view, "camera");
    static const char *const keys[] = {"center", "zoom", "quat", "fov"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (get(pose, keys[i]))
            put(camera, keys[i], get(pose, keys[i]));
    }
}
