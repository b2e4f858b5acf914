/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures as planes of samples, whatever the order in which a file or an encoder has them. */
#ifndef AB_PICTURE_H
#define AB_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/frame.h"

/* Y, Cb, Cr. A sample is one byte, or with a depth above 8 two in the machine's order. The memory
 * is the picture's own where picture_init made it. */
struct picture {
    uint32_t width[3], height[3];
    uint32_t depth;     /* bits of a sample */
    uint32_t stride[3]; /* bytes */
    uint8_t *plane[3];
    void *memory;
};

/* "i420" and so on; NULL for what is no planar format of recordings. */
const char *samples_name(uint32_t fourcc);
uint32_t samples_find(const char *name); /* 0: none */

/* Bytes of a tightly packed frame; 0 for what cannot be recorded. */
uint64_t frame_bytes(const struct oriel_format *format);

/* False: no memory. */
bool picture_init(struct picture *picture, const struct oriel_format *format);
void picture_finish(struct picture *picture);

/* From and to rows in the order of `format`, packed tightly, and back. Sizes are equal. */
void picture_unpack(struct picture *picture, const struct oriel_format *format,
                    const uint8_t *packed);
/* Plane by plane into rows of `stride[i]` bytes. */
void picture_pack(const struct picture *picture, const struct oriel_format *format,
                  uint8_t *const planes[3], const uint32_t stride[3]);

/* 8-bit RGBA for people, row 0 at the top. */
void picture_rgba(const struct picture *picture, const struct oriel_format *format, bool bottom_up,
                  uint8_t *rgba);

/* RGBA rows as P010 in `format`'s matrix and range, packed tightly. */
void pack_p010(const uint8_t *rgba, uint32_t stride, const struct oriel_format *format,
               uint8_t *packed);

#endif
