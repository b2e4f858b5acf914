/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/slab.h"

#include <stdlib.h>
#include <string.h>

#include "render/convert.h"
#include "render/dataset.h"
#include "util/check.h"

/* Voxels [low, low + extent) of the slab that a piece holds. */
static bool piece_voxels(const struct slab *slab, size_t piece, uint32_t low[3], uint32_t extent[3])
{
    size_t rest = piece;
    for (unsigned d = 0; d < 3; d++) {
        uint64_t place = slab->grid_first[d] + rest % slab->grid_count[d];
        rest /= slab->grid_count[d];
        low[d] = 0;
        extent[d] = 1;
        if (slab->plan.view.axis[d] < 0)
            continue;
        uint64_t block = slab->plan.block[slab->plan.view.axis[d]];
        uint64_t origin = slab->plan.origin[d], stride = slab->plan.stride[d];
        uint64_t begin = place * block, end = begin + block;
        uint64_t first = begin > origin ? (begin - origin + stride - 1) / stride : 0;
        uint64_t last = (end - origin + stride - 1) / stride; /* exclusive; end > origin */
        if (last > slab->plan.shape[d])
            last = slab->plan.shape[d];
        if (first >= last)
            return false; /* thinning leaves nothing of this block */
        low[d] = (uint32_t)first;
        extent[d] = (uint32_t)(last - first);
    }
    return true;
}

struct slab *slab_create(const struct plan_slab *plan, uint64_t layer, uint64_t id)
{
    struct slab *slab = xcalloc(1, sizeof *slab);
    slab->id = id;
    slab->layer = layer;
    slab->plan = *plan;
    dataset_ref(plan->view.dataset);
    slab->info = dataset_info(plan->view.dataset);
    slab->piece_count = 1;
    for (unsigned d = 0; d < 3; d++) {
        plan_grid(plan, d, &slab->grid_first[d], &slab->grid_count[d]);
        slab->piece_count *= slab->grid_count[d];
    }
    slab->pieces = xcalloc(slab->piece_count, sizeof *slab->pieces);
    slab->missing = slab->piece_count;
    for (size_t i = 0; i < slab->piece_count; i++) {
        uint32_t low[3], extent[3];
        if (!piece_voxels(slab, i, low, extent))
            slab_set(slab, i, PIECE_THERE);
    }
    return slab;
}

void slab_destroy(struct slab *slab)
{
    if (!slab)
        return;
    dataset_unref(slab->plan.view.dataset);
    free(slab->pieces);
    free(slab);
}

void slab_set(struct slab *slab, size_t piece, enum piece_state state)
{
    slab->missing -= slab->pieces[piece] == PIECE_MISSING;
    slab->failed -= slab->pieces[piece] == PIECE_FAILED;
    slab->pieces[piece] = (uint8_t)state;
    slab->missing += state == PIECE_MISSING;
    slab->failed += state == PIECE_FAILED;
}

bool slab_find(const struct slab *slab, const struct block_key *key, size_t *piece)
{
    if (key->dataset != dataset_key(slab->plan.view.dataset) || key->level != slab->plan.level)
        return false;
    size_t index = 0, factor = 1;
    bool shown[ORIEL_MAX_AXES] = {false};
    for (unsigned d = 0; d < 3; d++) {
        int32_t a = slab->plan.view.axis[d];
        if (a < 0)
            continue;
        shown[a] = true;
        uint64_t place = key->index[a] - slab->grid_first[d]; /* wraps to a large number below */
        if (place >= slab->grid_count[d])
            return false;
        index += place * factor;
        factor *= slab->grid_count[d];
    }
    for (uint32_t a = 0; a < slab->info->ndim; a++) {
        if (!shown[a] && key->index[a] != slab->plan.index[a] / slab->plan.block[a])
            return false;
    }
    *piece = index;
    return true;
}

void slab_piece_box(const struct slab *slab, size_t piece, double low[3], double high[3])
{
    uint32_t first[3], extent[3];
    if (!piece_voxels(slab, piece, first, extent))
        memset(extent, 0, sizeof extent);
    for (unsigned d = 0; d < 3; d++) {
        double a = slab->plan.scale[d] * (first[d] - 0.5) + slab->plan.translate[d];
        double b = a + slab->plan.scale[d] * extent[d];
        low[d] = a < b ? a : b;
        high[d] = a < b ? b : a;
    }
}

/* All of the piece but its data, which are those that `gather` makes, or when it has nothing to do
 * those at `first`. */
static void layout(const struct slab *slab, size_t piece, const struct want *want,
                   struct oriel_slab *out, struct gather *gather)
{
    const struct plan_slab *plan = &slab->plan;
    uint32_t dtype = slab->info->dtype, ndim = slab->info->ndim;
    *gather = (struct gather){0};
    *out = (struct oriel_slab){
        .size = sizeof *out,
        .layer = slab->layer,
        .id = slab->id,
        .level = plan->level,
        .ndisplay = plan->view.ndisplay,
        .dtype = convert_type(dtype),
    };
    memcpy(out->shape, plan->shape, sizeof out->shape);
    memcpy(out->scale, plan->scale, sizeof out->scale);
    memcpy(out->translate, plan->translate, sizeof out->translate);
    if (!piece_voxels(slab, piece, out->offset, out->extent))
        return;

