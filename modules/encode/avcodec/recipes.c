/* SPDX-License-Identifier: BSD-3-Clause */
#include "recipes.h"

#include <string.h>

#include "oriel/encoder.h"

/* Hardware first; then what is fastest without holding pictures back. NVIDIA's engine has a module
 * of its own, so it is used here only by name. */
static const char *const h264[] = {"h264_vaapi", "h264_qsv",    "h264_amf",
                                   "libx264",    "libopenh264", NULL};
static const char *const hevc[] = {"hevc_vaapi", "hevc_qsv", "hevc_amf", "libx265", NULL};
static const char *const av1[] = {"av1_vaapi",  "av1_qsv",   "av1_amf",
                                  "libaom-av1", "libsvtav1", NULL};
static const char *const vp9[] = {"vp9_vaapi", "vp9_qsv", "libvpx-vp9", NULL};
static const char *const vp8[] = {"vp8_vaapi", "libvpx", NULL};
static const char *const jpeg[] = {"mjpeg_vaapi", "mjpeg_qsv", "mjpeg", NULL};

const struct family families[] = {
    {"h264", ORIEL_CODEC_H264, AV_CODEC_ID_H264, h264},
    {"hevc", ORIEL_CODEC_HEVC, AV_CODEC_ID_HEVC, hevc},
    {"av1", ORIEL_CODEC_AV1, AV_CODEC_ID_AV1, av1},
    {"vp9", ORIEL_CODEC_VP9, AV_CODEC_ID_VP9, vp9},
    {"vp8", ORIEL_CODEC_VP8, AV_CODEC_ID_VP8, vp8},
    {"jpeg", ORIEL_CODEC_JPEG, AV_CODEC_ID_MJPEG, jpeg},
};
const unsigned family_count = sizeof(families) / sizeof(families[0]);

static const struct recipe recipes[] = {
    {.encoder = "libx264",
     .options = "preset=superfast tune=zerolatency forced-idr=1 sc_threshold=0",
     .live = true},
    /* Its own log goes to stderr. */
    {.encoder = "libx265",
     .options = "preset=ultrafast tune=zerolatency forced-idr=1 "
                "x265-params=log-level=error:scenecut=0:pools=",
     .threads_in_options = true},
    {.encoder = "libsvtav1",
     .options = "preset=12 svtav1-params=pred-struct=1:scd=0:lookahead=0:lp=",
     .threads_in_options = true,
     .constant = true,
     .above = true,
     .most_rate = 100000000,
     .deaf = true,
     .end_first = true},
    {.encoder = "libaom-av1",
     .options = "usage=realtime cpu-used=8 lag-in-frames=0 row-mt=1 aq-mode=3",
     .constant = true},
    {.encoder = "librav1e",
     .options = "speed=10 rav1e-params=low_latency=true:rdo_lookahead_frames=1",
     .deaf = true},
    {.encoder = "libvpx-vp9",
     .options = "deadline=realtime cpu-used=8 lag-in-frames=0 row-mt=1 aq-mode=3",
     .constant = true},
    /* A positive speed would adapt to the load until the picture collapses. */
    {.encoder = "libvpx",
     .options = "deadline=realtime cpu-used=-8 lag-in-frames=0",
     .constant = true},
    {.encoder = "mjpeg", .options = "huffman=default", .live = true, .most_quality = 31},
    {.encoder = "mjpeg_vaapi", .options = "async_depth=1 jfif=1", .most_quality = 100},
    {.encoder = "mjpeg_qsv", .options = "async_depth=1", .most_quality = 100},
    {.encoder = "_vaapi", .options = "async_depth=1"},
    {.encoder = "_qsv", .options = "async_depth=1 forced_idr=1 look_ahead=0 preset=veryfast"},
    {.encoder = "_amf", .options = "usage=ultralowlatency quality=speed forced_idr=1"},
    {.encoder = "_nvenc",
     .options = "preset=p3 tune=ull delay=0 zerolatency=1 forced-idr=1 rc=vbr",
     .live = true},
};

const struct family *family_named(const char *name)
{
    for (unsigned i = 0; i < family_count; i++)
        if (strcmp(families[i].name, name) == 0)
            return &families[i];
    return NULL;
}

const struct recipe *recipe_of(const char *encoder)
{
    static const struct recipe none = {.encoder = "", .options = ""};
    size_t length = strlen(encoder);
    for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
        const char *name = recipes[i].encoder;
        size_t end = strlen(name);
        if (name[0] == '_' ? length > end && strcmp(encoder + length - end, name) == 0
                           : strcmp(encoder, name) == 0)
            return &recipes[i];
    }
    return &none;
}
