/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene/colormap.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scene/colormap_tables.h"
#include "util/check.h"

/* Maps between a few colours: their names and values are napari's and vispy's. */
struct ramp {
    const char *name;
    uint32_t count;
    float colors[4 * 3];
};

#define RGB(r, g, b) (r) / 255.0F, (g) / 255.0F, (b) / 255.0F, 1
static const struct ramp ramps[] = {
    {"gray", 2, {0, 0, 0, 1, 1, 1, 1, 1}},
    {"gray_r", 2, {1, 1, 1, 1, 0, 0, 0, 1}},
    {"red", 2, {0, 0, 0, 1, 1, 0, 0, 1}},
    {"green", 2, {0, 0, 0, 1, 0, 1, 0, 1}},
    {"blue", 2, {0, 0, 0, 1, 0, 0, 1, 1}},
    {"cyan", 2, {0, 0, 0, 1, 0, 1, 1, 1}},
    {"magenta", 2, {0, 0, 0, 1, 1, 0, 1, 1}},
    {"yellow", 2, {0, 0, 0, 1, 1, 1, 0, 1}},
    {"fire", 3, {1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1}},
    {"ice", 2, {0, 0, 1, 1, 1, 1, 1, 1}},
    {"I Bordeaux", 2, {1, 1, 1, 1, RGB(204, 0, 51)}},
    {"I Blue", 2, {1, 1, 1, 1, RGB(0, 51, 204)}},
    {"I Forest", 2, {1, 1, 1, 1, RGB(0, 153, 0)}},
    {"I Orange", 2, {1, 1, 1, 1, RGB(255, 117, 0)}},
    {"I Purple", 2, {1, 1, 1, 1, RGB(117, 0, 255)}},
    {"HiLo", 2, {0, 0, 0, 1, 1, 1, 1, 1}},
    {"nan", 2, {0, 0, 0, 1, 1, 1, 1, 1}},
    {"autumn", 2, {1, 0, 0, 1, 1, 1, 0, 1}},
    {"blues", 2, {1, 1, 1, 1, 0, 0, 1, 1}},
    {"cool", 2, {0, 1, 1, 1, 1, 0, 1, 1}},
    {"greens", 2, {1, 1, 1, 1, 0, 1, 0, 1}},
    {"reds", 2, {1, 1, 1, 1, 1, 0, 0, 1}},
    {"spring", 2, {1, 0, 1, 1, 1, 1, 0, 1}},
    {"summer", 2, {0, 0.5F, 0.4F, 1, 1, 1, 0.4F, 1}},
};

#define RAMPS (sizeof ramps / sizeof *ramps)
#define MAPS 256 /* room for every ramp and every table, both ways */

/* Sorted as napari does, ignoring case. */
static const char *const menu[] = {
    "blue",     "bop blue", "bop orange", "bop purple", "cyan",    "fire",     "gist_earth",
    "gray",     "gray_r",   "green",      "HiLo",       "hsv",     "I Blue",   "I Bordeaux",
    "I Forest", "I Orange", "I Purple",   "ice",        "inferno", "magenta",  "magma",
    "nan",      "PiYG",     "plasma",     "red",        "turbo",   "twilight", "twilight_shifted",
    "viridis",  "yellow",
};

static struct oriel_colormap maps[MAPS];
static size_t map_count;
static float ramp_controls[2][3] = {{0, 1, 1}, {0, 0.5F, 1}};
static pthread_once_t built = PTHREAD_ONCE_INIT;

static struct oriel_colormap *add(const char *name, const float *colors, const float *controls,
                                  uint32_t count)
{
    CHECK(map_count < MAPS);
    struct oriel_colormap *map = &maps[map_count++];
    *map = (struct oriel_colormap){.name = name,
                                   .colors = colors,
                                   .controls = controls,
                                   .count = count,
                                   .interpolation = ORIEL_LUT_LINEAR};
    return map;
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < map_count; i++)
        if (strcmp(maps[i].name, name) == 0)
            return true;
    return false;
}

