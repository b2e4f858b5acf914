/* SPDX-License-Identifier: BSD-3-Clause */
/* What the reads of one opened image share: the store, scratches, decoded shard indices. Any
 * thread. */
#ifndef ZARR_READ_H
#define ZARR_READ_H

#include "index_cache.h"
#include "scratch.h"
#include "store.h"

struct reader {
    struct store *store;
    struct scratch_pool scratches;
    struct index_cache indices;
};

#endif
