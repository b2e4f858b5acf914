/* SPDX-License-Identifier: BSD-3-Clause */
/* What there is: oriel.modules, oriel.streams, oriel.describe. */
#include <stdlib.h>

#include "control/room.h"
#include "module/inventory.h"
#include "scene/json.h"

void command_modules(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    const struct inventory inventory = {control->config, control->registry};
    call_reply(control, call, inventory_json(&inventory));
    call_finish(call);
}

void command_streams(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    cJSON *result = cJSON_CreateObject(), *list = json_put(result, "streams", cJSON_CreateArray());
    for (const struct view *view = &control->main; view; view = view->next) {
        char *text = view->stream ? stream_status_json(view->stream) : NULL;
        cJSON *status = text ? cJSON_Parse(text) : NULL;
        free(text);
        if (!status)
            continue;
        json_put_string(status, "view", view->id);
        cJSON_AddItemToArray(list, status);
    }
    call_reply(control, call, result);
    call_finish(call);
}

void command_describe(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    const struct view *view = call_view(control, call);
    cJSON *result = cJSON_CreateObject();
    json_put(result, "view", spec_view(control->scene, view->id, "", 0));
    cJSON *layers = json_put(result, "layers", cJSON_CreateArray());
    for (size_t i = 0; i < control->scene->layer_count; i++)
        cJSON_AddItemToArray(layers,
                             spec_layer(control->scene, control->scene->layers[i], SPEC_ORIEL));
    char *status = status_payload(control, view);
    json_put(result, "status", cJSON_Parse(status));
    free(status);
    cJSON *sessions = json_put(result, "sessions", cJSON_CreateArray());
    for (const struct session *s = control->sessions; s; s = s->next) {
        if (s->state != SESSION_READY)
            continue;
        cJSON *one = cJSON_CreateObject();
        json_put_string(one, "id", s->id);
        json_put_string(one, "peer", s->peer);
        json_put_string(one, "name", s->name);
        json_put_string(one, "role", access_role_name(s->role));
        json_put_string(one, "view", s->view->id);
        cJSON_AddItemToArray(sessions, one);
    }
    call_reply(control, call, result);
    call_finish(call);
}
