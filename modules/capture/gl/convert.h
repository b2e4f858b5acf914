/* SPDX-License-Identifier: BSD-3-Clause */
/* RGBA to luma and chroma in integers. The shader does the same sums, so both paths give the same
 * bytes, at most 0.51 levels from the exact value. */
#ifndef CONVERT_H
#define CONVERT_H

#include <stdint.h>

#include "oriel/frame.h"

/* sample = (r R + g G + b B + offset) >> SHIFT for the pixel's R, G, B in 0..255. */
enum { CONVERT_SHIFT = 15 };
struct weights {
    int32_t r, g, b, offset;
};

/* Of one matrix and range. Chroma of 4:2:0 is that of the sum of four pixels: shift and offset are
 * two bits wider, which converter_init has put into u and v. */
struct converter {
    struct weights y, u, v;
    int32_t chroma_shift;
    void (*luma)(const struct converter *, const uint8_t *rgba, uint8_t *out, uint32_t width,
                 const struct weights *);
    void (*chroma)(const struct converter *, const uint8_t *upper, const uint8_t *lower, uint8_t *u,
                   uint8_t *v, uint32_t step, uint32_t width);
};

/* Where the planes of a picture lie in one block of memory. Rows of a plane are even in number and
 * aligned to 32 bytes, so that a shader may write blocks of 8 × 2 pixels. */
struct layout {
    uint32_t plane_count;
    uint32_t offset[3], stride[3], rows[3];
    uint64_t bytes;
};

void layout_init(struct layout *layout, const struct oriel_format *format);
void converter_init(struct converter *converter, const struct oriel_format *format);
/* `rgba` has rows of 4 × width bytes. */
void converter_run(const struct converter *converter, const struct oriel_format *format,
                   const struct layout *layout, const uint8_t *rgba, uint8_t *out);

#endif
