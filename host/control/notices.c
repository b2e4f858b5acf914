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
#include "util/check.h"
#include "util/log.h"

void notice_send(struct control *control, struct session *session, const cJSON *payload)
{
    char *text = json_print(payload);
    char id[64];
    frame_id_make(control, "error", id);
    struct envelope envelope = {.type = "notify.error", .frame_id = id};
    if (!session)
        frame_broadcast(control, &envelope, (const char *const[SPEC_CLASSES]){NULL, text}, NULL,
                        NULL);
    else if (session->class == SPEC_ORIEL && session->state == SESSION_READY)
        frame_send(control, session, &envelope, text);
    free(text);
}

static bool is_fault(const cJSON *fault, const char *code, const char *layer_id)
{
    const cJSON *layer = cJSON_GetObjectItemCaseSensitive(fault, "layer_id");
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(fault, "code");
    return strcmp(own->valuestring, code) == 0 &&
           strcmp(layer ? layer->valuestring : "", layer_id ? layer_id : "") == 0;
}

static cJSON *take_fault(struct control *control, const char *code, const char *layer_id)
{
    cJSON *fault;
    cJSON_ArrayForEach(fault, control->faults)
    {
        if (is_fault(fault, code, layer_id))
            return cJSON_DetachItemViaPointer(control->faults, fault);
    }
    return NULL;
}

void notice_fault(struct control *control, const char *domain, const char *code, const char *text,
                  const char *layer_id, const char *ref)
{
    cJSON *old = take_fault(control, code, layer_id);
    cJSON *message = cJSON_GetObjectItemCaseSensitive(old, "message");
    bool same = message && strcmp(message->valuestring, text) == 0;
    cJSON_Delete(old);
    cJSON *payload = cJSON_CreateObject();
    json_put_string(payload, "severity", "error");
    json_put_string(payload, "domain", domain);
    json_put_string(payload, "code", code);
    json_put_string(payload, "message", text);
    if (layer_id)
        json_put_string(payload, "layer_id", layer_id);
    if (ref)
        json_put_string(payload, "ref", ref);
    cJSON_AddItemToArray(control->faults, payload);
    if (same)
        return;
    log_error(LOG_CONTROL, "%s", text);
    notice_send(control, NULL, payload);
}

void notice_clear(struct control *control, const char *code, const char *layer_id)
{
    cJSON *fault = take_fault(control, code, layer_id);
    if (!fault)
        return;
    char cleared[80];
    snprintf(cleared, sizeof cleared, "%s.cleared", code);
    cJSON_ReplaceItemInObjectCaseSensitive(fault, "severity", cJSON_CreateString("info"));
    cJSON_ReplaceItemInObjectCaseSensitive(fault, "code", cJSON_CreateString(cleared));
    notice_send(control, NULL, fault);
    cJSON_Delete(fault);
}

void notice_clear_all(struct control *control)
{
    while (control->faults->child) {
        char *code = xstrdup(cJSON_GetObjectItem(control->faults->child, "code")->valuestring);
        const char *layer = json_string(cJSON_GetObjectItem(control->faults->child, "layer_id"));
        notice_clear(control, code, layer);
        free(code);
    }
}

void notice_take(struct control *control, const struct render_notice *notice)
{
    struct scene_layer *layer = scene_find_key(control->scene, notice->layer);
    if (notice->kind == RENDER_NOTICE_READY) {
        log_info(LOG_RENDER, "renders with %s", notice->text);
        notice_clear(control, "render.fault", NULL);
        control->status_due_ns = clock_ns();
        return;
    }
    if (notice->kind == RENDER_NOTICE_FAULT) {
        notice_fault(control, "render", "render.fault", notice->text, NULL, NULL);
        return;
    }
    if (!layer)
        return; /* of a layer that is gone */
    switch (notice->kind) {
    case RENDER_NOTICE_LEVEL:
        layer->state.level = notice->level;
        layer->state.level_count = notice->level_count;
        break;
    case RENDER_NOTICE_LOADING:
        layer->state.loading = notice->outstanding > 0;
        break;
    case RENDER_NOTICE_DATA_ERROR:
        snprintf(layer->state.error, sizeof layer->state.error, "%s", notice->text);
        notice_fault(control, "data", "data.read", notice->text, layer->id, layer->uri);
        break;
    case RENDER_NOTICE_DATA_OK:
        layer->state.error[0] = '\0';
        notice_clear(control, "data.read", layer->id);
        break;
    default:
        return;
    }
    layer->state.changed++;
    if (control->state_due_ns == INT64_MAX)
        control->state_due_ns = clock_ns() + STATE_INTERVAL_NS;
}

static void base64(const uint8_t *data, size_t bytes, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes; i += 3) {
        uint32_t v = (uint32_t)data[i] << 16;
        v |= i + 1 < bytes ? (uint32_t)data[i + 1] << 8 : 0;
        v |= i + 2 < bytes ? data[i + 2] : 0;
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = i + 1 < bytes ? digits[v >> 6 & 63] : '=';
        *out++ = i + 2 < bytes ? digits[v & 63] : '=';
    }
    *out = '\0';
}

cJSON *stream_payload(const struct stream_info *info)
{
    if (info->codec != ORIEL_CODEC_H264 || !info->avcc_bytes)
        return NULL;
    char avcc[sizeof info->avcc / 3 * 4 + 8];
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

void notice_stream(struct control *control, const struct stream_info *info)
{
    control->status_due_ns = clock_ns();
    notice_clear(control, "encoder.fault", NULL); /* one works */
    cJSON *json = stream_payload(info);
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
    json_put_string(status, "capture", render ? render_capture_id(render) : "");
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
