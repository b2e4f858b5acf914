/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/stats.h"

#include <math.h>
#include <stdlib.h>

#include "util/check.h"

double mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count ? sum / (double)count : NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

size_t sort_numbers(double *values, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i]))
            values[kept++] = values[i];
    }
    qsort(values, kept, sizeof *values, by_value);
    return kept;
}

double percentile(const double *sorted, size_t count, double part)
{
    if (!count)
        return NAN;
    double at = part * (double)(count - 1);
    size_t below = (size_t)at;
    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct interval bootstrap_mean(const double *differences, size_t count, double confidence,
                               unsigned resamples, uint64_t seed)
{
    struct interval interval = {.mean = mean_of(differences, count), .count = count};
    interval.low = interval.high = interval.mean;
    if (count < 2 || !resamples)
        return interval;
    size_t block = (size_t)ceil(cbrt((double)count));
    double *means = xcalloc(resamples, sizeof *means);
    for (unsigned r = 0; r < resamples; r++) {
        double sum = 0;
        for (size_t taken = 0; taken < count;) {
            size_t start = (size_t)(random_next(&seed) % count);
            for (size_t i = 0; i < block && taken < count; i++, taken++)
                sum += differences[(start + i) % count];
        }
        means[r] = sum / (double)count;
    }
    size_t kept = sort_numbers(means, resamples);
    interval.low = percentile(means, kept, (1 - confidence) / 2);
    interval.high = percentile(means, kept, (1 + confidence) / 2);
    interval.significant = interval.low > 0 || interval.high < 0;
    free(means);
    return interval;
}

/* --- curves --- */

#define MAX_POINTS 64

/* log10 of the rate over the quality, and its slope in each point. */
struct curve {
    double x[MAX_POINTS], y[MAX_POINTS], slope[MAX_POINTS];
    size_t count;
};

static int by_rate(const void *a, const void *b)
{
    double x = ((const struct rd_point *)a)->rate, y = ((const struct rd_point *)b)->rate;
    return (x > y) - (x < y);
}

/* The one-sided slope at an end: of the parabola through three points, kept to the shape. */
static double end_slope(double h0, double h1, double d0, double d1)
{
    double slope = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
    if (slope * d0 <= 0)
        return 0;
    return d0 * d1 <= 0 && fabs(slope) > 3 * fabs(d0) ? 3 * d0 : slope;
}

/* Fritsch and Butland's weighted harmonic mean inside, which keeps the curve monotone. */
static void set_slopes(struct curve *c)
{
    double h[MAX_POINTS] = {0}, d[MAX_POINTS] = {0};
    size_t n = c->count;
    for (size_t i = 0; i + 1 < n; i++) {
        h[i] = c->x[i + 1] - c->x[i];
        d[i] = (c->y[i + 1] - c->y[i]) / h[i];
    }
    if (n == 2) {
        c->slope[0] = c->slope[1] = d[0];
        return;
    }
    for (size_t i = 1; i + 1 < n; i++) {
        double w1 = 2 * h[i] + h[i - 1], w2 = h[i] + 2 * h[i - 1];
        c->slope[i] = d[i - 1] * d[i] <= 0 ? 0 : (w1 + w2) / (w1 / d[i - 1] + w2 / d[i]);
    }
    c->slope[0] = end_slope(h[0], h[1], d[0], d[1]);
    c->slope[n - 1] = end_slope(h[n - 2], h[n - 3], d[n - 2], d[n - 3]);
}

static bool curve_make(struct curve *curve, const struct rd_point *points, size_t count,
                       const char **why)
{
    struct rd_point sorted[MAX_POINTS] = {{0}};
    curve->count = 0;
    for (size_t i = 0; i < count && curve->count < MAX_POINTS; i++) {
        if (points[i].rate > 0 && isfinite(points[i].rate) && isfinite(points[i].quality))
            sorted[curve->count++] = points[i];
    }
    qsort(sorted, curve->count, sizeof *sorted, by_rate);
    *why = "fewer than two rates have a finite quality";
    if (curve->count < 2)
        return false;
    for (size_t i = 0; i < curve->count; i++) {
        curve->x[i] = sorted[i].quality;
        curve->y[i] = log10(sorted[i].rate);
        *why = "the quality does not grow with the rate";
        if (i && (curve->x[i] <= curve->x[i - 1] || curve->y[i] <= curve->y[i - 1]))
            return false;
    }
    set_slopes(curve);
    return true;
}

/* The integral over [low, high], which lies within the curve: exact, piece by piece. */
static double integral(const struct curve *c, double low, double high)
{
    double sum = 0;
    for (size_t i = 0; i + 1 < c->count; i++) {
        double from = fmax(low, c->x[i]), to = fmin(high, c->x[i + 1]), h = c->x[i + 1] - c->x[i];
        if (from >= to)
            continue;
        double d = (c->y[i + 1] - c->y[i]) / h;
        double c2 = (3 * d - 2 * c->slope[i] - c->slope[i + 1]) / h;
        double c3 = (c->slope[i] - 2 * d + c->slope[i + 1]) / (h * h);
        double ends[2] = {from - c->x[i], to - c->x[i]}, at[2];
        for (int e = 0; e < 2; e++) {
            double s = ends[e];
            at[e] = s * (c->y[i] + s * (c->slope[i] / 2 + s * (c2 / 3 + s * c3 / 4)));
        }
        sum += at[1] - at[0];
    }
    return sum;
}

bool bd_rate(const struct rd_point *base, size_t base_count, const struct rd_point *test,
             size_t test_count, double *percent, const char **why)
{
    struct curve a, b;
    if (!curve_make(&a, base, base_count, why) || !curve_make(&b, test, test_count, why))
        return false;
    double low = fmax(a.x[0], b.x[0]), high = fmin(a.x[a.count - 1], b.x[b.count - 1]);
    *why = "the curves have no quality in common";
    if (low >= high)
        return false;
    double mean = (integral(&b, low, high) - integral(&a, low, high)) / (high - low);
    *percent = (pow(10, mean) - 1) * 100;
    *why = "";
    return true;
}
