/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/state.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "control/state_json.h"
#include "journal/journal.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/log.h"

struct state {
    struct journal *journal;
    uint64_t stored; /* revision */
    uint64_t bound;  /* the revision that a restart goes on from: as high, or higher */
    cJSON *opened;   /* what the scene was begun with */
    cJSON *named;    /* what command lines of this scene named; or NULL */
    cJSON *begun;    /* both, and what this one names, as it is stored; made when it first is */
    bool failed, fenced;
};

/* --- every turn ------------------------------------------------------------------------------ */

static void fence(struct control *control, const struct error *why)
{
    log_error(LOG_STATE, "%s: nothing is stored or acknowledged any more", why->text);
    control->state->fenced = true;
    outbox_drop(control->outbox);
    for (struct session *s = control->sessions; s; s = s->next)
        session_goodbye(control, s, "fenced", "another server has taken this session over",
                        "fenced", 1012);
    outbox_flush(control->outbox);
    if (control->rooms.fenced)
        control->rooms.fenced(control->rooms.data);
}

/* What may be opened does not change after the start. */
static const cJSON *begun(struct control *control)
{
    struct state *state = control->state;
    if (state->begun)
        return state->begun;
    state->begun = cJSON_CreateObject();
    if (state->opened)
        json_put(state->begun, "opened", cJSON_Duplicate(state->opened, true));
    cJSON *allowed = json_put(state->begun, "allowed", cJSON_CreateArray()), *item;
    cJSON_ArrayForEach(item, state->named)
    {
        if (cJSON_IsString(item) && !open_allowed(control, item->valuestring))
            cJSON_AddItemToArray(allowed, cJSON_CreateString(item->valuestring));
    }
    for (size_t i = 0; i < control->allowed_count; i++)
        cJSON_AddItemToArray(allowed, cJSON_CreateString(control->allowed[i]));
    return state->begun;
}

static void write_snapshot(struct control *control)
{
    struct state *state = control->state;
    struct error err;
    char *text =
        state_json(control->scene, control->history, 0, &state->bound, true, begun(control));
    journal_snapshot(state->journal, text, &err); /* which says itself what went wrong */
}

void state_store(struct control *control, int64_t *deadline)
{
    struct state *state = control->state;
    if (!state)
        return;
    if (state->fenced) {
        outbox_drop(control->outbox);
        return;
    }
    char *text = state_json(control->scene, control->history, state->stored, &state->bound, false,
                            begun(control));
    if (text)
        journal_append(state->journal, text, strlen(text));
    free(text);
    state->stored = record_revision(control->scene->record);
    struct error why;
    switch (journal_commit(state->journal, &why)) {
    case JOURNAL_OK:
        if (state->failed)
            notice_clear(control, "state.not_stored", NULL);
        state->failed = false;
        break;
    case JOURNAL_FENCED:
        fence(control, &why);
        return;
    case JOURNAL_FAILED:
    case JOURNAL_BUSY:
        /* Once: the files that are tried have ever new names. */
        error_prefix(&why, "Changes are not stored: a restart would lose them");
        if (!state->failed)
            notice_fault(control, "state", "state.not_stored", why.text, NULL, NULL);
        state->failed = true;
        break;
    }
    int64_t due = journal_snapshot_due(state->journal);
    if (due == 0) {
        write_snapshot(control);
        due = journal_snapshot_due(state->journal);
    }
    if (due < *deadline)
        *deadline = due;
}

void state_close(struct control *control)
{
    struct state *state = control->state;
    outbox_wait(control->outbox, false);
    if (!state)
        return;
    control->state = NULL;
    journal_close(state->journal);
    cJSON_Delete(state->opened);
    cJSON_Delete(state->named);
    cJSON_Delete(state->begun);
    free(state);
}

/* --- at the start ---------------------------------------------------------------------------- */

static void on_changed(void *data)
{
    control_post(data, message_create(MESSAGE_STATE, 0));
}

