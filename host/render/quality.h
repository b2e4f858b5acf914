/* SPDX-License-Identifier: BSD-3-Clause */
/* How good a 3-D picture may be while it moves: the best rung of a ladder of resolution and
 * sampling distance that keeps the measured draw time within a budget. Pure; one for each render
 * thread. */
#ifndef RENDER_QUALITY_H
#define RENDER_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

struct quality {
    double budget_ms;
    bool cautious;
    double full_ms; /* of a full-quality draw, judged by pictures that moved; 0: unknown */
    double rest_ms; /* of a full-quality draw at rest, at least; 0: unknown */
    unsigned rung;
};

struct quality_step {
    double resolution; /* oriel_view::resolution */
    double step;       /* oriel_view::step */
};

/* `cautious`: assume that a first draw is slow (software renderers). */
void quality_init(struct quality *quality, double budget_ms, bool cautious);
/* Something else is drawn from now on: what was measured says nothing about it. */
void quality_reset(struct quality *quality);
/* The next full picture may take so long that it must be drawn where it can be interrupted or in
 * less quality. */
bool quality_unknown(const struct quality *quality);
/* The rung for the next moving picture. {1, 1} is full quality. */
struct quality_step quality_next(struct quality *quality);
/* A moving picture at `at` took `ms`. */
void quality_measured(struct quality *quality, struct quality_step at, double ms);
/* A full picture at rest took `ms`, or had taken as long when it was given up. */
void quality_rested(struct quality *quality, double ms, bool finished);
/* Into how many parts a full-quality draw at rest is cut so that each takes about `part_ms`. */
unsigned quality_parts(const struct quality *quality, double part_ms, unsigned most);

#endif
