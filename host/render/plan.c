/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/plan.h"

#include <math.h>
#include <string.h>

#include "render/convert.h"
#include "render/dataset.h"
#include "render/geometry.h"

#define MIB (UINT64_C(1) << 20)
/* A chunk up to this size is read whole; a larger one, and an array that is one chunk of more than
 * BLOCK_BYTES, in parts of at most BLOCK_BYTES. */
#define CHUNK_BYTES (64 * MIB)
#define BLOCK_BYTES (16 * MIB)
/* The base is there to be there at once. */
#define BASE_BYTES (32 * MIB)
/* The margin around the canvas stays below this. */
#define PADDED_BYTES (64 * MIB)

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The largest divisor of `chunk` up to `limit`, so that parts do not cross chunks; `limit` itself
 * when divisors are much smaller. */
static uint64_t part_of(uint64_t chunk, uint64_t limit)
{
    for (uint64_t part = limit; part > limit / 2 && limit - part < 1024; part--) {
        if (chunk % part == 0)
            return part;
    }
    return limit;
}

void plan_block(const struct oriel_source_info *info, uint32_t level, uint64_t *block)
{
    const struct oriel_source_level *l = &info->levels[level];
    uint64_t bytes = dtype_bytes(info->dtype);
    bool single = true;
    for (uint32_t a = 0; a < ORIEL_MAX_AXES; a++)
        block[a] = 1;
    for (uint32_t a = 0; a < info->ndim; a++) {
        single &= l->chunk[a] >= l->shape[a];
        block[a] = smaller(l->chunk[a], l->shape[a]);
        if (__builtin_mul_overflow(bytes, block[a], &bytes))
            bytes = UINT64_MAX;
    }
    if (bytes <= (single ? BLOCK_BYTES : CHUNK_BYTES))
        return;
    /* From the slowest axis on: whole rows stay whole as long as they can. */
    uint64_t inner = dtype_bytes(info->dtype);
    uint32_t axis = info->ndim;
    while (axis > 0 && inner * block[axis - 1] <= BLOCK_BYTES)
        inner *= block[--axis];
    for (uint32_t a = 0; a < axis; a++)
        block[a] = a + 1 < axis ? 1 : part_of(block[a], BLOCK_BYTES / inner);
}

static uint64_t value_bytes(const struct oriel_source_info *info)
{
    return dtype_bytes(convert_type(info->dtype));
}

static uint64_t slab_bytes(const struct plan_slab *slab, const struct oriel_source_info *info)
{
    return value_bytes(info) * slab->shape[0] * slab->shape[1] * slab->shape[2];
}

/* Display axes [low, high) of a level, thinned by `stride`, as a slab. */
static struct plan_slab cut(const struct geometry *g, uint32_t level, const uint64_t low[3],
                            const uint64_t high[3], const uint64_t stride[3])
{
    struct plan_slab slab = {.level = level,
                             .view = {.dataset = g->binding->dataset, .ndisplay = g->ndisplay}};
    plan_block(g->info, level, slab.block);
    for (uint32_t a = 0; a < g->info->ndim; a++) {
        slab.view.slice[a] = g->index[a];
        slab.index[a] = geometry_index(g, level, a);
    }
    for (unsigned d = 0; d < 3; d++) {
        slab.view.axis[d] = g->axis[d];
        slab.view.scale[d] = g->scale[d];
        slab.view.translate[d] = g->translate[d];
        slab.shape[d] = 1;
        slab.stride[d] = 1;
        slab.scale[d] = g->scale[d];
        slab.translate[d] = g->translate[d];
        if (g->axis[d] < 0)
            continue;
        uint32_t a = (uint32_t)g->axis[d];
        struct axis_map map = geometry_axis(g, level, a);
        uint64_t s = smaller(stride[d], high[d] - low[d]);
        double start = (double)g->binding->start[a];
        slab.index[a] = 0;
        slab.view.slice[a] = 0;
        slab.view.translate[d] -= g->scale[d] * start;
        slab.stride[d] = s;
        slab.shape[d] = (uint32_t)ceil_div(high[d] - low[d], s);
        slab.origin[d] = low[d] + smaller((s - 1) / 2, (high[d] - low[d] - 1) % s);
        slab.scale[d] = g->scale[d] * map.scale * (double)s;
        slab.translate[d] = slab.view.translate[d] +
                            g->scale[d] * ((double)slab.origin[d] * map.scale + map.translate);
    }
    return slab;
}

