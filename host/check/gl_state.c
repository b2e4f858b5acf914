/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/gl_state.h"

#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"

enum { UNITS = 16, BINDINGS = 8, VALUES_MOST = 1200 };

struct known {
    GLenum name;
    const char *text;
    int count; /* values */
};
#define ONE(name)                                                                                  \
    {                                                                                              \
        name, #name, 1                                                                             \
    }
#define SOME(name, count)                                                                          \
    {                                                                                              \
        name, #name, count                                                                         \
    }

static const struct known enables[] = {
    ONE(GL_BLEND),
    ONE(GL_COLOR_LOGIC_OP),
    ONE(GL_CULL_FACE),
    ONE(GL_DEPTH_CLAMP),
    ONE(GL_DEPTH_TEST),
    ONE(GL_DITHER),
    ONE(GL_FRAMEBUFFER_SRGB),
    ONE(GL_LINE_SMOOTH),
    ONE(GL_MULTISAMPLE),
    ONE(GL_POLYGON_OFFSET_FILL),
    ONE(GL_POLYGON_OFFSET_LINE),
    ONE(GL_POLYGON_OFFSET_POINT),
    ONE(GL_POLYGON_SMOOTH),
    ONE(GL_PRIMITIVE_RESTART),
    ONE(GL_PRIMITIVE_RESTART_FIXED_INDEX),
    ONE(GL_RASTERIZER_DISCARD),
    ONE(GL_SAMPLE_ALPHA_TO_COVERAGE),
    ONE(GL_SAMPLE_ALPHA_TO_ONE),
    ONE(GL_SAMPLE_COVERAGE),
    ONE(GL_SAMPLE_SHADING),
    ONE(GL_SAMPLE_MASK),
    ONE(GL_SCISSOR_TEST),
    ONE(GL_STENCIL_TEST),
    ONE(GL_TEXTURE_CUBE_MAP_SEAMLESS),
    ONE(GL_PROGRAM_POINT_SIZE),
    ONE(GL_CLIP_DISTANCE0),
    ONE(GL_CLIP_DISTANCE1),
};

static const struct known plain[] = {
    ONE(GL_ACTIVE_TEXTURE),
    ONE(GL_ARRAY_BUFFER_BINDING),
    ONE(GL_ATOMIC_COUNTER_BUFFER_BINDING),
    ONE(GL_COPY_READ_BUFFER_BINDING),
    ONE(GL_COPY_WRITE_BUFFER_BINDING),
    ONE(GL_DISPATCH_INDIRECT_BUFFER_BINDING),
    ONE(GL_DRAW_INDIRECT_BUFFER_BINDING),
    ONE(GL_PIXEL_PACK_BUFFER_BINDING),
    ONE(GL_PIXEL_UNPACK_BUFFER_BINDING),
    ONE(GL_QUERY_BUFFER_BINDING),
    ONE(GL_SHADER_STORAGE_BUFFER_BINDING),
    ONE(GL_TEXTURE_BUFFER),
    ONE(GL_TRANSFORM_FEEDBACK_BUFFER_BINDING),
    ONE(GL_UNIFORM_BUFFER_BINDING),
    ONE(GL_TRANSFORM_FEEDBACK_BINDING),
    ONE(GL_CURRENT_PROGRAM),
    ONE(GL_PROGRAM_PIPELINE_BINDING),
    ONE(GL_VERTEX_ARRAY_BINDING),
    ONE(GL_READ_FRAMEBUFFER_BINDING),
    ONE(GL_DRAW_FRAMEBUFFER_BINDING),
    ONE(GL_RENDERBUFFER_BINDING),
    ONE(GL_BLEND_SRC_RGB),
    ONE(GL_BLEND_DST_RGB),
    ONE(GL_BLEND_SRC_ALPHA),
    ONE(GL_BLEND_DST_ALPHA),
    ONE(GL_BLEND_EQUATION_RGB),
    ONE(GL_BLEND_EQUATION_ALPHA),
    SOME(GL_BLEND_COLOR, 4),
    ONE(GL_LOGIC_OP_MODE),
    SOME(GL_COLOR_CLEAR_VALUE, 4),
    SOME(GL_COLOR_WRITEMASK, 4),
    ONE(GL_DEPTH_CLEAR_VALUE),
    ONE(GL_DEPTH_FUNC),
    ONE(GL_DEPTH_WRITEMASK),
    SOME(GL_DEPTH_RANGE, 2),
    ONE(GL_CLIP_ORIGIN),
    ONE(GL_CLIP_DEPTH_MODE),
    ONE(GL_CULL_FACE_MODE),
    ONE(GL_FRONT_FACE),
    SOME(GL_VIEWPORT, 4),
    SOME(GL_SCISSOR_BOX, 4),
    ONE(GL_STENCIL_CLEAR_VALUE),
    ONE(GL_STENCIL_FUNC),
    ONE(GL_STENCIL_REF),
    ONE(GL_STENCIL_VALUE_MASK),
    ONE(GL_STENCIL_WRITEMASK),
    ONE(GL_STENCIL_FAIL),
    ONE(GL_STENCIL_PASS_DEPTH_FAIL),
    ONE(GL_STENCIL_PASS_DEPTH_PASS),
    ONE(GL_STENCIL_BACK_FUNC),
    ONE(GL_STENCIL_BACK_REF),
    ONE(GL_STENCIL_BACK_VALUE_MASK),
    ONE(GL_STENCIL_BACK_WRITEMASK),
    ONE(GL_LINE_WIDTH),
    ONE(GL_POINT_SIZE),
    ONE(GL_POINT_FADE_THRESHOLD_SIZE),
    ONE(GL_POINT_SPRITE_COORD_ORIGIN),
    ONE(GL_POLYGON_MODE),
    ONE(GL_POLYGON_OFFSET_FACTOR),
    ONE(GL_POLYGON_OFFSET_UNITS),
    ONE(GL_PATCH_VERTICES),
    ONE(GL_PRIMITIVE_RESTART_INDEX),
    ONE(GL_PROVOKING_VERTEX),
    ONE(GL_SAMPLE_COVERAGE_VALUE),
    ONE(GL_SAMPLE_COVERAGE_INVERT),
    ONE(GL_MIN_SAMPLE_SHADING_VALUE),
    ONE(GL_PACK_ALIGNMENT),
    ONE(GL_PACK_IMAGE_HEIGHT),
    ONE(GL_PACK_LSB_FIRST),
    ONE(GL_PACK_ROW_LENGTH),
    ONE(GL_PACK_SKIP_IMAGES),
    ONE(GL_PACK_SKIP_PIXELS),
    ONE(GL_PACK_SKIP_ROWS),
    ONE(GL_PACK_SWAP_BYTES),
    ONE(GL_UNPACK_ALIGNMENT),
    ONE(GL_UNPACK_IMAGE_HEIGHT),
    ONE(GL_UNPACK_LSB_FIRST),
    ONE(GL_UNPACK_ROW_LENGTH),
    ONE(GL_UNPACK_SKIP_IMAGES),
    ONE(GL_UNPACK_SKIP_PIXELS),
    ONE(GL_UNPACK_SKIP_ROWS),
    ONE(GL_UNPACK_SWAP_BYTES),
};

