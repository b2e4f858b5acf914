/* SPDX-License-Identifier: BSD-3-Clause */
/* Plays a recording to clients: to them it is a server whose scene somebody else changes. One
 * thread does everything, what comes from the transport is queued for it. */
#ifndef PLAY_PLAYER_H
#define PLAY_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/transport.h"
#include "play/recording.h"

struct player;

struct player_options {
    bool loop, paused;
    double at; /* seconds from the beginning */
    /* Where clients have to say who they are: may this token look? NULL and "": no token. */
    bool (*may_look)(void *data, const char *token);
    void *data;
};

/* Sends through `transport`, with `self`, until player_stop(). */
struct player *player_create(const struct recording *recording,
                             const struct player_options *options,
                             const struct oriel_transport *transport, void *self,
                             struct error *err);
void player_stop(struct player *player);    /* NULL is fine; what comes in is let lie */
void player_destroy(struct player *player); /* NULL is fine; nobody calls it any more */

/* What comes in, [any-thread]. */
enum player_channel { PLAYER_STATE, PLAYER_PIXEL };
/* `trusted`: it has shown a token that counts. */
void player_opened(struct player *player, uint64_t conn, enum player_channel channel,
                   const char *query, bool trusted);
void player_message(struct player *player, uint64_t conn, const uint8_t *data, uint64_t bytes);
void player_writable(struct player *player, uint64_t conn);
void player_closed(struct player *player, uint64_t conn);

enum player_order {
    PLAYER_TOGGLE,
    PLAYER_PLAY,
    PLAYER_PAUSE,
    PLAYER_SKIP,
    PLAYER_LOOP,
    PLAYER_TELL
};
/* From the keyboard; `by` seconds of PLAYER_SKIP. A line on stdout says where it is then. */
void player_order(struct player *player, enum player_order order, double by);

#endif
