/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/bitstream_video.h"

#include <string.h>

#include "check/bits.h"

/* ---- Annex B: ITU-T H.264 and H.265, annex B ---- */

/* The unit that begins after the start code at or behind *at; *at goes to its end. */
static bool unit(const uint8_t *data, size_t bytes, size_t *at, struct bits *nal)
{
    size_t i = *at;
    while (i + 3 <= bytes && (data[i] || data[i + 1] || data[i + 2] != 1))
        i++;
    if (i + 3 >= bytes)
        return false;
    size_t start = i + 3;
    for (i = start; i + 3 <= bytes && (data[i] || data[i + 1] || data[i + 2] > 1);)
        i++;
    if (i + 3 > bytes)
        i = bytes;
    *nal = (struct bits){data + start, i - start, 0};
    *at = i;
    return true;
}

static bool begins_with_code(const uint8_t *data, size_t bytes, struct error *err)
{
    static const uint8_t code[] = {0, 0, 0, 1};
    if ((bytes >= 4 && memcmp(data, code, 4) == 0) ||
        (bytes >= 3 && memcmp(data, code + 1, 3) == 0))
        return true;
    return error_set(err, "does not begin with a start code (00 00 01), as Annex B does");
}

/* Without emulation prevention: 7.4.1. Returns the bytes. */
static size_t unescape(const struct bits *nal, uint8_t *raw, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < nal->bytes && n < room; i++) {
        bool escape = i >= 2 && nal->data[i] == 3 && !nal->data[i - 1] && !nal->data[i - 2];
        if (!escape)
            raw[n++] = nal->data[i];
    }
    return n;
}

static void skip_scaling_list(struct bits *bits, unsigned size)
{
    int last = 8, next = 8;
    for (unsigned i = 0; i < size; i++) {
        if (next) {
            uint32_t k = bits_golomb(bits);
            int delta = (int)(k + 1) / 2 * (k % 2 ? 1 : -1);
            next = (last + delta + 256) % 256;
        }
        last = next ? next : last;
    }
}

/* H.264 7.3.2.1.1, as far as the cropping. */
static void h264_size(const struct bits *nal, struct bitstream *seen)
{
    uint8_t raw[512];
    struct bits bits = {raw, unescape(nal, raw, sizeof raw), 8};
    uint32_t profile = bits_take(&bits, 8), chroma = 1;
    bits_take(&bits, 16);
    bits_golomb(&bits);
    if (profile == 100 || profile == 110 || profile == 122 || profile == 244 || profile == 44) {
        chroma = bits_golomb(&bits);
        if (chroma == 3)
            bits_take(&bits, 1);
        bits_golomb(&bits);
        bits_golomb(&bits);
        bits_take(&bits, 1);
        if (bits_take(&bits, 1)) {
            for (unsigned i = 0; i < (chroma == 3 ? 12u : 8u); i++) {
                if (bits_take(&bits, 1))
                    skip_scaling_list(&bits, i < 6 ? 16 : 64);
            }
        }
    }
    bits_golomb(&bits);
    uint32_t order = bits_golomb(&bits);
    if (order == 0)
        bits_golomb(&bits);
    if (order == 1) {
        bits_take(&bits, 1);
        bits_golomb(&bits);
        bits_golomb(&bits);
        for (uint32_t i = bits_golomb(&bits); i && bits.at < bits.bytes * 8; i--)
            bits_golomb(&bits);
    }
    bits_golomb(&bits);
    bits_take(&bits, 1);
    uint32_t width = (bits_golomb(&bits) + 1) * 16, height = bits_golomb(&bits) + 1;
    uint32_t frames_only = bits_take(&bits, 1);
    height *= 16 * (2 - frames_only);
    if (!frames_only)
        bits_take(&bits, 1);
    bits_take(&bits, 1);
    uint32_t crop[4] = {0};
    if (bits_take(&bits, 1)) {
        for (int i = 0; i < 4; i++)
            crop[i] = bits_golomb(&bits);
    }
    uint32_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
    uint32_t unit_y = (chroma == 1 ? 2 : 1) * (2 - frames_only);
    seen->width = width - unit_x * (crop[0] + crop[1]);
    seen->height = height - unit_y * (crop[2] + crop[3]);
}

