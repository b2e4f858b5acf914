/* SPDX-License-Identifier: BSD-3-Clause */
/* A scene to begin from: image layers as flat slices, of a volume the middle one. The contract is
 * in oriel/scene_module.h: an OpenGL context is current in every call, and left as it was. */
#include <stdlib.h>
#include <epoxy/gl.h>

#include "oriel/host_gl.h"
#include "oriel/scene_module.h"
#include "shaders.h"

enum { SLABS = 256 };
/* The viewport is the last: it has four numbers. */
#define KEPT                                                                                       \
    GL_DRAW_FRAMEBUFFER_BINDING, GL_CURRENT_PROGRAM, GL_VERTEX_ARRAY_BINDING,                      \
        GL_TEXTURE_BINDING_BUFFER, GL_BLEND_SRC_RGB, GL_BLEND_DST_RGB, GL_BLEND_SRC_ALPHA,         \
        GL_BLEND_DST_ALPHA, GL_ACTIVE_TEXTURE, GL_VIEWPORT

struct slab {
    struct oriel_slab is; /* id 0: this place is free */
    GLuint buffer, texture;
};

struct instance {
    const struct oriel_host *host;
    const struct oriel_snapshot *snapshot;
    GLuint program, vertices;
    struct slab slabs[SLABS];
};

