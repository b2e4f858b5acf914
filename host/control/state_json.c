/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/state_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene/json.h"

/* How far the stored revision is ahead when only views move that are not stored: so often nothing
 * is written for them. */
#define REVISIONS_AHEAD 1000u

static const cJSON *get(const cJSON *json, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(json, key);
}

/* --- to JSON --------------------------------------------------------------------------------- */

static void put_some(cJSON *out, const char *key, const char *text)
{
    if (text[0])
        json_put_string(out, key, text);
}

static cJSON *origin_json(const struct record_origin *origin)
{
    cJSON *out = cJSON_CreateObject();
    put_some(out, "session", origin->session);
    put_some(out, "intent", origin->intent);
    put_some(out, "interaction", origin->interaction);
    put_some(out, "phase", origin->phase);
    if (origin->client_seq)
        json_put_number(out, "client_seq", (double)origin->client_seq);
    return out;
}

static cJSON *entry_json(const struct record_entry *entry)
{
    cJSON *out = cJSON_CreateObject();
    const char *key[] = {entry->scope, entry->target, entry->key};
    json_put(out, "key", cJSON_CreateStringArray(key, 3));
    if (entry->value)
        json_put(out, "value", cJSON_Duplicate(entry->value, true));
    json_put_number(out, "version", (double)entry->version);
    json_put_number(out, "revision", (double)entry->revision);
    json_put_number(out, "timestamp", entry->timestamp);
    cJSON *origin = origin_json(&entry->origin);
    if (origin->child)
        json_put(out, "origin", origin);
    else
        cJSON_Delete(origin);
    return out;
}

static cJSON *world_json(const struct scene *scene)
{
    cJSON *out = cJSON_CreateArray();
    for (uint32_t a = 0; scene->layer_count && a < scene->ndim; a++) {
        const struct scene_axis *axis = &scene->axes[a];
        cJSON *json = cJSON_CreateObject();
        json_put_string(json, "name", axis->name);
        json_put_number(json, "size", (double)axis->size);
        json_put_number(json, "scale", axis->scale);
        json_put_number(json, "translate", axis->translate);
        cJSON_AddItemToArray(out, json);
    }
    return out;
}

static bool stays(const struct record_entry *entry, uint64_t since, bool whole)
{
    return (whole || entry->revision > since) && scene_view_shows(SCENE_MAIN, entry);
}

char *state_json(const struct scene *scene, struct history *history, uint64_t since,
                 uint64_t *bound, bool whole, const cJSON *begun)
{
    uint64_t revision = record_revision(scene->record);
    cJSON *changes = history_changes(history, whole);
    bool any = whole || changes;
    size_t cursor = 0;
    const struct record_entry *entry;
    while (revision > since && !any && (entry = record_next(scene->record, NULL, NULL, &cursor)))
        any = stays(entry, since, whole);
    if (!any && revision <= *bound)
        return NULL;
    if (revision > *bound)
        *bound = any ? revision : revision + REVISIONS_AHEAD;
    cJSON *out = cJSON_CreateObject();
    json_put_number(out, "revision", (double)*bound);
    json_put_number(out, "next_layer", (double)scene->next_layer);
    entry = record_find(scene->record, "scene", "main", "layers");
    if (whole || (entry && entry->revision > since)) {
        json_put(out, "world", world_json(scene));
        const cJSON *item;
        cJSON_ArrayForEach(item, begun) json_put(out, item->string, cJSON_Duplicate(item, true));
    }
    cJSON *entries = json_put(out, "entries", cJSON_CreateArray());
    cursor = 0;
    while ((entry = record_next(scene->record, NULL, NULL, &cursor))) {
        if (stays(entry, since, whole))
            cJSON_AddItemToArray(entries, entry_json(entry));
    }
    if (changes)
        json_put(out, "history", changes);
    return json_print_free(out);
}

/* --- from JSON ------------------------------------------------------------------------------- */

