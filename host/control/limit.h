/* SPDX-License-Identifier: BSD-3-Clause */
/* How much one session may ask for. */
#ifndef CONTROL_LIMIT_H
#define CONTROL_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_BURST_S 2 /* a bucket holds what this many seconds allow */

/* A token bucket. All zero: full. */
struct limit {
    double spent;
    int64_t since_ns;
};

/* Takes one token; false when there is none. `rate` in tokens a second, 0: without limit. */
bool limit_take(struct limit *limit, double rate, int64_t now);

#endif
