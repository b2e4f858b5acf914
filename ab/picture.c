/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t fourcc;
} samples[] = {{"i420", ORIEL_FMT_I420},
               {"nv12", ORIEL_FMT_NV12},
               {"i444", ORIEL_FMT_I444},
               {"p010", ORIEL_FMT_P010}};
#define SAMPLES (sizeof samples / sizeof *samples)

const char *samples_name(uint32_t fourcc)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        if (samples[i].fourcc == fourcc)
            return samples[i].name;
    }
    return NULL;
}

uint32_t samples_find(const char *name)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        if (strcmp(samples[i].name, name) == 0)
            return samples[i].fourcc;
    }
    return 0;
}

static bool interleaved(uint32_t fourcc)
{
    return fourcc == ORIEL_FMT_NV12 || fourcc == ORIEL_FMT_P010;
}

static void shape(struct picture *picture, const struct oriel_format *format)
{
    bool whole = format->fourcc == ORIEL_FMT_I444;
    picture->depth = format->fourcc == ORIEL_FMT_P010 ? 10 : 8;
    for (int i = 0; i < 3; i++) {
        bool half = i && !whole;
        picture->width[i] = half ? (format->width + 1) / 2 : format->width;
        picture->height[i] = half ? (format->height + 1) / 2 : format->height;
        picture->stride[i] = picture->width[i] * (picture->depth > 8 ? 2 : 1);
    }
}

uint64_t frame_bytes(const struct oriel_format *format)
{
    if (!samples_name(format->fourcc))
        return 0;
    struct picture picture;
    shape(&picture, format);
    uint64_t bytes = 0;
    for (int i = 0; i < 3; i++)
        bytes += (uint64_t)picture.stride[i] * picture.height[i];
    return bytes;
}

bool picture_init(struct picture *picture, const struct oriel_format *format)
{
    shape(picture, format);
    uint8_t *at = picture->memory = malloc(frame_bytes(format));
    for (int i = 0; at && i < 3; i++) {
        picture->plane[i] = at;
        at += (size_t)picture->stride[i] * picture->height[i];
    }
    return picture->memory != NULL;
}

void picture_finish(struct picture *picture)
{
    free(picture->memory);
    *picture = (struct picture){0};
}

/* A row of Cb and Cr samples side by side, and apart. 10-bit samples stand in the upper bits. */
static void split(const uint8_t *from, uint32_t depth, uint32_t width, uint8_t *u, uint8_t *v)
{
    for (uint32_t x = 0; x < width && depth == 8; x++) {
        u[x] = from[2 * x];
        v[x] = from[2 * x + 1];
    }
    for (uint32_t x = 0; x < width && depth > 8; x++) {
        ((uint16_t *)u)[x] = ((const uint16_t *)from)[2 * x] >> 6;
        ((uint16_t *)v)[x] = ((const uint16_t *)from)[2 * x + 1] >> 6;
    }
}

static void join(uint8_t *to, uint32_t depth, uint32_t width, const uint8_t *u, const uint8_t *v)
{
    for (uint32_t x = 0; x < width && depth == 8; x++) {
        to[2 * x] = u[x];
        to[2 * x + 1] = v[x];
    }
    for (uint32_t x = 0; x < width && depth > 8; x++) {
        ((uint16_t *)to)[2 * x] = (uint16_t)(((const uint16_t *)u)[x] << 6);
        ((uint16_t *)to)[2 * x + 1] = (uint16_t)(((const uint16_t *)v)[x] << 6);
    }
}

static void copy_row(uint8_t *to, const uint8_t *from, uint32_t depth, uint32_t width, int up)
{
    if (depth == 8) {
        memcpy(to, from, width);
        return;
    }
    for (uint32_t x = 0; x < width; x++) {
        uint16_t value = ((const uint16_t *)from)[x];
        ((uint16_t *)to)[x] = (uint16_t)(up ? value << 6 : value >> 6);
    }
}

void picture_unpack(struct picture *picture, const struct oriel_format *format,
                    const uint8_t *packed)
{
    bool pairs = interleaved(format->fourcc);
    for (int i = 0; i < (pairs ? 1 : 3); i++)
        for (uint32_t y = 0; y < picture->height[i]; y++, packed += picture->stride[i])
            copy_row(picture->plane[i] + (size_t)y * picture->stride[i], packed, picture->depth,
                     picture->width[i], 0);
    for (uint32_t y = 0; pairs && y < picture->height[1]; y++) {
        size_t row = (size_t)y * picture->stride[1];
        split(packed, picture->depth, picture->width[1], picture->plane[1] + row,
              picture->plane[2] + row);
        packed += 2 * (size_t)picture->stride[1];
    }
}

