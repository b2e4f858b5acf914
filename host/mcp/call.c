/* SPDX-License-Identifier: BSD-3-Clause */
/* One call of a tool: may it, what it asks of the control room, what it answers, and the line in
 * the log that stays of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/room.h"
#include "metrics/metrics.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"

static void release(struct tool_call *call)
{
    pthread_mutex_lock(&call->mcp->lock);
    bool last = --call->holds == 0;
    pthread_mutex_unlock(&call->mcp->lock);
    if (!last)
        return;
    cJSON_Delete(call->id);
    cJSON_Delete(call->args);
    cJSON_Delete(call->gathered);
    free(call);
}

static struct tool_call *find(struct mcp *mcp, const char *session, const cJSON *id)
{
    struct tool_call *call = mcp->calls;
    while (call &&
           (strcmp(call->exchange->session, session) != 0 || !cJSON_Compare(call->id, id, true)))
        call = call->next;
    return call;
}

/* --- the end --- */

/* Who did what to which, and how it went. */
static void audit(const struct tool_call *call, const char *code)
{
    const struct tool *tool = call->tool;
    const struct exchange *exchange = call->exchange;
    char labels[96];
    snprintf(labels, sizeof labels, "tool=\"%s\"", tool->name);
    metric_add(
        metrics_counter(call->mcp->metrics, "oriel_mcp_calls_total", labels, "Calls of MCP tools"),
        1);
    if (code)
        metric_add(metrics_counter(call->mcp->metrics, "oriel_mcp_failures_total", labels,
                                   "Calls of MCP tools that failed"),
                   1);
    const char *given = tool->object ? json_string(tool_arg(call, tool->object)) : NULL;
    char object[208] = "";
    if (given)
        snprintf(object, sizeof object, " \"%.200s", given);
    text_unquote(object + (given ? 2 : 0));
    double ms = (double)(clock_ns() - call->started_ns) / NS_PER_MS;
    log_info(LOG_MCP, "%s %s \"%s\" %s%s%s: %s, %.1f ms", exchange->peer,
             access_role_name(exchange->role), exchange->client, tool->name, object,
             given ? "\"" : "", code ? code : "ok", ms);
}

/* Takes result; NULL: there is none to give. */
static void end(struct tool_call *call, cJSON *result, const char *code)
{
    struct mcp *mcp = call->mcp;
    struct exchange *exchange = call->exchange;
    audit(call, code);
    pthread_mutex_lock(&mcp->lock);
    struct tool_call **at = &mcp->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    mcp->call_count--;
    bool cancelled = call->cancelled;
    exchange->cancelled |= cancelled;
    pthread_mutex_unlock(&mcp->lock);
    if (cancelled)
        cJSON_Delete(result);
    else if (result)
        exchange_result(exchange, call->id, result);
    exchange_drop(exchange);
    release(call);
}

static void add_text(cJSON *content, const char *text)
{
    cJSON *item = cJSON_CreateObject();
    json_put_string(item, "type", "text");
    json_put_string(item, "text", text);
    cJSON_AddItemToArray(content, item);
}

static void add_json(cJSON *content, const cJSON *json)
{
    char *text = json_print(json);
    add_text(content, text);
    free(text);
}

/* The answer to resources/read. */
static void finish_resource(struct tool_call *call, cJSON *value)
{
    cJSON *result = cJSON_CreateObject(), *item = cJSON_CreateObject();
    json_put_string(item, "uri", "oriel://scene");
    json_put_string(item, "mimeType", "application/json");
    char *text = json_print(value);
    json_put_string(item, "text", text);
    free(text);
    cJSON_Delete(value);
    cJSON_AddItemToArray(json_put(result, "contents", cJSON_CreateArray()), item);
    if (call->exchange->modern) {
        json_put_number(result, "ttlMs", 0);
        json_put_string(result, "cacheScope", "private");
    }
    end(call, result, NULL);
}

void tool_finish(struct tool_call *call, cJSON *result)
{
    if (call->tool == &tool_read_scene)
        finish_resource(call, result);
    else
        tool_finish_picture(call, NULL, result);
}

void tool_finish_picture(struct tool_call *call, const char *png_base64, cJSON *result)
{
    cJSON *out = cJSON_CreateObject(), *content = json_put(out, "content", cJSON_CreateArray());
    if (png_base64) {
        cJSON *picture = cJSON_CreateObject();
        json_put_string(picture, "type", "image");
        json_put(picture, "data", cJSON_CreateStringReference(png_base64));
        json_put_string(picture, "mimeType", "image/png");
        cJSON_AddItemToArray(content, picture);
    }
    add_json(content, result);
    json_put(out, "structuredContent", result);
    end(call, out, NULL);
}

