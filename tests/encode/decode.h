/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoding of packets by libavcodec, and by the pictures' own libraries for stills. */
#ifndef TEST_ENCODE_DECODE_H
#define TEST_ENCODE_DECODE_H

#include "oriel/encoder.h"
#include "picture.h"

struct decoder;

/* What came out of one packet. */
struct decoded {
    uint32_t width, height;
    struct oriel_frame *frame; /* I420, I444 or RGBA, the tagged matrix and range in its format */
    int primaries, transfer;   /* as tagged; 2 is unspecified */
    int matrix, full_range;    /* as tagged; the matrix 2 is unspecified, the range 2 */
    int reorder;               /* frames the decoder holds back */
    uint32_t bits;             /* of a sample; the frame has the upper 8 */
};

struct decoder *decoder_create(uint32_t codec);
void decoder_destroy(struct decoder *decoder);
/* Decodes one packet into one picture; fails the test when it gives none or more than one. The
 * result is valid until the next call. `untagged` is the format of the frame for codecs without
 * tags. */
const struct decoded *decoder_decode(struct decoder *decoder, const uint8_t *data, size_t bytes,
                                     const struct oriel_format *untagged);

/* PSNR of luma, or of R, G and B when one of them is RGBA. */
double frame_psnr(const struct oriel_frame *a, const struct oriel_frame *b);
void frame_rgb(const struct oriel_frame *frame, uint32_t x, uint32_t y, double rgb[3]);

#endif
