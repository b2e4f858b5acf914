/* SPDX-License-Identifier: BSD-3-Clause */
/* One layer of a slice: docs/pixels.md, "Images". Everything is affine; the camera of a slice has
 * no perspective and no depth. */
#include <math.h>

#include "napari.h"

/* Column-major 3×2: p -> m[0..1] * p.x + m[2..3] * p.y + m[4..5]. */
struct affine {
    double m[6];
};

/* World rectangle, low and high edge of x and y. */
struct box {
    double low[2], high[2];
};

static struct box slab_box(const struct slab *slab)
{
    struct box box;
    for (int i = 0; i < 2; i++) {
        double a = slab->translate[i] - 0.5 * slab->scale[i];
        double b = a + slab->shape[i] * slab->scale[i];
        box.low[i] = fmin(a, b);
        box.high[i] = fmax(a, b);
    }
    return box;
}

static struct box box_union(struct box a, struct box b)
{
    for (int i = 0; i < 2; i++) {
        a.low[i] = fmin(a.low[i], b.low[i]);
        a.high[i] = fmax(a.high[i], b.high[i]);
    }
    return a;
}

static struct affine world_to_window(const struct pass *pass)
{
    const double *m = pass->world_to_clip;
    double w = pass->width / 2.0, h = pass->height / 2.0;
    return (struct affine){
        {w * m[0], h * m[1], w * m[4], h * m[5], w * (m[12] + 1.0), h * (m[13] + 1.0)}};
}

static bool invert(const struct affine *a, struct affine *out)
{
    const double *m = a->m;
    double det = m[0] * m[3] - m[2] * m[1];
    if (!(fabs(det) > 0.0))
        return false;
    double *r = out->m;
    r[0] = m[3] / det;
    r[1] = -m[1] / det;
    r[2] = -m[2] / det;
    r[3] = m[0] / det;
    r[4] = -(r[0] * m[4] + r[2] * m[5]);
    r[5] = -(r[1] * m[4] + r[3] * m[5]);
    return true;
}

/* Window to texture coordinates. Where a pixel's centre falls on the edge of two texels (an even
 * reduction does that everywhere) NEAREST would follow the last bit of a float; a few of those bits
 * make it the left and lower one of the canvas, which is what napari shows on Mesa. */
static void set_uv(GLuint program, GLint location, const struct affine *window_to_world,
                   const struct slab *slab, bool nearest)
{
    float m[6];
    for (int i = 0; i < 6; i++) {
        int axis = i & 1;
        double value = window_to_world->m[i];
        if (i >= 4)
            value = value - slab->translate[axis] + 0.5 * slab->scale[axis];
        value /= slab->scale[axis] * slab->shape[axis];
        if (i >= 4 && nearest)
            value -= copysign(0x1p-22, m[axis] + m[2 + axis]);
        m[i] = (float)value;
    }
    glProgramUniformMatrix3x2fv(program, location, 1, GL_FALSE, m);
}

static void set_quad(GLuint program, const struct pass *pass, const struct box *box)
{
    const double *m = pass->world_to_clip;
    double w = box->high[0] - box->low[0], h = box->high[1] - box->low[1];
    float quad[6] = {(float)(m[0] * w),
                     (float)(m[1] * w),
                     (float)(m[4] * h),
                     (float)(m[5] * h),
                     (float)(m[0] * box->low[0] + m[4] * box->low[1] + m[12]),
                     (float)(m[1] * box->low[0] + m[5] * box->low[1] + m[13])};
    glProgramUniformMatrix3x2fv(program, 8, 1, GL_FALSE, quad);
}

/* Runs the compute program, which needs the box as what it makes of a pixel's place. */
static void paint(const struct scene *scene, const struct pass *pass,
                  const struct affine *to_window, const struct affine *to_world,
                  const struct box *box, GLuint program)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int corner = 0; corner < 4; corner++) {
        double x = corner & 1 ? box->high[0] : box->low[0];
        double y = corner & 2 ? box->high[1] : box->low[1];
        for (int i = 0; i < 2; i++) {
            const double *m = to_window->m;
            double p = m[i] * x + m[2 + i] * y + m[4 + i];
            low[i] = fmin(low[i], p);
            high[i] = fmax(high[i], p);
        }
    }
    float m[6];
    for (int i = 0; i < 6; i++) {
        int axis = i & 1;
        double value = to_world->m[i] - (i >= 4 ? box->low[axis] : 0.0);
        m[i] = (float)(value / (box->high[axis] - box->low[axis]));
    }
    glProgramUniformMatrix3x2fv(program, 8, 1, GL_FALSE, m);
    canvas_paint(scene, pass, low, high, program);
}

