/* SPDX-License-Identifier: BSD-3-Clause */
/* call.command: the table, and the commands that need nothing but the scene. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "scene/json.h"
#include "scene/scene_file.h"
#include "util/check.h"
#include "util/log.h"

#define KEEP_REMOVED_NS (60 * NS_PER_S)

static void request_keyframe(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    const struct view *view = call_view(control, call);
    if (view->stream) {
        stream_request_key(view->stream, "a client asked");
        call_reply(control, call, NULL);
    } else {
        call_error(control, call, "command.forbidden", "there is no stream", NULL);
    }
    call_finish(call);
}

/* The layer that kwargs.layer_id names; NULL after an answer that says why not. */
static struct scene_layer *named_layer(struct control *control, struct call *call,
                                       const cJSON *kwargs)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(kwargs, "layer_id");
    struct scene_layer *layer =
        cJSON_IsString(id) ? scene_find(control->scene, id->valuestring) : NULL;
    if (layer)
        return layer;
    call_error(control, call, "command.invalid", "layer_id names no layer", NULL);
    call_finish(call);
    return NULL;
}

static void layer_move(struct control *control, struct call *call, const cJSON *kwargs)
{
    struct scene_layer *layer = named_layer(control, call, kwargs);
    int64_t index;
    if (!layer)
        return;
    if (!json_integer(cJSON_GetObjectItemCaseSensitive(kwargs, "index"), &index) || index < 0) {
        call_error(control, call, "command.invalid", "index must be 0 (bottom) or more", NULL);
    } else {
        struct record_origin origin;
        call_origin(call, &origin);
        scene_move(control->scene, layer->id, (size_t)index, &origin);
        call_reply(control, call, cJSON_CreateObject());
    }
    call_finish(call);
}

/* It is neither shown nor may it come back. */
static bool is_gone(const struct control *control, const char *id)
{
    const struct removed *r = control->removed;
    while (r && strcmp(r->layer->id, id) != 0)
        r = r->next;
    return !r && !scene_find(control->scene, id);
}

void removed_expire(struct control *control, int64_t now, int64_t *deadline)
{
    struct removed **at = &control->removed;
    while (*at) {
        struct removed *r = *at;
        if (r->until_ns > now) {
            if (r->until_ns < *deadline)
                *deadline = r->until_ns;
            at = &r->next;
            continue;
        }
        *at = r->next;
        scene_layer_destroy(r->layer);
        free(r);
        control->keys_gone = true;
    }
}

void command_forget(struct control *control)
{
    char gone[32];
    do {
        gone[0] = '\0';
        size_t cursor = 0;
        const struct record_entry *entry;
        while (!gone[0] && (entry = record_next(control->scene->record, "layer", NULL, &cursor))) {
            if (!entry->value && is_gone(control, entry->target))
                snprintf(gone, sizeof gone, "%s", entry->target);
        }
        if (gone[0])
            record_forget(control->scene->record, "layer", gone);
    } while (gone[0]);
}

static void layer_remove(struct control *control, struct call *call, const cJSON *kwargs)
{
    struct scene_layer *layer = named_layer(control, call, kwargs);
    if (!layer)
        return;
    struct removed *removed = xcalloc(1, sizeof *removed);
    while (control->scene->layers[removed->index] != layer)
        removed->index++;
    struct record_origin origin;
    call_origin(call, &origin);
    removed->layer = scene_take(control->scene, layer->id, &origin);
    removed->until_ns = clock_ns() + KEEP_REMOVED_NS;
    removed->next = control->removed;
    control->removed = removed;
    notice_clear(control, "data.read", layer->id);
    call_reply(control, call, cJSON_CreateObject());
    call_finish(call);
}

static void layer_restore(struct control *control, struct call *call, const cJSON *kwargs)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(kwargs, "layer_id");
    int64_t now = clock_ns();
    struct removed **at = &control->removed;
    while (*at && (!cJSON_IsString(id) || strcmp((*at)->layer->id, id->valuestring) != 0 ||
                   (*at)->until_ns <= now))
        at = &(*at)->next;
    struct removed *removed = *at;
    if (!removed) {
        call_error(control, call, "command.invalid", "no such layer was removed in the last 60 s",
                   NULL);
        call_finish(call);
        return;
    }
    *at = removed->next;
    struct record_origin origin;
    call_origin(call, &origin);
    scene_add(control->scene, &removed->layer, 1, &origin);
    scene_move(control->scene, removed->layer->id, removed->index, &origin);
    free(removed);
    call_reply(control, call, cJSON_CreateObject());
    call_finish(call);
}

