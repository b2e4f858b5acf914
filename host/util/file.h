/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that are written whole or not at all. Where something fails, errno says why. */
#ifndef UTIL_FILE_H
#define UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/uio.h>

/* All of it, however many writes that takes. Uses `parts` up. */
bool file_write(int fd, struct iovec *parts, int count);
/* The folders above `path`, where they are not there. */
bool file_make_folders(const char *path);
/* Puts the names in a folder on the disk. */
bool file_sync_folder(int folder);

/* The name stands for the new content, on the disk, or for what it stood for before; it never
 * stands for a part. A link of that name is replaced, what it leads to is not touched. Only when
 * the last step, to sync the folder, fails is it false with the new content in place. */
bool file_replace_at(int folder, const char *name, mode_t mode, struct iovec *parts, int count);
bool file_replace(const char *path, mode_t mode, const void *data, size_t bytes);

/* The next line, without its end, of at most `most` bytes, in `*text`, which is made or grown and
 * is the caller's to free. Its length; -1 at the end of the file, and, with EMSGSIZE, for a line
 * that is longer. */
ssize_t file_line(FILE *file, char **text, size_t *room, size_t most);

#endif
