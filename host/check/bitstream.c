/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/bitstream.h"

#include <string.h>

#include "check/bits.h"
#include "check/bitstream_video.h"
#include "check/frame_read.h"

bool bitstream_has_config(uint32_t codec)
{
    return codec == ORIEL_CODEC_H264 || codec == ORIEL_CODEC_HEVC || codec == ORIEL_CODEC_AV1;
}

/* RFC 6386 9.1. */
static bool look_vp8(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err)
{
    if (bytes < 3)
        return error_set(err, "is too short for a frame tag");
    seen->key = !(data[0] & 1);
    if (!seen->key)
        return true;
    if (bytes < 10 || memcmp(data + 3, "\x9d\x01\x2a", 3) != 0)
        return error_set(err, "is a key frame without the start code 9d 01 2a");
    seen->width = (data[6] | (uint32_t)data[7] << 8) & 0x3FFF;
    seen->height = (data[8] | (uint32_t)data[9] << 8) & 0x3FFF;
    return true;
}

/* VP9 bitstream specification 6.2. */
static bool look_vp9(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err)
{
    struct bits bits = {data, bytes, 0};
    if (bits_take(&bits, 2) != 2)
        return error_set(err, "does not begin with the frame marker 2");
    uint32_t profile = bits_take(&bits, 1);
    profile |= bits_take(&bits, 1) << 1;
    if (profile == 3)
        bits_take(&bits, 1);
    if (bits_take(&bits, 1))
        return true; /* shows a frame that is there */
    seen->key = !bits_take(&bits, 1);
    bits_take(&bits, 2);
    if (!seen->key)
        return true;
    if (bits_take(&bits, 24) != 0x498342)
        return error_set(err, "is a key frame without the sync code 49 83 42");
    if (profile >= 2)
        bits_take(&bits, 1);
    bool rgb = bits_take(&bits, 3) == 7, odd = profile & 1;
    bits_take(&bits, rgb ? (odd ? 1 : 0) : 1 + (odd ? 3 : 0));
    seen->width = bits_take(&bits, 16) + 1;
    seen->height = bits_take(&bits, 16) + 1;
    return true;
}

/* ITU-T T.81 annex B. */
static bool look_jpeg(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err)
{
    seen->key = true;
    if (bytes < 4 || data[0] != 0xFF || data[1] != 0xD8)
        return error_set(err, "does not begin with the marker SOI (ff d8)");
    if (data[bytes - 2] != 0xFF || data[bytes - 1] != 0xD9)
        return error_set(err, "does not end with the marker EOI (ff d9)");
    for (size_t at = 2; at + 9 < bytes && data[at] == 0xFF;) {
        unsigned marker = data[at + 1];
        size_t length = (size_t)data[at + 2] << 8 | data[at + 3];
        if (marker >= 0xC0 && marker <= 0xC2) {
            seen->height = (uint32_t)data[at + 5] << 8 | data[at + 6];
            seen->width = (uint32_t)data[at + 7] << 8 | data[at + 8];
            return true;
        }
        at += 2 + length;
    }
    return error_set(err, "has no frame header (SOF0 to SOF2)");
}

/* PNG specification 5.2 and 11.2.2. */
static bool look_png(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err)
{
    struct bits bits = {data, bytes, 16 * 8};
    seen->key = true;
    if (bytes < 33 || memcmp(data, "\x89PNG\r\n\x1a\n", 8) != 0 || memcmp(data + 12, "IHDR", 4))
        return error_set(err, "does not begin with PNG's signature and IHDR");
    seen->width = bits_take(&bits, 32);
    seen->height = bits_take(&bits, 32);
    return true;
}

static bool look_raw(const struct oriel_packet *packet, struct bitstream *seen, struct error *err)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < frame_plane_count(&packet->format); i++)
        bytes += (uint64_t)frame_row_bytes(&packet->format, i) * frame_rows(&packet->format, i);
    seen->key = true;
    return bytes == packet->bytes ||
           error_set(err, "has %llu bytes, its planes tightly packed have %llu",
                     (unsigned long long)packet->bytes, (unsigned long long)bytes);
}

bool bitstream_look(const struct oriel_packet *packet, struct bitstream *seen, struct error *err)
{
    const uint8_t *data = packet->data;
    size_t bytes = (size_t)packet->bytes;
    *seen = (struct bitstream){0};
    if (!data || !bytes)
        return error_set(err, "is empty");
    switch (packet->codec) {
    case ORIEL_CODEC_H264:
        return bitstream_h264(data, bytes, seen, err);
    case ORIEL_CODEC_HEVC:
        return bitstream_hevc(data, bytes, seen, err);
    case ORIEL_CODEC_AV1:
        return bitstream_av1(data, bytes, seen, err);
    case ORIEL_CODEC_VP8:
        return look_vp8(data, bytes, seen, err);
    case ORIEL_CODEC_VP9:
        return look_vp9(data, bytes, seen, err);
    case ORIEL_CODEC_JPEG:
        return look_jpeg(data, bytes, seen, err);
    case ORIEL_CODEC_PNG:
        return look_png(data, bytes, seen, err);
    case ORIEL_CODEC_RAW:
        return look_raw(packet, seen, err);
    case ORIEL_CODEC_NULL:
        seen->key = true;
        return true;
    }
    return error_set(err, "is of a codec that Oriel does not know");
}
