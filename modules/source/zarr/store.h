/* SPDX-License-Identifier: BSD-3-Clause */
/* Where keys and their values are kept: a directory now; an archive or a server is another vtable.
 * A store is read-only, and every function may be called by several threads at a time. */
#ifndef ZARR_STORE_H
#define ZARR_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"

struct store;

/* One value, opened for reading. */
struct store_object {
    uint64_t bytes;
    uint64_t stamp; /* changes when the value is written again */
    int fd;
    bool found; /* false: nothing is stored under the key, and there is nothing to close */
};

struct store_ops {
    /* A key that is absent is no failure; one that cannot be read is. */
    bool (*open)(struct store *self, const char *key, struct store_object *object,
                 struct fault *fault);
    /* All of offset … offset + bytes, which lies inside the value, or a failure. */
    bool (*read)(struct store *self, const char *key, const struct store_object *object,
                 uint64_t offset, uint64_t bytes, void *out, struct fault *fault);
    void (*close)(struct store *self, struct store_object *object);
    /* Calls `each` with the names right under `key`, in no order. */
    bool (*list)(struct store *self, const char *key, void (*each)(void *data, const char *name),
                 void *data, struct fault *fault);
    void (*destroy)(struct store *self);
};

struct store {
    const struct store_ops *ops;
    const char *name; /* what errors call it */
};

/* NULL when `path` is not a directory that can be read. With a `root` ("": none) nothing is read
 * that lies outside of it once all links are followed; where `path` itself is elsewhere, nothing
 * outside of `path`. */
struct store *store_dir_create(const char *path, const char *root, struct fault *fault);

/* The whole value as a NUL-terminated text, at most `limit` bytes. *text is NULL when it is absent;
 * the caller frees it. */
bool store_text(struct store *store, const char *key, uint64_t limit, char **text, size_t *bytes,
                struct fault *fault);

/* "a/b": joins with one slash, either part may be empty. False when it does not fit. */
bool key_join(char *out, size_t room, const char *a, const char *b);
/* A path that metadata or a user names: relative, without "..". */
bool key_is_safe(const char *path);

#endif
