/* SPDX-License-Identifier: BSD-3-Clause */
/* A pixel connection: what it can decode, how far behind it is. Everything here is under the
 * stream's lock, but for what is constant. */
#ifndef PIXEL_CLIENT_H
#define PIXEL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/transport.h"
#include "pixel/codec.h"
#include "util/error.h"

struct branch;

/* Which row of a picture comes first. The napari-cuda client turns every picture, players turn
 * none; who reads the extended header is told. */
enum row_order { ROWS_ANY, ROWS_BOTTOM_FIRST, ROWS_TOP_FIRST };

/* What a URL's query asks for. */
struct client_wish {
    bool ext, still;
    enum row_order rows;
    uint32_t codecs[CODEC_COUNT]; /* best first */
    uint32_t codec_count;
    char names[128]; /* as it named them, for texts */
    char session[64];
    char client[64]; /* its own name, which it keeps when it comes again */
};
void client_wish_parse(struct client_wish *wish, const char *query);
bool client_wish_has(const struct client_wish *wish, uint32_t codec);

struct client;
/* Fills in its id, from its wish and its peer. */
void client_identify(struct client *client);

/* How much may be underway to a client. */
struct client_limits {
    uint64_t queue_bytes;
    int64_t queue_ns;
    uint32_t unacked;
};

/* A picture of an experiment that went to a client. */
struct client_sent {
    uint32_t seq; /* of the message */
    uint32_t arm;
    uint64_t row; /* 0: none */
    int64_t sent_ns;
};
#define CLIENT_SENT 64u

struct client {
    struct client *next;
    /* Constant. */
    const struct oriel_transport *transport;
    void *self;
    uint64_t conn;
    char peer[80];
    struct client_wish wish;
    char id[80]; /* the same when it comes again, as far as it says who it is */

    struct branch *former; /* it sees that one until the branch has a key for it; NULL: none */
    uint64_t former_until; /* … which will be of this frame; 0: not known yet */
    struct client_sent sent[CLIENT_SENT]; /* by seq */
    struct branch *branch;                /* NULL: refused, to be closed */
    uint32_t busy;                        /* module calls with it that are running */
    bool visible;
    bool waiting_key;    /* what it has does not lead to the next packet */
    bool acks;           /* it tells what it shows */
    uint32_t seq;        /* of the newest message */
    uint32_t shown;      /* the newest it has shown */
    int64_t sent_ns;     /* when `seq` was sent */
    double timestamp;    /* of the newest message */
    uint64_t frame_seq;  /* the frame of the newest video packet, 0: none */
    uint64_t still_seq;  /* of the newest still */
    uint64_t configured; /* the branch's configuration that it knows */
    int64_t key_asked_ns;
    struct oriel_queued queued; /* as of the last look */
    uint64_t writable_count;    /* times its queue became empty */
    uint64_t sent_count, skipped_count;
};

/* It can take a picture now. */
bool client_ready(const struct client *client, const struct client_limits *limits);
/* It is so far behind that it has to skip to a key. */
bool client_full(const struct client *client, const struct client_limits *limits, int64_t now);
uint32_t client_underway(const struct client *client);
/* An answer that has not come by then is taken for lost; INT64_MAX: none is awaited. */
int64_t client_ack_deadline(const struct client *client, const struct client_limits *limits);

/* A message from it. What it asks for; CLIENT_NOTHING also for garbage. */
enum client_ask { CLIENT_NOTHING, CLIENT_SHOWN, CLIENT_KEY, CLIENT_VISIBLE };
struct client_told {
    enum client_ask ask;
    uint32_t seq;              /* SHOWN */
    double decode_ms, wait_ms; /* SHOWN; negative: not told */
    bool visible;              /* VISIBLE */
    char reason[64];           /* KEY */
};
void client_parse(const uint8_t *data, uint64_t bytes, struct client_told *told);
/* Takes an acknowledgement; false when it is none of what is underway. */
bool client_take_shown(struct client *client, uint32_t seq);

#endif
