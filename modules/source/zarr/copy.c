/* SPDX-License-Identifier: BSD-3-Clause */
#include "copy.h"
#include "codec.h"

#include <string.h>

void strides_dense(uint32_t ndim, const uint64_t *shape, uint32_t bytes, int64_t *strides)
{
    int64_t stride = bytes;
    for (uint32_t k = ndim; k-- > 0;) {
        strides[k] = stride;
        stride *= (int64_t)shape[k];
    }
}

/* The innermost axis; every size has its own loop so that the compiler can do something with it. */
static void copy_row(uint64_t count, uint32_t bytes, const uint8_t *in, int64_t in_stride,
                     uint8_t *out, int64_t out_stride)
{
    if (in_stride == bytes && out_stride == bytes) {
        memcpy(out, in, count * bytes);
        return;
    }
    switch (bytes) {
    case 1:
        for (uint64_t i = 0; i < count; i++, in += in_stride, out += out_stride)
            *out = *in;
        break;
    case 2:
        for (uint64_t i = 0; i < count; i++, in += in_stride, out += out_stride)
            memcpy(out, in, 2);
        break;
    case 4:
        for (uint64_t i = 0; i < count; i++, in += in_stride, out += out_stride)
            memcpy(out, in, 4);
        break;
    default:
        for (uint64_t i = 0; i < count; i++, in += in_stride, out += out_stride)
            memcpy(out, in, bytes);
    }
}

struct nest {
    uint32_t ndim;
    uint64_t shape[PIPELINE_AXES];
    int64_t in[PIPELINE_AXES];
    int64_t out[PIPELINE_AXES];
};

/* Axes that follow each other in memory on both sides become one, and axes of length 1 go away.
 * False when there is nothing to do. */
static bool nest_init(struct nest *nest, uint32_t ndim, const uint64_t *shape, const int64_t *in,
                      const int64_t *out)
{
    nest->ndim = 0;
    for (uint32_t k = 0; k < ndim; k++) {
        if (shape[k] == 0)
            return false;
        if (shape[k] == 1)
            continue;
        int64_t n = (int64_t)shape[k];
        uint32_t last = nest->ndim - 1;
        if (nest->ndim && nest->in[last] == in[k] * n && nest->out[last] == out[k] * n) {
            nest->shape[last] *= shape[k];
            nest->in[last] = in[k];
            nest->out[last] = out[k];
            continue;
        }
        nest->shape[nest->ndim] = shape[k];
        nest->in[nest->ndim] = in[k];
        nest->out[nest->ndim++] = out[k];
    }
    return true;
}

void copy_box(uint32_t ndim, const uint64_t *shape, uint32_t bytes, const uint8_t *in,
              const int64_t *in_strides, const uint64_t *origin, uint8_t *out,
              const int64_t *out_strides)
{
    struct nest nest;
    if (!nest_init(&nest, ndim, shape, in_strides, out_strides))
        return;
    for (uint32_t k = 0; k < ndim; k++)
        in += (int64_t)origin[k] * in_strides[k];
    if (!nest.ndim) {
        memcpy(out, in, bytes);
        return;
    }
    uint32_t inner = nest.ndim - 1;
    uint64_t at[PIPELINE_AXES] = {0};
    for (;;) {
        copy_row(nest.shape[inner], bytes, in, nest.in[inner], out, nest.out[inner]);
        uint32_t k = inner;
        while (k-- > 0) {
            in += nest.in[k];
            out += nest.out[k];
            if (++at[k] < nest.shape[k])
                break;
            in -= nest.in[k] * (int64_t)nest.shape[k];
            out -= nest.out[k] * (int64_t)nest.shape[k];
            at[k] = 0;
        }
        if (k == UINT32_MAX)
            return;
    }
}

void fill_box(uint32_t ndim, const uint64_t *shape, uint32_t bytes, const uint8_t *value,
              uint8_t *out, const int64_t *strides)
{
    /* The value as an array whose strides are zero. */
    const int64_t still[PIPELINE_AXES] = {0};
    const uint64_t origin[PIPELINE_AXES] = {0};
    uint64_t dense = 1;
    bool zero = true;
    for (uint32_t k = ndim; k-- > 0; dense *= shape[k])
        zero = zero && strides[k] == (int64_t)(dense * bytes);
    for (uint32_t i = 0; i < bytes; i++)
        zero = zero && !value[i];
    if (zero)
        memset(out, 0, dense * bytes);
    else
        copy_box(ndim, shape, bytes, value, still, origin, out, strides);
}
