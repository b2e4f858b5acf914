/* SPDX-License-Identifier: BSD-3-Clause */
/* Voxels on the GPU, in the type they come in: GL converts nothing. */
#include <stdlib.h>
#include <string.h>

#include "napari.h"

struct format {
    GLenum internal;
    GLenum type;
    uint32_t bytes;
};

static const struct format *format_of(uint32_t dtype)
{
    static const struct format u8 = {GL_R8, GL_UNSIGNED_BYTE, 1};
    static const struct format u16 = {GL_R16, GL_UNSIGNED_SHORT, 2};
    static const struct format f32 = {GL_R32F, GL_FLOAT, 4};
    switch (dtype) {
    case ORIEL_U8:
        return &u8;
    case ORIEL_U16:
        return &u16;
    case ORIEL_F32:
        return &f32;
    default:
        return NULL;
    }
}

struct slab *slab_find(struct scene *scene, uint64_t id)
{
    for (uint32_t i = 0; id && i < scene->slab_count; i++)
        if (scene->slabs[i].id == id)
            return &scene->slabs[i];
    return NULL;
}

oriel_result slab_settle(struct scene *scene, const struct slab *slab)
{
    return slab && slab->target ? copies_settle(scene->copies, slab->target) : ORIEL_OK;
}

void slab_drop(struct scene *scene, struct slab *slab)
{
    copies_drop(scene->copies, slab->target);
    glDeleteTextures(1, &slab->texture);
    glDeleteTextures(1, &slab->mask);
    bricks_destroy(slab->bricks);
    *slab = scene->slabs[--scene->slab_count];
}

static void forget_errors(void)
{
    while (glGetError() != GL_NO_ERROR) {
    }
}

static oriel_result check_error(struct scene *scene, struct slab *slab)
{
    GLenum error = glGetError();
    if (error == GL_NO_ERROR)
        return ORIEL_OK;
    forget_errors();
    uint32_t shape[3];
    memcpy(shape, slab->shape, sizeof shape);
    slab_drop(scene, slab);
    if (error == GL_OUT_OF_MEMORY)
        return scene_fail(scene, ORIEL_NOMEM, "the GPU has no room for %u×%u×%u voxels", shape[0],
                          shape[1], shape[2]);
    return scene_fail(scene, ORIEL_IO, "GL error 0x%x with %u×%u×%u voxels", error, shape[0],
                      shape[1], shape[2]);
}

static oriel_result check_piece(struct scene *scene, const struct oriel_slab *piece)
{
    const struct format *format = format_of(piece->dtype);
    if (!format)
        return scene_fail(scene, ORIEL_UNSUPPORTED, "voxels of type %u", piece->dtype);
    if (piece->id == 0 || (piece->ndisplay != 2 && piece->ndisplay != 3) ||
        (piece->ndisplay == 2 && piece->shape[2] != 1))
        return scene_fail(scene, ORIEL_INVALID, "a slab without id or of %u dimensions",
                          piece->ndisplay);
    uint32_t limit = (uint32_t)(piece->ndisplay == 2 ? scene->max_2d : scene->max_3d);
    for (int i = 0; i < 3; i++) {
        if (piece->shape[i] == 0 || !(piece->scale[i] != 0.0))
            return scene_fail(scene, ORIEL_INVALID, "a slab without extent on axis %d", i);
        if (piece->shape[i] > limit)
            return scene_fail(scene, ORIEL_UNSUPPORTED,
                              "%u voxels along one axis: textures of this GPU have %u at most",
                              piece->shape[i], limit);
        if (piece->data && (piece->offset[i] > piece->shape[i] ||
                            piece->extent[i] > piece->shape[i] - piece->offset[i]))
            return scene_fail(scene, ORIEL_INVALID, "a piece outside of its slab on axis %d", i);
    }
    uint64_t row = (uint64_t)piece->extent[0] * format->bytes;
    if (piece->data && ((piece->extent[1] > 1 && piece->row_bytes < row) ||
                        (piece->extent[2] > 1 && piece->slice_bytes < row)))
        return scene_fail(scene, ORIEL_INVALID, "rows of a piece overlap");
    return ORIEL_OK;
}

static GLuint texture_create(uint32_t ndisplay, GLenum internal, const uint32_t shape[3])
{
    GLuint texture;
    if (ndisplay == 2) {
        glCreateTextures(GL_TEXTURE_2D, 1, &texture);
        glTextureStorage2D(texture, 1, internal, (GLsizei)shape[0], (GLsizei)shape[1]);
    } else {
        glCreateTextures(GL_TEXTURE_3D, 1, &texture);
        glTextureStorage3D(texture, 1, internal, (GLsizei)shape[0], (GLsizei)shape[1],
                           (GLsizei)shape[2]);
    }
    return texture;
}

static bool covers_all(const struct oriel_slab *piece)
{
    return piece->data && piece->extent[0] == piece->shape[0] &&
           piece->extent[1] == piece->shape[1] && piece->extent[2] == piece->shape[2];
}

