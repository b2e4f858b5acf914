/* SPDX-License-Identifier: BSD-3-Clause */
/* What a packet's bytes say themselves, of the codecs that Oriel knows. No byte is trusted. */
#ifndef CHECK_BITSTREAM_H
#define CHECK_BITSTREAM_H

#include "oriel/encoder.h"
#include "util/error.h"

struct bitstream {
    bool key;       /* decodable alone */
    bool config;    /* begins with what a decoder has to know first */
    uint32_t width; /* 0: the packet does not tell */
    uint32_t height;
};

/* False where the bytes are none of that codec, with what is wrong with them. */
bool bitstream_look(const struct oriel_packet *packet, struct bitstream *seen, struct error *err);
/* Has the codec parameter sets, with which a key packet begins? */
bool bitstream_has_config(uint32_t codec);

#endif
