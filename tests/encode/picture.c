/* SPDX-License-Identifier: BSD-3-Clause */
#include "picture.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct picture picture_create(uint32_t width, uint32_t height)
{
    return (struct picture){width, height, calloc((size_t)width * height, 3)};
}

void picture_finish(struct picture *picture)
{
    free(picture->rgb);
}

static uint8_t byte(double value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)lrint(value);
}

void picture_scene(struct picture *picture, unsigned t)
{
    double w = picture->width, h = picture->height;
    for (uint32_t y = 0; y < picture->height; y++)
        for (uint32_t x = 0; x < picture->width; x++) {
            double u = (x + 2.0 * t) / w * 6.0, v = y / h * 4.0;
            double blob = 90.0 + 70.0 * sin(u) * cos(v + 0.05 * t);
            double grain = 12.0 * sin(0.9 * x + 1.8 * t) * sin(1.1 * y);
            uint8_t *p = picture->rgb + 3 * ((size_t)y * picture->width + x);
            p[0] = byte(blob + grain);
            p[1] = byte(255.0 * y / h * 0.6 + grain);
            p[2] = byte(200.0 - blob + 0.5 * grain);
        }
}

static const uint8_t colours[PATCHES][3] = {
    {0, 0, 0},   {255, 255, 255}, {128, 128, 128}, {40, 40, 40},  {255, 0, 0},    {0, 255, 0},
    {0, 0, 255}, {0, 255, 255},   {255, 0, 255},   {255, 255, 0}, {200, 100, 50}, {30, 90, 160},
};

void picture_patches(struct picture *picture)
{
    for (uint32_t y = 0; y < picture->height; y++)
        for (uint32_t x = 0; x < picture->width; x++) {
            uint32_t patch = 4 * (3 * y / picture->height) + 4 * x / picture->width;
            memcpy(picture->rgb + 3 * ((size_t)y * picture->width + x), colours[patch], 3);
        }
}

void patch_centre(const struct picture *picture, int patch, uint32_t *x, uint32_t *y)
{
    *x = picture->width * (2 * (uint32_t)(patch % 4) + 1) / 8;
    *y = picture->height * (2 * (uint32_t)(patch / 4) + 1) / 6;
}

struct oriel_format format_of(uint32_t fourcc, uint32_t width, uint32_t height, uint8_t matrix,
                              uint8_t full_range)
{
    return (struct oriel_format){.domain = ORIEL_DOMAIN_CPU,
                                 .fourcc = fourcc,
                                 .width = width,
                                 .height = height,
                                 .primaries = ORIEL_PRIMARIES_BT709,
                                 .transfer = ORIEL_TRANSFER_SRGB,
                                 .matrix = matrix,
                                 .full_range = full_range};
}

struct oriel_frame *frame_create(const struct oriel_format *format)
{
    struct oriel_frame *frame = calloc(1, sizeof(*frame));
    bool half = format->fourcc == ORIEL_FMT_I420 || format->fourcc == ORIEL_FMT_NV12;
    uint32_t chroma_w = half ? (format->width + 1) / 2 : format->width;
    uint32_t chroma_h = half ? (format->height + 1) / 2 : format->height;
    frame->size = sizeof(*frame);
    frame->format = *format;
    frame->plane_count = format->fourcc == ORIEL_FMT_RGBA   ? 1
                         : format->fourcc == ORIEL_FMT_NV12 ? 2
                                                            : 3;
    for (uint32_t i = 0; i < frame->plane_count; i++) {
        uint32_t bytes = i ? chroma_w : format->width;
        if (format->fourcc == ORIEL_FMT_RGBA)
            bytes *= 4;
        if (format->fourcc == ORIEL_FMT_NV12 && i)
            bytes *= 2;
        struct oriel_plane *plane = &frame->planes[i];
        plane->rows = i ? chroma_h : format->height;
        plane->stride = bytes + 13; /* no encoder may count on aligned rows */
        plane->offset = 5;
        plane->handle = (uintptr_t)malloc(plane->offset + (size_t)plane->stride * plane->rows);
    }
    return frame;
}

void frame_destroy(struct oriel_frame *frame)
{
    for (uint32_t i = 0; i < frame->plane_count; i++)
        free((void *)(uintptr_t)frame->planes[i].handle);
    free(frame);
}

static uint8_t *sample_at(const struct oriel_frame *frame, uint32_t plane, uint32_t x, uint32_t y)
{
    const struct oriel_plane *p = &frame->planes[plane];
    return (uint8_t *)(uintptr_t)p->handle + p->offset + (size_t)y * p->stride + x;
}