static const struct known of_a_unit[] = {
    ONE(GL_TEXTURE_BINDING_1D),
    ONE(GL_TEXTURE_BINDING_1D_ARRAY),
    ONE(GL_TEXTURE_BINDING_2D),
    ONE(GL_TEXTURE_BINDING_2D_ARRAY),
    ONE(GL_TEXTURE_BINDING_2D_MULTISAMPLE),
    ONE(GL_TEXTURE_BINDING_3D),
    ONE(GL_TEXTURE_BINDING_BUFFER),
    ONE(GL_TEXTURE_BINDING_CUBE_MAP),
    ONE(GL_TEXTURE_BINDING_RECTANGLE),
    ONE(GL_SAMPLER_BINDING),
};

static const struct known numbered[] = {
    ONE(GL_SHADER_STORAGE_BUFFER_BINDING),
    ONE(GL_SHADER_STORAGE_BUFFER_START),
    ONE(GL_SHADER_STORAGE_BUFFER_SIZE),
    ONE(GL_UNIFORM_BUFFER_BINDING),
    ONE(GL_UNIFORM_BUFFER_START),
    ONE(GL_UNIFORM_BUFFER_SIZE),
    ONE(GL_IMAGE_BINDING_NAME),
    ONE(GL_IMAGE_BINDING_LEVEL),
    ONE(GL_IMAGE_BINDING_LAYERED),
    ONE(GL_IMAGE_BINDING_LAYER),
    ONE(GL_IMAGE_BINDING_ACCESS),
    ONE(GL_IMAGE_BINDING_FORMAT),
};

static const struct known queries[] = {
    ONE(GL_SAMPLES_PASSED),
    ONE(GL_ANY_SAMPLES_PASSED),
    ONE(GL_TIME_ELAPSED),
    ONE(GL_PRIMITIVES_GENERATED),
};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

struct gl_state {
    void *context;
    unsigned count;
    struct value {
        const char *name;
        int unit;    /* of what is there more than once; -1 */
        int element; /* of what has several values; -1 */
        double value;
    } values[VALUES_MOST];
};

static void put(struct gl_state *state, const char *name, int unit, int element, double value)
{
    CHECK(state->count < VALUES_MOST);
    state->values[state->count++] = (struct value){name, unit, element, value};
}

