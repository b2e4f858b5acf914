/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/view_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/call.h"
#include "module/registry.h"
#include "module/services.h"
#include "render/dataset.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"

/* Layers whose slices change together appear together, but do not wait longer for each other. */
#define TOGETHER_NS (150 * NS_PER_MS)
/* A slice without a base appears piece by piece after this. */
#define PIECEWISE_NS (200 * NS_PER_MS)
/* While a slider runs faster than data comes, a slice that has been on its way is let through when
 * the picture has not changed for STARVED_NS, unless it takes longer than PATIENCE_NS. */
#define STARVED_NS (150 * NS_PER_MS)
#define PATIENCE_NS (1 * NS_PER_S)
#define MAX_SHRINK 8u

struct view *view_create(struct loader *loader, struct lane *lane, const struct plan_policy *policy,
                         const struct render_events *events)
{
    struct view *view = xcalloc(1, sizeof *view);
    view->loader = loader;
    view->lane = lane;
    view->policy = *policy;
    view->events = *events;
    view->next_id = 1;
    return view;
}

static void retire(struct view *view, struct slab *slab)
{
    uint64_t id = slab ? slab->id : 0;
    slab_destroy(slab);
    if (id && view->scene)
        MODULE_CALL(view->use, "evict", view->scene->evict(view->self, id));
}

static bool in_pair(const struct pair *pair, const struct slab *slab)
{
    return slab && (pair->base == slab || pair->detail == slab);
}

/* Replaces *pair; slabs that stand neither in `with` nor in `other` go. */
static void pair_replace(struct view *view, struct pair *pair, struct pair with,
                         const struct pair *other)
{
    struct pair old = *pair;
    *pair = with;
    if (!in_pair(&with, old.base) && !in_pair(other, old.base))
        retire(view, old.base);
    if (old.detail != old.base && !in_pair(&with, old.detail) && !in_pair(other, old.detail))
        retire(view, old.detail);
}

static void layer_clear(struct view *view, struct layer *layer)
{
    pair_replace(view, &layer->next, (struct pair){0}, &layer->shown);
    pair_replace(view, &layer->shown, (struct pair){0}, &layer->next);
}

static void layer_destroy(struct view *view, struct layer *layer)
{
    layer_clear(view, layer);
    failures_free(&layer->failures);
    free(layer);
}

void view_destroy(struct view *view)
{
    if (!view)
        return;
    view->scene = NULL;
    for (uint32_t i = 0; i < view->layer_count; i++)
        layer_destroy(view, view->layers[i]);
    free(view->scratch.data);
    free(view->layers);
    free(view->out);
    free(view);
}

void view_set_scene(struct view *view, const struct module_use *scene, void *self,
                    uint32_t max_texture_2d, uint32_t max_texture_3d)
{
    if (view->placing) /* the module has ended the thread meanwhile */
        loader_release(view->loader, view->placing);
    view->placing = NULL;
    buffer_unref(view->placing_made);
    view->placing_made = NULL;
    view->scene = NULL; /* what it knew is gone */
    for (uint32_t i = 0; i < view->layer_count; i++)
        layer_clear(view, view->layers[i]);
    view->use = scene;
    view->scene = scene ? scene->vtable : NULL;
    view->self = self;
    if (scene)
        loader_lock_pages(view->loader);
    view->policy.max_texture_2d = max_texture_2d;
    view->policy.max_texture_3d = max_texture_3d;
}

void view_settle(struct view *view, const struct module_use *scene,
                 const struct render_events *events)
{
    view->use = scene;
    view->events = *events;
    for (uint32_t i = 0; i < view->layer_count; i++) {
        view->stale |= view->layers[i]->shrink > 0;
        view->layers[i]->shrink = 0;
    }
}

static struct slab *obtain(struct view *view, struct layer *layer, const struct plan_slab *plan)
{
    struct slab *known[] = {layer->shown.base, layer->shown.detail, layer->next.base,
                            layer->next.detail};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i] && plan_slab_equal(&known[i]->plan, plan))
            return known[i];
    }
    view->wants_changed = true;
    return slab_create(plan, layer->key, view->next_id++);
}

static bool starving(const struct layer *layer, const struct plan_view *wanted, int64_t now_ns)
{
    const struct pair *next = &layer->next;
    bool on_its_way = next->any && next->base && next->base->missing > 0;
    bool moved_on = !plan_view_equal(&next->view, wanted) &&
                    !(layer->shown.any && plan_view_equal(&layer->shown.view, wanted));
    return layer->shown.any && on_its_way && moved_on && now_ns - layer->shown_ns > STARVED_NS &&
           now_ns - layer->next_ns < PATIENCE_NS;
}

