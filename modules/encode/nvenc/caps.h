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
/* Only the sides, by what the samples allow, and by what the GPU can. */
oriel_result caps_check_sides(const struct nvenc *self, const struct oriel_format *format);
oriel_result caps_check_size(struct nvenc *self, const struct oriel_format *format);
/* The largest pictures to make a session for that may grow, as its memory is taken for these: the
 * next of a few common sizes. 0 by 0 where the GPU cannot change the size. */
oriel_result caps_room(struct nvenc *self, uint32_t *width, uint32_t *height);

#endif
