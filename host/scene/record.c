/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene/record.h"

#include <stdlib.h>
#include <string.h>

#include "util/check.h"
#include "util/clock.h"

/* Sorted by (scope, target, key); entries keep their address. */
struct record {
    struct record_entry **entries;
    size_t count, capacity;
    uint64_t revision;
};

struct write {
    char *scope, *target, *key;
    cJSON *value;
};

struct record_batch {
    struct write *writes;
    size_t count, capacity;
};

static int compare(const struct record_entry *entry, const char *scope, const char *target,
                   const char *key)
{
    int c = strcmp(entry->scope, scope);
    if (!c)
        c = strcmp(entry->target, target);
    return c ? c : strcmp(entry->key, key);
}

/* Index of the entry, or where it belongs. */
static size_t locate(const struct record *record, const char *scope, const char *target,
                     const char *key, bool *found)
{
    size_t low = 0, high = record->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = compare(record->entries[middle], scope, target, key);
        if (c == 0) {
            *found = true;
            return middle;
        }
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

struct record *record_create(void)
{
    return xcalloc(1, sizeof(struct record));
}

static void entry_free(struct record_entry *entry)
{
    free((char *)entry->scope);
    free((char *)entry->target);
    free((char *)entry->key);
    cJSON_Delete((cJSON *)entry->value);
    cJSON_Delete((cJSON *)entry->metadata);
    free(entry);
}

void record_destroy(struct record *record)
{
    if (!record)
        return;
    for (size_t i = 0; i < record->count; i++)
        entry_free(record->entries[i]);
    free(record->entries);
    free(record);
}

uint64_t record_revision(const struct record *record)
{
    return record->revision;
}

static const struct record_entry *find_any(const struct record *record, const char *scope,
                                           const char *target, const char *key)
{
    bool found;
    size_t i = locate(record, scope, target, key, &found);
    return found ? record->entries[i] : NULL;
}

const struct record_entry *record_find(const struct record *record, const char *scope,
                                       const char *target, const char *key)
{
    const struct record_entry *entry = find_any(record, scope, target, key);
    return entry && entry->value ? entry : NULL;
}

const cJSON *record_value(const struct record *record, const char *scope, const char *target,
                          const char *key)
{
    const struct record_entry *entry = find_any(record, scope, target, key);
    return entry ? entry->value : NULL;
}

uint64_t record_version(const struct record *record, const char *scope, const char *target,
                        const char *key)
{
    const struct record_entry *entry = find_any(record, scope, target, key);
    return entry ? entry->version : 0;
}

const struct record_entry *record_next(const struct record *record, const char *scope,
                                       const char *target, size_t *cursor)
{
    if (*cursor == 0 && scope) {
        bool found;
        *cursor = locate(record, scope, target ? target : "", "", &found);
    }
    if (*cursor >= record->count)
        return NULL;
    const struct record_entry *entry = record->entries[*cursor];
    if ((scope && strcmp(entry->scope, scope) != 0) ||
        (target && strcmp(entry->target, target) != 0))
        return NULL;
    ++*cursor;
    return entry;
}

struct record_batch *record_batch_create(void)
{
    return xcalloc(1, sizeof(struct record_batch));
}

static void write_free(struct write *write)
{
    free(write->scope);
    free(write->target);
    free(write->key);
    cJSON_Delete(write->value);
}

void record_batch_destroy(struct record_batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < batch->count; i++)
        write_free(&batch->writes[i]);
    free(batch->writes);
    free(batch);
}

static struct write *batch_find(const struct record_batch *batch, const char *scope,
                                const char *target, const char *key)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct write *w = &batch->writes[i];
        if (strcmp(w->key, key) == 0 && strcmp(w->target, target) == 0 &&
            strcmp(w->scope, scope) == 0)
            return w;
    }
    return NULL;
}

