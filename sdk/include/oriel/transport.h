/* SPDX-License-Identifier: BSD-3-Clause */
/* Transports: connections of clients and the bytes on them. Interface "oriel.transport/1".
 *
 * A transport has threads of its own. It calls the host from them, one call at a time for each
 * connection; the host calls it from any thread. It owns the sockets and the send queues; what may
 * wait in a queue, and when a client has fallen too far behind, is the host's decision, which it
 * takes before it sends, from queued(). */
#ifndef ORIEL_TRANSPORT_H
#define ORIEL_TRANSPORT_H

#include "oriel/module.h"

#define ORIEL_TRANSPORT_V1 "oriel.transport/1"

/* What a listener is for: which requests on it are taken for what, when the path alone does not
 * say. */
enum {
    ORIEL_LISTENER_HTTP =
        1, /* the page and everything else; a websocket at "/" is the state channel */
    ORIEL_LISTENER_PIXEL = 2,  /* a websocket at "/" is the pixel channel */
    ORIEL_LISTENER_METRICS = 3 /* numbers and the dashboard */
};

/* Strings are valid during the call. `header` gives a request header by lower-case name, or NULL.
 */
struct oriel_request {
    uint32_t size;
    uint32_t listener;  /* ORIEL_LISTENER_* */
    const char *method; /* "GET", …; "GET" for a websocket upgrade */
    const char *path;   /* decoded, begins with '/' */
    const char *query;  /* after '?', not decoded; "" without */
    const char *peer;   /* "127.0.0.1:51234" */
    const uint8_t *body;
    uint64_t body_bytes;
    const char *(*header)(const struct oriel_request *request, const char *name);
    void *data; /* the transport's */
};

/* Frozen, 16 bytes. */
struct oriel_http_header {
    const char *name;
    const char *value;
};

/* `body` may be NULL; the transport takes its own reference. Content-Length is the transport's to
 * write. */
struct oriel_response {
    uint32_t size;
    uint32_t status; /* 200, … */
    uint64_t header_count;
    const struct oriel_http_header *headers;
    const struct oriel_buffer *body;
};

enum { ORIEL_MESSAGE_TEXT = 1, ORIEL_MESSAGE_BINARY = 2 };

#define ORIEL_MESSAGE_HEAD_MAX 512u

/* One message: `head` (copied, at most ORIEL_MESSAGE_HEAD_MAX bytes, each client's own) followed by
 * the bytes of `buffer` (shared; the transport takes its own reference; may be NULL). */
struct oriel_message {
    uint32_t size;
    uint32_t kind; /* ORIEL_MESSAGE_* */
    const uint8_t *head;
    uint64_t head_bytes;
    const struct oriel_buffer *buffer;
};

/* The host's side. All are [transport] and return soon, except that opened() and http() may wait
 * until a create() that is still running has returned. */
struct oriel_transport_host {
    uint32_t size;
    uint32_t reserved;
    void *data; /* the host's */
    /* A websocket upgrade. 0 accepts it; else the HTTP status to refuse with. `conn` is the
     * transport's name for it: never 0, never used again. After 0, closed() will come. */
    uint32_t (*opened)(const struct oriel_transport_host *to, uint64_t conn,
                       const struct oriel_request *request);
    /* A whole message, put together from its fragments. */
    void (*message)(const struct oriel_transport_host *to, uint64_t conn, uint32_t kind,
                    const uint8_t *data, uint64_t bytes);
    /* The send queue has become empty. */
    void (*writable)(const struct oriel_transport_host *to, uint64_t conn);
    void (*closed)(const struct oriel_transport_host *to, uint64_t conn);
    /* A plain HTTP request, answered by respond() with this `id`, now or later. */
    void (*http)(const struct oriel_transport_host *to, uint64_t id,
                 const struct oriel_request *request);
};

/* What is unsent on a connection. */
struct oriel_queued {
    uint32_t size;
    uint32_t messages;
    uint64_t bytes;
    int64_t oldest_ns; /* when the oldest unsent message was queued; 0: none */
};

struct oriel_endpoint {
    uint32_t size;
    uint32_t listener; /* ORIEL_LISTENER_* */
    uint32_t port;     /* the real one, also where 0 was configured */
    uint32_t secure;   /* 1: TLS */
    char host[256];
};

struct oriel_transport {
    uint32_t size;
    uint32_t reserved;
    const struct oriel_option_table *options;

    /* Listens and serves on return; IO with the address and the cause when it cannot. [main] */
    oriel_result (*create)(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_transport_host *to, void **self);
    /* Stops taking connections, gives queued messages `host`-configured time to leave, closes. No
     * callback after it. [main] */
    void (*destroy)(void *self);
    const void *(*get_interface)(void *self, const char *id); /* or NULL */
    /* The index-th bound address; UNSUPPORTED past the end. [any-thread] */
    oriel_result (*endpoint)(void *self, uint32_t index, struct oriel_endpoint *endpoint);

    /* Queues a message; never blocks. INVALID: the connection is gone. [any-thread] */
    oriel_result (*send)(void *self, uint64_t conn, const struct oriel_message *message);
    oriel_result (*queued)(void *self, uint64_t conn,
                           struct oriel_queued *queued); /* [any-thread] */
    /* Closes after what is queued has left. `code` is a websocket close code. [any-thread] */
    void (*close)(void *self, uint64_t conn, uint32_t code, const char *reason);
    void (*respond)(void *self, uint64_t id,
                    const struct oriel_response *response); /* [any-thread] */
};

#endif
