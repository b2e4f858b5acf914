/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    max_align_t data[];
};

void *arena_alloc(struct arena *arena, size_t bytes)
{
    struct arena_block *block = calloc(1, sizeof *block + bytes);
    if (!block)
        return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    return block->data;
}

static char *print(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = n < 0 ? NULL : arena_alloc(arena, (size_t)n + 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, format, args);
    return text;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = print(arena, format, args);
    va_end(args);
    return text;
}

void arena_finish(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}

void text_list_add(struct text_list *list, struct arena *arena, const char *format, ...)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 8;
        const char **items = arena_alloc(arena, room * sizeof *items);
        if (!items)
            return;
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = room;
    }
    va_list args;
    va_start(args, format);
    const char *text = print(arena, format, args);
    va_end(args);
    if (text)
        list->items[list->count++] = text;
}