static void restore_origin(const cJSON *json, struct record_origin *origin)
{
    const struct {
        const char *key;
        char *out;
        size_t room;
    } texts[] = {{"session", origin->session, sizeof origin->session},
                 {"intent", origin->intent, sizeof origin->intent},
                 {"interaction", origin->interaction, sizeof origin->interaction},
                 {"phase", origin->phase, sizeof origin->phase}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = json_string(get(json, texts[i].key));
        snprintf(texts[i].out, texts[i].room, "%s", text ? text : "");
    }
    int64_t seq;
    if (json_integer(get(json, "client_seq"), &seq))
        origin->client_seq = (uint64_t)seq;
}

static bool restore_entry(const cJSON *json, struct record *record)
{
    const cJSON *key = get(json, "key"), *value = get(json, "value");
    int64_t version, revision;
    struct record_entry entry = {0};
    const char **parts[] = {&entry.scope, &entry.target, &entry.key};
    for (int i = 0; i < 3; i++) {
        const cJSON *part = cJSON_GetArrayItem(key, i);
        if (!cJSON_IsString(part))
            return false;
        *parts[i] = part->valuestring;
    }
    if (!json_integer(get(json, "version"), &version) ||
        !json_integer(get(json, "revision"), &revision) ||
        !json_number(get(json, "timestamp"), &entry.timestamp))
        return false;
    entry.version = (uint64_t)version;
    entry.revision = (uint64_t)revision;
    restore_origin(get(json, "origin"), &entry.origin);
    record_restore(record, &entry, cJSON_Duplicate(value, true));
    return true;
}

static bool restore_world(const cJSON *json, struct world_axes *world)
{
    const cJSON *item;
    *world = (struct world_axes){0};
    cJSON_ArrayForEach(item, json)
    {
        if (world->ndim == ORIEL_MAX_AXES)
            return false;
        struct scene_axis *axis = &world->axes[world->ndim++];
        const char *name = json_string(get(item, "name"));
        int64_t size;
        if (!json_integer(get(item, "size"), &size) || size < 1 ||
            !json_number(get(item, "scale"), &axis->scale) ||
            !json_number(get(item, "translate"), &axis->translate))
            return false;
        snprintf(axis->name, sizeof axis->name, "%s", name ? name : "");
        axis->size = (uint64_t)size;
    }
    return true;
}

static void restore_item(const cJSON *json, const char *key, cJSON **out)
{
    if (!get(json, key))
        return;
    cJSON_Delete(*out);
    *out = cJSON_Duplicate(get(json, key), true);
}

static bool restore_all(const cJSON *json, struct scene *scene, struct history *history,
                        struct state_found *found)
{
    int64_t revision, next;
    const cJSON *item;
    if (!json_integer(get(json, "revision"), &revision) ||
        !json_integer(get(json, "next_layer"), &next) || revision < 0 || next < 0)
        return false;
    cJSON_ArrayForEach(item, get(json, "entries"))
    {
        if (!restore_entry(item, scene->record))
            return false;
    }
    cJSON_ArrayForEach(item, record_value(scene->record, "scene", "main", "layers"))
    {
        if (!json_string(item))
            return false;
    }
    record_restore_revision(scene->record, (uint64_t)revision);
    scene->next_layer = (uint64_t)next;
    if (get(json, "world") && !restore_world(get(json, "world"), &found->world))
        return false;
    restore_item(json, "opened", &found->opened);
    restore_item(json, "allowed", &found->allowed);
    return history_restore(history, get(json, "history"));
}

bool state_json_restore(const char *text, size_t bytes, struct scene *scene,
                        struct history *history, struct state_found *found, struct error *err)
{
    cJSON *json = json_parse(text, bytes, err);
    bool ok = json && (restore_all(json, scene, history, found) ||
                       error_set(err, "it is not the state of a scene"));
    cJSON_Delete(json);
    return ok;
}
