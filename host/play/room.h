/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this room share; all of it is the player's thread's but the queue. */
#ifndef PLAY_ROOM_H
#define PLAY_ROOM_H

#include <cjson/cJSON.h>
#include <pthread.h>

#include "play/player.h"

struct event {
    struct event *next;
    enum { EVENT_OPENED, EVENT_MESSAGE, EVENT_WRITABLE, EVENT_CLOSED, EVENT_ORDER } kind;
    uint64_t conn;
    enum player_channel channel;
    bool trusted;
    enum player_order order;
    double by;
    uint64_t bytes;
    char text[]; /* query or message, with a zero behind it */
};

/* A state connection. */
struct listener {
    struct listener *next;
    uint64_t conn;
    char id[40], ticket[40];
    bool trusted, ready;
    enum recording_audience audience;
    size_t frame;    /* the next to be sent */
    uint64_t seq;    /* of the frames that count */
    uint64_t frames; /* sent */
    int64_t beat_ns; /* when a heartbeat is due */
};

/* A pixel connection. */
struct looker {
    struct looker *next;
    uint64_t conn;
    bool ext, visible;
    bool acks;       /* it tells what it shows */
    size_t picture;  /* the next to be sent */
    uint32_t seq;    /* of the newest message */
    uint32_t shown;  /* as it says */
    int64_t sent_ns; /* the newest message */
    double time;     /* of the newest message, Unix seconds */
};

struct player {
    const struct recording *recording;
    struct player_options options;
    const struct oriel_transport *transport;
    void *self;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct event *first, *last;
    bool stop;

    /* The player's thread. */
    bool playing, loop;
    double anchor; /* Unix seconds in the recording, at anchor_ns of the clock */
    int64_t anchor_ns;
    struct listener *sessions;
    struct looker *lookers;
    uint64_t names; /* given so far */
};

/* player.c */
double player_time(const struct player *player, int64_t now);
void player_obey(struct player *player, enum player_order order, double by);
void player_seek(struct player *player, double time);
cJSON *player_status(const struct player *player);
void player_send(const struct player *player, uint64_t conn, uint32_t kind, const void *head,
                 size_t head_bytes, const struct oriel_buffer *buffer);

/* listener.c */
void listener_text(struct player *player, struct listener *session, const char *text);
/* What leads to the scene at that time, as if one had been there. */
void listener_catch_up(struct player *player, struct listener *session, double time);
/* What is due; when something is again. */
int64_t listener_advance(struct player *player, struct listener *session, double time, int64_t now);

/* looker.c */
bool looker_open(struct player *player, struct looker *looker, const char *query);
void looker_text(struct looker *looker, const char *text);
void looker_seek(const struct player *player, struct looker *looker, double time);
int64_t looker_advance(struct player *player, struct looker *looker, double time, int64_t now);

#endif
