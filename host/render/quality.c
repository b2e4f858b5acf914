/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/quality.h"

/* The cost of a rung is about resolution² / step of the full picture. Sampling distance goes first:
 * it is seen less in motion. */
static const struct quality_step ladder[] = {{1, 1},      {1, 1.5}, {0.75, 1.5}, {0.75, 2},
                                             {0.5, 1.5},  {0.5, 2}, {0.375, 2},  {0.3, 2},
                                             {0.25, 2.5}, {0.2, 3}};
#define RUNGS (sizeof ladder / sizeof *ladder)
#define CAUTIOUS_RUNG 5u
/* A better rung is tried only when it would stay this far below the budget: no flicker between two.
 */
#define HEADROOM 0.75
/* How far one picture moves the estimate: up is believed sooner, since the next pictures wait. */
#define WEIGHT_UP 0.6
#define WEIGHT_DOWN 0.3

static double cost(struct quality_step at)
{
    return at.resolution * at.resolution / at.step;
}

/* The picture at rest may do more than the cost of a step tells: the best rung draws the same. */
static double expected_ms(const struct quality *quality, unsigned rung)
{
    double ms = quality->full_ms * cost(ladder[rung]);
    return rung == 0 && quality->rest_ms > ms ? quality->rest_ms : ms;
}

void quality_init(struct quality *quality, double budget_ms, bool cautious)
{
    *quality = (struct quality){.budget_ms = budget_ms > 1 ? budget_ms : 1, .cautious = cautious};
    quality_reset(quality);
}

void quality_reset(struct quality *quality)
{
    quality->full_ms = quality->rest_ms = 0;
    quality->rung = quality->cautious ? CAUTIOUS_RUNG : 0;
}

bool quality_unknown(const struct quality *quality)
{
    return quality->cautious && quality->full_ms <= 0 && quality->rest_ms <= 0;
}

struct quality_step quality_next(struct quality *quality)
{
    if (quality->full_ms > 0) {
        while (quality->rung + 1 < RUNGS &&
               expected_ms(quality, quality->rung) > quality->budget_ms)
            quality->rung++;
        while (quality->rung > 0 &&
               expected_ms(quality, quality->rung - 1) < quality->budget_ms * HEADROOM)
            quality->rung--;
    }
    return ladder[quality->rung];
}

void quality_measured(struct quality *quality, struct quality_step at, double ms)
{
    double full = ms / cost(at);
    double weight = full > quality->full_ms ? WEIGHT_UP : WEIGHT_DOWN;
    quality->full_ms =
        quality->full_ms > 0 ? quality->full_ms * (1 - weight) + full * weight : full;
}

void quality_rested(struct quality *quality, double ms, bool finished)
{
    if (!finished) {
        double known = quality->rest_ms > 0 ? quality->rest_ms : quality->full_ms;
        ms = ms > known ? ms : known;
    }
    quality->rest_ms = ms;
}

unsigned quality_parts(const struct quality *quality, double part_ms, unsigned most)
{
    double parts = (quality->rest_ms > 0 ? quality->rest_ms : quality->full_ms) / part_ms;
    if (parts <= 1)
        return 1;
    return parts < most ? (unsigned)parts + 1 : most;
}
