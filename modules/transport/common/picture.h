/* SPDX-License-Identifier: BSD-3-Clause */
/* What a pixel connection is sent (docs/protocol/pixel.md, with ext=1), as libavformat wants it. */
#ifndef TRANSPORT_PICTURE_H
#define TRANSPORT_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>

#include "viewer.h"

#define PICTURE_HEAD_BYTES 160u

struct picture {
    const uint8_t *head; /* PICTURE_HEAD_BYTES */
    const uint8_t *data; /* the encoded picture: H.264 and HEVC in Annex B */
    size_t bytes;
    double time; /* Unix seconds */
    uint32_t width, height;
    enum AVCodecID codec;
    bool key, bottom_up, still, full_range;
    uint8_t matrix; /* H.273 */
};

/* False: it is none of these. It stays valid as long as the message. */
bool picture_read(struct picture *picture, const struct viewer_message *message);

/* What a decoder has to know beforehand, from a key picture; the caller frees. NULL with a negative
 * error of libav. */
AVCodecParameters *picture_parameters(const struct picture *picture, int *error);
bool picture_same_parameters(const AVCodecParameters *a, const AVCodecParameters *b);

#endif