static void read_units(struct gl_state *state)
{
    GLint active, value;
    glGetIntegerv(GL_ACTIVE_TEXTURE, &active);
    for (int unit = 0; unit < UNITS; unit++) {
        glActiveTexture(GL_TEXTURE0 + (GLenum)unit);
        for (size_t i = 0; i < COUNT(of_a_unit); i++) {
            glGetIntegerv(of_a_unit[i].name, &value);
            put(state, of_a_unit[i].text, unit, -1, value);
        }
    }
    glActiveTexture((GLenum)active);
}

struct gl_state *gl_state_read(void)
{
    struct gl_state *state = xcalloc(1, sizeof *state);
    state->context = eglGetCurrentContext();
    if (!state->context)
        return state;
    for (size_t i = 0; i < COUNT(enables); i++)
        put(state, enables[i].text, -1, -1, glIsEnabled(enables[i].name));
    for (size_t i = 0; i < COUNT(plain); i++) {
        GLdouble values[4] = {0};
        glGetDoublev(plain[i].name, values);
        for (int k = 0; k < plain[i].count; k++)
            put(state, plain[i].text, -1, plain[i].count > 1 ? k : -1, values[k]);
    }
    read_units(state);
    for (size_t i = 0; i < COUNT(numbered); i++)
        for (int unit = 0; unit < BINDINGS; unit++) {
            GLint64 value = 0;
            glGetInteger64i_v(numbered[i].name, (GLuint)unit, &value);
            put(state, numbered[i].text, unit, -1, (double)value);
        }
    for (size_t i = 0; i < COUNT(queries); i++) {
        GLint value = 0;
        glGetQueryiv(queries[i].name, GL_CURRENT_QUERY, &value);
        put(state, queries[i].text, -1, -1, value);
    }
    while (glGetError() != GL_NO_ERROR) { /* a limit below ours */
    }
    return state;
}

bool gl_state_same(const struct gl_state *before, const struct gl_state *after, char *text,
                   size_t room)
{
    if (before->context != after->context) {
        snprintf(text, room, "another OpenGL context is current than before");
        return false;
    }
    for (unsigned i = 0; i < before->count; i++) {
        const struct value *was = &before->values[i], *is = &after->values[i];
        if (was->value == is->value)
            continue;
        char where[32] = "";
        if (was->unit >= 0)
            snprintf(where, sizeof where, " of unit %d", was->unit);
        else if (was->element >= 0)
            snprintf(where, sizeof where, "[%d]", was->element);
        snprintf(text, room, "%s%s was %.15g and is %.15g", was->name, where, was->value,
                 is->value);
        return false;
    }
    return true;
}

/* ---- a state that nobody expects ---- */

struct gl_unusual {
    GLuint textures[3], sampler, buffers[5], vertex_array, framebuffer, picture, renderbuffer;
};

static const GLenum buffer_points[] = {GL_ARRAY_BUFFER, GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER,
                                       GL_PIXEL_UNPACK_BUFFER, GL_PIXEL_PACK_BUFFER};

static void set_pixel_store(bool unusual)
{
    static const GLenum ways[] = {
        GL_PACK_ALIGNMENT,   GL_PACK_ROW_LENGTH,   GL_PACK_SKIP_ROWS,      GL_PACK_SKIP_PIXELS,
        GL_UNPACK_ALIGNMENT, GL_UNPACK_ROW_LENGTH, GL_UNPACK_IMAGE_HEIGHT, GL_UNPACK_SKIP_PIXELS,
        GL_UNPACK_SKIP_ROWS, GL_UNPACK_SKIP_IMAGES};
    static const GLint odd[] = {8, 77, 3, 5, 2, 99, 55, 7, 9, 1};
    for (size_t i = 0; i < COUNT(ways); i++)
        glPixelStorei(ways[i], unusual ? odd[i]
                               : ways[i] == GL_PACK_ALIGNMENT || ways[i] == GL_UNPACK_ALIGNMENT
                                   ? 4
                                   : 0);
}

static void set_drawing(bool unusual)
{
    GLboolean on = !unusual;
    if (unusual) {
        glEnable(GL_CULL_FACE);
        glEnable(GL_STENCIL_TEST);
        glViewport(1, 2, 30, 40);
        glClearColor(1, 0, 1, 0);
        glBlendFuncSeparate(GL_ONE, GL_ONE, GL_ZERO, GL_ONE);
    } else {
        glDisable(GL_CULL_FACE);
        glDisable(GL_STENCIL_TEST);
        glViewport(0, 0, 64, 64);
        glClearColor(0, 0, 0, 0);
        glBlendFunc(GL_ONE, GL_ZERO);
    }
    glFrontFace(unusual ? GL_CW : GL_CCW);
    glDepthFunc(unusual ? GL_GREATER : GL_LESS);
    glDepthMask(on);
    glColorMask(GL_TRUE, on, GL_TRUE, on);
    glClearDepth(unusual ? 0.25 : 1);
    glBlendEquation(unusual ? GL_MAX : GL_FUNC_ADD);
}

