/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the pictures lie in what a muxer wrote: a fragment of MP4 (ISO/IEC 14496-12) or a piece of
 * Matroska (RFC 9559), with one track. */
#ifndef RECORD_LOCATE_H
#define RECORD_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
    size_t at, bytes;
};

/* Exactly `count` places, in order, or false. */
bool locate_mp4(const uint8_t *data, size_t bytes, struct place *places, size_t count);
bool locate_matroska(const uint8_t *data, size_t bytes, struct place *places, size_t count);

#endif
