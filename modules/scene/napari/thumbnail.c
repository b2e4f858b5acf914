/* SPDX-License-Identifier: BSD-3-Clause */
/* A layer alone: an image from above, a volume along its z axis. */
#include <math.h>
#include <string.h>

#include "napari.h"

/* The whole slab in the middle of the picture, y down, square units. */
static void fit(const struct slab *slab, uint32_t width, uint32_t height, double m[16])
{
    double center[3], extent[3];
    for (int i = 0; i < 3; i++) {
        center[i] = slab->translate[i] + slab->scale[i] * (slab->shape[i] - 1.0) / 2.0;
        extent[i] = fabs(slab->scale[i]) * slab->shape[i];
    }
    double zoom = fmin(width / extent[0], height / extent[1]);
    memset(m, 0, 16 * sizeof *m);
    m[0] = 2.0 * zoom / width;
    m[5] = -2.0 * zoom / height;
    m[10] = 1.0 / extent[2]; /* well inside of -1..1 */
    for (int i = 0; i < 3; i++)
        m[12 + i] = -m[5 * i] * center[i];
    m[15] = 1.0;
}

static void flip(uint8_t *rgba, uint32_t width, uint32_t height)
{
    size_t row = (size_t)width * 4;
    for (uint32_t y = 0; y < height / 2; y++) {
        uint8_t *a = rgba + y * row, *b = rgba + (height - 1 - y) * row;
        for (size_t i = 0; i < row; i++) {
            uint8_t t = a[i];
            a[i] = b[i];
            b[i] = t;
        }
    }
}

oriel_result thumbnail_draw(struct scene *scene, uint64_t key, uint32_t width, uint32_t height,
                            uint8_t *rgba)
{
    struct layer *layer = scene_layer(scene, key);
    const struct slab *slab = layer ? slab_find(scene, layer->base) : NULL;
    if (layer && !slab)
        slab = slab_find(scene, layer->detail);
    if (!slab)
        return ORIEL_AGAIN;
    oriel_result result = slab_settle(scene, slab);
    if (result != ORIEL_OK)
        return result;
    GLuint texture, framebuffer;
    glCreateTextures(GL_TEXTURE_2D, 1, &texture);
    glTextureStorage2D(texture, 1, GL_RGBA8, (GLsizei)width, (GLsizei)height);
    glCreateFramebuffers(1, &framebuffer);
    glNamedFramebufferTexture(framebuffer, GL_COLOR_ATTACHMENT0, texture, 0);
    if (glCheckNamedFramebufferStatus(framebuffer, GL_DRAW_FRAMEBUFFER) !=
        GL_FRAMEBUFFER_COMPLETE) {
        result = scene_fail(scene, ORIEL_NOMEM, "no framebuffer of %u×%u pixels", width, height);
    } else {
        static const float nothing[4] = {0};
        double m[16];
        fit(slab, width, height, m);
        struct pass pass = {.width = width, .height = height, .world_to_clip = m, .step = 1.0};
        glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
        glViewport(0, 0, (GLsizei)width, (GLsizei)height);
        scene_clear(nothing, false);
        glDisable(GL_BLEND);
        glDisable(GL_DEPTH_TEST);
        result = slab->ndisplay == 2 ? image_draw(scene, layer, &pass, slab, NULL)
                                     : volume_draw(scene, layer, &pass, slab);
        glPixelStorei(GL_PACK_ALIGNMENT, 1);
        glPixelStorei(GL_PACK_ROW_LENGTH, 0);
        glPixelStorei(GL_PACK_SKIP_PIXELS, 0);
        glPixelStorei(GL_PACK_SKIP_ROWS, 0);
        glReadPixels(0, 0, (GLsizei)width, (GLsizei)height, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
        flip(rgba, width, height);
    }
    glDeleteFramebuffers(1, &framebuffer);
    glDeleteTextures(1, &texture);
    return result;
}
