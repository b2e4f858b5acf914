/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client sees: packets decoded by libavcodec, on one thread, without delay. */
#ifndef AB_DECODER_H
#define AB_DECODER_H

#include <stdbool.h>
#include <stdint.h>

#include "ab/picture.h"
#include "util/error.h"

struct decoder;

/* `codec` is ORIEL_CODEC_*, `format` that of the pictures. NULL with the reason. */
struct decoder *decoder_open(uint32_t codec, const struct oriel_format *format, struct error *err);
void decoder_close(struct decoder *decoder); /* NULL is fine */

/* `bytes` 0 asks for what it still holds. `picture` is called for each picture, with the index that
 * its packet had; the picture is borrowed. */
typedef void decoder_picture(void *data, uint32_t index, const struct picture *picture);
bool decoder_feed(struct decoder *decoder, uint32_t index, const uint8_t *data, uint64_t bytes,
                  decoder_picture *picture, void *user, struct error *err);
/* What the last feed took it, without the callbacks. */
int64_t decoder_spent_ns(const struct decoder *decoder);

/* "libavcodec 59.37.100" */
const char *decoder_library(void);
/* Lower-case hexadecimal SHA-256. */
void sha256_text(const uint8_t *data, uint64_t bytes, char text[65]);

#endif
