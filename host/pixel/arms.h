/* SPDX-License-Identifier: BSD-3-Clause */
/* What an experiment decides about its arms, as pure functions: who gets which, whose turn it is,
 * which one is not good enough. */
#ifndef PIXEL_ARMS_H
#define PIXEL_ARMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/experiments.h"

/* The arm of a client: the same id always gets the same one, and of many each arm its share of the
 * weights. Another experiment deals anew. */
uint32_t arms_assign(const struct experiment_spec *spec, const char *client);

/* The arm of a slice of time: A B B A …, of three A B C C B A …. */
uint32_t arms_of_slice(uint64_t slice, uint32_t count);

/* The newest frames of an arm. */
struct arm_watch {
    uint32_t count, at; /* of the window; the next place */
    uint32_t dropped;   /* in the window */
    uint64_t errors;    /* in all */
    float *ms;          /* negative: dropped */
};
void arm_watch_begin(struct arm_watch *watch, const struct experiment_guard *guard);
void arm_watch_finish(struct arm_watch *watch);
/* Counts one; true: a limit is passed, and `why` says which. `ms` is the time that p99_ms limits.
 */
bool arm_watch_encoded(struct arm_watch *watch, const struct experiment_guard *guard, double ms,
                       char *why, size_t room);
bool arm_watch_dropped(struct arm_watch *watch, const struct experiment_guard *guard, char *why,
                       size_t room);
bool arm_watch_error(struct arm_watch *watch, const struct experiment_guard *guard, char *why,
                     size_t room);

#endif
