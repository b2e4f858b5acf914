/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/surface.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "util/check.h"
#include "util/log.h"

static uint64_t post(struct control *control, const struct surface_actor *actor,
                     struct request *request)
{
    snprintf(request->id, sizeof request->id, "%s", actor->id);
    snprintf(request->view, sizeof request->view, "%s", actor->view ? actor->view : SCENE_MAIN);
    request->role = actor->role;
    pthread_mutex_lock(&control->mutex);
    uint64_t number = request->number = ++control->next_call;
    pthread_mutex_unlock(&control->mutex);
    struct message *message = message_create(MESSAGE_REQUEST, 0);
    message->request = request;
    control_post(control, message);
    return number;
}

void surface_update(struct control *control, const struct surface_actor *actor, const char *scope,
                    const char *target, const char *key, cJSON *value, surface_done *done,
                    void *data)
{
    struct request *request = xcalloc(1, sizeof *request);
    *request = (struct request){.kind = REQUEST_UPDATE,
                                .scope = xstrdup(scope),
                                .target = xstrdup(target),
                                .key = xstrdup(key),
                                .value = value,
                                .done = done,
                                .data = data};
    post(control, actor, request);
}

uint64_t surface_call(struct control *control, const struct surface_actor *actor,
                      const char *command, cJSON *kwargs, int64_t timeout_ms, surface_done *done,
                      void *data)
{
    struct request *request = xcalloc(1, sizeof *request);
    *request = (struct request){.kind = REQUEST_CALL,
                                .key = xstrdup(command),
                                .value = kwargs,
                                .timeout_ms = timeout_ms,
                                .done = done,
                                .data = data};
    return post(control, actor, request);
}

void surface_cancel(struct control *control, uint64_t call)
{
    struct message *message = message_create(MESSAGE_REQUEST, 0);
    message->request = xcalloc(1, sizeof *message->request);
    *message->request = (struct request){.kind = REQUEST_CANCEL, .number = call};
    control_post(control, message);
}

static void finish(struct request *request)
{
    free(request->scope);
    free(request->target);
    free(request->key);
    cJSON_Delete(request->value);
    free(request);
}

void request_drop(struct request *request)
{
    if (request->done)
        request->done(request->data, &(struct surface_answer){.code = "command.cancelled",
                                                              .message = "the server stops"});
    finish(request);
}

static void update(struct control *control, const struct actor *actor,
                   const struct request *request)
{
    struct record_origin origin = {.received_ns = clock_ns()};
    snprintf(origin.session, sizeof origin.session, "%.39s", actor->id);
    struct scene_request asked = {.scope = request->scope,
                                  .target = request->target,
                                  .key = request->key,
                                  .value = request->value};
    struct reduction result;
    bool wrote = update_apply(control, actor, NULL, &asked, &origin, &result);
    struct surface_answer answer = {.ok = result.accepted,
                                    .value = result.applied,
                                    .code = result.code,
                                    .message = result.message};
    if (result.accepted)
        answer.version =
            record_version(control->scene->record, result.scope, result.target, result.key);
    if (request->done)
        outbox_answer(control->outbox, request->done, request->data, &answer);
    if (wrote && strcmp(request->scope, "camera") == 0)
        notify_camera_delta(control, actor->view, request->key, result.applied, NULL);
    reduction_finish(&result);
}

void request_take(struct control *control, struct request *request)
{
    if (request->kind == REQUEST_CANCEL) {
        call_cancel(control, request->number);
        finish(request);
        return;
    }
    struct view *view = view_find(control, request->view);
    struct actor actor = {request->id, request->role, view ? view : &control->main};
    if (request->kind == REQUEST_UPDATE) {
        update(control, &actor, request);
    } else {
        struct call *call = call_create(control, &actor, request->number, request->timeout_ms);
        call->done = request->done;
        call->data = request->data;
        log_debug(LOG_CONTROL, "%s calls %.60s", actor.id, request->key);
        command_run(control, call, request->key, request->value);
    }
    finish(request);
}
