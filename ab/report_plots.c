/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ab/html.h"
#include "ab/report_parts.h"
#include "ab/stats.h"
#include "ab/svg.h"
#include "util/check.h"

#define SSIM_LABEL "−10 log₁₀(1 − SSIM), dB"

void report_legend(FILE *out, const struct results *results)
{
    fputs("<ul class=\"legend\">", out);
    for (size_t a = 0; a < results->plan->arm_count; a++) {
        fprintf(out, "<li><i class=\"c%zu\"></i>", a % 8);
        html_text(out, results->plan->arms[a].label);
        fputs(a == results->plan->baseline ? " (baseline)</li>" : "</li>", out);
    }
    fputs("</ul>\n", out);
}

/* Draws and frees what the series hold. */
static void draw(FILE *out, struct svg_plot *plot, struct svg_series *series, size_t count)
{
    plot->series = series;
    plot->series_count = count;
    svg_write(out, plot);
    for (size_t s = 0; s < count; s++)
        free(series[s].points);
    free(series);
}

static struct svg_series *series_of_arms(const struct results *results)
{
    struct svg_series *series = xcalloc(results->plan->arm_count, sizeof *series);
    for (size_t a = 0; a < results->plan->arm_count; a++) {
        series[a].name = results->plan->arms[a].label;
        series[a].colour = (int)a;
    }
    return series;
}

/* SSIM as decibels: its differences near 1 are what is looked for. */
static void curve(FILE *out, const struct results *results, size_t recording, int plane, bool ssim,
                  const char *title)
{
    size_t arms = results->plan->arm_count, rates = results->plan->arms[0].rate_count;
    struct svg_series *series = series_of_arms(results);
    for (size_t a = 0; a < arms; a++) {
        series[a].points = xcalloc(rates, sizeof *series[a].points);
        series[a].marks = true;
        for (size_t i = 0; i < rates; i++) {
            const struct cell *cell = results_cell(results, recording, a, i);
            if (cell->error[0])
                continue;
            series[a].points[series[a].count++] = (struct svg_point){
                cell->kbps / 1000, ssim ? -10 * log10(1 - cell->ssim[plane]) : cell->psnr[plane]};
        }
    }
    struct svg_plot plot = {.title = title,
                            .x_label = "Mbit/s (logarithmic)",
                            .y_label = ssim ? SSIM_LABEL : "PSNR, dB",
                            .log_x = true};
    draw(out, &plot, series, arms);
}

static void vmaf_curve(FILE *out, const struct results *results, size_t recording)
{
    size_t arms = results->plan->arm_count, rates = results->plan->arms[0].rate_count;
    struct svg_series *series = series_of_arms(results);
    bool any = false;
    for (size_t a = 0; a < arms; a++) {
        series[a].points = xcalloc(rates, sizeof *series[a].points);
        series[a].marks = true;
        for (size_t i = 0; i < rates; i++) {
            const struct cell *cell = results_cell(results, recording, a, i);
            any |= isfinite(cell->vmaf);
            series[a].points[series[a].count++] = (struct svg_point){cell->kbps / 1000, cell->vmaf};
        }
    }
    struct svg_plot plot = {
        .title = "VMAF", .x_label = "Mbit/s (logarithmic)", .y_label = "VMAF", .log_x = true};
    if (any) {
        draw(out, &plot, series, arms);
        return;
    }
    for (size_t a = 0; a < arms; a++)
        free(series[a].points);
    free(series);
}

void report_curves(FILE *out, const struct results *results, size_t recording)
{
    fputs("<h3>Quality for the rate</h3><div class=\"plots\">", out);
    curve(out, results, recording, PLANE_Y, false, "PSNR of luma");
    curve(out, results, recording, PLANE_Y, true, "SSIM of luma");
    curve(out, results, recording, PLANE_U, false, "PSNR of Cb");
    curve(out, results, recording, PLANE_V, false, "PSNR of Cr");
    vmaf_curve(out, results, recording);
    fputs("</div>\n", out);
}

/* The distribution as a curve of at most 200 points. */
static void latency_curve(FILE *out, const struct results *results, size_t recording, size_t rate)
{
    size_t arms = results->plan->arm_count;
    struct svg_series *series = series_of_arms(results);
    for (size_t a = 0; a < arms; a++) {
        size_t count;
        const struct cell *cell = results_cell(results, recording, a, rate);
        double *values = cell_latencies(results, cell, false, &count);
        series[a].points = xcalloc(201, sizeof *series[a].points);
        for (size_t i = 0; count && i <= 200; i++)
            series[a].points[series[a].count++] =
                (struct svg_point){percentile(values, count, (double)i / 200), (double)i / 2};
        free(values);
    }
    struct svg_plot plot = {.title = "Encode latency: submit to packet",
                            .x_label = "ms (logarithmic)",
                            .y_label = "% of frames that took at most so long",
                            .log_x = true,
                            .y_low = 0,
                            .y_high = 100};
    draw(out, &plot, series, arms);
}

static void size_curve(FILE *out, const struct results *results, size_t recording, size_t rate)
{
    size_t arms = results->plan->arm_count;
    struct svg_series *series = series_of_arms(results);
    for (size_t a = 0; a < arms; a++) {
        const struct cell *cell = results_cell(results, recording, a, rate);
        series[a].points = xcalloc(cell->row_count, sizeof *series[a].points);
        for (uint32_t i = 0; !cell->error[0] && i < cell->row_count; i++)
            series[a].points[series[a].count++] =
                (struct svg_point){i, cell->rows[i].there ? (double)cell->rows[i].bytes : NAN};
    }
    struct svg_plot plot = {.title = "Size of each frame",
                            .x_label = "frame",
                            .y_label = "bytes (logarithmic)",
                            .log_y = true};
    draw(out, &plot, series, arms);
}

static void quality_curve(FILE *out, const struct results *results, size_t recording, size_t rate,
                          bool ssim)
{
    size_t arms = results->plan->arm_count;
    struct svg_series *series = series_of_arms(results);
    for (size_t a = 0; a < arms; a++) {
        const struct cell *cell = results_cell(results, recording, a, rate);
        series[a].points = xcalloc(cell->row_count, sizeof *series[a].points);
        for (uint32_t i = 0; !cell->error[0] && i < cell->row_count; i++)
            series[a].points[series[a].count++] =
                (struct svg_point){i, !cell->rows[i].shown ? NAN
                                      : ssim ? -10 * log10(1 - cell->rows[i].ssim[PLANE_Y])
                                             : cell->rows[i].psnr[PLANE_Y]};
    }
    struct svg_plot plot = {.title =
                                ssim ? "SSIM of luma of each frame" : "PSNR of luma of each frame",
                            .x_label = "frame",
                            .y_label = ssim ? SSIM_LABEL : "PSNR, dB"};
    draw(out, &plot, series, arms);
}

void report_times(FILE *out, const struct results *results, size_t recording)
{
    size_t rate = results->plan->arms[0].rate_count / 2;
    fputs("<h3>Frame by frame, at the middle rate</h3><div class=\"plots\">", out);
    latency_curve(out, results, recording, rate);
    size_curve(out, results, recording, rate);
    quality_curve(out, results, recording, rate, false);
    quality_curve(out, results, recording, rate, true);
    fputs("</div>\n", out);
}
