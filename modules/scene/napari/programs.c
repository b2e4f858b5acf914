/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "napari.h"
#include "shaders.h"

#define MAX_PARTS 4

/* The parts, in order, NULL ends them before. */
static GLuint compile(struct scene *scene, GLenum stage, const char *defines,
                      const char *const parts[MAX_PARTS])
{
    const char *sources[2 + MAX_PARTS] = {"#version 450 core\n", defines};
    GLsizei count = 2;
    for (int i = 0; i < MAX_PARTS && parts[i]; i++)
        sources[count++] = parts[i];
    GLuint shader = glCreateShader(stage);
    glShaderSource(shader, count, sources, NULL);
    glCompileShader(shader);
    GLint done = 0;
    glGetShaderiv(shader, GL_COMPILE_STATUS, &done);
    if (!done) {
        char log[512] = "";
        glGetShaderInfoLog(shader, sizeof log, NULL, log);
        scene_fail(scene, ORIEL_FATAL, "a shader does not compile: %s", log);
        glDeleteShader(shader);
        return 0;
    }
    return shader;
}

/* Links; the shaders are gone afterwards. */
static GLuint link_program(struct scene *scene, GLuint first, GLuint second)
{
    GLuint program = glCreateProgram();
    glAttachShader(program, first);
    if (second)
        glAttachShader(program, second);
    glLinkProgram(program);
    glDeleteShader(first);
    glDeleteShader(second);
    GLint done = 0;
    glGetProgramiv(program, GL_LINK_STATUS, &done);
    if (!done) {
        char log[512] = "";
        glGetProgramInfoLog(program, sizeof log, NULL, log);
        scene_fail(scene, ORIEL_FATAL, "a shader program does not link: %s", log);
        glDeleteProgram(program);
        program = 0;
    }
    return program;
}

static GLuint build(struct scene *scene, uint32_t key)
{
    char defines[256];
    snprintf(defines, sizeof defines,
             "%s%s%s%s%s%s%s#define MODE %u\n#define GROUP_X %u\n#define GROUP_Y %u\n",
             key & PROGRAM_GAMMA ? "#define GAMMA\n" : "",
             key & PROGRAM_ENDS ? "#define ENDS\n" : "", key & PROGRAM_NANS ? "#define NANS\n" : "",
             key & PROGRAM_MIXED ? "#define MIXED\n" : "",
             key & PROGRAM_PLANE ? "#define PLANE\n" : "",
             key & PROGRAM_BRICKS ? "#define BRICKS\n" : "",
             key & PROGRAM_COMPUTE ? "#define COMPUTE\n" : "", key >> PROGRAM_MODE_SHIFT,
             scene->group[0], scene->group[1]);
    bool volume = key & PROGRAM_VOLUME;
    const char *layer = volume ? march_glsl : image_glsl;
    if (key & PROGRAM_COMPUTE) {
        const char *const parts[] = {common_glsl, layer, compose_glsl,
                                     volume ? volume_comp : image_comp};
        GLuint shader = compile(scene, GL_COMPUTE_SHADER, defines, parts);
        return shader ? link_program(scene, shader, 0) : 0;
    }
    bool upscale = key & PROGRAM_UPSCALE;
    const char *const upscaled[MAX_PARTS] = {upscale_frag};
    const char *const vertex_parts[MAX_PARTS] = {upscale  ? upscale_vert
                                                 : volume ? volume_vert
                                                          : image_vert};
    const char *const layer_parts[MAX_PARTS] = {common_glsl, layer,
                                                volume ? volume_frag : image_frag};
    GLuint vertex = compile(scene, GL_VERTEX_SHADER, defines, vertex_parts);
    GLuint fragment =
        vertex ? compile(scene, GL_FRAGMENT_SHADER, defines, upscale ? upscaled : layer_parts) : 0;
    if (fragment)
        return link_program(scene, vertex, fragment);
    glDeleteShader(vertex);
    return 0;
}

GLuint program_get(struct scene *scene, uint32_t key)
{
    for (uint32_t i = 0; i < scene->program_count; i++)
        if (scene->programs[i].key == key)
            return scene->programs[i].name;
    struct program *programs =
        realloc(scene->programs, (scene->program_count + 1) * sizeof *programs);
    if (!programs) {
        scene_fail(scene, ORIEL_NOMEM, "out of memory");
        return 0;
    }
    scene->programs = programs;
    GLuint name = build(scene, key);
    if (name)
        programs[scene->program_count++] = (struct program){key, name};
    return name;
}

void programs_destroy(struct scene *scene)
{
    for (uint32_t i = 0; i < scene->program_count; i++)
        glDeleteProgram(scene->programs[i].name);
    free(scene->programs);
}
