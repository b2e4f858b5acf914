/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: a static table in the module, typed values from the host.
 *
 * From the table the host validates the configuration (an unknown key is an error that names the
 * nearest one), fills defaults, prints help, writes the docs page and the JSON schema. The module
 * never sees JSON. */
#ifndef ORIEL_HOST_CONFIG_H
#define ORIEL_HOST_CONFIG_H

#include "oriel/abi.h"

enum {
    ORIEL_OPT_BOOL = 1,
    ORIEL_OPT_INT = 2,
    ORIEL_OPT_FLOAT = 3,
    ORIEL_OPT_STRING = 4,
    ORIEL_OPT_ENUM = 5 /* one of `choices` */
};

enum {
    ORIEL_OPT_LIVE = 1u << 0,     /* may change through reconfigure() */
    ORIEL_OPT_REQUIRED = 1u << 1, /* has no default */
    ORIEL_OPT_SECRET = 1u << 2    /* never printed */
};

/* Frozen, 56 bytes. */
struct oriel_option {
    const char *name;          /* snake_case, unique in the table */
    const char *default_value; /* as it would be written in the file; NULL with REQUIRED */
    const char *choices;       /* ENUM: the values, separated by spaces; else NULL */
    const char *help;          /* one sentence with the unit */
    double min;                /* INT and FLOAT; min == max == 0: no limits */
    double max;
    uint32_t type;
    uint32_t flags;
};

struct oriel_option_table {
    uint32_t size;
    uint32_t count;
    const struct oriel_option *options;
};

/* The validated values of one instance, with defaults filled in. Valid during the call that
 * receives it. Asking for a name that is not in the table, or by the wrong type, gives 0, 0.0 or ""
 * and a log line. [the caller's role] */
struct oriel_config {
    uint32_t size;
    uint32_t reserved;
    int64_t (*get_int)(const struct oriel_config *config, const char *name);  /* INT, BOOL */
    double (*get_float)(const struct oriel_config *config, const char *name); /* FLOAT, INT */
    const char *(*get_string)(const struct oriel_config *config,
                              const char *name); /* STRING, ENUM */
    void *data;                                  /* the host's */
};

#endif
