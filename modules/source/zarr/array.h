/* SPDX-License-Identifier: BSD-3-Clause */
/* One Zarr array: its metadata, checked and compiled. Immutable. */
#ifndef ZARR_ARRAY_H
#define ZARR_ARRAY_H

#include "pipeline.h"
#include "store.h"

struct array {
    const char *path; /* inside the store, "" for the root */
    uint32_t version; /* of Zarr: 2 or 3 */
    uint32_t ndim;
    struct dtype dtype;
    uint64_t shape[ORIEL_MAX_AXES];
    uint64_t chunk[ORIEL_MAX_AXES]; /* of the grid: shards where there are shards */
    uint8_t fill[8];
    char separator;
    bool key_prefix;         /* keys begin with "c" */
    const char *const *dims; /* names of the axes ("" where unnamed), or NULL */
    struct pipeline *pipeline;
};

/* From .zarray (`attributes`: of .zattrs, may be NULL) and from zarr.json. `file` is for errors. */
struct array *array_parse_v2(struct arena *arena, const char *path, const char *file,
                             const cJSON *zarray, const cJSON *attributes, struct fault *fault);
struct array *array_parse_v3(struct arena *arena, const char *path, const char *file,
                             const cJSON *root, struct fault *fault);

/* The key of a chunk, inside the store. */
bool array_chunk_key(const struct array *array, const uint64_t *index, char *out, size_t room);

/* A box of an array into `out`, dense, C order. */
struct reader;
struct array_read {
    const uint64_t *origin;
    const uint64_t *shape;
    uint8_t *out;
    const uint32_t *cancel; /* or NULL */
    uint64_t stored_bytes;  /* out: taken from the store */
    bool any_stored;        /* out: not all fill */
};
/* `reader` keeps what reads share; see read.h. */
bool array_read(const struct array *array, struct reader *reader, struct array_read *read,
                struct fault *fault);

#endif
