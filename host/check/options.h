/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests of option tables, of any kind of module. */
#ifndef CHECK_OPTIONS_H
#define CHECK_OPTIONS_H

#include "check/check.h"

void options_table(struct check_run *run);
void options_names(struct check_run *run);
void options_types(struct check_run *run);
void options_defaults(struct check_run *run);
void options_help(struct check_run *run);

#endif
