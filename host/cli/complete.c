/* SPDX-License-Identifier: BSD-3-Clause */
/* `oriel complete`: what a word of a command line could become, for the shells. Commands and
 * options are read from the help texts, keys and modules from their tables: nothing is listed here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/help_text.h"
#include "cli/options.h"
#include "config/config.h"
#include "config/schema.h"
#include "module/registry.h"
#include "util/check.h"

static const char usage[] =
    "usage: oriel complete oriel [WORD…]\n"
    "What the last WORD, which may be empty, could become: a line for each, with its meaning after "
    "a tab;\n\":file\" where names of files fit as well. For completion in shells.\n\n";

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *text, const char *suffix)
{
    size_t length = strlen(text), n = strlen(suffix);
    return length >= n && strcmp(text + length - n, suffix) == 0;
}

/* "<before><word><after>", if `typed` can become it by going on after `before`. */
static void offer(const char *before, const char *word, const char *after, const char *typed,
                  const char *meaning)
{
    if (starts(word, typed))
        printf("%s%s%s\t%s\n", before, word, after, meaning);
}

static void offer_files(void)
{
    printf(":file\n");
}

/* The words of `list`, separated by any of `separators`. */
static void offer_list(const char *before, const char *list, const char *separators,
                       const char *typed)
{
    char *copy = xstrdup(list), *rest = copy;
    for (char *word; (word = strtok_r(rest, separators, &rest));)
        offer(before, word, "", typed, "");
    free(copy);
}

/* The modules that this command line would see; NULL where its configuration is wrong. */
struct seen {
    struct config *config;
    struct registry *registry;
};

static bool see(struct seen *seen, int count, char **words)
{
    struct cli_options options = {0};
    struct error err;
    for (int i = 0; i + 1 < count; i++) {
        if (strcmp(words[i], "--config") == 0)
            options.file = words[i + 1];
        else if (starts(words[i], "--config="))
            options.file = words[i] + strlen("--config=");
    }
    *seen = (struct seen){.config = cli_options_config(&options, NULL, 0, &err)};
    if (seen->config)
        seen->registry = registry_create(seen->config, &err);
    return seen->registry != NULL;
}

static void seen_finish(struct seen *seen)
{
    registry_destroy(seen->registry);
    config_destroy(seen->config);
}

/* The kind of that name, or MODULE_KIND_COUNT. */
static int kind_of(const char *name)
{
    if (strcmp(name, "still") == 0)
        return MODULE_ENCODER;
    int kind = 0;
    while (kind < MODULE_KIND_COUNT && strcmp(name, module_kind_name((enum module_kind)kind)) != 0)
        kind++;
    return kind;
}

/* A list separated by commas: its last word. MODULE_KIND_COUNT: modules of every kind. */
static void offer_modules(const struct seen *seen, int kind, const char *before, const char *typed)
{
    const char *comma = strrchr(typed, ',');
    size_t done = comma ? (size_t)(comma - typed) + 1 : 0;
    char *head = xasprintf("%s%.*s", before, (int)done, typed);
    for (size_t i = 0; i < registry_count(seen->registry); i++) {
        const struct module *module = registry_at(seen->registry, i);
        if (!module->reason && (kind == MODULE_KIND_COUNT || module->kinds[kind]))
            offer(head, module->id, "", typed + done, module->description);
    }
    free(head);
}

static void offer_value(const struct seen *seen, const struct oriel_option *option, const char *key,
                        const char *before, const char *typed)
{
    int kind = starts(key, "modules.") ? kind_of(key + strlen("modules.")) : MODULE_KIND_COUNT;
    if (kind != MODULE_KIND_COUNT)
        offer_modules(seen, kind, before, typed);
    else if (option->type == ORIEL_OPT_ENUM)
        offer_list(before, option->choices, " ", typed);
    else if (option->type == ORIEL_OPT_BOOL)
        offer_list(before, "true false", " ", typed);
    else if (ends(key, "dir") || ends(key, "file") || ends(key, "path") || ends(key, "root") ||
             ends(key, "data.open"))
        offer_files();
}

/* `typed` is "stream.f", or "stream.prefer=la"; one option of one table. */
static void offer_option(const struct seen *seen, const char *section,
                         const struct oriel_option *option, const char *before, const char *typed)
{
    char *key = xasprintf("%s%s%s", section, section[0] ? "." : "", option->name);
    size_t length = strlen(key);
    if (!strchr(typed, '=')) {
        offer(before, key, "=", typed, option->help);
    } else if (starts(typed, key) && typed[length] == '=') {
        char *head = xasprintf("%s%s=", before, key);
        offer_value(seen, option, key, head, typed + length + 1);
        free(head);
    }
    free(key);
}

static void offer_setting(const struct seen *seen, const char *before, const char *typed)
{
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++)
        offer_option(seen, "", &options[i], before, typed);
    for (size_t i = 0; i < registry_count(seen->registry); i++) {
        const struct module *module = registry_at(seen->registry, i);
        for (int kind = 0; !module->reason && kind < MODULE_KIND_COUNT; kind++) {
            const struct oriel_option_table *table = module->options[kind];
            for (uint32_t at = 0; table && at < table->count; at++)
                offer_option(seen, module->id, &table->options[at], before, typed);
        }
    }
}

/* What comes after `--name ` or `--name=`. */
static void offer_argument(const struct help_word *option, const char *before, const char *typed,
                           int count, char **words)
{
    const char *value = option->value;
    struct seen seen = {0};
    if (strcmp(value, "KEY=VALUE") == 0 || starts(value, "ID")) {
        if (see(&seen, count, words) && starts(value, "ID"))
            offer_modules(&seen, kind_of(option->word + 2), before, typed);
        else if (seen.registry)
            offer_setting(&seen, before, typed);
        seen_finish(&seen);
    } else if (strcmp(option->word, "--preset") == 0) {
        offer_list(before, SCHEMA_PRESETS, " ", typed);
    } else if (strchr(value, '|')) {
        offer_list(before, value, "|", typed);
    } else if (help_is_file(value) || ends(option->word, "file")) {
        offer_files();
    }
}

static void complete(int count, char **words)
{
    const char *typed = words[count - 1];
    const char *command = count > 1 ? words[0] : "";
    struct help help;
    if (!help_read(&help, command))
        return;
    const char *equals = starts(typed, "--") ? strchr(typed, '=') : NULL;
    const struct help_word *option = NULL;
    if (equals)
        option = help_find(&help, typed, (size_t)(equals - typed));
    else if (count > 2 && words[count - 2][0] == '-')
        option = help_find(&help, words[count - 2], strlen(words[count - 2]));
    if (option && option->value[0]) {
        size_t done = equals ? (size_t)(equals - typed) + 1 : 0;
        char *before = xasprintf("%.*s", (int)done, typed);
        offer_argument(option, before, typed + done, count, words);
        free(before);
    } else {
        for (size_t i = 0; i < help.count; i++) {
            bool dashed = help.words[i].word[0] == '-';
            if (dashed == (typed[0] == '-'))
                offer("", help.words[i].word, "", typed, help.words[i].meaning);
        }
        if (help.files && typed[0] != '-')
            offer_files();
    }
    help_finish(&help);
}

int cli_complete(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("%s", usage);
        return CLI_DONE;
    }
    if (argc < 2)
        return cli_fail(CLI_USAGE, "complete: wants a command line");
    if (argc > 2)
        complete(argc - 2, argv + 2);
    return CLI_DONE;
}
