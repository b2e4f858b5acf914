/* SPDX-License-Identifier: BSD-3-Clause */
/* A client of the state channel (docs/protocol): connects, says hello, keeps the connection alive,
 * hands frames on. Any number of clients share one loop. Everything runs on the thread that turns
 * the loop; only client_loop_wake() is for signal handlers and other threads. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/error.h"
#include "ctl/url.h"

#define CLIENT_ID_BYTES 48

struct client_loop;
struct client;

struct client_loop *client_loop_create(void); /* NULL: out of sockets or memory */
/* After its clients. */
void client_loop_destroy(struct client_loop *loop);
/* Waits for something to happen, `deadline_ns` (client_now_ns(); INT64_MAX: for ever) at most, and
 * lets the clients' callbacks run. */
void client_loop_turn(struct client_loop *loop, int64_t deadline_ns);
void client_loop_wake(struct client_loop *loop);
int64_t client_now_ns(void); /* the monotonic clock */

enum client_topic { CLIENT_SCENE, CLIENT_LAYERS, CLIENT_STREAM, CLIENT_TOPICS };

/* No callback may destroy a client. */
struct client_events {
    /* Each frame that came, after the client has done its own part; `text` is what was sent. */
    void (*frame)(void *user, const char *type, const cJSON *frame, const char *text, size_t bytes);
    /* Over, once: could not connect, was rejected, lost, or told to go. */
    void (*closed)(void *user, const struct ctl_error *why);
};

struct client_options {
    const struct ctl_url *url;
    const char *token;           /* NULL: the URL's, if it has one */
    const char *name;            /* of the program */
    bool classic;                /* say hello as a client that knows the base protocol alone */
    const char *const *features; /* more to ask for; NULL-terminated, or NULL */
    const char *resume[CLIENT_TOPICS]; /* the tokens of an earlier client, or NULL */
};

/* Begins to connect. What fails is told through closed(), never before this has returned. */
struct client *client_create(struct client_loop *loop, const struct client_options *options,
                             const struct client_events *events, void *user);
/* Hangs up at once, without a word: what the network does to clients. NULL is fine. */
void client_destroy(struct client *client);
/* Says goodbye to a client that is connected: the websocket is closed in order. closed() comes. */
void client_leave(struct client *client);

bool client_is_ready(const struct client *client);       /* welcome has come, and it is not over */
bool client_over(const struct client *client);           /* closed() has been called */
const char *client_session(const struct client *client); /* "" before the welcome */
/* The newest token of a topic, NULL before one came; valid until the next turn. */
const char *client_token(const struct client *client, enum client_topic topic);

/* What an update may say of the interaction it belongs to; zeroed: nothing. */
struct client_edit {
    uint64_t client_seq;
    const char *interaction, *phase;
};

/* Send, if the client is ready, and give the id that the answer names as in_reply_to. `value` and
 * `kwargs` (may be NULL) are taken. `timeout_ms` 0: the server's own. */
void client_update(struct client *client, const char *scope, const char *target, const char *key,
                   cJSON *value, const struct client_edit *edit, char id[CLIENT_ID_BYTES]);
void client_call(struct client *client, const char *command, cJSON *kwargs, int timeout_ms,
                 char id[CLIENT_ID_BYTES]);

/* Turns the loop until the answer to `id`, or to `other` (may be NULL), comes: the payload of
 * ack.state, reply.command or error.command, which the caller deletes. NULL with the reason: the
 * time is up, or it is over. */
cJSON *client_await(struct client *client, const char *id, const char *other, int64_t deadline_ns,
                    struct ctl_error *err);

#endif