static void level_box(const struct geometry *g, uint32_t level, uint64_t low[3], uint64_t high[3])
{
    for (unsigned d = 0; d < 3; d++) {
        low[d] = 0;
        high[d] = 1;
        if (g->axis[d] < 0)
            continue;
        struct axis_map map = geometry_axis(g, level, (uint32_t)g->axis[d]);
        low[d] = map.first;
        high[d] = map.first + map.count;
    }
}

struct limits {
    uint64_t texture;       /* per axis */
    uint64_t bytes, values; /* 0: no limit */
};

/* Thins a box until it fits: first the axes that exceed the texture, then the longest. */
static struct plan_slab fit(const struct geometry *g, uint32_t level, const uint64_t low[3],
                            const uint64_t high[3], const struct limits *limits)
{
    uint64_t stride[3];
    for (unsigned d = 0; d < 3; d++)
        stride[d] = ceil_div(high[d] - low[d], limits->texture);
    for (;;) {
        struct plan_slab slab = cut(g, level, low, high, stride);
        uint64_t bytes = slab_bytes(&slab, g->info), values = bytes / value_bytes(g->info);
        if ((!limits->bytes || bytes <= limits->bytes) &&
            (!limits->values || values <= limits->values))
            return slab;
        unsigned longest = 0;
        for (unsigned d = 1; d < 3; d++) {
            if (slab.shape[d] > slab.shape[longest])
                longest = d;
        }
        if (slab.shape[longest] == 1)
            return slab;
        stride[longest]++;
    }
}

static bool thinned(const struct plan_slab *slab)
{
    return slab->stride[0] > 1 || slab->stride[1] > 1 || slab->stride[2] > 1;
}

/* The world rectangle of the canvas (render-spec: x right, y down, zoom in pixels for a world
 * unit). */
static struct plan_rect canvas_rect(const struct oriel_snapshot *scene)
{
    double zoom = scene->camera.zoom > 0 ? scene->camera.zoom : 1;
    double size[2] = {scene->width, scene->height};
    struct plan_rect rect;
    for (unsigned d = 0; d < 2; d++) {
        rect.low[d] = scene->camera.center[d] - size[d] / zoom / 2;
        rect.high[d] = scene->camera.center[d] + size[d] / zoom / 2;
    }
    return rect;
}

/* Indices of a level that the canvas shows, `margin` canvases wider on each side. False: none. */
static bool seen(const struct geometry *g, uint32_t level, const struct plan_rect *rect,
                 double margin, uint64_t low[3], uint64_t high[3])
{
    level_box(g, level, low, high);
    for (unsigned d = 0; d < 2; d++) {
        double start = 0, scale = g->scale[d], offset = g->translate[d];
        if (g->axis[d] >= 0) {
            struct axis_map map = geometry_axis(g, level, (uint32_t)g->axis[d]);
            start = (double)g->binding->start[g->axis[d]];
            offset += scale * (map.translate - start);
            scale *= map.scale;
        }
        double a = (rect->low[d] - offset) / scale, b = (rect->high[d] - offset) / scale;
        if (a > b) {
            double swap = a;
            a = b;
            b = swap;
        }
        double pad = (b - a) * margin;
        /* One more on each side for linear interpolation, and one for rounding. */
        a = floor(a - pad) - 1;
        b = ceil(b + pad) + 2;
        if (!(b > (double)low[d]) || !(a < (double)high[d]))
            return false;
        if (a > (double)low[d])
            low[d] = (uint64_t)a;
        if (b < (double)high[d])
            high[d] = (uint64_t)b;
    }
    return true;
}

/* Grows a box to whole blocks, within the level. */
static void align_out(const struct geometry *g, uint32_t level, uint64_t low[3], uint64_t high[3])
{
    uint64_t block[ORIEL_MAX_AXES], first[3], end[3];
    plan_block(g->info, level, block);
    level_box(g, level, first, end);
    for (unsigned d = 0; d < 2; d++) {
        if (g->axis[d] < 0)
            continue;
        uint64_t b = block[g->axis[d]];
        low[d] = low[d] / b * b;
        high[d] = ceil_div(high[d], b) * b;
        low[d] = low[d] > first[d] ? low[d] : first[d];
        high[d] = smaller(high[d], end[d]);
    }
}

