/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_FILES_INTERNAL_H
#define CONTROL_FILES_INTERNAL_H

#include "control/files.h"

/* Opens a folder by its real path, following no link on the way from what the scope allows: one
 * that is there now was put there after the path was resolved. -1 with errno. */
int files_open(const struct files_scope *scope, const char *real);

#endif
