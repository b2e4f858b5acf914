/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream that goes on with other encoders and other values. The encoder that is to take over is
 * made and tried beside the one that runs, which goes on meanwhile; it begins with its
 * configuration and a key picture, and nobody is disconnected. */
#ifndef PIXEL_CHANGE_H
#define PIXEL_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct stream;

/* Takes over the keys that may change while it runs. `config` outlives the stream. True: what
 * decides about encoders is different, and stream_change is to choose again. [any-thread] */
bool stream_reconfigure(struct stream *stream, const struct config *config);

struct stream_change {
    const char *to; /* take this encoder wherever it works, and from now on; NULL: as configured */
    const char *from;         /* only in the place of that one; NULL: of any for video */
    bool choose;              /* again, as the list says */
    const char *const *anew;  /* ids, NULL-terminated, of those that have to be made anew */
    const char *const *tuned; /* … and whose LIVE options have changed; NULL: none */
};

/* What became of one branch. */
struct stream_swapped {
    char branch[40]; /* "main", "v1/main", "still" */
    char from[64], to[64];
    bool done;     /* `to` writes its pictures */
    bool tuned;    /* … and is the one that did before, with its new values */
    char why[512]; /* it has not, and `from` goes on */
};
#define STREAM_MOST_SWAPPED 24u

/* Returns when it is done, with what was swapped or could not be. One at a time; waits for others.
 * [any-thread but a branch's] */
uint32_t stream_change(struct stream *stream, const struct stream_change *change,
                       struct stream_swapped swapped[STREAM_MOST_SWAPPED]);

#endif
