/* SPDX-License-Identifier: BSD-3-Clause */
/* Files are read, not mapped: a mapped file that another process cuts short is a SIGBUS. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHUNK_BYTES = 1 << 20, /* what one read of the host's loader should be about */
    BLOCK_BYTES = 4 << 20  /* read at a time when only a part of it is wanted */
};

static bool read_all(int fd, uint64_t offset, void *out, uint64_t bytes)
{
    uint8_t *at = out;
    while (bytes) {
        ssize_t n = pread(fd, at, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENODATA;
        if (n <= 0)
            return false;
        at += n;
        offset += (uint64_t)n;
        bytes -= (uint64_t)n;
    }
    return true;
}

static const char *read_error(void)
{
    return errno == ENODATA ? "it is cut short" : strerror(errno);
}

/* Boxes of about CHUNK_BYTES that lie together in the file. */
static void choose_chunk(struct npy_file *file)
{
    const struct npy_header *header = &file->header;
    uint64_t bytes = header->bytes;
    for (uint32_t i = 0; i < header->ndim; i++) {
        uint32_t k = header->fortran ? i : header->ndim - 1 - i;
        uint64_t fit = CHUNK_BYTES / bytes;
        uint64_t length = header->shape[k] < fit ? header->shape[k] : fit;
        file->chunk[k] = length ? length : 1;
        bytes *= file->chunk[k];
    }
}

static bool read_header(struct npy_file *file, uint64_t size, oriel_result *code,
                        char error[NPY_ERROR])
{
    uint8_t preamble[NPY_PREAMBLE];
    char why[NPY_WHY] = "it is too short for a .npy file";
    size_t start = 0, length = 0;
    *code = ORIEL_UNSUPPORTED;
    bool ok = size >= sizeof preamble && read_all(file->fd, 0, preamble, sizeof preamble) &&
              npy_preamble(preamble, &start, &length, why);
    char *text = NULL;
    if (ok && size < start + length) {
        snprintf(why, sizeof why, "it is cut short in its header");
        *code = ORIEL_IO;
        ok = false;
    }
    if (ok) {
        text = calloc(1, length + 1);
        ok = text && read_all(file->fd, start, text, length) && npy_parse(text, &file->header, why);
    }
    free(text);
    if (!ok) {
        snprintf(error, NPY_ERROR, "%s: %s", file->path, why);
        return false;
    }
    file->start = start + length;
    uint64_t bytes = file->header.bytes;
    for (uint32_t k = 0; k < file->header.ndim; k++)
        bytes *= file->header.shape[k];
    if (size - file->start >= bytes)
        return true;
    *code = ORIEL_IO;
    snprintf(error, NPY_ERROR, "%s: it is cut short: %llu bytes of values instead of %llu",
             file->path, (unsigned long long)(size - file->start), (unsigned long long)bytes);
    return false;
}

bool npy_file_open(struct npy_file *file, const char *path, oriel_result *code,
                   char error[NPY_ERROR])
{
    struct stat st;
    *file = (struct npy_file){.fd = -1, .path = strdup(path)};
    *code = ORIEL_IO;
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not hang it */
    if (!file->path || file->fd < 0 || fstat(file->fd, &st) < 0) {
        snprintf(error, NPY_ERROR, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        snprintf(error, NPY_ERROR, "%s: not a .npy file: it is %s", path,
                 S_ISDIR(st.st_mode) ? "a folder" : "no regular file");
    } else if (read_header(file, (uint64_t)st.st_size, code, error)) {
        choose_chunk(file);
        return true;
    }
    npy_file_close(file);
    return false;
}

void npy_file_close(struct npy_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    *file = (struct npy_file){.fd = -1};
}

/* A box in the order of the file: axis 0 is the outermost. */
struct box {
    uint32_t ndim;
    uint64_t origin[ORIEL_MAX_AXES];
    uint64_t shape[ORIEL_MAX_AXES];
    uint64_t file_stride[ORIEL_MAX_AXES]; /* bytes */
    uint64_t out_stride[ORIEL_MAX_AXES];
};

static void box_init(struct box *box, const struct npy_header *header,
                     const struct oriel_read *read)
{
    uint64_t out[ORIEL_MAX_AXES] = {0}, stride = header->bytes;
    box->ndim = header->ndim;
    for (uint32_t k = header->ndim; k-- > 0; stride *= read->shape[k])
        out[k] = stride;
    stride = header->bytes;
    for (uint32_t i = header->ndim; i-- > 0;) {
        uint32_t k = header->fortran ? header->ndim - 1 - i : i;
        box->origin[i] = read->origin[k];
        box->shape[i] = read->shape[k];
        box->out_stride[i] = out[k];
        box->file_stride[i] = stride;
        stride *= header->shape[k];
    }
}

/* Bytes in the file from the first to the last value of the axes from `axis` on. */
static uint64_t box_span(const struct box *box, uint32_t axis, uint32_t bytes)
{
    uint64_t span = bytes;
    for (uint32_t k = axis; k < box->ndim; k++)
        span += (box->shape[k] - 1) * box->file_stride[k];
    return span;
}

/* The first axis from which on the box is read in one piece: small enough, and mostly wanted. */
static uint32_t box_split(const struct box *box, uint32_t bytes)
{
    uint64_t wanted = bytes;
    for (uint32_t k = 0; k < box->ndim; k++)
        wanted *= box->shape[k];
    for (uint32_t axis = 0; axis < box->ndim; axis++) {
        uint64_t span = box_span(box, axis, bytes);
        if (span <= BLOCK_BYTES && span / 8 <= wanted)
            return axis;
        wanted /= box->shape[axis];
    }
    return box->ndim;
}

static void scatter(const struct box *box, uint32_t axis, uint32_t bytes, const uint8_t *in,
                    uint8_t *out)
{
    if (axis == box->ndim) {
        memcpy(out, in, bytes);
        return;
    }
    bool last = axis + 1 == box->ndim;
    if (last && box->file_stride[axis] == bytes && box->out_stride[axis] == bytes) {
        memcpy(out, in, box->shape[axis] * bytes);
        return;
    }
    for (uint64_t i = 0; i < box->shape[axis]; i++) {
        scatter(box, axis + 1, bytes, in, out);
        in += box->file_stride[axis];
        out += box->out_stride[axis];
    }
}

/* Everything from `axis` on, which starts at `offset` in the file. */
static bool read_part(const struct npy_file *file, const struct box *box, uint32_t axis,
                      uint64_t offset, uint8_t *out, uint8_t *room, struct oriel_read *read)
{
    uint32_t bytes = file->header.bytes;
    uint64_t span = box_span(box, axis, bytes);
    uint64_t wanted = bytes;
    bool dense = true; /* file and memory agree */
    for (uint32_t k = box->ndim; k-- > axis;) {
        dense = dense && (box->shape[k] == 1 ||
                          (box->out_stride[k] == wanted && box->file_stride[k] == wanted));
        wanted *= box->shape[k];
    }
    read->stored_bytes += span;
    if (dense)
        return read_all(file->fd, offset, out, wanted);
    if (!read_all(file->fd, offset, room, span))
        return false;
    scatter(box, axis, bytes, room, out);
    return true;
}

static void swap_values(uint8_t *data, uint64_t count, uint32_t bytes)
{
    for (; count; count--, data += bytes)
        for (uint32_t i = 0; i < bytes / 2; i++) {
            uint8_t first = data[i];
            data[i] = data[bytes - 1 - i];
            data[bytes - 1 - i] = first;
        }
}

oriel_result npy_file_read(const struct npy_file *file, struct oriel_read *read,
                           char error[NPY_ERROR])
{
    const struct npy_header *header = &file->header;
    struct box box;
    read->stored_bytes = 0;
    read->flags = 0;
    if (!read->out_bytes)
        return ORIEL_OK;
    box_init(&box, header, read);
    uint32_t split = box_split(&box, header->bytes);
    /* A single row that is longer than a block lies dense in the file: it needs no room if it does
     * in memory, and else goes value by value. */
    if (split == box.ndim && box.ndim && box.out_stride[box.ndim - 1] == header->bytes)
        split--;
    uint64_t span = box_span(&box, split, header->bytes);
    uint8_t *room = malloc(span < BLOCK_BYTES ? span : BLOCK_BYTES);
    if (!room) {
        snprintf(error, NPY_ERROR, "out of memory");
        return ORIEL_NOMEM;
    }
    uint64_t at[ORIEL_MAX_AXES] = {0}, offset = file->start;
    uint8_t *out = read->out;
    for (uint32_t k = 0; k < box.ndim; k++)
        offset += box.origin[k] * box.file_stride[k];
    oriel_result result = ORIEL_OK;
    for (;;) {
        if (read->cancel && __atomic_load_n(read->cancel, __ATOMIC_RELAXED)) {
            snprintf(error, NPY_ERROR, "nobody wants it any more");
            result = ORIEL_CANCELLED;
            break;
        }
        if (!read_part(file, &box, split, offset, out, room, read)) {
            snprintf(error, NPY_ERROR, "%s: %s", file->path, read_error());
            result = ORIEL_IO;
            break;
        }
        uint32_t k = split;
        while (k-- > 0) {
            offset += box.file_stride[k];
            out += box.out_stride[k];
            if (++at[k] < box.shape[k])
                break;
            offset -= box.file_stride[k] * box.shape[k];
            out -= box.out_stride[k] * box.shape[k];
            at[k] = 0;
        }
        if (k == UINT32_MAX)
            break;
    }
    free(room);
    if (result == ORIEL_OK && header->swap)
        swap_values(read->out, read->out_bytes / header->bytes, header->bytes);
    return result;
}
