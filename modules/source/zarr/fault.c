/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

bool fault_set(struct fault *fault, oriel_result code, const char *format, ...)
{
    fault->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return false;
}

bool fault_prefix(struct fault *fault, const char *format, ...)
{
    struct fault cause = *fault;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof fault->text)
        snprintf(fault->text + n, sizeof fault->text - (size_t)n, ": %s", cause.text);
    return false;
}

bool fault_nomem(struct fault *fault)
{
    return fault_set(fault, ORIEL_NOMEM, "out of memory");
}