static bool open_journal(struct control *control, enum journal_result *result, struct error *err)
{
    const struct config *config = control->config;
    const char *sync = config_string(config, "state.fsync");
    const struct journal_options options = {
        .folder = config_string(config, "state.dir"),
        .sync = strcmp(sync, "batch") == 0 ? JOURNAL_SYNC_BATCH
                : strcmp(sync, "off") == 0 ? JOURNAL_SYNC_OFF
                                           : JOURNAL_SYNC_INTERVAL,
        .sync_ms = (unsigned)config_int(config, "state.fsync_ms"),
        .snapshot_bytes = (uint64_t)config_int(config, "state.snapshot_bytes"),
        .changed = on_changed,
        .data = control};
    struct journal *journal = journal_open(&options, result, err);
    if (!journal)
        return false;
    control->state = xcalloc(1, sizeof *control->state);
    control->state->journal = journal;
    return true;
}

struct reading {
    struct control *control;
    struct state_found found;
};

static void read_text(void *data, const char *text, size_t bytes)
{
    struct reading *self = data;
    struct error err;
    if (!state_json_restore(text, bytes, self->control->scene, self->control->history, &self->found,
                            &err))
        log_error(LOG_STATE, "a stored change is left out: %s", err.text);
}

/* As it stands for the data that were named at a start: the same files are the same by any path. */
static cJSON *named_json(const struct control_named *named)
{
    char real[PATH_MAX];
    cJSON *out = cJSON_CreateObject(), *data = json_put(out, "data", cJSON_CreateArray());
    for (size_t i = 0; i < named->data_count; i++)
        cJSON_AddItemToArray(
            data, cJSON_CreateString(realpath(named->data[i], real) ? real : named->data[i]));
    if (named->scene_file)
        json_put_string(out, "scene", realpath(named->scene_file, real) ? real : named->scene_file);
    return out;
}

/* Whether clients may have this data now: it is in the record because they could when it was
 * opened. What the command line named is below data.root or not. */
static bool may_open(const struct control *control, const char *uri, struct error *err)
{
    struct files_scope scope;
    const char *code;
    char *real = NULL;
    files_scope_init(&scope, control);
    bool ok = files_resolve(&scope, uri, &real, &code, err);
    if (!ok && scope.root[0]) {
        struct error other;
        scope.root[0] = '\0';
        ok = files_resolve(&scope, uri, &real, &code, &other);
    }
    files_scope_finish(&scope);
    free(real);
    return ok;
}

/* The layer `id` as the record has it. */
static struct scene_layer *open_layer(struct control *control, const char *id, struct error *err)
{
    const cJSON *source = record_value(control->scene->record, "layer", id, "source");
    cJSON *json = cJSON_CreateObject(), *entry = cJSON_CreateObject();
    json_put_number(json, "oriel_scene", 1);
    cJSON_AddItemToArray(json_put(json, "layers", cJSON_CreateArray()), entry);
    json_put(entry, "source", source ? cJSON_Duplicate(source, true) : cJSON_CreateNull());
    cJSON *transform = cJSON_DetachItemFromObjectCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(entry, "source"), "transform");
    if (transform)
        json_put(entry, "transform", transform);
    struct scene_file *file = scene_file_parse(json, "the state", err);
    cJSON_Delete(json);
    struct layers_options options;
    open_options(control, &options);
    options.split = LAYERS_SPLIT_NEVER;
    struct opened opened;
    struct scene_layer *layer = NULL;
    if (file && may_open(control, file->layers[0].uri, err) &&
        open_file_layer(control->registry, &options, file, 0, &opened, err)) {
        layer = opened.layers[0];
        opened.count = 0;
        opened_finish(&opened);
        snprintf(layer->id, sizeof layer->id, "%s", id);
        layer->key = strtoull(id + strcspn(id, "0123456789"), NULL, 10) + 1;
    }
    scene_file_destroy(file);
    return layer;
}

