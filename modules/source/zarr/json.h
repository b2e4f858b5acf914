/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata text. Beyond JSON, two things that writers do are taken: NaN and Infinity without
 * quotes, and integers that a double cannot hold; both arrive as strings. */
#ifndef ZARR_JSON_H
#define ZARR_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

/* `name` is the file for the error, which gives line and column. An object, or NULL. */
cJSON *json_parse(const char *text, size_t bytes, const char *name, struct fault *fault);

const cJSON *json_get(const cJSON *object, const char *key);   /* NULL when absent or null */
const char *json_string(const cJSON *object, const char *key); /* NULL when it is no string */
bool json_number(const cJSON *item, double *value);            /* finite */
bool json_whole(const cJSON *item, uint64_t *value);           /* 0 … 2^53 */
bool json_flag(const cJSON *object, const char *key, bool fallback);
/* A list of exactly `count` whole numbers, each at least `least`. */
bool json_wholes(const cJSON *list, uint32_t count, uint64_t least, uint64_t *values);

#endif
