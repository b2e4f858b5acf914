/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/check.h"
#include "util/file.h"
#include "util/log.h"

static bool fail(const struct folder *folder, const char *name, struct error *err)
{
    return error_set(err, "%s/%s: %s", folder->path, name, strerror(errno));
}

/* What the holder of the lock wrote about itself. */
static void holder(const struct folder *folder, char who[160])
{
    ssize_t n = pread(folder->lock, who, 159, 0);
    who[n > 0 ? n : 0] = '\0';
    who[strcspn(who, "\n")] = '\0';
    if (!who[0])
        snprintf(who, 160, "another process");
}

static bool sign(const struct folder *folder)
{
    char host[80] = "", text[160];
    gethostname(host, sizeof host - 1);
    int n = snprintf(text, sizeof text, "process %d on %s\n", (int)getpid(), host);
    return ftruncate(folder->lock, 0) == 0 && pwrite(folder->lock, text, (size_t)n, 0) == n;
}

enum journal_result folder_lock(struct folder *folder, const char *path, struct error *err)
{
    *folder = (struct folder){.path = xstrdup(path), .fd = -1, .lock = -1};
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        error_set(err, "%s: the state directory cannot be made: %s", path, strerror(errno));
        return JOURNAL_FAILED;
    }
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0) {
        error_set(err, "%s: the state directory cannot be opened: %s", path, strerror(errno));
        return JOURNAL_FAILED;
    }
    folder->lock = openat(folder->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (folder->lock < 0) {
        fail(folder, "lock", err);
        return JOURNAL_FAILED;
    }
    /* Of the open file, not of the process: another open in this process is refused as well. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(folder->lock, F_OFD_SETLK, &lock) != 0) {
        if (errno != EAGAIN && errno != EACCES) {
            fail(folder, "lock", err);
            return JOURNAL_FAILED;
        }
        char who[160];
        holder(folder, who);
        error_set(err, "%s: the state directory is in use by %s", path, who);
        return JOURNAL_BUSY;
    }
    if (!sign(folder)) {
        fail(folder, "lock", err);
        return JOURNAL_FAILED;
    }
    return JOURNAL_OK;
}

void folder_close(struct folder *folder)
{
    if (folder->lock >= 0)
        close(folder->lock);
    if (folder->fd >= 0)
        close(folder->fd);
    free(folder->path);
    *folder = (struct folder){.fd = -1, .lock = -1};
}

bool folder_read_epoch(const struct folder *folder, uint64_t *epoch, struct error *err)
{
    char text[32];
    *epoch = 0;
    int fd = openat(folder->fd, "epoch", O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return true;
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    int failed = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0) {
        errno = failed;
        return fail(folder, "epoch", err);
    }
    text[n] = '\0';
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno || end[strspn(end, " \n")] || value == UINT64_MAX)
        return error_set(err, "%s/epoch: does not hold a number", folder->path);
    *epoch = value;
    return true;
}

bool folder_write_epoch(struct folder *folder, uint64_t epoch, struct error *err)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%" PRIu64 "\n", epoch);
    struct iovec part = {.iov_base = text, .iov_len = (size_t)n};
    folder->epoch = epoch;
    return folder_replace(folder, "epoch", &part, 1, err);
}

enum journal_result folder_check(const struct folder *folder, struct error *err)
{
    uint64_t epoch;
    if (!folder_read_epoch(folder, &epoch, err))
        return JOURNAL_FAILED;
    if (epoch == folder->epoch)
        return JOURNAL_OK;
    if (epoch == 0) { /* nobody has taken it over, but nothing here is safe either */
        error_set(err, "%s/epoch: is gone", folder->path);
        return JOURNAL_FAILED;
    }
    error_set(err,
              "%s: the epoch is %" PRIu64 ", ours was %" PRIu64
              ": a newer process owns the state directory",
              folder->path, epoch, folder->epoch);
    return JOURNAL_FENCED;
}

int folder_create(const struct folder *folder, const char *name, struct error *err)
{
    int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        fail(folder, name, err);
    return fd;
}

bool folder_write(const struct folder *folder, int fd, const char *name, struct iovec *parts,
                  int count, struct error *err)
{
    return file_write(fd, parts, count) || fail(folder, name, err);
}

bool folder_sync_file(const struct folder *folder, int fd, const char *name, struct error *err)
{
    return fdatasync(fd) == 0 || fail(folder, name, err);
}

bool folder_sync(const struct folder *folder, struct error *err)
{
    return file_sync_folder(folder->fd) || fail(folder, ".", err);
}

bool folder_replace(const struct folder *folder, const char *name, struct iovec *parts, int count,
                    struct error *err)
{
    return file_replace_at(folder->fd, name, 0600, parts, count) || fail(folder, name, err);
}

char *folder_read(const struct folder *folder, const char *name, size_t most, size_t *bytes,
                  struct error *err)
{
    struct stat info;
    char *text = NULL;
    size_t used = 0;
    int fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC);
    bool fine = fd >= 0 && fstat(fd, &info) == 0;
    if (fine) {
        most = (uint64_t)info.st_size < most ? (size_t)info.st_size : most;
        text = malloc(most + 1);
        fine = text;
    }
    while (fine && used < most) {
        ssize_t n = read(fd, text + used, most - used);
        if (n == 0)
            break;
        if (n > 0)
            used += (size_t)n;
        else
            fine = errno == EINTR;
    }
    int failed = errno;
    if (fd >= 0)
        close(fd);
    if (fine) {
        text[used] = '\0';
        *bytes = used;
        return text;
    }
    free(text);
    errno = failed;
    fail(folder, name, err);
    return NULL;
}

void folder_remove(const struct folder *folder, const char *name)
{
    if (unlinkat(folder->fd, name, 0) != 0 && errno != ENOENT)
        log_warn(LOG_STATE, "%s/%s: cannot be removed: %s", folder->path, name, strerror(errno));
}
