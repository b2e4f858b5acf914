/* SPDX-License-Identifier: BSD-3-Clause */
/* Draft interface "oriel.encoder.invalidate/1" of an encoder instance: going on after a loss
 * without a key picture. A draft may change with any release. */
#ifndef ORIEL_DRAFT_ENCODER_INVALIDATE_H
#define ORIEL_DRAFT_ENCODER_INVALIDATE_H

#include "oriel/abi.h"

#define ORIEL_ENCODER_INVALIDATE_V1 "oriel.encoder.invalidate/1"

struct oriel_encoder_invalidate {
    uint32_t size;
    uint32_t reserved;
    /* The pictures whose stamp.seq is from `first_seq` to `last_seq`, both included, did not
     * arrive: no later packet refers to them, nor to what was made from them. The next picture is a
     * key only where nothing else is left. UNSUPPORTED where the machine cannot: ask for a key.
     * [encoder] */
    oriel_result (*invalidate)(void *self, uint64_t first_seq, uint64_t last_seq);
};

#endif
