/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/check.h"

static const struct {
    const char *name, *title, *unit;
    const char *more, *less; /* what a positive and a negative difference are */
    int digits;
} measures[MEASURES] = {
    [MEASURE_PSNR] = {"psnr_y", "PSNR of luma", "dB", "higher", "lower", 2},
    [MEASURE_SSIM] = {"ssim_y", "SSIM of luma", "", "higher", "lower", 4},
    [MEASURE_BYTES] = {"bytes", "Bytes of a frame", "B", "more", "fewer", 0},
    [MEASURE_LATENCY] = {"latency_ms", "Encode latency", "ms", "longer", "shorter", 2},
};

const char *measure_name(enum measure measure)
{
    return measures[measure].name;
}

const char *measure_title(enum measure measure)
{
    return measures[measure].title;
}

static double value_of(const struct results *results, const struct cell *cell, uint32_t i,
                       enum measure measure)
{
    const struct row *row = &cell->rows[i];
    switch (measure) {
    case MEASURE_PSNR:
        return row->shown ? row->psnr[PLANE_Y] : NAN;
    case MEASURE_SSIM:
        return row->shown ? row->ssim[PLANE_Y] : NAN;
    case MEASURE_BYTES:
        return (double)row->bytes;
    default:
        return i < cell->first_timed ? NAN : cell_latency(results, cell, i);
    }
}

bool compare_frames(const struct results *results, const struct cell *cell, enum measure measure,
                    struct interval *interval)
{
    const struct plan *plan = results->plan;
    const struct cell *base =
        results_cell(results, cell->recording_index, plan->baseline, cell->rate_index);
    *interval = (struct interval){0};
    if (cell->error[0] || base->error[0] || cell == base)
        return false;
    double *differences = xcalloc(cell->row_count, sizeof *differences);
    size_t count = 0;
    for (uint32_t i = 0; i < cell->row_count; i++) {
        double d = value_of(results, cell, i, measure) - value_of(results, base, i, measure);
        if (isfinite(d)) /* two lossless pictures differ by nothing that can be averaged */
            differences[count++] = d;
    }
    if (count)
        *interval =
            bootstrap_mean(differences, count, plan->confidence, plan->resamples, plan->seed);
    free(differences);
    return count > 0;
}

void compare_say(const struct results *results, const struct cell *cell, enum measure measure,
                 const struct interval *interval, char *text, size_t size)
{
    const struct plan *plan = results->plan;
    const char *base = plan->arms[plan->baseline].label, *unit = measures[measure].unit;
    const char *space = unit[0] ? " " : "";
    int digits = measures[measure].digits;
    double percent = plan->confidence * 100;
    if (!interval->significant)
        snprintf(text, size,
                 "%s: no significant difference between %s and %s (%+.*f%s%s on average, %g %% "
                 "interval %+.*f to %+.*f).",
                 measures[measure].title, cell->arm->label, base, digits, interval->mean, space,
                 unit, percent, digits, interval->low, digits, interval->high);
    else
        snprintf(text, size,
                 "%s: %s is %.*f%s%s %s than %s (%g %% interval %+.*f to %+.*f, %zu frames).",
                 measures[measure].title, cell->arm->label, digits, fabs(interval->mean), space,
                 unit, interval->mean > 0 ? measures[measure].more : measures[measure].less, base,
                 percent, digits, interval->low, digits, interval->high, interval->count);
}

static double quality_of(const struct cell *cell, int what)
{
    static const int planes[COMPARE_BDS] = {PLANE_Y,   PLANE_U, PLANE_V,
                                            PLANE_ALL, PLANE_Y, PLANE_ALL};
    double ssim = cell->ssim[planes[what]];
    return what < 4 ? cell->psnr[planes[what]] : -10 * log10(1 - ssim);
}

void compare_bd(const struct results *results, size_t recording, size_t arm,
                struct compare_bd out[COMPARE_BDS])
{
    static const char *const names[COMPARE_BDS][2] = {
        {"psnr_y", "PSNR Y"},    {"psnr_u", "PSNR Cb"}, {"psnr_v", "PSNR Cr"},
        {"psnr", "PSNR of all"}, {"ssim_y", "SSIM Y"},  {"ssim", "SSIM of all"}};
    const struct plan *plan = results->plan;
    size_t rates = plan->arms[0].rate_count;
    for (int what = 0; what < COMPARE_BDS; what++) {
        struct rd_point points[2][16];
        for (size_t i = 0; i < rates; i++) {
            const struct cell *cells[2] = {results_cell(results, recording, plan->baseline, i),
                                           results_cell(results, recording, arm, i)};
            for (int k = 0; k < 2; k++)
                points[k][i] = (struct rd_point){cells[k]->error[0] ? NAN : cells[k]->kbps,
                                                 quality_of(cells[k], what)};
        }
        out[what] = (struct compare_bd){.what = names[what][0], .title = names[what][1]};
        out[what].known =
            bd_rate(points[0], rates, points[1], rates, &out[what].percent, &out[what].why);
    }
}
