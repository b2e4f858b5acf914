/* SPDX-License-Identifier: BSD-3-Clause */
/* napari.scene.save, .list, .load, and napari.close. Saved scenes are scene files in one folder. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "control/room.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/file.h"
#include "util/log.h"

#define NAME_MOST 100u
#define SUFFIX ".json"

/* The folder of the saved scenes; NULL: none is configured. The caller frees. */
static char *scene_folder(const struct control *control)
{
    const char *folder = config_string(control->config, "scene.folder");
    const char *state = config_string(control->config, "state.dir");
    return folder[0] ? xstrdup(folder) : state[0] ? xasprintf("%s/scenes", state) : NULL;
}

static bool name_ok(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    if (length < 1 || length > NAME_MOST || name[0] == '.')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("._ -", name[i]))
            return false;
    }
    return true;
}

/* The path of kwargs.name's file; NULL after an answer that says why not. */
static char *named_path(struct control *control, struct call *call, const cJSON *kwargs)
{
    const char *name = json_string(cJSON_GetObjectItemCaseSensitive(kwargs, "name"));
    char *folder = scene_folder(control), *path = NULL;
    if (!name_ok(name))
        command_refuse(
            control, call, "command.invalid",
            "name must have 1 to 100 letters, digits, spaces and . _ -, and no dot first", NULL);
    else if (!folder)
        command_refuse(control, call, "scene.nowhere",
                       "scenes cannot be saved here: neither scene.folder nor state.dir is set",
                       NULL);
    else
        path = xasprintf("%s/%s%s", folder, name, SUFFIX);
    free(folder);
    return path;
}

/* --- save, list: on a worker ----------------------------------------------------------------- */

struct folder_job {
    struct job job;
    struct call *call;
    char *path, *text; /* of a scene to save; else the folder to list */
    cJSON *result;
    struct error err;
};

static void folder_drop(struct job *job)
{
    struct folder_job *self = (struct folder_job *)job;
    free(self->path);
    free(self->text);
    cJSON_Delete(self->result);
    call_finish(self->call);
    free(self);
}

static void folder_done(struct control *control, struct job *job)
{
    struct folder_job *self = (struct folder_job *)job;
    if (self->result) {
        call_reply(control, self->call, self->result);
        self->result = NULL;
    } else {
        call_error(control, self->call, "scene.failed", self->err.text, NULL);
    }
    folder_drop(job);
}

static bool write_scene(const char *path, const char *text, struct error *err)
{
    char *folder = xasprintf("%.*s", (int)(strrchr(path, '/') - path), path);
    mkdir(folder, 0700);
    free(folder);
    return file_replace(path, 0600, text, strlen(text)) ||
           error_set(err, "%s: %s", path, strerror(errno));
}

static void save_run(struct job *job)
{
    struct folder_job *self = (struct folder_job *)job;
    if (!write_scene(self->path, self->text, &self->err))
        return;
    const char *file = strrchr(self->path, '/') + 1;
    char *name = xasprintf("%.*s", (int)(strlen(file) - strlen(SUFFIX)), file);
    self->result = cJSON_CreateObject();
    json_put_string(self->result, "name", name);
    json_put_string(self->result, "path", self->path);
    free(name);
}

void command_scene_save(struct control *control, struct call *call, const cJSON *kwargs)
{
    char *path = named_path(control, call, kwargs);
    if (!path)
        return;
    cJSON *scene = scene_file_write(control->scene, call_view(control, call)->id);
    char *text = cJSON_Print(scene);
    cJSON_Delete(scene);
    CHECK(text);
    struct folder_job *self = xcalloc(1, sizeof *self);
    *self = (struct folder_job){.job = {.run = save_run,
                                        .done = folder_done,
                                        .drop = folder_drop,
                                        .kind = JOB_SCENE,
                                        .cancel = &call->cancel},
                                .call = call,
                                .path = path,
                                .text = text};
    worker_add(control->worker, &self->job);
}