    /* Bytes from one index to the next along every dataset axis of the block. */
    uint64_t pitch[ORIEL_MAX_AXES], dense = dtype_bytes(dtype);
    for (uint32_t a = ndim; a-- > 0;) {
        pitch[a] = dense;
        dense *= want->shape[a];
    }
    uint64_t step[3] = {0, 0, 0};
    bool shown[ORIEL_MAX_AXES] = {false};
    for (unsigned d = 0; d < 3; d++) {
        int32_t a = plan->view.axis[d];
        if (a < 0)
            continue;
        shown[a] = true;
        step[d] = pitch[a] * plan->stride[d];
        gather->first +=
            pitch[a] * (plan->origin[d] + out->offset[d] * plan->stride[d] - want->origin[a]);
    }
    for (uint32_t a = 0; a < ndim; a++) {
        if (!shown[a])
            gather->first += pitch[a] * (plan->index[a] - want->origin[a]);
    }

    uint64_t item = dtype_bytes(out->dtype);
    uint64_t row = item * out->extent[0];
    bool as_is =
        dtype == ORIEL_U8 || dtype == ORIEL_BOOL || dtype == ORIEL_U16 || dtype == ORIEL_F32;
    /* OpenGL reads rows of values and images of rows: the steps have to be whole and ascending. */
    uint64_t row_step = out->extent[1] > 1 ? step[1] : row;
    uint64_t slice_step = out->extent[2] > 1 ? step[2] : row_step * out->extent[1];
    if (as_is && (step[0] == item || out->extent[0] == 1) && row_step >= row &&
        row_step % item == 0 && slice_step >= row_step * out->extent[1] &&
        slice_step % row_step == 0) {
        out->row_bytes = row_step;
        out->slice_bytes = slice_step;
        return;
    }
    out->row_bytes = row;
    out->slice_bytes = row * out->extent[1];
    gather->dtype = dtype;
    memcpy(gather->step, step, sizeof gather->step);
    memcpy(gather->extent, out->extent, sizeof gather->extent);
}

void slab_want(const struct slab *slab, size_t piece, struct want *want)
{
    uint64_t place[3];
    size_t rest = piece;
    for (unsigned d = 0; d < 3; d++) {
        place[d] = slab->grid_first[d] + rest % slab->grid_count[d];
        rest /= slab->grid_count[d];
    }
    plan_want(&slab->plan, slab->info, place, want);
    struct oriel_slab out;
    layout(slab, piece, want, &out, &want->gather);
}

static void *scratch_reserve(struct scratch *scratch, size_t bytes)
{
    if (scratch->bytes < bytes) {
        free(scratch->data);
        scratch->data = malloc(bytes);
        scratch->bytes = scratch->data ? bytes : 0;
    }
    return scratch->data;
}

bool slab_describe(const struct slab *slab, size_t piece, const struct block *block,
                   const struct made *made, struct scratch *scratch, struct oriel_slab *out)
{
    struct want want;
    struct gather gather;
    slab_want(slab, piece, &want);
    layout(slab, piece, &want, out, &gather);
    if (!gather.dtype) {
        out->data = (const uint8_t *)block->data + gather.first;
        out->hold = block->locked ? block->memory : NULL;
    } else if (made && made->memory && memcmp(&made->gather, &gather, sizeof gather) == 0) {
        out->data = made->memory->data;
        out->hold = made->locked ? made->memory : NULL;
    } else {
        void *to = scratch_reserve(scratch, gather_bytes(&gather));
        if (!to)
            return false;
        gather_run(&gather, block->data, to);
        out->data = to;
    }
    return true;
}

static double overlap(double a0, double a1, double b0, double b1)
{
    double low = a0 > b0 ? a0 : b0, high = a1 < b1 ? a1 : b1;
    return high > low ? high - low : 0;
}

static double seen_part(const struct slab *slab, size_t piece, const struct plan_rect *visible)
{
    double low[3], high[3];
    slab_piece_box(slab, piece, low, high);
    return overlap(low[0], high[0], visible->low[0], visible->high[0]) *
           overlap(low[1], high[1], visible->low[1], visible->high[1]);
}

/* What all pieces together show of it. */
static double seen_whole(const struct slab *slab, const struct plan_rect *visible)
{
    double part = 1;
    for (unsigned d = 0; d < 2; d++) {
        double a = slab->plan.translate[d] - slab->plan.scale[d] * 0.5;
        double b = a + slab->plan.scale[d] * slab->plan.shape[d];
        part *= overlap(a < b ? a : b, a < b ? b : a, visible->low[d], visible->high[d]);
    }
    return part;
}

bool slab_piece_seen(const struct slab *slab, size_t piece, const struct plan_rect *visible)
{
    return slab->plan.view.ndisplay == 3 || seen_part(slab, piece, visible) > 0;
}

struct slab_area slab_measure(const struct slab *slab, const struct plan_rect *visible)
{
    struct slab_area area = {0};
    if (slab->plan.view.ndisplay == 3) {
        double all = (double)slab->piece_count;
        area.seen = 1;
        area.there = (double)(slab->piece_count - slab->missing - slab->failed) / all;
        area.failed = (double)slab->failed / all;
        area.missing = slab->missing;
        return area;
    }
    if (slab->missing + slab->failed == 0) {
        area.seen = area.there = seen_whole(slab, visible);
        return area;
    }
    for (size_t i = 0; i < slab->piece_count; i++) {
        double part = seen_part(slab, i, visible);
        area.seen += part;
        area.there += slab->pieces[i] == PIECE_THERE ? part : 0;
        area.failed += slab->pieces[i] == PIECE_FAILED ? part : 0;
        area.missing += part > 0 && slab->pieces[i] == PIECE_MISSING;
    }
    return area;
}
