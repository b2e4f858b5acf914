/* SPDX-License-Identifier: BSD-3-Clause */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

uint8_t *picture_noise(uint32_t width, uint32_t height, unsigned seed)
{
    uint8_t *rgba = malloc((size_t)width * height * 4);
    for (size_t i = 0; i < (size_t)width * height * 4; i++) {
        seed = seed * 1664525u + 1013904223u;
        rgba[i] = seed >> 31 ? (uint8_t)(seed >> 16) : seed >> 30 & 1 ? 255 : 0;
    }
    return rgba;
}

uint8_t *picture_turned(const uint8_t *rgba, uint32_t width, uint32_t height)
{
    size_t row = 4 * (size_t)width;
    uint8_t *turned = malloc(row * height);
    for (uint32_t y = 0; y < height; y++)
        memcpy(turned + (height - 1 - y) * row, rgba + y * row, row);
    return turned;
}

void picture_exact(const struct oriel_format *format, const uint8_t *rgba, uint32_t x, uint32_t y,
                   uint32_t side, double yuv[3])
{
    double rgb[3] = {0};
    for (uint32_t j = 0; j < side; j++)
        for (uint32_t i = 0; i < side; i++) {
            uint32_t px = x + i < format->width ? x + i : format->width - 1;
            uint32_t py = y + j < format->height ? y + j : format->height - 1;
            for (int c = 0; c < 3; c++)
                rgb[c] +=
                    rgba[4 * ((size_t)py * format->width + px) + (size_t)c] / (double)(side * side);
        }
    double kr = format->matrix == ORIEL_MATRIX_BT709 ? 0.2126 : 0.299;
    double kb = format->matrix == ORIEL_MATRIX_BT709 ? 0.0722 : 0.114;
    double luma = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
    double unit = format->fourcc == ORIEL_FMT_P010 ? 4 : 1;
    double full = format->fourcc == ORIEL_FMT_P010 ? 1023.0 / 255 : 1;
    yuv[0] = format->full_range ? luma * full : (16 + luma * 219 / 255) * unit;
    double scale = format->full_range ? full : unit * 224 / 255;
    yuv[1] = 128 * unit + (rgb[2] - luma) / (2 * (1 - kb)) * scale;
    yuv[2] = 128 * unit + (rgb[0] - luma) / (2 * (1 - kr)) * scale;
}