static oriel_result kind(uint32_t index, uint32_t *kind)
{
    *kind = ORIEL_LAYER_IMAGE;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static const struct oriel_layer *find_layer(const struct instance *self, uint64_t key)
{
    for (uint32_t i = 0; self->snapshot && i < self->snapshot->layer_count; i++)
        if (self->snapshot->layers[i]->key == key)
            return self->snapshot->layers[i];
    return NULL;
}

static struct slab *find_slab(struct instance *self, uint64_t id)
{
    uint32_t i = 0;
    while (i < SLABS && self->slabs[i].is.id != id)
        i++;
    return i < SLABS ? &self->slabs[i] : NULL;
}

static void evict(void *self, uint64_t id)
{
    struct slab *slab = id ? find_slab(self, id) : NULL;
    if (!slab)
        return;
    glDeleteTextures(1, &slab->texture);
    glDeleteBuffers(1, &slab->buffer);
    slab->is.id = 0;
}

static oriel_result apply(void *data, const struct oriel_snapshot *snapshot)
{
    struct instance *self = data;
    self->snapshot = snapshot;
    for (uint32_t i = 0; i < SLABS; i++)
        if (!find_layer(self, self->slabs[i].is.layer))
            evict(self, self->slabs[i].is.id);
    return ORIEL_OK;
}

static void destroy(void *data)
{
    struct instance *self = data;
    apply(self, NULL);
    glDeleteProgram(self->program);
    glDeleteVertexArrays(1, &self->vertices);
    free(self);
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           void **out)
{
    (void)config;
    if (!host->get_interface(host, ORIEL_HOST_GL_V1))
        return host->fail(host, ORIEL_UNSUPPORTED, "it needs OpenGL");
    struct instance *self = calloc(1, sizeof(*self));
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    self->host = host;
    self->program = glCreateProgram();
    for (int i = 0; i < 2; i++) {
        GLuint shader = glCreateShader(i ? GL_FRAGMENT_SHADER : GL_VERTEX_SHADER);
        glShaderSource(shader, 1, &shaders[i], NULL);
        glCompileShader(shader);
        glAttachShader(self->program, shader);
        glDeleteShader(shader); /* stays with the program */
    }
    glLinkProgram(self->program);
    glCreateVertexArrays(1, &self->vertices);
    *out = self;
    return ORIEL_OK;
}

static oriel_result upload(void *data, const struct oriel_slab *from)
{
    struct instance *self = data;
    struct slab *to = find_slab(self, from->id);
    uint64_t width = from->shape[0], rows = (uint64_t)from->shape[1] * from->shape[2];
    uint32_t type = from->dtype == ORIEL_U8 ? 0 : from->dtype == ORIEL_U16 ? 1 : 2;
    if (from->dtype != ORIEL_U8 && from->dtype != ORIEL_U16 && from->dtype != ORIEL_F32)
        return self->host->fail(self->host, ORIEL_UNSUPPORTED, "voxels of an unknown type");
    if (!to) {
        if (!(to = find_slab(self, 0)))
            return self->host->fail(self->host, ORIEL_NOMEM, "too many slabs");
        to->is = *from;
        glCreateBuffers(1, &to->buffer);
        glNamedBufferData(to->buffer, (GLsizeiptr)(width * rows << type), NULL, GL_STATIC_DRAW);
        glCreateTextures(GL_TEXTURE_BUFFER, 1, &to->texture);
        glTextureBuffer(to->texture, (GLenum[]){GL_R8, GL_R16, GL_R32F}[type], to->buffer);
    }
    for (uint32_t i = 0; from->data && i < from->extent[1] * from->extent[2]; i++) {
        uint64_t y = i % from->extent[1], z = i / from->extent[1];
        uint64_t row = (z + from->offset[2]) * from->shape[1] + y + from->offset[1];
        const char *at = (const char *)from->data + z * from->slice_bytes + y * from->row_bytes;
        glNamedBufferSubData(to->buffer, (GLintptr)((row * width + from->offset[0]) << type),
                             (GLsizeiptr)from->extent[0] << type, at);
    }
    return ORIEL_OK;
}

static void draw_slab(const struct oriel_layer *layer, const struct slab *slab)
{
    const struct oriel_colormap *map = layer->colormap;
    uint32_t type = slab->is.dtype;
    double most = type == ORIEL_U8 ? 255 : type == ORIEL_U16 ? 65535 : 1;
    glBlendFunc(GL_SRC_ALPHA,
                layer->blending == ORIEL_BLEND_ADDITIVE ? GL_ONE : GL_ONE_MINUS_SRC_ALPHA);
    glBindTexture(GL_TEXTURE_BUFFER, slab->texture);
    glUniform3dv(1, 1, slab->is.translate);
    glUniform3dv(2, 1, slab->is.scale);
    glUniform3uiv(3, 1, slab->is.shape);
    glUniform2dv(4, 1, layer->contrast_limits);
    glUniform3d(5, layer->gamma, layer->opacity, most);
    glUniform4fv(6, 1, map->colors);
    glUniform4fv(7, 1, map->colors + 4 * (map->count - 1));
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
}

static oriel_result draw(void *data, const struct oriel_view *view,
                         const struct oriel_target *target)
{
    static const GLenum kept[] = {KEPT};
    struct instance *self = data;
    GLboolean blending = glIsEnabled(GL_BLEND);
    GLint was[13];
    for (int i = 0; i < 10; i++)
        glGetIntegerv(kept[i], was + i);
    glBindFramebuffer(GL_DRAW_FRAMEBUFFER, target->framebuffer);
    glViewport(0, 0, (GLsizei)target->width, (GLsizei)target->height);
    glClearBufferfv(GL_COLOR, 0, view->background);
    glUseProgram(self->program);
    glBindVertexArray(self->vertices);
    glEnable(GL_BLEND);
    glUniformMatrix4dv(0, 1, GL_FALSE, view->world_to_clip);
    glUniform1i(8, was[8] - GL_TEXTURE0);
    for (uint32_t i = 0; i < 2 * view->layer_count; i++) {
        const struct oriel_view_layer *wanted = &view->layers[i / 2];
        const struct oriel_layer *layer = find_layer(self, wanted->layer);
        uint64_t id = i % 2 ? wanted->detail : wanted->base;
        if (layer && layer->visible && id && find_slab(self, id))
            draw_slab(layer, find_slab(self, id));
    }
    glBindFramebuffer(GL_DRAW_FRAMEBUFFER, (GLuint)was[0]);
    glUseProgram((GLuint)was[1]);
    glBindVertexArray((GLuint)was[2]);
    glBindTexture(GL_TEXTURE_BUFFER, (GLuint)was[3]);
    glBlendFuncSeparate((GLenum)was[4], (GLenum)was[5], (GLenum)was[6], (GLenum)was[7]);
    glViewport(was[9], was[10], was[11], was[12]);
    (blending ? glEnable : glDisable)(GL_BLEND);
    return ORIEL_OK;
}

static const struct oriel_scene_module scene = {sizeof(scene), 0,    NULL,  kind,   create,
                                                destroy,       NULL, apply, upload, evict,
                                                draw,          NULL, NULL,  NULL};
ORIEL_MODULE_OF(ORIEL_SCENE_V1, &scene, "org.example/my_scene", "1.0.0", "Your name",
                "BSD-3-Clause", "Flat slices");
