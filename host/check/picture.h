/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames in CPU memory that a test makes. When the last reference to one is gone its memory cannot
 * be read any more: who still does crashes, and the crash says so. */
#ifndef CHECK_PICTURE_H
#define CHECK_PICTURE_H

#include "check/check.h"

struct picture;

/* Bytes of a row and rows of a plane; false when the format has no such plane. */
bool picture_plane(const struct oriel_format *format, uint32_t plane, uint32_t *row_bytes,
                   uint32_t *rows);
bool picture_possible(const struct oriel_format *format); /* its samples are known, CPU memory */

/* SIGSEGV says so from here on; the first picture sees to it. */
void picture_watch(void);
/* A frame with one reference, a moving picture that depends on `seq` alone. Odd ones have all
 * planes behind one handle, even ones a handle for each. NULL: out of memory. */
struct picture *picture_new(const struct oriel_format *format, uint64_t seq);
const struct oriel_frame *picture_frame(const struct picture *picture);
bool picture_held(const struct picture *picture); /* somebody has a reference */
void picture_free(struct picture *picture);       /* whoever holds it */

#endif
