/* SPDX-License-Identifier: BSD-3-Clause */
/* The colormaps that are tables: RGBA at colormap_table_controls. */
#ifndef SCENE_COLORMAP_TABLES_H
#define SCENE_COLORMAP_TABLES_H

#include <stddef.h>

#define COLORMAP_TABLE_SIZE 256

struct colormap_table {
    const char *name;
    const float *colors;
};

extern const struct colormap_table colormap_tables[];
extern const size_t colormap_table_count;
extern const float colormap_table_controls[COLORMAP_TABLE_SIZE];

#endif