/* matplotlib's "_r" maps, kept until the process ends. */
static void add_reversed(const struct colormap_table *table)
{
    char *name = xasprintf("%s_r", table->name);
    if (is_known(name) || strcmp(&table->name[strlen(table->name) - 2], "_r") == 0) {
        free(name);
        return;
    }
    float *colors = xcalloc(4 * COLORMAP_TABLE_SIZE, sizeof *colors);
    for (size_t i = 0; i < COLORMAP_TABLE_SIZE; i++)
        memcpy(&colors[4 * i], &table->colors[4 * (COLORMAP_TABLE_SIZE - 1 - i)],
               4 * sizeof *colors);
    add(name, colors, colormap_table_controls, COLORMAP_TABLE_SIZE);
}

static void build(void)
{
    for (size_t i = 0; i < RAMPS; i++)
        add(ramps[i].name, ramps[i].colors, ramp_controls[ramps[i].count - 2], ramps[i].count);
    for (size_t i = 0; i < map_count; i++) {
        static const float red[4] = {1, 0, 0, 1}, blue[4] = {0, 0, 1, 1};
        if (strcmp(maps[i].name, "HiLo") == 0) {
            maps[i].has_low = maps[i].has_high = 1;
            memcpy(maps[i].low_color, blue, sizeof blue);
            memcpy(maps[i].high_color, red, sizeof red);
        } else if (strcmp(maps[i].name, "nan") == 0) {
            memcpy(maps[i].nan_color, red, sizeof red);
        }
    }
    for (size_t i = 0; i < colormap_table_count; i++)
        if (!is_known(colormap_tables[i].name))
            add(colormap_tables[i].name, colormap_tables[i].colors, colormap_table_controls,
                COLORMAP_TABLE_SIZE);
    for (size_t i = 0; i < colormap_table_count; i++)
        add_reversed(&colormap_tables[i]);
}

const struct oriel_colormap *colormap_find(const char *name)
{
    pthread_once(&built, build);
    /* vispy's "blues" and matplotlib's "Blues" differ: the exact spelling wins. */
    for (size_t i = 0; i < map_count; i++)
        if (strcmp(maps[i].name, name) == 0)
            return &maps[i];
    for (size_t i = 0; i < map_count; i++)
        if (strcasecmp(maps[i].name, name) == 0)
            return &maps[i];
    return NULL;
}

const struct oriel_colormap *colormap_at(size_t index)
{
    return index < sizeof menu / sizeof *menu ? colormap_find(menu[index]) : NULL;
}

void colormap_sample(const struct oriel_colormap *map, double t, float rgba[4])
{
    if (isnan(t)) {
        memcpy(rgba, map->nan_color, sizeof map->nan_color);
        return;
    }
    if (map->has_low && t <= 0) {
        memcpy(rgba, map->low_color, sizeof map->low_color);
        return;
    }
    if (map->has_high && t >= 1) {
        memcpy(rgba, map->high_color, sizeof map->high_color);
        return;
    }
    bool steps = map->interpolation == ORIEL_LUT_ZERO;
    uint32_t intervals = steps ? map->count : map->count - 1;
    uint32_t k = 0;
    while (k + 1 < intervals && t >= map->controls[k + 1])
        k++;
    double part = 0;
    if (!steps && intervals > 0) {
        double width = (double)map->controls[k + 1] - map->controls[k];
        part = width > 0 ? (t - map->controls[k]) / width : 1;
        part = fmin(fmax(part, 0), 1);
    }
    for (int c = 0; c < 4; c++) {
        double value = map->colors[4 * k + (uint32_t)c];
        if (part > 0)
            value += part * (map->colors[4 * (k + 1) + (uint32_t)c] - value);
        rgba[c] = (float)value;
    }
}
