/* SPDX-License-Identifier: BSD-3-Clause */
/* The head of a pixel message (docs/protocol/pixel.md). */
#ifndef PIXEL_HEADER_H
#define PIXEL_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "pixel/stream.h"

#define HEADER_BYTES 24u
#define HEADER_EXT_BYTES 160u

struct header {
    uint32_t seq;
    double timestamp;       /* Unix seconds */
    uint8_t codec;          /* as on the wire */
    bool key, still, fresh; /* fresh: a new decoder configuration starts here */
    struct oriel_format format;
    struct oriel_stamp stamp;
    int64_t t_submit_ns, t_done_ns, t_write_ns;
    uint64_t intent;
    struct pixel_pose pose;
};

/* Writes HEADER_BYTES, or HEADER_EXT_BYTES with `ext`, and returns how many. */
uint32_t header_write(const struct header *header, bool ext, uint8_t *out);

#endif
