/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>

#include "napari.h"

/* Texel i is the colour at i / 1023, rounded to 8 bits: the precision napari's table has. */
void lut_fill(const struct oriel_colormap *map, uint8_t texels[LUT_SIZE * 4])
{
    uint32_t k = 0; /* the interval of controls that x lies in */
    uint32_t intervals = map->interpolation == ORIEL_LUT_ZERO ? map->count : map->count - 1;
    for (uint32_t i = 0; i < LUT_SIZE; i++) {
        double x = i == LUT_SIZE - 1 ? 1.0 : i * (1.0 / (LUT_SIZE - 1));
        while (k + 1 < intervals && x >= map->controls[k + 1])
            k++;
        double from = map->controls[k];
        double width = intervals ? map->controls[k + 1] - from : 0.0;
        for (uint32_t c = 0; c < 4; c++) {
            double value = map->colors[4 * k + c];
            if (map->interpolation != ORIEL_LUT_ZERO && intervals) {
                double next = map->colors[4 * (k + 1) + c];
                double slope = width > 0.0 ? (next - value) / width : 0.0;
                value = x >= map->controls[k + 1] ? next : value + slope * (x - from);
            }
            float clamped = fminf(fmaxf((float)value, 0.0f), 1.0f);
            texels[4 * i + c] = (uint8_t)lrintf(clamped * 255.0f);
        }
    }
}
