/* SPDX-License-Identifier: BSD-3-Clause */
/* The OpenGL and CUDA that modules are checked with. */
#ifndef CHECK_GL_H
#define CHECK_GL_H

#include "check/check.h"
#include "oriel/capture.h"
#include "util/error.h"

/* A context of OpenGL 4.5 is current on this thread from here on, to the end of the process; the
 * test is skipped where there is none. */
void gl_open(struct check_run *run);
/* Its host: offers "oriel.host.gl/1", and "oriel.host.cuda/1" where CUDA drives the same GPU. */
struct check_host *gl_host(struct check_run *run, enum check_host_kind kind);
/* NULL, or why gl_host() has no CUDA. */
const char *gl_cuda_absent(struct check_run *run);
/* For those whose threads have no OpenGL, as encoders: "oriel.host.cuda/1" where gl_host() has it,
 * false with the reason otherwise. No context is current on return. */
bool gl_offer_cuda(struct check_host *host, struct error *why);
void *gl_cuda_context(void); /* the CUcontext that is current, or NULL */
/* An event of CUDA that is over soon; lives as long as the process. */
bool gl_cuda_event(struct oriel_fence *fence);
void gl_leave(void); /* no context is current, until gl_enter() */
void gl_enter(void);
/* Fails where the module left an error behind. `what` it did: "grab()". */
void gl_no_error(struct check_run *run, const char *what);

/* A framebuffer as the host has them, RGBA8 with depth. */
struct oriel_target gl_target(struct check_run *run, uint32_t width, uint32_t height);
void gl_target_free(struct oriel_target *target);
void gl_target_fill(const struct oriel_target *target, const uint8_t rgba[4]);
/* Blocks of 8 × 8 pixels, each of another colour, saturated ones among them: nothing of it is
 * symmetric. */
void gl_target_picture(const struct oriel_target *target, unsigned number);
/* Its pixels as glReadPixels has them, the bottom row first; for free(). */
uint8_t *gl_target_read(const struct oriel_target *target);

/* Counts, instances made and destroyed again and again: the test fails when memory, descriptors,
 * threads or objects of OpenGL are more than they were. Called after every round. */
struct gl_flat {
    unsigned rounds, warm; /* how many, and how many before the first count */
    unsigned done, objects[10];
    struct check_use before;
    uint64_t most; /* bytes of resident memory that mean nothing */
};
void gl_flat_round(struct check_run *run, struct gl_flat *flat);

#endif