void tool_fail(struct tool_call *call, const char *code, const cJSON *details, const char *format,
               ...)
{
    char message[1024], text[1600];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s: %s%s%s%s", code, message,
             call->done[0] ? " (changed before: " : "", call->done, call->done[0] ? ")" : "");
    if (call->tool == &tool_read_scene) {
        exchange_error(call->exchange, call->id, -32603, NULL, "%s", text);
        end(call, NULL, code);
        return;
    }
    cJSON *out = cJSON_CreateObject(), *content = json_put(out, "content", cJSON_CreateArray());
    add_text(content, text);
    if (details)
        add_json(content, details);
    json_put_bool(out, "isError", true);
    end(call, out, code);
}

/* --- what it asks --- */

const cJSON *tool_arg(const struct tool_call *call, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(call->args, name);
}

cJSON *tool_arg_copy(const struct tool_call *call, const char *name)
{
    return cJSON_Duplicate(tool_arg(call, name), true);
}

/* The number of the request that begins; 0: the client wants no more. */
static unsigned begin_step(struct tool_call *call)
{
    pthread_mutex_lock(&call->mcp->lock);
    unsigned step = call->cancelled ? 0 : ++call->step;
    call->holds += step != 0;
    pthread_mutex_unlock(&call->mcp->lock);
    return step;
}

/* [control] */
static void on_answer(void *data, const struct surface_answer *answer)
{
    struct tool_call *call = data;
    pthread_mutex_lock(&call->mcp->lock);
    call->step++;
    call->pending = 0;
    pthread_mutex_unlock(&call->mcp->lock);
    if (answer->ok)
        call->then(call, answer->value);
    else
        tool_fail(call, answer->code, answer->details, "%s", answer->message);
}

static struct surface_actor actor_of(const struct tool_call *call)
{
    return (struct surface_actor){.id = call->actor, .role = call->exchange->role};
}

static int64_t time_left_ms(const struct tool_call *call)
{
    int64_t limit = call->mcp->call_ms * (call->tool->slow ? MCP_SLOW : 1);
    int64_t left = limit - (clock_ns() - call->started_ns) / NS_PER_MS;
    return left > 1 ? left : 1;
}

void tool_command(struct tool_call *call, const char *command, cJSON *kwargs, tool_then *then)
{
    unsigned step = begin_step(call);
    if (!step) {
        cJSON_Delete(kwargs);
        tool_fail(call, "command.cancelled", NULL, "cancelled");
        return;
    }
    struct mcp *mcp = call->mcp;
    struct surface_actor actor = actor_of(call);
    call->then = then;
    uint64_t number =
        surface_call(mcp->control, &actor, command, kwargs, time_left_ms(call), on_answer, call);
    /* It may have been answered by now. */
    pthread_mutex_lock(&mcp->lock);
    bool late = call->step != step;
    if (!late)
        call->pending = number;
    bool cancel = !late && call->cancelled;
    pthread_mutex_unlock(&mcp->lock);
    if (cancel)
        surface_cancel(mcp->control, number);
    release(call);
}

void tool_update(struct tool_call *call, const char *scope, const char *target, const char *key,
                 cJSON *value, tool_then *then)
{
    if (!begin_step(call)) {
        cJSON_Delete(value);
        tool_fail(call, "command.cancelled", NULL, "cancelled");
        return;
    }
    struct surface_actor actor = actor_of(call);
    call->then = then;
    surface_update(call->mcp->control, &actor, scope, target, key, value, on_answer, call);
    release(call);
}

static void found_layers(struct tool_call *call, const cJSON *value)
{
    const char *wanted = tool_arg(call, "layer")->valuestring;
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(value, "layers"), *layer;
    char known[512] = "";
    size_t used = 0;
    const char *by_name = NULL, *by_id = NULL;
    cJSON_ArrayForEach(layer, layers)
    {
        const char *id = json_string(cJSON_GetObjectItemCaseSensitive(layer, "layer_id"));
        const char *name = json_string(cJSON_GetObjectItemCaseSensitive(layer, "name"));
        if (id && strcmp(id, wanted) == 0)
            by_id = id;
        if (id && name && strcmp(name, wanted) == 0)
            by_name = id;
        if (id && used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                     name ? name : id);
    }
    const char *id = by_id ? by_id : by_name;
    if (!id) {
        tool_fail(call, "mcp.no_layer", NULL, "layer: there is no layer \"%.100s\"; %s%s", wanted,
                  *known ? "there are: " : "nothing is open", known);
        return;
    }
    snprintf(call->layer, sizeof call->layer, "%s", id);
    call->with_layer(call, NULL);
}

