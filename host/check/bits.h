/* SPDX-License-Identifier: BSD-3-Clause */
/* Bits of a header, most significant first; past the end they are 0. */
#ifndef CHECK_BITS_H
#define CHECK_BITS_H

#include <stddef.h>
#include <stdint.h>

struct bits {
    const uint8_t *data;
    size_t bytes, at; /* `at` in bits */
};

static inline uint32_t bits_take(struct bits *bits, unsigned count)
{
    uint32_t value = 0;
    for (; count; count--, bits->at++) {
        size_t byte = bits->at / 8;
        uint32_t bit = byte < bits->bytes ? bits->data[byte] >> (7 - bits->at % 8) & 1u : 0;
        value = value << 1 | bit;
    }
    return value;
}

/* Exponential Golomb: ITU-T H.264 9.1. */
static inline uint32_t bits_golomb(struct bits *bits)
{
    unsigned zeros = 0;
    while (zeros < 31 && bits->at < bits->bytes * 8 && !bits_take(bits, 1))
        zeros++;
    return (1u << zeros) - 1 + bits_take(bits, zeros);
}

#endif
