/* SPDX-License-Identifier: BSD-3-Clause */
/* The reducers of each scope. They find out->writes empty and out->accepted false. */
#ifndef SCENE_REDUCE_INTERNAL_H
#define SCENE_REDUCE_INTERNAL_H

#include "scene/reduce.h"

void reduce_dims(const struct scene *, const struct scene_request *, struct reduction *);
void reduce_view(const struct scene *, const struct scene_request *, struct reduction *);
void reduce_camera(const struct scene *, const struct scene_request *, struct reduction *);
void reduce_layer(const struct scene *, const struct scene_request *, struct reduction *);
void reduce_volume(const struct scene *, const struct scene_request *, struct reduction *);
void reduce_multiscale(const struct scene *, const struct scene_request *, struct reduction *);

void reduce_reject(struct reduction *out, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reduce_unsupported(const struct scene_request *request, struct reduction *out);
/* Accepted, with the version of (scope, target, key). Takes `applied`. */
void reduce_accept(struct reduction *out, const char *scope, const char *target, const char *key,
                   cJSON *applied);
/* Writes one key and accepts with it. Takes `value`. */
void reduce_write(struct reduction *out, const char *scope, const char *target, const char *key,
                  cJSON *value);

/* Zoom within what floats can draw; false for what is not a pose at all. */
bool reduce_pose_ok(struct oriel_camera *camera);

#endif
