/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages over a stream socket, as wire.h says. What comes from the other side is not trusted: its
 * lengths are looked at before anything else. One thread at a time. */
#ifndef REMOTE_TALK_H
#define REMOTE_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

struct talk {
    int fd;
    uint64_t most; /* bytes of one message */
    uint8_t *body; /* of the last message */
    size_t room;
    size_t begin, end; /* of what has come and has not been looked at: */
    uint8_t in[32768];
};

/* Time to wait in pieces: a process that was stopped for a while loses one of them, not all. */
struct patience {
    int piece_ms, pieces;
};

struct patience patience(int64_t ms); /* 0: for ever */

enum talk_result { TALK_OK, TALK_NOTHING, TALK_LATE, TALK_ENDED, TALK_NONSENSE };

/* A message of up to two parts; `passed`: a descriptor that goes with it, or -1. False: the other
 * side has gone, or takes nothing. */
bool talk_send(struct talk *talk, uint32_t type, const void *a, size_t a_bytes, const void *b,
               size_t b_bytes, int passed);
/* The next message; `body` is valid until the one after it, with a zero behind it. Without patience
 * NOTHING where none has begun to come. */
enum talk_result talk_receive(struct talk *talk, struct remote_head *head, const uint8_t **body,
                              struct patience *left);
void talk_finish(struct talk *talk);

#endif
