/* SPDX-License-Identifier: BSD-3-Clause */
/* Arguments of tools: one table from which the published JSON schema and the check are both made,
 * so that they cannot differ. */
#ifndef MCP_PARAMS_H
#define MCP_PARAMS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/* Types; several may be allowed. */
enum {
    PARAM_STRING = 1,
    PARAM_NUMBER = 2, /* finite */
    PARAM_INTEGER = 4,
    PARAM_BOOLEAN = 8,
    PARAM_LIST = 16,
    PARAM_PAIR = 32, /* two integers; within a list */
    PARAM_OBJECT = 64,
    PARAM_NULL = 128
};

#define PARAM_TEXT_MAX 4096 /* characters of a string that does not say otherwise */

/* A table ends with a NULL name. */
struct param {
    const char *name;
    const char *help;
    unsigned types;
    unsigned items;             /* types in a list */
    const double *range;        /* of numbers, and of those in a list: least, most; NULL: any */
    bool above;                 /* more than the least */
    unsigned least, most;       /* entries of a list (most 0: any), characters of a string */
    const char *const *choices; /* of a string; NULL-terminated */
    bool required;
};

/* {"type":"object","properties":…,"required":…}; `closed`: nothing else is allowed. */
cJSON *params_schema(const struct param *params, unsigned least_params, bool closed);
/* False with a sentence that names the argument. */
bool params_check(const struct param *params, unsigned least_params, const cJSON *args,
                  struct error *err);

#endif
