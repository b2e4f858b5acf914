/* SPDX-License-Identifier: BSD-3-Clause */
/* What the stages of rendering have cost: for the metrics and for `oriel render --stats`. */
#ifndef RENDER_STATS_H
#define RENDER_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/frame.h"

struct loader;
struct metrics;
struct stats;

enum stage { STAGE_APPLY, STAGE_PLAN, STAGE_UPLOAD, STAGE_DRAW, STAGE_CAPTURE, STAGE_COUNT };

/* `fork`: of a view that is not the shared one; their metrics stand together, as view="fork". */
struct stats *stats_create(struct metrics *metrics, bool fork);
void stats_destroy(struct stats *stats); /* NULL is fine */

void stats_stage(struct stats *stats, enum stage stage, int64_t ns); /* [render] */
/* A picture has been captured, of whatever format. [render] */
void stats_captured(struct stats *stats, const struct oriel_frame *frame);
void stats_frame(struct stats *stats, uint32_t width, uint32_t height, uint32_t level,
                 uint32_t level_count, float coverage); /* a picture went to capture [render] */
void stats_abandoned(struct stats *stats); /* a picture was given up half-way [render] */
void stats_fault(struct stats *stats);     /* [render] */
void stats_loader(struct stats *stats, struct loader *loader); /* brings the counters up [render] */

/* Caller frees. [any-thread] */
char *stats_json(struct stats *stats, struct loader *loader, const char *renderer,
                 const char *scene_module, const char *capture_module);

#endif
