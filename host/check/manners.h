/* SPDX-License-Identifier: BSD-3-Clause */
/* What belongs to the process: a module that is a guest in it leaves that as it was. */
#ifndef CHECK_MANNERS_H
#define CHECK_MANNERS_H

#include "check/check.h"

struct manners;

/* As it is now, on the calling thread; for free(). */
struct manners *manners_look(void);
/* Fails where something is otherwise than it was; on the same thread. */
void manners_compare(struct check_run *run, const struct manners *before);

#endif
