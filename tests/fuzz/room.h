/* SPDX-License-Identifier: BSD-3-Clause */
/* A control room without sockets and without threads: what is said has been answered when the call
 * returns. Every frame it sends has to be one that a client can read. */
#ifndef FUZZ_ROOM_H
#define FUZZ_ROOM_H

#include <stdbool.h>

#include "fuzz.h"
#include "oriel/transport.h"

struct config;
struct control;
struct metrics;
struct room;

/* What the room has open: two layers over a time series of volumes. */
#define ROOM_DATA "mem:tczyx:3,2,4,6,8:u8:levels=2:colors=ff0000,00ff00:window=0,60"

/* Always in the same state: what one input does, the next does not see. */
struct room *room_open(void);
/* Checks the scene that is left. */
void room_close(struct room *room);
struct control *room_control(struct room *room);
const struct config *room_config(void); /* of all rooms */
struct metrics *room_metrics(void);

/* A connection that has said nothing. */
uint64_t room_connect(struct room *room);
/* One that has been welcomed. */
uint64_t room_hello(struct room *room, bool oriel);
void room_say(struct room *room, uint64_t conn, uint32_t kind, const void *data, size_t bytes);
void room_rest(struct room *room); /* until nothing waits */

/* Frames of this type that came on the connection so far. */
unsigned room_got(const struct room *room, uint64_t conn, const char *type);
bool room_closed(const struct room *room, uint64_t conn);

/* The next line of an input, of at most ROOM_LINES; false after the last. */
#define ROOM_LINES 64u
struct lines {
    const uint8_t *at, *end;
    unsigned count;
};
bool lines_next(struct lines *lines, const char **line, size_t *bytes);
/* A room in which each line is said: by the desktop client after a '!', else by an Oriel client.
 * Neither may be sent away. */
void room_talk(const uint8_t *data, size_t bytes,
               void (*say)(struct room *, uint64_t conn, const char *line, size_t bytes));

#endif
