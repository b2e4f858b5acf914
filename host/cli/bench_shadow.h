/* SPDX-License-Identifier: BSD-3-Clause */
/* What the encoder that is seen loses while another one encodes the same frames in its shadow. */
#ifndef CLI_BENCH_SHADOW_H
#define CLI_BENCH_SHADOW_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "cli/server.h"

struct bench_client;

struct bench_shadow {
    const char *seen, *shadow; /* encoders */
    int frames;                /* poses of a block */
    cJSON *results;
};

/* Blocks of poses with and without the shadow, in turn (ABBA), on one server; prints each pair and
 * the median of their ratios. */
bool bench_shadow(const struct bench_shadow *bench, struct server *server,
                  const struct config *config, struct bench_client *client, struct error *err);

#endif
