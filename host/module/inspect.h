/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads one module file into this process and looks at its entry. Used in the probing child and,
 * for files that passed there, in the host itself. */
#ifndef MODULE_INSPECT_H
#define MODULE_INSPECT_H

#include <stdbool.h>

#include "module/registry.h"
#include "oriel/module.h"
#include "util/error.h"

struct cJSON;

/* "x86-64 ELF shared object", by its first bytes? False with what it is instead. */
bool inspect_file(const char *path, struct error *err);

/* The entry of the file, checked: magic, versions, sizes, strings. NULL with a sentence that names
 * the file. `missing` is set when the cause lies outside of the file, in a library it needs. */
const struct oriel_entry *inspect_load(const char *path, bool *missing, struct error *err);

/* The vtable of a kind, checked: size and required functions, option table. NULL without a text
 * when the module does not have that kind. */
const void *inspect_vtable(const struct oriel_entry *entry, enum module_kind kind,
                           struct error *err);
/* Any kind's. */
const struct oriel_option_table *inspect_options(const void *vtable);

/* {"options": [...], "formats": [...], "codecs": [...], "layers": [...]} as the kind has them. */
struct cJSON *inspect_facts(const void *vtable, enum module_kind kind);

/* ORIEL_OPT_* of "bool", "int", …; 0 for anything else, NULL too. */
unsigned inspect_option_type(const char *name);

const char *inspect_fourcc(unsigned fourcc, char text[5]);

#endif
