/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/options.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config/config.h"
#include "module/registry.h"
#include "util/check.h"
#include "util/nearest.h"

static const char common_usage[] =
    "Common options:\n"
    "  --config FILE        JSON with comments; default $ORIEL_CONFIG\n"
    "  --preset NAME        latency, balanced, quality or lossless\n"
    "  --set KEY=VALUE      one value of the configuration, as --set stream.fps=30\n"
    "  --print-config       every value and where it comes from (--json for programs)\n"
    "  --print-schema       a JSON schema of the configuration file\n"
    "  --help               this text\n";

int cli_fail(int status, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "oriel: %s\n", text);
    return status;
}

static void append(const char ***list, size_t count, const char *text)
{
    *list = xrealloc(*list, (count + 1) * sizeof **list);
    (*list)[count] = text;
}

static void add_set(struct cli_options *options, char *set, char *origin)
{
    append(&options->sets, options->set_count, set);
    append(&options->set_origins, options->set_count, origin);
    options->set_count++;
}

void cli_options_finish(struct cli_options *options)
{
    for (size_t i = 0; i < options->set_count; i++) {
        free((char *)(uintptr_t)options->sets[i]);
        free((char *)(uintptr_t)options->set_origins[i]);
    }
    free(options->sets);
    free(options->set_origins);
    free(options->arguments);
    *options = (struct cli_options){0};
}

/* The name without its dashes, if that is how `arg` begins: "port" in "--port=1", "o" in "-o". */
static bool is_flag(const char *arg, const char *name)
{
    bool letter = name[1] == '\0';
    size_t dashes = letter ? 1 : 2, length = strlen(name);
    return strncmp(arg, "--", dashes) == 0 && strncmp(arg + dashes, name, length) == 0 &&
           (arg[dashes + length] == '\0' || (!letter && arg[dashes + length] == '='));
}

static int unknown(const char *command, const char *arg, const struct cli_flag *const lists[2])
{
    char *name = xstrdup(arg);
    name[strcspn(name, "=")] = '\0';
    struct nearest nearest = nearest_begin(name + strspn(name, "-"));
    for (int i = 0; i < 2; i++) {
        for (const struct cli_flag *flag = lists[i]; flag && flag->name; flag++)
            nearest_offer(&nearest, flag->name);
    }
    char hint[64] = "";
    if (nearest.best)
        snprintf(hint, sizeof hint, ", did you mean %s%s?", nearest.best[1] ? "--" : "-",
                 nearest.best);
    cli_fail(CLI_USAGE, "%s: unknown option %s%s", command, name, hint);
    free(name);
    return CLI_USAGE;
}

static int take(struct cli_options *options, const struct cli_flag *flag, const char *value,
                const char *command)
{
    if (flag->text) {
        *flag->text = value;
    } else if (flag->key) {
        add_set(options, xasprintf("%s=%s", flag->key, value), xasprintf("--%s", flag->name));
    } else {
        if (!strchr(value, '=') || value[0] == '=')
            return cli_fail(CLI_USAGE, "%s: --set %s: wants key=value", command, value);
        add_set(options, xstrdup(value), xstrdup("--set"));
    }
    return CLI_GO_ON;
}

int cli_options_parse(struct cli_options *options, int argc, char **argv, const char *usage,
                      const struct cli_flag *flags)
{
    bool help = false;
    *options = (struct cli_options){0};
    const struct cli_flag common[] = {
        {.name = "config", .text = &options->file},
        {.name = "preset", .text = &options->preset},
        {.name = "set"},
        {.name = "print-config", .on = &options->print_config},
        {.name = "print-schema", .on = &options->print_schema},
        {.name = "json", .on = &options->json},
        {.name = "help", .on = &help},
        {.name = "h", .on = &help},
        {0},
    };
    /* A subcommand's own --json comes first, and is another one. */
    const struct cli_flag *const lists[2] = {flags, common};
    int status = CLI_GO_ON;
    bool literal = false;
    for (int i = 1; i < argc && status == CLI_GO_ON; i++) {
        const char *arg = argv[i];
        if (literal || arg[0] != '-' || arg[1] == '\0') {
            append(&options->arguments, options->argument_count++, arg);
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            literal = true;
            continue;
        }
        const struct cli_flag *found = NULL;
        for (int list = 0; list < 2 && !found; list++) {
            for (const struct cli_flag *flag = lists[list]; flag && flag->name && !found; flag++)
                found = is_flag(arg, flag->name) ? flag : NULL;
        }
        const char *value = strncmp(arg, "--", 2) == 0 ? strchr(arg, '=') : NULL;
        if (!found) {
            status = unknown(argv[0], arg, lists);
        } else if (found->on) {
            *found->on = true;
            if (value)
                status = cli_fail(CLI_USAGE, "%s: --%s takes no value", argv[0], found->name);
        } else if (value || i + 1 < argc) {
            status = take(options, found, value ? value + 1 : argv[++i], argv[0]);
        } else {
            status = cli_fail(CLI_USAGE, "%s: %s wants a value", argv[0], arg);
        }
    }
    if (status == CLI_GO_ON && help) {
        printf("%s%s", usage, common_usage);
        status = CLI_DONE;
    }
    if (status != CLI_GO_ON)
        cli_options_finish(options);
    return status;
}

struct config *cli_options_config(const struct cli_options *options, const char *const *more,
                                  size_t more_count, struct error *err)
{
    size_t count = options->set_count + more_count;
    const char **sets = xcalloc(count, sizeof *sets), **origins = xcalloc(count, sizeof *origins);
    for (size_t i = 0; i < options->set_count; i++) {
        sets[i] = options->sets[i];
        origins[i] = options->set_origins[i];
    }
    for (size_t i = 0; i < more_count; i++) {
        sets[options->set_count + i] = more[i];
        origins[options->set_count + i] = "--set";
    }
    const char *file = options->file ? options->file : getenv("ORIEL_CONFIG");
    struct config *config =
        config_create(&(struct config_inputs){.file = file && file[0] ? file : NULL,
                                              .preset = options->preset,
                                              .sets = sets,
                                              .set_origins = origins,
                                              .set_count = count,
                                              .environment = environ},
                      err);
    free(sets);
    free(origins);
    return config;
}

int cli_options_load(const struct cli_options *options, struct config **config)
{
    struct error err;
    if (options->print_schema) {
        char *schema = config_schema_json();
        printf("%s\n", schema);
        free(schema);
        return CLI_DONE;
    }
    *config = cli_options_config(options, NULL, 0, &err);
    if (!*config)
        return cli_fail(CLI_USAGE, "%s", err.text);
    config_apply_log(*config);
    if (!options->print_config)
        return CLI_GO_ON;
    struct registry *registry = registry_create(*config, &err);
    if (registry)
        registry_print_config(registry, stdout, options->json);
    int status = registry ? CLI_DONE : cli_fail(CLI_USAGE, "%s", err.text);
    registry_destroy(registry);
    config_destroy(*config);
    *config = NULL;
    return status;
}
