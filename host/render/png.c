/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/png.h"

#include <png.h>
#include <stdlib.h>

uint8_t *encode_png(const uint8_t *rgba, uint32_t width, uint32_t height, size_t *bytes)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_RGBA};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *png = malloc(size);
    if (!png || !png_image_write_to_memory(&image, png, &size, 0, rgba, 0, NULL)) {
        free(png);
        return NULL;
    }
    *bytes = size;
    return png;
}
