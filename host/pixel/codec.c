/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/codec.h"

#include <string.h>

#include "oriel/encoder.h"

const struct codec codecs[CODEC_COUNT] = {
    {ORIEL_CODEC_H264, 1, false, true, "h264"}, {ORIEL_CODEC_HEVC, 2, false, true, "hevc"},
    {ORIEL_CODEC_AV1, 3, false, true, "av1"},   {ORIEL_CODEC_VP8, 4, false, true, "vp8"},
    {ORIEL_CODEC_VP9, 5, false, true, "vp9"},   {ORIEL_CODEC_JPEG, 6, true, false, "jpeg"},
    {ORIEL_CODEC_PNG, 7, true, false, "png"},   {ORIEL_CODEC_RAW, 8, true, false, "raw"},
    {ORIEL_CODEC_NULL, 9, true, false, "null"},
};

const struct codec *codec_find(uint32_t fourcc)
{
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        if (codecs[i].fourcc == fourcc)
            return &codecs[i];
    }
    return NULL;
}

const struct codec *codec_named(const char *name, size_t length)
{
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        if (strlen(codecs[i].name) == length && memcmp(codecs[i].name, name, length) == 0)
            return &codecs[i];
    }
    return NULL;
}
