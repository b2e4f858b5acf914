/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "ctl/client.h"

struct load_options {
    struct ctl_url url;
    const char *metrics; /* address of the numbers, or NULL */
    const char *token;
    int pid;
    int clients, classic; /* of all clients, those of the base protocol */
    double rate, seconds, drop_mean_s;
    double max_growth_mib; /* of the server's memory; 0: any */
    uint64_t seed;
    int updates; /* of a broadcast */
};

/* Each returns whether all is well, and adds its figures to `report`. */
bool load_run(const struct load_options *options, cJSON *report);
bool load_broadcast(const struct load_options *options, cJSON *report);

/* "p50", "p99", "max" of `values`, which are sorted. */
cJSON *load_quantiles(float *values, size_t count);

#endif
