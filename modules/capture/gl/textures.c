/* SPDX-License-Identifier: BSD-3-Clause */
#include "textures.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/convert.h"
#include "../common/shader.h"
#include "keeper.h"

struct entry {
    struct oriel_frame frame; /* first */
    atomic_bool taken;
    GLuint texture;
    GLsync fence;
};

/* What frames need when the instance is gone. */
struct shelf {
    struct keeper *keeper;
    atomic_uint holders; /* the instance and every frame that is out */
    uint32_t count;
    struct entry entries[];
};

struct textures {
    const struct oriel_host *host;
    const struct oriel_frame_sink *sink;
    struct shelf *shelf;
    struct layout layout;
    struct shader shader;
    GLuint planes; /* what the shader writes; OpenGL keeps its uses in order */
    GLsizei width, height;
    uint32_t rows; /* ORIEL_FRAME_BOTTOM_UP or 0 */
};

static void shelf_release(struct shelf *shelf)
{
    if (atomic_fetch_sub_explicit(&shelf->holders, 1, memory_order_acq_rel) > 1)
        return;
    struct keeper_visit visit;
    if (keeper_enter(shelf->keeper, &visit)) {
        for (uint32_t i = 0; i < shelf->count; i++) {
            glDeleteTextures(1, &shelf->entries[i].texture);
            if (shelf->entries[i].fence)
                glDeleteSync(shelf->entries[i].fence);
        }
        keeper_leave(shelf->keeper, &visit);
    }
    keeper_release(shelf->keeper);
    free(shelf);
}

/* Readers have finished before they let go. */
static void frame_back(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done;
    struct entry *entry = (struct entry *)(uintptr_t)frame;
    struct shelf *shelf = frame->pool;
    atomic_store_explicit(&entry->taken, false, memory_order_release);
    shelf_release(shelf);
}

static void entry_init(struct textures *self, struct entry *entry,
                       const struct oriel_format *format)
{
    glCreateTextures(GL_TEXTURE_2D, 1, &entry->texture);
    glTextureStorage2D(entry->texture, 1, GL_R8, self->width, self->height);
    struct oriel_frame *frame = &entry->frame;
    *frame = (struct oriel_frame){.size = sizeof(*frame),
                                  .plane_count = 2,
                                  .format = *format,
                                  .release = frame_back,
                                  .pool = self->shelf};
    uint32_t chroma = (uint32_t)self->height / 3, luma = 2 * chroma;
    frame->planes[0] = (struct oriel_plane){
        .handle = entry->texture, .stride = (uint32_t)self->width, .rows = luma};
    frame->planes[1] = (struct oriel_plane){.handle = entry->texture,
                                            .offset = (uint64_t)self->width * luma,
                                            .stride = (uint32_t)self->width,
                                            .rows = chroma};
}

oriel_result textures_create(const struct oriel_host *host, const struct oriel_host_gl *gl,
                             const struct oriel_format *format, uint32_t frames_held,
                             const struct oriel_frame_sink *sink, struct textures **out)
{
    uint32_t count = frames_held + 1;
    struct textures *self = calloc(1, sizeof(*self));
    struct shelf *shelf = calloc(1, sizeof(*shelf) + count * sizeof(shelf->entries[0]));
    if (!self || !shelf) {
        free(shelf);
        free(self);
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    }
    const char *why;
    if (!(shelf->keeper = keeper_get(gl, &why))) {
        free(shelf);
        free(self);
        return host->fail(host, ORIEL_UNSUPPORTED, why);
    }
    shelf->holders = 1;
    *self = (struct textures){
        .host = host, .sink = sink, .shelf = shelf, .rows = ORIEL_FRAME_BOTTOM_UP};
    self->width = (GLsizei)((format->width + 1) & ~1u);
    self->height = (GLsizei)((format->height + 1) / 2 * 3);
    while (shelf->count < count)
        entry_init(self, &shelf->entries[shelf->count++], format);
    layout_init(&self->layout, format, LAYOUT_CPU);
    glCreateBuffers(1, &self->planes);
    glNamedBufferStorage(self->planes, (GLsizeiptr)self->layout.bytes, NULL, 0);
    struct converter converter;
    converter_init(&converter, format);
    char error[400] = "";
    if (!shader_init(&self->shader, format, &self->layout, &converter, error, sizeof(error))) {
        textures_destroy(self);
        char text[512];
        snprintf(text, sizeof(text), "the conversion shader: %s", error);
        return host->fail(host, ORIEL_UNSUPPORTED, text);
    }
    *out = self;
    return ORIEL_OK;
}

void textures_top_down(struct textures *self)
{
    shader_top_down(&self->shader);
    self->rows = 0;
}

void textures_destroy(struct textures *self)
{
    if (!self)
        return;
    shader_finish(&self->shader);
    glDeleteBuffers(1, &self->planes);
    shelf_release(self->shelf);
    free(self);
}

static void copy_planes(const struct textures *self, GLuint texture)
{
    static const GLenum unpack[] = {GL_UNPACK_ALIGNMENT, GL_UNPACK_ROW_LENGTH, GL_UNPACK_SKIP_ROWS,
                                    GL_UNPACK_SKIP_PIXELS};
    const GLint wanted[] = {1, (GLint)self->layout.stride[0], 0, 0};
    GLint before[4], buffer;
    for (int i = 0; i < 4; i++) {
        glGetIntegerv(unpack[i], &before[i]);
        glPixelStorei(unpack[i], wanted[i]);
    }
    glGetIntegerv(GL_PIXEL_UNPACK_BUFFER_BINDING, &buffer);
    glBindBuffer(GL_PIXEL_UNPACK_BUFFER, self->planes);
    glTextureSubImage2D(texture, 0, 0, 0, self->width, self->height, GL_RED, GL_UNSIGNED_BYTE,
                        NULL);
    glBindBuffer(GL_PIXEL_UNPACK_BUFFER, (GLuint)buffer);
    for (int i = 0; i < 4; i++)
        glPixelStorei(unpack[i], before[i]);
}

oriel_result textures_grab(struct textures *self, const struct oriel_target *target,
                           const struct oriel_stamp *stamp)
{
    struct shelf *shelf = self->shelf;
    uint32_t i = 0;
    while (i < shelf->count && atomic_load_explicit(&shelf->entries[i].taken, memory_order_acquire))
        i++;
    if (i == shelf->count)
        return ORIEL_AGAIN;
    struct entry *entry = &shelf->entries[i];
    shader_run(&self->shader, target->texture, self->planes);
    copy_planes(self, entry->texture);
    if (entry->fence)
        glDeleteSync(entry->fence);
    entry->fence = glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    glFlush(); /* another context waits for it */
    struct oriel_frame *frame = &entry->frame;
    frame->ready =
        (struct oriel_fence){.handle = (uintptr_t)entry->fence, .kind = ORIEL_FENCE_GLSYNC};
    frame->stamp = *stamp;
    frame->stamp.flags = (stamp->flags & ~(uint32_t)ORIEL_FRAME_BOTTOM_UP) | self->rows;
    frame->stamp.t_captured_ns = self->host->now_ns(self->host);
    atomic_store_explicit(&entry->taken, true, memory_order_relaxed);
    atomic_fetch_add_explicit(&shelf->holders, 1, memory_order_relaxed);
    self->host->frame_ref(self->host, frame);
    self->sink->frame(self->sink, frame);
    self->host->frame_unref(self->host, frame, NULL);
    return ORIEL_OK;
}
