/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/svg.h"

#include <math.h>
#include <string.h>

#include "ab/html.h"

#define WIDTH 560.0
#define HEIGHT 340.0
#define LEFT 62.0
#define RIGHT 14.0
#define TOP 12.0
#define BOTTOM 46.0

struct axis {
    double low, high;
    bool logarithmic;
};

static double place(const struct axis *axis, double value)
{
    if (axis->logarithmic)
        return (log10(value) - log10(axis->low)) / (log10(axis->high) - log10(axis->low));
    return (value - axis->low) / (axis->high - axis->low);
}

static double at_x(const struct axis *axis, double value)
{
    return LEFT + place(axis, value) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const struct axis *axis, double value)
{
    return HEIGHT - BOTTOM - place(axis, value) * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten, about a sixth of the range. */
static double step_of(double range)
{
    double raw = range / 5, power = pow(10, floor(log10(raw))), part = raw / power;
    return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

static bool usable(const struct axis *axis, double value)
{
    return isfinite(value) && (!axis->logarithmic || value > 0);
}

static bool any_point(const struct svg_plot *plot)
{
    for (size_t s = 0; s < plot->series_count; s++) {
        for (size_t i = 0; i < plot->series[s].count; i++) {
            if (isfinite(plot->series[s].points[i].x) && isfinite(plot->series[s].points[i].y))
                return true;
        }
    }
    return false;
}

static void fit(struct axis *axis, const struct svg_plot *plot, bool y)
{
    axis->low = INFINITY;
    axis->high = -INFINITY;
    for (size_t s = 0; s < plot->series_count; s++) {
        for (size_t i = 0; i < plot->series[s].count; i++) {
            double value = y ? plot->series[s].points[i].y : plot->series[s].points[i].x;
            if (usable(axis, value)) {
                axis->low = fmin(axis->low, value);
                axis->high = fmax(axis->high, value);
            }
        }
    }
    if (y && plot->y_low < plot->y_high) {
        axis->low = plot->y_low;
        axis->high = plot->y_high;
    }
    if (!(axis->low <= axis->high)) {
        axis->low = axis->logarithmic ? 1 : 0;
        axis->high = axis->logarithmic ? 10 : 1;
    } else if (axis->logarithmic) {
        axis->low *= 0.85;
        axis->high *= 1.18;
    } else if (!(y && plot->y_low < plot->y_high)) {
        double margin = axis->high > axis->low ? (axis->high - axis->low) * 0.06
                                               : fmax(fabs(axis->high) * 0.01, 0.01);
        axis->low -= margin;
        axis->high += margin;
    }
}

static void number(char text[32], double value)
{
    if (fabs(value) >= 1e6)
        snprintf(text, 32, "%gM", value / 1e6);
    else if (fabs(value) >= 1e4)
        snprintf(text, 32, "%gk", value / 1e3);
    else
        snprintf(text, 32, "%.6g", fabs(value) < 1e-12 ? 0 : value);
}

static void tick(FILE *out, const struct axis *axis, double value, bool y)
{
    char text[32];
    number(text, value);
    if (y) {
        double p = at_y(axis, value);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", LEFT, p, WIDTH - RIGHT);
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 7, p + 4,
                text);
    } else {
        double p = at_x(axis, value);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", p, TOP, HEIGHT - BOTTOM);
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", p,
                HEIGHT - BOTTOM + 17, text);
    }
}

static void ticks(FILE *out, const struct axis *axis, bool y)
{
    if (!axis->logarithmic) {
        double step = step_of(axis->high - axis->low);
        for (double v = ceil(axis->low / step) * step; v <= axis->high + step * 1e-9; v += step)
            tick(out, axis, v, y);
        return;
    }
    double decades = log10(axis->high / axis->low);
    static const double parts[3][9] = {
        {1, 1.5, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 5, 0, 0, 0, 0, 0, 0}, {1, 0, 0, 0, 0, 0, 0, 0, 0}};
    const double *at = parts[decades < 0.8 ? 0 : decades < 3 ? 1 : 2];
    for (double power = pow(10, floor(log10(axis->low))); power <= axis->high; power *= 10)
        for (int i = 0; i < 9; i++)
            if (at[i] > 0 && at[i] * power >= axis->low && at[i] * power <= axis->high)
                tick(out, axis, at[i] * power, y);
}

