/* SPDX-License-Identifier: BSD-3-Clause */
/* A scratch folder with fixtures in it, and registries that look there. */
#ifndef TESTS_MODULE_FIXTURES_H
#define TESTS_MODULE_FIXTURES_H

#include <stddef.h>

struct config;

struct scratch {
    char root[64];  /* removed by scratch_finish */
    char first[96]; /* two module folders */
    char second[96];
    char cache[96];
};

void scratch_init(struct scratch *scratch);
void scratch_finish(struct scratch *scratch);

/* Copies a fixture ("good") to folder/<as>.so; the path is valid until the next call. */
const char *scratch_copy(const char *folder, const char *fixture, const char *as);
/* A file with these bytes. */
const char *scratch_write(const char *folder, const char *name, const void *bytes, size_t length);

/* modules.path is both folders, modules.cache the scratch's; more sets, NULL at the end. */
struct config *scratch_config(const struct scratch *scratch, ...) __attribute__((sentinel));

#endif
