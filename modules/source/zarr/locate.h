/* SPDX-License-Identifier: BSD-3-Clause */
/* From what a user names to a store and a path inside it. */
#ifndef ZARR_LOCATE_H
#define ZARR_LOCATE_H

#include <stddef.h>

#include "fault.h"

enum { LOCATE_PATH = 4096 };

struct location {
    char root[LOCATE_PATH];   /* of the store */
    char inside[LOCATE_PATH]; /* "" for the root itself */
};

/* `uri`: a path or a file:// URL. A folder with metadata is a store of its own; below a store whose
 * metadata is consolidated, the folders may have none. */
bool locate(const char *uri, struct location *location, struct fault *fault);

/* How sure it is that `uri` is Zarr: 0 … 100. Looks at names and whether files exist. */
unsigned locate_score(const char *uri);

#endif
