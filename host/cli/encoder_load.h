/* SPDX-License-Identifier: BSD-3-Clause */
/* One encoder, by its id or its file, with options from a line of text: for the process that runs
 * it alone. */
#ifndef CLI_ENCODER_LOAD_H
#define CLI_ENCODER_LOAD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "module/call.h"
#include "module/registry.h"
#include "oriel/encoder.h"
#include "util/error.h"

struct config;

struct encoder_wish {
    const char *module;  /* id or file */
    const char *options; /* "key=value key=value" */
    uint32_t codec;
    const struct oriel_format *format;
    int64_t bitrate, max_bitrate, keyint; /* of the stream */
};

/* Zeroed: nothing. `use.config` is the module's with the codec that is wanted. */
struct encoder_load {
    struct module_use use;
    char path[PATH_MAX];
    struct module module;
    struct callee callee;
    struct config *config;
    const struct oriel_config *options;
    struct oriel_config chosen; /* `options`, with … */
    const char *codec_name;     /* … this for its option of that name; NULL: it has none */
};

/* Loads it and checks that it writes that codec and takes that format. False with the reason. */
bool encoder_load(struct encoder_load *load, const struct encoder_wish *wish, struct error *err);
/* Other values: only those that are LIVE may be different. False with the reason, and nothing has
 * changed. */
bool encoder_load_options(struct encoder_load *load, const struct encoder_wish *wish,
                          struct error *err);
void encoder_load_finish(struct encoder_load *load);

#endif
