/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls: from call.command, or surface.h, to the one answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "metrics/metrics.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/log.h"

#define TIMEOUT_MAX_MS 600000
#define OPEN_CALLS 64u /* that one session may wait for */

struct call *call_create(struct control *control, const struct actor *actor, uint64_t number,
                         int64_t timeout_ms)
{
    struct call *call = xcalloc(1, sizeof *call);
    call->control = control;
    call->number = number;
    cancel_init(&call->cancel);
    snprintf(call->actor, sizeof call->actor, "%s", actor->id);
    call->role = actor->role;
    snprintf(call->view, sizeof call->view, "%s", actor->view->id);
    if (timeout_ms <= 0)
        timeout_ms = config_int(control->config, "control.command_timeout_ms");
    if (timeout_ms > TIMEOUT_MAX_MS)
        timeout_ms = TIMEOUT_MAX_MS;
    call->due_ns = clock_ns() + timeout_ms * NS_PER_MS;
    call->next = control->calls;
    control->calls = call;
    return call;
}

static void send_answer(struct control *control, const struct call *call,
                        const struct surface_answer *answer)
{
    struct session *session = session_find(control, call->actor);
    if (!session)
        return;
    cJSON *payload = cJSON_CreateObject();
    if (answer->ok && answer->value)
        cJSON_AddItemReferenceToObject(payload, "result", (cJSON *)answer->value);
    if (!answer->ok) {
        json_put_string(payload, "code", answer->code);
        json_put_string(payload, "message", answer->message);
        if (answer->details)
            cJSON_AddItemReferenceToObject(payload, "details", (cJSON *)answer->details);
    }
    json_put_string(payload, "in_reply_to", call->in_reply_to);
    json_put_string(payload, "status", answer->ok ? "ok" : "error");
    if (call->key)
        json_put_string(payload, "idempotency_key", call->key);
    char id[64];
    frame_id_make(control, answer->ok ? "reply" : "error", id);
    frame_send_json(
        control, session,
        &(struct envelope){.type = answer->ok ? "reply.command" : "error.command", .frame_id = id},
        payload);
}

static void give(struct control *control, struct call *call, const struct surface_answer *answer)
{
    if (call->answered)
        return;
    call->answered = true;
    if (call->in_reply_to)
        send_answer(control, call, answer);
    else if (call->done)
        outbox_answer(control->outbox, call->done, call->data, answer);
}

void call_reply(struct control *control, struct call *call, cJSON *result)
{
    give(control, call, &(struct surface_answer){.ok = true, .value = result});
    cJSON_Delete(result);
}

void call_error(struct control *control, struct call *call, const char *code, const char *message,
                cJSON *details)
{
    give(control, call,
         &(struct surface_answer){.code = code, .message = message, .details = details});
    cJSON_Delete(details);
}

void call_finish(struct call *call)
{
    struct control *control = call->control;
    call_error(control, call, "command.cancelled", "the server stops", NULL);
    struct call **at = &control->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    free(call->in_reply_to);
    free(call->key);
    cancel_finish(&call->cancel);
    free(call);
}

/* What its command waits for ends; what goes on finds that nobody waits for the answer. */
static void give_up(struct control *control, struct call *call, const char *code,
                    const char *message)
{
    cancel_set(&call->cancel);
    call_error(control, call, code, message, NULL);
}

void call_cancel(struct control *control, uint64_t number)
{
    for (struct call *call = control->calls; call; call = call->next) {
        if (call->number == number)
            give_up(control, call, "command.cancelled", "the caller cancelled it");
    }
}

void call_cancel_take(struct control *control, struct session *session, const cJSON *frame)
{
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    const char *id = json_string(cJSON_GetObjectItemCaseSensitive(payload, "in_reply_to"));
    if (!id || !limit_take(&session->others, control->update_rate, clock_ns())) {
        session_complain(control, session,
                         id ? "too many cancellations" : "a cancel.command without in_reply_to");
        return;
    }
    for (struct call *call = control->calls; call; call = call->next) {
        if (call->in_reply_to && strcmp(call->actor, session->id) == 0 &&
            strcmp(call->in_reply_to, id) == 0)
            give_up(control, call, "command.cancelled", "the caller cancelled it");
    }
}

