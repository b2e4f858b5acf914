/* SPDX-License-Identifier: BSD-3-Clause */
/* Draft interface "oriel.capture.rows/1" of a capture instance: pictures whose first row is the top
 * one, for those who look with programs that know no other. A draft may change with any release. */
#ifndef ORIEL_DRAFT_CAPTURE_ROWS_H
#define ORIEL_DRAFT_CAPTURE_ROWS_H

#include "oriel/abi.h"

#define ORIEL_CAPTURE_ROWS_V1 "oriel.capture.rows/1"

struct oriel_capture_rows {
    uint32_t size;
    uint32_t reserved;
    /* Row 0 of every frame of this instance is the top of the picture, and its stamp is without
     * ORIEL_FRAME_BOTTOM_UP. Called before the first grab(), or never. After a failure frames are
     * as without it. [render, context current] */
    oriel_result (*top_down)(void *self);
};

#endif
