/* SPDX-License-Identifier: BSD-3-Clause */
/* A scene to begin from: image layers as flat slices, of a volume the middle one. The contract is
 * in oriel/scene_module.h: an OpenGL context is current in every call, and left as it was. */
#include <stdlib.h>
#include <epoxy/gl.h>

#include "oriel/gl.h"
#include "oriel/scene_module.h"

enum { SLABS = 256 };
struct instance {
    const struct oriel_host *host;
    const struct oriel_snapshot *snapshot;
    GLuint program, vertices;
    struct slab {
        struct oriel_slab is; /* id 0: this place is free */
        GLuint texture;
    } slabs[SLABS];
};

static const char vertex_shader[] = /* a rectangle in the world; `place`: translate, scale */
    "layout(location = 0) uniform dmat4 clip; layout(location = 1) uniform dvec3 place[2];\n"
    "uniform sampler2DArray voxels; out vec2 at;\n"
    "void main() { ivec3 size = textureSize(voxels, 0);\n"
    "    at = vec2(gl_VertexID & 1, gl_VertexID >> 1) * size.xy;\n"
    "    dvec3 world = place[0] + place[1] * dvec3(at - 0.5, size.z / 2);\n"
    "    gl_Position = vec4(clip * dvec4(world, 1)) * vec4(1, 1, 0, 1); }\n";

static const char fragment_shader[] = /* `look`: gamma, opacity, value of 1.0 */
    "layout(location = 3) uniform dvec2 limits; layout(location = 4) uniform dvec3 look;\n"
    "layout(location = 5) uniform vec4 colors[2]; uniform sampler2DArray voxels;\n"
    "in vec2 at; out vec4 color;\n"
    "void main() { ivec3 size = textureSize(voxels, 0);\n"
    "    double value = look.z * texelFetch(voxels, min(ivec3(at, size.z / 2), size - 1), 0).r;\n"
    "    float t = clamp(float((value - limits.x) / (limits.y - limits.x)), 0, 1);\n"
    "    color = mix(colors[0], colors[1], pow(t, float(look.x))) * vec4(1, 1, 1, look.y); }\n";

static oriel_result kind(uint32_t index, uint32_t *kind)
{
    *kind = ORIEL_LAYER_IMAGE;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static struct slab *find_slab(struct instance *self, uint64_t id)
{
    for (uint32_t i = 0; i < SLABS; i++)
        if (self->slabs[i].is.id == id)
            return &self->slabs[i];
    return NULL;
}

static oriel_result upload(void *data, const struct oriel_slab *piece)
{
    struct instance *self = data;
    struct slab *slab = find_slab(self, piece->id);
    if (!slab && !(slab = find_slab(self, 0)))
        return self->host->fail(self->host, ORIEL_NOMEM, "too many slabs");
    slab->is = *piece;
    return oriel_gl_upload(self->host, piece, GL_TEXTURE_2D_ARRAY, &slab->texture);
}

static void evict(void *self, uint64_t id)
{
    struct slab *slab = find_slab(self, id);
    if (slab) {
        glDeleteTextures(1, &slab->texture);
        *slab = (struct slab){.texture = 0};
    }
}

static oriel_result apply(void *data, const struct oriel_snapshot *snapshot)
{
    struct instance *self = data;
    self->snapshot = snapshot;
    for (uint32_t i = 0; i < SLABS; i++)
        if (!oriel_find_layer(snapshot, self->slabs[i].is.layer))
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
    struct instance *self = calloc(1, sizeof(*self));
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    self->host = host;
    if (!(self->program = oriel_gl_program(host, vertex_shader, fragment_shader))) {
        free(self);
        return ORIEL_FATAL; /* the compiler has said why */
    }
    glCreateVertexArrays(1, &self->vertices);
    *out = self;
    return ORIEL_OK;
}

static oriel_result draw(void *data, const struct oriel_view *view,
                         const struct oriel_target *target)
{
    struct instance *self = data;
    int32_t was[ORIEL_GL_VALUES];
    oriel_gl_enter(was, target);
    glClearBufferfv(GL_COLOR, 0, view->background);
    glUseProgram(self->program);
    glBindVertexArray(self->vertices);
    glEnable(GL_BLEND);
    glUniformMatrix4dv(0, 1, GL_FALSE, view->world_to_clip);
    for (uint32_t i = 0; i < 2 * view->layer_count; i++) {
        const struct oriel_view_layer *wanted = &view->layers[i / 2];
        const struct oriel_layer *layer = oriel_find_layer(self->snapshot, wanted->layer);
        const struct slab *slab = find_slab(self, i % 2 ? wanted->detail : wanted->base);
        if (!layer || !layer->visible || !slab || !slab->texture)
            continue;
        glBlendFunc(GL_SRC_ALPHA,
                    layer->blending == ORIEL_BLEND_ADDITIVE ? GL_ONE : GL_ONE_MINUS_SRC_ALPHA);
        glBindTexture(GL_TEXTURE_2D_ARRAY, slab->texture);
        glUniform3dv(1, 1, slab->is.translate);
        glUniform3dv(2, 1, slab->is.scale);
        glUniform2dv(3, 1, layer->contrast_limits);
        glUniform3d(4, layer->gamma, layer->opacity, oriel_gl_most(slab->is.dtype));
        glUniform4fv(5, 1, layer->colormap->colors);
        glUniform4fv(6, 1, layer->colormap->colors + 4 * (layer->colormap->count - 1));
        glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
    }
    oriel_gl_leave(was);
    return ORIEL_OK;
}

static const struct oriel_scene_module scene = {
    .size = sizeof(scene),
    .kind = kind,
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .upload = upload,
    .evict = evict,
    .draw = draw,
};
ORIEL_MODULE_OF(ORIEL_SCENE_V1, &scene, "org.example/my_scene", "1.0.0", "Your name",
                "BSD-3-Clause", "Flat slices");
