/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CLI_MODULES_MARKDOWN_H
#define CLI_MODULES_MARKDOWN_H

#include <stdio.h>

struct registry;

/* docs/options.md: the host's keys and the options of every usable module, from their tables. */
void modules_print_markdown(const struct registry *registry, FILE *out);

#endif
