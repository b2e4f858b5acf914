/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/check.h"

ssize_t file_line(FILE *file, char **text, size_t *room, size_t most)
{
    size_t length = 0;
    int c;
    errno = 0;
    while ((c = getc(file)) != EOF && c != '\n') {
        if (length == most) {
            errno = EMSGSIZE;
            return -1;
        }
        if (length + 1 >= *room) {
            *room = *room ? 2 * *room : 4096;
            *text = xrealloc(*text, *room);
        }
        (*text)[length++] = (char)c;
    }
    if (c == EOF && (length == 0 || ferror(file)))
        return -1;
    if (!*text)
        *text = xrealloc(NULL, *room = 4096);
    (*text)[length] = '\0';
    return (ssize_t)length;
}

bool file_write(int fd, struct iovec *parts, int count)
{
    while (count > 0) {
        ssize_t n = writev(fd, parts, count);
        if (n < 0 && errno != EINTR)
            return false;
        for (size_t left = n > 0 ? (size_t)n : 0; count > 0; parts++, count--) {
            size_t used = left < parts->iov_len ? left : parts->iov_len;
            parts->iov_base = (char *)parts->iov_base + used;
            parts->iov_len -= used;
            left -= used;
            if (parts->iov_len)
                break;
        }
    }
    return true;
}

bool file_sync_folder(int folder)
{
    /* EINVAL: a file system that syncs no folders has nothing to sync. */
    return fsync(folder) == 0 || errno == EINVAL;
}

bool file_replace_at(int folder, const char *name, mode_t mode, struct iovec *parts, int count)
{
    char beside[NAME_MAX + 1];
    uint32_t random = 0;
    CHECK(getrandom(&random, sizeof random, 0) == sizeof random);
    snprintf(beside, sizeof beside, "%.200s.%08" PRIx32 ".tmp", name, random);
    int fd = openat(folder, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    bool ok = file_write(fd, parts, count) && fsync(fd) == 0;
    int failed = errno;
    if (close(fd) != 0 && ok) {
        failed = errno;
        ok = false;
    }
    if (ok && renameat(folder, beside, folder, name) == 0)
        return file_sync_folder(folder);
    if (ok)
        failed = errno;
    unlinkat(folder, beside, 0);
    errno = failed;
    return false;
}

bool file_replace(const char *path, mode_t mode, const void *data, size_t bytes)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash ? xasprintf("%.*s/", (int)(slash - path), path) : xstrdup(".");
    int folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(parent);
    if (folder < 0)
        return false;
    struct iovec part = {.iov_base = (void *)data, .iov_len = bytes};
    bool ok = file_replace_at(folder, slash ? slash + 1 : path, mode, &part, 1);
    int failed = errno;
    close(folder);
    errno = failed;
    return ok;
}

bool file_make_folders(const char *path)
{
    char *copy = xstrdup(path);
    bool ok = true;
    for (char *slash = strchr(copy + 1, '/'); slash && ok; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ok = mkdir(copy, 0777) == 0 || errno == EEXIST;
        *slash = '/';
    }
    free(copy);
    return ok;
}
