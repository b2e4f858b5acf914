/* SPDX-License-Identifier: BSD-3-Clause */
/* What went wrong, in the words of the protocol: a code for programs, a sentence for people. */
#ifndef CTL_ERROR_H
#define CTL_ERROR_H

#include <stdbool.h>

struct ctl_error {
    char code[64];
    char message[448];
};

/* Returns false, so that a caller can return it. `err` may be NULL. */
bool ctl_error_set(struct ctl_error *err, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
