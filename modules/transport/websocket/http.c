/* SPDX-License-Identifier: BSD-3-Clause */
/* Plain HTTP: requests to the host, its answers back, large bodies piece by piece. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define PIECE 65536u
#define WRITE_TIMEOUT_S 30

/* Under the lock, with the exchange unanswered. */
static void answer(const struct server *server, struct exchange *exchange,
                   const struct oriel_response *response)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    for (uint64_t i = 0; out && i < response->header_count; i++) {
        const struct oriel_http_header *header = &response->headers[i];
        /* A line break would begin a header that the host never wrote. */
        if (!header->name || !header->value || strpbrk(header->name, "\r\n: ") ||
            strpbrk(header->value, "\r\n"))
            continue;
        fprintf(out, "%s:%c%s%c", header->name, 0, header->value, 0);
    }
    if (out && fclose(out) == 0) {
        exchange->headers = text;
        exchange->headers_bytes = bytes;
    }
    exchange->status = response->status;
    exchange->body = response->body;
    if (exchange->body)
        server->host->buffer_ref(server->host, exchange->body);
    exchange->answered = true;
}

void transport_respond(void *self, uint64_t id, const struct oriel_response *response)
{
    struct server *server = self;
    pthread_mutex_lock(&server->lock);
    struct session *session = server_find(server, id);
    if (session && session->exchange && !session->exchange->answered) {
        answer(server, session->exchange, response);
        server_wake(server, session);
    }
    pthread_mutex_unlock(&server->lock);
}

/* An answer of the transport's own: one line of text, and one header of its own or NULL. */
static int answer_line(struct session *session, uint32_t status, const char *line, const char *name,
                       const char *value)
{
    struct server *server = session->server;
    const struct oriel_http_header headers[] = {
        {"content-type", "text/plain"},
        {"cache-control", "no-store"},
        {name, value},
    };
    const struct oriel_buffer *body = server->host->buffer_new(server->host, line, strlen(line));
    struct oriel_response response = {
        .size = sizeof response,
        .status = status,
        .header_count = name ? 3 : 2,
        .headers = headers,
        .body = body,
    };
    pthread_mutex_lock(&server->lock);
    answer(server, session->exchange, &response);
    pthread_mutex_unlock(&server->lock);
    if (body)
        server->host->buffer_unref(server->host, body);
    lws_callback_on_writable(session->wsi);
    return 0;
}

/* The prefix without its slash: relative addresses of a page would miss the prefix's last part. */
static int answer_slash(struct session *session, const struct request *request)
{
    char *place = NULL;
    const char *query = request->query;
    if (asprintf(&place, "%s/%s%s", request->path, *query ? "?" : "", query) < 0)
        return -1;
    int result = answer_line(session, 308, "the page is at the same address with a slash\n",
                             "location", place);
    free(place);
    return result;
}

static int dispatch(struct session *session)
{
    struct server *server = session->server;
    struct exchange *exchange = session->exchange;
    struct request request;
    const char *method;
    uint32_t status = request_init(&request, session, &method);
    if (status) {
        request_finish(&request);
        return answer_line(session, status, status == 404 ? "nothing here\n" : "bad request\n",
                           NULL, NULL);
    }
    if (*server->prefix && strcmp(request.path, server->prefix) == 0) {
        int result = answer_slash(session, &request);
        request_finish(&request);
        return result;
    }
    request.seen.body = exchange->inbound;
    request.seen.body_bytes = exchange->inbound_bytes;
    lws_set_timeout(session->wsi, NO_PENDING_TIMEOUT, 0); /* the host may take its time */
    session_deadline(session, 0, NULL);
    server->to->http(server->to, session->id, &request.seen);
    request_finish(&request);
    return 0;
}

int http_begin(struct session *session)
{
    struct server *server = session->server;
    if (session->exchange)
        return -1;
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return -1;
    pthread_mutex_lock(&server->lock);
    session->exchange = exchange;
    server_name(server, session);
    pthread_mutex_unlock(&server->lock);

    struct request request;
    request_init(&request, session, &exchange->method);
    const char *length = request.seen.header(&request.seen, "content-length");
    bool chunked = request.seen.header(&request.seen, "transfer-encoding");
    bool digits = !length || (*length && !length[strspn(length, "0123456789")]);
    int64_t body = length ? strtoll(length, NULL, 10) : 0;
    request_finish(&request);
    if (!digits || (length && chunked)) {
        exchange->hang_up = true; /* where the next request begins is anyone's guess */
        return answer_line(session, 400, "bad request\n", NULL, NULL);
    }

    bool post = strcmp(exchange->method, "POST") == 0;
    if (!post && strcmp(exchange->method, "GET") != 0 && strcmp(exchange->method, "HEAD") != 0 &&
        strcmp(exchange->method, "DELETE") != 0) {
        exchange->hang_up = body != 0; /* nobody will read it */
        return answer_line(session, 405, "only GET, HEAD, POST and DELETE here\n", "allow",
                           "GET, HEAD, POST, DELETE");
    }
    if (post && !length) {
        exchange->hang_up = true;
        return answer_line(session, 411, "a body needs its length\n", NULL, NULL);
    }
    if (body < 0 || body > server->message_bytes) {
        exchange->hang_up = true;
        return answer_line(session, 413, "the body is too large\n", NULL, NULL);
    }
    if (!post || !body)
        return dispatch(session);
    session_deadline(session, server->request_s, "the body of its request did not come");
    return 0;
}

