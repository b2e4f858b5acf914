/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server has told: the newest notify.view, notify.dims, notify.camera and notify.status,
 * and the layers of notify.scene with all that notify.layers said since. Changes of its own are
 * shown at once; who wins then is the rule of docs/protocol/README.md. */
#ifndef CTL_MIRROR_H
#define CTL_MIRROR_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct mirror {
    cJSON *scene; /* payload of notify.scene, its layers kept up to date; NULL before */
    cJSON *view;  /* payloads as they came; NULL before */
    cJSON *dims;
    cJSON *camera; /* the state of the newest pose */
    cJSON *status;
    cJSON *own; /* what it did itself: {"<layer>\n<key>": newest client_seq, …} */
    char session[64];
    uint64_t pose_seq, pose_rev; /* its own newest pose */
};

void mirror_finish(struct mirror *mirror);
/* A new connection: counts of its own begin again. What was told stays until it is told anew. */
void mirror_connected(struct mirror *mirror, const char *session);
void mirror_take(struct mirror *mirror, const char *type, const cJSON *frame);

/* The block of a layer, by id or, where no id fits, by a name that only one has; or NULL. */
cJSON *mirror_layer(const struct mirror *mirror, const char *id);

/* Its own changes, when they are sent. The values are copied. */
void mirror_edit(struct mirror *mirror, const char *layer, const char *key, const cJSON *value,
                 uint64_t client_seq);
void mirror_pose(struct mirror *mirror, const cJSON *pose, uint64_t client_seq);
/* The answer to an edit: `ack` is the payload of ack.state. */
void mirror_ack(struct mirror *mirror, const char *layer, const char *key, uint64_t client_seq,
                const cJSON *ack);

#endif
