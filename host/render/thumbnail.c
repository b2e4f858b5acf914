/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/thumbnail.h"

#include <math.h>
#include <string.h>

#include "render/dataset.h"
#include "render/geometry.h"
#include "render/loader.h"
#include "render/plan.h"
#include "render/pool.h"
#include "scene/colormap.h"

#define SIDE THUMBNAIL_SIDE
#define MOST_BYTES (UINT64_C(64) << 20)

/* Along one side of the picture: which indices of which dataset axis. */
struct side {
    int32_t axis; /* -1: the layer has none there */
    uint32_t count;
    uint64_t at[SIDE];
};

struct job {
    struct loader *loader;
    struct geometry g;
    uint32_t level;
    uint64_t block[ORIEL_MAX_AXES];
    uint64_t index[ORIEL_MAX_AXES]; /* at `level`, along the axes that are not shown */
    struct side x, y;
    struct axis_map depth;     /* along z, in 3-D; a single index otherwise */
    uint64_t block_step;       /* every so many blocks along z */
    double values[SIDE][SIDE]; /* row, column */
};

static uint64_t length(const struct job *job, uint32_t level, int32_t axis)
{
    return axis < 0 ? 1 : geometry_axis(&job->g, level, (uint32_t)axis).count;
}

static uint32_t choose_level(const struct job *job)
{
    uint32_t count = job->g.info->level_count;
    int32_t only = job->g.binding->level;
    if (only >= 0 && (uint32_t)only < count)
        return (uint32_t)only;
    for (uint32_t level = count; level-- > 1;) {
        if (length(job, level, job->g.axis[0]) >= SIDE ||
            length(job, level, job->g.axis[1]) >= SIDE)
            return level;
    }
    return 0;
}

/* In world units. */
static double extent(const struct job *job, uint32_t d)
{
    int32_t axis = job->g.axis[d];
    return axis < 0 ? 1 : (double)job->g.binding->count[axis] * fabs(job->g.scale[d]);
}

/* The first and last pixel show the first and last index. Groups of `coarse` pixels show the same.
 */
static void place(const struct job *job, uint32_t d, uint32_t pixels, uint32_t coarse,
                  struct side *side)
{
    *side = (struct side){.axis = job->g.axis[d], .count = pixels};
    struct axis_map map = {.count = 1};
    if (side->axis >= 0)
        map = geometry_axis(&job->g, job->level, (uint32_t)side->axis);
    for (uint32_t i = 0; i < pixels; i++) {
        uint32_t from = i - i % coarse + coarse / 2;
        from = from < pixels ? from : pixels - 1;
        double share = pixels > 1 ? (double)from / (pixels - 1) : 0.5;
        uint64_t index = (uint64_t)(share * (double)(map.count - 1) + 0.5);
        uint32_t to = job->g.scale[d] < 0 ? pixels - 1 - i : i; /* x right, y down in the world */
        side->at[to] = map.first + index;
    }
}

static uint64_t blocks_along(const struct job *job, const struct side *side)
{
    uint64_t count = 1;
    for (uint32_t i = 1; i < side->count && side->axis >= 0; i++) {
        uint64_t block = job->block[side->axis];
        count += side->at[i] / block != side->at[i - 1] / block;
    }
    return count;
}

/* Where values are taken, so that what has to be read stays within MOST_BYTES if it can. */
static void place_all(struct job *job, uint32_t width, uint32_t height)
{
    const struct oriel_source_info *info = job->g.info;
    uint64_t bytes = dtype_bytes(info->dtype), deep = 1;
    for (uint32_t a = 0; a < info->ndim; a++)
        bytes *= job->block[a];
    if (job->g.axis[2] >= 0) {
        uint64_t block = job->block[job->g.axis[2]];
        uint64_t last = job->depth.first + job->depth.count - 1;
        deep = last / block - job->depth.first / block + 1;
    }
    for (uint32_t coarse = 1; coarse <= SIDE; coarse *= 2) {
        place(job, 0, width, coarse, &job->x);
        place(job, 1, height, coarse, &job->y);
        uint64_t plane = blocks_along(job, &job->x) * blocks_along(job, &job->y) * bytes;
        uint64_t fit = MOST_BYTES / plane;
        job->block_step = fit ? (deep + fit - 1) / fit : deep;
        if (fit)
            break;
    }
}

/* The block that holds a place, with where it begins. */
static struct want want_at(const struct job *job, uint64_t x, uint64_t y, uint64_t z)
{
    const struct oriel_source_info *info = job->g.info;
    struct dataset *dataset = job->g.binding->dataset;
    struct want want = {.dataset = dataset,
                        .key = {.dataset = dataset_key(dataset), .level = job->level}};
    const uint64_t *shape = info->levels[job->level].shape;
    for (uint32_t a = 0; a < info->ndim; a++) {
        uint64_t at = (int32_t)a == job->x.axis      ? x
                      : (int32_t)a == job->y.axis    ? y
                      : (int32_t)a == job->g.axis[2] ? z
                                                     : job->index[a];
        want.key.index[a] = at / job->block[a];
        want.origin[a] = want.key.index[a] * job->block[a];
        uint64_t rest = shape[a] - want.origin[a];
        want.shape[a] = job->block[a] < rest ? job->block[a] : rest;
    }
    return want;
}

static bool within(const struct want *want, int32_t axis, uint64_t at)
{
    return axis < 0 || (at >= want->origin[axis] && at - want->origin[axis] < want->shape[axis]);
}

