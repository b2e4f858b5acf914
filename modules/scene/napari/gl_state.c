/* SPDX-License-Identifier: BSD-3-Clause */
#include "napari.h"

static const GLenum binding[3] = {GL_TEXTURE_BINDING_1D, GL_TEXTURE_BINDING_2D,
                                  GL_TEXTURE_BINDING_3D};
static const GLenum target[3] = {GL_TEXTURE_1D, GL_TEXTURE_2D, GL_TEXTURE_3D};
static const GLenum capability[6] = {GL_BLEND,        GL_DEPTH_TEST,       GL_CULL_FACE,
                                     GL_STENCIL_TEST, GL_FRAMEBUFFER_SRGB, GL_SCISSOR_TEST};
static const GLenum image[6] = {GL_IMAGE_BINDING_NAME,    GL_IMAGE_BINDING_LEVEL,
                                GL_IMAGE_BINDING_LAYERED, GL_IMAGE_BINDING_LAYER,
                                GL_IMAGE_BINDING_ACCESS,  GL_IMAGE_BINDING_FORMAT};
static const GLenum unpack[6] = {GL_UNPACK_ALIGNMENT,    GL_UNPACK_ROW_LENGTH,
                                 GL_UNPACK_IMAGE_HEIGHT, GL_UNPACK_SKIP_PIXELS,
                                 GL_UNPACK_SKIP_ROWS,    GL_UNPACK_SKIP_IMAGES};
static const GLenum pack[4] = {GL_PACK_ALIGNMENT, GL_PACK_ROW_LENGTH, GL_PACK_SKIP_PIXELS,
                               GL_PACK_SKIP_ROWS};

static void save_compute(struct gl_state *s)
{
    glGetIntegerv(GL_CURRENT_PROGRAM, &s->program);
    glGetIntegerv(GL_ACTIVE_TEXTURE, &s->active_texture);
    glGetIntegerv(GL_PIXEL_UNPACK_BUFFER_BINDING, &s->pixel_buffer);
    for (int i = 0; i < UNIT_COUNT; i++) {
        glActiveTexture(GL_TEXTURE0 + (GLenum)i);
        for (int k = 0; k < 3; k++)
            glGetIntegerv(binding[k], &s->textures[i][k]);
        glGetIntegerv(GL_SAMPLER_BINDING, &s->samplers[i]);
    }
    for (GLuint i = 0; i < IMAGE_COUNT; i++)
        for (int k = 0; k < 6; k++)
            glGetIntegeri_v(image[k], i, &s->images[i][k]);
}

void gl_state_save(struct gl_state *s, bool compute)
{
    s->compute = compute;
    save_compute(s);
    if (compute)
        return;
    glGetIntegerv(GL_READ_FRAMEBUFFER_BINDING, &s->read_framebuffer);
    glGetIntegerv(GL_DRAW_FRAMEBUFFER_BINDING, &s->draw_framebuffer);
    glGetIntegerv(GL_VERTEX_ARRAY_BINDING, &s->vertex_array);
    glGetIntegerv(GL_PIXEL_PACK_BUFFER_BINDING, &s->pack_buffer);
    glGetIntegerv(GL_RENDERBUFFER_BINDING, &s->renderbuffer);
    glGetIntegerv(GL_VIEWPORT, s->viewport);
    glGetIntegerv(GL_BLEND_SRC_RGB, &s->blend_func[0]);
    glGetIntegerv(GL_BLEND_DST_RGB, &s->blend_func[1]);
    glGetIntegerv(GL_BLEND_SRC_ALPHA, &s->blend_func[2]);
    glGetIntegerv(GL_BLEND_DST_ALPHA, &s->blend_func[3]);
    glGetIntegerv(GL_BLEND_EQUATION_RGB, &s->blend_equation[0]);
    glGetIntegerv(GL_BLEND_EQUATION_ALPHA, &s->blend_equation[1]);
    glGetIntegerv(GL_DEPTH_FUNC, &s->depth_func);
    glGetIntegerv(GL_CULL_FACE_MODE, &s->cull_mode);
    glGetIntegerv(GL_FRONT_FACE, &s->front_face);
    for (int i = 0; i < 6; i++)
        glGetIntegerv(unpack[i], &s->unpack[i]);
    for (int i = 0; i < 4; i++)
        glGetIntegerv(pack[i], &s->pack[i]);
    glGetBooleanv(GL_DEPTH_WRITEMASK, &s->depth_mask);
    glGetBooleanv(GL_COLOR_WRITEMASK, s->color_mask);
    for (int i = 0; i < 6; i++)
        s->enabled[i] = glIsEnabled(capability[i]);
    glGetFloatv(GL_COLOR_CLEAR_VALUE, s->clear_color);
    glGetFloatv(GL_DEPTH_CLEAR_VALUE, &s->clear_depth);
}

static void restore_compute(const struct gl_state *s)
{
    glUseProgram((GLuint)s->program);
    for (int i = 0; i < UNIT_COUNT; i++) {
        glActiveTexture(GL_TEXTURE0 + (GLenum)i);
        for (int k = 0; k < 3; k++)
            glBindTexture(target[k], (GLuint)s->textures[i][k]);
        glBindSampler((GLuint)i, (GLuint)s->samplers[i]);
    }
    glActiveTexture((GLenum)s->active_texture);
    for (GLuint i = 0; i < IMAGE_COUNT; i++) {
        const GLint *v = s->images[i];
        glBindImageTexture(i, (GLuint)v[0], v[1], (GLboolean)v[2], v[3], (GLenum)v[4],
                           (GLenum)v[5]);
    }
    glBindBuffer(GL_PIXEL_UNPACK_BUFFER, (GLuint)s->pixel_buffer);
}

void gl_state_restore(const struct gl_state *s)
{
    restore_compute(s);
    if (s->compute)
        return;
    glBindFramebuffer(GL_READ_FRAMEBUFFER, (GLuint)s->read_framebuffer);
    glBindFramebuffer(GL_DRAW_FRAMEBUFFER, (GLuint)s->draw_framebuffer);
    glBindVertexArray((GLuint)s->vertex_array);
    glBindBuffer(GL_PIXEL_PACK_BUFFER, (GLuint)s->pack_buffer);
    glBindRenderbuffer(GL_RENDERBUFFER, (GLuint)s->renderbuffer);
    glViewport(s->viewport[0], s->viewport[1], s->viewport[2], s->viewport[3]);
    glBlendFuncSeparate((GLenum)s->blend_func[0], (GLenum)s->blend_func[1],
                        (GLenum)s->blend_func[2], (GLenum)s->blend_func[3]);
    glBlendEquationSeparate((GLenum)s->blend_equation[0], (GLenum)s->blend_equation[1]);
    glDepthFunc((GLenum)s->depth_func);
    glCullFace((GLenum)s->cull_mode);
    glFrontFace((GLenum)s->front_face);
    for (int i = 0; i < 6; i++)
        glPixelStorei(unpack[i], s->unpack[i]);
    for (int i = 0; i < 4; i++)
        glPixelStorei(pack[i], s->pack[i]);
    glDepthMask(s->depth_mask);
    glColorMask(s->color_mask[0], s->color_mask[1], s->color_mask[2], s->color_mask[3]);
    for (int i = 0; i < 6; i++) {
        if (s->enabled[i])
            glEnable(capability[i]);
        else
            glDisable(capability[i]);
    }
    glClearColor(s->clear_color[0], s->clear_color[1], s->clear_color[2], s->clear_color[3]);
    glClearDepthf(s->clear_depth);
}
