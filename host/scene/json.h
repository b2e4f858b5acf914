/* SPDX-License-Identifier: BSD-3-Clause */
/* cJSON with the checks that values from outside need. */
#ifndef SCENE_JSON_H
#define SCENE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

#define JSON_MAX_DEPTH 32

/* One JSON value and nothing after it. Refuses text that is not UTF-8, nests deeper than
 * JSON_MAX_DEPTH, has a NUL in it, or a key twice in one object. */
cJSON *json_parse(const char *text, size_t bytes, struct error *err);
bool json_is_utf8(const uint8_t *text, size_t bytes);

/* A finite number. */
bool json_number(const cJSON *json, double *value);
/* An integral number or a boolean. */
bool json_integer(const cJSON *json, int64_t *value);
/* Numbers of an array of `min` to `max`; their count, or -1 when it is anything else. */
int json_numbers(const cJSON *json, double *values, int min, int max);
/* A non-empty string, or NULL. */
const char *json_string(const cJSON *json);

cJSON *json_from_integers(const int64_t *values, size_t count);
/* Compact; caller frees. Always UTF-8: what is not, as in the name of a file, becomes '?'. */
char *json_print(const cJSON *json);
char *json_print_free(cJSON *json); /* the same, and the JSON is gone */

/* Adds and returns the child. */
cJSON *json_put(cJSON *object, const char *key, cJSON *value);
cJSON *json_put_string(cJSON *object, const char *key, const char *value);
cJSON *json_put_number(cJSON *object, const char *key, double value);
cJSON *json_put_bool(cJSON *object, const char *key, bool value);
cJSON *json_put_numbers(cJSON *object, const char *key, const double *values, size_t count);

#endif