/* The layers that the record speaks of. */
static void open_layers(struct control *control, const struct world_axes *world)
{
    struct scene *scene = control->scene;
    const cJSON *ids = record_value(scene->record, "scene", "main", "layers"), *id;
    struct scene_layer **layers = xcalloc((size_t)cJSON_GetArraySize(ids), sizeof *layers);
    size_t count = 0;
    cJSON_ArrayForEach(id, ids)
    {
        struct error err;
        struct scene_layer *layer = open_layer(control, id->valuestring, &err);
        if (layer) {
            layers[count++] = layer;
            continue;
        }
        error_prefix(&err, "%s is missing", id->valuestring);
        notice_fault(control, "data", "data.open", err.text, id->valuestring, NULL);
        if (!scene->absent)
            scene->absent = cJSON_CreateArray();
        cJSON_AddItemToArray(scene->absent, cJSON_Duplicate(id, true));
    }
    scene_restore(scene, layers, count, world);
    free(layers);
}

/* Keys of layers that are in no list: forgotten before it was stored that they were cleared. */
static void clear_strays(struct control *control)
{
    struct record *record = control->scene->record;
    const cJSON *ids = record_value(record, "scene", "main", "layers"), *id;
    struct record_batch *batch = record_batch_create();
    size_t cursor = 0;
    const struct record_entry *entry;
    while ((entry = record_next(record, "layer", NULL, &cursor))) {
        bool listed = false;
        cJSON_ArrayForEach(id, ids) listed |= strcmp(id->valuestring, entry->target) == 0;
        if (!listed)
            record_put(batch, entry->scope, entry->target, entry->key, NULL);
    }
    record_commit(record, batch, NULL);
}

enum control_restored control_restore(struct control *control, const struct control_named *named,
                                      struct error *err)
{
    CHECK(!control->started && !control->state);
    if (!config_string(control->config, "state.dir")[0])
        return CONTROL_NEW;
    enum journal_result result;
    if (!open_journal(control, &result, err))
        return result == JOURNAL_BUSY ? CONTROL_BUSY : CONTROL_UNUSABLE;
    outbox_wait(control->outbox, true);
    struct state *state = control->state;
    struct reading reading = {.control = control};
    const struct journal_visitor visitor = {
        .snapshot = read_text, .record = read_text, .data = &reading};
    bool any = journal_recover(state->journal, &visitor);
    state->opened = named_json(named);
    bool nothing = !named->data_count && !named->scene_file;
    bool ours = any && (nothing || cJSON_Compare(reading.found.opened, state->opened, true));
    const char *folder = config_string(control->config, "state.dir");
    const char *root = config_string(control->config, "data.root");
    if (any)
        state->stored = state->bound = record_revision(control->scene->record);
    if (ours) {
        for (size_t i = 0; i < named->data_count; i++)
            open_allow(control, named->data[i]);
        /* What another command line named does not count where there is a root now. */
        state->named = reading.found.allowed;
        reading.found.allowed = NULL;
        const cJSON *allowed = nothing && root[0] ? NULL : state->named, *item;
        cJSON_ArrayForEach(item, allowed)
        {
            if (cJSON_IsString(item))
                open_allow(control, item->valuestring);
        }
        clear_strays(control);
        open_layers(control, &reading.found.world);
        if (record_revision(control->scene->record) > state->stored)
            state->stored = 0; /* the world is another: all of it anew */
        cJSON_Delete(state->opened);
        state->opened = reading.found.opened ? cJSON_Duplicate(reading.found.opened, true) : NULL;
        log_info(LOG_STATE, "%s: its scene is shown, as it was: %zu layers, revision %llu", folder,
                 control->scene->layer_count,
                 (unsigned long long)record_revision(control->scene->record));
    } else if (any) {
        log_info(LOG_STATE, "%s: its scene was begun with other data: a new one begins", folder);
        scene_clear(control->scene, NULL);
    }
    if (any && (!ours || control->scene->absent)) {
        history_reset(control->history, HISTORY_SCENE);
        history_reset(control->history, HISTORY_LAYERS);
    }
    cJSON_Delete(reading.found.opened);
    cJSON_Delete(reading.found.allowed);
    return ours ? CONTROL_RESTORED : CONTROL_NEW;
}
