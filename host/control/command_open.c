/* SPDX-License-Identifier: BSD-3-Clause */
/* fs.listdir, napari.load_zarr, napari.layer.add: on the workers, which may wait for slow disks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/log.h"

#define MAX_ENTRIES 1000

static const cJSON *arg(const cJSON *kwargs, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(kwargs, key);
    return cJSON_IsNull(item) ? NULL : item;
}

static cJSON *path_detail(const char *path)
{
    cJSON *details = cJSON_CreateObject();
    json_put_string(details, "path", path);
    return details;
}

void command_refuse(struct control *control, struct call *call, const char *code,
                    const char *message, cJSON *details)
{
    call_error(control, call, code, message, details);
    call_finish(call);
}

/* --- fs.listdir ------------------------------------------------------------------------------ */

struct list_job {
    struct job job;
    struct call *call;
    struct files_scope scope;
    struct files_query query; /* its pointers are into kwargs */
    cJSON *kwargs;
    cJSON *result;
    const char *code;
    struct error err;
};

static void list_drop(struct job *job)
{
    struct list_job *self = (struct list_job *)job;
    files_scope_finish(&self->scope);
    cJSON_Delete(self->kwargs);
    cJSON_Delete(self->result);
    call_finish(self->call);
    free(self);
}

static void list_run(struct job *job)
{
    struct list_job *self = (struct list_job *)job;
    self->result = files_list(&self->scope, &self->query, &self->code, &self->err);
}

static void list_done(struct control *control, struct job *job)
{
    struct list_job *self = (struct list_job *)job;
    if (self->result) {
        call_reply(control, self->call, self->result);
        self->result = NULL;
    } else {
        call_error(control, self->call, self->code, self->err.text,
                   path_detail(self->query.path ? self->query.path : ""));
    }
    list_drop(job);
}

static const char *check_listing(const cJSON *kwargs)
{
    const cJSON *only = arg(kwargs, "only"), *item;
    const cJSON *path = arg(kwargs, "path"), *cursor = arg(kwargs, "cursor");
    const cJSON *limit = arg(kwargs, "limit");
    int64_t n;
    cJSON_ArrayForEach(item, only)
    {
        if (!cJSON_IsString(item))
            return "only must be a list of suffixes";
    }
    if (only && !cJSON_IsArray(only))
        return "only must be a list of suffixes";
    if (path && !cJSON_IsString(path))
        return "path must be a string or null";
    if (cursor && !cJSON_IsString(cursor))
        return "cursor must be what the page before said, or null";
    if (limit && (!json_integer(limit, &n) || n < 1 || n > MAX_ENTRIES))
        return "limit must be 1 to 1000";
    return NULL;
}

void command_listdir(struct control *control, struct call *call, const cJSON *kwargs)
{
    const char *wrong = check_listing(kwargs);
    if (wrong) {
        command_refuse(control, call, "command.invalid", wrong, NULL);
        return;
    }
    if (call->role < ROLE_EDITOR && !config_string(control->config, "data.root")[0]) {
        command_refuse(control, call, "command.forbidden",
                       "there is no folder here that viewers may list (data.root)", NULL);
        return;
    }
    struct list_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = list_run,
                             .done = list_done,
                             .drop = list_drop,
                             .kind = JOB_LIST,
                             .cancel = &call->cancel};
    self->call = call;
    self->kwargs = kwargs ? cJSON_Duplicate(kwargs, true) : cJSON_CreateObject();
    int64_t limit = MAX_ENTRIES;
    json_integer(arg(self->kwargs, "limit"), &limit);
    self->query = (struct files_query){
        .path = json_string(arg(self->kwargs, "path")),
        .only = arg(self->kwargs, "only"),
        .hidden = cJSON_IsTrue(arg(self->kwargs, "show_hidden")),
        .cursor = json_string(arg(self->kwargs, "cursor")),
        .limit = (size_t)limit,
    };
    files_scope_init(&self->scope, control);
    self->scope.cancel = &call->cancel;
    worker_add(control->worker, &self->job);
}

/* --- napari.load_zarr, napari.layer.add ------------------------------------------------------ */

struct load_job {
    struct job job;
    struct call *call;
    struct registry *registry;
    struct files_scope scope;
    struct layers_options options;
    char *path, *resolved;
    cJSON *entry; /* of a layer to add: one of a scene file's layers; NULL: load */
    struct opened opened;
    cJSON *choices;   /* several images: their names */
    const char *code; /* NULL: done */
    struct error err;
};

static void load_drop(struct job *job)
{
    struct load_job *self = (struct load_job *)job;
    opened_finish(&self->opened);
    cJSON_Delete(self->choices);
    cJSON_Delete(self->entry);
    files_scope_finish(&self->scope);
    free(self->resolved);
    free(self->path);
    call_finish(self->call);
    free(self);
}

