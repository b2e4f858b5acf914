/* SPDX-License-Identifier: BSD-3-Clause */
/* For modules that call the render's OpenGL: state that is left as it was found, programs, slabs.
 * Their own code, of which the host sees nothing. Include what declares the functions of OpenGL 4.5
 * before this (epoxy/gl.h, a glad.h). [render] */
#ifndef ORIEL_GL_H
#define ORIEL_GL_H

#include "oriel/capture.h"
#include "oriel/module.h"
#include "oriel/scene.h"

#define ORIEL_GL_VALUES 30u

#ifdef GL_VERSION_4_5

/* In the order in which oriel_gl_enter() reads. */
static inline void oriel_gl_set_(const int32_t *to)
{
    static const GLenum pixels[] = {
        GL_PACK_ALIGNMENT,     GL_UNPACK_ALIGNMENT,   GL_PACK_ROW_LENGTH,    GL_PACK_SKIP_PIXELS,
        GL_PACK_SKIP_ROWS,     GL_UNPACK_ROW_LENGTH,  GL_UNPACK_SKIP_PIXELS, GL_UNPACK_SKIP_ROWS,
        GL_UNPACK_SKIP_IMAGES, GL_UNPACK_IMAGE_HEIGHT};
    for (uint32_t i = 0; i < 10; i++)
        glPixelStorei(pixels[i], to[1 + i]);
    glBindBuffer(GL_PIXEL_PACK_BUFFER, (GLuint)to[11]);
    glBindBuffer(GL_PIXEL_UNPACK_BUFFER, (GLuint)to[12]);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, (GLuint)to[13]);
    glBindTexture(GL_TEXTURE_2D_ARRAY, (GLuint)to[14]);
    glBindTexture(GL_TEXTURE_3D, (GLuint)to[15]);
    glActiveTexture((GLenum)to[0]);
    glUseProgram((GLuint)to[16]);
    glBindVertexArray((GLuint)to[17]);
    (to[18] ? glEnable : glDisable)(GL_BLEND);
    (to[19] ? glEnable : glDisable)(GL_DEPTH_TEST);
    glBlendFuncSeparate((GLenum)to[20], (GLenum)to[22], (GLenum)to[21], (GLenum)to[23]);
    glBindFramebuffer(GL_DRAW_FRAMEBUFFER, (GLuint)to[24]);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, (GLuint)to[25]);
    glViewport(to[26], to[27], to[28], to[29]);
}

/* Keeps what drawing and reading back commonly change, and makes it that of a new context: pixel
 * stores and their buffers, the textures of unit 0, which is the active one from here, program,
 * vertex array, blending with its factors, depth test. The framebuffer of the target, if there is
 * one, is bound for both drawing and reading, and is the viewport. The scissor box is the caller's.
 */
static inline void oriel_gl_enter(int32_t was[ORIEL_GL_VALUES], const struct oriel_target *target)
{
    static const GLenum names[] = {GL_ACTIVE_TEXTURE,
                                   GL_PACK_ALIGNMENT,
                                   GL_UNPACK_ALIGNMENT,
                                   GL_PACK_ROW_LENGTH,
                                   GL_PACK_SKIP_PIXELS,
                                   GL_PACK_SKIP_ROWS,
                                   GL_UNPACK_ROW_LENGTH,
                                   GL_UNPACK_SKIP_PIXELS,
                                   GL_UNPACK_SKIP_ROWS,
                                   GL_UNPACK_SKIP_IMAGES,
                                   GL_UNPACK_IMAGE_HEIGHT,
                                   GL_PIXEL_PACK_BUFFER_BINDING,
                                   GL_PIXEL_UNPACK_BUFFER_BINDING,
                                   GL_TEXTURE_BINDING_2D,
                                   GL_TEXTURE_BINDING_2D_ARRAY,
                                   GL_TEXTURE_BINDING_3D,
                                   GL_CURRENT_PROGRAM,
                                   GL_VERTEX_ARRAY_BINDING,
                                   GL_BLEND,
                                   GL_DEPTH_TEST,
                                   GL_BLEND_SRC_RGB,
                                   GL_BLEND_SRC_ALPHA,
                                   GL_BLEND_DST_RGB,
                                   GL_BLEND_DST_ALPHA,
                                   GL_DRAW_FRAMEBUFFER_BINDING,
                                   GL_READ_FRAMEBUFFER_BINDING,
                                   GL_VIEWPORT /* four numbers */};
    int32_t fresh[ORIEL_GL_VALUES] = {GL_TEXTURE0, 4, 4};
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        glGetIntegerv(names[i], &was[i]);
        glActiveTexture(GL_TEXTURE0);
    }
    fresh[20] = fresh[21] = GL_ONE;
    for (uint32_t i = 24; i < ORIEL_GL_VALUES; i++)
        fresh[i] = was[i];
    if (target) {
        fresh[24] = fresh[25] = (int32_t)target->framebuffer;
        fresh[26] = fresh[27] = 0;
        fresh[28] = (int32_t)target->width;
        fresh[29] = (int32_t)target->height;
    }
    oriel_gl_set_(fresh);
}

