/* SPDX-License-Identifier: BSD-3-Clause */
/* napari's colormaps by name. Static data; safe on any thread. */
#ifndef SCENE_COLORMAP_H
#define SCENE_COLORMAP_H

#include <stddef.h>

#include "oriel/scene.h"

/* By name, ignoring case; NULL when unknown. The result's `name` is the canonical spelling. */
const struct oriel_colormap *colormap_find(const char *name);
/* In napari's menu order; NULL past the end. */
const struct oriel_colormap *colormap_at(size_t index);
/* RGBA of t in 0..1, before any LUT quantisation. */
void colormap_sample(const struct oriel_colormap *map, double t, float rgba[4]);

#endif
