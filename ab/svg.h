/* SPDX-License-Identifier: BSD-3-Clause */
/* Plots as inline SVG, drawn with the page's own colours (report's style sheet). */
#ifndef AB_SVG_H
#define AB_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct svg_point {
    double x, y;
};

struct svg_series {
    const char *name;
    int colour; /* class c0…c7 */
    struct svg_point *points;
    size_t count;
    bool marks; /* points are marked; else a line alone */
    bool steps; /* y stays until the next x */
};

struct svg_plot {
    const char *title, *x_label, *y_label; /* for people and for screen readers */
    bool log_x, log_y;
    const struct svg_series *series;
    size_t series_count;
    double y_low, y_high; /* equal: as the points need it */
};

void svg_write(FILE *out, const struct svg_plot *plot);

/* A row of a table of intervals: a line from low to high with a mark at the mean, on the common
 * scale ±`most`, and 0 in the middle. */
void svg_interval(FILE *out, double low, double mean, double high, double most, bool significant);

#endif
