/* SPDX-License-Identifier: BSD-3-Clause */
/* From the driver's bitstream to one packet for each picture. */
#ifndef NVENC_OUTPUT_H
#define NVENC_OUTPUT_H

#include "nvenc.h"

oriel_result output_create(struct nvenc *self);
void output_destroy(struct nvenc *self);

/* Waits for the picture that was submitted last and hands it to the sink. */
oriel_result output_emit(struct nvenc *self, const struct encode_job *job);

#endif
