/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void check_failed(const char *condition, const char *file, int line, const char *func)
{
    fprintf(stderr, "oriel: check failed: %s (%s:%d in %s)\n", condition, file, line, func);
    abort();
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    CHECK(p);
    return p;
}

void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    CHECK(p);
    return p;
}

char *xstrdup(const char *text)
{
    char *p = strdup(text);
    CHECK(p);
    return p;
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    CHECK(n >= 0 && text);
    return text;
}
