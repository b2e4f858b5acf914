/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions of the vtable; their contracts are in oriel/scene_module.h. */
#ifndef NAPARI_MODULE_H
#define NAPARI_MODULE_H

#include "napari.h"

oriel_result scene_create(const struct oriel_host *host, const struct oriel_config *config,
                          void **self);
void scene_destroy(void *self);
oriel_result scene_apply(void *self, const struct oriel_snapshot *snapshot);
oriel_result scene_upload(void *self, const struct oriel_slab *piece);
void scene_evict(void *self, uint64_t id);
oriel_result scene_draw(void *self, const struct oriel_view *view,
                        const struct oriel_target *target);
oriel_result scene_thumbnail(void *self, uint64_t layer, uint32_t width, uint32_t height,
                             uint8_t *rgba);
oriel_result scene_draw_time(void *self, int64_t *ns);

#endif
