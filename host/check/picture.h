/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that a test makes, in CPU memory or in that of the CUDA device which gl_offer_cuda() has.
 * When the last reference to one is gone its memory cannot be read any more: who still does
 * crashes, and the crash says so. */
#ifndef CHECK_PICTURE_H
#define CHECK_PICTURE_H

#include "check/check.h"
#include "util/error.h"

struct picture;

/* How a frame that is given to an encoder differs from a plain one. */
struct picture_style {
    uint32_t flags; /* ORIEL_FRAME_BOTTOM_UP: in its stamp */
    bool fenced;    /* with the fence that its memory has in a server, which is over */
};

/* SIGSEGV says so from here on; the first picture sees to it. */
void picture_watch(void);
/* A frame with one reference, a moving picture that depends on `seq` alone. Odd ones have all
 * planes behind one handle, even ones a handle for each. The style may be NULL. NULL with the
 * reason: there is no memory for it. */
struct picture *picture_new(const struct oriel_format *format, uint64_t seq,
                            const struct picture_style *style, struct error *err);
struct oriel_stamp picture_stamp(uint64_t seq); /* of a plain one */
const struct oriel_frame *picture_frame(const struct picture *picture);
bool picture_held(const struct picture *picture); /* somebody has a reference */
void picture_free(struct picture *picture);       /* whoever holds it */

#endif
