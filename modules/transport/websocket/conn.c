/* SPDX-License-Identifier: BSD-3-Clause */
/* Websocket connections: messages put together, a send queue of shared buffers.
 *
 * A message is written in one lws_write(), from a scratch copy of head and payload. The copy costs
 * about 5 us for 64 KiB; sending head and payload as two frames costs a system call more, and the
 * headroom of a shared buffer is too small for an extended header. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

static void message_free(const struct server *server, struct message *message)
{
    if (message->buffer)
        server->host->buffer_unref(server->host, message->buffer);
    free(message);
}

static uint64_t message_bytes(const struct message *message)
{
    return message->head_bytes + (message->buffer ? message->buffer->bytes : 0);
}

uint32_t conn_open(struct session *session)
{
    struct server *server = session->server;
    struct request request;
    const char *method;
    uint32_t status = request_init(&request, session, &method);
    struct conn *conn = status ? NULL : calloc(1, sizeof *conn);
    if (!status && !conn)
        status = 503;
    if (!status) {
        conn->unsent.size = sizeof conn->unsent;
        pthread_mutex_lock(&server->lock);
        session->conn = conn;
        server_name(server, session);
        bool stopping = server->stopping;
        pthread_mutex_unlock(&server->lock);
        status = stopping ? 503 : server->to->opened(server->to, session->id, &request.seen);
        if (status) { /* refused: closed() does not come */
            pthread_mutex_lock(&server->lock);
            server_forget(server, session);
            session->conn = NULL;
            pthread_mutex_unlock(&server->lock);
            struct message *message = conn->first, *next;
            for (; message; message = next) {
                next = message->next;
                message_free(server, message);
            }
            free(conn);
        }
    }
    request_finish(&request);
    return status;
}

int conn_established(struct session *session)
{
    if (!session->conn)
        return -1;
    session->conn->established = true;
    session_deadline(session, 0, NULL);
    listener_tune(session->server, session->wsi);
    lws_callback_on_writable(session->wsi); /* what opened() may have queued */
    return 0;
}

static int refuse(struct session *session, enum lws_close_status code, const char *reason)
{
    unsigned char text[REASON_MAX + 1];
    int n = snprintf((char *)text, sizeof text, "%s", reason);
    lws_close_reason(session->wsi, code, text, (size_t)n);
    session->conn->farewell = true;
    return -1;
}

int conn_receive(struct session *session, const void *data, size_t bytes)
{
    struct conn *conn = session->conn;
    struct server *server = session->server;
    struct lws *wsi = session->wsi;
    lws_validity_confirmed(wsi);
    if (lws_is_first_fragment(wsi))
        conn->inbound_bytes = 0;
    size_t total = conn->inbound_bytes + bytes;
    if (total + lws_remaining_packet_payload(wsi) > (uint64_t)server->message_bytes) {
        server_log(server, ORIEL_LOG_WARN, "%s sent a message of more than %lld bytes",
                   session->peer, (long long)server->message_bytes);
        return refuse(session, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "message too large");
    }
    if (total > conn->inbound_room) {
        size_t room = total < 4096 ? 4096 : total * 2;
        uint8_t *grown = realloc(conn->inbound, room);
        if (!grown)
            return refuse(session, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
        conn->inbound = grown;
        conn->inbound_room = room;
    }
    if (bytes)
        memcpy(conn->inbound + conn->inbound_bytes, data, bytes);
    conn->inbound_bytes = total;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi))
        return 0;

    pthread_mutex_lock(&server->lock);
    bool open = conn->close_code == 0;
    pthread_mutex_unlock(&server->lock);
    if (open)
        server->to->message(server->to, session->id,
                            lws_frame_is_binary(wsi) ? ORIEL_MESSAGE_BINARY : ORIEL_MESSAGE_TEXT,
                            conn->inbound ? conn->inbound : (const uint8_t *)"",
                            conn->inbound_bytes);
    conn->inbound_bytes = 0;
    /* Large messages are rare: a client does not keep the memory. */
    if (conn->inbound_room > 65536) {
        free(conn->inbound);
        conn->inbound = NULL;
        conn->inbound_room = 0;
    }
    return 0;
}

static int write_message(struct session *session, const struct message *message)
{
    size_t bytes = (size_t)message_bytes(message);
    uint8_t *at = server_scratch(session->server, bytes);
    if (!at)
        return -1;
    memcpy(at, message->head, message->head_bytes);
    if (message->buffer && message->buffer->bytes)
        memcpy(at + message->head_bytes, message->buffer->data, (size_t)message->buffer->bytes);
    /* lws takes all of it; what the socket does not is kept in lws, and no writable comes before
     * that has left. */
    return lws_write(session->wsi, at, bytes,
                     message->kind == ORIEL_MESSAGE_TEXT ? LWS_WRITE_TEXT : LWS_WRITE_BINARY) < 0
               ? -1
               : 0;
}

/* The socket can take more. A message counts as unsent until this is called again after it: its end
 * may still have been in lws, or in the kernel beyond its low-water mark. */
