/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's encoder session. All calls between device_enter and device_leave. */
#ifndef NVENC_SESSION_H
#define NVENC_SESSION_H

#include "nvenc.h"

/* Opens, checks what the GPU can, initialises and allocates. After a failure session_close() still
 * has to be called. */
oriel_result session_open(struct nvenc *self);
/* Gives back everything in the driver; what cannot be given back is logged. Without a session it
 * does nothing. */
void session_close(struct nvenc *self);
/* Rates, quantiser and frame rate, without a key picture. As before on failure. */
oriel_result session_change(struct nvenc *self, const struct settings *wanted);

#endif
