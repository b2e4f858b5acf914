/* SPDX-License-Identifier: BSD-3-Clause */
/* The conversion as a compute shader: a texture into a buffer with the planes of a layout, rows as
 * OpenGL has them or the other way round. All calls with the instance's GL context current; all
 * leave the GL state as it was. */
#ifndef SHADER_H
#define SHADER_H

#include <stdbool.h>
#include <stddef.h>

#include <epoxy/gl.h>

#include "convert.h"

struct shader {
    GLuint program;
    GLuint sampler;
    uint32_t groups_x, groups_y;
};

/* False with the compiler's words in `error`. */
bool shader_init(struct shader *shader, const struct oriel_format *format,
                 const struct layout *layout, const struct converter *converter, char *error,
                 size_t error_bytes);
/* From now on the first row written is the last one of the texture. */
void shader_top_down(const struct shader *shader);
void shader_finish(struct shader *shader); /* a zeroed one is fine */
/* Writes the planes and makes them visible to copies of buffers, also into textures. */
void shader_run(const struct shader *shader, GLuint texture, GLuint buffer);

#endif