void tool_with_layer(struct tool_call *call, tool_then *then)
{
    call->with_layer = then;
    tool_command(call, "oriel.describe", NULL, found_layers);
}

/* --- the beginning --- */

/* Under the lock: a bucket that a minute fills. Seconds to wait, or 0. */
static double take_allowance(struct mcp *mcp, int64_t now)
{
    double rate = (double)mcp->calls_per_minute / 60.0;
    mcp->allowance += (double)(now - mcp->allowance_ns) / (double)NS_PER_S * rate;
    mcp->allowance_ns = now;
    if (mcp->allowance > (double)mcp->calls_per_minute)
        mcp->allowance = (double)mcp->calls_per_minute;
    if (mcp->allowance < 1)
        return (1 - mcp->allowance) / rate;
    mcp->allowance -= 1;
    return 0;
}

void tool_call_begin(struct exchange *exchange, const cJSON *id, const struct tool *tool,
                     const cJSON *args)
{
    struct mcp *mcp = exchange->mcp;
    struct tool_call *call = xcalloc(1, sizeof *call);
    call->exchange = exchange;
    call->mcp = mcp;
    call->tool = tool;
    call->id = cJSON_Duplicate(id, true);
    call->args = args ? cJSON_Duplicate(args, true) : cJSON_CreateObject();
    call->started_ns = clock_ns();
    call->holds = 1;
    snprintf(call->actor, sizeof call->actor, "mcp %s", exchange->peer);
    pthread_mutex_lock(&mcp->lock);
    bool known = exchange->session[0] && find(mcp, exchange->session, id);
    bool busy = mcp->call_count >= MCP_CALLS;
    double wait_s = busy || known ? 0 : take_allowance(mcp, call->started_ns);
    if (!known) {
        call->next = mcp->calls;
        mcp->calls = call;
        mcp->call_count++;
        exchange->waiting++;
    }
    pthread_mutex_unlock(&mcp->lock);
    struct error err;
    if (known) {
        exchange_error(exchange, id, RPC_INVALID, NULL,
                       "a request with this id is not answered yet");
        release(call);
    } else if (busy) {
        tool_fail(call, "mcp.busy", NULL, "%d calls are at work already; try again", MCP_CALLS);
    } else if (wait_s > 0) {
        tool_fail(call, "mcp.rate_limited", NULL,
                  "more than %lld calls in a minute (mcp.calls_per_minute); try again in %.1f s",
                  (long long)mcp->calls_per_minute, wait_s);
    } else if (!tool->read_only && exchange->role != ROLE_EDITOR) {
        tool_fail(call, "command.forbidden", NULL, "%s is for editors; this token may only look",
                  tool->name);
    } else if (!params_check(tool->params, tool->least_params, args, &err)) {
        tool_fail(call, "mcp.invalid_arguments", NULL, "%s", err.text);
    } else {
        tool->run(call);
    }
}

void tool_call_cancel(struct exchange *exchange, const cJSON *id)
{
    struct mcp *mcp = exchange->mcp;
    uint64_t pending = 0;
    pthread_mutex_lock(&mcp->lock);
    struct tool_call *call = id ? find(mcp, exchange->session, id) : NULL;
    if (call) {
        call->cancelled = true;
        pending = call->pending;
    }
    pthread_mutex_unlock(&mcp->lock);
    if (pending)
        surface_cancel(mcp->control, pending);
}

void tool_call_cancel_session(struct mcp *mcp, const char *session)
{
    uint64_t pending[MCP_CALLS * 2];
    size_t count = 0;
    pthread_mutex_lock(&mcp->lock);
    for (struct tool_call *call = mcp->calls; call; call = call->next) {
        if (strcmp(call->exchange->session, session) != 0)
            continue;
        call->cancelled = true;
        if (call->pending && count < sizeof pending / sizeof *pending)
            pending[count++] = call->pending;
    }
    pthread_mutex_unlock(&mcp->lock);
    for (size_t i = 0; i < count; i++)
        surface_cancel(mcp->control, pending[i]);
}
