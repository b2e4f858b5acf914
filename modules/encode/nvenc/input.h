/* SPDX-License-Identifier: BSD-3-Clause */
/* From a frame to what the driver encodes: a registered surface of the frame's pool, or for frames
 * in CPU memory a buffer of the driver's. */
#ifndef NVENC_INPUT_H
#define NVENC_INPUT_H

#include "nvenc.h"

struct input {
    NV_ENC_INPUT_PTR buffer;
    NV_ENC_BUFFER_FORMAT format;
    uint32_t pitch; /* bytes */
};

NV_ENC_BUFFER_FORMAT input_samples(uint32_t fourcc); /* UNDEFINED for what it does not know */

oriel_result input_create(struct nvenc *self);
void input_destroy(struct nvenc *self);
/* No surface is registered any more. */
oriel_result input_forget(struct nvenc *self);

/* The frame of `job`, until input_give_back. */
oriel_result input_take(struct nvenc *self, const struct encode_job *job, struct input *input);
oriel_result input_give_back(struct nvenc *self);

#endif
