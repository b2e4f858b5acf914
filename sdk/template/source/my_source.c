/* SPDX-License-Identifier: BSD-3-Clause */
/* A source to begin from: portable graymaps (.pgm, binary), 8 and 16 bits. The contract is in
 * oriel/source.h; read() is called by several threads at a time. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oriel/source.h"

struct instance {
    const struct oriel_host *host;
    int fd;
    uint32_t bytes; /* of a sample */
    uint64_t start; /* of the samples in the file */
    struct oriel_axis axes[2];
    struct oriel_source_level level;
    struct oriel_source_info info;
    char path[];
};

static oriel_result fail(const struct oriel_host *host, oriel_result result, const char *path,
                         const char *why)
{
    char text[512];
    snprintf(text, sizeof(text), "%s: %s", path, why);
    return host->fail(host, result, text);
}

static uint32_t probe(const struct oriel_host *host, const char *uri)
{
    (void)host;
    size_t length = strlen(uri);
    return length > 4 && strcmp(uri + length - 4, ".pgm") == 0 ? 90 : 0;
}

/* The next number of the header, from 1 to `most`; 0: there is none. */
static uint64_t next_number(const char *head, size_t *at, uint64_t most)
{
    for (; strchr(" \t\r\n#", head[*at]) && head[*at]; ++*at)
        if (head[*at] == '#') /* a comment, to the end of its line */
            *at += strcspn(head + *at, "\n") - !strchr(head + *at, '\n');
    uint64_t number = 0;
    for (; head[*at] >= '0' && head[*at] <= '9' && number <= most; ++*at)
        number = number * 10 + (uint64_t)(head[*at] - '0');
    return number <= most ? number : 0;
}

static const char *read_header(struct instance *self)
{
    char head[4097] = ""; /* its last byte stays 0 */
    struct stat file;
    if (self->fd < 0 || fstat(self->fd, &file) != 0 || !S_ISREG(file.st_mode))
        return "cannot be read";
    if (pread(self->fd, head, sizeof(head) - 1, 0) < 2 || memcmp(head, "P5", 2) != 0)
        return "is no binary graymap";
    size_t at = 2;
    uint64_t width = next_number(head, &at, 1 << 30), height = next_number(head, &at, 1 << 30);
    uint64_t most = next_number(head, &at, 65535);
    if (!width || !height || !most || !head[at])
        return "its header is broken";
    self->bytes = most > 255 ? 2 : 1;
    self->start = at + 1; /* one white space follows */
    if ((uint64_t)file.st_size < self->start + width * height * self->bytes)
        return "is shorter than its header says";
    self->level = (struct oriel_source_level){.path = "", .codecs = "raw"};
    for (uint32_t k = 0; k < 2; k++) {
        self->axes[k] = (struct oriel_axis){k ? "x" : "y", "space", ""};
        self->level.shape[k] = k ? width : height;
        self->level.chunk[k] = self->level.shape[k] < 256 ? self->level.shape[k] : 256;
        self->level.scale[k] = 1;
    }
    self->info = (struct oriel_source_info){
        .size = sizeof(self->info), .ndim = 2, .name = "", .level_count = 1, .channel_axis = -1};
    self->info.kind = self->info.format = "pgm";
    self->info.dtype = self->bytes == 2 ? ORIEL_U16 : ORIEL_U8;
    self->info.axes = self->axes;
    self->info.levels = &self->level;
    return NULL;
}

static void close_source(void *data)
{
    struct instance *self = data;
    if (self && self->fd >= 0)
        close(self->fd);
    free(self);
}

static oriel_result open_source(const struct oriel_host *host, const struct oriel_config *config,
                                const char *uri, void **out)
{
    (void)config;
    struct instance *self = calloc(1, sizeof(*self) + strlen(uri) + 1);
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    self->host = host;
    strcpy(self->path, uri);
    self->fd = open(uri, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang it */
    const char *why = read_header(self);
    if (why) {
        close_source(self);
        return fail(host, ORIEL_IO, uri, why);
    }
    *out = self;
    return ORIEL_OK;
}

static oriel_result describe(void *self, const struct oriel_source_info **info)
{
    *info = &((struct instance *)self)->info;
    return ORIEL_OK;
}

static oriel_result read_box(void *data, struct oriel_read *box)
{
    struct instance *self = data;
    const uint64_t *from = box->origin, *shape = box->shape, *all = self->level.shape;
    if (box->level != 0 || from[0] > all[0] || shape[0] > all[0] - from[0] || from[1] > all[1] ||
        shape[1] > all[1] - from[1] || box->out_bytes != shape[0] * shape[1] * self->bytes)
        return fail(self->host, ORIEL_INVALID, self->path, "the box leaves the picture");
    uint64_t row_bytes = shape[1] * self->bytes;
    for (uint64_t y = 0; y < shape[0]; y++) {
        if (box->cancel && __atomic_load_n(box->cancel, __ATOMIC_RELAXED))
            return ORIEL_CANCELLED;
        uint8_t *row = (uint8_t *)box->out + y * row_bytes;
        uint64_t at = self->start + ((from[0] + y) * all[1] + from[1]) * self->bytes;
        if (pread(self->fd, row, row_bytes, (off_t)at) != (ssize_t)row_bytes)
            return fail(self->host, ORIEL_IO, self->path, "ends too early");
        for (uint64_t x = 0; self->bytes == 2 && x < shape[1]; x++) { /* big-endian in the file */
            uint16_t sample = (uint16_t)(row[2 * x] << 8 | row[2 * x + 1]);
            memcpy(row + 2 * x, &sample, 2);
        }
    }
    box->stored_bytes = box->out_bytes;
    return ORIEL_OK;
}

static const struct oriel_source source = {
    .size = sizeof(source),
    .probe = probe,
    .open = open_source,
    .close = close_source,
    .describe = describe,
    .read = read_box,
};
ORIEL_MODULE_OF(ORIEL_SOURCE_V1, &source, "org.example/my_source", "1.0.0", "Your name",
                "BSD-3-Clause", "Portable graymaps");
