/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/error.h"

#include <stdarg.h>
#include <stdio.h>

bool ctl_error_set(struct ctl_error *err, const char *code, const char *format, ...)
{
    if (!err)
        return false;
    snprintf(err->code, sizeof err->code, "%s", code);
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}
