/* SPDX-License-Identifier: BSD-3-Clause */
/* Draft interface "oriel.encoder.resize/1" of an encoder instance: going on with pictures of
 * another size, where a new instance would cost time. A draft may change with any release. */
#ifndef ORIEL_DRAFT_ENCODER_RESIZE_H
#define ORIEL_DRAFT_ENCODER_RESIZE_H

#include "oriel/frame.h"

#define ORIEL_ENCODER_RESIZE_V1 "oriel.encoder.resize/1"

struct oriel_encoder_resize {
    uint32_t size;
    uint32_t reserved;
    /* The next frames have this format, which differs from the one of create() in width and height
     * alone, and come at `fps` at most. The instance has been drained. The first packet after it is
     * a key with parameter sets; the options stay. UNSUPPORTED where it cannot: make another one.
     * After any failure but DEVICE_LOST and FATAL the instance is as it was. [encoder] */
    oriel_result (*resize)(void *self, const struct oriel_format *format, double fps);
};

#endif
