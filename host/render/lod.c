/* SPDX-License-Identifier: BSD-3-Clause */
/* The choice of a level in 2-D (docs/rendering.md, "Levels"). */
#include "render/plan.h"

static uint32_t finest_within(const double *over, uint32_t count, double limit)
{
    uint32_t level = 0;
    while (level + 1 < count && over[level] > limit)
        level++;
    return level;
}

uint32_t plan_level(const struct plan_policy *policy, const double *over, uint32_t count,
                    bool resting, int64_t now_ns, const struct plan_memory *memory)
{
    uint32_t rest = finest_within(over, count, policy->threshold_out);
    if (resting || !memory->planned)
        return rest;
    uint32_t level = memory->level < count ? memory->level : count - 1;
    if (now_ns - memory->switched_ns < policy->cooldown_ns)
        return level;
    double in = policy->threshold_in < policy->fine_threshold ? policy->threshold_in
                                                              : policy->fine_threshold;
    uint32_t wanted = level;
    while (wanted > 0 && over[wanted - 1] <= in)
        wanted--;
    while (wanted + 1 < count && over[wanted] > policy->threshold_out)
        wanted++;
    /* The reference's stabiliser: any hysteresis holds back single steps. */
    bool single = wanted + 1 == level || level + 1 == wanted;
    return policy->hysteresis > 0 && single ? level : wanted;
}
