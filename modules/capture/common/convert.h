/* SPDX-License-Identifier: BSD-3-Clause */
/* RGBA to luma and chroma in integers. The shader does the same sums, so both paths give the same
 * bytes, at most 0.51 levels from the exact value. Compiled into each capture module. */
#ifndef CONVERT_H
#define CONVERT_H

#include <stdbool.h>
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
    int32_t most;  /* of a sample: 255, of P010 1023 */
    bool top_down; /* the first row written is the last one read; converter_init says no */
    void (*luma)(const struct converter *, const uint8_t *rgba, uint8_t *out, uint32_t width,
                 const struct weights *);
    void (*chroma)(const struct converter *, const uint8_t *upper, const uint8_t *lower, uint8_t *u,
                   uint8_t *v, uint32_t step, uint32_t width);
};

/* Where the planes of a picture lie in one block of memory: one after the other, an even number of
 * rows of each, so that a shader may write blocks of 8 × 2 pixels. */
struct layout {
    uint32_t plane_count;
    uint32_t offset[3], stride[3], rows[3];
    uint64_t bytes;
};

/* Strides are multiples of `pitch`. With LAYOUT_CPU rows of RGBA have no gaps, as glReadPixels
 * writes them. */
#define LAYOUT_CPU 32u
#define LAYOUT_CUDA 256u
void layout_init(struct layout *layout, const struct oriel_format *format, uint32_t pitch);
void converter_init(struct converter *converter, const struct oriel_format *format);
/* `rgba` has rows of 4 × width bytes. All formats but P010, which nothing reads on a CPU. */
void converter_run(const struct converter *converter, const struct oriel_format *format,
                   const struct layout *layout, const uint8_t *rgba, uint8_t *out);

#endif
