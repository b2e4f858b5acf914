/* SPDX-License-Identifier: BSD-3-Clause */
/* CUDA on the GPU that draws: its device found by what EGL, OpenGL and CUDA say, never guessed; a
 * context for everyone in the process; waiting for its events. libcuda is loaded at run time, so
 * that the same program starts without a driver, where every function here gives the reason. */
#ifndef CUDA_CUDA_H
#define CUDA_CUDA_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/frame.h"
#include "util/error.h"

/* What is known of the device that a renderer draws on. */
struct cuda_hint {
    int32_t ordinal;  /* EGL_CUDA_DEVICE_NV; -1: EGL does not say */
    uint8_t uuid[16]; /* GL_DEVICE_UUID_EXT; zero: unknown */
};

struct cuda_about {
    int32_t ordinal;
    char name[256];
    uint8_t uuid[16]; /* zero: unknown */
};

/* The CUDA device that belongs to the current OpenGL context: the hinted ordinal where its UUID
 * does not contradict, the UUID, or what CUDA says of the context. False with the reason. Makes no
 * CUDA context. [any-thread with a GL context] */
bool cuda_find(const struct cuda_hint *hint, struct cuda_about *about, struct error *why);

/* Finds it, retains its primary context and offers both to modules as "oriel.host.cuda/1", for as
 * long as the process lives: encoders and frames outlive renderers. Again with every start of a
 * renderer: a context that a fault has made useless is then followed by another one; where CUDA
 * gives none, the interface is taken back. [render, GL context current] */
bool cuda_join(const struct cuda_hint *hint, struct cuda_about *about, struct error *why);

/* Waits for an ORIEL_FENCE_CUDA_EVENT. False: the device failed. [any-thread] */
bool cuda_fence_wait(const struct oriel_fence *fence, struct error *err);

/* A copy of a frame in CPU memory, in that of the joined device: pitch a multiple of 256, planes
 * one after the other. It is there on return. One reference; NULL with the reason. [any-thread] */
const struct oriel_frame *cuda_frame_copy(const struct oriel_frame *frame, struct error *err);

#endif
