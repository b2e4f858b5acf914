/* SPDX-License-Identifier: BSD-3-Clause */
/* What a layer's controls mean for the shaders. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "napari.h"

double value_unit(uint32_t dtype)
{
    return dtype == ORIEL_U8 ? 255.0 : dtype == ORIEL_U16 ? 65535.0 : 1.0;
}

void layer_finish(struct layer *layer)
{
    glDeleteTextures(1, &layer->lut);
    free(layer->map);
}

static bool is_usable(const struct oriel_layer *layer)
{
    return layer->kind == ORIEL_LAYER_IMAGE && layer->colormap && layer->colormap->count > 0;
}

static size_t stops(const struct oriel_colormap *map)
{
    return map->count + (map->interpolation == ORIEL_LUT_ZERO);
}

static bool knows_map(const struct layer *layer, const struct oriel_colormap *map)
{
    return layer->map && layer->map_count == map->count &&
           layer->map_interpolation == map->interpolation &&
           memcmp(layer->map, map->colors, 4 * map->count * sizeof *map->colors) == 0 &&
           memcmp(layer->map + 4 * map->count, map->controls, stops(map) * sizeof *map->controls) ==
               0;
}

static void remember_map(struct layer *layer, const struct oriel_colormap *map)
{
    free(layer->map);
    layer->map = malloc((4 * map->count + stops(map)) * sizeof *layer->map);
    if (!layer->map)
        return; /* it is filled again next time */
    memcpy(layer->map, map->colors, 4 * map->count * sizeof *map->colors);
    memcpy(layer->map + 4 * map->count, map->controls, stops(map) * sizeof *map->controls);
    layer->map_count = map->count;
    layer->map_interpolation = map->interpolation;
}

/* A new pose comes with every picture, a new colormap hardly ever. */
static void update_lut(struct scene *scene, struct layer *layer)
{
    const struct oriel_colormap *map = layer->controls->colormap;
    if (knows_map(layer, map))
        return;
    remember_map(layer, map);
    lut_fill(map, layer->texels);
    struct gl_state state;
    gl_state_save(&state, false);
    scene_begin(scene);
    if (!layer->lut) {
        glCreateTextures(GL_TEXTURE_1D, 1, &layer->lut);
        glTextureStorage1D(layer->lut, 1, GL_RGBA8, LUT_SIZE);
        glTextureParameteri(layer->lut, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
    }
    GLint filter = map->interpolation == ORIEL_LUT_ZERO ? GL_NEAREST : GL_LINEAR;
    glTextureParameteri(layer->lut, GL_TEXTURE_MIN_FILTER, filter);
    glTextureParameteri(layer->lut, GL_TEXTURE_MAG_FILTER, filter);
    glTextureSubImage1D(layer->lut, 0, 0, LUT_SIZE, GL_RGBA, GL_UNSIGNED_BYTE, layer->texels);
    gl_state_restore(&state);
}

oriel_result layers_apply(struct scene *scene, const struct oriel_snapshot *snapshot)
{
    struct layer *layers =
        calloc(snapshot->layer_count ? snapshot->layer_count : 1, sizeof *layers);
    if (!layers)
        return scene_fail(scene, ORIEL_NOMEM, "out of memory");
    uint32_t count = 0;
    for (uint32_t i = 0; i < snapshot->layer_count; i++) {
        if (!is_usable(snapshot->layers[i]))
            continue;
        struct layer *old = scene_layer(scene, snapshot->layers[i]->key);
        struct layer *layer = &layers[count++];
        if (old) {
            *layer = *old;
            old->lut = 0;
            old->map = NULL;
        }
        layer->key = snapshot->layers[i]->key;
        layer->controls = snapshot->layers[i];
        update_lut(scene, layer);
    }
    for (uint32_t i = 0; i < scene->layer_count; i++)
        layer_finish(&scene->layers[i]);
    free(scene->layers);
    scene->layers = layers;
    scene->layer_count = count;
    scene->snapshot = snapshot;
    for (uint32_t i = scene->slab_count; i-- > 0;)
        if (!scene_layer(scene, scene->slabs[i].layer))
            slab_drop(scene, &scene->slabs[i]);
    return ORIEL_OK;
}

uint32_t layer_program_bits(const struct oriel_layer *layer)
{
    return (layer->gamma != 1.0 ? PROGRAM_GAMMA : 0u) |
           (layer->colormap->has_low || layer->colormap->has_high ? PROGRAM_ENDS : 0u);
}

static float to_float(double v)
{
    return (float)fmin(fmax(v, -(double)FLT_MAX), (double)FLT_MAX);
}

/* The colours of the ends and of NaN are not scaled; a map with one end only shows the table's last
 * texel at the other. */
static void set_color(GLuint program, GLint location, const float color[4])
{
    glProgramUniform4fv(program, location, 1, color);
}

static void end_color(const struct layer *layer, uint32_t texel, float color[4])
{
    for (int c = 0; c < 4; c++)
        color[c] = (float)layer->texels[4 * texel + (uint32_t)c] / 255.0f;
}

void layer_set_uniforms(const struct layer *layer, uint32_t dtype, GLuint program)
{
    const struct oriel_layer *controls = layer->controls;
    const struct oriel_colormap *map = controls->colormap;
    double unit = value_unit(dtype);
    double low = controls->contrast_limits[0] / unit;
    double high = controls->contrast_limits[1] / unit;
    if (!isfinite(low) || !isfinite(high))
        low = high = 0.0;
    double least = fmin(low, high), greatest = fmax(low, high);
    /* Limits whose difference is no float any more are scaled down together with the value. */
    double scale = 1.0;
    double limit = (double)FLT_MAX / 8.0;
    if (fmax(fabs(low), fabs(high)) > limit)
        scale = fmin(1.0, 2.0 * limit / (greatest - least));
    float offset = to_float(low * scale);
    float span = to_float(high * scale) - offset;
    if (low == high) { /* everything is at the low end */
        greatest = high = (double)INFINITY;
        span = INFINITY;
    }
    glProgramUniform4f(program, 0, to_float(least), isinf(greatest) ? INFINITY : to_float(greatest),
                       to_float(low), isinf(high) ? INFINITY : to_float(high));
    glProgramUniform4f(program, 1, (float)scale, offset, span, (float)controls->gamma);
    glProgramUniform1f(program, 2, (float)controls->opacity);
    float first[4], last[4];
    end_color(layer, 0, first);
    end_color(layer, LUT_SIZE - 1, last);
    set_color(program, 3, map->has_low ? map->low_color : first);
    set_color(program, 4, map->has_high ? map->high_color : last);
    set_color(program, 5, map->nan_color);
    glBindTextureUnit(UNIT_LUT, layer->lut);
    glBindSampler(UNIT_LUT, 0);
}
