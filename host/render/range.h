/* SPDX-License-Identifier: BSD-3-Clause */
/* The range and distribution of a layer's values, for display limits and histograms. Depends on the
 * dataset alone, so it works without a renderer. */
#ifndef RENDER_RANGE_H
#define RENDER_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "scene/snapshot.h"
#include "util/error.h"

struct data_range {
    double min, max;    /* of the values looked at; NaN and infinities left out */
    double low, high;   /* quantiles 0.005 and 0.995 */
    uint64_t count;     /* 0: there is no finite value, and all others are 0 */
    uint32_t bins[256]; /* equal bins over min..max */
};

/* Looks at the part of the coarsest level that the binding shows: all of it up to 1e7 values, else
 * its first, middle and last planes (the middle part of a plane that is larger). Reads data, so it
 * takes time. False when it cannot be read; the error names the dataset and the file. [any-thread]
 */
bool data_range_read(struct dataset *dataset, const struct layer_binding *binding,
                     struct data_range *range, struct error *err);

#endif
