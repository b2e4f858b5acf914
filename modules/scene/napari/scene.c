/* SPDX-License-Identifier: BSD-3-Clause */
/* A scene's life and its pictures: docs/pixels.md. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module.h"
#include "oriel/host_gl.h"

oriel_result scene_fail(const struct scene *scene, oriel_result result, const char *format, ...)
{
    char text[768];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return scene->host->fail(scene->host, result, text);
}

struct layer *scene_layer(struct scene *scene, uint64_t key)
{
    for (uint32_t i = 0; i < scene->layer_count; i++)
        if (scene->layers[i].key == key)
            return &scene->layers[i];
    return NULL;
}

/* The state that all drawing here starts from; the scissor is the host's. */
void scene_begin(const struct scene *scene)
{
    glBindVertexArray(scene->vertex_array);
    glDisable(GL_STENCIL_TEST);
    glDisable(GL_FRAMEBUFFER_SRGB);
    glColorMask(GL_TRUE, GL_TRUE, GL_TRUE, GL_TRUE);
    glDepthMask(GL_TRUE);
    glDepthFunc(GL_LEQUAL);
    glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
    glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    glPixelStorei(GL_UNPACK_ROW_LENGTH, 0);
    glPixelStorei(GL_UNPACK_IMAGE_HEIGHT, 0);
    glPixelStorei(GL_UNPACK_SKIP_PIXELS, 0);
    glPixelStorei(GL_UNPACK_SKIP_ROWS, 0);
    glPixelStorei(GL_UNPACK_SKIP_IMAGES, 0);
}

void scene_clear(const float background[4], bool depth)
{
    glClearColor(background[0], background[1], background[2], background[3]);
    glClearDepthf(1.0f);
    glClear(GL_COLOR_BUFFER_BIT | (depth ? GL_DEPTH_BUFFER_BIT : 0u));
}

static GLuint mask_create(uint8_t value)
{
    GLuint texture;
    glCreateTextures(GL_TEXTURE_2D, 1, &texture);
    glTextureStorage2D(texture, 1, GL_R8, 1, 1);
    glClearTexImage(texture, 0, GL_RED, GL_UNSIGNED_BYTE, &value);
    return texture;
}

