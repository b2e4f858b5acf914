/* SPDX-License-Identifier: BSD-3-Clause */
/* The world that the layers span: its axes, and what dims and camera become when it changes. */
#ifndef SCENE_WORLD_H
#define SCENE_WORLD_H

#include "scene/scene.h"

/* What an axis may have: sums and products of these stay finite. */
bool world_scale_ok(double scale);         /* 1e-15..1e15 either way */
bool world_translate_ok(double translate); /* -1e15..1e15 */

void world_remember(const struct scene *scene, struct world_axes *axes);
/* Recomputes scene->ndim and scene->axes from the layers. */
void world_fit(struct scene *scene);
/* A view of a new world: the axes in their order, the middle of each, nothing played or locked. */
void world_put_view(const struct scene *scene, const char *id, struct record_batch *batch);
/* Dims and cameras of every view after layers came or went: as they were when the world is as
 * `before`; else new dims and napari's home. */
void world_put(const struct scene *scene, const struct world_axes *before,
               struct record_batch *batch);

#endif
