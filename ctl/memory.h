/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is there, or the end of the program. */
#ifndef CTL_MEMORY_H
#define CTL_MEMORY_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static inline void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static inline void *must_calloc(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size));
}

static inline void *must_realloc(void *memory, size_t bytes)
{
    return must(realloc(memory, bytes));
}

#endif
