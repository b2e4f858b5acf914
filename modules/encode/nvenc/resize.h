/* SPDX-License-Identifier: BSD-3-Clause */
/* Another size without another session. */
#ifndef NVENC_RESIZE_H
#define NVENC_RESIZE_H

#include "oriel/draft/encoder_resize.h"

extern const struct oriel_encoder_resize nvenc_resize;

#endif
