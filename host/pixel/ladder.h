/* SPDX-License-Identifier: BSD-3-Clause */
/* Which encoder of a list is taken. A pure function of what is known of each; what has to be known
 * first it asks for, so that an encoder is looked at only where that can change the choice. */
#ifndef PIXEL_LADDER_H
#define PIXEL_LADDER_H

#include <stdbool.h>
#include <stdint.h>

/* Of the interval between pictures, what an encoder may take: the rest is for drawing and the way.
 */
#define LADDER_SHARE 0.5
/* Above this share others with the same codec are looked at: they cost no client anything. */
#define LADDER_BRISK 0.35

/* stream.prefer */
enum ladder_prefer { LADDER_BANDWIDTH, LADDER_LATENCY, LADDER_ORDER };
enum ladder_prefer ladder_prefer_named(const char *name); /* bandwidth, latency, order */

struct ladder_rung {
    bool out;       /* it cannot be taken */
    bool known;     /* the two below are */
    uint32_t codec; /* ORIEL_CODEC_* */
    bool video;     /* its pictures refer to each other, which saves most of the bits */
    bool timed;     /* `ms` is known, as far as it can be */
    double ms;      /* for a picture; negative: could not be measured, and counts as quick enough */
};

/* `interval_ms`: from one picture to the next. `current`: the rung in use, or -1; it is let go only
 * for a clear gain, so that sizes near a limit do not swap encoders to and fro. The rung to take,
 * or -1: none, or with *ask >= 0 that rung is to be filled in (`known`, with *time `timed` as well,
 * or `out`) and the question put again. */
int ladder_choose(const struct ladder_rung *rungs, uint32_t count, enum ladder_prefer prefer,
                  double interval_ms, int current, int *ask, bool *time);

#endif
