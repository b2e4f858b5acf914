/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's parameters of a session from the settings. */
#ifndef NVENC_PARAMETERS_H
#define NVENC_PARAMETERS_H

#include "nvenc.h"

/* Takes the driver's preset and writes over it what the settings say. The session is open. */
oriel_result parameters_fill(struct nvenc *self);
/* Writes rates, quantiser and frame rate anew. */
void parameters_rates(struct nvenc *self);
/* Writes what follows from the size and the rates anew. */
void parameters_size(struct nvenc *self);

#endif
