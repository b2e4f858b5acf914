/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel ab: the same frames through several encoders, and a report about it. A program of its own,
 * so that the server has no decoder in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ab/output.h"
#include "ab/record.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "util/check.h"

static const char usage[] =
    "usage: oriel ab CONFIG -o DIR\n"
    "       oriel ab record (DATA | --scene FILE | URL) [options] -o FILE.orec\n\n"
    "Replays recordings through every encoder that CONFIG names, one at a time, and writes\n"
    "report.html, results.json, results.csv, frames.csv and frames.ndjson into DIR.\n"
    "docs/ab.md is the guide.\n"
    "  -o DIR               where to; made where it is not there\n"
    "  --help               this text\n"
    "  record               makes a recording; `oriel ab record --help` tells more\n"
    "Options of record:\n" RECORD_OPTIONS;

static void say(const char *text)
{
    fprintf(stderr, "oriel: ab: %s\n", text);
}

static bool write_all(const struct results *results, const char *folder, struct error *err)
{
    return output_json(results, folder, err) && output_csv(results, folder, err) &&
           output_frames(results, folder, err) && output_report(results, folder, err);
}

static bool any_ran(const struct results *results)
{
    for (size_t i = 0; i < results->cell_count; i++) {
        if (!results->cells[i].error[0])
            return true;
    }
    return false;
}

static int compare(const char *config, const char *folder)
{
    struct error err;
    struct plan *plan = plan_read(config, &err);
    if (!plan)
        return cli_fail(CLI_USAGE, "%s", err.text);
    struct results *results = NULL;
    int status = CLI_DONE;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        status = cli_fail(CLI_FAILED, "%s: %s", folder, strerror(errno));
    else if (!(results = results_make(plan, say, &err)))
        status = cli_fail(CLI_USAGE, "%s", err.text);
    else if (!write_all(results, folder, &err))
        status = cli_fail(CLI_FAILED, "%s", err.text);
    else if (!any_ran(results))
        status = cli_fail(CLI_FAILED, "%s: no arm ran; the first said: %s", config,
                          results->cells[0].error);
    else
        printf("%s/report.html\n", folder);
    results_destroy(results);
    plan_destroy(plan);
    return status;
}

static int compare_command(int argc, char **argv)
{
    const char *config = NULL, *folder = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            folder = argv[++i];
        else if (argv[i][0] == '-')
            return cli_fail(CLI_USAGE, "ab: unknown option %s", argv[i]);
        else if (config)
            return cli_fail(CLI_USAGE, "ab: wants one CONFIG; \"%s\" is another", argv[i]);
        else
            config = argv[i];
    }
    if (!config || !folder)
        return cli_fail(CLI_USAGE, "ab: wants CONFIG -o DIR; `oriel ab --help` tells more");
    return compare(config, folder);
}

/* What encode/remote starts is the program that runs, with this command; oriel is who has it. */
static int encoder_child(char **argv)
{
    char own[4096];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    own[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(own, '/');
    char *oriel = xasprintf("%.*s/../../bin/oriel", slash ? (int)(slash - own) : 0, own);
    execv(oriel, argv);
    int status = cli_fail(CLI_FAILED, "ab: %s: %s", oriel, strerror(errno));
    free(oriel);
    return status;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "encoder-child") == 0)
        return encoder_child(argv);
    if (argc < 2)
        return cli_fail(CLI_USAGE, "ab: wants CONFIG -o DIR; `oriel ab --help` tells more");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage, stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "record") == 0)
        return record_command(argc - 1, argv + 1);
    return compare_command(argc, argv);
}
