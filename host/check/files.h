/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of datasets that a test may spoil. */
#ifndef CHECK_FILES_H
#define CHECK_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t files_bytes(const char *path);               /* of a file or all in a folder */
bool files_copy(const char *from, const char *to);    /* a file or a folder */
void files_remove(const char *path);                  /* a file or a folder with all in it */
uint8_t *files_read(const char *path, size_t *bytes); /* the caller frees it; NULL: cannot */
/* Every regular file of a folder, those near its root first, or the file itself. */
void files_each(const char *path, void (*visit)(void *data, const char *path), void *data);

#endif
