/* SPDX-License-Identifier: BSD-3-Clause */
/* What the journal holds of a scene, as JSON. A line has what changed, a snapshot everything, in
 * the same form:
 *   {"revision":9,"next_layer":2,"opened":{…},"world":[{axis}…],
 *    "entries":[{"key":["layer","layer-0","opacity"],"value":0.5,"version":3,"revision":9,
 *                "timestamp":…,"origin":{…}}…],
 *    "history":{"layers":{…}}}
 * An entry without a value was cleared. What is missing is as it was. */
#ifndef CONTROL_STATE_JSON_H
#define CONTROL_STATE_JSON_H

#include "control/history.h"
#include "scene/scene.h"
#include "util/error.h"

/* Of revisions after `since`; NULL when there is nothing. Views of sessions' own are left out:
 * these end with their sessions. `opened` may be NULL. */
char *state_json(const struct scene *scene, struct history *history, uint64_t since, bool whole,
                 const cJSON *opened);

/* What is put back, line by line. */
struct state_found {
    struct world_axes world;
    cJSON *opened; /* or NULL */
};
/* False: err says what it is not. */
bool state_json_restore(const char *text, size_t bytes, struct scene *scene,
                        struct history *history, struct state_found *found, struct error *err);

#endif
