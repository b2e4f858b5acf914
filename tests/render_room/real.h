/* SPDX-License-Identifier: BSD-3-Clause */
/* The render room over the modules of this build, and files to show. */
#ifndef TESTS_RENDER_ROOM_REAL_H
#define TESTS_RENDER_ROOM_REAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "render/pool.h"
#include "render/render.h"

struct config_inputs;

struct real {
    struct config *config;
    struct metrics *metrics;
    struct registry *registry;
    struct control *control;
    struct render_pool *pool;
};

void real_open(struct real *real);
void real_open_with(struct real *real, const char *const *sets, size_t count); /* "a.b=c" */
void real_close(struct real *real);
/* Of a scene file's text, opened in a control room without anything else. */
struct scene_snapshot *real_snapshot(struct real *real, const char *scene);

/* A uint8 .npy of `rows` × `columns`, or of a stack of `planes` when that is not 0. The caller
 * frees the path and removes the file. */
char *real_write_npy(uint32_t planes, uint32_t rows, uint32_t columns, bool cut_short);
/* A .npy of these bytes; `descr` and `shape` as NumPy writes them. */
char *real_write_values(const char *descr, const char *shape, const void *data, size_t bytes);
uint8_t real_npy_value(uint32_t plane, uint32_t row, uint32_t column, uint32_t rows,
                       uint32_t columns);

/* json[section][key], or json[key] when section is NULL. */
double real_number(const char *json, const char *section, const char *key);

#endif
