/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that lives as long as an opened image: never freed singly, all at once at the end. */
#ifndef ZARR_ARENA_H
#define ZARR_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
};

void *arena_alloc(struct arena *arena, size_t bytes); /* zeroed; NULL when out of memory */
char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_finish(struct arena *arena);

/* A list of strings that grows. */
struct text_list {
    const char **items;
    size_t count;
    size_t room;
};
/* Out of memory drops the text: these lists inform, nothing depends on them. */
void text_list_add(struct text_list *list, struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