static inline void oriel_gl_leave(const int32_t was[ORIEL_GL_VALUES])
{
    oriel_gl_set_(was);
}

/* A program of two shaders, whose text begins after the line of the version, which is 4.50. 0: what
 * the compiler has to say went to host->fail(). */
static inline GLuint oriel_gl_program(const struct oriel_host *host, const char *vertex,
                                      const char *fragment)
{
    char words[1024] = "";
    GLint fine = 1;
    GLuint program = glCreateProgram();
    for (int i = 0; i < 2 && fine; i++) {
        const char *text[2] = {"#version 450 core\n", i ? fragment : vertex};
        GLuint shader = glCreateShader(i ? GL_FRAGMENT_SHADER : GL_VERTEX_SHADER);
        glShaderSource(shader, 2, text, NULL);
        glCompileShader(shader);
        glGetShaderiv(shader, GL_COMPILE_STATUS, &fine);
        glGetShaderInfoLog(shader, sizeof(words), NULL, words);
        glAttachShader(program, shader);
        glDeleteShader(shader); /* with the program */
    }
    if (fine) {
        glLinkProgram(program);
        glGetProgramiv(program, GL_LINK_STATUS, &fine);
        glGetProgramInfoLog(program, sizeof(words), NULL, words);
    }
    if (fine)
        return program;
    glDeleteProgram(program);
    host->fail(host, ORIEL_FATAL, words);
    return 0;
}

/* What 1.0 in a texture of oriel_gl_upload() stands for. */
static inline double oriel_gl_most(uint32_t dtype)
{
    return dtype == ORIEL_U8 ? 255.0 : dtype == ORIEL_U16 ? 65535.0 : 1.0;
}

/* Puts a piece into the texture of its slab; the first one makes it, when *texture is 0. `kind`:
 * GL_TEXTURE_3D, or GL_TEXTURE_2D_ARRAY, which may be larger in x and y. It has one level of R8,
 * R16 or R32F. The state stays as it is but for errors, of which none is left. */
static inline oriel_result oriel_gl_upload(const struct oriel_host *host,
                                           const struct oriel_slab *piece, GLenum kind,
                                           GLuint *texture)
{
    const GLenum stored = piece->dtype == ORIEL_U8    ? GL_R8
                          : piece->dtype == ORIEL_U16 ? GL_R16
                                                      : GL_R32F;
    const GLenum given = piece->dtype == ORIEL_U8    ? GL_UNSIGNED_BYTE
                         : piece->dtype == ORIEL_U16 ? GL_UNSIGNED_SHORT
                                                     : GL_FLOAT;
    const uint64_t bytes = piece->dtype == ORIEL_U8 ? 1 : piece->dtype == ORIEL_U16 ? 2 : 4;
    const uint32_t *at = piece->offset, *extent = piece->extent;
    int32_t was[ORIEL_GL_VALUES];
    GLuint made = *texture;
    if (stored == GL_R32F && piece->dtype != ORIEL_F32)
        return host->fail(host, ORIEL_UNSUPPORTED, "voxels that are neither U8 nor U16 nor F32");
    while (glGetError() != GL_NO_ERROR) {
    }
    if (!made) {
        glCreateTextures(kind, 1, &made);
        glTextureStorage3D(made, 1, stored, (GLsizei)piece->shape[0], (GLsizei)piece->shape[1],
                           (GLsizei)piece->shape[2]);
    }
    oriel_gl_enter(was, NULL);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    glPixelStorei(GL_UNPACK_ROW_LENGTH, (GLint)(piece->row_bytes / bytes));
    /* A slice at a time, or a row where rows are no whole number of voxels apart. */
    const uint32_t rows = piece->row_bytes % bytes ? 1 : extent[1];
    for (uint32_t z = 0; piece->data && z < extent[2]; z++)
        for (uint32_t y = 0; y < extent[1]; y += rows)
            glTextureSubImage3D(made, 0, (GLint)at[0], (GLint)(at[1] + y), (GLint)(at[2] + z),
                                (GLsizei)extent[0], (GLsizei)rows, 1, GL_RED, given,
                                (const uint8_t *)piece->data + z * piece->slice_bytes +
                                    y * piece->row_bytes);
    oriel_gl_leave(was);
    const GLenum error = glGetError();
    if (error == GL_NO_ERROR) {
        *texture = made;
        return ORIEL_OK;
    }
    if (!*texture)
        glDeleteTextures(1, &made);
    return error == GL_OUT_OF_MEMORY
               ? host->fail(host, ORIEL_NOMEM, "the GPU has no room for a slab")
               : host->fail(host, ORIEL_IO, "OpenGL refuses the texture of a slab");
}

#endif
#endif
