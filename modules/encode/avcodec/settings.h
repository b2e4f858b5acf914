/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of the module. */
#ifndef AVCODEC_SETTINGS_H
#define AVCODEC_SETTINGS_H

#include <stdbool.h>

#include <libavutil/rational.h>

#include "oriel/encoder.h"

extern const struct oriel_option_table avcodec_options;

/* What the user asks for, kept for encoders that have to be opened again. */
struct settings {
    char *device, *options;
    int64_t bitrate, max_bitrate; /* bit/s */
    int vbv_ms, keyint, threads, quality;
    AVRational fps;
};

/* False when out of memory. */
bool settings_read(struct settings *settings, const struct oriel_config *config, double fps);
/* Those that are live. */
void settings_read_rates(struct settings *settings, const struct oriel_config *config);
void settings_finish(struct settings *settings); /* zeroed is fine */

#endif
