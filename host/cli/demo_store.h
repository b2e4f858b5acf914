/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes an OME-Zarr 0.5 image of u16 values, axes t c z y x, uncompressed: a folder that takes its
 * name when it is complete. */
#ifndef CLI_DEMO_STORE_H
#define CLI_DEMO_STORE_H

#include <stdint.h>

#include "util/error.h"

enum { DEMO_LEVELS = 3 };

struct demo_level {
    uint32_t shape[3]; /* z, y, x */
    double scale[3];   /* micrometers */
    double translate[3];
};

struct demo_channel {
    const char *label;
    const char *color; /* "00FF88" */
    double start, end;
};

struct demo_image {
    const char *name;
    uint32_t frames;
    double seconds; /* from frame to frame */
    struct demo_channel channels[2];
    struct demo_level levels[DEMO_LEVELS];
};

struct demo_store;

/* NULL with the reason, also when `path` exists. */
struct demo_store *demo_store_create(const char *path, const struct demo_image *image,
                                     struct error *err);
/* One volume of a level. */
bool demo_store_write(struct demo_store *store, uint32_t level, uint32_t frame, uint32_t channel,
                      const uint16_t *values, struct error *err);
/* Gives it its name; the store is destroyed in any case, and nothing is left after a failure. */
bool demo_store_commit(struct demo_store *store, struct error *err);
void demo_store_abandon(struct demo_store *store); /* NULL is fine */

#endif
