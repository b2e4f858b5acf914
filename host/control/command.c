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

void call_finish(struct call *call)
{
    free(call->in_reply_to);
    free(call->key);
    free(call);
}

static void answer(struct control *control, const struct call *call, const char *type,
                   const char *status, cJSON *payload)
{
    struct session *session = session_find(control, call->session);
    json_put_string(payload, "in_reply_to", call->in_reply_to);
    json_put_string(payload, "status", status);
    if (call->key)
        json_put_string(payload, "idempotency_key", call->key);
    char id[64];
    frame_id_make(control, strcmp(status, "ok") == 0 ? "reply" : "error", id);
    if (session)
        frame_send_json(control, session, &(struct envelope){.type = type, .frame_id = id},
                        payload);
    else
        cJSON_Delete(payload);
}

void call_reply(struct control *control, const struct call *call, cJSON *result)
{
    cJSON *payload = cJSON_CreateObject();
    if (result)
        json_put(payload, "result", result);
    answer(control, call, "reply.command", "ok", payload);
}

void call_error(struct control *control, const struct call *call, const char *code,
                const char *message, cJSON *details)
{
    cJSON *payload = cJSON_CreateObject();
    json_put_string(payload, "code", code);
    json_put_string(payload, "message", message);
    if (details)
        json_put(payload, "details", details);
    answer(control, call, "error.command", "error", payload);
}

static void request_keyframe(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    if (control->rooms.stream) {
        stream_request_key(control->rooms.stream, "a client asked");
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

static void origin_of(const struct call *call, struct record_origin *origin)
{
    *origin = (struct record_origin){.received_ns = clock_ns()};
    snprintf(origin->session, sizeof origin->session, "%s", call->session);
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
        origin_of(call, &origin);
        scene_move(control->scene, layer->id, (size_t)index, &origin);
        call_reply(control, call, cJSON_CreateObject());
    }
    call_finish(call);
}

static void forget_removed(struct control *control, int64_t now)
{
    struct removed **at = &control->removed;
    while (*at) {
        struct removed *r = *at;
        if (r->until_ns > now) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        scene_layer_destroy(r->layer);
        free(r);
    }
}

static void layer_remove(struct control *control, struct call *call, const cJSON *kwargs)
{
    struct scene_layer *layer = named_layer(control, call, kwargs);
    if (!layer)
        return;
    int64_t now = clock_ns();
    forget_removed(control, now);
    struct removed *removed = xcalloc(1, sizeof *removed);
    while (control->scene->layers[removed->index] != layer)
        removed->index++;
    struct record_origin origin;
    origin_of(call, &origin);
    removed->layer = scene_take(control->scene, layer->id, &origin);
    removed->until_ns = now + KEEP_REMOVED_NS;
    removed->next = control->removed;
    control->removed = removed;
    notice_clear(control, "data.read", layer->id);
    call_reply(control, call, cJSON_CreateObject());
    call_finish(call);
}

static void layer_restore(struct control *control, struct call *call, const cJSON *kwargs)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(kwargs, "layer_id");
    forget_removed(control, clock_ns());
    struct removed **at = &control->removed;
    while (*at && (!cJSON_IsString(id) || strcmp((*at)->layer->id, id->valuestring) != 0))
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
    origin_of(call, &origin);
    scene_add(control->scene, &removed->layer, 1, &origin);
    scene_move(control->scene, removed->layer->id, removed->index, &origin);
    free(removed);
    call_reply(control, call, cJSON_CreateObject());
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
    call_reply(control, call, scene_file_write(control->scene));
    call_finish(call);
}

static const struct {
    const char *name;
    void (*run)(struct control *control, struct call *call, const cJSON *kwargs);
} commands[] = {
    {"napari.pixel.request_keyframe", request_keyframe},
    {"fs.listdir", command_listdir},
    {"napari.load_zarr", command_load},
    {"napari.probe", command_probe},
    {"napari.layer.auto_contrast", layer_auto_contrast},
    {"napari.layer.range", layer_range},
    {"napari.layer.move", layer_move},
    {"napari.layer.remove", layer_remove},
    {"napari.layer.restore", layer_restore},
    {"napari.scene.get", scene_get},
};
#define COMMANDS (sizeof commands / sizeof *commands)

const char *const *command_names(void)
{
    static const char *names[COMMANDS + 1];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    return names;
}

void command_take(struct control *control, struct session *session, const cJSON *frame)
{
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    const char *frame_id = json_string(cJSON_GetObjectItemCaseSensitive(frame, "frame_id"));
    const char *name = json_string(cJSON_GetObjectItemCaseSensitive(payload, "command"));
    const cJSON *kwargs = cJSON_GetObjectItemCaseSensitive(payload, "kwargs");
    const char *key = json_string(cJSON_GetObjectItemCaseSensitive(payload, "idempotency_key"));
    struct call *call = xcalloc(1, sizeof *call);
    snprintf(call->session, sizeof call->session, "%s", session->id);
    call->in_reply_to = xstrdup(frame_id ? frame_id : "unknown");
    call->key = key ? xstrdup(key) : NULL;
    if (!frame_id || !name || (kwargs && !cJSON_IsObject(kwargs) && !cJSON_IsNull(kwargs))) {
        call_error(control, call, "command.forbidden", "call.command payload invalid", NULL);
        call_finish(call);
        return;
    }
    log_debug(LOG_CONTROL, "%s calls %.60s", session->peer, name);
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            commands[i].run(control, call, kwargs);
            return;
        }
    }
    char message[160];
    snprintf(message, sizeof message, "there is no command %.100s", name);
    call_error(control, call, "command.not_found", message, NULL);
    call_finish(call);
}