static void list_run(struct job *job)
{
    struct folder_job *self = (struct folder_job *)job;
    cJSON *result = cJSON_CreateObject(), *scenes = json_put(result, "scenes", cJSON_CreateArray());
    struct dirent **list = NULL;
    int n = self->path ? scandir(self->path, &list, NULL, alphasort) : 0;
    for (int i = 0; i < n; i++) {
        size_t length = strlen(list[i]->d_name), suffix = strlen(SUFFIX);
        struct stat st;
        char *path = xasprintf("%s/%s", self->path, list[i]->d_name);
        if (length > suffix && strcmp(list[i]->d_name + length - suffix, SUFFIX) == 0 &&
            stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            list[i]->d_name[length - suffix] = '\0';
            if (name_ok(list[i]->d_name)) {
                cJSON *scene = cJSON_CreateObject();
                json_put_string(scene, "name", list[i]->d_name);
                json_put_number(scene, "mtime", (double)st.st_mtim.tv_sec);
                cJSON_AddItemToArray(scenes, scene);
            }
        }
        free(path);
        free(list[i]);
    }
    free(list);
    self->result = result;
}

void command_scene_list(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    struct folder_job *self = xcalloc(1, sizeof *self);
    *self = (struct folder_job){.job = {.run = list_run,
                                        .done = folder_done,
                                        .drop = folder_drop,
                                        .kind = JOB_SCENE,
                                        .cancel = &call->cancel},
                                .call = call,
                                .path = scene_folder(control)};
    worker_add(control->worker, &self->job);
}

/* --- load ------------------------------------------------------------------------------------ */

struct load_job {
    struct job job;
    struct call *call;
    struct registry *registry;
    struct files_scope scope;
    struct layers_options options;
    char *named, *path; /* a saved scene's file, or what the client calls its path */
    cJSON *scene;       /* or the scene itself */
    struct scene_file *file;
    struct opened *opened; /* for each layer of the file */
    const char *code;      /* NULL: done */
    struct error err;
};

static void load_drop(struct job *job)
{
    struct load_job *self = (struct load_job *)job;
    for (size_t i = 0; self->opened && i < self->file->layer_count; i++)
        opened_finish(&self->opened[i]);
    free(self->opened);
    scene_file_destroy(self->file);
    files_scope_finish(&self->scope);
    cJSON_Delete(self->scene);
    free(self->named);
    free(self->path);
    call_finish(self->call);
    free(self);
}

static bool read_scene(struct load_job *self)
{
    self->code = "scene.invalid";
    if (self->scene) {
        char *beside = xasprintf("%s/scene", self->scope.root[0] ? self->scope.root : ".");
        self->file = scene_file_parse(self->scene, beside, &self->err);
        free(beside);
        return self->file != NULL;
    }
    char *path = self->named ? xstrdup(self->named) : NULL;
    if (!path && !files_resolve(&self->scope, self->path, &path, &self->code, &self->err))
        return false;
    if (access(path, R_OK) != 0) {
        self->code = "scene.not_found";
        error_set(&self->err, "%s: %s", path, strerror(errno));
    } else {
        self->file = scene_file_read(path, &self->err);
    }
    free(path);
    return self->file != NULL;
}

static void load_run(struct job *job)
{
    struct load_job *self = (struct load_job *)job;
    if (!read_scene(self))
        return;
    struct scene_file *file = self->file;
    self->opened = xcalloc(file->layer_count, sizeof *self->opened);
    for (size_t i = 0; i < file->layer_count; i++) {
        char *real = NULL;
        if (!files_resolve(&self->scope, file->layers[i].uri, &real, &self->code, &self->err)) {
            error_prefix(&self->err, "%s: layers[%zu].source", file->path, i);
            return;
        }
        free(file->layers[i].uri);
        file->layers[i].uri = real;
        if (!open_file_layer(self->registry, &self->options, file, i, &self->opened[i],
                             &self->err)) {
            self->code = "scene.invalid";
            return;
        }
    }
    self->code = NULL;
}

