/* SPDX-License-Identifier: BSD-3-Clause */
/* What a shared object exports and what it wants from others, without running any code of it. */
#ifndef CHECK_ELF_H
#define CHECK_ELF_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/* The exported symbols, each followed by a newline; the caller frees it. NULL with the reason. */
char *elf_exports(const char *path, struct error *err);
/* The symbols that neither the file nor any library it needs defines, as the dynamic linker finds;
 * without those of sanitizers, which come from the program. */
char *elf_unresolved(const char *path, struct error *err);

#endif