uint8_t frame_sample(const struct oriel_frame *frame, uint32_t plane, uint32_t x, uint32_t y)
{
    return *sample_at(frame, plane, x, y);
}

/* ITU-T H.273 8.3: E'Y and the colour differences from E'R, E'G, E'B with KR and KB. */
static void luma_weights(uint8_t matrix, double *kr, double *kb)
{
    *kr = matrix == ORIEL_MATRIX_BT709 ? 0.2126 : 0.299;
    *kb = matrix == ORIEL_MATRIX_BT709 ? 0.0722 : 0.114;
}

static void rgb_to_yuv(const struct oriel_format *format, const double rgb[3], double yuv[3])
{
    double kr, kb;
    luma_weights(format->matrix, &kr, &kb);
    double y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
    double u = (rgb[2] - y) / (2 * (1 - kb)), v = (rgb[0] - y) / (2 * (1 - kr));
    yuv[0] = format->full_range ? y : 16 + y * 219 / 255;
    yuv[1] = 128 + u * (format->full_range ? 1 : 224.0 / 255);
    yuv[2] = 128 + v * (format->full_range ? 1 : 224.0 / 255);
}

void yuv_to_rgb(uint8_t matrix, int full_range, double y, double u, double v, double rgb[3])
{
    double kr, kb;
    luma_weights(matrix, &kr, &kb);
    y = full_range ? y : (y - 16) * 255 / 219;
    u = (u - 128) * (full_range ? 1 : 255.0 / 224);
    v = (v - 128) * (full_range ? 1 : 255.0 / 224);
    rgb[0] = y + 2 * (1 - kr) * v;
    rgb[2] = y + 2 * (1 - kb) * u;
    rgb[1] = (y - kr * rgb[0] - kb * rgb[2]) / (1 - kr - kb);
}

/* The mean colour of the pixels (x, y) to (x + side, y + side), with edges repeated. */
static void mean(const struct picture *picture, uint32_t x, uint32_t y, uint32_t side,
                 double rgb[3])
{
    rgb[0] = rgb[1] = rgb[2] = 0;
    for (uint32_t j = 0; j < side; j++)
        for (uint32_t i = 0; i < side; i++) {
            uint32_t px = x + i < picture->width ? x + i : picture->width - 1;
            uint32_t py = y + j < picture->height ? y + j : picture->height - 1;
            const uint8_t *p = picture->rgb + 3 * ((size_t)py * picture->width + px);
            for (int c = 0; c < 3; c++)
                rgb[c] += (double)p[c] / (side * side);
        }
}

void frame_fill(struct oriel_frame *frame, const struct picture *picture, uint64_t seq)
{
    const struct oriel_format *format = &frame->format;
    bool nv12 = format->fourcc == ORIEL_FMT_NV12;
    uint32_t side = format->fourcc == ORIEL_FMT_I444 ? 1 : 2;
    double rgb[3], yuv[3];
    for (uint32_t y = 0; y < picture->height; y++)
        for (uint32_t x = 0; x < picture->width; x++) {
            mean(picture, x, y, 1, rgb);
            if (format->fourcc == ORIEL_FMT_RGBA) {
                for (uint32_t c = 0; c < 4; c++)
                    *sample_at(frame, 0, 4 * x + c, y) = c < 3 ? (uint8_t)rgb[c] : 77;
                continue;
            }
            rgb_to_yuv(format, rgb, yuv);
            *sample_at(frame, 0, x, y) = byte(yuv[0]);
            if (x % side || y % side)
                continue;
            mean(picture, x, y, side, rgb);
            rgb_to_yuv(format, rgb, yuv);
            *sample_at(frame, 1, nv12 ? x : x / side, y / side) = byte(yuv[1]);
            *sample_at(frame, nv12 ? 1 : 2, nv12 ? x + 1 : x / side, y / side) = byte(yuv[2]);
        }
    frame->stamp = (struct oriel_stamp){.seq = seq,
                                        .revision = 1000 + seq,
                                        .pts_ns = (int64_t)seq * 16666667,
                                        .t_input_ns = 1,
                                        .t_begin_ns = 2,
                                        .t_drawn_ns = 3,
                                        .t_captured_ns = 4,
                                        .flags = ORIEL_FRAME_BOTTOM_UP,
                                        .level = 2,
                                        .level_count = 5,
                                        .coverage = 0.5f,
                                        .outstanding = 12345};
}
