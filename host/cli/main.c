/* SPDX-License-Identifier: BSD-3-Clause */
/* Picks the subcommand, nothing else. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "module/probe.h"
#include "oriel/abi.h"
#include "util/nearest.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* NULL: not for people, not listed */
} commands[] = {
    {"serve", cli_serve, "serve images to browsers and napari-cuda clients"},
    {"modules", cli_modules, "list every module found, usable or not"},
    {"check", cli_check, "test a module against the contract"},
    {"new", cli_new, "begin a module of your own from a template"},
    {"info", cli_info, "tell what a dataset holds"},
    {"export", cli_export, "write a region of a dataset as .npy"},
    {"render", cli_render, "draw one picture into a PNG"},
    {"bench", cli_bench, "measure every stage on this machine"},
    {"ab", cli_ab, "compare encoders on recorded pictures"},
    {"play", cli_play, "show a recording to the same clients"},
    {"ctl", cli_ctl, "look at and change a running server"},
    {"demo", cli_demo, "write a synthetic time series to look at"},
    {"complete", cli_complete, NULL},           /* for shells */
    {"encoder-child", cli_encoder_child, NULL}, /* for encode/remote */
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static int help(void)
{
    printf("usage: oriel COMMAND [options]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].help)
            printf("  %-8s  %s\n", commands[i].name, commands[i].help);
    }
    printf("\n`oriel COMMAND --help` tells more.\n");
    return CLI_DONE;
}

int main(int argc, char **argv)
{
    /* Pictures and large blocks go back to the system when they are freed. Left alone, glibc raises
     * this limit with each of them, and the heap of a server that runs for weeks is full of holes.
     */
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    if (argc < 2)
        return cli_fail(CLI_USAGE, "wants a command; `oriel --help` lists them");
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help();
    if (strcmp(name, "--version") == 0) {
        printf("oriel %s (module ABI %u.%u)\n", ORIEL_VERSION, ORIEL_ABI_MAJOR, ORIEL_ABI_MINOR);
        return CLI_DONE;
    }
    struct nearest nearest = nearest_begin(name);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
        if (commands[i].help)
            nearest_offer(&nearest, commands[i].name);
    }
    return cli_fail(CLI_USAGE, "unknown command \"%s\"%s", name, nearest_hint(&nearest));
}
