/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/help_text.h"

#include <ctype.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/check.h"

extern char **environ;

#define MAX_BYTES 65536

/* stdout of `oriel [COMMAND] --help`: some commands are programs of their own. */
static char *ask(const char *command)
{
    char program[] = "oriel", flag[] = "--help", *name = xstrdup(command);
    char *argv[] = {program, command[0] ? name : flag, command[0] ? flag : NULL, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int ends[2], status = 1;
    char *text = NULL;
    if (pipe2(ends, O_CLOEXEC) != 0)
        goto out;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool started = posix_spawn(&child, "/proc/self/exe", &actions, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    CHECK(in);
    if (started) {
        text = xcalloc(1, MAX_BYTES);
        size_t got = fread(text, 1, MAX_BYTES - 1, in);
        text[got] = '\0';
    }
    fclose(in);
    if (started && waitpid(child, &status, 0) == child && status == 0)
        goto out;
    free(text);
    text = NULL;
out:
    free(name);
    return text;
}

const struct help_word *help_find(const struct help *help, const char *word, size_t length)
{
    for (size_t i = 0; i < help->count; i++) {
        if (strlen(help->words[i].word) == length &&
            strncmp(help->words[i].word, word, length) == 0)
            return &help->words[i];
    }
    return NULL;
}

static struct help_word *add(struct help *help, const char *word, size_t length)
{
    const struct help_word *known = help_find(help, word, length);
    if (known)
        return &help->words[known - help->words];
    help->words = xrealloc(help->words, (help->count + 1) * sizeof *help->words);
    help->words[help->count] = (struct help_word){
        .word = xasprintf("%.*s", (int)length, word), .value = xstrdup(""), .meaning = xstrdup("")};
    return &help->words[help->count++];
}

static void set(char **text, const char *value, size_t length)
{
    if ((*text)[0] || length == 0)
        return;
    free(*text);
    *text = xasprintf("%.*s", (int)length, value);
}

bool help_is_file(const char *value)
{
    static const char *const names[] = {"FILE", "DIR", "DATA", "OUT", "MODULE", "CONFIG", "PATH"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(value, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static size_t name_length(const char *at)
{
    return strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-");
}

/* How long the value is that an option's name is followed by: "N", "KEY=VALUE", "tiny|small". */
static size_t value_length(const char *at)
{
    if (at[0] != ' ' || at[1] == ' ')
        return 0;
    size_t length = strcspn(at + 1, " ])\n");
    bool choice = memchr(at + 1, '|', length) && islower((unsigned char)at[1]);
    return isupper((unsigned char)at[1]) || at[1] == '/' || choice ? length : 0;
}

/* Every option that a line names. */
static void take_options(struct help *help, const char *line, size_t length)
{
    for (const char *at = line; at < line + length; at++) {
        if (*at != '-' || (at > line && !strchr(" [(", at[-1])))
            continue;
        size_t dashes = at[1] == '-' ? 2 : 1, name = name_length(at + dashes);
        if (!isalpha((unsigned char)at[dashes]) || (dashes == 1 && name != 1))
            continue;
        struct help_word *word = add(help, at, dashes + name);
        size_t value = value_length(at + dashes + name);
        set(&word->value, at + dashes + name + 1, value);
        at += dashes + name + value;
    }
}

/* The operands of "usage: oriel export DATA [--level N] -o OUT.npy". */
static void take_operands(struct help *help, const char *line, size_t length)
{
    bool option = false;
    for (size_t i = 0; i < length;) {
        i += strspn(line + i, " [(|");
        size_t word = strcspn(line + i, " ])|\n");
        if (!option && help_is_file(line + i))
            help->files = true;
        option = line[i] == '-' && line[i + word] == ' ';
        i += word + strspn(line + i + word, "])");
    }
}

static void take_line(struct help *help, const char *line, size_t length)
{
    size_t indent = strspn(line, " ");
    const char *first = line + indent;
    if (strncmp(line, "usage:", 6) == 0)
        take_operands(help, line, length);
    take_options(help, line, length);
    if (indent != 2 || !(islower((unsigned char)*first) || *first == '-'))
        return;
    size_t name = name_length(first);
    const char *gap = strstr(first, "  ");
    if (!gap || gap >= line + length || !strchr(" \n", first[name]))
        return;
    gap += strspn(gap, " ");
    struct help_word *word = add(help, first, name);
    set(&word->meaning, gap, (size_t)(line + length - gap));
}

bool help_read(struct help *help, const char *command)
{
    *help = (struct help){0};
    char *text = ask(command);
    for (const char *line = text; line && *line;) {
        size_t length = strcspn(line, "\n");
        take_line(help, line, length);
        line += length + (line[length] == '\n');
    }
    free(text);
    return text != NULL;
}

void help_finish(struct help *help)
{
    for (size_t i = 0; i < help->count; i++) {
        free(help->words[i].word);
        free(help->words[i].value);
        free(help->words[i].meaning);
    }
    free(help->words);
    *help = (struct help){0};
}
