/* SPDX-License-Identifier: BSD-3-Clause */
/* How the chunks of an array are stored, compiled once from the metadata: leading transpositions
 * become a permutation that costs nothing, then either a list of codecs or, for shards, a grid of
 * inner chunks with a pipeline of their own. Immutable once compiled. */
#ifndef ZARR_PIPELINE_H
#define ZARR_PIPELINE_H

#include "arena.h"
#include "codec.h"

enum { PIPELINE_CODECS = 16 };

struct pipeline;

/* The parts of a "sharding_indexed" codec. */
struct shard {
    struct pipeline *inner;
    struct pipeline *index;       /* of u64 offset and length for each inner chunk */
    uint64_t grid[PIPELINE_AXES]; /* inner chunks along each axis, as they are stored */
    uint64_t count;               /* of inner chunks */
    bool index_first;
};

struct pipeline {
    uint32_t ndim;
    uint32_t count;                 /* of codecs */
    struct dtype dtype;             /* of the values that come out; swap is false */
    uint64_t shape[PIPELINE_AXES];  /* of a chunk, as it comes out */
    uint64_t stored[PIPELINE_AXES]; /* of a chunk, as it is stored */
    uint8_t order[PIPELINE_AXES];   /* stored axis k is axis order[k] of what comes out */
    bool reordered;                 /* order is not 0, 1, 2, … */
    bool plain;                     /* the values just lie there: no codec changes a byte */
    uint64_t bytes;                 /* of a decoded chunk */
    uint64_t stored_limit;          /* an encoded chunk larger than this is no honest one */
    uint64_t encoded;               /* or CODEC_BYTES_UNKNOWN */
    uint8_t fill[8];
    struct codec codecs[PIPELINE_CODECS]; /* in the order of encoding; of a shard: bytes to bytes */
    struct shard *shard;                  /* or NULL */
};

/* What the arrays say. `ndim`, `shape` and `dtype` are of the chunk. NULL with a sentence when a
 * codec is unknown or the chain makes no sense. */
struct chunk_spec {
    uint32_t ndim;
    const uint64_t *shape;
    struct dtype dtype; /* v2: with its byte order */
    const uint8_t *fill;
};

struct pipeline *pipeline_compile_v2(struct arena *arena, const struct chunk_spec *chunk,
                                     bool fortran, const cJSON *filters, const cJSON *compressor,
                                     struct fault *fault);
struct pipeline *pipeline_compile_v3(struct arena *arena, const struct chunk_spec *chunk,
                                     const cJSON *codecs, struct fault *fault);

/* For people: "blosc(zstd, shuffle)". */
const char *pipeline_describe(const struct pipeline *pipeline, struct arena *arena);

/* The smallest box that is stored for itself, and (if there are shards) the box of the outermost
 * one. */
void pipeline_chunk(const struct pipeline *pipeline, uint64_t *chunk);

/* Decodes one stored chunk that is no shard, or the bytes of a whole shard. `direct`: where the
 * result should be if it can be, or NULL. The result lies there, in the scratch of `depth`, or in
 * `in`. */
bool pipeline_decode(const struct pipeline *pipeline, struct scratch *scratch, unsigned depth,
                     struct span in, uint8_t *direct, struct span *out, struct fault *fault);

#endif
