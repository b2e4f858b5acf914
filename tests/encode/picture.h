/* SPDX-License-Identifier: BSD-3-Clause */
/* Synthetic pictures in RGB and as frames of any format, converted in floating point: the reference
 * the encoders are held to. */
#ifndef TEST_ENCODE_PICTURE_H
#define TEST_ENCODE_PICTURE_H

#include "oriel/frame.h"

struct picture {
    uint32_t width, height;
    uint8_t *rgb; /* 3 bytes a pixel */
};

struct picture picture_create(uint32_t width, uint32_t height);
void picture_finish(struct picture *picture);
/* Smooth shapes with fine texture that move with t. */
void picture_scene(struct picture *picture, unsigned t);
/* Flat patches, 4 by 3: black, white, grey, dark grey, primaries, secondaries, two mixed ones. */
enum { PATCHES = 12 };
void picture_patches(struct picture *picture);
void patch_centre(const struct picture *picture, int patch, uint32_t *x, uint32_t *y);

struct oriel_format format_of(uint32_t fourcc, uint32_t width, uint32_t height, uint8_t matrix,
                              uint8_t full_range);
/* A frame with its own memory and padded rows. */
struct oriel_frame *frame_create(const struct oriel_format *format);
void frame_destroy(struct oriel_frame *frame);
void frame_fill(struct oriel_frame *frame, const struct picture *picture, uint64_t seq);
uint8_t frame_sample(const struct oriel_frame *frame, uint32_t plane, uint32_t x, uint32_t y);

/* R, G, B in 0..255 of samples in 0..255, not rounded. */
void yuv_to_rgb(uint8_t matrix, int full_range, double y, double u, double v, double rgb[3]);

#endif
