/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes of values and strides. Strides are in bytes. */
#ifndef ZARR_COPY_H
#define ZARR_COPY_H

#include <stdint.h>

/* Of a dense array in C order. */
void strides_dense(uint32_t ndim, const uint64_t *shape, uint32_t bytes, int64_t *strides);

/* out[i] = in[origin + i] for every i in `shape`. At most PIPELINE_AXES axes. */
void copy_box(uint32_t ndim, const uint64_t *shape, uint32_t bytes, const uint8_t *in,
              const int64_t *in_strides, const uint64_t *origin, uint8_t *out,
              const int64_t *out_strides);

void fill_box(uint32_t ndim, const uint64_t *shape, uint32_t bytes, const uint8_t *value,
              uint8_t *out, const int64_t *strides);

#endif
