/* SPDX-License-Identifier: BSD-3-Clause */
/* Known pixels, and what they are as luma and chroma in floating point. */
#ifndef TEST_CAPTURE_PICTURE_H
#define TEST_CAPTURE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "oriel/frame.h"

/* Noise with saturated corners of the colour cube in it; RGBA, dense rows, for free(). */
uint8_t *picture_noise(uint32_t width, uint32_t height, unsigned seed);

/* The same picture with its last row first; for free(). */
uint8_t *picture_turned(const uint8_t *rgba, uint32_t width, uint32_t height);

/* Exact samples, in levels of 8 bits (of 10 with P010), of the block of `side` × `side` pixels at
 * (x, y), edges repeated. */
void picture_exact(const struct oriel_format *format, const uint8_t *rgba, uint32_t x, uint32_t y,
                   uint32_t side, double yuv[3]);

#endif
