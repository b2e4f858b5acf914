/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory that both processes have, as wire.h says, seen from the proxy: pictures of one format
 * in slots. */
#ifndef REMOTE_PICTURES_H
#define REMOTE_PICTURES_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/encode.h"
#include "wire.h"

/* Zeroed: none. */
struct pictures {
    struct oriel_format format;
    uint8_t *memory;
    uint64_t bytes, slot_bytes;
    struct oriel_plane planes[ORIEL_MAX_PLANES]; /* in a slot */
    uint32_t plane_count;
};

/* The descriptor is for the child, and to be closed; -1 with errno: there is no such memory. */
int pictures_map(struct pictures *self, const struct oriel_format *format);
void pictures_unmap(struct pictures *self);
/* A slot that the child has given back, or -1. */
int pictures_slot(const struct pictures *self);
/* It has given back all of them. */
bool pictures_all_back(const struct pictures *self);
/* The picture is in the slot, which is the child's from now on, and the message says where. */
void pictures_lend(const struct pictures *self, const struct encode_job *job, uint32_t slot,
                   struct remote_frame *message);

#endif
