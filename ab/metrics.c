/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "util/check.h"

static uint64_t row_error(const uint8_t *a, const uint8_t *b, uint32_t width, bool deep)
{
    uint64_t sum = 0;
    for (uint32_t x = 0; x < width && !deep; x++) {
        int d = a[x] - b[x];
        sum += (uint64_t)(d * d);
    }
    for (uint32_t x = 0; x < width && deep; x++) {
        int64_t d = (int64_t)((const uint16_t *)a)[x] - ((const uint16_t *)b)[x];
        sum += (uint64_t)(d * d);
    }
    return sum;
}

double plane_mse(const struct picture *a, const struct picture *b, int plane)
{
    uint64_t sum = 0;
    for (uint32_t y = 0; y < a->height[plane]; y++)
        sum += row_error(a->plane[plane] + (size_t)y * a->stride[plane],
                         b->plane[plane] + (size_t)y * b->stride[plane], a->width[plane],
                         a->depth > 8);
    return (double)sum / ((double)a->width[plane] * a->height[plane]);
}

double psnr_of(double mse, uint32_t depth)
{
    double peak = (double)(1u << depth) - 1;
    return mse > 0 ? 10 * log10(peak * peak / mse) : INFINITY;
}

double planes_mean(const struct picture *shape, const double value[3])
{
    double sum = 0, weight = 0;
    for (int i = 0; i < 3; i++) {
        double samples = (double)shape->width[i] * shape->height[i];
        sum += samples * value[i];
        weight += samples;
    }
    return sum / weight;
}

/* Sums over a block of 4 × 4 samples: of a, of b, of both squared, of their product. */
struct block {
    double a, b, squares, product;
};

static struct block block_at(const struct picture *a, const struct picture *b, int plane,
                             uint32_t x, uint32_t y)
{
    uint64_t s1 = 0, s2 = 0, ss = 0, s12 = 0;
    for (uint32_t j = y; j < y + 4; j++) {
        const uint8_t *ra = a->plane[plane] + (size_t)j * a->stride[plane];
        const uint8_t *rb = b->plane[plane] + (size_t)j * b->stride[plane];
        for (uint32_t i = x; i < x + 4; i++) {
            uint64_t va = a->depth > 8 ? ((const uint16_t *)ra)[i] : ra[i];
            uint64_t vb = a->depth > 8 ? ((const uint16_t *)rb)[i] : rb[i];
            s1 += va;
            s2 += vb;
            ss += va * va + vb * vb;
            s12 += va * vb;
        }
    }
    return (struct block){(double)s1, (double)s2, (double)ss, (double)s12};
}

/* Of the four blocks of a window, n = 64 samples: all terms times n², which cancels. */
static double window_ssim(const struct block *up, const struct block *low, double c1, double c2)
{
    double s1 = up[0].a + up[1].a + low[0].a + low[1].a;
    double s2 = up[0].b + up[1].b + low[0].b + low[1].b;
    double ss = up[0].squares + up[1].squares + low[0].squares + low[1].squares;
    double s12 = up[0].product + up[1].product + low[0].product + low[1].product;
    double vars = ss * 64 - s1 * s1 - s2 * s2, covar = s12 * 64 - s1 * s2;
    return (2 * s1 * s2 + c1) * (2 * covar + c2) / ((s1 * s1 + s2 * s2 + c1) * (vars + c2));
}

double plane_ssim(const struct picture *a, const struct picture *b, int plane)
{
    uint32_t columns = a->width[plane] / 4, rows = a->height[plane] / 4;
    if (columns < 2 || rows < 2)
        return NAN;
    double peak = (double)(1u << a->depth) - 1;
    /* FFmpeg's constants: its first has 64 where the formula in sums has 64², so that dark flat
     * parts weigh a little more than in the paper. */
    double c1 = 0.01 * 0.01 * peak * peak * 64, c2 = 0.03 * 0.03 * peak * peak * 64 * 63;
    struct block *blocks = xcalloc(2 * (size_t)columns, sizeof *blocks);
    struct block *row = blocks, *before = blocks + columns;
    double sum = 0;
    for (uint32_t y = 0; y < rows; y++) {
        struct block *swap = row;
        row = before;
        before = swap;
        for (uint32_t x = 0; x < columns; x++)
            row[x] = block_at(a, b, plane, 4 * x, 4 * y);
        for (uint32_t x = 0; y && x + 1 < columns; x++)
            sum += window_ssim(before + x, row + x, c1, c2);
    }
    free(blocks);
    return sum / ((double)(columns - 1) * (rows - 1));
}