void call_stop(struct control *control)
{
    for (struct call *call = control->calls; call; call = call->next)
        cancel_set(&call->cancel);
}

void call_timers(struct control *control, int64_t now, int64_t *deadline)
{
    for (struct call *call = control->calls; call; call = call->next) {
        if (call->answered)
            continue;
        if (now >= call->due_ns)
            give_up(control, call, "command.timeout", "it took longer than the caller waits");
        else if (call->due_ns < *deadline)
            *deadline = call->due_ns;
    }
}

struct view *call_view(struct control *control, const struct call *call)
{
    struct view *view = view_find(control, call->view);
    return view ? view : &control->main; /* its fork has gone */
}

void call_origin(const struct call *call, struct record_origin *origin)
{
    *origin = (struct record_origin){.received_ns = clock_ns()};
    snprintf(origin->session, sizeof origin->session, "%.39s", call->actor);
}

/* Why the session may not call now; false: it may. */
static bool too_often(struct control *control, struct session *session, int64_t received_ns,
                      char *why, size_t room)
{
    unsigned open = 0;
    for (const struct call *call = control->calls; call; call = call->next)
        open += strcmp(call->actor, session->id) == 0;
    if (open > OPEN_CALLS)
        snprintf(why, room, "more than %u calls wait for their answer", OPEN_CALLS);
    else if (!limit_take(&session->commands, control->command_rate, received_ns))
        snprintf(why, room, "more than %g calls a second", control->command_rate);
    else
        return false;
    metric_add(control->limited_commands, 1);
    session_limited(session, "calls");
    return true;
}

void call_take(struct control *control, struct session *session, const cJSON *frame,
               int64_t received_ns)
{
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    const char *frame_id = json_string(cJSON_GetObjectItemCaseSensitive(frame, "frame_id"));
    const char *name = json_string(cJSON_GetObjectItemCaseSensitive(payload, "command"));
    const cJSON *kwargs = cJSON_GetObjectItemCaseSensitive(payload, "kwargs");
    const char *key = json_string(cJSON_GetObjectItemCaseSensitive(payload, "idempotency_key"));
    int64_t timeout_ms = 0;
    json_integer(cJSON_GetObjectItemCaseSensitive(payload, "timeout_ms"), &timeout_ms);
    struct actor actor;
    session_actor(session, &actor);
    struct call *call = call_create(control, &actor, 0, timeout_ms);
    call->in_reply_to = xstrdup(frame_id ? frame_id : "unknown");
    call->key = key ? xstrdup(key) : NULL;
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(payload, "args");
    const char *wrong =
        envelope_wrong(frame, ENVELOPE_SESSION | ENVELOPE_FRAME_ID, ENVELOPE_INTENT);
    if (wrong || !name || (kwargs && !cJSON_IsObject(kwargs) && !cJSON_IsNull(kwargs)) ||
        (args && !cJSON_IsArray(args) && !cJSON_IsNull(args))) {
        call_error(control, call, "command.forbidden",
                   wrong ? wrong
                         : "call.command needs command, args as a list, kwargs as an object",
                   NULL);
        call_finish(call);
        return;
    }
    const cJSON *timeout = cJSON_GetObjectItemCaseSensitive(payload, "timeout_ms");
    if (timeout && (timeout_ms < 1 || timeout_ms > TIMEOUT_MAX_MS)) {
        call_error(control, call, "command.invalid", "timeout_ms must be 1 to 600000", NULL);
        call_finish(call);
        return;
    }
    char why[80];
    if (too_often(control, session, received_ns, why, sizeof why)) {
        call_error(control, call, "command.rate_limited", why, NULL);
        call_finish(call);
        return;
    }
    log_debug(LOG_CONTROL, "%s calls %.60s", session->peer, name);
    command_run(control, call, name, kwargs);
}
