/* SPDX-License-Identifier: BSD-3-Clause */
/* One volume: docs/pixels.md, "Volumes". What the ray caster needs, worked out in double. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "napari.h"

#define STEP 0.8 /* voxels between samples */

static void multiply(const double a[16], const double b[16], double out[16])
{
    for (int c = 0; c < 4; c++)
        for (int r = 0; r < 4; r++) {
            double sum = 0.0;
            for (int k = 0; k < 4; k++)
                sum += a[4 * k + r] * b[4 * c + k];
            out[4 * c + r] = sum;
        }
}

/* The determinant of the 3×3 that is left without row `r` and column `c`. */
static double minor(const double m[16], int r, int c)
{
    double s[9];
    int n = 0;
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 4; i++)
            if (i != r && j != c)
                s[n++] = m[4 * j + i];
    /* cppcheck-suppress uninitvar ; nine of the sixteen are always taken */
    return s[0] * (s[4] * s[8] - s[7] * s[5]) - s[3] * (s[1] * s[8] - s[7] * s[2]) +
           s[6] * (s[1] * s[5] - s[4] * s[2]);
}

static double determinant(const double m[16])
{
    double sum = 0.0;
    for (int c = 0; c < 4; c++)
        sum += (c & 1 ? -1.0 : 1.0) * m[4 * c] * minor(m, 0, c);
    return sum;
}

static void invert(const double m[16], double det, double out[16])
{
    for (int c = 0; c < 4; c++)
        for (int r = 0; r < 4; r++)
            out[4 * c + r] = ((r + c) & 1 ? -1.0 : 1.0) * minor(m, c, r) / det;
}

static void voxel_to_clip(const struct slab *slab, const double world_to_clip[16], double out[16])
{
    double local[16] = {0};
    for (int i = 0; i < 3; i++) {
        local[5 * i] = slab->scale[i];
        local[12 + i] = slab->translate[i];
    }
    local[15] = 1.0;
    multiply(world_to_clip, local, out);
}

static void set_vec4(GLuint program, GLint location, const double v[4])
{
    glProgramUniform4f(program, location, (float)v[0], (float)v[1], (float)v[2], (float)v[3]);
}

/* What all rays share: the point they come from, which the inverse matrix maps from (0, 0, 1, 0).
 * It is infinitely far, w 0, without perspective. */
static void set_eye(GLuint program, const double m[16], const double inverse[16])
{
    double eye[4], near[4], length = 0.0;
    memcpy(eye, inverse + 8, sizeof eye);
    for (int i = 0; i < 3; i++)
        length += eye[i] * eye[i];
    length = sqrt(length);
    double scale = fabs(eye[3]) > 1e-12 * length ? 1.0 / eye[3] : -1.0 / length;
    for (int i = 0; i < 3; i++)
        eye[i] *= scale;
    eye[3] = scale == -1.0 / length ? 0.0 : 1.0;
    set_vec4(program, 11, eye);
    for (int i = 0; i < 4; i++)
        near[i] = m[4 * i + 3] + m[4 * i + 2];
    set_vec4(program, 12, near);
}

static void set_plane(const struct scene *scene, const struct layer *layer, const struct slab *slab,
                      GLuint program)
{
    const struct oriel_layer *c = layer->controls;
    const struct oriel_snapshot *s = scene->snapshot;
    float position[3], normal[3];
    double thickness = c->plane_thickness, factor = 1.0;
    for (uint32_t i = 0; i < 3; i++) {
        /* Axes that the layer does not have are not scaled. */
        uint32_t world_axis = i < s->ndim ? s->order[s->ndim - 1 - i] : 0;
        bool has = i < s->ndim && world_axis + c->ndim >= s->ndim;
        uint32_t axis = has ? world_axis + c->ndim - s->ndim : 0;
        double scale = has ? c->scale[axis] : 1.0, translate = has ? c->translate[axis] : 0.0;
        double world = c->plane_position[i] * scale + translate;
        double per_voxel = slab->scale[i] / scale; /* level-0 pixels */
        position[i] = (float)((world - slab->translate[i]) / slab->scale[i]);
        normal[i] = (float)(c->plane_normal[i] * per_voxel);
        factor = fmax(factor, fabs(per_voxel));
    }
    glProgramUniform3fv(program, 17, 1, position);
    glProgramUniform3fv(program, 18, 1, normal);
    glProgramUniform1f(program, 19, (float)fmax(thickness / factor, 1.0));
}

