/* SPDX-License-Identifier: BSD-3-Clause */
/* The ray caster's formulae (docs/pixels.md, "Volumes") for one pixel, in double. */
#ifndef CPU_VOLUME_H
#define CPU_VOLUME_H

#include <stdbool.h>

#include "oriel/scene.h"

struct cpu_volume {
    int shape[3]; /* x, y, z */
    const float *data;
    bool linear;
    const struct oriel_layer *layer;
    double voxel_to_clip[16]; /* column-major */
    double plane_position[3]; /* voxels */
    double plane_normal[3];
};

/* The value to be mapped, or for the additive and translucent modes the colour (`is_color`). False:
 * nothing is drawn. ndc: -1..1, y up. */
struct cpu_result {
    bool is_color;
    double value;
    double color[4];
};
bool cpu_cast(const struct cpu_volume *volume, double ndc_x, double ndc_y,
              struct cpu_result *result);
/* t^gamma through the colormap, as RGBA 0..1. */
void cpu_map(const struct oriel_layer *layer, double value, double rgba[4]);
bool cpu_invert(const double m[16], double out[16]);

#endif
