/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/link.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <time.h>

#include "ctl/client.h"
#include "ctl/memory.h"

#define READ_BYTES 65536
#define MAX_MESSAGE_BYTES (256u << 20)
#define CONNECT_SECONDS 20
#define LEAVE_SECONDS 1

struct client_loop {
    struct lws_context *context;
    struct lws_vhost *vhost;
    lws_sorted_usec_list_t deadline;
};

struct outgoing {
    struct outgoing *next;
    size_t bytes;
    unsigned char room[]; /* LWS_PRE bytes, then the text */
};

struct link {
    struct client_loop *loop;
    const struct link_events *events;
    void *user;
    struct ctl_url url;
    char token[256];
    struct lws *wsi; /* NULL before and after */
    lws_sorted_usec_list_t connect, alive;
    struct outgoing *first, **last;
    char *inbound;
    size_t inbound_bytes, inbound_room;
    int64_t heard_ns, silence_ns;
    bool leaving, over;
};

int64_t client_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void finish(struct link *link, const char *code, const char *message)
{
    if (link->over)
        return;
    link->over = true;
    lws_sul_schedule(link->loop->context, 0, &link->alive, NULL, LWS_SET_TIMER_USEC_CANCEL);
    struct ctl_error why;
    ctl_error_set(&why, code, "%s", message);
    link->events->closed(link->user, &why);
}

/* --- the callbacks of libwebsockets --- */

static int failed_to_connect(struct link *link, struct lws *wsi, const char *text, size_t bytes)
{
    unsigned status = lws_http_client_http_response(wsi);
    char message[256];
    bool tls = link->url.secure && bytes && memmem(text, bytes, "SSL", 3);
    if (status == 401) {
        finish(link, "unauthorized", "the server wants a token, or another one (HTTP 401)");
        return 0;
    }
    if (status >= 300 || status == 200)
        snprintf(message, sizeof message, "there is no state channel at %.100s (HTTP %u)",
                 link->url.path, status);
    else
        snprintf(message, sizeof message, "cannot connect%s%.*s%s", bytes ? ": " : "", (int)bytes,
                 bytes ? text : "", tls ? " (is the certificate trusted?)" : "");
    finish(link, "connect", message);
    return 0;
}

static int add_headers(const struct link *link, struct lws *wsi, void *in, size_t room)
{
    unsigned char **at = in, *end = *at + room;
    if (!link->token[0])
        return 0;
    char value[300];
    int n = snprintf(value, sizeof value, "Bearer %s", link->token);
    return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
                                        (const unsigned char *)value, n, at, end)
               ? -1
               : 0;
}

static int receive(struct link *link, struct lws *wsi, const void *data, size_t bytes)
{
    link->heard_ns = client_now_ns();
    if (lws_is_first_fragment(wsi))
        link->inbound_bytes = 0;
    size_t total = link->inbound_bytes + bytes;
    if (total > MAX_MESSAGE_BYTES) {
        finish(link, "too_large", "the server sent a message of more than 256 MiB");
        return -1;
    }
    if (total > link->inbound_room) {
        link->inbound_room = total < READ_BYTES ? READ_BYTES : total * 2;
        link->inbound = must_realloc(link->inbound, link->inbound_room);
    }
    if (bytes)
        memcpy(link->inbound + link->inbound_bytes, data, bytes);
    link->inbound_bytes = total;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi))
        return 0;
    if (lws_frame_is_binary(wsi))
        return !link->events->binary ||
                       link->events->binary(link->user, (const uint8_t *)link->inbound, total)
                   ? 0
                   : -1;
    return link->events->text(link->user, link->inbound ? link->inbound : "", total) ? 0 : -1;
}

static int writable(struct link *link, struct lws *wsi)
{
    struct outgoing *out = link->first;
    if (out) {
        link->first = out->next;
        if (!link->first)
            link->last = &link->first;
        int written = lws_write(wsi, out->room + LWS_PRE, out->bytes, LWS_WRITE_TEXT);
        free(out);
        lws_callback_on_writable(wsi);
        return written < 0 ? -1 : 0;
    }
    if (!link->leaving)
        return 0;
    lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    return -1;
}

static int peer_closes(struct link *link, const unsigned char *data, size_t bytes)
{
    char message[200];
    unsigned code = bytes >= 2 ? (unsigned)data[0] << 8 | data[1] : 0;
    int length = bytes > 2 ? (int)bytes - 2 : 0;
    snprintf(message, sizeof message, "the server closed the connection (%u%s%.*s)", code,
             length ? " " : "", length, length ? (const char *)data + 2 : "");
    finish(link, "closed", message);
    return 0; /* lws answers the close frame */
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *wsi_user, void *in,
                    size_t bytes)
{
    (void)wsi_user;
    struct link *link = lws_get_opaque_user_data(wsi);
    if (link && reason == LWS_CALLBACK_WSI_DESTROY) {
        link->wsi = NULL;
        finish(link, "closed", "the connection was lost");
    }
    if (!link || link->over)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_headers(link, wsi, in, bytes);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        return failed_to_connect(link, wsi, in, in ? bytes : 0);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        link->heard_ns = client_now_ns();
        lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(link, wsi, in, bytes);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return writable(link, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return peer_closes(link, in, bytes);
    case LWS_CALLBACK_CLIENT_CLOSED:
        finish(link, "closed", "the connection was lost");
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "oriel", .callback = callback, .rx_buffer_size = READ_BYTES},
    {0},
};

