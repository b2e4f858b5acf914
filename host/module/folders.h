/* SPDX-License-Identifier: BSD-3-Clause */
/* Where modules are looked for. */
#ifndef MODULE_FOLDERS_H
#define MODULE_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct config;

/* Paths of files or folders, each real and there once. */
struct folders {
    char **at;
    size_t count;
};

/* Every module folder that exists, the most particular one first. A folder that modules.path names
 * has to exist. */
bool folders_find(struct folders *folders, const struct config *config, struct error *err);
/* The .so files of a folder, by name. */
void folders_files(struct folders *files, const char *folder);
void folders_finish(struct folders *folders);

#endif
