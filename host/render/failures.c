/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/failures.h"

#include <stdlib.h>
#include <string.h>

#include "render/slab.h"
#include "util/check.h"

void failures_free(struct failures *failures)
{
    free(failures->items);
    *failures = (struct failures){0};
}

static bool same(const struct block_key *a, const struct block_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

void failures_add(struct failures *failures, const struct want *want)
{
    for (size_t i = 0; i < failures->count; i++) {
        if (same(&failures->items[i].want.key, &want->key)) {
            failures->items[i].seen = true;
            return;
        }
    }
    if (failures->count == failures->capacity) {
        failures->capacity = failures->capacity ? failures->capacity * 2 : 16;
        failures->items = xrealloc(failures->items, failures->capacity * sizeof *failures->items);
    }
    failures->items[failures->count++] = (struct failure){.want = *want, .seen = true};
}

bool failures_remove(struct failures *failures, const struct block_key *key)
{
    for (size_t i = 0; i < failures->count; i++) {
        if (same(&failures->items[i].want.key, key)) {
            failures->items[i] = failures->items[--failures->count];
            return true;
        }
    }
    return false;
}

void failures_begin(struct failures *failures, const struct dataset *dataset)
{
    for (size_t i = failures->count; i-- > 0;) {
        failures->items[i].seen = false;
        if (failures->items[i].want.dataset != dataset)
            failures->items[i] = failures->items[--failures->count];
    }
}

bool failures_meet(struct failures *failures, const struct plan_slab *plan,
                   const struct plan_rect *visible)
{
    if (failures->count == 0)
        return false;
    bool met = false;
    struct slab *slab = slab_create(plan, 0, 0);
    for (size_t i = 0; i < failures->count; i++) {
        size_t piece;
        if (slab_find(slab, &failures->items[i].want.key, &piece) &&
            slab_piece_seen(slab, piece, visible))
            met = failures->items[i].seen = true;
    }
    slab_destroy(slab);
    return met;
}

size_t failures_seen(const struct failures *failures)
{
    size_t seen = 0;
    for (size_t i = 0; i < failures->count; i++)
        seen += failures->items[i].seen;
    return seen;
}
