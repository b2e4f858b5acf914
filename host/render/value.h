/* SPDX-License-Identifier: BSD-3-Clause */
/* One value of a dataset, as it is stored: without the digits that a double would take from it. */
#ifndef RENDER_VALUE_H
#define RENDER_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "scene/snapshot.h"
#include "util/error.h"

struct render_pool;

struct data_value {
    uint32_t dtype;   /* ORIEL_U8, …; dtype_name() names it */
    uint8_t bytes[8]; /* the first dtype_bytes(dtype) of them, native order; others 0 */
};

/* The value at a level-0 index of the layer's axes. May read data and so take time. False with the
 * reason when it is outside of the layer or cannot be read. [any-thread but a render's callbacks]
 */
bool data_probe(struct render_pool *pool, const struct layer_binding *binding,
                const int64_t index[ORIEL_MAX_AXES], struct data_value *value, struct error *err);

double data_value_number(const struct data_value *value); /* the nearest double */

/* The value as text that JSON can hold. A number, as short as its double allows, when it is finite
 * and some double is exactly it; else *quoted: a string with the digits of a 64-bit integer, "NaN",
 * "Infinity" or "-Infinity". A bool is 0 or 1. */
void data_value_print(const struct data_value *value, char out[32], bool *quoted);

#endif