void record_put(struct record_batch *batch, const char *scope, const char *target, const char *key,
                cJSON *value)
{
    struct write *write = batch_find(batch, scope, target, key);
    if (write) {
        cJSON_Delete(write->value);
        write->value = value;
        return;
    }
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? 2 * batch->capacity : 8;
        batch->writes = xrealloc(batch->writes, batch->capacity * sizeof *batch->writes);
    }
    batch->writes[batch->count++] = (struct write){
        .scope = xstrdup(scope), .target = xstrdup(target), .key = xstrdup(key), .value = value};
}

void record_put_clear(struct record_batch *batch, const struct record *record, const char *scope,
                      const char *target)
{
    size_t cursor = 0;
    const struct record_entry *entry;
    while ((entry = record_next(record, scope, target, &cursor)))
        record_put(batch, entry->scope, entry->target, entry->key, NULL);
}

const cJSON *record_batch_value(const struct record_batch *batch, const char *scope,
                                const char *target, const char *key)
{
    const struct write *write = batch_find(batch, scope, target, key);
    return write ? write->value : NULL;
}

bool record_batch_empty(const struct record_batch *batch)
{
    return batch->count == 0;
}

static struct record_entry *insert(struct record *record, size_t at, const char *scope,
                                   const char *target, const char *key)
{
    if (record->count == record->capacity) {
        record->capacity = record->capacity ? 2 * record->capacity : 64;
        record->entries = xrealloc(record->entries, record->capacity * sizeof(void *));
    }
    memmove(&record->entries[at + 1], &record->entries[at], (record->count - at) * sizeof(void *));
    struct record_entry *entry = xcalloc(1, sizeof *entry);
    entry->scope = xstrdup(scope);
    entry->target = xstrdup(target);
    entry->key = xstrdup(key);
    record->entries[at] = entry;
    record->count++;
    return entry;
}

uint64_t record_commit(struct record *record, struct record_batch *batch,
                       const struct record_origin *origin)
{
    uint64_t revision = record->revision + 1;
    double now = clock_unix();
    bool changed = false;
    for (size_t i = 0; i < batch->count; i++) {
        struct write *write = &batch->writes[i];
        bool found;
        size_t at = locate(record, write->scope, write->target, write->key, &found);
        struct record_entry *entry = found ? record->entries[at] : NULL;
        const cJSON *old = entry ? entry->value : NULL;
        if (old == write->value || cJSON_Compare(old, write->value, true))
            continue; /* both absent, or equal */
        if (!entry)
            entry = insert(record, at, write->scope, write->target, write->key);
        cJSON_Delete((cJSON *)entry->value);
        entry->value = write->value;
        write->value = NULL;
        entry->version++;
        entry->revision = revision;
        entry->timestamp = now;
        entry->origin = origin ? *origin : (struct record_origin){0};
        changed = true;
    }
    record_batch_destroy(batch);
    if (changed)
        record->revision = revision;
    return changed ? revision : 0;
}

void record_restore(struct record *record, const struct record_entry *entry, cJSON *value)
{
    bool found;
    size_t at = locate(record, entry->scope, entry->target, entry->key, &found);
    struct record_entry *own =
        found ? record->entries[at] : insert(record, at, entry->scope, entry->target, entry->key);
    cJSON_Delete((cJSON *)own->value);
    own->value = value;
    own->version = entry->version;
    own->revision = entry->revision;
    own->timestamp = entry->timestamp;
    own->origin = entry->origin;
    record_restore_revision(record, entry->revision);
}

void record_restore_revision(struct record *record, uint64_t revision)
{
    if (revision > record->revision)
        record->revision = revision;
}

void record_forget(struct record *record, const char *scope, const char *target)
{
    size_t kept = 0;
    for (size_t i = 0; i < record->count; i++) {
        struct record_entry *entry = record->entries[i];
        if (!entry->value && strcmp(entry->scope, scope) == 0 && strcmp(entry->target, target) == 0)
            entry_free(entry);
        else
            record->entries[kept++] = entry;
    }
    record->count = kept;
}
