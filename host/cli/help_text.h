/* SPDX-License-Identifier: BSD-3-Clause */
/* What a help text says, for programs. The texts have one form: "usage:" and what follows it on
 * that line; then, indented by two, an option or a word, perhaps its values, two spaces, its
 * meaning. */
#ifndef CLI_HELP_TEXT_H
#define CLI_HELP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct help_word {
    char *word;    /* "--port", "-o", or a word as it stands: "get" */
    char *value;   /* what an option wants, "N" or "tiny|small"; "": nothing */
    char *meaning; /* "" where it is only named */
};

struct help {
    struct help_word *words; /* each once */
    size_t count;
    bool files; /* the command takes names of files or folders */
};

/* The help of a command, or of the program itself (""). False when there is none. */
bool help_read(struct help *help, const char *command);
void help_finish(struct help *help);
const struct help_word *help_find(const struct help *help, const char *word, size_t length);
/* Does "FILE.json", as a help text has it, stand for a name of a file? */
bool help_is_file(const char *value);

#endif
