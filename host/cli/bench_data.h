/* SPDX-License-Identifier: BSD-3-Clause */
/* The pictures of `oriel bench`, made on the spot so that a result needs no download. */
#ifndef CLI_BENCH_DATA_H
#define CLI_BENCH_DATA_H

#include <stdbool.h>

#include "util/error.h"

/* A 4096 × 4096 uint16 slice: bright cells on a dim, noisy background, like fluorescence
 * microscopy. */
bool bench_write_slice(const char *path, struct error *err);
/* A 256³ uint16 volume: blobs in noise, about a quarter of the voxels not zero. */
bool bench_write_volume(const char *path, struct error *err);

#endif
