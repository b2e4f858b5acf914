/* SPDX-License-Identifier: BSD-3-Clause */
/* One instance of transport/websocket: a libwebsockets context that one service thread runs.
 *
 * libwebsockets allows other threads nothing but lws_cancel_service(). So they queue under `lock`,
 * put the session on the wake list and cancel the wait; the service thread then asks for a writable
 * callback. A session is made and freed by the service thread alone; another thread may look at one
 * only under the lock, after finding it by id. */
#ifndef WEBSOCKET_SERVER_H
#define WEBSOCKET_SERVER_H

#include <libwebsockets.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "oriel/transport.h"

#define SERVER_LISTENERS 8u
#define SERVER_BUCKETS 1024u
#define REASON_MAX 123u /* bytes of a close reason that fit a control frame */

struct server;

struct listener {
    uint32_t kind; /* ORIEL_LISTENER_* */
    uint32_t port;
    int fd; /* lws closes it once it is adopted */
    struct lws *wsi;
    char host[64]; /* numeric */
};

/* A message on its way. */
struct message {
    struct message *next;
    const struct oriel_buffer *buffer; /* a reference of its own, or NULL */
    int64_t queued_ns;
    uint32_t kind; /* ORIEL_MESSAGE_* */
    uint32_t head_bytes;
    uint8_t head[];
};

/* The websocket half of a session. */
struct conn {
    /* Under the server's lock. */
    struct message *first, *last;
    struct oriel_queued unsent; /* the list, and what the socket has not taken yet */
    uint64_t flight_bytes;      /* of the message that was written and whose bytes may still wait */
    uint32_t close_code;        /* 0: open */
    char close_reason[REASON_MAX + 1];
    /* Service thread. */
    bool established;
    bool farewell;    /* one side has said that it closes */
    uint8_t *inbound; /* a message being put together */
    size_t inbound_bytes, inbound_room;
};

/* The HTTP half: one request and its answer. */
struct exchange {
    /* Set once under the server's lock, then the service thread's. */
    bool answered;
    uint32_t status;
    char *headers; /* "name:\0value\0…\0" */
    size_t headers_bytes;
    const struct oriel_buffer *body;
    /* Service thread. */
    const char *method;
    uint8_t *inbound;
    size_t inbound_bytes, inbound_room;
    bool head_sent, hang_up;
    uint64_t sent;
};

struct session {
    struct server *server;
    struct lws *wsi;
    const struct listener *listener;
    char peer[80];
    /* Under the server's lock. */
    uint64_t id; /* the host's name for the conn or the exchange; 0: none now */
    struct session *next_in_bucket;
    struct session *next_awake;
    bool awake;
    struct conn *conn;         /* either */
    struct exchange *exchange; /* or */
    /* Service thread. */
    const char *due;             /* what is late when the timer ends */
    struct session *prev, *next; /* all of them */
};

struct server {
    const struct oriel_host *host;
    const struct oriel_transport_host *to;
    /* Configured. */
    char name[256];   /* server.host */
    char prefix[256]; /* "" or "/…" without a slash at its end */
    int64_t message_bytes, drain_ms, sndbuf, notsent_lowat;
    int64_t ping_s, ping_timeout_s, request_s, keepalive_s, max_connections;

    struct listener listeners[SERVER_LISTENERS];
    uint32_t listener_count;
    lws_retry_bo_t liveness;
    struct lws_context *context;
    struct lws_vhost *vhost;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock;
    pthread_cond_t drained;
    pthread_cond_t handed;                              /* `handover` is HAND_NONE again */
    enum { HAND_NONE, HAND_LEAVE, HAND_TAKE } handover; /* what the service thread is to do */
    bool handover_failed;
    uint64_t next_id;
    struct session *buckets[SERVER_BUCKETS];
    struct session *first_awake;
    bool stopping, quit;
    uint32_t session_count;

    /* Service thread. */
    struct session *sessions;
    int64_t refusal_told_ns; /* the newest log line about too many connections */
    uint64_t refusals;       /* since it */
    int spare_fd;            /* given up for a moment when there are no descriptors left */
    bool stopped_listening;
    uint8_t *scratch; /* LWS_PRE bytes, then room for the largest message so far */
    size_t scratch_room;
};

int64_t now_ns(void);
void server_log(const struct server *server, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* At least `bytes` behind LWS_PRE bytes; NULL when out of memory. */
uint8_t *server_scratch(struct server *server, size_t bytes);

/* Within `seconds` the session has to get further, or it is closed with `due` in the log; NULL: it
 * may take its time. [service] */
void session_deadline(struct session *session, int64_t seconds, const char *due);

/* Under the lock. */
struct session *server_find(struct server *server, uint64_t id);
void server_name(struct server *server, struct session *session); /* gives it a new id */
void server_forget(struct server *server, struct session *session);
/* Under the lock. The service thread asks for a writable callback of the session. */
void server_wake(struct server *server, struct session *session);

/* handover.c: "oriel.transport.handover/1" */
const void *handover_interface(void);
void handover_serve(struct server *server); /* [service] */

/* listen.c [main, service] */
oriel_result listeners_open(struct server *server, const struct oriel_config *config);
/* False: nobody waits to be taken in. */
bool listener_accept(struct server *server, const struct listener *listener);
/* A new socket at the address that the listener has had. False with errno. [any-thread] */
bool listener_reopen(struct listener *listener);
/* Its socket is lws' from now on. [main before the service thread, service] */
bool listener_adopt(struct server *server, struct listener *listener);
void listener_tune(const struct server *server,
                   struct lws *wsi); /* small buffers: it became a websocket */

/* request.c [service]: a request as the host sees it. Valid while `wsi` keeps its headers. */
struct request {
    struct oriel_request seen;
    struct lws *wsi;
    char *path; /* as asked for; seen.path points into it */
    char *query;
    char *values[16]; /* that header() has handed out */
    unsigned value_count;
};
/* 0, or the HTTP status to refuse it with. request_finish() either way. */
uint32_t request_init(struct request *request, struct session *session, const char **method);
void request_finish(struct request *request);

/* conn.c [service] */
uint32_t conn_open(struct session *session); /* 0 or the HTTP status to refuse with */
int conn_established(struct session *session);
int conn_receive(struct session *session, const void *data, size_t bytes);
int conn_writable(struct session *session);
void conn_close(struct session *session);                                   /* the socket is gone */
void conn_shut(struct session *session, uint32_t code, const char *reason); /* under the lock */

/* http.c [service] */
int http_begin(struct session *session);
int http_body(struct session *session, const void *data, size_t bytes);
int http_complete(struct session *session);
int http_writable(struct session *session);
int http_refuse_upgrade(struct session *session, uint32_t status);
void http_end(struct session *session); /* forgets the exchange */

/* The vtable's. */
oriel_result transport_create(const struct oriel_host *host, const struct oriel_config *config,
                              const struct oriel_transport_host *to, void **self);
void transport_destroy(void *self);
oriel_result transport_endpoint(void *self, uint32_t index, struct oriel_endpoint *endpoint);
oriel_result transport_send(void *self, uint64_t conn, const struct oriel_message *message);
oriel_result transport_queued(void *self, uint64_t conn, struct oriel_queued *queued);
void transport_close(void *self, uint64_t conn, uint32_t code, const char *reason);
void transport_respond(void *self, uint64_t id, const struct oriel_response *response);

#endif
