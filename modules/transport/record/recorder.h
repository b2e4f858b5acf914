/* SPDX-License-Identifier: BSD-3-Clause */
/* transport/record: looks at the server as clients do and writes what it is sent. What it writes is
 * a take: a video, and beside it the state and the places of the pictures as lines of JSON
 * (docs/transports.md). A take begins with what a new client is told, and can be read alone. */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include <stdio.h>

#include "../common/viewer.h"
#include "film.h"

struct recorder_options {
    char folder[3072];
    char name[256]; /* for strftime() */
    enum film_container container;
    char codecs[128];
    char rows[8]; /* "top" or "bottom" */
    char token[256];
    uint64_t most_bytes;
    int64_t most_ns, fragment_ns, key_ns; /* 0: no limit; keys when they come */
};

struct recorder {
    struct viewer viewer; /* first */
    struct recorder_options options;
    double unix_offset; /* Unix seconds when the monotonic clock was 0 */
    /* The viewer's thread. */
    struct take *now;  /* NULL: after a failure, until retry_ns */
    struct take *next; /* takes over when it has its first picture */
    int64_t retry_ns, pause_ns;
};

/* recorder.c: struct viewer_work's, with a struct recorder as owner */
extern const struct viewer_work recorder_work;

/* take.c [viewer] */
struct take;
struct take *take_open(struct recorder *recorder);
void take_close(struct take *take); /* NULL is fine; what it has is in its files */
/* True: it was for this one. */
bool take_message(struct take *take, const struct viewer_message *message);
int64_t take_tick(struct take *take, int64_t now_ns);
bool take_rolls(const struct take *take); /* pictures are written */
bool take_full(const struct take *take, int64_t now_ns);
/* Why it cannot go on; NULL: it can. */
const char *take_failed(const struct take *take);
/* It has to end because the pictures are different from now on: no fault. */
bool take_ended(const struct take *take);

#endif
