/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of every kind for which an instance lives a short and ordinary life. */
#ifndef CHECK_LIVES_H
#define CHECK_LIVES_H

#include "check/check.h"

#define LIVES_INTERFACE_WANTS "get_interface() gives NULL for what the instance does not have."
#define LIVES_MANNERS_WANTS                                                                        \
    "It leaves signals, locale, working directory, umask, environment, floating point and child "  \
    "processes as they were, and writes to neither standard output nor error."

void lives_interface(struct check_run *run);
void lives_manners(struct check_run *run);

#endif