static bool covers(const struct plan_slab *slab, const uint64_t low[3], const uint64_t high[3])
{
    for (unsigned d = 0; d < 3; d++) {
        if (slab->view.axis[d] >= 0 &&
            (low[d] < slab->origin[d] ||
             high[d] > slab->origin[d] + slab->shape[d] * slab->stride[d]))
            return false;
    }
    return true;
}

/* The region of a level around the canvas: the one before as long as it still reaches a quarter of
 * a canvas beyond what is seen. */
static struct plan_slab region(const struct geometry *g, uint32_t level,
                               const struct plan_rect *rect, const struct limits *limits,
                               const struct plan_slab *before)
{
    uint64_t low[3], high[3];
    seen(g, level, rect, 0.25, low, high);
    uint64_t unit[3] = {1, 1, 1};
    struct plan_slab same = cut(g, level, low, high, unit);
    if (before && before->level == level && !thinned(before) &&
        plan_view_equal(&before->view, &same.view) && covers(before, low, high))
        return *before;

    static const double margins[] = {0.5, 0.25, 0};
    for (unsigned i = 0; i < sizeof margins / sizeof *margins; i++) {
        seen(g, level, rect, margins[i], low, high);
        align_out(g, level, low, high);
        struct plan_slab slab = cut(g, level, low, high, unit);
        if (slab.shape[0] <= limits->texture && slab.shape[1] <= limits->texture &&
            slab_bytes(&slab, g->info) <=
                (limits->bytes ? smaller(limits->bytes, PADDED_BYTES) : PADDED_BYTES))
            return slab;
    }
    seen(g, level, rect, 0, low, high);
    return fit(g, level, low, high, limits);
}

static bool slice_fits(const struct geometry *g, uint32_t level, const struct plan_rect *rect,
                       uint64_t bytes)
{
    uint64_t low[3], high[3], unit[3] = {1, 1, 1};
    if (!bytes || !seen(g, level, rect, 0, low, high))
        return true;
    struct plan_slab slab = cut(g, level, low, high, unit);
    return slab_bytes(&slab, g->info) <= bytes;
}

/* Texels for a canvas pixel. */
static double oversampling(const struct geometry *g, uint32_t level)
{
    double zoom = g->snapshot->scene.camera.zoom, most = 0;
    for (unsigned d = 0; d < 2; d++) {
        if (g->axis[d] < 0)
            continue;
        struct axis_map map = geometry_axis(g, level, (uint32_t)g->axis[d]);
        double over = 1 / (fabs(g->scale[d] * map.scale) * (zoom > 0 ? zoom : 1));
        most = over > most ? over : most;
    }
    return most;
}

static int32_t locked_level(const struct geometry *g, const struct plan_policy *policy)
{
    int32_t lock = g->binding->level >= 0    ? g->binding->level
                   : g->snapshot->level >= 0 ? g->snapshot->level
                                             : policy->lock;
    int32_t last = (int32_t)g->info->level_count - 1;
    return lock > last ? last : lock;
}

static uint32_t level_2d(const struct geometry *g, const struct plan_policy *policy, bool resting,
                         int64_t now_ns, const struct plan_rect *rect, struct plan_memory *memory,
                         struct plan *plan)
{
    int32_t lock = locked_level(g, policy);
    if (lock >= 0)
        return (uint32_t)lock;
    double over[64];
    uint32_t count = g->info->level_count < 64 ? g->info->level_count : 64;
    for (uint32_t l = 0; l < count; l++)
        over[l] = oversampling(g, l);
    uint32_t level = plan_level(policy, over, count, resting, now_ns, memory);
    plan->settled = level == plan_level(policy, over, count, true, now_ns, memory);
    while (level + 1 < count && !slice_fits(g, level, rect, policy->max_slice_bytes))
        level++;
    return level;
}

static uint32_t level_3d(const struct geometry *g, const struct plan_policy *policy,
                         const struct limits *limits)
{
    int32_t lock = locked_level(g, policy);
    if (lock >= 0)
        return (uint32_t)lock;
    uint32_t level = 0;
    for (; level + 1 < g->info->level_count; level++) {
        uint64_t low[3], high[3], values = 1;
        bool small = true;
        level_box(g, level, low, high);
        for (unsigned d = 0; d < 3; d++) {
            small &= high[d] - low[d] <= limits->texture;
            if (__builtin_mul_overflow(values, high[d] - low[d], &values))
                small = false;
        }
        if (small && (!limits->values || values <= limits->values) &&
            (!limits->bytes || values <= limits->bytes / value_bytes(g->info)))
            break;
    }
    return level;
}