static void set_mode(const struct layer *layer, const struct slab *slab, GLuint program)
{
    const struct oriel_layer *c = layer->controls;
    double unit = value_unit(slab->dtype);
    double low = c->contrast_limits[0], high = c->contrast_limits[1];
    bool cut =
        c->blending == ORIEL_BLEND_TRANSLUCENT || c->blending == ORIEL_BLEND_TRANSLUCENT_NO_DEPTH;
    float cutoff;
    if (c->rendering == ORIEL_RENDER_MINIP)
        cutoff = cut ? (low == high ? INFINITY : (float)(high / unit)) : FLT_MAX;
    else
        cutoff = cut ? (float)(low / unit) : -FLT_MAX;
    double threshold = c->iso_threshold;
    if (slab->dtype != ORIEL_F32) {
        double range = c->contrast_limits_range[1] - c->contrast_limits_range[0];
        threshold = range != 0.0 ? (threshold - c->contrast_limits_range[0]) / range : 0.0;
    }
    glProgramUniform1f(program, 14, cutoff);
    glProgramUniform1f(program, 15, (float)threshold);
    glProgramUniform1f(program, 16, (float)c->attenuation);
}

/* Bricks pay where a few values decide. */
static bool uses_bricks(const struct scene *scene, const struct slab *slab, uint32_t mode,
                        bool plane)
{
    return scene->bricks && slab->bricks && slab->complete && !plane &&
           (mode == ORIEL_RENDER_MIP || mode == ORIEL_RENDER_MINIP ||
            mode == ORIEL_RENDER_ATTENUATED_MIP || mode == ORIEL_RENDER_ISO);
}

static void set_bricks(const struct scene *scene, const struct slab *slab, GLuint program)
{
    float scale[3], texel[3];
    for (int i = 0; i < 3; i++) {
        scale[i] = (float)slab->shape[i] / BRICK_SIDE;
        texel[i] = 1.0f / (float)((slab->shape[i] + BRICK_SIDE - 1) / BRICK_SIDE);
    }
    glProgramUniform3fv(program, 20, 1, scale);
    glProgramUniform3fv(program, 21, 1, texel);
    glBindTextureUnit(UNIT_DETAIL, bricks_texture(scene, slab->bricks));
    glBindSampler(UNIT_DETAIL, scene->nearest);
}

static uint32_t mode_of(const struct oriel_layer *layer)
{
    uint32_t mode = layer->rendering;
    return mode >= ORIEL_RENDER_MIP && mode <= ORIEL_RENDER_ISO ? mode : ORIEL_RENDER_MIP;
}

oriel_result volume_draw(struct scene *scene, struct layer *layer, const struct pass *pass,
                         const struct slab *slab)
{
    double m[16], inverse[16];
    voxel_to_clip(slab, pass->world_to_clip, m);
    double det = determinant(m);
    if (!(fabs(det) > 0.0))
        return ORIEL_OK;
    invert(m, det, inverse);
    bool plane = layer->controls->depiction == ORIEL_DEPICT_PLANE;
    uint32_t mode = mode_of(layer->controls);
    bool bricks = !pass->coarse && uses_bricks(scene, slab, mode, plane);
    uint32_t key = PROGRAM_VOLUME | layer_program_bits(layer->controls) |
                   (plane ? PROGRAM_PLANE : 0u) | (bricks ? PROGRAM_BRICKS : 0u) |
                   (pass->canvas ? PROGRAM_COMPUTE : 0u) | mode << PROGRAM_MODE_SHIFT;
    GLuint program = program_get(scene, key);
    if (!program)
        return ORIEL_FATAL;

    layer_set_uniforms(layer, slab->dtype, program);
    float matrix[16];
    for (int i = 0; i < 16; i++)
        matrix[i] = (float)m[i];
    glProgramUniformMatrix4fv(program, 8, 1, GL_FALSE, matrix);
    glProgramUniform3f(program, 10, (float)slab->shape[0], (float)slab->shape[1],
                       (float)slab->shape[2]);
    set_eye(program, m, inverse);
    glProgramUniform1f(program, 13, (float)(STEP * pass->step));
    set_mode(layer, slab, program);
    if (plane)
        set_plane(scene, layer, slab, program);
    if (bricks)
        set_bricks(scene, slab, program);

    bool nearest = pass->coarse || layer->controls->interpolation_3d == ORIEL_FILTER_NEAREST;
    glBindTextureUnit(UNIT_BASE, slab->texture);
    glBindSampler(UNIT_BASE, nearest ? scene->nearest : scene->linear);
    if (pass->canvas) {
        canvas_cast(scene, pass, slab, m, inverse, program);
        return ORIEL_OK;
    }
    glUseProgram(program);
    glEnable(GL_CULL_FACE);
    glCullFace(GL_FRONT);
    glFrontFace(det > 0.0 ? GL_CCW : GL_CW); /* of a box that the matrix does not mirror */
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 14);
    return ORIEL_OK;
}
