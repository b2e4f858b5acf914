/* SPDX-License-Identifier: BSD-3-Clause */
/* A transport to begin from: H.264 over TCP, `ffplay -f h264 tcp://127.0.0.1:8084`. Each line that
 * the viewer writes goes to the host as a message ({"type":"key"}). Left out, and shown by
 * transport/websocket: a second viewer (who waits here until the first has left), the state
 * channel, a queue (here it is the system's; who lets it run full is let go), HTTP, TLS. */
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oriel/transport.h"

struct instance {
    const struct oriel_transport_host *to;
    struct sockaddr_in address;
    pthread_t thread;
    pthread_mutex_t lock; /* `viewer` is not closed under who writes to it */
    int listener, viewer;
    _Atomic uint64_t conn; /* 0: there is no viewer */
    _Atomic int ending;
};

static void *serve(void *data)
{
    struct oriel_request request = {.size = sizeof(request), .method = "GET", .path = "/pixel"};
    struct instance *self = data;
    char line[4096], *end;
    request.listener = ORIEL_LISTENER_PIXEL;
    request.query = "ext=1&codecs=h264"; /* with start codes */
    request.peer = "a viewer over TCP";
    for (uint64_t conn = 1; !self->ending; conn++) {
        self->viewer = accept(self->listener, NULL, NULL);
        FILE *lines = self->viewer >= 0 ? fdopen(self->viewer, "r") : NULL;
        self->conn = conn; /* the host may send as soon as it knows it */
        int taken = lines && self->to->opened(self->to, conn, &request) == 0;
        while (taken && !self->ending && fgets(line, 4096, lines) && (end = strchr(line, '\n')))
            self->to->message(self->to, conn, ORIEL_MESSAGE_TEXT, (uint8_t *)line,
                              (uint64_t)(end - line));
        pthread_mutex_lock(&self->lock);
        self->conn = 0;
        lines ? fclose(lines) : close(self->viewer);
        pthread_mutex_unlock(&self->lock);
        if (taken)
            self->to->closed(self->to, conn);
        else
            usleep(50000); /* refused, or no descriptor is left: not again at once */
    }
    return NULL;
}

/* To that viewer, if it is still there; without data that is all. */
static oriel_result put(struct instance *self, uint64_t conn, const void *data, uint64_t bytes)
{
    pthread_mutex_lock(&self->lock);
    int open = conn == self->conn;
    if (open &&
        (!data || send(self->viewer, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)bytes))
        shutdown(self->viewer, SHUT_RDWR); /* what was sent still leaves, fgets() returns */
    pthread_mutex_unlock(&self->lock);
    return open ? ORIEL_OK : ORIEL_INVALID;
}

static oriel_result send_message(void *self, uint64_t conn, const struct oriel_message *message)
{
    const struct oriel_buffer *all = message->buffer; /* `head` and texts are for pages */
    int picture = all && message->kind == ORIEL_MESSAGE_BINARY;
    return put(self, conn, picture ? (const void *)all->data : "", picture ? all->bytes : 0);
}

static oriel_result queued(void *self, uint64_t conn, struct oriel_queued *queued)
{
    *queued = (struct oriel_queued){.size = queued->size}; /* what the system has is sent */
    return put(self, conn, "", 0);
}

static void close_conn(void *self, uint64_t conn, uint32_t code, const char *reason)
{
    (void)code, (void)reason; /* not a word of this protocol */
    put(self, conn, NULL, 0);
}

static void destroy(void *data)
{
    struct instance *self = data;
    self->ending = 1;
    close_conn(self, self->conn, 0, NULL);
    shutdown(self->listener, SHUT_RDWR); /* accept() returns */
    if (self->thread)
        pthread_join(self->thread, NULL);
    close(self->listener);
    free(self);
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_transport_host *to, void **out)
{
    char why[64];
    struct instance *self = calloc(1, sizeof(*self));
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    *self = (struct instance){.to = to, .viewer = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
    self->address.sin_family = AF_INET;
    self->address.sin_port = htons((uint16_t)config->get_int(config, "tcp_port"));
    self->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr *address = (struct sockaddr *)&self->address;
    socklen_t bytes = sizeof(self->address);
    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(self->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(self->listener, address, bytes) != 0 || listen(self->listener, 8) != 0 ||
        getsockname(self->listener, address, &bytes) != 0 ||
        pthread_create(&self->thread, NULL, serve, self) != 0) {
        snprintf(why, sizeof(why), "127.0.0.1:%d: cannot listen there",
                 ntohs(self->address.sin_port));
        destroy(self);
        return host->fail(host, ORIEL_IO, why);
    }
    *out = self;
    return ORIEL_OK;
}

static oriel_result endpoint(void *data, uint32_t index, struct oriel_endpoint *endpoint)
{
    uint16_t at = ntohs(((struct instance *)data)->address.sin_port);
    *endpoint = (struct oriel_endpoint){endpoint->size, ORIEL_LISTENER_PIXEL, at, 0, "127.0.0.1"};
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
ORIEL_MODULE_OF(ORIEL_TRANSPORT_V1, &transport, "org.example/my_transport", "1.0.0", "Your name",
                "BSD-3-Clause", "H.264 over TCP");
