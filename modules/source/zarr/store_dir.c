/* SPDX-License-Identifier: BSD-3-Clause */
/* A store in a directory: a key is a file's relative path. Symbolic links are followed. */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store_dir {
    struct store store;
    int fd;
    char path[];
};

static bool dir_open(struct store *store, const char *key, struct store_object *object,
                     struct fault *fault)
{
    const struct store_dir *self = (const struct store_dir *)store;
    *object = (struct store_object){.fd = -1};
    /* Without O_NONBLOCK a named pipe would hang the reader. */
    int fd = openat(self->fd, key, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return fault_set(fault, ORIEL_IO, "%s/%s: %s", store->name, key, strerror(error));
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
    int fd = openat(self->fd, *key ? key : ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return fault_set(fault, ORIEL_IO, "%s/%s: %s", store->name, key, strerror(error));
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
    free(self);
}

static const struct store_ops ops = {dir_open, dir_read, dir_close, dir_list, dir_destroy};

struct store *store_dir_create(const char *path, struct fault *fault)
{
    size_t n = strlen(path) + 1;
    struct store_dir *self = malloc(sizeof *self + n);
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
    return &self->store;
}
