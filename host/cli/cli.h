/* SPDX-License-Identifier: BSD-3-Clause */
/* The subcommands. argv[0] is the subcommand's name; the result is the exit status. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_BUSY = 75,  /* serve: the state directory belongs to another process */
    CLI_FENCED = 76 /* serve: another process has taken it over */
};

int cli_check(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_modules(int argc, char **argv);
int cli_new(int argc, char **argv);
int cli_info(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_render(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_complete(int argc, char **argv);
int cli_encoder_child(int argc, char **argv);
int cli_play(int argc, char **argv);
int cli_ab(int argc, char **argv);
int cli_ctl(int argc, char **argv); /* execs libexec/oriel/oriel-ctl */

#endif
