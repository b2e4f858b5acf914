/* SPDX-License-Identifier: BSD-3-Clause */
/* source/npy: NumPy's .npy files. */
#include "file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct source {
    const struct oriel_host *host;
    struct npy_file file;
    struct oriel_source_info info;
    struct oriel_source_level level;
    struct oriel_axis axes[ORIEL_MAX_AXES];
    char format[64];
};

static const char *plain_path(const char *uri)
{
    return strncmp(uri, "file:///", 8) == 0 ? uri + 7 : uri;
}

static bool has_magic(const char *path)
{
    char magic[6] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not hang it */
    bool yes = fd >= 0 && read(fd, magic, sizeof magic) == sizeof magic &&
               memcmp(magic, "\x93NUMPY", 6) == 0;
    if (fd >= 0)
        close(fd);
    return yes;
}

static uint32_t source_probe(const struct oriel_host *host, const char *uri)
{
    (void)host;
    const char *path = plain_path(uri);
    size_t n = strlen(path);
    bool named = n > 4 && strcmp(path + n - 4, ".npy") == 0;
    if (!named) /* what is not called so is not opened: it could be a pipe */
        return 0;
    return access(path, R_OK) == 0 && has_magic(path) ? 100 : 20;
}

static void describe(struct source *self)
{
    const struct npy_header *header = &self->file.header;
    self->level.path = "";
    self->level.codecs = header->fortran ? "raw, F order" : "raw";
    for (uint32_t k = 0; k < header->ndim; k++) {
        self->axes[k] = (struct oriel_axis){"", "", ""};
        self->level.shape[k] = header->shape[k];
        self->level.chunk[k] = self->file.chunk[k];
        self->level.scale[k] = 1;
    }
    snprintf(self->format, sizeof self->format, "npy, %s order%s", header->fortran ? "F" : "C",
             header->swap ? ", bytes swapped" : "");
    self->info = (struct oriel_source_info){
        .size = sizeof self->info,
        .ndim = header->ndim,
        .kind = "npy",
        .format = self->format,
        .name = "",
        .dtype = header->dtype,
        .level_count = 1,
        .axes = self->axes,
        .levels = &self->level,
        .channel_axis = -1,
    };
}

static oriel_result source_open(const struct oriel_host *host, const struct oriel_config *config,
                                const char *uri, void **out)
{
    (void)config;
    char error[NPY_ERROR];
    oriel_result code = ORIEL_IO;
    struct source *self = calloc(1, sizeof *self);
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    self->host = host;
    if (!npy_file_open(&self->file, plain_path(uri), &code, error)) {
        free(self);
        return host->fail(host, code, error);
    }
    describe(self);
    *out = self;
    return ORIEL_OK;
}

static void source_close(void *data)
{
    struct source *self = data;
    if (!self)
        return;
    npy_file_close(&self->file);
    free(self);
}

static const void *source_interface(void *self, const char *id)
{
    (void)self;
    (void)id;
    return NULL;
}

static oriel_result source_describe(void *data, const struct oriel_source_info **info)
{
    struct source *self = data;
    *info = &self->info;
    return ORIEL_OK;
}

static oriel_result source_read(void *data, struct oriel_read *read)
{
    struct source *self = data;
    const struct npy_header *header = &self->file.header;
    char error[NPY_ERROR];
    uint64_t bytes = header->bytes;
    if (read->level != 0)
        return self->host->fail(self->host, ORIEL_INVALID, "a .npy file has one level");
    for (uint32_t k = 0; k < header->ndim; k++)
        if (read->origin[k] > header->shape[k] ||
            read->shape[k] > header->shape[k] - read->origin[k] ||
            __builtin_mul_overflow(bytes, read->shape[k], &bytes))
            return self->host->fail(self->host, ORIEL_INVALID, "the box leaves the array");
    if (bytes != read->out_bytes)
        return self->host->fail(self->host, ORIEL_INVALID, "the box has another size than `out`");
    oriel_result result = npy_file_read(&self->file, read, error);
    return result == ORIEL_OK ? result : self->host->fail(self->host, result, error);
}

static const struct oriel_option_table options = {sizeof options, 0, NULL};

static const struct oriel_source vtable = {
    .size = sizeof vtable,
    .options = &options,
    .probe = source_probe,
    .open = source_open,
    .close = source_close,
    .get_interface = source_interface,
    .describe = source_describe,
    .read = source_read,
};

ORIEL_MODULE_OF(ORIEL_SOURCE_V1, &vtable, "source/npy", "1.0.0", "Oriel", "BSD-3-Clause",
                "NumPy's .npy files.");
