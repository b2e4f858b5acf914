/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/quality.h"

/* The cost of a rung is about resolution² / step of the full picture. Sampling distance goes first:
 * it is seen less in motion. */
static const struct quality_step ladder[] = {{1, 1},     {1, 1.5},   {0.75, 1.5},
                                             {0.75, 2},  {0.5, 1.5}, {0.5, 2},
                                             {0.375, 2}, {0.3, 2},   {0.25, 2.5}};
#define RUNGS (sizeof ladder / sizeof *ladder)
#define CAUTIOUS_RUNG 5u
/* A better rung is tried only when it would stay this far below the budget: no flicker between two.
 */
#define HEADROOM 0.75

static double cost(struct quality_step at)
{
    return at.resolution * at.resolution / at.step;
}

void quality_init(struct quality *quality, double budget_ms, bool cautious)
{
    *quality = (struct quality){.budget_ms = budget_ms > 1 ? budget_ms : 1,
                                .rung = cautious ? CAUTIOUS_RUNG : 0};
}

struct quality_step quality_next(struct quality *quality)
{
    if (quality->full_ms > 0) {
        while (quality->rung + 1 < RUNGS &&
               quality->full_ms * cost(ladder[quality->rung]) > quality->budget_ms)
            quality->rung++;
        while (quality->rung > 0 &&
               quality->full_ms * cost(ladder[quality->rung - 1]) < quality->budget_ms * HEADROOM)
            quality->rung--;
    }
    return ladder[quality->rung];
}

void quality_measured(struct quality *quality, struct quality_step at, double ms)
{
    double full = ms / cost(at);
    quality->full_ms = quality->full_ms > 0 ? quality->full_ms * 0.7 + full * 0.3 : full;
}

unsigned quality_bands(const struct quality *quality, double band_ms, unsigned most)
{
    double bands = quality->full_ms / band_ms;
    if (bands <= 1)
        return 1;
    return bands < most ? (unsigned)bands + 1 : most;
}
