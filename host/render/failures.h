/* SPDX-License-Identifier: BSD-3-Clause */
/* The blocks of a layer that could not be read. [render] */
#ifndef RENDER_FAILURES_H
#define RENDER_FAILURES_H

#include <stdbool.h>
#include <stddef.h>

#include "render/plan.h"

struct failure {
    struct want want;
    bool seen; /* it keeps a level that is wanted now from being shown */
};

/* Zeroed: none. */
struct failures {
    struct failure *items;
    size_t count, capacity;
};

void failures_free(struct failures *failures);
void failures_add(struct failures *failures, const struct want *want); /* seen */
/* It has been read. True when it was one of them. */
bool failures_remove(struct failures *failures, const struct block_key *key);
/* Forgets what was seen, and blocks of other datasets. */
void failures_begin(struct failures *failures, const struct dataset *dataset);
/* Some of the slab that the canvas shows cannot be read; that is seen now. */
bool failures_meet(struct failures *failures, const struct plan_slab *plan,
                   const struct plan_rect *visible);
size_t failures_seen(const struct failures *failures);

#endif
