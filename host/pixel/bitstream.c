/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/bitstream.h"

#include <stdio.h>
#include <string.h>

/* Index of the next 00 00 01 at or after `at`, or `bytes`. */
static size_t find_start(const uint8_t *data, size_t bytes, size_t at)
{
    while (at + 3 <= bytes) {
        const uint8_t *one = memchr(data + at + 2, 1, bytes - at - 2);
        if (!one)
            return bytes;
        size_t i = (size_t)(one - data);
        if (data[i - 1] == 0 && data[i - 2] == 0)
            return i - 2;
        at = i - 1;
    }
    return bytes;
}

bool nal_next(const uint8_t *data, size_t bytes, size_t *at, struct nal *nal)
{
    for (;;) {
        size_t start = find_start(data, bytes, *at);
        if (start == bytes)
            return false;
        start += 3;
        size_t end = find_start(data, bytes, start);
        *at = end;
        while (end > start &&
               data[end - 1] == 0) /* trailing zeros, or the fourth byte of a start code */
            end--;
        if (end == start)
            continue;
        *nal = (struct nal){data + start, end - start};
        return true;
    }
}

size_t avcc_bound(size_t bytes)
{
    return bytes + bytes / 3 + 4; /* a unit of one byte after a code of three grows by one */
}

size_t annexb_to_avcc(const uint8_t *data, size_t bytes, uint8_t *out)
{
    struct nal nal;
    size_t at = 0, n = 0;
    while (nal_next(data, bytes, &at, &nal)) {
        out[n++] = (uint8_t)(nal.bytes >> 24);
        out[n++] = (uint8_t)(nal.bytes >> 16);
        out[n++] = (uint8_t)(nal.bytes >> 8);
        out[n++] = (uint8_t)nal.bytes;
        memcpy(out + n, nal.data, nal.bytes);
        n += nal.bytes;
    }
    return n;
}

static bool find_h264(const uint8_t *data, size_t bytes, unsigned type, struct nal *nal)
{
    size_t at = 0;
    while (nal_next(data, bytes, &at, nal)) {
        if ((nal->data[0] & 0x1F) == type)
            return true;
    }
    return false;
}

size_t avcc_record(const uint8_t *data, size_t bytes, uint8_t *out, size_t room)
{
    struct nal sps, pps;
    if (!find_h264(data, bytes, 7, &sps) || !find_h264(data, bytes, 8, &pps) || sps.bytes < 4 ||
        sps.bytes > UINT16_MAX || pps.bytes > UINT16_MAX || 11 + sps.bytes + pps.bytes > room)
        return 0;
    uint8_t *p = out;
    *p++ = 1;
    *p++ = sps.data[1];
    *p++ = sps.data[2];
    *p++ = sps.data[3];
    *p++ = 0xFF; /* lengths of four bytes */
    *p++ = 0xE1; /* one SPS */
    *p++ = (uint8_t)(sps.bytes >> 8);
    *p++ = (uint8_t)sps.bytes;
    memcpy(p, sps.data, sps.bytes);
    p += sps.bytes;
    *p++ = 1;
    *p++ = (uint8_t)(pps.bytes >> 8);
    *p++ = (uint8_t)pps.bytes;
    memcpy(p, pps.data, pps.bytes);
    return (size_t)(p + pps.bytes - out);
}

/* ISO/IEC 14496-15 E.3: profile_tier_level() of the SPS. */
static bool hevc_string(const uint8_t *data, size_t bytes, char *out, size_t room)
{
    struct nal nal;
    size_t at = 0;
    while (nal_next(data, bytes, &at, &nal)) {
        if (((nal.data[0] >> 1) & 0x3F) != 33)
            continue;
        uint8_t raw[16]; /* without emulation prevention */
        size_t n = 0;
        for (size_t i = 0; i < nal.bytes && n < sizeof raw; i++) {
            if (i >= 2 && nal.data[i] == 3 && nal.data[i - 1] == 0 && nal.data[i - 2] == 0)
                continue;
            raw[n++] = nal.data[i];
        }
        if (n < 15)
            return false;
        const uint8_t *ptl = raw + 3; /* two bytes of NAL header, one of ids */
        uint32_t flags =
            (uint32_t)ptl[1] << 24 | (uint32_t)ptl[2] << 16 | (uint32_t)ptl[3] << 8 | ptl[4];
        uint32_t reversed = 0;
        for (int i = 0; i < 32; i++)
            reversed |= (flags >> i & 1) << (31 - i);
        static const char *const spaces[] = {"", "A", "B", "C"};
        int length = snprintf(out, room, "hev1.%s%u.%X.%c%u", spaces[ptl[0] >> 6], ptl[0] & 0x1Fu,
                              reversed, ptl[0] & 0x20 ? 'H' : 'L', ptl[11]);
        int last = 5;
        while (last >= 0 && ptl[5 + last] == 0)
            last--;
        for (int i = 0; i <= last; i++)
            length += snprintf(out + length, room - (size_t)length, ".%X", ptl[5 + i]);
        return true;
    }
    return false;
}

