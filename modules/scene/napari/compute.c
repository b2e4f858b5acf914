/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures by compute shaders: some GPUs run them many times as fast as fragment shaders. A picture
 * takes one dispatch for each layer; the shader does what clearing, depth test and blending do
 * otherwise (shaders/compose.glsl). */
#include <math.h>
#include <string.h>

#include "napari.h"

oriel_result canvas_begin(struct scene *scene, struct canvas *canvas, const struct pass *pass,
                          GLuint texture, bool deep)
{
    *canvas = (struct canvas){.texture = texture,
                              .area = {0, 0, (int)pass->width, (int)pass->height},
                              .deep = deep,
                              .empty = true};
    if (glIsEnabled(GL_SCISSOR_TEST)) {
        GLint box[4];
        glGetIntegerv(GL_SCISSOR_BOX, box);
        for (int i = 0; i < 2; i++) {
            int end = box[i] + box[2 + i];
            canvas->area[i] = box[i] > 0 ? box[i] : 0;
            canvas->area[2 + i] = end < canvas->area[2 + i] ? end : canvas->area[2 + i];
        }
    }
    glBindImageTexture(IMAGE_PICTURE, texture, 0, GL_FALSE, 0, GL_READ_WRITE, GL_RGBA8);
    if (!deep)
        return ORIEL_OK;
    uint32_t *size = scene->depth_image_size;
    if (size[0] < pass->width || size[1] < pass->height) {
        glDeleteTextures(1, &scene->depth_image);
        size[0] = size[1] = 0;
        while (glGetError() != GL_NO_ERROR) {
        }
        glCreateTextures(GL_TEXTURE_2D, 1, &scene->depth_image);
        glTextureStorage2D(scene->depth_image, 1, GL_R32F, (GLsizei)pass->width,
                           (GLsizei)pass->height);
        if (glGetError() != GL_NO_ERROR)
            return scene_fail(scene, ORIEL_NOMEM, "no room for the depth of %u×%u pixels",
                              pass->width, pass->height);
        size[0] = pass->width;
        size[1] = pass->height;
    }
    glBindImageTexture(IMAGE_DEPTH, scene->depth_image, 0, GL_FALSE, 0, GL_READ_WRITE, GL_R32F);
    return ORIEL_OK;
}

void canvas_end(struct canvas *canvas, const struct pass *pass)
{
    const int *area = canvas->area;
    if (canvas->empty && area[0] < area[2] && area[1] < area[3])
        glClearTexSubImage(canvas->texture, 0, area[0], area[1], 0, area[2] - area[0],
                           area[3] - area[1], 1, GL_RGBA, GL_FLOAT, pass->background);
    glMemoryBarrier(GL_FRAMEBUFFER_BARRIER_BIT | GL_TEXTURE_FETCH_BARRIER_BIT |
                    GL_SHADER_IMAGE_ACCESS_BARRIER_BIT | GL_TEXTURE_UPDATE_BARRIER_BIT |
                    GL_PIXEL_BUFFER_BARRIER_BIT);
}

static void to_clip(const double m[16], const double p[3], double out[4])
{
    for (int r = 0; r < 4; r++)
        out[r] = m[r] * p[0] + m[4 + r] * p[1] + m[8 + r] * p[2] + m[12 + r];
}

/* Takes from an area what the volume's box does not cover. */
static void cut(int area[4], const struct pass *pass, const struct slab *slab, const double m[16])
{
    const double size[2] = {pass->width, pass->height};
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (unsigned corner = 0; corner < 8; corner++) {
        double p[3], clip[4];
        for (unsigned i = 0; i < 3; i++)
            p[i] = (corner >> i & 1 ? slab->shape[i] : 0.0) - 0.5;
        to_clip(m, p, clip);
        if (!(clip[3] > 0.0 && clip[2] >= -clip[3]))
            return; /* the near plane cuts the box */
        for (int i = 0; i < 2; i++) {
            double at = (clip[i] / clip[3] * 0.5 + 0.5) * size[i];
            low[i] = fmin(low[i], at);
            high[i] = fmax(high[i], at);
        }
    }
    for (int i = 0; i < 2; i++) { /* one pixel more: rounding */
        area[i] = (int)fmax(area[i], fmin(floor(low[i]) - 1.0, size[i]));
        area[2 + i] = (int)fmin(area[2 + i], fmax(ceil(high[i]) + 1.0, 0.0));
    }
}

