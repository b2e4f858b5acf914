/* SPDX-License-Identifier: BSD-3-Clause */
/* The state directory: lock and epoch, and files that appear whole. */
#ifndef JOURNAL_FOLDER_H
#define JOURNAL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "journal/journal.h"

struct folder {
    char *path; /* as given, for messages */
    int fd, lock;
    uint64_t epoch; /* ours */
};

/* Makes the directory if need be and takes the lock. JOURNAL_OK, _BUSY or _FAILED; folder_close is
 * due in any case. */
enum journal_result folder_lock(struct folder *folder, const char *path, struct error *err);
void folder_close(struct folder *folder);

/* The number in the file "epoch"; 0 when there is no such file. */
bool folder_read_epoch(const struct folder *folder, uint64_t *epoch, struct error *err);
bool folder_write_epoch(struct folder *folder, uint64_t epoch, struct error *err);
/* JOURNAL_OK: the epoch is still ours. [any-thread] */
enum journal_result folder_check(const struct folder *folder, struct error *err);

/* A new file, for writing at its end; -1 (errno is set) when it is there or cannot be made. */
int folder_create(const struct folder *folder, const char *name, struct error *err);
/* A file that appears with all of its content, on the disk. */
bool folder_replace(const struct folder *folder, const char *name, struct iovec *parts, int count,
                    struct error *err);
/* The first `most` bytes of a file, and a zero byte; the caller frees. NULL: err, and errno. */
char *folder_read(const struct folder *folder, const char *name, size_t most, size_t *bytes,
                  struct error *err);
bool folder_sync(const struct folder *folder, struct error *err);
bool folder_write(const struct folder *folder, int fd, const char *name, struct iovec *parts,
                  int count, struct error *err); /* uses `parts` up */
bool folder_sync_file(const struct folder *folder, int fd, const char *name, struct error *err);
void folder_remove(const struct folder *folder, const char *name);

#endif