/* With what napari.layer.add says about the layer, if that it is. */
static bool open_as_asked(struct load_job *self, const char *uri)
{
    if (!self->entry)
        return open_uri(self->registry, uri, &self->options, &self->opened, &self->err);
    json_put_string(cJSON_GetObjectItemCaseSensitive(self->entry, "source"), "uri", uri);
    cJSON *json = cJSON_CreateObject();
    json_put_number(json, "oriel_scene", 1);
    cJSON_AddItemReferenceToArray(json_put(json, "layers", cJSON_CreateArray()), self->entry);
    struct scene_file *file = scene_file_parse(json, "napari.layer.add", &self->err);
    cJSON_Delete(json);
    if (!file)
        self->code = "command.invalid";
    bool ok =
        file && open_file_layer(self->registry, &self->options, file, 0, &self->opened, &self->err);
    scene_file_destroy(file);
    return ok;
}

static void load_run(struct job *job)
{
    struct load_job *self = (struct load_job *)job;
    if (!files_resolve(&self->scope, self->path, &self->resolved, &self->code, &self->err) ||
        open_as_asked(self, self->resolved) || self->code)
        return;
    self->code = "zarr.invalid";
    if (files_is_image(&self->scope, self->resolved))
        return;
    /* A folder of images: the only one is meant, else the client chooses. */
    self->choices = files_images(&self->scope, self->resolved);
    int count = cJSON_GetArraySize(self->choices);
    if (count > 1) {
        self->code = "zarr.disambiguate";
        error_set(&self->err, "there are several images in this folder");
    } else if (count == 1) {
        char *inner = xasprintf("%s/%s", self->resolved, self->choices->child->valuestring);
        if (open_as_asked(self, inner))
            self->code = NULL;
        free(inner);
    }
}

static cJSON *show(struct control *control, struct load_job *self)
{
    struct record_origin origin;
    call_origin(self->call, &origin);
    log_info(LOG_DATA, "%s is shown now", self->resolved);
    notice_clear_data(control);
    scene_clear(control->scene, &origin);
    scene_add(control->scene, self->opened.layers, self->opened.count, &origin);
    open_first_view(control, session_find(control, self->call->actor));
    play_changed(control, &control->main, origin.received_ns);
    cJSON *result = cJSON_CreateObject();
    json_put_bool(result, "ok", true);
    return result;
}

static cJSON *add(struct control *control, struct load_job *self)
{
    struct record_origin origin;
    call_origin(self->call, &origin);
    log_info(LOG_DATA, "%s is added", self->resolved);
    bool fresh = control->scene->layer_count == 0;
    scene_add(control->scene, self->opened.layers, self->opened.count, &origin);
    if (fresh)
        open_first_view(control, session_find(control, self->call->actor));
    cJSON *result = cJSON_CreateObject(), *ids = json_put(result, "layer_ids", cJSON_CreateArray());
    for (size_t i = 0; i < self->opened.count; i++)
        cJSON_AddItemToArray(ids, cJSON_CreateString(self->opened.layers[i]->id));
    return result;
}

static void load_done(struct control *control, struct job *job)
{
    struct load_job *self = (struct load_job *)job;
    if (self->code) {
        cJSON *details = path_detail(self->resolved ? self->resolved : self->path);
        if (cJSON_GetArraySize(self->choices) > 1)
            json_put(details, "options", cJSON_Duplicate(self->choices, true));
        call_error(control, self->call, self->code, self->err.text, details);
    } else if (!self->call->answered) { /* who gave up does not want it any more */
        if (self->opened.note)
            log_info(LOG_DATA, "%s", self->opened.note);
        cJSON *result = self->entry ? add(control, self) : show(control, self);
        self->opened.count = 0; /* the scene's now */
        call_reply(control, self->call, result);
    }
    load_drop(job);
}

static void start(struct control *control, struct call *call, const char *path, cJSON *entry)
{
    struct load_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = load_run,
                             .done = load_done,
                             .drop = load_drop,
                             .kind = JOB_SCENE,
                             .cancel = &call->cancel};
    self->call = call;
    self->registry = control->registry;
    self->path = xstrdup(path);
    self->entry = entry;
    files_scope_init(&self->scope, control);
    self->scope.cancel = &call->cancel;
    open_options(control, &self->options);
    worker_add(control->worker, &self->job);
}

void command_load(struct control *control, struct call *call, const cJSON *kwargs)
{
    const char *path = json_string(arg(kwargs, "path"));
    if (path)
        start(control, call, path, NULL);
    else
        command_refuse(control, call, "command.invalid", "path must be a non-empty string", NULL);
}

void command_add(struct control *control, struct call *call, const cJSON *kwargs)
{
    const char *path = json_string(arg(kwargs, "path"));
    if (!path) {
        command_refuse(control, call, "command.invalid", "path must be a non-empty string", NULL);
        return;
    }
    cJSON *entry = cJSON_CreateObject(), *source = json_put(entry, "source", cJSON_CreateObject());
    static const struct {
        const char *key;
        bool source;
    } parts[] = {{"level", true}, {"index", true}, {"name", false}, {"controls", false}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const cJSON *given = arg(kwargs, parts[i].key);
        if (given)
            json_put(parts[i].source ? source : entry, parts[i].key, cJSON_Duplicate(given, true));
    }
    start(control, call, path, entry);
}
