/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/header.h"

#include <string.h>

static uint8_t *put(uint8_t *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--)
        *p++ = (uint8_t)(value >> (8 * (i - 1)));
    return p;
}

static uint8_t *put_double(uint8_t *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put(p, bits, 8);
}

/* Microseconds from a to b; 0 where one is not known. */
static uint8_t *put_span(uint8_t *p, int64_t a, int64_t b)
{
    int64_t us = a > 0 && b > a ? (b - a) / 1000 : 0;
    return put(p, us < UINT32_MAX ? (uint64_t)us : UINT32_MAX, 4);
}

uint32_t header_write(const struct header *h, bool ext, uint8_t *out)
{
    uint8_t *p = put(out, h->seq, 4);
    p = put_double(p, h->timestamp);
    p = put(p, h->format.width, 4);
    p = put(p, h->format.height, 4);
    *p++ = h->codec;
    *p++ = h->key ? 1 : 0;
    p = put(p, ext ? HEADER_EXT_BYTES - HEADER_BYTES : 0, 2);
    if (!ext)
        return HEADER_BYTES;

    const struct oriel_stamp *s = &h->stamp;
    unsigned flags = (s->flags & ORIEL_FRAME_BOTTOM_UP ? 1u : 0) |
                     (s->flags & ORIEL_FRAME_COMPLETE ? 2u : 0) | (h->still ? 4u : 0) |
                     (h->fresh ? 8u : 0) | (h->format.full_range ? 16u : 0);
    double coverage = s->coverage > 0 ? (s->coverage < 1 ? (double)s->coverage : 1.0) : 0.0;
    p = put(p, 1, 2);
    p = put(p, flags, 2);
    *p++ = (uint8_t)h->pose.ndisplay;
    *p++ = h->format.matrix;
    p = put(p, s->level, 2);
    p = put(p, s->level_count, 2);
    p = put(p, (uint64_t)(coverage * 65535.0 + 0.5), 2);
    p = put(p, s->outstanding < UINT32_MAX ? s->outstanding : UINT32_MAX, 4);
    p = put(p, s->seq, 8);
    p = put(p, s->revision, 8);
    p = put(p, h->intent, 8);
    for (int i = 0; i < 3; i++)
        p = put_double(p, h->pose.center[i]);
    p = put_double(p, h->pose.zoom);
    for (int i = 0; i < 4; i++)
        p = put_double(p, h->pose.quat[i]);
    p = put_double(p, h->pose.fov);
    p = put_span(p, s->t_input_ns, s->t_begin_ns);
    p = put_span(p, s->t_begin_ns, s->t_drawn_ns);
    p = put_span(p, s->t_drawn_ns, s->t_captured_ns);
    /* A picture that is sent again has not waited, it rested. */
    p = put_span(p, s->flags & ORIEL_FRAME_REPEAT ? 0 : s->t_captured_ns, h->t_submit_ns);
    p = put_span(p, h->t_submit_ns, h->t_done_ns);
    put_span(p, h->t_done_ns, h->t_write_ns);
    return HEADER_EXT_BYTES;
}
