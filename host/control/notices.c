/* SPDX-License-Identifier: BSD-3-Clause */
/* What the render and pixel rooms report: the state of layers, the stream, faults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/room.h"
#include "metrics/metrics.h"
#include "oriel/encoder.h"
#include "scene/json.h"
#include "util/base64.h"
#include "util/check.h"
#include "util/log.h"

/* As the reference's client parses it. */
static cJSON *classic_error(const cJSON *payload)
{
    cJSON *out = cJSON_CreateObject(), *context = cJSON_CreateObject();
    const cJSON *item;
    cJSON_ArrayForEach(item, payload)
    {
        bool named = strcmp(item->string, "layer_id") == 0 || strcmp(item->string, "ref") == 0;
        json_put(named ? context : out, item->string, cJSON_Duplicate(item, true));
    }
    const cJSON *severity = cJSON_GetObjectItemCaseSensitive(payload, "severity");
    if (strcmp(severity->valuestring, "error") == 0)
        cJSON_ReplaceItemInObjectCaseSensitive(out, "severity", cJSON_CreateString("critical"));
    if (context->child)
        json_put(out, "context", context);
    else
        cJSON_Delete(context);
    return out;
}

static bool wants_error(const struct session *session)
{
    return session->wants_error;
}

void notice_send(struct control *control, struct session *session, const cJSON *payload)
{
    cJSON *classic = classic_error(payload);
    char *text[SPEC_CLASSES];
    text[SPEC_CLASSIC] = json_print(classic);
    text[SPEC_ORIEL] = json_print(payload);
    cJSON_Delete(classic);
    char id[64];
    frame_id_make(control, "error", id);
    struct envelope envelope = {.type = "notify.error", .frame_id = id};
    if (!session)
        frame_broadcast(control, &envelope, (const char *const *)text, NULL, wants_error);
    else if (session->wants_error && session->state == SESSION_READY)
        frame_send(control, session, &envelope, text[session->class]);
    for (int c = 0; c < SPEC_CLASSES; c++)
        free(text[c]);
}

/* To those who look at `view`; NULL: to all. */
static void send_to(struct control *control, const struct view *view, const cJSON *payload)
{
    for (struct session *s = control->sessions; view && s; s = s->next) {
        if (s->view == view)
            notice_send(control, s, payload);
    }
    if (!view)
        notice_send(control, NULL, payload);
}

static bool is_fault(const cJSON *fault, const char *code, const char *layer_id)
{
    const cJSON *layer = cJSON_GetObjectItemCaseSensitive(fault, "layer_id");
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(fault, "code");
    return strcmp(own->valuestring, code) == 0 &&
           strcmp(layer ? layer->valuestring : "", layer_id ? layer_id : "") == 0;
}

static cJSON *take_fault(cJSON *faults, const char *code, const char *layer_id)
{
    cJSON *fault;
    cJSON_ArrayForEach(fault, faults)
    {
        if (is_fault(fault, code, layer_id))
            return cJSON_DetachItemViaPointer(faults, fault);
    }
    return NULL;
}

/* Of a view's rooms, or of everyone (NULL). Takes the payload. */
static void hold_fault(struct control *control, struct view *view, cJSON *payload,
                       const char *layer_id)
{
    cJSON *faults = view ? view->faults : control->faults;
    const char *text = cJSON_GetObjectItemCaseSensitive(payload, "message")->valuestring;
    cJSON *old = take_fault(faults, cJSON_GetObjectItemCaseSensitive(payload, "code")->valuestring,
                            layer_id);
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(old, "message");
    bool same = message && strcmp(message->valuestring, text) == 0;
    cJSON_Delete(old);
    cJSON_AddItemToArray(faults, payload);
    if (same)
        return;
    bool fork = view && view != &control->main;
    log_error(LOG_CONTROL, "%s%s%s", fork ? view->id : "", fork ? ": " : "", text);
    send_to(control, view, payload);
}

static void clear_fault(struct control *control, struct view *view, const char *code,
                        const char *layer_id)
{
    cJSON *fault = take_fault(view ? view->faults : control->faults, code, layer_id);
    if (!fault)
        return;
    char cleared[80];
    snprintf(cleared, sizeof cleared, "%s.cleared", code);
    cJSON_ReplaceItemInObjectCaseSensitive(fault, "severity", cJSON_CreateString("info"));
    char *over = xasprintf("No longer so: %s",
                           cJSON_GetObjectItemCaseSensitive(fault, "message")->valuestring);
    cJSON_ReplaceItemInObjectCaseSensitive(fault, "code", cJSON_CreateString(cleared));
    cJSON_ReplaceItemInObjectCaseSensitive(fault, "message", cJSON_CreateString(over));
    free(over);
    send_to(control, view, fault);
    cJSON_Delete(fault);
}