/* Takes from a block what the pixels from (row, column) on have in it; *columns and *rows: how many
 * those are. NaN wins over every number, as it does in NumPy. */
static void take(struct job *job, const struct want *want, const void *data, uint32_t row,
                 uint32_t column, uint32_t *rows, uint32_t *columns)
{
    const struct oriel_source_info *info = job->g.info;
    int32_t z = job->g.axis[2];
    uint64_t stride[ORIEL_MAX_AXES] = {0}, fixed = 0, step = 1;
    for (uint32_t a = info->ndim; a-- > 0; step *= want->shape[a]) {
        stride[a] = step;
        if ((int32_t)a != job->x.axis && (int32_t)a != job->y.axis && (int32_t)a != z)
            fixed += (job->index[a] - want->origin[a]) * step;
    }
    uint64_t first = job->depth.first, end = first + job->depth.count;
    if (z >= 0) {
        first = first > want->origin[z] ? first : want->origin[z];
        end = end < want->origin[z] + want->shape[z] ? end : want->origin[z] + want->shape[z];
    }
    *rows = *columns = 0;
    for (uint32_t r = row; r < job->y.count && within(want, job->y.axis, job->y.at[r]); r++) {
        uint64_t down = fixed;
        if (job->y.axis >= 0)
            down += (job->y.at[r] - want->origin[job->y.axis]) * stride[job->y.axis];
        uint32_t c = column;
        for (; c < job->x.count && within(want, job->x.axis, job->x.at[c]); c++) {
            uint64_t offset = down;
            if (job->x.axis >= 0)
                offset += (job->x.at[c] - want->origin[job->x.axis]) * stride[job->x.axis];
            double *most = &job->values[r][c];
            for (uint64_t i = first; i < end; i++) {
                uint64_t deep = z >= 0 ? (i - want->origin[z]) * stride[z] : 0;
                double value = dtype_value(info->dtype, data, offset + deep);
                *most = isnan(*most) || value <= *most ? *most : value;
            }
        }
        *columns = c - column;
        (*rows)++;
    }
}

static bool read_values(struct job *job, struct error *err)
{
    for (uint32_t r = 0; r < SIDE; r++) {
        for (uint32_t c = 0; c < SIDE; c++)
            job->values[r][c] = -INFINITY;
    }
    uint64_t deep = job->g.axis[2] >= 0 ? job->block[job->g.axis[2]] : 1;
    uint64_t first = job->depth.first / deep, end = job->depth.first + job->depth.count;
    for (uint64_t b = first; b * deep < end; b += job->block_step) {
        uint32_t rows = 0, columns = 0;
        for (uint32_t row = 0; row < job->y.count; row += rows) {
            for (uint32_t column = 0; column < job->x.count; column += columns) {
                struct want want = want_at(job, job->x.at[column], job->y.at[row], b * deep);
                struct block *block = loader_load(job->loader, &want, err);
                if (!block)
                    return false;
                take(job, &want, block->data, row, column, &rows, &columns);
                loader_release(job->loader, block);
            }
        }
    }
    return true;
}

static uint8_t byte_of(double share)
{
    return (uint8_t)rint(fmin(fmax(share, 0), 1) * 255);
}

static void colour(const struct oriel_layer *layer, double value, uint8_t *rgba)
{
    double low = layer->contrast_limits[0], high = layer->contrast_limits[1];
    double share = value; /* NaN has its own colour */
    if (!isnan(value)) {
        share = high != low ? (value - low) / (high - low) : value > low;
        share = pow(fmin(fmax(share, 0), 1), layer->gamma);
    }
    float sample[4];
    colormap_sample(layer->colormap, share, sample);
    for (int i = 0; i < 3; i++)
        rgba[i] = byte_of((double)sample[i]);
    rgba[3] = byte_of((double)sample[3] * layer->opacity);
}

bool thumbnail_make(struct render_pool *pool, const struct scene_snapshot *snapshot, uint32_t layer,
                    struct thumbnail *out, struct error *err)
{
    struct dataset *dataset = snapshot->bindings[layer].dataset;
    const struct oriel_source_info *info = dataset_info(dataset);
    if (info->level_count == 0 || !dtype_bytes(info->dtype))
        return error_set(err, "%s has no values", dataset_uri(dataset));
    memset(out, 0, sizeof *out);
    struct job job = {.loader = render_pool_loader(pool), .depth = {.count = 1}};
    if (!geometry_init(&job.g, snapshot, layer, info)) {
        out->width = out->height = 1;
        return true;
    }
    job.level = choose_level(&job);
    plan_block(info, job.level, job.block);
    for (uint32_t a = 0; a < info->ndim; a++)
        job.index[a] = geometry_index(&job.g, job.level, a);
    if (job.g.axis[2] >= 0)
        job.depth = geometry_axis(&job.g, job.level, (uint32_t)job.g.axis[2]);

    double across = extent(&job, 0), down = extent(&job, 1);
    double longest = across > down ? across : down;
    out->width = (uint32_t)fmax(1, rint(SIDE * across / longest));
    out->height = (uint32_t)fmax(1, rint(SIDE * down / longest));
    place_all(&job, out->width, out->height);
    if (!read_values(&job, err))
        return false;
    uint8_t *rgba = out->rgba;
    for (uint32_t r = 0; r < out->height; r++) {
        for (uint32_t c = 0; c < out->width; c++, rgba += 4)
            colour(snapshot->scene.layers[layer], job.values[r][c], rgba);
    }
    return true;
}
