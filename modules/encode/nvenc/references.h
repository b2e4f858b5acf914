/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures that some client never got: the encoder stops referring to them. */
#ifndef NVENC_REFERENCES_H
#define NVENC_REFERENCES_H

#include "nvenc.h"

/* Interface "oriel.encoder.invalidate/1" of an instance. */
extern const struct oriel_encoder_invalidate nvenc_invalidate;

/* Notes a picture that is about to be submitted. */
void references_note(struct nvenc *self, uint64_t seq);

#endif
