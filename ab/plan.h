/* SPDX-License-Identifier: BSD-3-Clause */
/* What a comparison is to do: the file that `oriel ab CONFIG` takes (docs/ab.md). */
#ifndef AB_PLAN_H
#define AB_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "util/error.h"

struct plan_arm {
    char *label;
    char *module;      /* id */
    char *rate_option; /* "": the module has none, and all rates are one */
    double *rates;     /* as many as the others have, to be compared one by one */
    size_t rate_count;
    /* "encode/x264.preset=fast", and where that stands: for config_create. */
    char **sets, **origins;
    size_t set_count;
    char *origin; /* of its module */
};

struct plan {
    char *path;
    char *title;
    char **recordings; /* paths */
    size_t recording_count;
    struct plan_arm *arms;
    size_t arm_count;
    size_t baseline; /* an arm */
    char **module_path;
    size_t module_path_count;
    unsigned repeats;   /* timed runs of each arm */
    unsigned warm_up;   /* frames at the beginning of a run that no latency is taken from */
    unsigned resamples; /* of the bootstrap */
    unsigned worst;     /* frames shown for each arm and recording */
    double gain;        /* of difference maps */
    double confidence;
    uint64_t seed;
    bool pace;  /* frames come at the recording's rate; else each when the one before is done */
    char *text; /* the file, for the report */
};

/* NULL with a sentence that names file, line and key, and the nearest key. */
struct plan *plan_read(const char *path, struct error *err);
void plan_destroy(struct plan *plan); /* NULL is fine */

/* The host's configuration for one arm at its index-th rate. */
struct config *plan_config(const struct plan *plan, const struct plan_arm *arm, size_t rate,
                           struct error *err);

#endif