static void put_layers(struct scene *scene, struct load_job *self,
                       const struct record_origin *origin)
{
    for (size_t i = 0; i < self->file->layer_count; i++) {
        scene_add(scene, self->opened[i].layers, self->opened[i].count, origin);
        self->opened[i].count = 0;
    }
}

/* Tries the file on a scene of its own first: what does not fit leaves everything as it was. */
static bool try_scene(struct load_job *self)
{
    struct scene *trial = scene_create(64, 64);
    size_t n = 0, files = self->file->layer_count;
    size_t *counts = xcalloc(files, sizeof *counts);
    for (size_t i = 0; i < files; i++)
        counts[i] = self->opened[i].count;
    put_layers(trial, self, NULL);
    bool ok = scene_file_apply_view(self->file, trial, &self->err);
    struct scene_layer **layers = xcalloc(trial->layer_count, sizeof *layers);
    while (trial->layer_count) {
        layers[n] = scene_take(trial, trial->layers[0]->id, NULL);
        layers[n++]->id[0] = '\0';
    }
    scene_destroy(trial);
    n = 0;
    for (size_t i = 0; i < files; i++) {
        self->opened[i].count = counts[i];
        for (size_t k = 0; k < counts[i]; k++)
            self->opened[i].layers[k] = layers[n++];
    }
    free(layers);
    free(counts);
    return ok;
}

static void load_done(struct control *control, struct job *job)
{
    struct load_job *self = (struct load_job *)job;
    if (!self->code)
        open_fit_canvas(control, self->file);
    if (!self->code && !try_scene(self))
        self->code = "scene.invalid";
    if (self->code) {
        call_error(control, self->call, self->code, self->err.text, NULL);
    } else if (!self->call->answered) {
        struct record_origin origin;
        call_origin(self->call, &origin);
        notice_clear_data(control);
        scene_clear(control->scene, &origin);
        put_layers(control->scene, self, &origin);
        if (!scene_file_apply_view(self->file, control->scene, &self->err))
            log_warn(LOG_SCENE, "%s", self->err.text);
        play_changed(control, &control->main, origin.received_ns);
        log_info(LOG_SCENE, "the scene %s is shown now", self->file->path);
        cJSON *result = cJSON_CreateObject();
        json_put_bool(result, "ok", true);
        call_reply(control, self->call, result);
    }
    load_drop(job);
}

void command_scene_load(struct control *control, struct call *call, const cJSON *kwargs)
{
    const cJSON *scene = cJSON_GetObjectItemCaseSensitive(kwargs, "scene");
    const char *path = json_string(cJSON_GetObjectItemCaseSensitive(kwargs, "path"));
    char *named = NULL;
    if (!cJSON_IsObject(scene) && !path && !(named = named_path(control, call, kwargs)))
        return;
    struct load_job *self = xcalloc(1, sizeof *self);
    *self = (struct load_job){.job = {.run = load_run,
                                      .done = load_done,
                                      .drop = load_drop,
                                      .kind = JOB_SCENE,
                                      .cancel = &call->cancel},
                              .call = call,
                              .registry = control->registry,
                              .named = named,
                              .path = path ? xstrdup(path) : NULL,
                              .scene = cJSON_IsObject(scene) ? cJSON_Duplicate(scene, true) : NULL};
    files_scope_init(&self->scope, control);
    open_options(control, &self->options);
    self->options.split = LAYERS_SPLIT_NEVER;
    worker_add(control->worker, &self->job);
}

void command_close(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    struct record_origin origin;
    call_origin(call, &origin);
    notice_clear_data(control);
    scene_clear(control->scene, &origin);
    play_changed(control, &control->main, origin.received_ns);
    call_reply(control, call, cJSON_CreateObject());
    call_finish(call);
}
