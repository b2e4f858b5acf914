/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/bench_data.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"

/* xorshift64*: the same picture on every machine. */
static uint32_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * UINT64_C(2685821657736338717)) >> 32);
}

static double random_unit(uint64_t *state)
{
    return random_next(state) / 4294967296.0;
}

static bool write_npy(const char *path, const char *shape, const uint16_t *values, size_t count,
                      struct error *err)
{
    char header[128];
    int text = snprintf(header, sizeof header,
                        "{'descr': '<u2', 'fortran_order': False, 'shape': (%s), }", shape);
    memset(header + text, ' ', sizeof header - (size_t)text);
    header[117] = '\n'; /* magic, version and length are 10 bytes: 128 in all */
    FILE *out = fopen(path, "wb");
    if (!out)
        return error_set(err, "%s: %s", path, strerror(errno));
    bool fine = fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, out) == 10 &&
                fwrite(header, 1, 118, out) == 118 &&
                fwrite(values, sizeof *values, count, out) == count;
    fine = fclose(out) == 0 && fine;
    return fine || error_set(err, "%s: %s", path, strerror(errno));
}

/* Adds a round blob to a depth × height × width array. */
static void add_blob(uint16_t *values, const int size[3], const double center[3], double radius,
                     double peak)
{
    int lo[3], hi[3];
    for (int a = 0; a < 3; a++) {
        lo[a] = (int)fmax(0, floor(center[a] - radius));
        hi[a] = (int)fmin(size[a] - 1, ceil(center[a] + radius));
    }
    for (int z = lo[0]; z <= hi[0]; z++) {
        for (int y = lo[1]; y <= hi[1]; y++) {
            for (int x = lo[2]; x <= hi[2]; x++) {
                double dz = z - center[0], dy = y - center[1], dx = x - center[2];
                double d = sqrt(dz * dz + dy * dy + dx * dx) / radius;
                if (d >= 1)
                    continue;
                uint16_t *v = &values[((size_t)z * (size_t)size[1] + (size_t)y) * (size_t)size[2] +
                                      (size_t)x];
                double sum = *v + peak * (1 - d * d);
                *v = (uint16_t)fmin(sum, 65535);
            }
        }
    }
}

bool bench_write_slice(const char *path, struct error *err)
{
    const int size[3] = {1, 4096, 4096};
    size_t count = (size_t)size[1] * (size_t)size[2];
    uint16_t *values = malloc(count * sizeof *values);
    if (!values)
        return error_set(err, "out of memory");
    uint64_t seed = 1;
    for (size_t i = 0; i < count; i++)
        values[i] = (uint16_t)(400 + random_next(&seed) % 400);
    for (int i = 0; i < 3000; i++) {
        double center[3] = {0, random_unit(&seed) * size[1], random_unit(&seed) * size[2]};
        add_blob(values, size, center, 12 + 28 * random_unit(&seed),
                 2000 + 18000 * random_unit(&seed));
    }
    bool fine = write_npy(path, "4096, 4096", values, count, err);
    free(values);
    return fine;
}

bool bench_write_volume(const char *path, struct error *err)
{
    const int size[3] = {256, 256, 256};
    size_t count = (size_t)256 * 256 * 256;
    uint16_t *values = calloc(count, sizeof *values);
    if (!values)
        return error_set(err, "out of memory");
    uint64_t seed = 2;
    for (int i = 0; i < 260; i++) {
        double center[3];
        for (int a = 0; a < 3; a++)
            center[a] = 28 + 200 * random_unit(&seed);
        add_blob(values, size, center, 10 + 16 * random_unit(&seed),
                 3000 + 20000 * random_unit(&seed));
    }
    for (size_t i = 0; i < count; i++) {
        if (values[i])
            values[i] = (uint16_t)fmin(65535, values[i] + random_next(&seed) % 600);
    }
    bool fine = write_npy(path, "256, 256, 256", values, count, err);
    free(values);
    return fine;
}