static GLuint sampler_create(GLint filter)
{
    GLuint sampler;
    glCreateSamplers(1, &sampler);
    glSamplerParameteri(sampler, GL_TEXTURE_MIN_FILTER, filter);
    glSamplerParameteri(sampler, GL_TEXTURE_MAG_FILTER, filter);
    glSamplerParameteri(sampler, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
    glSamplerParameteri(sampler, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
    glSamplerParameteri(sampler, GL_TEXTURE_WRAP_R, GL_CLAMP_TO_EDGE);
    return sampler;
}

static bool is_software(const struct oriel_host *host)
{
    const struct oriel_host_gl *gl = host->get_interface(host, ORIEL_HOST_GL_V1);
    if (gl)
        return gl->software;
    const char *renderer = (const char *)glGetString(GL_RENDERER);
    return renderer && (strstr(renderer, "llvmpipe") || strstr(renderer, "softpipe"));
}

void scene_destroy(void *self)
{
    struct scene *scene = self;
    if (!scene)
        return;
    while (scene->slab_count)
        slab_drop(scene, &scene->slabs[0]);
    free(scene->slabs);
    copies_destroy(scene->copies);
    bounds_destroy(scene);
    for (uint32_t i = 0; i < scene->layer_count; i++)
        layer_finish(&scene->layers[i]);
    free(scene->layers);
    programs_destroy(scene);
    glDeleteVertexArrays(1, &scene->vertex_array);
    glDeleteSamplers(1, &scene->nearest);
    glDeleteSamplers(1, &scene->linear);
    glDeleteTextures(1, &scene->all);
    glDeleteTextures(1, &scene->none);
    glDeleteFramebuffers(1, &scene->framebuffer);
    glDeleteRenderbuffers(1, &scene->depth);
    glDeleteTextures(1, &scene->depth_image);
    glDeleteFramebuffers(1, &scene->reduced);
    glDeleteTextures(1, &scene->reduced_texture);
    glDeleteQueries(2, scene->timestamps);
    free(scene);
}

oriel_result scene_create(const struct oriel_host *host, const struct oriel_config *config,
                          void **self)
{
    int version = epoxy_gl_version();
    if (version < 45) {
        char text[96];
        snprintf(text, sizeof text, "OpenGL 4.5 is needed, the context has %d.%d", version / 10,
                 version % 10);
        return host->fail(host, ORIEL_UNSUPPORTED, text);
    }
    struct scene *scene = calloc(1, sizeof *scene);
    if (!scene)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    scene->host = host;
    scene->software = is_software(host);
    scene->depth_format = strcmp(config->get_string(config, "depth_bits"), "24") == 0
                              ? GL_DEPTH_COMPONENT24
                              : GL_DEPTH_COMPONENT16;
    scene->bricks = config->get_int(config, "bricks") != 0;
    sscanf(config->get_string(config, "workgroup"), "%ux%u", &scene->group[0], &scene->group[1]);
    glGetIntegerv(GL_MAX_TEXTURE_SIZE, &scene->max_2d);
    glGetIntegerv(GL_MAX_3D_TEXTURE_SIZE, &scene->max_3d);
    glCreateVertexArrays(1, &scene->vertex_array);
    scene->nearest = sampler_create(GL_NEAREST);
    scene->linear = sampler_create(GL_LINEAR);
    scene->all = mask_create(255);
    scene->none = mask_create(0);
    glCreateFramebuffers(1, &scene->framebuffer);
    glCreateFramebuffers(1, &scene->reduced);
    if (!scene->software)
        glCreateQueries(GL_TIMESTAMP, 2, scene->timestamps);
    struct gl_state state;
    gl_state_save(&state, false);
    scene_begin(scene);
    glDisable(GL_SCISSOR_TEST);
    const char *bounds = config->get_string(config, "bounds");
    if (strcmp(bounds, "gpu") == 0 || (strcmp(bounds, "auto") == 0 && !scene->software))
        bounds_create(scene);
    if (config->get_int(config, "cuda"))
        scene->copies = copies_create(host);
    oriel_result result = choose_shaders(scene, config->get_string(config, "shaders"));
    if (result == ORIEL_OK && config->get_int(config, "warm_up"))
        result = warm_up(scene);
    gl_state_restore(&state);
    if (result != ORIEL_OK) {
        scene_destroy(scene);
        return result;
    }
    *self = scene;
    return ORIEL_OK;
}

oriel_result scene_apply(void *self, const struct oriel_snapshot *snapshot)
{
    return layers_apply(self, snapshot); /* which leaves the state as it is */
}

oriel_result scene_upload(void *self, const struct oriel_slab *piece)
{
    return slab_upload(self, piece); /* which leaves the state as it is */
}

void scene_evict(void *self, uint64_t id)
{
    struct slab *slab = slab_find(self, id);
    if (slab)
        slab_drop(self, slab);
}

/* A volume has no pieces on the screen: it is shown when complete, until then the base. */
static const struct slab *choose_volume(const struct slab *base, const struct slab *detail)
{
    return detail && (detail->complete || !base) ? detail : base;
}

/* Bottom first, onto the pass' canvas or into the bound framebuffer. */
static oriel_result draw_layers(struct scene *scene, const struct oriel_view_layer *shown,
                                uint32_t count, uint32_t ndisplay, const struct pass *pass)
{
    bool bottom = true;
    for (uint32_t i = 0; i < count; i++) {
        struct layer *layer = scene_layer(scene, shown[i].layer);
        if (!layer || !layer->controls->visible)
            continue;
        const struct slab *base = slab_find(scene, shown[i].base);
        const struct slab *detail = slab_find(scene, shown[i].detail);
        layer->base = shown[i].base;
        layer->detail = shown[i].detail;
        struct blend blend = blend_of(layer->controls->blending, bottom);
        if (pass->canvas)
            pass->canvas->blend = blend;
        else
            blend_set(&blend, ndisplay == 3);
        bottom = false;
        if (base && base->ndisplay != ndisplay)
            base = NULL;
        if (detail && detail->ndisplay != ndisplay)
            detail = NULL;
        const struct slab *volume = ndisplay == 3 ? choose_volume(base, detail) : NULL;
        oriel_result result = slab_settle(scene, ndisplay == 3 ? volume : base);
        if (result == ORIEL_OK && ndisplay == 2)
            result = slab_settle(scene, detail);
        if (result != ORIEL_OK)
            return result;
        if (ndisplay == 2) {
            result = image_draw(scene, layer, pass, base, detail);
        } else if (volume) {
            result = volume_draw(scene, layer, pass, volume);
        }
        if (result != ORIEL_OK)
            return result;
    }
    return ORIEL_OK;
}

oriel_result scene_attach(struct scene *scene, GLuint framebuffer, GLuint texture, uint32_t width,
                          uint32_t height)
{
    if (scene->depth_size[0] < width || scene->depth_size[1] < height) {
        glDeleteRenderbuffers(1, &scene->depth);
        glCreateRenderbuffers(1, &scene->depth);
        glNamedRenderbufferStorage(scene->depth, scene->depth_format, (GLsizei)width,
                                   (GLsizei)height);
        scene->depth_size[0] = width;
        scene->depth_size[1] = height;
    }
    glNamedFramebufferTexture(framebuffer, GL_COLOR_ATTACHMENT0, texture, 0);
    glNamedFramebufferRenderbuffer(framebuffer, GL_DEPTH_ATTACHMENT, GL_RENDERBUFFER, scene->depth);
    if (glCheckNamedFramebufferStatus(framebuffer, GL_DRAW_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
        return scene_fail(scene, ORIEL_NOMEM, "no framebuffer of %u×%u pixels with depth", width,
                          height);
    return ORIEL_OK;
}

/* Whether one layer can hide another. */
static bool is_deep(struct scene *scene, const struct oriel_view_layer *shown, uint32_t count)
{
    bool tested = false;
    uint32_t visible = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct layer *layer = scene_layer(scene, shown[i].layer);
        if (!layer || !layer->controls->visible)
            continue;
        visible++;
        tested = tested || blend_of(layer->controls->blending, false).tested;
    }
    return tested && visible > 1;
}

static oriel_result compute_layers(struct scene *scene, const struct oriel_view_layer *shown,
                                   uint32_t count, uint32_t ndisplay, struct pass *pass,
                                   GLuint texture)
{
    struct canvas canvas;
    bool deep = ndisplay == 3 && is_deep(scene, shown, count);
    oriel_result result = canvas_begin(scene, &canvas, pass, texture, deep);
    if (result != ORIEL_OK)
        return result;
    pass->canvas = &canvas;
    result = draw_layers(scene, shown, count, ndisplay, pass);
    pass->canvas = NULL;
    canvas_end(&canvas, pass);
    return result;
}

oriel_result scene_draw_volumes(struct scene *scene, const struct oriel_view_layer *shown,
                                uint32_t count, struct pass *pass, GLuint framebuffer,
                                GLuint texture)
{
    if (scene->compute)
        return compute_layers(scene, shown, count, 3, pass, texture);
    oriel_result result = scene_attach(scene, framebuffer, texture, pass->width, pass->height);
    if (result != ORIEL_OK)
        return result;
    glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
    glViewport(0, 0, (GLsizei)pass->width, (GLsizei)pass->height);
    scene_clear(pass->background, true);
    return draw_layers(scene, shown, count, 3, pass);
}

oriel_result scene_draw_images(struct scene *scene, const struct oriel_view_layer *shown,
                               uint32_t count, struct pass *pass, GLuint framebuffer,
                               GLuint texture)
{
    if (scene->compute)
        return compute_layers(scene, shown, count, 2, pass, texture);
    glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
    glViewport(0, 0, (GLsizei)pass->width, (GLsizei)pass->height);
    scene_clear(pass->background, false);
    return draw_layers(scene, shown, count, 2, pass);
}

static bool is_reduced(const struct oriel_view *view)
{
    return view->resolution > 0.0 && view->resolution < 1.0;
}

/* All of the picture at reduced resolution, then stretched: layers are composed before. */
static oriel_result draw_reduced(struct scene *scene, const struct oriel_view *view,
                                 struct pass pass, const struct oriel_target *target)
{
    pass.width = (uint32_t)fmax(1.0, lround(view->resolution * target->width));
    pass.height = (uint32_t)fmax(1.0, lround(view->resolution * target->height));
    if (scene->reduced_size[0] != pass.width || scene->reduced_size[1] != pass.height) {
        glDeleteTextures(1, &scene->reduced_texture);
        glCreateTextures(GL_TEXTURE_2D, 1, &scene->reduced_texture);
        glTextureStorage2D(scene->reduced_texture, 1, GL_RGBA8, (GLsizei)pass.width,
                           (GLsizei)pass.height);
        scene->reduced_size[0] = pass.width;
        scene->reduced_size[1] = pass.height;
    }
    bool scissor = glIsEnabled(GL_SCISSOR_TEST);
    glDisable(GL_SCISSOR_TEST);
    oriel_result result = scene_draw_volumes(scene, view->layers, view->layer_count, &pass,
                                             scene->reduced, scene->reduced_texture);
    if (scissor)
        glEnable(GL_SCISSOR_TEST);
    if (result != ORIEL_OK)
        return result;
    GLuint program = program_get(scene, PROGRAM_UPSCALE);
    if (!program)
        return ORIEL_FATAL;
    glBindFramebuffer(GL_FRAMEBUFFER, target->framebuffer);
    glViewport(0, 0, (GLsizei)target->width, (GLsizei)target->height);
    glDisable(GL_BLEND);
    glDisable(GL_DEPTH_TEST);
    glDisable(GL_CULL_FACE);
    glBindTextureUnit(0, scene->reduced_texture);
    glBindSampler(0, scene->linear);
    glUseProgram(program);
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
    return ORIEL_OK;
}

static oriel_result draw_picture(struct scene *scene, const struct oriel_view *view,
                                 const struct oriel_target *target)
{
    struct pass pass = {.width = target->width,
                        .height = target->height,
                        .world_to_clip = view->world_to_clip,
                        .step = view->step > 1.0 ? view->step : 1.0};
    memcpy(pass.background, view->background, sizeof pass.background);
    if (view->ndisplay == 3) {
        bool reduced = is_reduced(view);
        pass.coarse = (view->flags & ORIEL_VIEW_INTERACTIVE) && (reduced || pass.step > 1.0);
        if (reduced)
            return draw_reduced(scene, view, pass, target);
        return scene_draw_volumes(scene, view->layers, view->layer_count, &pass, scene->framebuffer,
                                  target->texture);
    }
    return scene_draw_images(scene, view->layers, view->layer_count, &pass, target->framebuffer,
                             target->texture);
}

oriel_result scene_draw(void *self, const struct oriel_view *view,
                        const struct oriel_target *target)
{
    struct scene *scene = self;
    if (view->ndisplay != 2 && view->ndisplay != 3)
        return scene_fail(scene, ORIEL_INVALID, "a view of %u dimensions", view->ndisplay);
    if (!target->width || !target->height)
        return scene_fail(scene, ORIEL_INVALID, "a target without pixels");
    oriel_result result = copies_collect(scene->copies);
    if (result != ORIEL_OK)
        return result;
    bool compute = scene->compute && !(view->ndisplay == 3 && is_reduced(view));
    struct gl_state state;
    gl_state_save(&state, compute);
    if (!scene->software)
        glQueryCounter(scene->timestamps[0], GL_TIMESTAMP);
    if (compute)
        glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
    else
        scene_begin(scene);
    result = draw_picture(scene, view, target);
    if (!scene->software) {
        glQueryCounter(scene->timestamps[1], GL_TIMESTAMP);
        scene->timed = true;
        glFlush(); /* the GPU begins while the state is put back */
    }
    gl_state_restore(&state);
    if (glGetGraphicsResetStatus() != GL_NO_ERROR)
        return scene_fail(scene, ORIEL_DEVICE_LOST, "the GPU was reset");
    return result;
}

oriel_result scene_thumbnail(void *self, uint64_t layer, uint32_t width, uint32_t height,
                             uint8_t *rgba)
{
    struct gl_state state;
    gl_state_save(&state, false);
    scene_begin(self);
    glDisable(GL_SCISSOR_TEST);
    oriel_result result = thumbnail_draw(self, layer, width, height, rgba);
    gl_state_restore(&state);
    return result;
}

oriel_result scene_draw_time(void *self, int64_t *ns)
{
    struct scene *scene = self;
    GLint ready = 0;
    if (scene->timed)
        glGetQueryObjectiv(scene->timestamps[1], GL_QUERY_RESULT_AVAILABLE, &ready);
    if (!ready)
        return ORIEL_AGAIN;
    GLuint64 from, to;
    glGetQueryObjectui64v(scene->timestamps[0], GL_QUERY_RESULT, &from);
    glGetQueryObjectui64v(scene->timestamps[1], GL_QUERY_RESULT, &to);
    *ns = (int64_t)(to - from);
    return ORIEL_OK;
}
