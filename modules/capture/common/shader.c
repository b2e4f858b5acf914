/* SPDX-License-Identifier: BSD-3-Clause */
#include "shader.h"

#include <stdio.h>

/* One invocation makes 8 × 2 pixels: whole words of every plane of every format. */
static const char source_text[] =
    "layout(local_size_x = 8, local_size_y = 8) in;\n"
    "layout(binding = 0) uniform sampler2D source;\n"
    "layout(std430, binding = 0) writeonly restrict buffer Planes { uint words[]; };\n"
    "uniform ivec2 size;\n"
    "uniform ivec3 plane;  // first word\n"
    "uniform ivec3 stride; // words\n"
    "uniform ivec4 wy, wu, wv; // r, g, b, offset\n"
    "uniform int most;\n"
    "uniform bool top_down;\n"
    "\n"
    "vec4 fetch(int x, int y)\n"
    "{\n"
    "    ivec2 at = min(ivec2(x, y), size - 1);\n"
    "    return texelFetch(source, top_down ? ivec2(at.x, size.y - 1 - at.y) : at, 0);\n"
    "}\n"
    "#ifdef RGBA\n"
    "uint pixel(int x, int y)\n"
    "{\n"
    "    return packUnorm4x8(fetch(x, y));\n"
    "}\n"
    "#define PIXEL uint\n"
    "#else\n"
    "ivec3 pixel(int x, int y)\n"
    "{\n"
    "    return ivec3(fetch(x, y).rgb * 255.0 + 0.5);\n"
    "}\n"
    "#define PIXEL ivec3\n"
    "#endif\n"
    "uint value(ivec3 p, ivec4 w, int shift)\n"
    "{\n"
    "    return uint(min((p.r * w.r + p.g * w.g + p.b * w.b + w.a) >> shift, most));\n"
    "}\n"
    "uint word(uint a, uint b, uint c, uint d)\n"
    "{\n"
    "    return a | b << 8 | c << 16 | d << 24;\n"
    "}\n"
    "#ifdef P010\n"
    "uint two(uint a, uint b)\n"
    "{\n"
    "    return a << 6 | b << 22;\n"
    "}\n"
    "void full_row(int k, int x, int y, ivec3 p[8], ivec4 w)\n"
    "{\n"
    "    int at = plane[k] + y * stride[k] + x / 2;\n"
    "    for (int i = 0; i < 4; i++)\n"
    "        words[at + i] = two(value(p[2 * i], w, SHIFT), value(p[2 * i + 1], w, SHIFT));\n"
    "}\n"
    "#else\n"
    "uint four(ivec3 p[8], int from, ivec4 w)\n"
    "{\n"
    "    return word(value(p[from], w, SHIFT), value(p[from + 1], w, SHIFT),\n"
    "                value(p[from + 2], w, SHIFT), value(p[from + 3], w, SHIFT));\n"
    "}\n"
    "void full_row(int k, int x, int y, ivec3 p[8], ivec4 w)\n"
    "{\n"
    "    int at = plane[k] + y * stride[k] + x / 4;\n"
    "    words[at] = four(p, 0, w);\n"
    "    words[at + 1] = four(p, 4, w);\n"
    "}\n"
    "#endif\n"
    "\n"
    "void main()\n"
    "{\n"
    "    int x = int(gl_GlobalInvocationID.x) * 8, y = int(gl_GlobalInvocationID.y) * 2;\n"
    "    if (x >= size.x || y >= size.y)\n"
    "        return;\n"
    "    PIXEL a[8], b[8];\n"
    "    for (int i = 0; i < 8; i++) {\n"
    "        a[i] = pixel(x + i, y);\n"
    "        b[i] = pixel(x + i, y + 1);\n"
    "    }\n"
    "#ifdef RGBA\n"
    "    for (int i = 0; i < 8 && x + i < size.x; i++) {\n"
    "        words[y * stride[0] + x + i] = a[i];\n"
    "        words[(y + 1) * stride[0] + x + i] = b[i];\n"
    "    }\n"
    "#else\n"
    "    full_row(0, x, y, a, wy);\n"
    "    full_row(0, x, y + 1, b, wy);\n"
    "#endif\n"
    "#ifdef I444\n"
    "    full_row(1, x, y, a, wu);\n"
    "    full_row(1, x, y + 1, b, wu);\n"
    "    full_row(2, x, y, a, wv);\n"
    "    full_row(2, x, y + 1, b, wv);\n"
    "#elif !defined RGBA\n"
    "    uint u[4], v[4];\n"
    "    for (int i = 0; i < 4; i++) {\n"
    "        ivec3 sum = a[2 * i] + a[2 * i + 1] + b[2 * i] + b[2 * i + 1];\n"
    "        u[i] = value(sum, wu, SHIFT + 2);\n"
    "        v[i] = value(sum, wv, SHIFT + 2);\n"
    "    }\n"
    "    int row = y / 2;\n"
    "#if defined P010\n"
    "    int at = plane[1] + row * stride[1] + x / 2;\n"
    "    for (int i = 0; i < 4; i++)\n"
    "        words[at + i] = two(u[i], v[i]);\n"
    "#elif defined NV12\n"
    "    int at = plane[1] + row * stride[1] + x / 4;\n"
    "    words[at] = word(u[0], v[0], u[1], v[1]);\n"
    "    words[at + 1] = word(u[2], v[2], u[3], v[3]);\n"
    "#else\n"
    "    words[plane[1] + row * stride[1] + x / 8] = word(u[0], u[1], u[2], u[3]);\n"
    "    words[plane[2] + row * stride[2] + x / 8] = word(v[0], v[1], v[2], v[3]);\n"
    "#endif\n"
    "#endif\n"
    "}\n";

