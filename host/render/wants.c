/* SPDX-License-Identifier: BSD-3-Clause */
/* The want list of a view (docs/rendering.md, "Order of loading"). */
#include <stdlib.h>
#include <string.h>

#include "render/dataset.h"
#include "render/view_internal.h"
#include "util/check.h"

enum urgency { URGENT_BASE, URGENT_SEEN, URGENT_MARGIN, URGENT_LATER };

struct ranked {
    struct want want;
    enum urgency urgency;
    double distance; /* from the middle of what is looked at, squared */
};

struct list {
    struct ranked *items;
    size_t count, capacity;
};

static struct ranked *list_add(struct list *list)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 256;
        list->items = xrealloc(list->items, list->capacity * sizeof *list->items);
    }
    return &list->items[list->count++];
}

static void middle_of(const struct slab *slab, const struct plan *plan, double middle[3])
{
    for (unsigned d = 0; d < 3; d++)
        middle[d] = slab->plan.translate[d] + slab->plan.scale[d] * (slab->plan.shape[d] - 1) / 2.0;
    if (slab->plan.view.ndisplay == 2) {
        middle[0] = (plan->visible.low[0] + plan->visible.high[0]) / 2;
        middle[1] = (plan->visible.low[1] + plan->visible.high[1]) / 2;
    }
}

static void add_slab(struct list *list, const struct slab *slab, const struct plan *plan, bool base)
{
    if (!slab || slab->missing + slab->failed == 0)
        return;
    double middle[3];
    middle_of(slab, plan, middle);
    for (size_t i = 0; i < slab->piece_count; i++) {
        if (slab->pieces[i] == PIECE_THERE)
            continue;
        double low[3], high[3];
        slab_piece_box(slab, i, low, high);
        struct ranked *item = list_add(list);
        bool seen = slab_piece_seen(slab, i, &plan->visible);
        *item = (struct ranked){.urgency = base ? URGENT_BASE : seen ? URGENT_SEEN : URGENT_MARGIN};
        slab_want(slab, i, &item->want);
        for (unsigned d = 0; d < 3; d++) {
            double off = (low[d] + high[d]) / 2 - middle[d];
            item->distance += off * off;
        }
    }
}

static uint64_t want_bytes(const struct want *want, const struct oriel_source_info *info)
{
    uint64_t bytes = dtype_bytes(info->dtype);
    for (uint32_t a = 0; a < info->ndim; a++)
        bytes *= want->shape[a];
    return bytes;
}

/* The slices before and after along every axis that has a slider, as far as `room` bytes go. */
static void add_neighbours(struct list *list, const struct slab *slab, const struct plan *plan,
                           uint64_t *room)
{
    const struct oriel_source_info *info = slab->info;
    bool shown[ORIEL_MAX_AXES] = {false};
    for (unsigned d = 0; d < 3; d++) {
        if (slab->plan.view.axis[d] >= 0)
            shown[slab->plan.view.axis[d]] = true;
    }
    double middle[3];
    middle_of(slab, plan, middle);
    for (uint32_t a = 0; a < info->ndim; a++) {
        uint64_t length = info->levels[slab->plan.level].shape[a], block = slab->plan.block[a];
        for (int side = 1; side >= -1 && !shown[a]; side -= 2) {
            uint64_t there = slab->plan.index[a] + (uint64_t)(int64_t)side; /* wraps below 0 */
            if (there >= length || there / block == slab->plan.index[a] / block)
                continue;
            struct slab neighbour = *slab;
            neighbour.plan.index[a] = there;
            for (size_t i = 0; i < slab->piece_count; i++) {
                if (!slab_piece_seen(slab, i, &plan->visible))
                    continue;
                double low[3], high[3];
                slab_piece_box(slab, i, low, high);
                struct want want;
                slab_want(&neighbour, i, &want);
                uint64_t bytes = want_bytes(&want, info);
                if (bytes > *room)
                    return;
                *room -= bytes;
                struct ranked *item = list_add(list);
                *item = (struct ranked){.want = want, .urgency = URGENT_LATER};
                item->want.prefetch = true;
                for (unsigned d = 0; d < 3; d++) {
                    double off = (low[d] + high[d]) / 2 - middle[d];
                    item->distance += off * off;
                }
            }
        }
    }
}

static int by_urgency(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->urgency != y->urgency)
        return x->urgency < y->urgency ? -1 : 1;
    return (x->distance > y->distance) - (x->distance < y->distance);
}

void view_state_wants(struct view *view)
{
    struct list list = {0};
    uint64_t room = lane_prefetch_bytes(view->lane);
    for (uint32_t i = 0; i < view->layer_count; i++) {
        struct layer *layer = view->layers[i];
        const struct pair *pair = layer_target(layer);
        if (!layer->visible || !pair->any)
            continue;
        add_slab(&list, pair->base, &layer->plan, true);
        add_slab(&list, pair->detail, &layer->plan, false);
        for (size_t f = 0; f < layer->failures.count; f++) {
            const struct failure *failure = &layer->failures.items[f];
            if (failure->seen) /* it is tried again */
                *list_add(&list) = (struct ranked){.want = failure->want, .urgency = URGENT_MARGIN};
        }
        const struct slab *best = pair->detail ? pair->detail : pair->base;
        if (best)
            add_neighbours(&list, best, &layer->plan, &room);
    }
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, by_urgency);
    struct want *wants = xcalloc(list.count, sizeof *wants);
    for (size_t i = 0; i < list.count; i++)
        wants[i] = list.items[i].want;
    lane_want(view->lane, wants, list.count);
    free(wants);
    free(list.items);
}
