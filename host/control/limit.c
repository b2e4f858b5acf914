/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/limit.h"

#include "util/clock.h"

bool limit_take(struct limit *limit, double rate, int64_t now)
{
    if (rate <= 0)
        return true;
    if (now > limit->since_ns) {
        limit->spent -= (double)(now - limit->since_ns) / (double)NS_PER_S * rate;
        limit->since_ns = now;
    }
    if (limit->spent < 0)
        limit->spent = 0;
    if (limit->spent + 1 > rate * LIMIT_BURST_S)
        return false;
    limit->spent++;
    return true;
}
