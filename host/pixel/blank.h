/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures made up to try an encoder with. */
#ifndef PIXEL_BLANK_H
#define PIXEL_BLANK_H

#include "oriel/frame.h"
#include "util/error.h"

#define BLANK_COUNT 8u /* pictures of a series; then it begins anew */

struct blank;

enum blank_kind {
    BLANK_PLAIN,     /* a ramp at rest: costs an encoder next to nothing, also of its rate */
    BLANK_MICROSCOPY /* blobs under noise that move by a few rows from one to the next */
};

/* Pictures of a format with a size, in the memory that it names; NULL with the reason where none
 * can be made up there. Whoever made it frees it; its frames keep what they need. [any-thread] */
struct blank *blank_create(const struct oriel_format *format, enum blank_kind kind,
                           struct error *err);
void blank_destroy(struct blank *blank); /* NULL is fine */

/* The index-th of the series, ready now. One reference. */
const struct oriel_frame *blank_frame(struct blank *blank, unsigned index);

#endif
