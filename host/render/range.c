/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/range.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/dataset.h"
#include "util/check.h"

#define MAX_VALUES UINT64_C(10000000)
#define FINE_BINS 65536u

/* The values that were read, as doubles would take 8 times the memory of bytes: kept as they are.
 */
struct values {
    void *data;
    uint64_t count;
    uint32_t dtype;
};

static bool read_box(struct dataset *dataset, uint32_t level, const uint64_t *origin,
                     const uint64_t *shape, struct values *values, struct error *err)
{
    const struct oriel_source_info *info = dataset_info(dataset);
    uint64_t count = 1, bytes = dtype_bytes(info->dtype);
    for (uint32_t a = 0; a < info->ndim; a++)
        count *= shape[a];
    void *grown = realloc(values->data, (values->count + count) * bytes);
    if (!grown)
        return error_set(err, "%s: no memory for %llu values", dataset_uri(dataset),
                         (unsigned long long)count);
    values->data = grown;
    struct oriel_read read = {
        .level = level, .out = (char *)grown + values->count * bytes, .out_bytes = count * bytes};
    memcpy(read.origin, origin, sizeof read.origin);
    memcpy(read.shape, shape, sizeof read.shape);
    if (dataset_read(dataset, &read, err) != ORIEL_OK)
        return false;
    values->count += count;
    return true;
}

/* A part of a large plane, in the middle of it. */
static void thin(uint32_t ndim, uint64_t *origin, uint64_t *shape)
{
    for (;;) {
        uint64_t count = 1, longest = 0;
        uint32_t axis = 0;
        for (uint32_t a = 0; a < ndim; a++) {
            count = shape[a] > MAX_VALUES / count + 1 ? MAX_VALUES + 1 : count * shape[a];
            if (shape[a] > longest) {
                longest = shape[a];
                axis = a;
            }
        }
        if (count <= MAX_VALUES)
            return;
        origin[axis] += shape[axis] / 4;
        shape[axis] -= shape[axis] / 2;
    }
}

static bool collect(struct dataset *dataset, const struct layer_binding *binding,
                    struct values *values, struct error *err)
{
    const struct oriel_source_info *info = dataset_info(dataset);
    uint32_t level = binding->level >= 0 && (uint32_t)binding->level < info->level_count
                         ? (uint32_t)binding->level
                         : info->level_count - 1;
    uint64_t origin[ORIEL_MAX_AXES] = {0}, shape[ORIEL_MAX_AXES] = {0};
    uint64_t total = 1;
    uint32_t kept = 0;
    for (uint32_t a = 0; a < info->ndim; a++) {
        layer_binding_range(binding, a, info->levels[0].shape[a], info->levels[level].shape[a],
                            &origin[a], &shape[a]);
        total = shape[a] > MAX_VALUES / total + 1 ? MAX_VALUES + 1 : total * shape[a];
        kept += binding->layer_axis[a] >= 0;
    }
    if (total <= MAX_VALUES)
        return read_box(dataset, level, origin, shape, values, err);

    /* First, middle and last plane of all axes but the last two of the layer. */
    for (int which = 0; which < 3; which++) {
        uint64_t at[ORIEL_MAX_AXES], size[ORIEL_MAX_AXES];
        memcpy(at, origin, sizeof at);
        memcpy(size, shape, sizeof size);
        bool several = false;
        for (uint32_t a = 0; a < info->ndim; a++) {
            if (binding->layer_axis[a] < 0 || (uint32_t)binding->layer_axis[a] + 2 >= kept)
                continue;
            at[a] += which == 0 ? 0 : which == 1 ? shape[a] / 2 : shape[a] - 1;
            size[a] = 1;
            several = several || shape[a] > 1;
        }
        thin(info->ndim, at, size);
        if (!read_box(dataset, level, at, size, values, err))
            return false;
        if (!several)
            break;
    }
    return true;
}

/* The value below which `share` of all lie, from equal bins over min..max. */
static double quantile(const uint32_t *fine, uint64_t count, double min, double max, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)count), seen = 0;
    for (uint32_t i = 0; i < FINE_BINS; i++) {
        seen += fine[i];
        if (seen > wanted)
            return min + (max - min) * (i + 0.5) / FINE_BINS;
    }
    return max;
}

static void summarise(const struct values *values, struct data_range *range)
{
    double min = INFINITY, max = -INFINITY;
    for (uint64_t i = 0; i < values->count; i++) {
        double v = dtype_value(values->dtype, values->data, i);
        if (!isfinite(v))
            continue;
        min = v < min ? v : min;
        max = v > max ? v : max;
        range->count++;
    }
    if (!range->count)
        return;
    range->min = min;
    range->max = max;
    uint32_t *fine = xcalloc(FINE_BINS, sizeof *fine);
    double scale = max > min ? 1 / (max / FINE_BINS - min / FINE_BINS) : 0;
    for (uint64_t i = 0; i < values->count; i++) {
        double v = dtype_value(values->dtype, values->data, i);
        if (!isfinite(v))
            continue;
        double bin = (v - min) * scale;
        fine[bin < FINE_BINS ? (uint32_t)bin : FINE_BINS - 1]++;
    }
    for (uint32_t i = 0; i < FINE_BINS; i++)
        range->bins[i / (FINE_BINS / 256)] += fine[i];
    range->low = quantile(fine, range->count, min, max, 0.005);
    range->high = quantile(fine, range->count, min, max, 0.995);
    if (values->dtype < ORIEL_F16 || values->dtype == ORIEL_BOOL) {
        range->low = round(range->low);
        range->high = round(range->high);
    }
    free(fine);
}

bool data_range_read(struct dataset *dataset, const struct layer_binding *binding,
                     struct data_range *range, struct error *err)
{
    memset(range, 0, sizeof *range);
    struct values values = {.dtype = dataset_info(dataset)->dtype};
    bool ok = collect(dataset, binding, &values, err);
    if (ok)
        summarise(&values, range);
    free(values.data);
    return ok;
}
