/* SPDX-License-Identifier: BSD-3-Clause */
/* A transport that serves on free ports of the loopback, and what it tells its host. */
#ifndef CHECK_TRANSPORT_RIG_H
#define CHECK_TRANSPORT_RIG_H

#include <pthread.h>

#include "check/check.h"
#include "oriel/transport.h"

enum { TRANSPORT_CONNS = 128, TRANSPORT_ENDPOINTS = 16 };

struct transport_conn {
    uint64_t id;
    uint32_t listener;
    unsigned messages, writable;
    bool closed, busy; /* busy: in a call of this connection */
};

struct transport_rig {
    struct check_run *run;
    const struct oriel_transport *transport;
    struct check_host *host;
    struct oriel_transport_host to;
    void *self;
    struct oriel_endpoint endpoints[TRANSPORT_ENDPOINTS];
    uint32_t endpoint_count;
    const struct oriel_endpoint *http, *web; /* for requests, for websockets; NULL: none */

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct transport_conn conns[TRANSPORT_CONNS];
    unsigned conn_count, closed_count;
    bool ended;        /* destroy() has returned */
    char request[512]; /* of the last opened() or http(), in words */
    uint64_t http_id;  /* of the last http() that nobody answered; 0: none */
    unsigned http_count;
    struct transport_message {
        uint64_t conn;
        uint32_t kind;
        uint64_t bytes;
        uint8_t *data;
    } last;          /* the last message */
    uint32_t refuse; /* what opened() answers */
    bool echo;       /* a message is sent back, "<" before it */
    bool answer;     /* requests are answered with their own words */
};

/* An instance that serves, its endpoints checked. Skips where it binds no address. */
void transport_rig_open(struct transport_rig *rig, struct check_run *run);
void transport_rig_open_on(struct transport_rig *rig, struct check_run *run,
                           enum check_host_kind host);
/* The same, also where there is no address: endpoint_count is 0 then. */
void transport_rig_start(struct transport_rig *rig, struct check_run *run,
                         enum check_host_kind host);
/* create() with these settings, "key=value", and all ports free; nothing more. */
oriel_result transport_rig_try(struct transport_rig *rig, struct check_run *run,
                               const char *const *settings);
/* Can a websocket be opened? If not, why. */
bool transport_rig_is_web(struct transport_rig *rig, char *why, size_t room);
/* Both; skips, with the reason, where no websocket without TLS can be opened. */
void transport_rig_open_web(struct transport_rig *rig, struct check_run *run);
/* destroy(), and what has to be true then. */
void transport_rig_close(struct transport_rig *rig);

bool transport_rig_is_port(const struct oriel_option *option);
int transport_rig_dial(struct transport_rig *rig, const struct oriel_endpoint *at);
/* A websocket that was accepted; its place in `conns`. */
int transport_rig_join(struct transport_rig *rig, unsigned *conn);
/* One more message than `before` in a place, within 5 s; fails otherwise. */
void transport_rig_await(struct transport_rig *rig, const char *what, const unsigned *counter,
                         unsigned at_least);
void transport_rig_await_closed(struct transport_rig *rig, unsigned conn, const char *when);
/* What the host does from here on: the status it refuses websockets with (0: none), whether it
 * sends messages back, whether it answers requests at once. */
void transport_rig_will(struct transport_rig *rig, uint32_t refuse, bool echo, bool answer);
unsigned transport_rig_count(struct transport_rig *rig, const unsigned *counter);
/* Somebody new is served. */
void transport_rig_expect_served(struct transport_rig *rig, const char *after);

/* send() of a head and a buffer, either may be NULL. */
oriel_result transport_rig_send(struct transport_rig *rig, uint64_t conn, uint32_t kind,
                                const char *head, const struct oriel_buffer *buffer);
/* The next frame is this message; fails otherwise. */
void transport_rig_expect(struct transport_rig *rig, int fd, int opcode, const void *data,
                          size_t bytes, const char *what);
struct oriel_queued transport_rig_queued(struct transport_rig *rig, uint64_t conn);
/* Until only the test holds the buffer; fails otherwise. */
void transport_rig_await_buffer(struct transport_rig *rig, const struct oriel_buffer *buffer,
                                const char *when);

unsigned transport_rig_ms(const struct transport_rig *rig, unsigned ms); /* × patience */
void transport_rig_sleep(unsigned ms);

/* Tests of check_transport_life.c. */
void transport_check_http(struct check_run *run);
void transport_check_destroy(struct check_run *run);
void transport_check_minimal(struct check_run *run);
void transport_check_future(struct check_run *run);
void transport_check_two(struct check_run *run);
void transport_check_flat(struct check_run *run);

#endif
