/* SPDX-License-Identifier: BSD-3-Clause */
/* What the subcommands that look into one dataset share. */
#ifndef CLI_DATA_H
#define CLI_DATA_H

#include <stdbool.h>

#include "render/dataset.h"

struct cli_options;

struct cli_data {
    struct config *config;
    struct registry *registry;
    struct dataset *dataset;
};

/* CLI_GO_ON with everything open, or the exit status with everything said and nothing open. */
int cli_data_open(struct cli_data *data, const struct cli_options *options, const char *uri);
void cli_data_close(struct cli_data *data);

/* SIGINT and SIGTERM no longer end the process: the work asks, and cleans up before it returns. */
void cli_watch_interrupt(void);
bool cli_interrupted(void);

#endif
