/* SPDX-License-Identifier: BSD-3-Clause */
/* Types of values, by both spellings ("<u2" and "uint16"), and fill values. */
#ifndef ZARR_DTYPE_H
#define ZARR_DTYPE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "fault.h"
#include "oriel/scene.h"

struct dtype {
    uint32_t type;  /* ORIEL_U8, … */
    uint32_t bytes; /* of one value */
    bool swap;      /* stored in the other byte order than this machine's */
};

/* False for a type that is not supported; the text says what it is ("complex numbers"). */
bool dtype_parse(const char *name, struct dtype *dtype, struct fault *fault);
const char *dtype_label(uint32_t type); /* "uint16", … */

/* `out` takes the value's bytes in this machine's order. A missing fill value is zero. */
bool fill_parse(const cJSON *item, const struct dtype *dtype, uint8_t out[8], struct fault *fault);

double value_load(uint32_t type, const void *data, uint64_t index);
/* Out of the type's range: its nearest value; NaN in an integer: 0. */
void value_store(uint32_t type, void *data, uint64_t index, double value);
void bytes_swap(const uint8_t *in, uint8_t *out, uint64_t count,
                uint32_t bytes); /* may be in place */

#endif
