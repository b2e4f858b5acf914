/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "module/services.h"
#include "util/check.h"

struct item {
    /* A frame, or, without a buffer, the end of the connection. */
    const struct oriel_transport *transport;
    void *self;
    uint64_t conn;
    enum spec_class class;
    char peer[64];
    char head[ORIEL_MESSAGE_HEAD_MAX];
    size_t head_bytes;
    const struct oriel_buffer *buffer;
    uint32_t close_code;
    char text[256];     /* the reason of a close; the message of an answer's error */
    surface_done *done; /* an answer; else NULL */
    void *data;
    struct surface_answer answer; /* its JSON and code are the item's */
};

struct outbox {
    struct frame_log *frames;
    struct item *items;
    size_t count, capacity;
    bool waits;
};

struct outbox *outbox_create(struct frame_log *frames)
{
    struct outbox *outbox = xcalloc(1, sizeof *outbox);
    outbox->frames = frames;
    return outbox;
}

static void finish(struct item *item)
{
    buffer_unref(item->buffer);
    cJSON_Delete((cJSON *)item->answer.value);
    cJSON_Delete((cJSON *)item->answer.details);
    free((char *)item->answer.code);
}

void outbox_destroy(struct outbox *outbox)
{
    if (!outbox)
        return;
    outbox_drop(outbox);
    free(outbox->items);
    free(outbox);
}

void outbox_wait(struct outbox *outbox, bool waits)
{
    outbox->waits = waits;
    if (!waits)
        outbox_flush(outbox);
}

static void transmit(struct outbox *outbox, struct item *item)
{
    if (item->done) {
        item->answer.message = item->answer.code ? item->text : NULL; /* items move */
        item->done(item->data, &item->answer);
    } else if (!item->buffer) {
        item->transport->close(item->self, item->conn, item->close_code, item->text);
    } else {
        struct oriel_message message = {.size = sizeof message,
                                        .kind = ORIEL_MESSAGE_TEXT,
                                        .head = (const uint8_t *)item->head,
                                        .head_bytes = item->head_bytes,
                                        .buffer = item->buffer};
        item->transport->send(item->self, item->conn, &message);
        frame_log_add(outbox->frames, item->class, item->peer, &message);
    }
}

void outbox_flush(struct outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++) {
        transmit(outbox, &outbox->items[i]);
        finish(&outbox->items[i]);
    }
    outbox->count = 0;
}

void outbox_drop(struct outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++) {
        struct item *item = &outbox->items[i];
        if (item->done)
            item->done(item->data, &(struct surface_answer){.code = "command.cancelled",
                                                            .message = "the server stops"});
        else if (!item->buffer)
            transmit(outbox, item);
        finish(item);
    }
    outbox->count = 0;
}

/* To be filled in before `added`. */
static struct item *add(struct outbox *outbox)
{
    if (outbox->count == outbox->capacity) {
        outbox->capacity = outbox->capacity ? 2 * outbox->capacity : 16;
        outbox->items = xrealloc(outbox->items, outbox->capacity * sizeof *outbox->items);
    }
    struct item *item = &outbox->items[outbox->count++];
    memset(item, 0, sizeof *item);
    return item;
}

static void added(struct outbox *outbox)
{
    if (!outbox->waits)
        outbox_flush(outbox);
}

static struct item *add_for(struct outbox *outbox, const struct session *session)
{
    struct item *item = add(outbox);
    item->transport = session->transport;
    item->self = session->self;
    item->conn = session->conn;
    return item;
}

void outbox_send(struct outbox *outbox, const struct session *session, const char *head,
                 size_t head_bytes, const struct oriel_buffer *tail)
{
    CHECK(head_bytes <= ORIEL_MESSAGE_HEAD_MAX);
    struct item *item = add_for(outbox, session);
    item->class = session->class;
    snprintf(item->peer, sizeof item->peer, "%s", session->peer);
    memcpy(item->head, head, head_bytes);
    item->head_bytes = head_bytes;
    item->buffer = buffer_ref(tail);
    added(outbox);
}

void outbox_close(struct outbox *outbox, const struct session *session, uint32_t code,
                  const char *reason)
{
    struct item *item = add_for(outbox, session);
    item->close_code = code;
    snprintf(item->text, sizeof item->text, "%s", reason);
    added(outbox);
}

void outbox_answer(struct outbox *outbox, surface_done *done, void *data,
                   const struct surface_answer *answer)
{
    if (!outbox->waits) {
        done(data, answer);
        return;
    }
    struct item *item = add(outbox);
    item->done = done;
    item->data = data;
    item->answer = *answer;
    item->answer.value = cJSON_Duplicate(answer->value, true);
    item->answer.details = cJSON_Duplicate(answer->details, true);
    item->answer.code = answer->code ? xstrdup(answer->code) : NULL;
    snprintf(item->text, sizeof item->text, "%s", answer->message ? answer->message : "");
}
