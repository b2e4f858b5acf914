/* SPDX-License-Identifier: BSD-3-Clause */
/* A transport to begin from: messages over TCP, by libevent. A client writes one line that says
 * what it wants ("/pixel?ext=1&codecs=h264"); from then on a message is, both ways, four bytes of
 * length (big-endian), a byte of kind, and that many bytes. The contract is in oriel/transport.h.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/thread.h>

#include "oriel/transport.h"

enum { LINE_MOST = 4096, MESSAGE_MOST = 1 << 18, HEAD = 5, CONNS = 64 }; /* bytes; clients */

#define OPTIONS                                                                                    \
    (BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE | BEV_OPT_DEFER_CALLBACKS |                        \
     BEV_OPT_UNLOCK_CALLBACKS)

struct conn {
    struct instance *owner;
    struct bufferevent *socket;
    uint64_t id;      /* 0: this place is free */
    int64_t since_ns; /* when something was queued where nothing was */
    int open, closing;
};

struct instance {
    const struct oriel_host *host;
    const struct oriel_transport_host *to;
    struct event_base *base;
    struct evconnlistener *listener;
    pthread_t thread;
    pthread_mutex_t lock; /* callbacks come on the thread, calls from anywhere */
    struct conn conns[CONNS];
    uint64_t accepted;
    struct sockaddr_in address;
};

static struct conn *find(struct instance *self, uint64_t id) /* under the lock */
{
    struct conn *conn = &self->conns[id % CONNS];
    return conn->id == id ? conn : NULL;
}

static void drop(struct conn *conn)
{
    struct instance *self = conn->owner;
    uint64_t id = conn->id;
    pthread_mutex_lock(&self->lock);
    conn->id = 0;
    bufferevent_free(conn->socket);
    pthread_mutex_unlock(&self->lock);
    if (conn->open)
        self->to->closed(self->to, id);
}

/* The line that a client begins with. */
static int enter(struct conn *conn, char *line)
{
    const struct oriel_transport_host *to = conn->owner->to;
    struct oriel_request request = {.size = sizeof(request), .listener = ORIEL_LISTENER_PIXEL};
    char *query = strchr(line, '?');
    if (query)
        *query++ = '\0';
    request.method = "GET";
    request.path = line;
    request.query = query ? query : "";
    request.peer = "a client over TCP";
    conn->open = line[0] == '/' && to->opened(to, conn->id, &request) == 0;
    free(line);
    return conn->open;
}

static void on_read(struct bufferevent *socket, void *data)
{
    struct conn *conn = data;
    const struct oriel_transport_host *to = conn->owner->to;
    struct evbuffer *in = bufferevent_get_input(socket);
    char *line = conn->open ? NULL : evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
    if (line ? !enter(conn, line) : !conn->open && evbuffer_get_length(in) > LINE_MOST) {
        drop(conn);
        return;
    }
    uint8_t head[HEAD];
    while (conn->open && evbuffer_copyout(in, head, HEAD) == HEAD) {
        size_t bytes = (size_t)head[0] << 24 | (size_t)head[1] << 16 | head[2] << 8 | head[3];
        if (bytes > MESSAGE_MOST) {
            drop(conn);
            return;
        }
        if (evbuffer_get_length(in) < HEAD + bytes)
            return;
        const uint8_t *message = evbuffer_pullup(in, (ev_ssize_t)(HEAD + bytes));
        to->message(to, conn->id, head[4], message + HEAD, bytes);
        evbuffer_drain(in, HEAD + bytes);
    }
}

static void on_sent(struct bufferevent *socket, void *data)
{
    struct conn *conn = data;
    if (conn->closing && evbuffer_get_length(bufferevent_get_output(socket)) == 0)
        drop(conn);
    else if (conn->open)
        conn->owner->to->writable(conn->owner->to, conn->id);
}

static void on_end(struct bufferevent *socket, short what, void *conn)
{
    (void)socket, (void)what;
    drop(conn);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int length, void *data)
{
    (void)listener, (void)peer, (void)length;
    struct instance *self = data;
    struct conn *conn = &self->conns[++self->accepted % CONNS];
    if (conn->id) {
        evutil_closesocket(fd);
        return;
    }
    pthread_mutex_lock(&self->lock);
    *conn = (struct conn){.owner = self, .id = self->accepted};
    conn->socket = bufferevent_socket_new(self->base, fd, OPTIONS);
    pthread_mutex_unlock(&self->lock);
    bufferevent_setcb(conn->socket, on_read, on_sent, on_end, conn);
    bufferevent_enable(conn->socket, EV_READ | EV_WRITE);
}

