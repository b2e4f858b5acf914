/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording of transport/record, as docs/transports.md says: the lines are in memory, the
 * pictures are read from the video's file where the lines say that they are. Immutable, so any
 * thread may read it. */
#ifndef PLAY_RECORDING_H
#define PLAY_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oriel/frame.h"
#include "util/error.h"

#define RECORDING_HEAD_BYTES 160u

enum recording_audience { RECORDING_PAGE, RECORDING_DESKTOP, RECORDING_AUDIENCES };

struct recording_frame {
    double time; /* Unix seconds */
    size_t line; /* for the order of what has one time */
    char *type;  /* "notify.view", … */
    char *payload;
    bool counted; /* it has a number of its topic */
};

struct recording_picture {
    double time;
    size_t line;
    uint64_t at;
    uint32_t bytes;
    bool key;
    uint8_t head[RECORDING_HEAD_BYTES]; /* as a client was sent it */
};

struct recording {
    char *name; /* of the file */
    struct recording_frame *frames[RECORDING_AUDIENCES];
    size_t frame_count[RECORDING_AUDIENCES];
    struct recording_picture *pictures; /* the first is a key */
    size_t picture_count;
    size_t torn;       /* lines that cannot be read: the last one of a server that was killed */
    double begin, end; /* of the pictures */
    uint8_t codec;     /* as in heads */
    bool lengths;      /* NAL units with their lengths before them */
    int video;         /* file */
};

/* `path`: the lines, or the video beside them. */
struct recording *recording_open(const char *path, struct error *err);
void recording_close(struct recording *recording); /* NULL is fine */

/* The bytes of a picture as ext=1 has them, or as the desktop client; NULL when they cannot be
 * read. */
const struct oriel_buffer *recording_read(const struct recording *recording, size_t index,
                                          bool desktop);
/* The newest picture, or frame, that is not after `time`; SIZE_MAX: none. */
size_t recording_picture_at(const struct recording *recording, double time);
size_t recording_frame_at(const struct recording *recording, enum recording_audience audience,
                          double time);
/* The newest key picture up to that one. */
size_t recording_key_before(const struct recording *recording, size_t index);
const char *recording_codec(const struct recording *recording); /* "h264", … */
/* A picture's first row is the top one. */
bool recording_is_top_down(const struct recording *recording);

#endif
