/* SPDX-License-Identifier: BSD-3-Clause */
/* A headless OpenGL 4.5 core context: no window system, no config, no surface. */
#ifndef RENDER_EGL_H
#define RENDER_EGL_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/frame.h"
#include "oriel/host_gl.h"
#include "util/error.h"

struct egl;

/* Makes a context and makes it current on the calling thread. Tries the EGL device with index
 * `device`, or, with -1, hardware devices, then software devices, then Mesa's surfaceless platform.
 * The error tells everything that was tried. */
struct egl *egl_create(int64_t device, struct error *err);
/* How many EGL devices there are, usable or not. */
uint32_t egl_device_count(void);
/* On the thread that made it. The display stays: others may share it. */
void egl_destroy(struct egl *egl); /* NULL is fine */

const struct oriel_host_gl *egl_host_gl(const struct egl *egl);
/* EGL_CUDA_DEVICE_NV: which CUDA device draws, counted as CUDA does; -1: EGL does not say. */
int32_t egl_cuda_ordinal(const struct egl *egl);
uint32_t egl_max_texture_2d(const struct egl *egl);
uint32_t egl_max_texture_3d(const struct egl *egl);
/* NULL, or what went wrong since the last call: no memory, or the device was lost. */
const char *egl_fault(struct egl *egl);

/* A framebuffer with one RGBA8 colour texture and a depth buffer. */
struct egl_target {
    uint32_t framebuffer, texture, depth;
    uint32_t width, height;
};
bool egl_target_create(struct egl_target *target, uint32_t width, uint32_t height,
                       struct error *err);
void egl_target_destroy(struct egl_target *target); /* zeroed is fine */

#endif
