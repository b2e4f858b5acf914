/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that other threads tell the control room. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "util/check.h"
#include "util/log.h"
#include "util/thread.h"

/* What one connection may have waiting here beside one message of the largest size. Who sends more
 * than the room can read is sent away, since the messages after that are lost. */
#define INBOX_BYTES (2u << 20)

/* What a connection has waiting; from its OPEN to its CLOSED. */
struct inbox {
    struct inbox *next;
    uint64_t conn, batch;
    size_t bytes; /* in this batch */
    bool flooded;
};

struct message *message_create(enum message_kind kind, uint64_t conn)
{
    struct message *message = xcalloc(1, sizeof *message);
    message->kind = kind;
    message->conn = conn;
    message->received_ns = clock_ns();
    return message;
}

void message_destroy(struct message *message)
{
    if (message->job)
        message->job->drop(message->job);
    if (message->request)
        request_drop(message->request);
    free(message->notice);
    free(message->stream);
    free(message->text);
    free(message);
}

/* Under the mutex. */
static struct inbox **inbox_find(struct control *control, uint64_t conn)
{
    struct inbox **at = &control->inboxes;
    while (*at && (*at)->conn != conn)
        at = &(*at)->next;
    return at;
}

static void inbox_add(struct control *control, uint64_t conn)
{
    struct inbox *inbox = xcalloc(1, sizeof *inbox);
    inbox->conn = conn;
    pthread_mutex_lock(&control->mutex);
    inbox->next = control->inboxes;
    control->inboxes = inbox;
    pthread_mutex_unlock(&control->mutex);
}

static void inbox_remove(struct control *control, uint64_t conn)
{
    pthread_mutex_lock(&control->mutex);
    struct inbox **at = inbox_find(control, conn), *inbox = *at;
    if (inbox)
        *at = inbox->next;
    pthread_mutex_unlock(&control->mutex);
    free(inbox);
}

void inboxes_destroy(struct control *control)
{
    for (struct inbox *inbox = control->inboxes, *next; inbox; inbox = next) {
        next = inbox->next;
        free(inbox);
    }
    control->inboxes = NULL;
}

/* Under the mutex. Room for the message of its connection; `message` tells of the flood instead
 * when the room is used up for the first time. */
static bool inbox_take(struct control *control, struct message *message, size_t most)
{
    struct inbox *inbox = *inbox_find(control, message->conn);
    if (!inbox || inbox->flooded)
        return false;
    if (inbox->batch != control->batch) {
        inbox->batch = control->batch;
        inbox->bytes = 0;
    }
    inbox->bytes += sizeof *message + message->bytes;
    if (inbox->bytes > most) {
        inbox->flooded = true;
        message->kind = MESSAGE_FLOOD;
    }
    return true;
}

void control_post(struct control *control, struct message *message)
{
    size_t most = INBOX_BYTES;
    if (message->kind == MESSAGE_TEXT)
        most += (size_t)config_int(control->config, "server.message_bytes");
    pthread_mutex_lock(&control->mutex);
    bool room = message->kind != MESSAGE_TEXT || inbox_take(control, message, most);
    if (room) {
        *control->tail = message;
        control->tail = &message->next;
        pthread_cond_signal(&control->wake);
    }
    pthread_mutex_unlock(&control->mutex);
    if (!room)
        message_destroy(message);
}

/* What wants to be shown at the same time is one batch: all that waits when the thread wakes up. */
struct message *control_collect(struct control *control, int64_t deadline, bool *stopping)
{
    pthread_mutex_lock(&control->mutex);
    while (!control->head && !control->stopping &&
           cond_wait_until(&control->wake, &control->mutex, deadline)) {
    }
    struct message *head = control->head;
    control->head = NULL;
    control->tail = &control->head;
    control->batch++;
    *stopping = control->stopping;
    pthread_mutex_unlock(&control->mutex);
    return head;
}

void control_conn_open(struct control *control, const struct oriel_transport *transport, void *self,
                       uint64_t conn, const char *token, const char *peer)
{
    struct message *message = message_create(MESSAGE_OPEN, conn);
    message->transport = transport;
    message->self = self;
    snprintf(message->peer, sizeof message->peer, "%s", peer);
    message->role = access_role(control->access, token);
    inbox_add(control, conn);
    control_post(control, message);
}

void control_conn_message(struct control *control, uint64_t conn, uint32_t kind,
                          const uint8_t *data, uint64_t bytes)
{
    struct message *message = message_create(MESSAGE_TEXT, conn);
    message->text_kind = kind;
    message->bytes = bytes;
    message->text = malloc(bytes + 1);
    if (!message->text) {
        log_error(LOG_CONTROL, "no memory for a message of %llu bytes", (unsigned long long)bytes);
        message_destroy(message);
        return;
    }
    memcpy(message->text, data, bytes);
    message->text[bytes] = '\0';
    control_post(control, message);
}

void control_conn_closed(struct control *control, uint64_t conn)
{
    inbox_remove(control, conn);
    control_post(control, message_create(MESSAGE_CLOSED, conn));
}

static struct message *of_view(enum message_kind kind, const char *view)
{
    struct message *message = message_create(kind, 0);
    snprintf(message->view, sizeof message->view, "%s", view);
    return message;
}

void control_render_notice(struct control *control, const char *view,
                           const struct render_notice *notice)
{
    struct message *message = of_view(MESSAGE_NOTICE, view);
    message->notice = xcalloc(1, sizeof *notice);
    *message->notice = *notice;
    control_post(control, message);
}

void control_stream_config(struct control *control, const char *view,
                           const struct stream_info *info)
{
    struct message *message = of_view(MESSAGE_STREAM, view);
    message->stream = xcalloc(1, sizeof *info);
    *message->stream = *info;
    control_post(control, message);
}

void control_stream_fault(struct control *control, const char *view, const char *text)
{
    struct message *message = of_view(MESSAGE_FAULT, view);
    message->text = xstrdup(text);
    control_post(control, message);
}
