/* SPDX-License-Identifier: BSD-3-Clause */
/* What a GPU does with whole volumes by compute shaders: it finds the bounds of bricks, and it
 * makes them empty, which glClearTexImage does with fragment shaders: on some GPUs that is slower
 * than to fill them with data. */
#include <stdio.h>

#include "napari.h"
#include "shaders.h"

static GLuint log_failure(const struct scene *scene, const char *why)
{
    char text[640];
    snprintf(text, sizeof text, "a compute shader for whole volumes does not work: %s", why);
    scene->host->log(scene->host, ORIEL_LOG_WARN, text);
    return 0;
}

static GLuint build(const struct scene *scene, const char *body)
{
    const char *sources[] = {"#version 450 core\n", body};
    char log[512] = "";
    GLint done = 0;
    GLuint shader = glCreateShader(GL_COMPUTE_SHADER);
    glShaderSource(shader, 2, sources, NULL);
    glCompileShader(shader);
    glGetShaderiv(shader, GL_COMPILE_STATUS, &done);
    if (!done) {
        glGetShaderInfoLog(shader, sizeof log, NULL, log);
        glDeleteShader(shader);
        return log_failure(scene, log);
    }
    GLuint program = glCreateProgram();
    glAttachShader(program, shader);
    glLinkProgram(program);
    glDeleteShader(shader);
    glGetProgramiv(program, GL_LINK_STATUS, &done);
    if (!done) {
        glGetProgramInfoLog(program, sizeof log, NULL, log);
        glDeleteProgram(program);
        return log_failure(scene, log);
    }
    return program;
}

void bounds_create(struct scene *scene)
{
    scene->bounds_program = build(scene, bounds_comp);
    scene->zero_program = build(scene, zero_comp);
}

void bounds_destroy(struct scene *scene)
{
    glDeleteProgram(scene->bounds_program);
    glDeleteProgram(scene->zero_program);
}

void volume_zero(const struct scene *scene, GLuint volume, uint32_t dtype, const uint32_t shape[3])
{
    if (!scene->zero_program) {
        GLenum type = dtype == ORIEL_U8    ? GL_UNSIGNED_BYTE
                      : dtype == ORIEL_U16 ? GL_UNSIGNED_SHORT
                                           : GL_FLOAT;
        glClearTexImage(volume, 0, GL_RED, type, NULL);
        return;
    }
    struct gl_state state;
    gl_state_save(&state, true);
    GLenum bits = dtype == ORIEL_U8 ? GL_R8UI : dtype == ORIEL_U16 ? GL_R16UI : GL_R32UI;
    glBindImageTexture(IMAGE_BOUNDS, volume, 0, GL_TRUE, 0, GL_WRITE_ONLY, bits);
    glUseProgram(scene->zero_program);
    glDispatchCompute((shape[0] + 31) / 32, (shape[1] + 3) / 4, (shape[2] + 1) / 2);
    glMemoryBarrier(GL_TEXTURE_FETCH_BARRIER_BIT | GL_TEXTURE_UPDATE_BARRIER_BIT);
    gl_state_restore(&state);
}

void bounds_find(const struct scene *scene, GLuint volume, uint32_t dtype, const uint32_t shape[3],
                 GLuint bounds, const uint32_t count[3])
{
    GLuint program = scene->bounds_program;
    GLenum bits = dtype == ORIEL_U8 ? GL_RG8UI : dtype == ORIEL_U16 ? GL_RG16UI : GL_RG32UI;
    glProgramUniform3i(program, 0, (GLint)shape[0], (GLint)shape[1], (GLint)shape[2]);
    glProgramUniform1f(program, 1, dtype == ORIEL_F32 ? 0.0f : (float)value_unit(dtype));
    glBindTextureUnit(UNIT_BASE, volume);
    glBindSampler(UNIT_BASE, scene->nearest);
    glBindImageTexture(IMAGE_BOUNDS, bounds, 0, GL_TRUE, 0, GL_WRITE_ONLY, bits);
    glUseProgram(program);
    glDispatchCompute(count[0], count[1], count[2]);
    glMemoryBarrier(GL_TEXTURE_FETCH_BARRIER_BIT);
}
