/* SPDX-License-Identifier: BSD-3-Clause */
/* The controls of an image layer: their names, what values they take, and their typed form. */
#ifndef SCENE_CONTROLS_H
#define SCENE_CONTROLS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "oriel/scene.h"
#include "util/error.h"

/* The i-th control as it stands in the record ("visible", "opacity", …; "interpolation" is not
 * among them, it names interpolation2d or interpolation3d), NULL past the end. */
const char *control_name(size_t index);
bool control_known(const char *key);

/* The canonical form of a value, or NULL with what would be right. */
cJSON *control_normalise(const char *key, const cJSON *value, struct error *err);

/* Enumerations of oriel/scene.h by napari's names; 0 and NULL for what is unknown. */
uint32_t blending_from_name(const char *name);
uint32_t filter_from_name(const char *name);
uint32_t rendering_from_name(const char *name);
uint32_t depiction_from_name(const char *name);

/* What may be a colormap: a name ignoring case, "#rrggbb" (black to that colour), or an object with
 * colors, controls and interpolation. Canonical: the name, or the object with all three and RGBA.
 */
cJSON *colormap_normalise(const cJSON *value, struct error *err);
/* 0xRRGGBB from black, as a canonical value. */
cJSON *colormap_from_rgb(uint32_t rgb);
/* A name that napari accepts for any canonical value: itself, or "#rrggbb" of the last colour. */
void colormap_napari_name(const cJSON *canonical, char name[64]);

#endif
