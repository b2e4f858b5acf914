/* SPDX-License-Identifier: BSD-3-Clause */
/* fs.listdir and napari.load_zarr: on the worker, which may wait for slow disks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/log.h"

static cJSON *path_detail(const char *path)
{
    cJSON *details = cJSON_CreateObject();
    json_put_string(details, "path", path);
    return details;
}

/* --- fs.listdir
 * ----------------------------------------------------------------------------------- */

struct list_job {
    struct job job;
    struct call *call;
    char *path;   /* resolved; NULL: the roots */
    char **roots; /* what is listed when there is no path */
    size_t root_count;
    cJSON *only;
    bool hidden;
    cJSON *result;
    const char *code;
    struct error err;
};

static void list_drop(struct job *job)
{
    struct list_job *self = (struct list_job *)job;
    for (size_t i = 0; i < self->root_count; i++)
        free(self->roots[i]);
    free(self->roots);
    free(self->path);
    cJSON_Delete(self->only);
    cJSON_Delete(self->result);
    call_finish(self->call);
    free(self);
}

static void list_run(struct job *job)
{
    struct list_job *self = (struct list_job *)job;
    self->result = files_list((const char *const *)self->roots, self->root_count, self->path,
                              self->only, self->hidden, &self->code, &self->err);
}

static void list_done(struct control *control, struct job *job)
{
    struct list_job *self = (struct list_job *)job;
    if (self->result) {
        call_reply(control, self->call, self->result);
        self->result = NULL;
    } else {
        call_error(control, self->call, self->code, self->err.text,
                   self->path ? path_detail(self->path) : NULL);
    }
    list_drop(job);
}

static bool suffixes_ok(const cJSON *only)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, only)
    {
        if (!cJSON_IsString(item))
            return false;
    }
    return cJSON_IsArray(only);
}

void command_listdir(struct control *control, struct call *call, const cJSON *kwargs)
{
    const cJSON *only = cJSON_GetObjectItemCaseSensitive(kwargs, "only");
    const char *path = json_string(cJSON_GetObjectItemCaseSensitive(kwargs, "path"));
    if (only && !cJSON_IsNull(only) && !suffixes_ok(only)) {
        call_error(control, call, "command.invalid", "only must be a list of suffixes", NULL);
        call_finish(call);
        return;
    }
    char *resolved = NULL;
    const char *code;
    struct error err;
    const char *root = config_string(control->config, "data.root");
    if ((path || root[0]) && !files_resolve(control, path ? path : root, &resolved, &code, &err)) {
        call_error(control, call, code, err.text, path ? path_detail(path) : NULL);
        call_finish(call);
        return;
    }
    struct list_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = list_run, .done = list_done, .drop = list_drop};
    self->call = call;
    self->path = resolved;
    self->only = only && !cJSON_IsNull(only) ? cJSON_Duplicate(only, true) : NULL;
    self->hidden = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(kwargs, "show_hidden"));
    self->roots = xcalloc(control->allowed_count, sizeof *self->roots);
    for (size_t i = 0; i < control->allowed_count; i++)
        self->roots[self->root_count++] = xstrdup(control->allowed[i]);
    worker_add(control->worker, &self->job);
}

/* --- napari.load_zarr
 * ----------------------------------------------------------------------------- */

struct load_job {
    struct job job;
    struct call *call;
    struct registry *registry;
    struct layers_options options;
    char *path;
    bool ok;
    struct opened opened;
    cJSON *choices; /* several images: their names */
    struct error err;
};

static void load_drop(struct job *job)
{
    struct load_job *self = (struct load_job *)job;
    opened_finish(&self->opened);
    cJSON_Delete(self->choices);
    free(self->path);
    call_finish(self->call);
    free(self);
}

static void load_run(struct job *job)
{
    struct load_job *self = (struct load_job *)job;
    self->ok = open_uri(self->registry, self->path, &self->options, &self->opened, &self->err);
    if (self->ok || files_is_image(self->path))
        return;
    /* A folder of images: the only one is meant, else the client chooses. */
    self->choices = files_images(self->path);
    if (cJSON_GetArraySize(self->choices) != 1)
        return;
    char *inner = xasprintf("%s/%s", self->path, self->choices->child->valuestring);
    self->ok = open_uri(self->registry, inner, &self->options, &self->opened, &self->err);
    free(inner);
}

static void load_done(struct control *control, struct job *job)
{
    struct load_job *self = (struct load_job *)job;
    if (!self->ok) {
        cJSON *details = path_detail(self->path);
        bool several = cJSON_GetArraySize(self->choices) > 1;
        if (several)
            json_put(details, "options", cJSON_Duplicate(self->choices, true));
        call_error(control, self->call, several ? "zarr.disambiguate" : "zarr.invalid",
                   several ? "there are several images in this folder" : self->err.text, details);
        load_drop(job);
        return;
    }
    if (self->opened.note)
        log_info(LOG_DATA, "%s", self->opened.note);
    log_info(LOG_DATA, "%s is shown now", self->path);
    struct record_origin origin;
    call_origin(self->call, &origin);
    while (control->faults->child)
        notice_clear(control, cJSON_GetObjectItem(control->faults->child, "code")->valuestring,
                     json_string(cJSON_GetObjectItem(control->faults->child, "layer_id")));
    scene_clear(control->scene, &origin);
    scene_add(control->scene, self->opened.layers, self->opened.count, &origin);
    self->opened.count = 0;
    open_first_view(control, session_find(control, self->call->actor));
    play_changed(control, &control->main, origin.received_ns);
    cJSON *result = cJSON_CreateObject();
    json_put_bool(result, "ok", true);
    call_reply(control, self->call, result);
    load_drop(job);
}

void command_load(struct control *control, struct call *call, const cJSON *kwargs)
{
    const char *path = json_string(cJSON_GetObjectItemCaseSensitive(kwargs, "path"));
    char *resolved = NULL;
    const char *code = "command.invalid";
    struct error err;
    error_set(&err, "path must be a non-empty string");
    if (!path || !files_resolve(control, path, &resolved, &code, &err)) {
        call_error(control, call, code, err.text, path ? path_detail(path) : NULL);
        call_finish(call);
        return;
    }
    struct load_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = load_run, .done = load_done, .drop = load_drop};
    self->call = call;
    self->registry = control->registry;
    open_options(control, &self->options);
    self->path = resolved;
    worker_add(control->worker, &self->job);
}
