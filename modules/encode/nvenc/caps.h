/* SPDX-License-Identifier: BSD-3-Clause */
/* What the GPU's engine can do, as the driver says: asked for, never assumed. */
#ifndef NVENC_CAPS_H
#define NVENC_CAPS_H

#include "nvenc.h"

GUID codec_guid(uint32_t codec);
GUID profile_guid(const struct nvenc *self);
bool guid_equal(const GUID *a, const GUID *b);

/* Refuses what would change the stream that was asked for, in a sentence that names the GPU and
 * what it lacks. Turns off in the settings, with a line in the log, what is only a help. */
oriel_result caps_check(struct nvenc *self);

#endif
