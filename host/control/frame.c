/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames on the wire. What is the same for everyone of a class is made once and shared; the session
 * id stands in the head that each client gets for itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "metrics/metrics.h"
#include "module/services.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/log.h"

/* A state client that lets this much wait beside the largest frame does not read: one answer may be
 * larger than that, and take its time on a thin line. */
#define MAX_WAITING_BYTES (16u << 20)

void frame_id_make(struct control *control, const char *prefix, char id[64])
{
    snprintf(id, 64, "%s%s%08llx", prefix, prefix[0] ? "-" : "",
             (unsigned long long)(++control->next_frame_id & 0xffffffffu));
}

static char *quote(const char *text)
{
    cJSON *json = cJSON_CreateString(text);
    char *quoted = json_print(json);
    cJSON_Delete(json);
    return quoted;
}

/* Everything after the session id. */
static const struct oriel_buffer *make_tail(struct control *control, const struct envelope *e,
                                            const char *payload)
{
    metric_add(control->frames_made, 1);
    char cursor[128] = "";
    if (e->cursor)
        snprintf(cursor, sizeof cursor, "\"seq\":%llu,\"delta_token\":\"%s\",",
                 (unsigned long long)e->seq, e->token);
    char *intent = e->intent && e->intent[0] ? quote(e->intent) : NULL;
    char *id = e->frame_id ? quote(e->frame_id) : NULL;
    char *before =
        xasprintf("%s%s%s\"timestamp\":%.6f,%s%s%s%s\"payload\":", id ? "\"frame_id\":" : "",
                  id ? id : "", id ? "," : "", clock_unix(), cursor, intent ? "\"intent_id\":" : "",
                  intent ? intent : "", intent ? "," : "");
    free(intent);
    free(id);
    size_t n = strlen(before), bytes = strlen(payload);
    uint8_t *data;
    const struct oriel_buffer *buffer = buffer_create(n + bytes + 1, &data);
    if (buffer) {
        memcpy(data, before, n);
        memcpy(data + n, payload, bytes);
        data[n + bytes] = '}';
    }
    free(before);
    return buffer;
}

static bool reads(struct control *control, struct session *session)
{
    struct oriel_queued queued = {.size = sizeof queued};
    if (session->transport->queued(session->self, session->conn, &queued) != ORIEL_OK)
        return true;
    if (session->largest > queued.bytes)
        session->largest = queued.bytes; /* it has left, or some of it */
    if (queued.bytes - session->largest <= MAX_WAITING_BYTES)
        return true;
    log_warn(LOG_CONTROL, "%s does not read, %llu bytes wait: closed", session->peer,
             (unsigned long long)queued.bytes);
    session->state = SESSION_CLOSING;
    outbox_close(control->outbox, session, 1013, "too slow");
    return false;
}

static void send_tail(struct control *control, struct session *session, const struct envelope *e,
                      const struct oriel_buffer *tail)
{
    if (!tail || !session->transport || !reads(control, session))
        return;
    if (session->largest < tail->bytes)
        session->largest = tail->bytes;
    char head[ORIEL_MESSAGE_HEAD_MAX];
    int n = session->id[0]
                ? snprintf(head, sizeof head, "{\"type\":\"%s\",\"version\":%d,\"session\":\"%s\",",
                           e->type, PROTOCOL_VERSION, session->id)
                : snprintf(head, sizeof head, "{\"type\":\"%s\",\"version\":%d,", e->type,
                           PROTOCOL_VERSION);
    bool secret = strcmp(e->type, "session.welcome") == 0; /* it has the ticket */
    log_trace(LOG_STATE, "to %s: %s%.*s", session->peer, head, secret ? 0 : (int)tail->bytes,
              (const char *)tail->data);
    metric_add(control->frames_sent, 1);
    outbox_send(control->outbox, session, head, (size_t)n, tail);
}

void frame_send(struct control *control, struct session *session, const struct envelope *envelope,
                const char *payload)
{
    if (session->state == SESSION_CLOSING)
        return;
    const struct oriel_buffer *tail = make_tail(control, envelope, payload);
    send_tail(control, session, envelope, tail);
    buffer_unref(tail);
}

void frame_send_json(struct control *control, struct session *session,
                     const struct envelope *envelope, cJSON *payload)
{
    char *text = json_print(payload);
    cJSON_Delete(payload);
    frame_send(control, session, envelope, text);
    free(text);
}

void frame_broadcast(struct control *control, const struct envelope *envelope,
                     const char *const payload[SPEC_CLASSES], const struct view *view,
                     bool (*filter)(const struct session *))
{
    const struct oriel_buffer *tails[SPEC_CLASSES] = {NULL};
    for (struct session *s = control->sessions; s; s = s->next) {
        if (s->state != SESSION_READY || !payload[s->class] || (view && s->view != view) ||
            (filter && !filter(s)))
            continue;
        /* Classes that are told the same share it. */
        int made = payload[SPEC_CLASSIC] == payload[s->class] ? SPEC_CLASSIC : (int)s->class;
        if (!tails[made])
            tails[made] = make_tail(control, envelope, payload[made]);
        send_tail(control, s, envelope, tails[made]);
    }
    for (int c = 0; c < SPEC_CLASSES; c++)
        buffer_unref(tails[c]);
}
