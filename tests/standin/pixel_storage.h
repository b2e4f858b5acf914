/* SPDX-License-Identifier: BSD-3-Clause */
/* How the caller of a driver has OpenGL lay pixels out in memory, which the driver does not heed.
 */
#ifndef STANDIN_PIXEL_STORAGE_H
#define STANDIN_PIXEL_STORAGE_H

#include <epoxy/gl.h>

struct pixel_storage {
    GLint values[14], pack_buffer, unpack_buffer;
};

/* Rows without gaps in the process's memory, until it is restored. */
void pixel_storage_plain(struct pixel_storage *before);
void pixel_storage_restore(const struct pixel_storage *before);

#endif