/* Rays are given by points near the box, where a float is most exact: those of one depth, that of
 * the box' middle, or when the eye is beside or in the box, one in front of the eye. */
static void set_ray(const struct pass *pass, const struct slab *slab, const double m[16],
                    const double inverse[16], GLuint program)
{
    double middle[3], clip[4], reach = 0.0, length = 0.0;
    for (int i = 0; i < 3; i++) {
        middle[i] = 0.5 * slab->shape[i] - 0.5;
        reach += fabs(m[4 * i + 3]) * 0.5 * slab->shape[i];
        length += inverse[8 + i] * inverse[8 + i];
    }
    to_clip(m, middle, clip);
    double depth = clip[2] / clip[3];
    if (fabs(inverse[11]) > 1e-12 * sqrt(length))
        depth = (1.0 / fmax(clip[3], reach) - inverse[15]) / inverse[11];
    const double scale[3] = {1.0 / pass->width, 1.0 / pass->height, 1.0};
    double w = inverse[15] + depth * inverse[11];
    float ray[12];
    for (int r = 0; r < 4; r++) {
        const double column[3] = {inverse[r], inverse[4 + r],
                                  inverse[12 + r] + depth * inverse[8 + r]};
        for (int c = 0; c < 3; c++)
            ray[4 * c + r] = (float)(column[c] * scale[c] / w);
    }
    glProgramUniformMatrix3x4fv(program, 24, 1, GL_FALSE, ray);
}

static void dispatch(const struct scene *scene, const struct pass *pass, const int area[4],
                     GLuint program)
{
    struct canvas *canvas = pass->canvas;
    const struct blend *blend = &canvas->blend;
    if (area[0] >= area[2] || area[1] >= area[3])
        return;
    glProgramUniform4i(program, 22, area[0], area[1], area[2], area[3]);
    glProgramUniform4ui(program, 25, blend->source, blend->destination, blend->destination_alpha,
                        blend->equation);
    float below[4]; /* as the texture would keep it */
    for (int i = 0; i < 4; i++)
        below[i] = roundf(fminf(fmaxf(pass->background[i], 0.0f), 1.0f) * 255.0f) / 255.0f;
    glProgramUniform4fv(program, 26, 1, below);
    glProgramUniform1i(program, 27, canvas->empty);
    glUseProgram(program);
    glMemoryBarrier(GL_SHADER_IMAGE_ACCESS_BARRIER_BIT);
    glDispatchCompute(((GLuint)(area[2] - area[0]) + scene->group[0] - 1) / scene->group[0],
                      ((GLuint)(area[3] - area[1]) + scene->group[1] - 1) / scene->group[1], 1);
    canvas->empty = false;
}

void canvas_cast(const struct scene *scene, const struct pass *pass, const struct slab *slab,
                 const double voxel_to_clip[16], const double inverse[16], GLuint program)
{
    struct canvas *canvas = pass->canvas;
    int area[4];
    memcpy(area, canvas->area, sizeof area);
    if (!canvas->empty)
        cut(area, pass, slab, voxel_to_clip);
    set_ray(pass, slab, voxel_to_clip, inverse, program);
    glProgramUniform2i(program, 23, (GLint)pass->width, (GLint)pass->height);
    glProgramUniform1i(program, 28, canvas->blend.tested);
    float steps = scene->depth_format == GL_DEPTH_COMPONENT24 ? 16777215.0f : 65535.0f;
    glProgramUniform1f(program, 29, canvas->deep ? steps : 0.0f);
    dispatch(scene, pass, area, program);
}

void canvas_paint(const struct scene *scene, const struct pass *pass, const double low[2],
                  const double high[2], GLuint program)
{
    const struct canvas *canvas = pass->canvas;
    int area[4];
    memcpy(area, canvas->area, sizeof area);
    for (int i = 0; i < 2 && !canvas->empty; i++) {
        area[i] = (int)fmax(area[i], fmin(floor(low[i]), area[2 + i]));
        area[2 + i] = (int)fmin(area[2 + i], fmax(ceil(high[i]), area[i]));
    }
    dispatch(scene, pass, area, program);
}