int http_body(struct session *session, const void *data, size_t bytes)
{
    struct exchange *exchange = session->exchange;
    if (!exchange || exchange->answered)
        return 0;
    size_t total = exchange->inbound_bytes + bytes;
    if (total > (uint64_t)session->server->message_bytes)
        return -1;
    if (total > exchange->inbound_room) {
        uint8_t *grown = realloc(exchange->inbound, total * 2);
        if (!grown)
            return -1;
        exchange->inbound = grown;
        exchange->inbound_room = total * 2;
    }
    memcpy(exchange->inbound + exchange->inbound_bytes, data, bytes);
    exchange->inbound_bytes = total;
    return 0;
}

int http_complete(struct session *session)
{
    struct exchange *exchange = session->exchange;
    /* A POST without a body has been dispatched by http_begin(). */
    return exchange && !exchange->answered && exchange->inbound_bytes ? dispatch(session) : 0;
}

static const char *reason_phrase(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Status";
}

/* lws' own heads say HTTP/1.0 where the connection is not kept, which some websocket clients
 * refuse. */
static int write_head(struct session *session, uint64_t body_bytes, bool with_body)
{
    const struct exchange *exchange = session->exchange;
    size_t room = exchange->headers_bytes * 2 + 256;
    char *start = (char *)server_scratch(session->server, room);
    if (!start)
        return -1;
    int n = snprintf(start, room, "HTTP/1.1 %u %s\r\nserver: oriel\r\n", exchange->status,
                     reason_phrase(exchange->status));
    const char *at = exchange->headers, *stop = at + exchange->headers_bytes;
    while (at && at < stop) {
        const char *name = at, *value = name + strlen(name) + 1;
        at = value + strlen(value) + 1;
        n += snprintf(start + n, room - (size_t)n, "%s %s\r\n", name, value);
    }
    if (exchange->hang_up)
        n += snprintf(start + n, room - (size_t)n, "connection: close\r\n");
    /* 1xx, 204 and 304 have no body and no length. */
    if (exchange->status >= 200 && exchange->status != 204 && exchange->status != 304)
        n += snprintf(start + n, room - (size_t)n, "content-length: %llu\r\n",
                      (unsigned long long)body_bytes);
    n += snprintf(start + n, room - (size_t)n, "\r\n");
    enum lws_write_protocol how = with_body ? LWS_WRITE_HTTP : LWS_WRITE_HTTP_FINAL;
    return lws_write(session->wsi, (uint8_t *)start, (size_t)n, how) < 0 ? -1 : 0;
}

int http_refuse_upgrade(struct session *session, uint32_t status)
{
    const char *phrase = reason_phrase(status);
    char *start = (char *)server_scratch(session->server, 256);
    if (!start)
        return -1;
    int n = snprintf(start, 256,
                     "HTTP/1.1 %u %s\r\nserver: oriel\r\nconnection: close\r\n"
                     "content-type: text/plain\r\ncontent-length: %zu\r\n\r\n%s\n",
                     status, phrase, strlen(phrase) + 1, phrase);
    return lws_write(session->wsi, (uint8_t *)start, (size_t)n, LWS_WRITE_HTTP_FINAL) < 0 ? -1 : 0;
}

int http_writable(struct session *session)
{
    struct exchange *exchange = session->exchange;
    if (!exchange)
        return 0;
    pthread_mutex_lock(&session->server->lock);
    bool answered = exchange->answered;
    pthread_mutex_unlock(&session->server->lock);
    if (!answered)
        return 0;

    struct lws *wsi = session->wsi;
    uint64_t bytes = exchange->body ? exchange->body->bytes : 0;
    bool with_body = bytes && strcmp(exchange->method, "HEAD") != 0 && exchange->status != 204 &&
                     exchange->status != 304;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, WRITE_TIMEOUT_S);
    if (!exchange->head_sent) {
        if (write_head(session, bytes, with_body) != 0)
            return -1;
        exchange->head_sent = true;
    } else if (with_body) {
        uint64_t left = bytes - exchange->sent;
        size_t n = left < PIECE ? (size_t)left : PIECE;
        uint8_t *piece = server_scratch(session->server, n);
        if (!piece)
            return -1;
        memcpy(piece, exchange->body->data + exchange->sent, n);
        if (lws_write(wsi, piece, n, n == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
            return -1;
        exchange->sent += n;
    }
    if (with_body && exchange->sent < bytes) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    bool hang_up = exchange->hang_up;
    http_end(session);
    session_deadline(session, session->server->keepalive_s, "no other request came");
    return hang_up || lws_http_transaction_completed(wsi) ? -1 : 0;
}

void http_end(struct session *session)
{
    struct server *server = session->server;
    struct exchange *exchange = session->exchange;
    if (!exchange)
        return;
    pthread_mutex_lock(&server->lock);
    server_forget(server, session);
    session->exchange = NULL;
    pthread_mutex_unlock(&server->lock);
    if (exchange->body)
        server->host->buffer_unref(server->host, exchange->body);
    free(exchange->headers);
    free(exchange->inbound);
    free(exchange);
}