static oriel_result allocate(struct scene *scene, const struct oriel_slab *piece)
{
    struct slab *slabs = realloc(scene->slabs, (scene->slab_count + 1) * sizeof *slabs);
    if (!slabs)
        return scene_fail(scene, ORIEL_NOMEM, "out of memory");
    scene->slabs = slabs;
    struct slab *slab = &slabs[scene->slab_count++];
    *slab = (struct slab){.id = piece->id,
                          .layer = piece->layer,
                          .level = piece->level,
                          .ndisplay = piece->ndisplay,
                          .dtype = piece->dtype};
    memcpy(slab->shape, piece->shape, sizeof slab->shape);
    memcpy(slab->scale, piece->scale, sizeof slab->scale);
    memcpy(slab->translate, piece->translate, sizeof slab->translate);
    forget_errors();
    const struct format *format = format_of(piece->dtype);
    slab->texture = texture_create(piece->ndisplay, format->internal, piece->shape);
    if (!covers_all(piece)) {
        if (piece->ndisplay == 2) {
            slab->mask = texture_create(2, GL_R8, piece->shape);
            glClearTexImage(slab->mask, 0, GL_RED, GL_UNSIGNED_BYTE, NULL);
        } else {
            volume_zero(scene, slab->texture, slab->dtype, slab->shape);
        }
    }
    oriel_result result = check_error(scene, slab);
    if (result == ORIEL_OK && piece->ndisplay == 3)
        slab->bricks = bricks_create(scene, slab); /* NULL: without */
    return result;
}

static void sub_image(const struct slab *slab, GLenum type, const uint32_t offset[3],
                      const uint32_t extent[3], const void *data)
{
    if (slab->ndisplay == 2)
        glTextureSubImage2D(slab->texture, 0, (GLint)offset[0], (GLint)offset[1],
                            (GLsizei)extent[0], (GLsizei)extent[1], GL_RED, type, data);
    else
        glTextureSubImage3D(slab->texture, 0, (GLint)offset[0], (GLint)offset[1], (GLint)offset[2],
                            (GLsizei)extent[0], (GLsizei)extent[1], (GLsizei)extent[2], GL_RED,
                            type, data);
}

static void copy_by_gl(const struct slab *slab, const struct oriel_slab *piece)
{
    const struct format *format = format_of(slab->dtype);
    uint64_t tight = (uint64_t)piece->extent[0] * format->bytes;
    uint64_t row = piece->extent[1] > 1 ? piece->row_bytes : tight;
    uint64_t slice = piece->extent[2] > 1 ? piece->slice_bytes : row * piece->extent[1];
    glPixelStorei(GL_UNPACK_ROW_LENGTH, row % format->bytes ? 0 : (GLint)(row / format->bytes));
    if (row % format->bytes == 0 && slice % row == 0 && slice / row >= piece->extent[1]) {
        glPixelStorei(GL_UNPACK_IMAGE_HEIGHT, (GLint)(slice / row));
        sub_image(slab, format->type, piece->offset, piece->extent, piece->data);
        return;
    }
    /* Strides that GL cannot express: row by row. */
    glPixelStorei(GL_UNPACK_ROW_LENGTH, 0);
    glPixelStorei(GL_UNPACK_IMAGE_HEIGHT, 0);
    const uint32_t one[3] = {piece->extent[0], 1, 1};
    for (uint32_t z = 0; z < piece->extent[2]; z++) {
        for (uint32_t y = 0; y < piece->extent[1]; y++) {
            const uint32_t at[3] = {piece->offset[0], piece->offset[1] + y, piece->offset[2] + z};
            sub_image(slab, format->type, at, one, (const char *)piece->data + z * slice + y * row);
        }
    }
}

/* By CUDA where it works, else by OpenGL. */
static oriel_result copy_piece(struct scene *scene, struct slab *slab,
                               const struct oriel_slab *piece)
{
    oriel_result result = ORIEL_AGAIN;
    if (scene->copies)
        result = copies_add(scene->copies, &slab->target, slab->texture,
                            slab->ndisplay == 2 ? GL_TEXTURE_2D : GL_TEXTURE_3D,
                            format_of(slab->dtype)->bytes, piece);
    if (result != ORIEL_AGAIN)
        return result;
    struct gl_state state;
    gl_state_save(&state, false);
    scene_begin(scene);
    forget_errors();
    copy_by_gl(slab, piece);
    result = check_error(scene, slab);
    gl_state_restore(&state);
    return result;
}

oriel_result slab_upload(struct scene *scene, const struct oriel_slab *piece)
{
    oriel_result result = check_piece(scene, piece);
    if (result != ORIEL_OK)
        return result;
    struct slab *slab = slab_find(scene, piece->id);
    if (!slab) {
        result = allocate(scene, piece);
        if (result != ORIEL_OK)
            return result;
        slab = slab_find(scene, piece->id);
    } else if (slab->dtype != piece->dtype || slab->ndisplay != piece->ndisplay ||
               memcmp(slab->shape, piece->shape, sizeof slab->shape) != 0) {
        return scene_fail(scene, ORIEL_INVALID, "a piece of another shape or type than its slab");
    }
    if (piece->data && piece->extent[0] && piece->extent[1] && piece->extent[2]) {
        result = copy_piece(scene, slab, piece);
        if (result != ORIEL_OK)
            return result;
        if (slab->mask) {
            static const uint8_t here = 255;
            glClearTexSubImage(slab->mask, 0, (GLint)piece->offset[0], (GLint)piece->offset[1], 0,
                               (GLsizei)piece->extent[0], (GLsizei)piece->extent[1], 1, GL_RED,
                               GL_UNSIGNED_BYTE, &here);
        }
        if (slab->bricks)
            bricks_add(slab->bricks, piece);
    }
    if (piece->flags & ORIEL_SLAB_COMPLETE) {
        slab->complete = true;
        glDeleteTextures(1, &slab->mask);
        slab->mask = 0;
        return copies_collect(scene->copies);
    }
    return ORIEL_OK;
}