/* The level that is wanted, or, when some of it cannot be read, the next coarser one without gaps.
 * In 2-D, where the coarsest shows through gaps, the one that is wanted if there is none. */
static void plan_readable(struct layer *layer, const struct scene_snapshot *snapshot,
                          uint32_t index, const struct oriel_source_info *info,
                          struct plan_policy *policy, bool resting, int64_t now_ns)
{
    struct plan_memory before = layer->memory;
    struct plan *plan = &layer->plan;
    failures_begin(&layer->failures, snapshot->bindings[index].dataset);
    layer->failures_planned = layer->failures.count;
    plan_layer(snapshot, index, info, policy, resting, now_ns, &layer->memory, plan);
    struct plan wanted = *plan;
    struct plan_memory memory = layer->memory;
    uint32_t level = plan->level;
    while (plan->shown && plan->has_detail && plan->has_base &&
           failures_meet(&layer->failures, &plan->detail, &plan->visible)) {
        policy->finest = ++level;
        layer->memory = before;
        plan_layer(snapshot, index, info, policy, resting, now_ns, &layer->memory, plan);
        if (plan->level != level) /* locked */
            break;
    }
    if (wanted.has_detail && !plan->has_detail && snapshot->scene.ndisplay != 3) {
        *plan = wanted;
        layer->memory = memory;
    }
}

/* True when what is on display changed. */
static bool layer_plan(struct view *view, struct layer *layer,
                       const struct scene_snapshot *snapshot, uint32_t index, bool resting,
                       int64_t now_ns)
{
    const struct oriel_source_info *info = dataset_info(snapshot->bindings[index].dataset);
    struct plan_policy policy = view->policy;
    policy.max_volume_bytes >>= layer->shrink;
    if (layer->shrink)
        policy.max_slice_bytes = (UINT64_C(512) << 20) >> layer->shrink;
    layer->level_count = info->level_count;
    layer->visible = snapshot->scene.layers[index]->visible;
    plan_readable(layer, snapshot, index, info, &policy, resting, now_ns);

    const struct plan *plan = &layer->plan;
    const struct plan_view *wanted = &plan->base.view;
    if (!plan->shown || !layer->visible) {
        bool keep = plan->shown && layer->shown.any && plan_view_equal(&layer->shown.view, wanted);
        bool had = layer->shown.any;
        view->wants_changed = true;
        pair_replace(view, &layer->next, (struct pair){0}, &layer->shown);
        if (!keep)
            pair_replace(view, &layer->shown, (struct pair){0}, &layer->next);
        return had && !keep;
    }
    if (starving(layer, wanted, now_ns)) {
        view->held = true;
        return false;
    }
    bool same_slice = layer->next.any && plan_view_equal(&layer->next.view, wanted);
    struct pair next = {
        .any = true,
        .view = *wanted,
        .base = plan->has_base ? obtain(view, layer, &plan->base) : NULL,
        .detail = plan->has_detail ? obtain(view, layer, &plan->detail) : NULL,
    };
    view->wants_changed = true; /* what is seen, and so the order, changes with every pose */
    if (layer->shown.any && next.base == layer->shown.base && next.detail == layer->shown.detail &&
        plan_view_equal(&layer->shown.view, wanted))
        next = (struct pair){0};
    pair_replace(view, &layer->next, next, &layer->shown);
    if (next.any && !same_slice)
        layer->next_ns = now_ns;
    return false;
}

bool view_plan(struct view *view, const struct scene_snapshot *snapshot, bool resting,
               int64_t now_ns)
{
    uint32_t count = snapshot->scene.layer_count;
    struct layer **layers = xcalloc(count, sizeof *layers);
    bool changed = count != view->layer_count;
    view->stale = view->held = false;
    view->wants_changed |= changed;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = snapshot->scene.layers[i]->key;
        for (uint32_t j = 0; j < view->layer_count && !layers[i]; j++) {
            if (view->layers[j] && view->layers[j]->key == key) {
                layers[i] = view->layers[j];
                view->layers[j] = NULL;
                changed |= i != j;
            }
        }
        if (!layers[i]) {
            layers[i] = xcalloc(1, sizeof *layers[i]);
            layers[i]->key = key;
        }
    }
    struct layer **gone = view->layers;
    uint32_t gone_count = view->layer_count;
    view->layers = layers;
    view->layer_count = count;
    for (uint32_t j = 0; j < gone_count; j++) {
        if (gone[j])
            layer_destroy(view, gone[j]);
    }
    free(gone);
    for (uint32_t i = 0; i < count; i++)
        changed |= layer_plan(view, layers[i], snapshot, i, resting, now_ns);
    return changed;
}

