/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures on their way in: layouts of the formats, and textures. */
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <stdlib.h>
#include <string.h>

#include "pixel_storage.h"
#include "session.h"

bool layout_of(NV_ENC_BUFFER_FORMAT format, uint32_t width, uint32_t height, uint32_t pitch,
               struct layout *l)
{
    bool deep =
        format == NV_ENC_BUFFER_FORMAT_YUV420_10BIT || format == NV_ENC_BUFFER_FORMAT_YUV444_10BIT;
    size_t row = (size_t)width * (deep ? 2 : 1), luma = (size_t)pitch * height;
    memset(l, 0, sizeof *l);
    l->pitch[0] = pitch;
    l->width[0] = row;
    l->rows[0] = height;
    switch ((int)format) {
    case NV_ENC_BUFFER_FORMAT_NV12:
    case NV_ENC_BUFFER_FORMAT_YUV420_10BIT:
        l->planes = 2;
        l->offset[1] = luma;
        l->pitch[1] = pitch;
        l->width[1] = row;
        l->rows[1] = height / 2;
        break;
    case NV_ENC_BUFFER_FORMAT_YV12:
    case NV_ENC_BUFFER_FORMAT_IYUV:
        l->planes = 3;
        for (int i = 1; i < 3; i++) {
            l->pitch[i] = pitch / 2;
            l->width[i] = row / 2;
            l->rows[i] = height / 2;
        }
        l->offset[format == NV_ENC_BUFFER_FORMAT_IYUV ? 1 : 2] = luma;
        l->offset[format == NV_ENC_BUFFER_FORMAT_IYUV ? 2 : 1] = luma + luma / 4;
        break;
    case NV_ENC_BUFFER_FORMAT_YUV444:
    case NV_ENC_BUFFER_FORMAT_YUV444_10BIT:
        l->planes = 3;
        for (size_t i = 1; i < 3; i++) {
            l->offset[i] = luma * i;
            l->pitch[i] = pitch;
            l->width[i] = row;
            l->rows[i] = height;
        }
        break;
    default:
        return false;
    }
    for (unsigned i = 0; i < l->planes; i++) {
        size_t end = l->offset[i] + (l->rows[i] - 1) * l->pitch[i] + l->width[i];
        if (end > l->bytes)
            l->bytes = end;
    }
    return pitch >= row;
}

static uint8_t *read_2d(const NV_ENC_INPUT_RESOURCE_OPENGL_TEX *texture, size_t pitch, size_t bytes,
                        const char **why)
{
    GLint bound, width = 0, height = 0, format = 0;
    glGetIntegerv(texture->target == GL_TEXTURE_2D ? GL_TEXTURE_BINDING_2D
                                                   : GL_TEXTURE_BINDING_RECTANGLE,
                  &bound);
    glBindTexture(texture->target, texture->texture);
    glGetTexLevelParameteriv(texture->target, 0, GL_TEXTURE_WIDTH, &width);
    glGetTexLevelParameteriv(texture->target, 0, GL_TEXTURE_HEIGHT, &height);
    glGetTexLevelParameteriv(texture->target, 0, GL_TEXTURE_INTERNAL_FORMAT, &format);
    size_t texel = format == GL_R8 ? 1 : format == GL_RG8 ? 2 : format == GL_RGBA8 ? 4 : 0;
    uint8_t *data = NULL;
    if (!texel)
        *why = "its format is none of R8, RG8, RGBA8";
    else if ((size_t)width * texel != pitch)
        *why = "its rows have not the pitch it was registered with";
    else if (pitch * (size_t)height < bytes)
        *why = "it has too few rows for the picture";
    else
        data = malloc(pitch * (size_t)height);
    if (data) {
        struct pixel_storage storage;
        pixel_storage_plain(&storage);
        glGetTexImage(texture->target, 0,
                      texel == 1   ? GL_RED
                      : texel == 2 ? GL_RG
                                   : GL_RGBA,
                      GL_UNSIGNED_BYTE, data);
        pixel_storage_restore(&storage);
    }
    glBindTexture(texture->target, (GLuint)bound);
    return data;
}

uint8_t *texture_read(struct session *s, const char *call, const struct resource *resource,
                      size_t bytes)
{
    const char *why = "";
    uint8_t *data = NULL;
    if (eglGetCurrentContext() == EGL_NO_CONTEXT)
        why = "no OpenGL context is current";
    else if (!glIsTexture(resource->texture.texture))
        why = "it is no texture of the current context";
    else
        data = read_2d(&resource->texture, resource->pitch, bytes, &why);
    if (!data)
        session_fault(s, NV_ENC_SUCCESS, "%s: the texture %u: %s", call, resource->texture.texture,
                      why);
    return data;
}
