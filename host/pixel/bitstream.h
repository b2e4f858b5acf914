/* SPDX-License-Identifier: BSD-3-Clause */
/* What the room knows of bitstreams: packing H.264 for the classic client, and what a decoder has
 * to be told. Pure functions; no byte of a packet is trusted. */
#ifndef PIXEL_BITSTREAM_H
#define PIXEL_BITSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oriel/encoder.h"

/* One unit of an Annex B stream, without its start code and trailing zeros. */
struct nal {
    const uint8_t *data;
    size_t bytes;
};
/* The next unit from *at on; false at the end. */
bool nal_next(const uint8_t *data, size_t bytes, size_t *at, struct nal *nal);

/* Bytes that annexb_to_avcc() writes at most. */
size_t avcc_bound(size_t bytes);
/* Start codes become 4-byte big-endian lengths. Returns the bytes written. */
size_t annexb_to_avcc(const uint8_t *data, size_t bytes, uint8_t *out);

/* The AVCDecoderConfigurationRecord of the first SPS and PPS of an H.264 packet; 0 when they are
 * not there or do not fit. */
size_t avcc_record(const uint8_t *data, size_t bytes, uint8_t *out, size_t room);

/* The codec string of WebCodecs and MSE for the stream that begins with this key packet. */
void codec_string(const struct oriel_packet *packet, double fps, char *out, size_t room);

#endif
