/* SPDX-License-Identifier: BSD-3-Clause */
/* The video codecs of bitstream.h. */
#ifndef CHECK_BITSTREAM_VIDEO_H
#define CHECK_BITSTREAM_VIDEO_H

#include <stddef.h>

#include "check/bitstream.h"

bool bitstream_h264(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err);
bool bitstream_hevc(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err);
bool bitstream_av1(const uint8_t *data, size_t bytes, struct bitstream *seen, struct error *err);

#endif
