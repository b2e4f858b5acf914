/* SPDX-License-Identifier: BSD-3-Clause */
/* A source module as a host sees it: loaded by its entry, opened, described, read. */
#ifndef TEST_SOURCE_HARNESS_H
#define TEST_SOURCE_HARNESS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include "oriel/module.h"
#include "oriel/source.h"

struct opened {
    const struct oriel_source *source;
    void *self;
    const struct oriel_source_info *info;
};

/* `name`: "zarr", "npy". A failed open leaves `self` NULL and its text in source_failure(). */
oriel_result source_open(struct opened *opened, const char *name, const char *uri);
void source_must_open(struct opened *opened, const char *name, const char *uri);
void source_close(struct opened *opened);
/* The option "root" of what is opened from now on; "" at first. */
void source_set_root(const char *path);
uint32_t source_probe(const char *name, const char *uri);

/* What the last call of this thread said. */
const char *source_failure(void);

/* Dense values of a box; NULL origin and shape: of the whole level. Freed by the caller. */
oriel_result source_read(const struct opened *opened, uint32_t level, const uint64_t *origin,
                         const uint64_t *shape, uint8_t **out, uint64_t *bytes);
uint32_t type_bytes(uint32_t dtype);
double type_value(uint32_t dtype, const void *data, uint64_t index);

/* (7 i + 3) mod 101, or its lowest bit: what tests/data/make-data.py stores at linear index i. */
double expected_value(uint32_t dtype, uint64_t index);

/* Paths. `test_data` is a static buffer. */
const char *test_data(const char *path); /* in tests/data */
const char *extra_data(void);            /* $ORIEL_TEST_DATA, or NULL with a printed line */
const char *temp_folder(void);           /* made once, removed at exit */
void put_text(const char *path, const char *text); /* below the temporary folder; makes folders */
void put_bytes(const char *path, const void *data, size_t bytes);
char *read_text(const char *path, size_t *bytes); /* NULL when it cannot be read */

void sha256_hex(const void *data, size_t bytes, char hex[65]);

#endif