static cJSON *fault_payload(const char *domain, const char *code, const char *text)
{
    cJSON *payload = cJSON_CreateObject();
    json_put_string(payload, "severity", "error");
    json_put_string(payload, "domain", domain);
    json_put_string(payload, "code", code);
    json_put_string(payload, "message", text);
    return payload;
}

void notice_fault(struct control *control, const char *domain, const char *code, const char *text,
                  const char *layer_id, const char *ref)
{
    cJSON *payload = fault_payload(domain, code, text);
    if (layer_id)
        json_put_string(payload, "layer_id", layer_id);
    if (ref)
        json_put_string(payload, "ref", ref);
    hold_fault(control, NULL, payload, layer_id);
}

void notice_clear(struct control *control, const char *code, const char *layer_id)
{
    clear_fault(control, NULL, code, layer_id);
}

void notice_view_fault(struct control *control, const char *id, const char *domain,
                       const char *code, const char *text)
{
    struct view *view = view_find(control, id);
    if (view)
        hold_fault(control, view, fault_payload(domain, code, text), NULL);
}

void notice_clear_data(struct control *control)
{
    for (const cJSON *fault = control->faults->child, *next; fault; fault = next) {
        next = fault->next;
        if (strcmp(cJSON_GetObjectItem(fault, "domain")->valuestring, "data") != 0)
            continue;
        char *code = xstrdup(cJSON_GetObjectItem(fault, "code")->valuestring);
        const char *layer = json_string(cJSON_GetObjectItem(fault, "layer_id"));
        notice_clear(control, code, layer);
        free(code);
    }
}

/* --- what the renderers say about layers --- */

static struct view_layer *seen(struct view *view, uint64_t key)
{
    struct view_layer *layer = view->layers;
    while (layer && layer->key != key)
        layer = layer->next;
    if (layer)
        return layer;
    layer = xcalloc(1, sizeof *layer);
    layer->key = key;
    layer->next = view->layers;
    view->layers = layer;
    return layer;
}

static void tell_soon(struct control *control)
{
    if (control->state_due_ns == INT64_MAX)
        control->state_due_ns = clock_ns() + STATE_INTERVAL_NS;
}

static void set_error(struct control *control, struct scene_layer *layer, const char *text)
{
    snprintf(layer->state.error, sizeof layer->state.error, "%s", text);
    layer->state.changed++;
    for (struct view *view = control->main.next; view; view = view->next)
        seen(view, layer->key)->told = false;
}

/* What is wrong with a layer's data is wrong for all, until no view finds it wrong. */
static void data_failed(struct control *control, struct view *view, struct scene_layer *layer,
                        const char *text)
{
    seen(view, layer->key)->failed = true;
    set_error(control, layer, text);
    notice_fault(control, "data", "data.read", text, layer->id, layer->uri);
}

static void data_fine(struct control *control, struct view *view, struct scene_layer *layer)
{
    seen(view, layer->key)->failed = false;
    for (struct view *v = &control->main; v; v = v->next) {
        if (seen(v, layer->key)->failed)
            return;
    }
    set_error(control, layer, "");
    notice_clear(control, "data.read", layer->id);
}

void notice_take(struct control *control, const char *id, const struct render_notice *notice)
{
    struct view *view = view_find(control, id);
    if (!view)
        return; /* it has ended */
    if (notice->kind == RENDER_NOTICE_READY) {
        log_info(LOG_RENDER, "%s: renders with %s", view->id, notice->text);
        clear_fault(control, view, "render.fault", NULL);
        control->status_due_ns = clock_ns();
        return;
    }
    if (notice->kind == RENDER_NOTICE_FAULT) {
        notice_view_fault(control, id, "render", "render.fault", notice->text);
        return;
    }
    struct scene_layer *layer = scene_find_key(control->scene, notice->layer);
    if (!layer)
        return; /* of a layer that is gone */
    struct view_layer *own = seen(view, layer->key);
    bool shared = view == &control->main;
    switch (notice->kind) {
    case RENDER_NOTICE_LEVEL:
        own->level = notice->level;
        if (layer == scene_primary(control->scene))
            numbers_level(control, view, notice->level);
        break;
    case RENDER_NOTICE_LOADING:
        own->loading = notice->outstanding > 0;
        break;
    case RENDER_NOTICE_DATA_ERROR:
        data_failed(control, view, layer, notice->text);
        break;
    case RENDER_NOTICE_DATA_OK:
        data_fine(control, view, layer);
        break;
    default:
        return;
    }
    own->told = false;
    if (shared) {
        layer->state.level = own->level;
        layer->state.loading = own->loading;
        layer->state.changed++;
    }
    tell_soon(control);
}