void picture_pack(const struct picture *picture, const struct oriel_format *format,
                  uint8_t *const planes[3], const uint32_t stride[3])
{
    bool pairs = interleaved(format->fourcc);
    for (int i = 0; i < (pairs ? 1 : 3); i++)
        for (uint32_t y = 0; y < picture->height[i]; y++)
            copy_row(planes[i] + (size_t)y * stride[i],
                     picture->plane[i] + (size_t)y * picture->stride[i], picture->depth,
                     picture->width[i], 1);
    for (uint32_t y = 0; pairs && y < picture->height[1]; y++) {
        size_t row = (size_t)y * picture->stride[1];
        join(planes[1] + (size_t)y * stride[1], picture->depth, picture->width[1],
             picture->plane[1] + row, picture->plane[2] + row);
    }
}

/* --- colours: ITU-T H.273, matrix coefficients of BT.601 and BT.709 --- */

static void weights(const struct oriel_format *format, double *red, double *blue)
{
    bool bt709 = format->matrix == ORIEL_MATRIX_BT709;
    *red = bt709 ? 0.2126 : 0.299;
    *blue = bt709 ? 0.0722 : 0.114;
}

static double sample(const struct picture *picture, int plane, uint32_t x, uint32_t y)
{
    const uint8_t *row = picture->plane[plane] + (size_t)y * picture->stride[plane];
    return picture->depth > 8 ? ((const uint16_t *)row)[x] : row[x];
}

static uint8_t byte(double value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5);
}

void picture_rgba(const struct picture *picture, const struct oriel_format *format, bool bottom_up,
                  uint8_t *rgba)
{
    double kr, kb, unit = (double)(1u << (picture->depth - 8));
    weights(format, &kr, &kb);
    double kg = 1 - kr - kb;
    double luma =
        format->full_range ? 255.0 / ((double)(1u << picture->depth) - 1) : 255.0 / (219 * unit);
    double chroma =
        format->full_range ? 255.0 / ((double)(1u << picture->depth) - 1) : 255.0 / (224 * unit);
    double black = format->full_range ? 0 : 16 * unit;
    bool half_x = picture->width[1] != picture->width[0];
    bool half_y = picture->height[1] != picture->height[0];
    for (uint32_t y = 0; y < picture->height[0]; y++) {
        uint32_t row = bottom_up ? picture->height[0] - 1 - y : y;
        uint8_t *to = rgba + (size_t)y * picture->width[0] * 4;
        for (uint32_t x = 0; x < picture->width[0]; x++, to += 4) {
            uint32_t cx = half_x ? x / 2 : x, cy = half_y ? row / 2 : row;
            double l = (sample(picture, 0, x, row) - black) * luma;
            double cb = (sample(picture, 1, cx, cy) - 128 * unit) * chroma;
            double cr = (sample(picture, 2, cx, cy) - 128 * unit) * chroma;
            to[0] = byte(l + 2 * (1 - kr) * cr);
            to[1] = byte(l - (2 * kb * (1 - kb) * cb + 2 * kr * (1 - kr) * cr) / kg);
            to[2] = byte(l + 2 * (1 - kb) * cb);
            to[3] = 255;
        }
    }
}

static uint16_t deep(double value)
{
    return (uint16_t)((value <= 0 ? 0 : value >= 1023 ? 1023 : (unsigned)(value + 0.5)) << 6);
}

void pack_p010(const uint8_t *rgba, uint32_t stride, const struct oriel_format *format,
               uint8_t *packed)
{
    double kr, kb;
    weights(format, &kr, &kb);
    uint32_t w = format->width, h = format->height;
    double luma = format->full_range ? 1023 / 255.0 : 876 / 255.0;
    double chroma = format->full_range ? 1023 / 255.0 : 896 / 255.0;
    double black = format->full_range ? 0 : 64;
    uint16_t *to = (uint16_t *)packed;
    for (uint32_t y = 0; y < h; y++) {
        const uint8_t *at = rgba + (size_t)y * stride;
        for (uint32_t x = 0; x < w; x++, at += 4)
            *to++ = deep(black + luma * (kr * at[0] + (1 - kr - kb) * at[1] + kb * at[2]));
    }
    for (uint32_t y = 0; y < h; y += 2) {
        for (uint32_t x = 0; x < w; x += 2) {
            double sum[3] = {0}, count = 0;
            for (uint32_t j = y; j < y + 2 && j < h; j++)
                for (uint32_t i = x; i < x + 2 && i < w; i++, count++)
                    for (int c = 0; c < 3; c++)
                        sum[c] += rgba[(size_t)j * stride + 4 * (size_t)i + c];
            double l = (kr * sum[0] + (1 - kr - kb) * sum[1] + kb * sum[2]) / count;
            *to++ = deep(512 + chroma * (sum[2] / count - l) / (2 * (1 - kb)));
            *to++ = deep(512 + chroma * (sum[0] / count - l) / (2 * (1 - kr)));
        }
    }
}
