/* SPDX-License-Identifier: BSD-3-Clause */
#include "cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define H264 ORIEL_CODEC_H264
#define B601 ORIEL_MATRIX_BT601
#define B709 ORIEL_MATRIX_BT709
#define NULL_CODEC ORIEL_FOURCC('N', 'U', 'L', 'L')

struct encode_case encode_cases[] = {
    {"encode/openh264", "threads=1", H264, ORIEL_FMT_I420, B601, 1, 36, NULL},
    {"encode/openh264", "threads=2 complexity=high", H264, ORIEL_FMT_I420, B709, 1, 36, NULL},
    {"encode/openh264", "keyint=0", H264, ORIEL_FMT_I420, B709, 0, 36, NULL},
    {"encode/openh264", "slices=4 complexity=medium", H264, ORIEL_FMT_I420, B601, 0, 36, NULL},
    {"encode/x264", "threads=1", H264, ORIEL_FMT_I420, B601, 1, 36, NULL},
    {"encode/x264", "threads=2", H264, ORIEL_FMT_NV12, B709, 1, 36, NULL},
    {"encode/x264", "preset=ultrafast", H264, ORIEL_FMT_I420, B709, 0, 34, NULL},
    {"encode/x264", "rate_control=quality crf=18", H264, ORIEL_FMT_NV12, B601, 0, 36, NULL},
    {"encode/x264", "intra_refresh=true keyint=20", H264, ORIEL_FMT_I444, B601, 1, 36, NULL},
    {"encode/x264", "rate_control=lossless", H264, ORIEL_FMT_I444, B601, 1, 99, NULL},
    {"encode/x264", "rate_control=lossless", H264, ORIEL_FMT_I420, B709, 1, 99, NULL},
    {"encode/vpx", "threads=1", ORIEL_CODEC_VP9, ORIEL_FMT_I420, B601, 1, 34, NULL},
    {"encode/vpx", "threads=2", ORIEL_CODEC_VP9, ORIEL_FMT_I420, B709, 1, 34, NULL},
    {"encode/vpx", "cpu_used=5", ORIEL_CODEC_VP9, ORIEL_FMT_I420, B709, 0, 34, NULL},
    {"encode/vpx", "codec=vp9", ORIEL_CODEC_VP9, ORIEL_FMT_I444, B601, 1, 34, NULL},
    {"encode/vpx", "codec=vp8 threads=1", ORIEL_CODEC_VP8, ORIEL_FMT_I420, B601, 1, 32, NULL},
    {"encode/vpx", "codec=vp8 threads=2", ORIEL_CODEC_VP8, ORIEL_FMT_I420, B709, 0, 32, NULL},
    {"encode/avcodec", "encoder=libx264 threads=1", H264, ORIEL_FMT_I420, B601, 1, 36, NULL},
    {"encode/avcodec", "encoder=libx264 threads=2", H264, ORIEL_FMT_NV12, B709, 0, 36, NULL},
    {"encode/avcodec", "encoder=libx264", H264, ORIEL_FMT_I444, B601, 1, 36, NULL},
    {"encode/avcodec", "codec=vp9 encoder=libvpx-vp9 threads=1", ORIEL_CODEC_VP9, ORIEL_FMT_NV12,
     B709, 1, 34, NULL},
    {"encode/avcodec", "codec=vp8 encoder=libvpx", ORIEL_CODEC_VP8, ORIEL_FMT_I420, B601, 1, 32,
     NULL},
    {"encode/avcodec", "codec=jpeg encoder=mjpeg quality=90", ORIEL_CODEC_JPEG, ORIEL_FMT_I420,
     B601, 1, 34, NULL},
    {"encode/jpeg", "quality=90", ORIEL_CODEC_JPEG, ORIEL_FMT_I420, B601, 1, 36, NULL},
    {"encode/jpeg", "", ORIEL_CODEC_JPEG, ORIEL_FMT_I444, B601, 1, 34, NULL},
    {"encode/jpeg", "subsampling=444", ORIEL_CODEC_JPEG, ORIEL_FMT_RGBA, 0, 1, 34, NULL},
    {"encode/png", "", ORIEL_CODEC_PNG, ORIEL_FMT_RGBA, 0, 1, 99, NULL},
    {"encode/png", "level=9", ORIEL_CODEC_PNG, ORIEL_FMT_RGBA, 0, 1, 99, NULL},
    {"encode/raw", "", ORIEL_CODEC_RAW, ORIEL_FMT_I420, B601, 1, 0, NULL},
    {"encode/raw", "", ORIEL_CODEC_RAW, ORIEL_FMT_NV12, B709, 0, 0, NULL},
    {"encode/raw", "", ORIEL_CODEC_RAW, ORIEL_FMT_RGBA, 0, 1, 0, NULL},
    {"encode/null", "", NULL_CODEC, ORIEL_FMT_I444, B601, 1, 0, NULL},
};
const unsigned encode_case_count = sizeof(encode_cases) / sizeof(encode_cases[0]);

int cases_open(void **state)
{
    (void)state;
    for (unsigned i = 0; i < encode_case_count; i++) {
        struct encode_case *c = &encode_cases[i];
        if (i && strcmp(c->id, encode_cases[i - 1].id) == 0)
            c->encoder = encode_cases[i - 1].encoder;
        else
            c->encoder = module_open(c->id, NULL);
    }
    return 0;
}

bool case_inter(const struct encode_case *c)
{
    return c->codec == H264 || c->codec == ORIEL_CODEC_VP9 || c->codec == ORIEL_CODEC_VP8;
}

struct oriel_format case_format(const struct encode_case *c, uint32_t width, uint32_t height)
{
    return format_of(c->fourcc, width, height, c->matrix, c->full_range);
}

bool case_takes(const struct encode_case *c, uint32_t width, uint32_t height)
{
    return c->codec != H264 || c->fourcc == ORIEL_FMT_I444 || (width % 2 == 0 && height % 2 == 0);
}