void notice_view_begins(struct control *control, struct view *view)
{
    for (size_t i = 0; i < control->scene->layer_count; i++)
        seen(view, control->scene->layers[i]->key)->level = control->scene->layers[i]->state.level;
    tell_soon(control);
}

void notice_view_ends(struct control *control, struct view *view)
{
    for (size_t i = 0; i < control->scene->layer_count; i++) {
        struct scene_layer *layer = control->scene->layers[i];
        if (seen(view, layer->key)->failed)
            data_fine(control, view, layer);
    }
    tell_soon(control);
}

cJSON *notice_layer_state(const struct view *view, const struct scene_layer *layer)
{
    struct scene_layer shown = *layer;
    for (const struct view_layer *own = view->layers; own; own = own->next) {
        if (own->key == layer->key) {
            shown.state.level = own->level;
            shown.state.loading = own->loading;
        }
    }
    return spec_layer_state(&shown);
}

void notice_forget_layers(struct control *control)
{
    for (struct view *view = &control->main; view; view = view->next) {
        for (struct view_layer **at = &view->layers, *own; (own = *at);) {
            own->told = false;
            if (scene_find_key(control->scene, own->key)) {
                at = &own->next;
                continue;
            }
            *at = own->next;
            free(own);
        }
    }
    if (control->main.next)
        tell_soon(control);
}

cJSON *stream_payload(const struct stream_info *info)
{
    if (info->codec != ORIEL_CODEC_H264 || !info->avcc_bytes)
        return NULL;
    char avcc[BASE64_SIZE(sizeof info->avcc)];
    base64(info->avcc, info->avcc_bytes, avcc);
    cJSON *payload = cJSON_CreateObject();
    json_put_string(payload, "codec", "h264");
    json_put_string(payload, "format", "avcc");
    json_put_number(payload, "fps", info->fps);
    json_put(payload, "frame_size", json_from_integers((int64_t[]){info->width, info->height}, 2));
    json_put_number(payload, "nal_length_size", 4);
    json_put_string(payload, "avcc", avcc);
    cJSON *policy = json_put(payload, "latency_policy", cJSON_CreateObject());
    json_put_number(policy, "max_buffer_ms", 120);
    json_put_number(policy, "grace_keyframe_ms", 2000);
    return payload;
}

void notice_stream(struct control *control, const char *id, const struct stream_info *info)
{
    struct view *view = view_find(control, id);
    if (!view)
        return;
    control->status_due_ns = clock_ns();
    clear_fault(control, view, "encoder.fault", NULL); /* one works */
    cJSON *json = view == &control->main ? stream_payload(info) : NULL;
    if (!json) /* nothing that classic clients get */
        return;
    control->stream = *info;
    control->has_stream = true;
    char *payload[SPEC_CLASSES];
    for (int c = 0; c < SPEC_CLASSES; c++)
        payload[c] = json_print(json);
    cJSON_Delete(json);
    const struct history_frame *frame =
        history_append(control->history, HISTORY_STREAM, payload, NULL);
    metric_add(control->config_counter, 1);
    frame_broadcast(
        control,
        &(struct envelope){
            .type = "notify.stream", .cursor = true, .seq = frame->seq, .token = frame->token},
        (const char *const *)frame->payload, &control->main, NULL);
}

char *status_payload(struct control *control, const struct view *view)
{
    cJSON *status = cJSON_CreateObject();
    json_put_number(status, "revision", (double)scene_view_revision(control->scene, view->id));
    const struct render *render = view->render;
    const char *renderer = render ? render_renderer(render) : "";
    json_put_string(status, "renderer", renderer);
    json_put_bool(status, "software",
                  strcasestr(renderer, "llvmpipe") || strcasestr(renderer, "softpipe") ||
                      strcasestr(renderer, "swiftshader"));
    json_put_string(status, "capture", render ? render_capture_id(render, NULL) : "");
    json_put_string(status, "scene_module", render ? render_scene_id(render) : "");
    char *stream = view->stream ? stream_status_json(view->stream) : NULL;
    cJSON *parsed = stream ? cJSON_Parse(stream) : NULL;
    json_put(status, "stream", parsed ? parsed : cJSON_CreateNull());
    free(stream);
    json_put_string(status, "version", ORIEL_VERSION);
    char *text = json_print(status);
    cJSON_Delete(status);
    return text;
}
