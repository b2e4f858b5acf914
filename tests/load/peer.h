/* SPDX-License-Identifier: BSD-3-Clause */
/* One client of many: sends at a steady rate, drops out and comes back, keeps a mirror. */
#ifndef LOAD_PEER_H
#define LOAD_PEER_H

#include "ctl/client.h"
#include "mix.h"

#define PENDING 4096u

struct numbers { /* of all peers together */
    uint64_t updates, acks, poses, accepted, rejected, calls, replies, abandoned;
    uint64_t frames, bytes, drops, resumes, fresh_returns;
    uint64_t lost; /* connections that the server ended */
    float *latency_ms;
    size_t latency_count, latency_room;
    int64_t changed_ns; /* when the last frame about the scene came */
};

struct pending {
    uint64_t number, client_seq;
    int64_t sent_ns;
    enum act act;
    const char *key;
    char layer[64];
    bool waits, call;
};

struct peer {
    struct client_loop *loop;
    const struct ctl_url *url;
    const char *token;
    struct numbers *numbers;
    int index;
    bool classic;
    struct client *client; /* NULL while it is away */
    struct mirror mirror;
    struct dice dice;
    struct run run;
    uint64_t client_seq, rev;
    char tokens[CLIENT_TOPICS][64];
    struct pending pending[PENDING];
    uint32_t waiting;
    int64_t send_at, drop_at, back_at;
    bool leaving;
};

void peer_connect(struct peer *peer, bool resume);
/* Sends one update, or now and then a command. Not for a client that is not ready. */
void peer_send(struct peer *peer);
/* Hangs up, in order or not. */
void peer_drop(struct peer *peer);
/* Sees to a connection that has ended. True when there is none any more. */
bool peer_gone(struct peer *peer);
void peer_finish(struct peer *peer);

#endif
