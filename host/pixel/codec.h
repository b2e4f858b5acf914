/* SPDX-License-Identifier: BSD-3-Clause */
/* The codecs by fourcc, by name in a query, by number on the wire (docs/protocol/pixel.md). */
#ifndef PIXEL_CODEC_H
#define PIXEL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODEC_COUNT 9u

struct codec {
    uint32_t fourcc; /* ORIEL_CODEC_* */
    uint8_t wire;
    bool intra;       /* every packet is a key */
    bool lossy;       /* the same picture again comes out better */
    const char *name; /* "h264" */
};

extern const struct codec codecs[CODEC_COUNT];

const struct codec *codec_find(uint32_t fourcc);                  /* NULL: unknown */
const struct codec *codec_named(const char *name, size_t length); /* NULL: unknown */

#endif
