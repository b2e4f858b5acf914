/* SPDX-License-Identifier: BSD-3-Clause */
/* A box of one level that is being put together from blocks: which of its pieces (one for each
 * block it touches) have come. The values themselves are with the scene module. [render] */
#ifndef RENDER_SLAB_H
#define RENDER_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oriel/scene.h"
#include "render/plan.h"

enum piece_state { PIECE_MISSING, PIECE_THERE, PIECE_FAILED };

struct slab {
    uint64_t id;    /* oriel_slab::id */
    uint64_t layer; /* oriel_layer::key */
    struct plan_slab plan;
    const struct oriel_source_info *info;  /* of plan.view.dataset */
    uint64_t grid_first[3], grid_count[3]; /* of blocks along x, y, z */
    size_t piece_count, missing, failed;
    uint8_t *pieces; /* piece_state, x fastest */
    bool allocated;  /* the scene module knows it */
};

/* Memory that grows: for values that have to be gathered. */
struct scratch {
    void *data;
    size_t bytes;
};

struct slab *slab_create(const struct plan_slab *plan, uint64_t layer, uint64_t id);
void slab_destroy(struct slab *slab); /* NULL is fine */

/* The piece a block is, or false when it is none of this slab's. */
bool slab_find(const struct slab *slab, const struct block_key *key, size_t *piece);
void slab_want(const struct slab *slab, size_t piece, struct want *want);
void slab_set(struct slab *slab, size_t piece, enum piece_state state);
/* The smallest and largest slab voxel of a piece, world x, y, z, by their outer edges. */
void slab_piece_box(const struct slab *slab, size_t piece, double low[3], double high[3]);

/* Describes a piece for oriel_scene_module::upload. Its values are those of the block, what has
 * been made of them (NULL: nothing), or, when that was for another piece, made now in the scratch.
 * False when memory is short. */
bool slab_describe(const struct slab *slab, size_t piece, const struct block *block,
                   const struct made *made, struct scratch *scratch, struct oriel_slab *out);

/* What of the slab lies within the canvas' world rectangle: how much of the rectangle it reaches,
 * how much of that is filled by pieces that are there and that failed (world units squared; in 3-D
 * shares of the whole slab, which is 1), and the number of pieces that are missing. */
struct slab_area {
    double seen, there, failed;
    size_t missing;
};
struct slab_area slab_measure(const struct slab *slab, const struct plan_rect *visible);
/* The piece reaches into the rectangle; always in 3-D. */
bool slab_piece_seen(const struct slab *slab, size_t piece, const struct plan_rect *visible);

#endif
