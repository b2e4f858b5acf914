/* SPDX-License-Identifier: BSD-3-Clause */
#include "h264.h"

#include <string.h>

struct bits {
    uint8_t data[512]; /* without emulation prevention */
    size_t size, at;   /* bits */
    bool broken;
};

static unsigned u(struct bits *bits, unsigned count)
{
    unsigned value = 0;
    while (count--) {
        if (bits->at >= bits->size) {
            bits->broken = true;
            return 0;
        }
        value = value << 1 | (bits->data[bits->at / 8] >> (7 - bits->at % 8) & 1u);
        bits->at++;
    }
    return value;
}

static unsigned ue(struct bits *bits)
{
    unsigned zeros = 0;
    while (!bits->broken && !u(bits, 1))
        zeros++;
    return zeros < 32 ? (1u << zeros) - 1 + u(bits, zeros) : 0;
}

/* The next NAL unit at or after *at; NULL at the end. */
static const uint8_t *nal_next(const uint8_t *data, size_t bytes, size_t *at, size_t *size)
{
    static const uint8_t code[3] = {0, 0, 1};
    const uint8_t *start = *at < bytes ? memmem(data + *at, bytes - *at, code, 3) : NULL;
    if (!start)
        return NULL;
    start += 3;
    size_t left = bytes - (size_t)(start - data);
    const uint8_t *end = memmem(start, left, code, 3);
    *size = end ? (size_t)(end - start) : left;
    *at = (size_t)(start - data) + *size;
    while (*size && start[*size - 1] == 0) /* of a four-byte code */
        --*size;
    return start;
}

size_t h264_nal_types(const uint8_t *data, size_t bytes, unsigned *types, size_t capacity)
{
    size_t at = 0, size, count = 0;
    const uint8_t *nal;
    while ((nal = nal_next(data, bytes, &at, &size)) && count < capacity)
        types[count++] = nal[0] & 31u;
    return count;
}

static void read_hrd(struct bits *bits)
{
    unsigned count = ue(bits) + 1;
    u(bits, 8);
    for (unsigned i = 0; i < count && !bits->broken; i++) {
        ue(bits);
        ue(bits);
        u(bits, 1);
    }
    u(bits, 20);
}

static void read_vui(struct bits *bits, struct h264_sps *sps)
{
    if (u(bits, 1) && u(bits, 8) == 255) /* aspect ratio */
        u(bits, 32);
    if (u(bits, 1)) /* overscan */
        u(bits, 1);
    sps->signal_type = u(bits, 1);
    if (sps->signal_type) {
        u(bits, 3);
        sps->full_range = u(bits, 1);
        sps->colour = u(bits, 1);
        if (sps->colour) {
            sps->primaries = u(bits, 8);
            sps->transfer = u(bits, 8);
            sps->matrix = u(bits, 8);
        }
    }
    if (u(bits, 1)) {
        sps->chroma_loc = (int)ue(bits);
        ue(bits);
    }
    if (u(bits, 1)) { /* timing */
        u(bits, 32);
        u(bits, 32);
        u(bits, 1);
    }
    bool nal_hrd = u(bits, 1);
    if (nal_hrd)
        read_hrd(bits);
    bool vcl_hrd = u(bits, 1);
    if (vcl_hrd)
        read_hrd(bits);
    if (nal_hrd || vcl_hrd)
        u(bits, 1);
    u(bits, 1); /* pic_struct */
    sps->restriction = u(bits, 1);
    if (sps->restriction) {
        u(bits, 1);
        ue(bits);
        ue(bits);
        ue(bits);
        ue(bits);
        sps->max_num_reorder_frames = ue(bits);
        sps->max_dec_frame_buffering = ue(bits);
    }
}

bool h264_read_sps(const uint8_t *data, size_t bytes, struct h264_sps *sps)
{
    size_t at = 0, size;
    const uint8_t *nal;
    while ((nal = nal_next(data, bytes, &at, &size)) && (nal[0] & 31) != 7)
        ;
    if (!nal)
        return false;
    struct bits bits = {0};
    for (size_t i = 1; i < size && bits.size < 8 * sizeof(bits.data); i++) {
        if (i >= 3 && nal[i] == 3 && !nal[i - 1] && !nal[i - 2])
            continue;
        bits.data[bits.size / 8] = nal[i];
        bits.size += 8;
    }
    memset(sps, 0, sizeof(*sps));
    sps->chroma_loc = -1;
    sps->profile = u(&bits, 8);
    sps->constraints = u(&bits, 8);
    sps->level = u(&bits, 8);
    ue(&bits);
    unsigned chroma = 1;
    if (sps->profile >= 100) {
        chroma = ue(&bits);
        if (chroma == 3)
            u(&bits, 1);
        ue(&bits);
        ue(&bits);
        u(&bits, 1);
        if (u(&bits, 1)) /* scaling matrices: not written by any encoder here */
            return false;
    }
    ue(&bits);
    sps->poc_type = ue(&bits);
    if (sps->poc_type == 0)
        ue(&bits);
    else if (sps->poc_type == 1)
        return false;
    ue(&bits);
    u(&bits, 1);
    sps->width = 16 * (ue(&bits) + 1);
    sps->height = 16 * (ue(&bits) + 1);
    if (!u(&bits, 1)) /* fields */
        return false;
    u(&bits, 1);
    if (u(&bits, 1)) {
        unsigned unit = chroma == 3 ? 1 : 2;
        sps->width -= unit * ue(&bits);
        sps->width -= unit * ue(&bits);
        sps->height -= unit * ue(&bits);
        sps->height -= unit * ue(&bits);
    }
    sps->vui = u(&bits, 1);
    if (sps->vui)
        read_vui(&bits, sps);
    return !bits.broken;
}
