/* SPDX-License-Identifier: BSD-3-Clause */
/* A small embryo that does not exist: nuclei that drift, push each other away and divide. The same
 * at every run. Lengths are in micrometers. */
#ifndef CLI_DEMO_CELLS_H
#define CLI_DEMO_CELLS_H

#include <stdint.h>

enum { DEMO_CELLS_MAX = 256 };

struct demo_cell {
    double at[3];   /* z, y, x */
    double axis[3]; /* unit vector of the next division */
    double radius;  /* of the nucleus */
    double age;     /* in frames */
    double life;    /* frames until it divides */
    uint32_t seed;  /* of its texture */
};

struct demo_cells {
    struct demo_cell cells[DEMO_CELLS_MAX];
    uint32_t count;
    uint64_t random;
    double half[3]; /* the ellipsoid they live in */
};

void demo_cells_init(struct demo_cells *cells, const double half[3], uint32_t count);
void demo_cells_step(struct demo_cells *cells);

/* One volume of each channel at the present time, counts of a camera. `frame` seeds the noise. */
struct demo_grid {
    uint32_t shape[3]; /* z, y, x */
    double pitch[3];   /* micrometers */
};
void demo_cells_draw(const struct demo_cells *cells, const struct demo_grid *grid, uint32_t frame,
                     uint16_t *nuclei, uint16_t *membranes);

#endif
