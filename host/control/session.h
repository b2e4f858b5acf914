/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions: one for each state connection, and what it asks for. [control] */
#ifndef CONTROL_SESSION_H
#define CONTROL_SESSION_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/limit.h"
#include "control/view.h"
#include "oriel/transport.h"
#include "scene/reduce.h"
#include "scene/spec.h"
#include "util/clock.h"

struct control;
struct message;

#define SESSION_ID_BYTES 37
#define TICKET_BYTES 33
#define HELLO_TIMEOUT_NS (5 * NS_PER_S)

/* Who asks for something. */
struct actor {
    const char *id; /* of the session, or as surface.h says */
    enum access_role role;
    struct view *view;
};

enum session_state { SESSION_NEW, SESSION_READY, SESSION_CLOSING };

struct session {
    struct session *next;
    const struct oriel_transport *transport;
    void *self;
    uint64_t conn;
    char peer[64];
    enum session_state state;
    char id[SESSION_ID_BYTES];
    char name[64]; /* what the client calls itself */
    enum spec_class class;
    enum access_role role;
    struct view *view;
    bool wants_dims, wants_camera, wants_error, wants_level, wants_telemetry;
    int64_t deadline_ns; /* hello due, then the next heartbeat */
    bool heard;          /* anything since the last heartbeat */
    unsigned missed;
    uint64_t view_told; /* revision of the newest view it knows */
    bool view_foreign;  /* that is not a pose of its own */
    bool view_pending;  /* scratch of notify.c */
    uint64_t rev;       /* its newest view.pose */
    int64_t moved_ns;   /* when that came */
    uint32_t canvas[2]; /* that it asked for; 0: never did */
    struct limit updates, commands, others;
    int64_t limited_told_ns; /* the newest log line about them */
    uint64_t largest;        /* bytes of the largest frame that may still wait to be sent */
    unsigned garbage;        /* bad messages since garbage_ns */
    int64_t garbage_ns;
};

/* session.c */
void session_open(struct control *control, const struct message *message);
void session_text(struct control *control, const struct message *message);
void session_closed(struct control *control, uint64_t conn);
void session_flood(struct control *control, uint64_t conn);
void session_timers(struct control *control, int64_t now, int64_t *deadline);
void session_goodbye(struct control *control, struct session *session, const char *code,
                     const char *message, const char *reason, uint32_t close_code);
struct session *session_find(const struct control *control, const char *id);
/* The largest width and height that sessions at `view` other than `except` (or NULL) asked for; 0:
 * none. */
void session_canvas(const struct control *control, const struct view *view,
                    const struct session *except, uint32_t size[2]);
/* The canvas is no larger than those who look at `view` need; nobody asked: as it was. `cause`: the
 * session that came or went. */
void session_fit_canvas(struct control *control, const struct view *view, const char *cause);
/* A log line that names the peer, and a notify.error for an Oriel client; who gives too much reason
 * for it is sent away. */
void session_complain(struct control *control, struct session *session, const char *what);
/* The session asked too often; a log line now and then. */
void session_limited(struct session *session, const char *what);

void session_actor(const struct session *session, struct actor *actor);

/* hello.c: the handshake. */
void hello_take(struct control *control, struct session *session, const struct message *message);
void hello_reject(struct control *control, struct session *session, const char *code,
                  const char *message, cJSON *details);

/* update.c */
void update_take(struct control *control, struct session *session, const cJSON *frame,
                 int64_t received_ns);
/* One request by `actor`, by scope, target, key and value of `request`, whose other members are
 * filled in here: checked against the role, reduced, committed. The caller finishes `out`. True
 * when it wrote something. */
bool update_apply(struct control *control, const struct actor *actor, struct session *session,
                  struct scene_request *request, const struct record_origin *origin,
                  struct reduction *out);

#endif
