/* SPDX-License-Identifier: BSD-3-Clause */
/* What people do, at random: runs of updates of one kind, as a slider or a drag makes them. */
#ifndef LOAD_MIX_H
#define LOAD_MIX_H

#include <stdint.h>

#include "ctl/mirror.h"

struct dice {
    uint64_t state; /* not 0 */
};

uint64_t dice_roll(struct dice *dice);
double dice_unit(struct dice *dice); /* 0 to 1, without 1 */
int dice_below(struct dice *dice, int end);

enum act { ACT_CONTROL, ACT_NAME, ACT_POSE, ACT_OTHER };

/* One run in progress. */
struct run {
    int kind; /* a row of the table of mix.c */
    int done, length;
    char layer[64], id[32];
};

struct change {
    enum act act;
    const char *scope, *key, *phase;
    char target[64];
    cJSON *value; /* the caller takes it */
};

/* The next update of a client that sees `mirror`; begins another run when the last one is over.
 * `rev` is the client's own count of poses. */
struct change mix_next(struct run *run, struct dice *dice, const struct mirror *mirror,
                       bool classic, uint64_t rev);
/* Says that the client has come back: what it was doing is over. */
void mix_stop(struct run *run);

#endif
