/* SPDX-License-Identifier: BSD-3-Clause */
/* One value of what the server has told, by the names that `get` and `set` use (docs/ctl.md). */
#ifndef CTL_LOOKUP_H
#define CTL_LOOKUP_H

#include "ctl/error.h"
#include "ctl/mirror.h"

/* A copy for the caller to delete, or NULL with the reason. */
cJSON *lookup(const struct mirror *mirror, const char *scope, const char *target, const char *key,
              struct ctl_error *err);

#endif
