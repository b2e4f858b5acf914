/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of FFmpeg's encoders: which to try for a codec, and what makes each hold nothing
 * back. */
#ifndef AVCODEC_RECIPES_H
#define AVCODEC_RECIPES_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/codec_id.h>

struct family {
    const char *name; /* as in the option "codec" */
    uint32_t codec;   /* ORIEL_CODEC_* */
    enum AVCodecID id;
    const char *const *encoders; /* in the order they are tried; NULL ends it */
};

extern const struct family families[];
extern const unsigned family_count;

/* NULL when there is none of that name. */
const struct family *family_named(const char *name);

struct recipe {
    const char *encoder;     /* a name, or "_…": all names that end so */
    const char *options;     /* "key=value key=value"; keys that this FFmpeg lacks are left out */
    bool threads_in_options; /* they end with the number of threads, its context has one */
    bool constant;           /* the highest rate is the rate */
    bool above;              /* the highest rate has to be above the rate */
    bool live;               /* takes a new rate or quality while it runs */
    bool deaf;               /* gives no key when asked for one: has to be opened again */
    bool end_first;          /* hangs when it is closed before the end of a stream has come out */
    int64_t most_rate;       /* bit/s that it takes; 0: any */
    int most_quality;        /* JPEG: the scale of its global_quality, else 0 */
};

/* That of an encoder, or an empty one. */
const struct recipe *recipe_of(const char *encoder);

#endif
