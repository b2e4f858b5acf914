/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that stay on the GPU: NV12 in one R8 texture, the rows of luma before those of chroma,
 * each with a fence. They outlive the instance for as long as anybody holds one; the last to let go
 * deletes them, on whatever thread that is. */
#ifndef TEXTURES_H
#define TEXTURES_H

#include "oriel/capture.h"
#include "oriel/host_gl.h"

struct textures;

/* All with the instance's GL context current. Failures through host->fail. */
oriel_result textures_create(const struct oriel_host *host, const struct oriel_host_gl *gl,
                             const struct oriel_format *format, uint32_t frames_held,
                             const struct oriel_frame_sink *sink, struct textures **out);
void textures_top_down(struct textures *textures);
void textures_destroy(struct textures *textures); /* NULL is fine */
/* Hands the frame out at once. AGAIN when all are held. */
oriel_result textures_grab(struct textures *textures, const struct oriel_target *target,
                           const struct oriel_stamp *stamp);

#endif