bool view_stale(const struct view *view)
{
    return view->stale;
}

static bool other_slice(const struct layer *layer)
{
    return layer->next.any &&
           !(layer->shown.any && plan_view_equal(&layer->shown.view, &layer->next.view));
}

/* What comes next is as good as what is on display. */
static bool ready(const struct layer *layer, int64_t now_ns)
{
    const struct pair *shown = &layer->shown, *next = &layer->next;
    struct slab_area fine = {0};
    if (next->detail)
        fine = slab_measure(next->detail, &layer->plan.visible);
    bool base_there = next->base && next->base->missing == 0;
    bool detail_there = next->detail && fine.there + fine.failed >= fine.seen;
    if (!shown->any || base_there + detail_there == 2)
        return true;
    if (other_slice(layer)) {
        if (!next->base && !next->detail)
            return true;
        if (!next->base && now_ns - layer->next_ns >= PIECEWISE_NS && fine.there > 0)
            return true;
        return base_there || detail_there;
    }
    bool base_kept = next->base == shown->base || !shown->base || base_there;
    if (!base_kept)
        return detail_there;
    if (!next->detail)
        return !shown->detail || base_there || !next->base;
    if (!shown->detail || detail_there)
        return true;
    struct slab_area old = slab_measure(shown->detail, &layer->plan.visible);
    return fine.there > 0 && fine.there >= old.there;
}

static void promote(struct view *view, struct layer *layer, int64_t now_ns)
{
    if (other_slice(layer))
        layer->shown_ns = now_ns;
    view->stale |= view->held;
    struct pair next = layer->next;
    layer->next = (struct pair){0};
    pair_replace(view, &layer->shown, next, &layer->next);
}

static bool promote_all(struct view *view, int64_t now_ns)
{
    bool changed = false, all_ready = true, late = false;
    for (uint32_t i = 0; i < view->layer_count; i++) {
        struct layer *layer = view->layers[i];
        if (!layer->visible || !other_slice(layer))
            continue;
        view->stale |= view->held && now_ns - layer->next_ns >= PATIENCE_NS;
        all_ready &= ready(layer, now_ns);
        late |= now_ns - layer->next_ns >= TOGETHER_NS;
    }
    for (uint32_t i = 0; i < view->layer_count; i++) {
        struct layer *layer = view->layers[i];
        if (!layer->next.any || !ready(layer, now_ns))
            continue;
        if (other_slice(layer) && !all_ready && !late && layer->shown.any)
            continue;
        promote(view, layer, now_ns);
        changed = true;
    }
    return changed;
}

int64_t view_deadline(const struct view *view, int64_t now_ns)
{
    int64_t deadline = INT64_MAX;
    for (uint32_t i = 0; i < view->layer_count; i++) {
        const struct layer *layer = view->layers[i];
        if (!other_slice(layer))
            continue;
        int64_t times[] = {layer->next_ns + TOGETHER_NS, layer->next_ns + PIECEWISE_NS,
                           view->held ? layer->next_ns + PATIENCE_NS : 0};
        for (unsigned t = 0; t < sizeof times / sizeof *times; t++) {
            if (times[t] > now_ns && times[t] < deadline)
                deadline = times[t];
        }
    }
    return deadline;
}

static void tell(struct view *view, const struct layer *layer, enum render_notice_kind kind,
                 uint32_t level, uint64_t outstanding, const char *text)
{
    struct render_notice notice = {.kind = kind,
                                   .layer = layer->key,
                                   .level = level,
                                   .level_count = layer->level_count,
                                   .outstanding = outstanding};
    snprintf(notice.text, sizeof notice.text, "%s", text);
    if (view->events.notice)
        view->events.notice(view->events.data, &notice);
}

/* What the canvas waits for, without the margins. */
static uint64_t outstanding_bytes(const struct layer *layer)
{
    const struct pair *pair = layer_target(layer);
    const struct slab *slabs[] = {pair->base, pair->detail};
    uint64_t sum = 0;
    for (unsigned s = 0; s < 2; s++) {
        if (!slabs[s] || slabs[s]->missing == 0)
            continue;
        uint64_t bytes = dtype_bytes(slabs[s]->info->dtype);
        for (uint32_t a = 0; a < slabs[s]->info->ndim; a++)
            bytes *= slabs[s]->plan.block[a];
        sum += bytes * slab_measure(slabs[s], &layer->plan.visible).missing;
    }
    return sum;
}

