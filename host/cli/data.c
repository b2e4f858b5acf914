/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/data.h"

#include <signal.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "config/config.h"
#include "module/quarantine.h"
#include "module/registry.h"

int cli_data_open(struct cli_data *data, const struct cli_options *options, const char *uri)
{
    struct error err = {""};
    *data = (struct cli_data){0};
    int status = cli_options_load(options, &data->config);
    if (status != CLI_GO_ON)
        return status;
    quarantine_watch(data->config);
    data->registry = registry_create(data->config, &err);
    if (data->registry)
        data->dataset = dataset_open(data->registry, uri, &err);
    if (data->dataset)
        return CLI_GO_ON;
    cli_data_close(data);
    return cli_fail(CLI_FAILED, "%s", err.text);
}

void cli_data_close(struct cli_data *data)
{
    dataset_unref(data->dataset);
    if (data->registry)
        registry_destroy(data->registry);
    config_destroy(data->config);
    *data = (struct cli_data){0};
}

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void cli_watch_interrupt(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    interrupted = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void)
{
    return interrupted;
}