bool bitstream_h264(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err)
{
    bool sps = false, pps = false, slice = false;
    struct bits nal;
    size_t at = 0;
    if (!begins_with_code(data, bytes, err))
        return false;
    while (unit(data, bytes, &at, &nal)) {
        unsigned type = nal.bytes ? nal.data[0] & 0x1Fu : 0;
        if (nal.bytes && nal.data[0] & 0x80)
            return error_set(err, "has a unit whose forbidden bit is set");
        if (type == 7 && !slice) {
            sps = true;
            h264_size(&nal, seen);
        }
        pps = pps || (type == 8 && !slice);
        if (type == 5 || type == 1) {
            seen->key = seen->key || type == 5;
            slice = true;
        }
    }
    seen->config = sps && pps;
    return slice || error_set(err, "has no slice of a picture (unit of type 1 or 5)");
}

/* H.265 7.3.2.2.1, as far as the conformance window, for one temporal layer. */
static void hevc_size(const struct bits *nal, struct bitstream *seen)
{
    uint8_t raw[512];
    struct bits bits = {raw, unescape(nal, raw, sizeof raw), 16 + 4};
    uint32_t layers = bits_take(&bits, 3);
    bits.at += 1 + 96;
    if (layers)
        return;
    bits_golomb(&bits);
    uint32_t chroma = bits_golomb(&bits);
    if (chroma == 3)
        bits_take(&bits, 1);
    seen->width = bits_golomb(&bits);
    seen->height = bits_golomb(&bits);
    if (bits_take(&bits, 1)) {
        uint32_t crop[4];
        for (int i = 0; i < 4; i++)
            crop[i] = bits_golomb(&bits);
        seen->width -= (chroma == 1 || chroma == 2 ? 2 : 1) * (crop[0] + crop[1]);
        seen->height -= (chroma == 1 ? 2 : 1) * (crop[2] + crop[3]);
    }
}

bool bitstream_hevc(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err)
{
    bool sets[3] = {false}, slice = false;
    struct bits nal;
    size_t at = 0;
    if (!begins_with_code(data, bytes, err))
        return false;
    while (unit(data, bytes, &at, &nal)) {
        unsigned type = nal.bytes ? nal.data[0] >> 1 & 0x3Fu : 0;
        if (type >= 32 && type <= 34 && !slice)
            sets[type - 32] = true;
        if (type == 33 && !slice)
            hevc_size(&nal, seen);
        if (type < 32) {
            seen->key = seen->key || (type >= 16 && type <= 23);
            slice = true;
        }
    }
    seen->config = sets[0] && sets[1] && sets[2];
    return slice || error_set(err, "has no slice of a picture (unit of type below 32)");
}

/* ---- AV1 specification, 5.3 to 5.5 ---- */

static void av1_sequence(struct bits *bits, struct bitstream *seen)
{
    bits_take(bits, 3);
    bits_take(bits, 1);
    if (bits_take(bits, 1)) { /* reduced_still_picture_header */
        bits_take(bits, 5);
    } else {
        if (bits_take(bits, 1))
            return; /* timing info comes before the size: not told here */
        uint32_t delay = bits_take(bits, 1), points = bits_take(bits, 5) + 1;
        for (uint32_t i = 0; i < points; i++) {
            bits_take(bits, 12);
            if (bits_take(bits, 5) > 7)
                bits_take(bits, 1);
            if (delay && bits_take(bits, 1))
                bits_take(bits, 4);
        }
    }
    uint32_t width_bits = bits_take(bits, 4) + 1, height_bits = bits_take(bits, 4) + 1;
    seen->width = bits_take(bits, width_bits) + 1;
    seen->height = bits_take(bits, height_bits) + 1;
}

bool bitstream_av1(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err)
{
    size_t at = 0;
    bool frame = false;
    while (at < bytes) {
        unsigned head = data[at], type = head >> 3 & 15u;
        if (head & 0x81u)
            return error_set(err, "has an OBU whose forbidden or reserved bit is set");
        if (!(head & 2u))
            return error_set(err, "has an OBU without a size; the low-overhead format has them");
        at += 1 + (head >> 2 & 1u);
        uint64_t size = 0;
        for (unsigned i = 0; i < 8 && at < bytes; i++) {
            size |= (uint64_t)(data[at] & 0x7F) << (7 * i);
            if (!(data[at++] & 0x80))
                break;
        }
        if (at > bytes || size > bytes - at)
            return error_set(err, "has an OBU that is longer than the packet");
        struct bits bits = {data + at, (size_t)size, 0};
        if (type == 1 && !frame) {
            seen->config = true;
            av1_sequence(&bits, seen);
        }
        if ((type == 3 || type == 6) && !frame) { /* frame header: not shown again, a key frame? */
            frame = true;
            seen->key = !bits_take(&bits, 1) && bits_take(&bits, 2) == 0;
        }
        at += (size_t)size;
    }
    return frame || error_set(err, "has no frame (OBU of type 3 or 6)");
}