struct gl_unusual *gl_unusual_begin(void)
{
    struct gl_unusual *self = xcalloc(1, sizeof *self);
    static const GLenum kinds[3] = {GL_TEXTURE_1D, GL_TEXTURE_2D, GL_TEXTURE_3D};
    for (int i = 0; i < 3; i++) {
        glCreateTextures(kinds[i], 1, &self->textures[i]);
        glBindTextureUnit((GLuint)i, self->textures[i]);
    }
    glCreateSamplers(1, &self->sampler);
    glBindSampler(0, self->sampler);
    glBindSampler(3, self->sampler);
    glCreateBuffers(5, self->buffers);
    for (int i = 0; i < 5; i++) {
        glNamedBufferStorage(self->buffers[i], 4096, NULL, 0);
        glBindBuffer(buffer_points[i], self->buffers[i]);
    }
    glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, self->buffers[0]);
    glBindBufferRange(GL_SHADER_STORAGE_BUFFER, 1, self->buffers[1], 256, 512);
    glBindBufferBase(GL_UNIFORM_BUFFER, 0, self->buffers[2]);
    glCreateVertexArrays(1, &self->vertex_array);
    glBindVertexArray(self->vertex_array);
    glCreateFramebuffers(1, &self->framebuffer);
    glBindFramebuffer(GL_FRAMEBUFFER, self->framebuffer);
    glCreateRenderbuffers(1, &self->renderbuffer);
    glBindRenderbuffer(GL_RENDERBUFFER, self->renderbuffer);
    glCreateTextures(GL_TEXTURE_2D, 1, &self->picture);
    glTextureStorage2D(self->picture, 2, GL_R32UI, 8, 8);
    for (GLuint i = 0; i < 3; i++)
        glBindImageTexture(i, self->picture, 1, GL_FALSE, 0, GL_READ_ONLY, GL_R32UI);
    glActiveTexture(GL_TEXTURE3);
    set_pixel_store(true);
    set_drawing(true);
    return self;
}

void gl_unusual_end(struct gl_unusual *self)
{
    set_pixel_store(false);
    set_drawing(false);
    glActiveTexture(GL_TEXTURE0);
    glBindFramebuffer(GL_FRAMEBUFFER, 0);
    glBindRenderbuffer(GL_RENDERBUFFER, 0);
    glBindVertexArray(0);
    for (GLuint i = 0; i < 3; i++)
        glBindImageTexture(i, 0, 0, GL_FALSE, 0, GL_READ_ONLY, GL_R32UI);
    for (int i = 0; i < 5; i++)
        glBindBuffer(buffer_points[i], 0);
    glDeleteTextures(3, self->textures); /* which unbinds */
    glDeleteTextures(1, &self->picture);
    glDeleteSamplers(1, &self->sampler);
    glDeleteBuffers(5, self->buffers);
    glDeleteVertexArrays(1, &self->vertex_array);
    glDeleteFramebuffers(1, &self->framebuffer);
    glDeleteRenderbuffers(1, &self->renderbuffer);
    free(self);
}

/* ---- objects ---- */

/* A glIs… per kind: names are small numbers in every driver. */
static GLboolean there(unsigned kind, GLuint name)
{
    switch (kind) {
    case 0:
        return glIsTexture(name);
    case 1:
        return glIsBuffer(name);
    case 2:
        return glIsFramebuffer(name);
    case 3:
        return glIsRenderbuffer(name);
    case 4:
        return glIsProgram(name);
    case 5:
        return glIsShader(name);
    case 6:
        return glIsSampler(name);
    case 7:
        return glIsVertexArray(name);
    case 8:
        return glIsQuery(name);
    default:
        return glIsProgramPipeline(name);
    }
}

const char *gl_objects_name(unsigned kind)
{
    static const char *const names[GL_KINDS] = {
        "textures", "buffers",  "framebuffers",  "renderbuffers", "programs",
        "shaders",  "samplers", "vertex arrays", "queries",       "program pipelines",
    };
    return names[kind];
}

void gl_objects_count(struct gl_objects *objects)
{
    enum { NAMES = 8192 };
    for (unsigned kind = 0; kind < GL_KINDS; kind++) {
        objects->counts[kind] = 0;
        for (GLuint name = 1; name <= NAMES; name++)
            objects->counts[kind] += there(kind, name) != 0;
    }
}
