/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/demo_cells.h"

#include <math.h>
#include <string.h>

static const double nucleus_radius = 3.2, cell_radius = 6.0;

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static double uniform(struct demo_cells *cells)
{
    cells->random += UINT64_C(0x9e3779b97f4a7c15);
    return (double)(mix(cells->random) >> 11) * 0x1p-53;
}

static double length(const double v[3])
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

static void random_direction(struct demo_cells *cells, double out[3])
{
    double n = 0;
    while (n < 0.1 || n > 1) {
        for (int k = 0; k < 3; k++)
            out[k] = uniform(cells) * 2 - 1;
        n = length(out);
    }
    for (int k = 0; k < 3; k++)
        out[k] /= n;
}

static void cell_init(struct demo_cells *cells, struct demo_cell *cell, const double at[3])
{
    memcpy(cell->at, at, sizeof cell->at);
    random_direction(cells, cell->axis);
    cell->radius = nucleus_radius * (0.9 + 0.2 * uniform(cells));
    cell->age = 0;
    cell->life = 7 + 6 * uniform(cells);
    cell->seed = (uint32_t)mix(cells->random);
}

static void push(struct demo_cells *cells)
{
    const double rest = cell_radius * 1.35;
    for (uint32_t i = 0; i < cells->count; i++) {
        for (uint32_t j = i + 1; j < cells->count; j++) {
            struct demo_cell *a = &cells->cells[i], *b = &cells->cells[j];
            double d[3] = {b->at[0] - a->at[0], b->at[1] - a->at[1], b->at[2] - a->at[2]};
            double n = length(d);
            if (n >= rest || n < 1e-6)
                continue;
            for (int k = 0; k < 3; k++) {
                double step = d[k] / n * (rest - n) * 0.22;
                a->at[k] -= step;
                b->at[k] += step;
            }
        }
    }
}

/* Back inside the ellipsoid. */
static void confine(const struct demo_cells *cells, struct demo_cell *cell)
{
    double inside[3];
    for (int k = 0; k < 3; k++)
        inside[k] = cell->at[k] / cells->half[k];
    double n = length(inside);
    for (int k = 0; k < 3 && n > 0.85; k++)
        cell->at[k] *= 1 - 0.5 * (1 - 0.85 / n);
}

void demo_cells_init(struct demo_cells *cells, const double half[3], uint32_t count)
{
    memset(cells, 0, sizeof *cells);
    cells->random = 27;
    memcpy(cells->half, half, sizeof cells->half);
    for (uint32_t i = 0; i < count && i < DEMO_CELLS_MAX; i++) {
        double at[3];
        random_direction(cells, at);
        double reach = cbrt(uniform(cells)) * 0.8;
        for (int k = 0; k < 3; k++)
            at[k] *= reach * half[k];
        cell_init(cells, &cells->cells[cells->count++], at);
        cells->cells[i].age = cells->cells[i].life * uniform(cells);
    }
    for (int i = 0; i < 100; i++) { /* they make room for each other before anyone looks */
        push(cells);
        for (uint32_t k = 0; k < cells->count; k++)
            confine(cells, &cells->cells[k]);
    }
}

static void divide(struct demo_cells *cells, struct demo_cell *mother)
{
    double at[2][3];
    for (int k = 0; k < 3; k++) {
        at[0][k] = mother->at[k] - mother->axis[k] * nucleus_radius * 0.9;
        at[1][k] = mother->at[k] + mother->axis[k] * nucleus_radius * 0.9;
    }
    cell_init(cells, mother, at[0]);
    cell_init(cells, &cells->cells[cells->count++], at[1]);
}

void demo_cells_step(struct demo_cells *cells)
{
    for (uint32_t i = 0; i < cells->count; i++) {
        struct demo_cell *cell = &cells->cells[i];
        double drift[3];
        random_direction(cells, drift);
        for (int k = 0; k < 3; k++)
            cell->at[k] += drift[k] * 0.35;
        cell->age += 1;
    }
    for (int i = 0; i < 3; i++)
        push(cells);
    for (uint32_t i = 0; i < cells->count; i++)
        confine(cells, &cells->cells[i]);
    for (uint32_t i = 0, count = cells->count; i < count && cells->count < DEMO_CELLS_MAX; i++)
        if (cells->cells[i].age >= cells->cells[i].life)
            divide(cells, &cells->cells[i]);
}

static double lattice(uint32_t seed, int64_t z, int64_t y, int64_t x)
{
    uint64_t key = (uint64_t)z * 73856093 ^ (uint64_t)y * 19349663 ^ (uint64_t)x * 83492791;
    return (double)(mix(key ^ (uint64_t)seed << 32) >> 40) * 0x1p-24;
}

