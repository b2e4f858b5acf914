/* SPDX-License-Identifier: BSD-3-Clause */
/* An OpenGL context beside the render context, in its share group: what belongs to it outlives the
 * render context, and can be deleted on any thread. One for each render context, made with its
 * first user; it goes with the last one. */
#ifndef KEEPER_H
#define KEEPER_H

#include <epoxy/egl.h>
#include <stdbool.h>

#include "oriel/host_gl.h"

struct keeper;

/* That of the render context, which is current; NULL: *why is a sentence. [render] */
struct keeper *keeper_get(const struct oriel_host_gl *gl, const char **why);
void keeper_release(struct keeper *keeper); /* NULL is fine [any-thread] */

/* What a thread had current. */
struct keeper_visit {
    EGLDisplay display;
    EGLContext context;
    EGLSurface draw, read;
    EGLenum api;
};
/* Makes the keeper's context current here, for one thread at a time. False: it cannot be, or the
 * GPU was reset and has nothing left to delete. [any-thread] */
bool keeper_enter(struct keeper *keeper, struct keeper_visit *visit);
/* After keeper_enter() gave true: puts back what was current. */
void keeper_leave(struct keeper *keeper, const struct keeper_visit *visit);

#endif