static void layer_rename(struct control *control, struct call *call, const cJSON *kwargs)
{
    struct scene_layer *layer = named_layer(control, call, kwargs);
    if (!layer)
        return;
    struct scene_request request = {.scope = "layer",
                                    .target = layer->id,
                                    .key = "name",
                                    .value = cJSON_GetObjectItemCaseSensitive(kwargs, "name")};
    struct actor actor = {call->actor, call->role, call_view(control, call)};
    struct record_origin origin;
    call_origin(call, &origin);
    struct reduction result;
    update_apply(control, &actor, NULL, &request, &origin, &result);
    if (result.accepted) {
        cJSON *reply = cJSON_CreateObject();
        json_put(reply, "name", cJSON_Duplicate(result.applied, true));
        call_reply(control, call, reply);
    } else {
        call_error(control, call, "command.invalid", result.message, NULL);
    }
    reduction_finish(&result);
    call_finish(call);
}

static void layer_range(struct control *control, struct call *call, const cJSON *kwargs)
{
    command_range(control, call, kwargs, false);
}

static void layer_auto_contrast(struct control *control, struct call *call, const cJSON *kwargs)
{
    command_range(control, call, kwargs, true);
}

static void scene_get(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    call_reply(control, call, scene_file_write(control->scene, call_view(control, call)->id));
    call_finish(call);
}

static const struct {
    const char *name;
    enum access_role least;
    void (*run)(struct control *control, struct call *call, const cJSON *kwargs);
} commands[] = {
    {"napari.pixel.request_keyframe", ROLE_VIEWER, request_keyframe},
    {"fs.listdir", ROLE_VIEWER, command_listdir},
    {"napari.load_zarr", ROLE_EDITOR, command_load},
    {"napari.probe", ROLE_VIEWER, command_probe},
    {"napari.layer.auto_contrast", ROLE_EDITOR, layer_auto_contrast},
    {"napari.layer.range", ROLE_VIEWER, layer_range},
    {"napari.layer.move", ROLE_EDITOR, layer_move},
    {"napari.layer.remove", ROLE_EDITOR, layer_remove},
    {"napari.layer.restore", ROLE_EDITOR, layer_restore},
    {"napari.layer.add", ROLE_EDITOR, command_add},
    {"napari.layer.rename", ROLE_EDITOR, layer_rename},
    {"napari.close", ROLE_EDITOR, command_close},
    {"napari.scene.get", ROLE_VIEWER, scene_get},
    {"napari.view.fork", ROLE_VIEWER, command_fork},
    {"napari.view.follow", ROLE_VIEWER, command_follow},
    {"napari.scene.save", ROLE_EDITOR, command_scene_save},
    {"napari.scene.load", ROLE_EDITOR, command_scene_load},
    {"napari.scene.list", ROLE_VIEWER, command_scene_list},
    {"napari.screenshot", ROLE_VIEWER, command_screenshot},
    {"oriel.modules", ROLE_VIEWER, command_modules},
    {"oriel.streams", ROLE_VIEWER, command_streams},
    {"oriel.describe", ROLE_VIEWER, command_describe},
    {"modules.swap", ROLE_EDITOR, command_swap},
    {"modules.reload", ROLE_EDITOR, command_reload},
    {"experiments.list", ROLE_VIEWER, command_experiments},
    {"experiments.start", ROLE_EDITOR, command_experiment_start},
    {"experiments.stop", ROLE_EDITOR, command_experiment_stop},
};
#define COMMANDS (sizeof commands / sizeof *commands)

const char *const *command_names(void)
{
    static const char *names[COMMANDS + 1];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    return names;
}

void command_run(struct control *control, struct call *call, const char *name, const cJSON *kwargs)
{
    char message[200];
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        if (call->role >= commands[i].least) {
            commands[i].run(control, call, kwargs);
            return;
        }
        snprintf(message, sizeof message, "%s needs the role %s; yours is %s", name,
                 access_role_name(commands[i].least), access_role_name(call->role));
        call_error(control, call, "command.forbidden", message, NULL);
        call_finish(call);
        return;
    }
    snprintf(message, sizeof message, "there is no command %.100s", name);
    call_error(control, call, "command.not_found", message, NULL);
    call_finish(call);
}
