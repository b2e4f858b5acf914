/* SPDX-License-Identifier: BSD-3-Clause */
/* A module file that was replaced while its old content is loaded: the dynamic linker would give
 * the old code for the same path. */
#ifndef MODULE_COPY_H
#define MODULE_COPY_H

#include "oriel/module.h"
#include "util/error.h"

/* Loads a copy of the file under a name of its own, which is gone afterwards. The file has to be
 * the one that `key` (cache_key) tells of, before and after: what is loaded is what was
 * probed. NULL with the reason. */
const struct oriel_entry *copy_load(const char *path, const char *key, struct error *err);

#endif
