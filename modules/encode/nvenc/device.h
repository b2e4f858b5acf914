/* SPDX-License-Identifier: BSD-3-Clause */
/* What a session runs on: a CUDA context, or for textures an OpenGL context of the encoder's own
 * that shares with the renderer. Current only between device_enter and device_leave, on whatever
 * thread has the encoder's role then. */
#ifndef NVENC_DEVICE_H
#define NVENC_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <ffnvcodec/dynlink_cuda.h>

#include "oriel/module.h"

struct library;

struct device {
    const struct library *library; /* NULL: not open */
    const struct oriel_host *host;
    char name[96]; /* "this GPU (NVIDIA L4)" */
    uint32_t domain;

    CUcontext context; /* for CUDA and CPU memory */
    CUdevice device;
    bool retained; /* the context is retained here, not the host's */

    /* EGL handles, for textures; what was current before is put back. */
    void *display, *egl_context;
    void *before_display, *before_context, *before_draw, *before_read;
};

/* `domain` is the frames'. `gpu`: index of the CUDA device for frames in CPU memory; -1: the
 * renderer's, else the first. A reason is given to host->fail. */
oriel_result device_open(struct device *self, const struct oriel_host *host,
                         const struct library *library, uint32_t domain, int gpu);
/* `lost`: nothing of it is worth keeping. */
void device_close(struct device *self, bool lost);
/* A session runs on it: a context that was made for it stays for the next one, as making it takes
 * almost half a second. */
void device_keep(struct device *self);

oriel_result device_enter(struct device *self);
void device_leave(struct device *self);

/* `sync` of the renderer's share group is over, or IO after two seconds; DEVICE_LOST where it is of
 * another group. Entered. */
oriel_result device_wait_gl(struct device *self, uint64_t sync);

#endif
