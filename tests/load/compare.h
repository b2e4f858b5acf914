/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether two have been told the same. */
#ifndef LOAD_COMPARE_H
#define LOAD_COMPARE_H

#include "ctl/mirror.h"

/* What counts, in one object: layers by id with all that is said of them, their order, view, dims
 * and camera. Not what only says when or by whom (revision, origin), and no thumbnails. */
cJSON *compare_state(const struct mirror *mirror);

/* Prints each key that differs after `who`, and counts them into `*lines`, of which 200 are
 * printed; numbers may differ by 1e-9 of their size. */
int compare_json(const char *who, const cJSON *here, const cJSON *there, int *lines);

/* A scene file against a mirror: what both speak of. */
int compare_scene_file(const char *who, const struct mirror *mirror, const cJSON *file, int *lines);

#endif