static uint32_t shown_level(const struct layer *layer)
{
    const struct pair *shown = &layer->shown;
    bool fine = shown->detail && slab_measure(shown->detail, &layer->plan.visible).there > 0;
    if (fine || !shown->base)
        return shown->detail ? shown->detail->plan.level : layer->plan.level;
    return shown->base->plan.level;
}

/* All that comes has come. */
static void note_unread(struct view *view, struct layer *layer, size_t unread, uint32_t level)
{
    view->stale |= layer->failures_planned != layer->failures.count;
    if (unread <= layer->failures_told)
        return;
    layer->failures_told = unread;
    char text[sizeof layer->failure + 32];
    size_t others = unread - 1;
    if (others > 0)
        snprintf(text, sizeof text, "%.470s … and %zu more", layer->failure, others);
    else
        snprintf(text, sizeof text, "%s", layer->failure);
    tell(view, layer, RENDER_NOTICE_DATA_ERROR, level, 0, text);
}

static void note_levels_and_failures(struct view *view)
{
    for (uint32_t i = 0; i < view->layer_count; i++) {
        struct layer *layer = view->layers[i];
        const struct pair *pair = layer_target(layer);
        if (!layer->visible || !layer->plan.shown)
            continue;
        uint64_t outstanding = outstanding_bytes(layer);
        if (layer->told_loading != (outstanding > 0)) {
            layer->told_loading = outstanding > 0;
            tell(view, layer, RENDER_NOTICE_LOADING, layer->plan.level, outstanding, "");
        }
        uint32_t level = shown_level(layer);
        if (layer->shown.any && (!layer->told_level_once || layer->told_level != level)) {
            layer->told_level_once = true;
            layer->told_level = level;
            tell(view, layer, RENDER_NOTICE_LEVEL, level, outstanding, "");
        }
        size_t failed =
            (pair->base ? pair->base->failed : 0) + (pair->detail ? pair->detail->failed : 0);
        size_t unread = failures_seen(&layer->failures);
        if (unread > 0 && outstanding == 0)
            note_unread(view, layer, unread, level);
        if (layer->failed && failed == 0 && unread == 0 && outstanding == 0) {
            layer->failed = false;
            layer->failures_told = 0;
            tell(view, layer, RENDER_NOTICE_DATA_OK, level, outstanding, "");
        }
    }
}

static void piece_unread(struct layer *layer, struct slab *slab, size_t piece, const char *failure)
{
    struct want want;
    slab_want(slab, piece, &want);
    slab_set(slab, piece, PIECE_FAILED);
    failures_add(&layer->failures, &want);
    if (!layer->failed)
        snprintf(layer->failure, sizeof layer->failure, "%s", failure);
    layer->failed = true;
}

static void piece_refused(struct view *view, struct layer *layer, struct slab *slab, size_t piece,
                          const char *failure)
{
    bool news = !layer->failed || (slab->failed == 0 && strcmp(layer->failure, failure) != 0);
    slab_set(slab, piece, PIECE_FAILED);
    snprintf(layer->failure, sizeof layer->failure, "%s", failure);
    layer->failed = true;
    if (news)
        tell(view, layer, RENDER_NOTICE_DATA_ERROR, slab->plan.level, 0, failure);
}

static oriel_result piece_upload(struct view *view, struct layer *layer, struct slab *slab,
                                 size_t piece, const struct block *block, const struct made *made)
{
    struct oriel_slab out;
    oriel_result result = ORIEL_NOMEM;
    if (slab_describe(slab, piece, block, made, &view->scratch, &out)) {
        if (slab->missing + slab->failed == 1)
            out.flags |= ORIEL_SLAB_COMPLETE;
        result = MODULE_CALL(view->use, "upload", view->scene->upload(view->self, &out));
    }
    if (result == ORIEL_OK) {
        slab->allocated = true;
        slab_set(slab, piece, PIECE_THERE);
    } else if (result == ORIEL_NOMEM && layer->shrink < MAX_SHRINK) {
        layer->shrink++;
        view->stale = true;
        log_warn(LOG_RENDER, "no room on the GPU for level %u (%u x %u x %u): asking for less",
                 slab->plan.level, out.shape[0], out.shape[1], out.shape[2]);
        return ORIEL_OK;
    } else if (result != ORIEL_DEVICE_LOST && result != ORIEL_FATAL) {
        const char *why = services_failure();
        piece_refused(view, layer, slab, piece,
                      *why ? why : "the scene module has no room for this layer");
        return result == ORIEL_INVALID ? result : ORIEL_OK;
    }
    return result;
}

