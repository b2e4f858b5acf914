/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures for people: files, screenshots, thumbnails. */
#ifndef RENDER_PNG_H
#define RENDER_PNG_H

#include <stddef.h>
#include <stdint.h>

/* 8-bit RGBA rows, row 0 at the top, as a PNG of *bytes bytes; the caller frees. NULL when there is
 * no memory. [any-thread] */
uint8_t *encode_png(const uint8_t *rgba, uint32_t width, uint32_t height, size_t *bytes);

#endif
