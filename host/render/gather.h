/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of a block that cannot be handed over as they lie: another type, or steps that OpenGL does
 * not know. What there is to do is plain data, so that any thread can do it. */
#ifndef RENDER_GATHER_H
#define RENDER_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/frame.h"

/* No padding: compared as bytes. */
struct gather {
    uint64_t first;     /* bytes from the beginning of the block to the first value … */
    uint64_t step[3];   /* … and from value to value along x, y, z */
    uint32_t extent[3]; /* values */
    uint32_t dtype;     /* of the block; 0: nothing is to be done */
};

/* What came of it: dense, x fastest, in convert_type(dtype). */
struct made {
    struct gather gather;
    const struct oriel_buffer *memory; /* a reference; NULL: nothing was made */
    bool locked;                       /* it is page-locked */
};

uint64_t gather_bytes(const struct gather *gather); /* of what comes of it */
void gather_run(const struct gather *gather, const void *values, void *out);

#endif
