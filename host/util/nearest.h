/* SPDX-License-Identifier: BSD-3-Clause */
/* "Did you mean …?": the known name that is closest to what somebody typed. */
#ifndef UTIL_NEAREST_H
#define UTIL_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *name; /* what was typed */
    const char *best; /* NULL: nothing is near enough to be what was meant */
    size_t distance;
};

struct nearest nearest_begin(const char *name);
void nearest_offer(struct nearest *nearest, const char *candidate);
/* ", did you mean stream.fps?" or "". Valid until the next call on this thread. */
const char *nearest_hint(const struct nearest *nearest);

#endif