void plan_layer(const struct scene_snapshot *snapshot, uint32_t layer,
                const struct oriel_source_info *info, const struct plan_policy *policy,
                bool resting, int64_t now_ns, struct plan_memory *memory, struct plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->settled = true;
    struct geometry g;
    if (info->level_count == 0 || !geometry_init(&g, snapshot, layer, info))
        return;
    plan->shown = true;

    bool volume = g.ndisplay == 3;
    struct limits limits = {policy->max_texture_2d, policy->max_slice_bytes, 0};
    if (volume)
        limits = (struct limits){policy->max_texture_3d, policy->max_volume_bytes,
                                 policy->max_volume_voxels};
    plan->visible = canvas_rect(&snapshot->scene);
    plan->level = volume ? level_3d(&g, policy, &limits)
                         : level_2d(&g, policy, resting, now_ns, &plan->visible, memory, plan);

    if (plan->level < policy->finest && locked_level(&g, policy) < 0)
        plan->level = policy->finest < info->level_count ? policy->finest : info->level_count - 1;

    uint32_t coarsest = g.binding->level >= 0 ? plan->level : info->level_count - 1;
    uint64_t low[3], high[3];
    level_box(&g, coarsest, low, high);
    plan->base = fit(&g, coarsest, low, high, &limits);
    bool sufficient = coarsest == plan->level && (volume || !thinned(&plan->base));
    uint64_t base_bytes = dtype_bytes(info->dtype); /* as read, not as thinned */
    for (unsigned d = 0; d < 3; d++)
        base_bytes *= high[d] - low[d];
    plan->has_base = (volume && sufficient) || base_bytes <= BASE_BYTES;

    if (plan->has_base && sufficient) {
        plan->has_detail = false;
    } else if (volume) {
        level_box(&g, plan->level, low, high);
        plan->detail = fit(&g, plan->level, low, high, &limits);
        plan->has_detail = true;
    } else if (seen(&g, plan->level, &plan->visible, 0, low, high)) {
        plan->detail = region(&g, plan->level, &plan->visible, &limits,
                              memory->has_detail ? &memory->detail : NULL);
        plan->has_detail = true;
    }
    memory->has_detail = plan->has_detail && !volume;
    memory->detail = plan->detail;
    if (!memory->planned || memory->level != plan->level)
        memory->switched_ns = now_ns;
    memory->planned = true;
    memory->level = plan->level;
}

bool plan_view_equal(const struct plan_view *a, const struct plan_view *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool plan_slab_equal(const struct plan_slab *a, const struct plan_slab *b)
{
    return plan_view_equal(&a->view, &b->view) && a->level == b->level &&
           memcmp(a->shape, b->shape, sizeof a->shape) == 0 &&
           memcmp(a->origin, b->origin, sizeof a->origin) == 0 &&
           memcmp(a->stride, b->stride, sizeof a->stride) == 0 &&
           memcmp(a->scale, b->scale, sizeof a->scale) == 0 &&
           memcmp(a->translate, b->translate, sizeof a->translate) == 0;
}

void plan_grid(const struct plan_slab *slab, unsigned d, uint64_t *first, uint64_t *count)
{
    *first = 0;
    *count = 1;
    if (slab->view.axis[d] < 0)
        return;
    uint64_t block = slab->block[slab->view.axis[d]];
    uint64_t last = slab->origin[d] + (slab->shape[d] - 1) * slab->stride[d];
    *first = slab->origin[d] / block;
    *count = last / block - *first + 1;
}

void plan_want(const struct plan_slab *slab, const struct oriel_source_info *info,
               const uint64_t place[3], struct want *want)
{
    memset(want, 0, sizeof *want);
    want->dataset = slab->view.dataset;
    want->key.dataset = dataset_key(want->dataset);
    want->key.level = slab->level;
    for (uint32_t a = 0; a < info->ndim; a++)
        want->key.index[a] = slab->index[a] / slab->block[a];
    for (unsigned d = 0; d < 3; d++) {
        if (slab->view.axis[d] >= 0)
            want->key.index[slab->view.axis[d]] = place[d];
    }
    for (uint32_t a = 0; a < info->ndim; a++) {
        uint64_t shape = info->levels[slab->level].shape[a];
        want->origin[a] = want->key.index[a] * slab->block[a];
        want->shape[a] = smaller(slab->block[a], shape - want->origin[a]);
    }
}
