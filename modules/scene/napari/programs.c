/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "napari.h"
#include "shaders.h"

static GLuint compile(struct scene *scene, GLenum stage, const char *defines, const char *common,
                      const char *body)
{
    const char *sources[] = {"#version 450 core\n", defines, common, body};
    GLuint shader = glCreateShader(stage);
    glShaderSource(shader, 4, sources, NULL);
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

static GLuint build(struct scene *scene, uint32_t key)
{
    char defines[256];
    snprintf(defines, sizeof defines, "%s%s%s%s%s%s#define MODE %u\n",
             key & PROGRAM_GAMMA ? "#define GAMMA\n" : "",
             key & PROGRAM_ENDS ? "#define ENDS\n" : "", key & PROGRAM_NANS ? "#define NANS\n" : "",
             key & PROGRAM_MIXED ? "#define MIXED\n" : "",
             key & PROGRAM_PLANE ? "#define PLANE\n" : "",
             key & PROGRAM_BRICKS ? "#define BRICKS\n" : "", key >> PROGRAM_MODE_SHIFT);
    const char *vertex_body = image_vert, *fragment_body = image_frag, *common = common_glsl;
    if (key & PROGRAM_VOLUME) {
        vertex_body = volume_vert;
        fragment_body = volume_frag;
    } else if (key & PROGRAM_UPSCALE) {
        vertex_body = upscale_vert;
        fragment_body = upscale_frag;
        common = "";
    }
    GLuint vertex = compile(scene, GL_VERTEX_SHADER, defines, "", vertex_body);
    GLuint fragment =
        vertex ? compile(scene, GL_FRAGMENT_SHADER, defines, common, fragment_body) : 0;
    GLuint program = 0;
    if (fragment) {
        program = glCreateProgram();
        glAttachShader(program, vertex);
        glAttachShader(program, fragment);
        glLinkProgram(program);
        GLint done = 0;
        glGetProgramiv(program, GL_LINK_STATUS, &done);
        if (!done) {
            char log[512] = "";
            glGetProgramInfoLog(program, sizeof log, NULL, log);
            scene_fail(scene, ORIEL_FATAL, "a shader program does not link: %s", log);
            glDeleteProgram(program);
            program = 0;
        }
    }
    glDeleteShader(vertex);
    glDeleteShader(fragment);
    return program;
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