static void line(FILE *out, const struct svg_series *series, const struct axis *x,
                 const struct axis *y)
{
    bool open = false;
    fprintf(out, "<path class=\"line c%d\" d=\"", series->colour % 8);
    for (size_t i = 0; i < series->count; i++) {
        struct svg_point p = series->points[i];
        if (!usable(x, p.x) || !usable(y, p.y)) {
            open = false;
            continue;
        }
        double px = at_x(x, p.x), py = at_y(y, p.y);
        if (!open)
            fprintf(out, "M%.1f %.1f", px, py);
        else if (series->steps)
            fprintf(out, "H%.1fV%.1f", px, py);
        else
            fprintf(out, "L%.1f %.1f", px, py);
        open = true;
    }
    fputs("\"/>", out);
    for (size_t i = 0; series->marks && i < series->count; i++) {
        struct svg_point p = series->points[i];
        char text[2][32];
        if (!usable(x, p.x) || !usable(y, p.y))
            continue;
        number(text[0], p.x);
        number(text[1], p.y);
        fprintf(out, "<circle class=\"mark c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>",
                series->colour % 8, at_x(x, p.x), at_y(y, p.y));
        html_text(out, series->name);
        fprintf(out, ": %s, %s</title></circle>", text[0], text[1]);
    }
}

void svg_write(FILE *out, const struct svg_plot *plot)
{
    struct axis x = {.logarithmic = plot->log_x}, y = {.logarithmic = plot->log_y};
    fit(&x, plot, false);
    fit(&y, plot, true);
    fputs("<figure><figcaption>", out);
    html_text(out, plot->title);
    if (!any_point(plot)) {
        fputs("</figcaption><p class=\"dim\">Every value is lossless, or there is none.</p>"
              "</figure>\n",
              out);
        return;
    }
    fprintf(out, "</figcaption><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", WIDTH,
            HEIGHT);
    html_text(out, plot->title);
    fputs("\">", out);
    ticks(out, &x, false);
    ticks(out, &y, true);
    fprintf(out, "<path class=\"frame\" d=\"M%.1f %.1fV%.1fH%.1f\"/>", LEFT, TOP, HEIGHT - BOTTOM,
            WIDTH - RIGHT);
    for (size_t s = 0; s < plot->series_count; s++)
        line(out, &plot->series[s], &x, &y);
    fprintf(out, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8);
    html_text(out, plot->x_label);
    fprintf(out,
            "</text><text class=\"label\" transform=\"translate(14 %.1f) rotate(-90)\" "
            "text-anchor=\"middle\">",
            (TOP + HEIGHT - BOTTOM) / 2);
    html_text(out, plot->y_label);
    fputs("</text></svg></figure>\n", out);
}

void svg_interval(FILE *out, double low, double mean, double high, double most, bool significant)
{
    const double width = 180, middle = width / 2, unit = most > 0 ? (middle - 6) / most : 0;
    fprintf(out,
            "<svg class=\"interval\" viewBox=\"0 0 %.0f 18\" aria-hidden=\"true\">"
            "<path class=\"zero\" d=\"M%.1f 1V17\"/>"
            "<path class=\"%s\" d=\"M%.1f 9H%.1f\"/><circle class=\"%s\" cx=\"%.1f\" cy=\"9\" "
            "r=\"3.5\"/></svg>",
            width, middle, significant ? "range" : "range faint", middle + low * unit,
            middle + high * unit, significant ? "dot" : "dot faint", middle + mean * unit);
}
