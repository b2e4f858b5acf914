/* SPDX-License-Identifier: BSD-3-Clause */
/* CHECK: a programmer's error ends the process, in release builds too. The world's errors are
 * return values. xmalloc and friends: an allocation of ordinary size that fails ends the process;
 * what scales with data is allocated with malloc and checked. */
#ifndef UTIL_CHECK_H
#define UTIL_CHECK_H

#include <stddef.h>

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__, __func__))

_Noreturn void check_failed(const char *condition, const char *file, int line, const char *func);

void *xcalloc(size_t count, size_t size) __attribute__((returns_nonnull, malloc));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((returns_nonnull, malloc));
char *xasprintf(const char *format, ...) __attribute__((returns_nonnull, format(printf, 1, 2)));

#endif