/* The VP9 level that holds a luma size and rate: number, samples a second, samples. VP9 bitstream
 * specification, annex A. */
static unsigned vp9_level(const struct oriel_format *format, double fps)
{
    static const struct {
        unsigned level;
        double rate, size;
    } levels[] = {
        {10, 829440, 36864},        {11, 2764800, 73728},      {20, 4608000, 122880},
        {21, 9216000, 245760},      {30, 20736000, 552960},    {31, 36864000, 983040},
        {40, 83558400, 2228224},    {41, 160432128, 2228224},  {50, 311951360, 8912896},
        {51, 588251136, 8912896},   {52, 1176502272, 8912896}, {60, 1176502272, 35651584},
        {61, 2353004544, 35651584},
    };
    double size = (double)format->width * format->height;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (size <= levels[i].size && size * fps <= levels[i].rate)
            return levels[i].level;
    }
    return 62;
}

static unsigned bits(const uint8_t *data, size_t bytes, size_t *at, unsigned count)
{
    unsigned value = 0;
    for (; count; count--, (*at)++) {
        unsigned bit = *at / 8 < bytes ? data[*at / 8] >> (7 - *at % 8) & 1u : 0;
        value = value << 1 | bit;
    }
    return value;
}

/* AV1 specification 5.5.1, as far as the level; 5.3 for the OBU around it. */
static bool av1_string(const uint8_t *data, size_t bytes, char *out, size_t room)
{
    size_t at = 0;
    while (at < bytes) {
        unsigned type = data[at] >> 3 & 15u, has_extension = data[at] >> 2 & 1u,
                 has_size = data[at] >> 1 & 1u;
        at += 1 + has_extension;
        uint64_t size = 0;
        for (unsigned i = 0; has_size && i < 8 && at < bytes; i++) {
            size |= (uint64_t)(data[at] & 0x7F) << (7 * i);
            if (!(data[at++] & 0x80))
                break;
        }
        if (!has_size)
            size = at < bytes ? bytes - at : 0;
        if (at > bytes || size > bytes - at)
            return false;
        if (type != 1) {
            at += (size_t)size;
            continue;
        }
        const uint8_t *header = data + at;
        size_t bit = 0;
        unsigned profile = bits(header, (size_t)size, &bit, 3), tier = 0, level;
        bits(header, (size_t)size, &bit, 1);
        if (bits(header, (size_t)size, &bit, 1)) { /* reduced_still_picture_header */
            level = bits(header, (size_t)size, &bit, 5);
        } else {
            if (bits(header, (size_t)size, &bit, 1))
                return false; /* timing info: no encoder of ours writes it */
            bits(header, (size_t)size, &bit, 1 + 5 + 12);
            level = bits(header, (size_t)size, &bit, 5);
            tier = level > 7 ? bits(header, (size_t)size, &bit, 1) : 0;
        }
        snprintf(out, room, "av01.%u.%02u%c.08", profile, level, tier ? 'H' : 'M');
        return true;
    }
    return false;
}

void codec_string(const struct oriel_packet *packet, double fps, char *out, size_t room)
{
    struct nal sps;
    size_t bytes = (size_t)packet->bytes;
    out[0] = '\0';
    switch (packet->codec) {
    case ORIEL_CODEC_H264:
        if (find_h264(packet->data, bytes, 7, &sps) && sps.bytes >= 4)
            snprintf(out, room, "avc1.%02X%02X%02X", sps.data[1], sps.data[2], sps.data[3]);
        break;
    case ORIEL_CODEC_HEVC:
        hevc_string(packet->data, bytes, out, room);
        break;
    case ORIEL_CODEC_AV1:
        if (!av1_string(packet->data, bytes, out, room))
            snprintf(out, room, "av01.0.12M.08");
        break;
    case ORIEL_CODEC_VP8:
        snprintf(out, room, "vp8");
        break;
    case ORIEL_CODEC_VP9: { /* the first bits of a frame: marker 2, profile low, profile high */
        unsigned head = bytes ? packet->data[0] : 0;
        unsigned profile = (head >> 5 & 1u) | (head >> 3 & 2u);
        snprintf(out, room, "vp09.%02u.%02u.08", profile, vp9_level(&packet->format, fps));
        break;
    }
    case ORIEL_CODEC_JPEG:
        snprintf(out, room, "jpeg");
        break;
    case ORIEL_CODEC_PNG:
        snprintf(out, room, "png");
        break;
    default:
        snprintf(out, room, "raw");
        break;
    }
}
