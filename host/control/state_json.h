/* SPDX-License-Identifier: BSD-3-Clause */
/* What the journal holds of a scene, as JSON. A line has what changed, a snapshot everything, in
 * the same form:
 *   {"revision":9,"next_layer":2,"opened":{…},"allowed":["/data/a.zarr"…],"world":[{axis}…],
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
 * these end with their sessions. But the revision that a restart goes on from, `*bound`, must not
 * be lower than theirs, which clients know: it is raised, and stored, some way ahead of them.
 * `begun` has what belongs to the data ("opened", "allowed"); NULL: nothing. */
char *state_json(const struct scene *scene, struct history *history, uint64_t since,
                 uint64_t *bound, bool whole, const cJSON *begun);

/* What is put back, line by line. */
struct state_found {
    struct world_axes world;
    cJSON *opened, *allowed; /* or NULL */
};
/* False: err says what it is not. */
bool state_json_restore(const char *text, size_t bytes, struct scene *scene,
                        struct history *history, struct state_found *found, struct error *err);

#endif
