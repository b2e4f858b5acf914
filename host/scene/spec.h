/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients are told: payloads of the notify frames, built from a scene. SPEC_CLASSIC is the
 * reference's client, which drops frames with anything it does not know; SPEC_ORIEL is
 * docs/protocol/state.md. Everything returned is the caller's. */
#ifndef SCENE_SPEC_H
#define SCENE_SPEC_H

#include "scene/scene.h"

enum spec_class { SPEC_CLASSIC, SPEC_ORIEL, SPEC_CLASSES };

/* notify.scene */
cJSON *spec_scene(const struct scene *scene, enum spec_class class, double fps);
/* A layer's block in it. */
cJSON *spec_layer(const struct scene *scene, const struct scene_layer *layer,
                  enum spec_class class);
/* A layer's controls that changed after `since` (0: all); NULL when none did. A change of ndisplay
 * after `since` changes `interpolation`. */
cJSON *spec_controls(const struct scene *scene, const struct scene_layer *layer,
                     enum spec_class class, uint64_t since);
/* Who wrote a key last: `control_versions` and `versions` of docs/protocol/state.md. */
cJSON *spec_version(const struct record_entry *entry);
/* That of every control in `controls`. */
cJSON *spec_control_versions(const struct scene *scene, const struct scene_layer *layer,
                             const cJSON *controls);
/* The live part of a layer's `oriel` object: status, error, level. */
cJSON *spec_layer_state(const struct scene_layer *layer);
/* notify.dims of a view */
cJSON *spec_dims(const struct scene *scene, const char *view);
/* notify.camera's `state`: pan-zoom or turntable. */
cJSON *spec_camera(const struct scene *scene, const char *view);
/* notify.view; `session` may be "". */
cJSON *spec_view(const struct scene *scene, const char *view, const char *session, uint64_t rev);

#endif
