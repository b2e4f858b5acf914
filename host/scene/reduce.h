/* SPDX-License-Identifier: BSD-3-Clause */
/* Reducers: pure functions from a scene and one request (state.update) to the writes that it asks
 * for, or to the reason why not. Nothing changes until the caller commits. */
#ifndef SCENE_REDUCE_H
#define SCENE_REDUCE_H

#include "scene/scene.h"

struct scene_request {
    const char *scope, *target, *key; /* scope and key trimmed, lower case */
    const cJSON *value;               /* or NULL */
    const char *view;                 /* the requester's; NULL: the shared one */
    /* Indices in it and in what was applied count in the locked level, as the reference's clients
     * do. */
    bool level_indices;
    int64_t canvas_max; /* pixels */
    /* What the requester shows, and the largest sides that others do; 0: not known, nobody. */
    uint32_t own_canvas[2], other_canvas[2];
};

struct reduction {
    bool accepted;
    /* Accepted: */
    struct record_batch *writes; /* may be empty */
    cJSON *applied;
    const char *scope; /* whose version the acknowledgement carries */
    char target[32];
    const char *key;
    uint64_t rev;       /* of a view.pose */
    uint32_t canvas[2]; /* of a view.canvas: the requester's own from now on; else 0 */
    bool stale;         /* a view.pose for the other ndisplay: ignored */
    /* Rejected: */
    const char *code; /* "state.invalid", "state.error", "state.unsupported" */
    char message[512];
};

void scene_reduce(const struct scene *scene, const struct scene_request *request,
                  struct reduction *out);
/* Frees what a reduction owns; `writes` and `applied` may have been taken (NULL). */
void reduction_finish(struct reduction *reduction);

#endif