/* Smooth noise in 0 … 1 with one lattice point a micrometer. */
static double texture(uint32_t seed, const double at[3])
{
    int64_t base[3];
    double part[3];
    for (int k = 0; k < 3; k++) {
        base[k] = (int64_t)floor(at[k]);
        part[k] = at[k] - (double)base[k];
        part[k] *= part[k] * (3 - 2 * part[k]);
    }
    double sum = 0;
    for (int corner = 0; corner < 8; corner++) {
        int z = corner >> 2, y = corner >> 1 & 1, x = corner & 1;
        sum += lattice(seed, base[0] + z, base[1] + y, base[2] + x) * (z ? part[0] : 1 - part[0]) *
               (y ? part[1] : 1 - part[1]) * (x ? part[2] : 1 - part[2]);
    }
    return sum;
}

/* Brightness of a nucleus: a soft ball; towards its division it gets thin along its axis and
 * bright. */
static double nucleus(const struct demo_cell *cell, const double d[3])
{
    double left = cell->life - cell->age;
    double condensed = left < 1.5 ? 1 - left / 1.5 : cell->age < 1 ? 0.6 * (1 - cell->age) : 0;
    condensed = condensed > 0 ? condensed : 0;
    double along = d[0] * cell->axis[0] + d[1] * cell->axis[1] + d[2] * cell->axis[2];
    double across = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] - along * along;
    double a = cell->radius * (1 - 0.6 * condensed), b = cell->radius * (1 + 0.05 * condensed);
    double r = sqrt(along * along / (a * a) + fmax(across, 0) / (b * b));
    if (r > 1.6)
        return 0;
    double grain = texture(cell->seed, d) * 0.7 +
                   texture(cell->seed + 1, (double[3]){d[0] * 2.3, d[1] * 2.3, d[2] * 2.3}) * 0.3;
    return (0.55 + 0.9 * grain + 1.6 * condensed) / (1 + exp((r - 1) * 11));
}

/* Membranes: where two cells are equally near, and around the whole. */
static double membrane(double nearest, double second, const double at[3])
{
    if (nearest > cell_radius * 1.6)
        return 0;
    double between = (second - nearest) / 0.55, outside = (nearest - cell_radius) / 0.5;
    double wall = nearest < cell_radius + 0.5 ? exp(-between * between) : 0;
    double skin = exp(-outside * outside);
    return fmax(wall, skin) * (0.6 + 0.6 * texture(7, at));
}

/* A camera: offset, shot noise, read noise, roughly normal. */
static uint16_t camera(double photons, uint64_t key)
{
    uint64_t bits = mix(key);
    double sum = -2;
    for (int i = 0; i < 4; i++)
        sum += (double)(bits >> i * 16 & 0xffff) / 65536;
    double value = 110 + photons + sum * 1.732 * sqrt(photons + 16);
    return (uint16_t)(value < 0 ? 0 : value > 65535 ? 65535 : value);
}

void demo_cells_draw(const struct demo_cells *cells, const struct demo_grid *grid, uint32_t frame,
                     uint16_t *nuclei, uint16_t *membranes)
{
    const uint32_t *shape = grid->shape;
    const double reach = cell_radius * 2.2;
    for (uint32_t z = 0; z < shape[0]; z++) {
        for (uint32_t y = 0; y < shape[1]; y++) {
            double at[3];
            const struct demo_cell *near[DEMO_CELLS_MAX];
            uint32_t count = 0;
            at[0] = (z - (shape[0] - 1) / 2.0) * grid->pitch[0];
            at[1] = (y - (shape[1] - 1) / 2.0) * grid->pitch[1];
            for (uint32_t i = 0; i < cells->count; i++) {
                const struct demo_cell *cell = &cells->cells[i];
                if (hypot(cell->at[0] - at[0], cell->at[1] - at[1]) < reach)
                    near[count++] = cell;
            }
            for (uint32_t x = 0; x < shape[2]; x++) {
                double nearest = 1e9, second = 1e9, chromatin = 0;
                at[2] = (x - (shape[2] - 1) / 2.0) * grid->pitch[2];
                for (uint32_t i = 0; i < count; i++) {
                    double dx = at[2] - near[i]->at[2];
                    if (fabs(dx) > reach)
                        continue;
                    double d[3] = {at[0] - near[i]->at[0], at[1] - near[i]->at[1], dx};
                    double n = length(d);
                    if (n < nearest)
                        second = nearest, nearest = n;
                    else if (n < second)
                        second = n;
                    if (n < nucleus_radius * 1.8)
                        chromatin += nucleus(near[i], d);
                }
                uint64_t index = ((uint64_t)z * shape[1] + y) * shape[2] + x;
                uint64_t key = index << 20 ^ (uint64_t)frame << 1;
                nuclei[index] = camera(chromatin * 1400 + (nearest < cell_radius ? 45 : 8), key);
                membranes[index] = camera(membrane(nearest, second, at) * 900 + 12, key | 1);
            }
        }
    }
}