int conn_writable(struct session *session)
{
    struct server *server = session->server;
    struct conn *conn = session->conn;
    if (!conn || !conn->established)
        return 0;
    pthread_mutex_lock(&server->lock);
    bool landed = conn->flight_bytes != 0;
    conn->unsent.bytes -= conn->flight_bytes;
    conn->unsent.messages -= landed;
    conn->flight_bytes = 0;
    struct message *message = conn->first;
    conn->unsent.oldest_ns = message ? message->queued_ns : 0;
    if (message) {
        conn->first = message->next;
        if (!conn->first)
            conn->last = NULL;
        conn->flight_bytes = message_bytes(message);
    }
    uint32_t code = conn->close_code;
    char reason[REASON_MAX + 1];
    memcpy(reason, conn->close_reason, sizeof reason);
    pthread_mutex_unlock(&server->lock);

    if (message) {
        int result = write_message(session, message);
        message_free(server, message);
        lws_callback_on_writable(session->wsi);
        return result;
    }
    if (code)
        return refuse(session, (enum lws_close_status)code, reason);
    if (landed)
        server->to->writable(server->to, session->id);
    return 0;
}

void conn_close(struct session *session)
{
    struct server *server = session->server;
    struct conn *conn = session->conn;
    uint64_t id = session->id;
    if (!conn->farewell)
        server_log(server, ORIEL_LOG_INFO,
                   "%s is gone without a word: reset, no answer to pings, or against the protocol",
                   session->peer);
    pthread_mutex_lock(&server->lock);
    server_forget(server, session);
    session->conn = NULL;
    pthread_mutex_unlock(&server->lock);
    server->to->closed(server->to, id);
    struct message *message = conn->first, *next;
    for (; message; message = next) {
        next = message->next;
        message_free(server, message);
    }
    free(conn->inbound);
    free(conn);
}

void conn_shut(struct session *session, uint32_t code, const char *reason)
{
    struct conn *conn = session->conn;
    if (conn->close_code)
        return;
    conn->close_code = code ? code : LWS_CLOSE_STATUS_NORMAL;
    size_t n = strnlen(reason ? reason : "", REASON_MAX);
    while (n && n == REASON_MAX && ((unsigned char)reason[n] & 0xC0) == 0x80)
        n--; /* a character is not cut */
    if (n)
        memcpy(conn->close_reason, reason, n);
}

/* --- other threads --- */

/* Under the lock. */
static void enqueue(struct conn *conn, struct message *message)
{
    if (conn->last)
        conn->last->next = message;
    else
        conn->first = message;
    conn->last = message;
    if (!conn->unsent.oldest_ns)
        conn->unsent.oldest_ns = message->queued_ns;
    conn->unsent.messages++;
    conn->unsent.bytes += message_bytes(message);
}

oriel_result transport_send(void *self, uint64_t id, const struct oriel_message *message)
{
    struct server *server = self;
    const struct oriel_host *host = server->host;
    if (message->head_bytes > ORIEL_MESSAGE_HEAD_MAX ||
        (message->kind != ORIEL_MESSAGE_TEXT && message->kind != ORIEL_MESSAGE_BINARY))
        return host->fail(host, ORIEL_INVALID,
                          "a message needs a kind and at most 512 bytes of head");
    struct message *copy = malloc(sizeof *copy + (size_t)message->head_bytes);
    if (!copy)
        return host->fail(host, ORIEL_NOMEM, "out of memory for a message");
    copy->next = NULL;
    copy->kind = message->kind;
    copy->head_bytes = (uint32_t)message->head_bytes;
    copy->queued_ns = now_ns();
    copy->buffer = message->buffer;
    if (message->head_bytes)
        memcpy(copy->head, message->head, (size_t)message->head_bytes);
    if (copy->buffer)
        host->buffer_ref(host, copy->buffer);

    pthread_mutex_lock(&server->lock);
    struct session *session = server_find(server, id);
    bool open = session && session->conn && !session->conn->close_code;
    if (open) {
        enqueue(session->conn, copy);
        server_wake(server, session);
    }
    pthread_mutex_unlock(&server->lock);
    if (!open) {
        message_free(server, copy);
        return ORIEL_INVALID; /* gone: a race that every caller lives with, no failure to tell */
    }
    return ORIEL_OK;
}

oriel_result transport_queued(void *self, uint64_t id, struct oriel_queued *queued)
{
    struct server *server = self;
    struct oriel_queued now = {.size = sizeof now};
    pthread_mutex_lock(&server->lock);
    struct session *session = server_find(server, id);
    bool found = session && session->conn;
    if (found)
        now = session->conn->unsent;
    pthread_mutex_unlock(&server->lock);
    uint32_t size = queued->size < sizeof now ? queued->size : (uint32_t)sizeof now;
    now.size = queued->size;
    memcpy(queued, &now, size);
    return found ? ORIEL_OK : ORIEL_INVALID;
}

void transport_close(void *self, uint64_t id, uint32_t code, const char *reason)
{
    struct server *server = self;
    pthread_mutex_lock(&server->lock);
    struct session *session = server_find(server, id);
    if (session && session->conn) {
        conn_shut(session, code, reason);
        server_wake(server, session);
    }
    pthread_mutex_unlock(&server->lock);
}
