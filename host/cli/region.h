/* SPDX-License-Identifier: BSD-3-Clause */
/* A box of an array as numpy writes it: "0:1,:,-20:", "..., 5". */
#ifndef CLI_REGION_H
#define CLI_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/scene.h"
#include "util/error.h"

struct region {
    uint64_t origin[ORIEL_MAX_AXES];
    uint64_t shape[ORIEL_MAX_AXES];
    bool dropped[ORIEL_MAX_AXES]; /* an index, not a slice: the axis is not in the result */
};

/* Slices are cut to the array, as numpy does it; an index must lie in it. `text` NULL: everything.
 */
bool region_parse(const char *text, const uint64_t *shape, uint32_t ndim, struct region *region,
                  struct error *err);

#endif