static oriel_result send_message(void *data, uint64_t id, const struct oriel_message *message)
{
    struct instance *self = data;
    uint64_t body = message->buffer ? message->buffer->bytes : 0, all = message->head_bytes + body;
    const uint32_t length = htonl((uint32_t)all);
    const uint8_t kind = (uint8_t)message->kind;
    pthread_mutex_lock(&self->lock);
    struct conn *conn = find(self, id);
    if (conn) {
        struct evbuffer *out = bufferevent_get_output(conn->socket);
        evbuffer_lock(out);
        if (evbuffer_get_length(out) == 0)
            conn->since_ns = self->host->now_ns(self->host);
        evbuffer_add(out, &length, 4);
        evbuffer_add(out, &kind, 1);
        evbuffer_add(out, message->head, message->head_bytes);
        if (body)
            evbuffer_add(out, message->buffer->data, body); /* a copy: references are quicker */
        evbuffer_unlock(out);
    }
    pthread_mutex_unlock(&self->lock);
    return conn ? ORIEL_OK : ORIEL_INVALID;
}

static oriel_result queued(void *data, uint64_t id, struct oriel_queued *queued)
{
    struct instance *self = data;
    pthread_mutex_lock(&self->lock);
    struct conn *conn = find(self, id);
    queued->bytes = conn ? evbuffer_get_length(bufferevent_get_output(conn->socket)) : 0;
    queued->messages = queued->bytes > 0;
    queued->oldest_ns = queued->bytes ? conn->since_ns : 0;
    pthread_mutex_unlock(&self->lock);
    return conn ? ORIEL_OK : ORIEL_INVALID;
}

static void close_conn(void *data, uint64_t id, uint32_t code, const char *reason)
{
    (void)code, (void)reason; /* not a word of this protocol */
    struct instance *self = data;
    pthread_mutex_lock(&self->lock);
    struct conn *conn = find(self, id);
    if (conn) {
        conn->closing = 1;
        bufferevent_trigger(conn->socket, EV_WRITE,
                            BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
    }
    pthread_mutex_unlock(&self->lock);
}

static void *serve(void *self)
{
    event_base_loop(((struct instance *)self)->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

static void destroy(void *data)
{
    struct instance *self = data;
    const struct timeval drain = {0, 200000};
    if (self->thread) {
        event_base_loopexit(self->base, &drain);
        pthread_join(self->thread, NULL);
    }
    for (int i = 0; i < CONNS; i++)
        if (self->conns[i].id)
            drop(&self->conns[i]);
    if (self->listener)
        evconnlistener_free(self->listener);
    if (self->base)
        event_base_free(self->base);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_transport_host *to, void **out)
{
    struct instance *self = calloc(1, sizeof(*self));
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    self->host = host;
    self->to = to;
    pthread_mutex_init(&self->lock, NULL);
    self->address.sin_family = AF_INET;
    self->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    self->address.sin_port = htons((uint16_t)config->get_int(config, "tcp_port"));
    socklen_t length = sizeof(self->address);
    const unsigned how = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    self->base = event_base_new();
    if (self->base)
        self->listener = evconnlistener_new_bind(self->base, on_accept, self, how, -1,
                                                 (struct sockaddr *)&self->address, (int)length);
    if (!self->listener || pthread_create(&self->thread, NULL, serve, self) != 0) {
        destroy(self);
        char why[64];
        snprintf(why, sizeof(why), "127.0.0.1:%d: cannot listen there",
                 (int)config->get_int(config, "tcp_port"));
        return host->fail(host, ORIEL_IO, why);
    }
    getsockname(evconnlistener_get_fd(self->listener), (struct sockaddr *)&self->address, &length);
    *out = self;
    return ORIEL_OK;
}

static oriel_result endpoint(void *data, uint32_t index, struct oriel_endpoint *endpoint)
{
    endpoint->listener = ORIEL_LISTENER_PIXEL;
    endpoint->port = ntohs(((struct instance *)data)->address.sin_port);
    endpoint->secure = 0;
    strcpy(endpoint->host, "127.0.0.1");
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static void respond(void *self, uint64_t id, const struct oriel_response *response)
{
    (void)self, (void)id, (void)response; /* it asks nothing by HTTP */
}

static const struct oriel_option tcp_port = {
    "tcp_port", "8084", NULL, "Port on 127.0.0.1; 0: a free one.", 0, 65535, ORIEL_OPT_INT, 0};
static const struct oriel_option_table options = {sizeof(options), 1, &tcp_port};

static const struct oriel_transport transport = {
    .size = sizeof(transport),
    .options = &options,
    .create = create,
    .destroy = destroy,
    .endpoint = endpoint,
    .send = send_message,
    .queued = queued,
    .close = close_conn,
    .respond = respond,
};

static oriel_result init(const struct oriel_host *host)
{
    (void)host;
    return evthread_use_pthreads() == 0 ? ORIEL_OK : ORIEL_UNSUPPORTED;
}

static const void *get_factory(const char *id)
{
    return strcmp(id, ORIEL_TRANSPORT_V1) == 0 ? &transport : NULL;
}

static const struct oriel_module_info info = {
    .size = sizeof(info),
    .id = "org.example/old_transport",
    .version = "1.0.0",
    .vendor = "the frozen SDK 1.0",
    .license = "BSD-3-Clause",
    .description = "Messages over TCP",
};
ORIEL_MODULE(&info, init, NULL, get_factory);
