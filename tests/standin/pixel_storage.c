/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel_storage.h"

static const struct {
    GLenum name;
    GLint plain;
} ways[] = {
    {GL_PACK_ALIGNMENT, 1},      {GL_PACK_ROW_LENGTH, 0},    {GL_PACK_IMAGE_HEIGHT, 0},
    {GL_PACK_SKIP_PIXELS, 0},    {GL_PACK_SKIP_ROWS, 0},     {GL_PACK_SKIP_IMAGES, 0},
    {GL_PACK_SWAP_BYTES, 0},     {GL_UNPACK_ALIGNMENT, 1},   {GL_UNPACK_ROW_LENGTH, 0},
    {GL_UNPACK_IMAGE_HEIGHT, 0}, {GL_UNPACK_SKIP_PIXELS, 0}, {GL_UNPACK_SKIP_ROWS, 0},
    {GL_UNPACK_SKIP_IMAGES, 0},  {GL_UNPACK_SWAP_BYTES, 0},
};
enum { WAYS = sizeof ways / sizeof *ways };
_Static_assert(WAYS == sizeof((struct pixel_storage){0}).values / sizeof(GLint), "all are kept");

void pixel_storage_plain(struct pixel_storage *before)
{
    glGetIntegerv(GL_PIXEL_PACK_BUFFER_BINDING, &before->pack_buffer);
    glGetIntegerv(GL_PIXEL_UNPACK_BUFFER_BINDING, &before->unpack_buffer);
    glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
    glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
    for (int i = 0; i < WAYS; i++) {
        glGetIntegerv(ways[i].name, &before->values[i]);
        glPixelStorei(ways[i].name, ways[i].plain);
    }
}

void pixel_storage_restore(const struct pixel_storage *before)
{
    for (int i = 0; i < WAYS; i++)
        glPixelStorei(ways[i].name, before->values[i]);
    glBindBuffer(GL_PIXEL_PACK_BUFFER, (GLuint)before->pack_buffer);
    glBindBuffer(GL_PIXEL_UNPACK_BUFFER, (GLuint)before->unpack_buffer);
}
