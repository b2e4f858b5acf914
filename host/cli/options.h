/* SPDX-License-Identifier: BSD-3-Clause */
/* Command lines: long options and arguments in any order. Every subcommand takes --config FILE,
 * --preset NAME, --set key=value, --print-config [--json], --print-schema and --help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct config;

enum { CLI_GO_ON = -1 };

/* An option of one subcommand: exactly one of the pointers is set. A list ends with a zeroed one.
 */
struct cli_flag {
    const char *name;  /* "port" for "--port N" and "--port=N"; one letter, "o", for "-o FILE" */
    const char *key;   /* its value goes to this key of the configuration */
    const char **text; /* its value */
    bool *on;          /* it has no value */
};

struct cli_options {
    const char *file, *preset;
    const char **sets; /* "key=value" */
    const char **set_origins;
    size_t set_count;
    const char **arguments; /* what is no option */
    size_t argument_count;
    bool print_config, print_schema, json;
};

/* CLI_GO_ON, or the exit status, with everything said: after --help, or for what is no option of
 * `flags`. `usage` is printed for --help, before the lines about the common options. */
int cli_options_parse(struct cli_options *options, int argc, char **argv, const char *usage,
                      const struct cli_flag *flags);
void cli_options_finish(struct cli_options *options);

/* The configuration of the command line, file and environment, with more "key=value" that win over
 * all; NULL with the reason. */
struct config *cli_options_config(const struct cli_options *options, const char *const *more,
                                  size_t more_count, struct error *err);

/* The same for a subcommand's start: sets the log levels, answers --print-config and
 * --print-schema. CLI_GO_ON with the configuration, or the exit status. */
int cli_options_load(const struct cli_options *options, struct config **config);

/* "oriel: <text>" on stderr; returns `status`. */
int cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
