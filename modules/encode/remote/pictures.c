/* SPDX-License-Identifier: BSD-3-Clause */
#include "pictures.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void lay_out(struct pictures *self)
{
    uint64_t at = 0;
    uint32_t row_bytes, rows, i = 0;
    for (; encode_plane_size(&self->format, i, &row_bytes, &rows); i++) {
        uint32_t stride = (row_bytes + 63) & ~63u;
        self->planes[i] = (struct oriel_plane){.offset = at, .stride = stride, .rows = rows};
        at += (uint64_t)stride * rows;
    }
    self->plane_count = i;
    /* Encoders that read whole vectors may look beyond the last row. */
    self->slot_bytes = (at + REMOTE_PAGE + 63) & ~(uint64_t)(REMOTE_PAGE - 1);
    self->bytes = REMOTE_PAGE + REMOTE_SLOTS * self->slot_bytes;
}

int pictures_map(struct pictures *self, const struct oriel_format *format)
{
    *self = (struct pictures){.format = *format};
    lay_out(self);
    int fd = memfd_create("oriel pictures", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    void *memory = MAP_FAILED;
    /* Nobody makes it shorter under us. */
    if (ftruncate(fd, (off_t)self->bytes) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        memory = mmap(NULL, self->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory != MAP_FAILED) {
        self->memory = memory;
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

void pictures_unmap(struct pictures *self)
{
    if (self->memory)
        munmap(self->memory, self->bytes);
    *self = (struct pictures){0};
}

static uint32_t *flag(const struct pictures *self, uint32_t slot)
{
    return &((struct remote_flags *)(void *)self->memory)->busy[slot];
}

static bool is_back(const struct pictures *self, uint32_t slot)
{
    return !__atomic_load_n(flag(self, slot), __ATOMIC_ACQUIRE);
}

int pictures_slot(const struct pictures *self)
{
    for (uint32_t i = 0; i < REMOTE_SLOTS; i++) {
        if (is_back(self, i))
            return (int)i;
    }
    return -1;
}

bool pictures_all_back(const struct pictures *self)
{
    uint32_t back = 0;
    for (uint32_t i = 0; i < REMOTE_SLOTS; i++)
        back += is_back(self, i);
    return back == REMOTE_SLOTS;
}

void pictures_lend(const struct pictures *self, const struct encode_job *job, uint32_t slot,
                   struct remote_frame *message)
{
    uint64_t base = REMOTE_PAGE + slot * self->slot_bytes;
    message->slot = slot;
    message->plane_count = self->plane_count;
    for (uint32_t i = 0; i < self->plane_count; i++) {
        const struct oriel_plane *plane = &self->planes[i];
        uint8_t *to = self->memory + base + plane->offset;
        uint32_t row_bytes, rows;
        encode_plane_size(&self->format, i, &row_bytes, &rows);
        message->planes[i] = *plane;
        message->planes[i].offset += base;
        for (uint32_t y = 0; y < rows; y++)
            memcpy(to + (size_t)y * plane->stride, job->data[i] + (size_t)y * job->stride[i],
                   row_bytes);
    }
    __atomic_store_n(flag(self, slot), 1, __ATOMIC_RELEASE);
}