static oriel_result place(struct view *view, const struct block *block, const struct made *made,
                          const char *failure, bool *changed)
{
    for (uint32_t i = 0; i < view->layer_count; i++) {
        struct layer *layer = view->layers[i];
        bool healed = !failure && failures_remove(&layer->failures, &block->key);
        struct slab *slabs[] = {layer->shown.base, layer->shown.detail, layer->next.base,
                                layer->next.detail};
        for (unsigned s = 0; s < 4; s++) {
            size_t piece;
            if (!slabs[s] || !slab_find(slabs[s], &block->key, &piece) ||
                slabs[s]->pieces[piece] == PIECE_THERE)
                continue;   /* a slab in both pairs is met twice and then there */
            healed = false; /* it has a place */
            if (failure) {
                piece_unread(layer, slabs[s], piece, failure);
                continue;
            }
            oriel_result result = piece_upload(view, layer, slabs[s], piece, block, made);
            if (result != ORIEL_OK)
                return result;
            *changed |= s < 2 && slab_piece_seen(slabs[s], piece, &layer->plan.visible);
        }
        view->stale |= healed; /* for a level that was given up */
    }
    return ORIEL_OK;
}

oriel_result view_upload(struct view *view, int64_t now_ns, int64_t until_ns, bool *more,
                         bool *changed)
{
    *more = false;
    *changed = promote_all(view, now_ns);
    char *failure = NULL;
    oriel_result result = ORIEL_OK;
    struct made made;
    for (struct block *block;
         result == ORIEL_OK && (block = lane_take(view->lane, &made, &failure)); free(failure)) {
        view->placing = block;
        view->placing_made = made.memory;
        result = place(view, block, &made, failure, changed);
        view->placing = NULL;
        view->placing_made = NULL;
        buffer_unref(made.memory);
        loader_release(view->loader, block);
        if (clock_ns() >= until_ns) {
            *more = true;
            free(failure);
            break;
        }
    }
    *changed |= promote_all(view, now_ns);
    note_levels_and_failures(view);
    return result;
}

void view_want(struct view *view)
{
    if (view->wants_changed)
        view_state_wants(view);
    view->wants_changed = false;
}

const struct oriel_view_layer *view_layers(struct view *view, uint32_t *count)
{
    view->out = xrealloc(view->out, view->layer_count * sizeof *view->out);
    for (uint32_t i = 0; i < view->layer_count; i++) {
        const struct layer *layer = view->layers[i];
        const struct slab *base = layer->shown.base, *detail = layer->shown.detail;
        view->out[i] = (struct oriel_view_layer){
            .layer = layer->key,
            .base = base && base->allocated ? base->id : 0,
            .detail = detail && detail->allocated ? detail->id : 0,
        };
    }
    *count = view->layer_count;
    return view->out;
}

void view_get_status(struct view *view, struct view_status *status)
{
    *status = (struct view_status){
        .coverage = 1, .settled = !view->stale && !view->held, .level_count = 1};
    double sum = 0;
    unsigned counted = 0;
    for (uint32_t i = 0; i < view->layer_count; i++) {
        const struct layer *layer = view->layers[i];
        const struct plan *plan = &layer->plan;
        if (!layer->visible || !plan->shown)
            continue;
        const struct pair *pair = layer_target(layer);
        status->settled &= plan->settled;
        status->outstanding += outstanding_bytes(layer);
        status->failed |= (pair->base && pair->base->failed) ||
                          (pair->detail && pair->detail->failed) ||
                          failures_seen(&layer->failures) > 0;
        if (layer->level_count > 1 || status->level_count == 1) {
            status->level_count = layer->level_count;
            status->level = shown_level(layer);
        }
        if (!plan->has_base && !plan->has_detail)
            continue;
        counted++;
        const struct slab *wanted = plan->has_detail ? layer->shown.detail : layer->shown.base;
        if (!layer->shown.any || other_slice(layer) || !wanted ||
            !plan_slab_equal(&wanted->plan, plan->has_detail ? &plan->detail : &plan->base))
            continue;
        struct slab_area area = slab_measure(wanted, &plan->visible);
        sum += area.seen > 0 ? area.there / area.seen : 1;
    }
    if (counted)
        status->coverage = sum / counted;
}

const char *view_failure(const struct view *view)
{
    for (uint32_t i = 0; i < view->layer_count; i++) {
        if (view->layers[i]->failed)
            return view->layers[i]->failure;
    }
    return "";
}
