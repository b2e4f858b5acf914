/* SPDX-License-Identifier: BSD-3-Clause */
/* The devices that can draw: the list, and which one `render.device` means. */
#ifndef RENDER_DEVICE_H
#define RENDER_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

#define DEVICE_UUID_TEXT 41 /* "GPU-" and 32 digits in groups, as nvidia-smi prints it */

struct device {
    uint32_t index; /* of the EGL device */
    bool usable;
    char renderer[256];          /* GL_RENDERER, or why it cannot draw */
    char uuid[DEVICE_UUID_TEXT]; /* "": unknown */
    char cuda[256];              /* the CUDA device's name, "": none */
    char no_cuda[256];           /* why there is none */
    int32_t cuda_ordinal;        /* -1: none */
};

/* Makes a context on each for a moment. An array for free(). [any-thread without a GL context] */
struct device *device_list(size_t *count);

/* The index for egl_create() that `render.device` means: "auto" (-1), an index, or a UUID, of which
 * the beginning is enough. False with a list of what there is. The same text gets the same answer
 * as before: no device moves while the process runs. [any-thread without a GL context] */
bool device_select(const char *wanted, int64_t *index, struct error *err);

void device_uuid_text(const uint8_t uuid[16], char text[DEVICE_UUID_TEXT]); /* "" of zeros */

#endif