static void set_weights(GLuint program, const char *name, const struct weights *w)
{
    glProgramUniform4i(program, glGetUniformLocation(program, name), w->r, w->g, w->b, w->offset);
}

bool shader_init(struct shader *self, const struct oriel_format *format,
                 const struct layout *layout, const struct converter *converter, char *error,
                 size_t error_bytes)
{
    char head[128];
    snprintf(head, sizeof(head), "#version 450 core\n#define SHIFT %d\n%s\n", CONVERT_SHIFT,
             format->fourcc == ORIEL_FMT_RGBA   ? "#define RGBA"
             : format->fourcc == ORIEL_FMT_I444 ? "#define I444"
             : format->fourcc == ORIEL_FMT_NV12 ? "#define NV12"
             : format->fourcc == ORIEL_FMT_P010 ? "#define P010"
                                                : "");
    const char *parts[] = {head, source_text};
    GLuint compute = glCreateShader(GL_COMPUTE_SHADER);
    glShaderSource(compute, 2, parts, NULL);
    glCompileShader(compute);
    GLint done = 0;
    glGetShaderiv(compute, GL_COMPILE_STATUS, &done);
    if (!done)
        glGetShaderInfoLog(compute, (GLsizei)error_bytes, NULL, error);
    self->program = glCreateProgram();
    glAttachShader(self->program, compute);
    if (done) {
        glLinkProgram(self->program);
        glGetProgramiv(self->program, GL_LINK_STATUS, &done);
        if (!done)
            glGetProgramInfoLog(self->program, (GLsizei)error_bytes, NULL, error);
    }
    glDeleteShader(compute);
    if (!done)
        return false;

    GLuint p = self->program;
    glProgramUniform2i(p, glGetUniformLocation(p, "size"), (GLint)format->width,
                       (GLint)format->height);
    glProgramUniform3i(p, glGetUniformLocation(p, "plane"), (GLint)layout->offset[0] / 4,
                       (GLint)layout->offset[1] / 4, (GLint)layout->offset[2] / 4);
    glProgramUniform3i(p, glGetUniformLocation(p, "stride"), (GLint)layout->stride[0] / 4,
                       (GLint)layout->stride[1] / 4, (GLint)layout->stride[2] / 4);
    set_weights(p, "wy", &converter->y);
    set_weights(p, "wu", &converter->u);
    set_weights(p, "wv", &converter->v);
    glProgramUniform1i(p, glGetUniformLocation(p, "most"), converter->most);
    glCreateSamplers(1, &self->sampler);
    glSamplerParameteri(self->sampler, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
    glSamplerParameteri(self->sampler, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
    self->groups_x = (format->width + 63) / 64;
    self->groups_y = (format->height + 15) / 16;
    return true;
}

void shader_top_down(const struct shader *self)
{
    glProgramUniform1i(self->program, glGetUniformLocation(self->program, "top_down"), 1);
}

void shader_finish(struct shader *self)
{
    if (self->program)
        glDeleteProgram(self->program);
    if (self->sampler)
        glDeleteSamplers(1, &self->sampler);
}

void shader_run(const struct shader *self, GLuint texture, GLuint buffer)
{
    GLint program, unit, bound_texture, bound_sampler, generic, indexed;
    GLint64 start, size;
    glGetIntegerv(GL_CURRENT_PROGRAM, &program);
    glGetIntegerv(GL_ACTIVE_TEXTURE, &unit);
    glActiveTexture(GL_TEXTURE0);
    glGetIntegerv(GL_TEXTURE_BINDING_2D, &bound_texture);
    glGetIntegerv(GL_SAMPLER_BINDING, &bound_sampler);
    glGetIntegerv(GL_SHADER_STORAGE_BUFFER_BINDING, &generic);
    glGetIntegeri_v(GL_SHADER_STORAGE_BUFFER_BINDING, 0, &indexed);
    glGetInteger64i_v(GL_SHADER_STORAGE_BUFFER_START, 0, &start);
    glGetInteger64i_v(GL_SHADER_STORAGE_BUFFER_SIZE, 0, &size);

    glUseProgram(self->program);
    glBindTexture(GL_TEXTURE_2D, texture);
    glBindSampler(0, self->sampler);
    glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, buffer);
    glDispatchCompute(self->groups_x, self->groups_y, 1);
    glMemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT | GL_PIXEL_BUFFER_BARRIER_BIT);

    if (indexed && size)
        glBindBufferRange(GL_SHADER_STORAGE_BUFFER, 0, (GLuint)indexed, (GLintptr)start,
                          (GLsizeiptr)size);
    else
        glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, (GLuint)indexed);
    glBindBuffer(GL_SHADER_STORAGE_BUFFER, (GLuint)generic);
    glBindSampler(0, (GLuint)bound_sampler);
    glBindTexture(GL_TEXTURE_2D, (GLuint)bound_texture);
    glActiveTexture((GLenum)unit);
    glUseProgram((GLuint)program);
}
