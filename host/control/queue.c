/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that other threads tell the control room. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "util/check.h"
#include "util/log.h"

/* What clients may have waiting here, all together; beyond it their messages are lost. */
#define MAX_QUEUED_BYTES (64u << 20)

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
    free(message->text);
    free(message);
}

void control_post(struct control *control, struct message *message)
{
    size_t bytes = sizeof *message + message->bytes;
    pthread_mutex_lock(&control->mutex);
    bool full = message->kind == MESSAGE_TEXT && control->queued_bytes + bytes > MAX_QUEUED_BYTES;
    if (!full) {
        *control->tail = message;
        control->tail = &message->next;
        control->queued_bytes += bytes;
        pthread_cond_signal(&control->wake);
    }
    pthread_mutex_unlock(&control->mutex);
    if (full) {
        log_warn(LOG_CONTROL, "a message of connection %llu is lost: too much is waiting",
                 (unsigned long long)message->conn);
        message_destroy(message);
    }
}

void control_conn_open(struct control *control, const struct oriel_transport *transport, void *self,
                       uint64_t conn, const char *token, const char *peer)
{
    struct message *message = message_create(MESSAGE_OPEN, conn);
    message->transport = transport;
    message->self = self;
    snprintf(message->peer, sizeof message->peer, "%s", peer);
    message->role = access_role(control->access, token);
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
    control_post(control, message_create(MESSAGE_CLOSED, conn));
}

void control_render_notice(struct control *control, const struct render_notice *notice)
{
    struct message *message = message_create(MESSAGE_NOTICE, 0);
    message->notice = *notice;
    control_post(control, message);
}

void control_stream_config(struct control *control, const struct stream_info *info)
{
    struct message *message = message_create(MESSAGE_STREAM, 0);
    message->stream = *info;
    control_post(control, message);
}

void control_stream_fault(struct control *control, const char *text)
{
    struct message *message = message_create(MESSAGE_FAULT, 0);
    message->text = xstrdup(text);
    control_post(control, message);
}