/* The part of the world the canvas shows. */
static struct box visible_box(const struct pass *pass, const struct affine *window_to_world)
{
    struct box box = {{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};
    const double *m = window_to_world->m;
    for (int corner = 0; corner < 4; corner++) {
        double x = corner & 1 ? pass->width : 0.0, y = corner & 2 ? pass->height : 0.0;
        for (int i = 0; i < 2; i++) {
            double p = m[i] * x + m[2 + i] * y + m[4 + i];
            box.low[i] = fmin(box.low[i], p);
            box.high[i] = fmax(box.high[i], p);
        }
    }
    return box;
}

/* The whole level that a slab was cut from. */
static bool level_box(const struct scene *scene, const struct layer *layer, uint32_t level,
                      struct box *box)
{
    const struct oriel_layer *c = layer->controls;
    const struct oriel_snapshot *s = scene->snapshot;
    if (level >= c->level_count || s->ndim > ORIEL_MAX_AXES || s->ndim < 2 || c->ndim > s->ndim)
        return false;
    const struct oriel_level *l = &c->levels[level];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t world_axis = s->order[s->ndim - 1 - i];
        if (world_axis < s->ndim - c->ndim || world_axis >= s->ndim)
            return false;
        uint32_t axis = world_axis - (s->ndim - c->ndim);
        double scale = c->scale[axis] * l->scale[axis];
        double a =
            c->scale[axis] * (l->translate[axis] - 0.5 * l->scale[axis]) + c->translate[axis];
        double b = a + scale * (double)l->shape[axis];
        box->low[i] = fmin(a, b);
        box->high[i] = fmax(a, b);
    }
    return true;
}

/* Whether a complete detail leaves nothing to the base. Levels of a pyramid do not end at the same
 * place; what a coarser one shows beyond the end of a finer one is no part of the picture. */
static bool detail_is_enough(const struct scene *scene, const struct layer *layer,
                             const struct slab *detail, const struct box *all,
                             const struct box *visible)
{
    if (detail->mask)
        return false;
    struct box box = slab_box(detail), level;
    if (level_box(scene, layer, detail->level, &level)) {
        for (int i = 0; i < 2; i++) {
            double near = 1e-3 * fabs(detail->scale[i]);
            if (box.low[i] <= level.low[i] + near)
                box.low[i] = -INFINITY;
            if (box.high[i] >= level.high[i] - near)
                box.high[i] = INFINITY;
        }
    }
    for (int i = 0; i < 2; i++)
        if (box.low[i] > fmax(all->low[i], visible->low[i]) ||
            box.high[i] < fmin(all->high[i], visible->high[i]))
            return false;
    return true;
}

static GLuint mask_of(const struct scene *scene, const struct slab *slab, const struct slab *wanted)
{
    if (!wanted)
        return scene->none;
    return slab->mask ? slab->mask : scene->all;
}

oriel_result image_draw(struct scene *scene, struct layer *layer, const struct pass *pass,
                        const struct slab *base, const struct slab *detail)
{
    struct affine to_window = world_to_window(pass), to_world;
    if ((!base && !detail) || !invert(&to_window, &to_world))
        return ORIEL_OK;
    struct box box = slab_box(base ? base : detail);
    if (detail)
        box = box_union(box, slab_box(detail));
    struct box visible = visible_box(pass, &to_world);
    for (int i = 0; i < 2; i++)
        if (box.low[i] > visible.high[i] || box.high[i] < visible.low[i])
            return ORIEL_OK;
    if (detail && detail_is_enough(scene, layer, detail, &box, &visible)) {
        base = detail;
        detail = NULL;
        box = slab_box(base);
    }
    bool mixed = detail || base->mask;
    const struct slab *any = base ? base : detail;
    uint32_t key = layer_program_bits(layer->controls) | (mixed ? PROGRAM_MIXED : 0u) |
                   (any->dtype == ORIEL_F32 ? PROGRAM_NANS : 0u) |
                   (pass->canvas ? PROGRAM_COMPUTE : 0u);
    GLuint program = program_get(scene, key);
    if (!program)
        return ORIEL_FATAL;

    bool nearest = layer->controls->interpolation_2d == ORIEL_FILTER_NEAREST;
    GLuint sampler = nearest ? scene->nearest : scene->linear;
    layer_set_uniforms(layer, any->dtype, program);
    set_uv(program, 9, &to_world, any, nearest);
    glBindTextureUnit(UNIT_BASE, any->texture);
    glBindSampler(UNIT_BASE, sampler);
    if (mixed) {
        const struct slab *fine = detail ? detail : any;
        set_uv(program, 10, &to_world, fine, nearest);
        glBindTextureUnit(UNIT_DETAIL, fine->texture);
        glBindSampler(UNIT_DETAIL, sampler);
        glBindTextureUnit(UNIT_BASE_MASK, mask_of(scene, any, base));
        glBindTextureUnit(UNIT_DETAIL_MASK, mask_of(scene, fine, detail));
        glBindSampler(UNIT_BASE_MASK, sampler);
        glBindSampler(UNIT_DETAIL_MASK, sampler);
    }
    if (pass->canvas) {
        paint(scene, pass, &to_window, &to_world, &box, program);
        return ORIEL_OK;
    }
    set_quad(program, pass, &box);
    glUseProgram(program);
    glDisable(GL_CULL_FACE);
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
    return ORIEL_OK;
}
