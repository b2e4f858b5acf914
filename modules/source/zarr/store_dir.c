/* SPDX-License-Identifier: BSD-3-Clause */
/* A store in a directory: a key is a file's relative path. Symbolic links are followed; where there
 * are bounds, not out of them. What was opened is asked where it is, not its name, which may mean
 * something else the next moment. */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store_dir {
    struct store store;
    int fd;
    char *bounds; /* NULL: none */
    char path[];
};

/* Whether `path` is `folder` or below it; both are real paths. */
static bool is_below(const char *path, const char *folder)
{
    size_t n = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n]);
}

/* The path of an open file without links; false when the system does not tell. */
static bool real_path(int fd, char path[PATH_MAX])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n >= 0)
        path[n] = '\0';
    return n >= 0;
}

/* -1 and errno; EXDEV: out of bounds. */
static int open_inside(const struct store_dir *self, const char *key, int flags)
{
    if (!self->bounds)
        return openat(self->fd, key, flags);
    char path[PATH_MAX], again[32];
    int found = openat(self->fd, key, O_PATH | O_CLOEXEC), fd = -1;
    if (found < 0)
        return -1;
    if (!real_path(found, path) || !is_below(path, self->bounds)) {
        errno = EXDEV;
    } else {
        snprintf(again, sizeof again, "/proc/self/fd/%d", found);
        fd = open(again, flags);
    }
    int error = errno;
    close(found);
    errno = error;
    return fd;
}

static const char *reason(int error)
{
    return error == EXDEV ? "leads out of data.root" : strerror(error);
}

static bool dir_open(struct store *store, const char *key, struct store_object *object,
                     struct fault *fault)
{
    const struct store_dir *self = (const struct store_dir *)store;
    *object = (struct store_object){.fd = -1};
    /* Without O_NONBLOCK a named pipe would hang the reader. */
    int fd = open_inside(self, key, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return fault_set(fault, ORIEL_IO, "%s/%s: %s", store->name, key, reason(error));
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return fault_set(fault, ORIEL_IO, "%s/%s: is %s, not a file", store->name, key,
                         S_ISDIR(st.st_mode) ? "a directory" : "a special file");
    }
    object->found = true;
    object->fd = fd;
    object->bytes = (uint64_t)st.st_size;
    object->stamp = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    return true;
}

static bool dir_read(struct store *store, const char *key, const struct store_object *object,
                     uint64_t offset, uint64_t bytes, void *out, struct fault *fault)
{
    uint8_t *at = out;
    while (bytes) {
        ssize_t n = pread(object->fd, at, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault_set(fault, ORIEL_IO, "%s/%s: %s", store->name, key, strerror(errno));
        if (n == 0)
            return fault_set(fault, ORIEL_IO, "%s/%s: became shorter while it was read",
                             store->name, key);
        at += n;
        offset += (uint64_t)n;
        bytes -= (uint64_t)n;
    }
    return true;
}

static void dir_close(struct store *store, struct store_object *object)
{
    (void)store;
    if (object->fd >= 0)
        close(object->fd);
    object->fd = -1;
}

static bool dir_list(struct store *store, const char *key,
                     void (*each)(void *data, const char *name), void *data, struct fault *fault)
{
    const struct store_dir *self = (const struct store_dir *)store;
    int fd = open_inside(self, *key ? key : ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return fault_set(fault, ORIEL_IO, "%s/%s: %s", store->name, key, reason(error));
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(data, entry->d_name);
    closedir(dir);
    return true;
}

static void dir_destroy(struct store *store)
{
    struct store_dir *self = (struct store_dir *)store;
    close(self->fd);
    free(self->bounds);
    free(self);
}

static const struct store_ops ops = {dir_open, dir_read, dir_close, dir_list, dir_destroy};

/* The bounds of a store that was opened as `path`. Who names a path below the root means what is
 * there, also when it has become a link since it was looked at. */
static bool find_bounds(struct store_dir *self, const char *root, struct fault *fault)
{
    char real[PATH_MAX];
    char *top = realpath(root, NULL);
    if (!top)
        return fault_set(fault, ORIEL_IO, "data.root %s: %s", root, strerror(errno));
    if (!real_path(self->fd, real)) {
        fault_set(fault, ORIEL_IO, "%s: /proc is needed where data.root is set: %s", self->path,
                  strerror(errno));
    } else if (is_below(real, top)) {
        self->bounds = top;
        return true;
    } else if (is_below(self->path, top)) {
        fault_set(fault, ORIEL_IO, "%s: %s", self->path, reason(EXDEV));
    } else {
        self->bounds = strdup(real);
        free(top);
        return self->bounds || fault_nomem(fault);
    }
    free(top);
    return false;
}

struct store *store_dir_create(const char *path, const char *root, struct fault *fault)
{
    size_t n = strlen(path) + 1;
    struct store_dir *self = calloc(1, sizeof *self + n);
    if (!self) {
        fault_nomem(fault);
        return NULL;
    }
    memcpy(self->path, path, n);
    self->store.ops = &ops;
    self->store.name = self->path;
    self->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (self->fd < 0) {
        fault_set(fault, ORIEL_IO, "%s: %s", path, strerror(errno));
        free(self);
        return NULL;
    }
    if (*root && !find_bounds(self, root, fault)) {
        dir_destroy(&self->store);
        return NULL;
    }
    return &self->store;
}
