/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounds of bricks found by the GPU, where reading a volume is cheap. */
#include <stdio.h>

#include "napari.h"
#include "shaders.h"

static bool log_failure(const struct scene *scene, const char *why)
{
    char text[640];
    snprintf(text, sizeof text, "the CPU looks for what volumes' rays can leave out: %s", why);
    scene->host->log(scene->host, ORIEL_LOG_WARN, text);
    return false;
}

bool bounds_create(struct scene *scene)
{
    const char *sources[] = {"#version 450 core\n", bounds_comp};
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
    scene->bounds_program = program;
    return true;
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
