/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies by CUDA: from page-locked memory straight into textures of OpenGL, while both the CPU and
 * OpenGL do something else. libcuda is loaded at run time. [render] */
#ifndef NAPARI_COPIES_H
#define NAPARI_COPIES_H

#include <epoxy/gl.h>

#include "oriel/scene_module.h"

struct copies;
struct target; /* a texture that CUDA knows */

/* NULL where the renderer's GPU is none of CUDA's, and where a trial fails: the log says why. */
struct copies *copies_create(const struct oriel_host *host);
/* When all targets are gone. Waits for what is under way. NULL is fine. */
void copies_destroy(struct copies *copies);

/* Copies a piece into the texture, which has *target from the first time on; until copies_settle()
 * OpenGL must not touch it. A piece with a `hold` is only begun, one without is waited for. AGAIN:
 * OpenGL is to copy it; the texture is settled. */
oriel_result copies_add(struct copies *copies, struct target **target, GLuint texture, GLenum kind,
                        uint32_t value_bytes, const struct oriel_slab *piece);
/* What OpenGL does from here on with the texture comes after what has been begun. Waits for
 * nothing. NULL is fine. */
oriel_result copies_settle(struct copies *copies, struct target *target);
/* Lets go of the memory of copies that are over. Waits for nothing. NULL is fine. */
oriel_result copies_collect(struct copies *copies);
/* The texture goes next. Waits for what is being copied into it. NULL is fine. */
void copies_drop(struct copies *copies, struct target *target);

#endif