/* --- the loop --- */

struct client_loop *client_loop_create(void)
{
    struct client_loop *loop = must_calloc(1, sizeof *loop);
    lws_set_log_level(0, NULL);
    /* The address says where to go; lws would take a proxy from the environment for this host too.
     */
    unsetenv("http_proxy");
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .timeout_secs = CONNECT_SECONDS,
        .fd_limit_per_thread = 1024,
        .gid = -1,
        .uid = -1,
    };
    loop->context = lws_create_context(&info);
    if (loop->context)
        loop->vhost = lws_get_vhost_by_name(loop->context, "default");
    if (loop->vhost)
        return loop;
    client_loop_destroy(loop);
    return NULL;
}

void client_loop_destroy(struct client_loop *loop)
{
    if (!loop)
        return;
    if (loop->context)
        lws_context_destroy(loop->context);
    free(loop);
}

/* lws_service() goes on waiting when only a timer was due: a wake makes it return. */
static void on_deadline(lws_sorted_usec_list_t *sul)
{
    client_loop_wake(lws_container_of(sul, struct client_loop, deadline));
}

void client_loop_turn(struct client_loop *loop, int64_t deadline_ns)
{
    int64_t left = deadline_ns == INT64_MAX ? INT64_MAX : deadline_ns - client_now_ns();
    if (left <= 0) {
        lws_service(loop->context, -1);
        return;
    }
    lws_sul_schedule(loop->context, 0, &loop->deadline, on_deadline,
                     left == INT64_MAX ? LWS_SET_TIMER_USEC_CANCEL : left / 1000 + 1);
    lws_service(loop->context, 0);
}

void client_loop_wake(struct client_loop *loop)
{
    lws_cancel_service(loop->context);
}

/* --- links --- */

static void connect_now(lws_sorted_usec_list_t *sul)
{
    struct link *link = lws_container_of(sul, struct link, connect);
    char host[280];
    bool v6 = strchr(link->url.host, ':') != NULL;
    snprintf(host, sizeof host, "%s%s%s:%u", v6 ? "[" : "", link->url.host, v6 ? "]" : "",
             link->url.port);
    struct lws_client_connect_info info = {
        .context = link->loop->context,
        .vhost = link->loop->vhost,
        .address = link->url.host,
        .port = link->url.port,
        .path = link->url.path,
        .host = host,
        .ssl_connection = link->url.secure ? LCCSCF_USE_SSL : 0,
        .local_protocol_name = protocols[0].name,
        .opaque_user_data = link,
        .pwsi = &link->wsi,
    };
    if (!lws_client_connect_via_info(&info)) {
        link->wsi = NULL;
        finish(link, "connect", "cannot connect");
    }
    if (link->over)
        client_loop_wake(link->loop);
}

static void look_alive(lws_sorted_usec_list_t *sul)
{
    struct link *link = lws_container_of(sul, struct link, alive);
    int64_t left = link->heard_ns + link->silence_ns - client_now_ns();
    if (left > 0) {
        lws_sul_schedule(link->loop->context, 0, sul, look_alive, left / 1000 + 1);
        return;
    }
    finish(link, "timeout", "the server has gone silent");
    client_loop_wake(link->loop);
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

struct link *link_create(struct client_loop *loop, const struct ctl_url *url, const char *token,
                         const struct link_events *events, void *user)
{
    struct link *link = must_calloc(1, sizeof *link);
    link->loop = loop;
    link->events = events;
    link->user = user;
    link->url = *url;
    link->last = &link->first;
    snprintf(link->token, sizeof link->token, "%s", token);
    lws_sul_schedule(loop->context, 0, &link->connect, connect_now, 1);
    return link;
}

void link_destroy(struct link *link)
{
    lws_sul_schedule(link->loop->context, 0, &link->connect, NULL, LWS_SET_TIMER_USEC_CANCEL);
    lws_sul_schedule(link->loop->context, 0, &link->alive, NULL, LWS_SET_TIMER_USEC_CANCEL);
    if (link->wsi) {
        lws_set_opaque_user_data(link->wsi, NULL);
        lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
    for (struct outgoing *out = link->first, *next; out; out = next) {
        next = out->next;
        free(out);
    }
    free(link->inbound);
    free(link);
}

void link_leave(struct link *link)
{
    link->leaving = true;
    if (!link->wsi || link->over)
        return;
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LEAVE_SECONDS);
    lws_callback_on_writable(link->wsi);
}

void link_send(struct link *link, const char *text, size_t bytes)
{
    if (link->over)
        return;
    struct outgoing *out = must(malloc(sizeof *out + LWS_PRE + bytes));
    out->next = NULL;
    out->bytes = bytes;
    memcpy(out->room + LWS_PRE, text, bytes);
    *link->last = out;
    link->last = &out->next;
    if (link->wsi)
        lws_callback_on_writable(link->wsi);
}

void link_expect(struct link *link, double seconds)
{
    link->silence_ns = (int64_t)(seconds * 1e9);
    lws_sul_schedule(link->loop->context, 0, &link->alive, look_alive, (lws_usec_t)(seconds * 1e6));
}

struct client_loop *link_loop(const struct link *link)
{
    return link->loop;
}
