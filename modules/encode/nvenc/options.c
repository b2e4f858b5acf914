/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#if NVENC_HAS_AV1
#define CODEC_CHOICES "h264 hevc av1"
#else
#define CODEC_CHOICES "h264 hevc"
#endif

#define RATE_MIN 50000
#define RATE_MAX 2000000000

const uint32_t nvenc_codecs[] = {
    ORIEL_CODEC_H264,
    ORIEL_CODEC_HEVC,
#if NVENC_HAS_AV1
    ORIEL_CODEC_AV1,
#endif
};
const size_t nvenc_codec_count = ENCODE_COUNT(nvenc_codecs);

/* No copy, no copy, an upload. 8 bit before 10: nothing that is drawn has more. */
const struct oriel_format nvenc_formats[] = {
    ENCODE_YUV_FORMATS_IN(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12),
    ENCODE_YUV_FORMATS_IN(ORIEL_DOMAIN_CUDA, ORIEL_FMT_I444),
    ENCODE_YUV_FORMATS_IN(ORIEL_DOMAIN_CUDA, ORIEL_FMT_P010),
    ENCODE_YUV_FORMATS_IN(ORIEL_DOMAIN_GL, ORIEL_FMT_NV12),
    ENCODE_YUV_FORMATS_IN(ORIEL_DOMAIN_GL, ORIEL_FMT_I444),
    ENCODE_YUV_FORMATS_IN(ORIEL_DOMAIN_CPU, ORIEL_FMT_NV12),
    ENCODE_YUV_FORMATS_IN(ORIEL_DOMAIN_CPU, ORIEL_FMT_I444),
    ENCODE_YUV_FORMATS_IN(ORIEL_DOMAIN_CPU, ORIEL_FMT_P010),
};
const size_t nvenc_format_count = ENCODE_COUNT(nvenc_formats);

static const struct oriel_option option_list[] = {
    {.name = "codec",
     .default_value = "h264",
     .choices = CODEC_CHOICES,
     .help = "H.264 is decoded everywhere; the others need fewer bits where GPU and client have "
             "them.",
     .type = ORIEL_OPT_ENUM},
    {.name = "preset",
     .default_value = "p3",
     .choices = "p1 p2 p3 p4 p5 p6 p7",
     .help = "NVIDIA's preset: p1 is fastest, p7 needs fewest bits for the same picture.",
     .type = ORIEL_OPT_ENUM},
    {.name = "tuning",
     .default_value = "ultra_low_latency",
     .choices = "ultra_low_latency low_latency",
     .help = "What the preset is tuned for: low_latency lets key pictures be larger and spends "
             "more time on the rate.",
     .type = ORIEL_OPT_ENUM},
    {.name = "rate_control",
     .default_value = "bitrate",
     .choices = "bitrate variable quality lossless",
     .help = "What is held: the bit rate, an average rate up to max_bitrate, the quality (qp), or "
             "every sample.",
     .type = ORIEL_OPT_ENUM},
    {.name = "input_format",
     .default_value = "auto",
     .choices = "auto nv12 yuv444 p010",
     .help = "Samples it is given where the capture makes them: yuv444 keeps the colour of every "
             "pixel, p010 has 10 bits (not with H.264); auto is nv12.",
     .type = ORIEL_OPT_ENUM},
    {.name = "profile",
     .default_value = "auto",
     .choices = "auto baseline main high",
     .help = "Profile of H.264 in 8-bit 4:2:0; auto is high, and the other formats have one each.",
     .type = ORIEL_OPT_ENUM},
    {.name = "bitrate",
     .default_value = "12000000",
     .help = "Target rate in bit/s for rate_control bitrate and variable.",
     .min = RATE_MIN,
     .max = RATE_MAX,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "max_bitrate",
     .default_value = "20000000",
     .help = "Highest rate in bit/s for rate_control variable; never below bitrate.",
     .min = RATE_MIN,
     .max = RATE_MAX,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "vbv_ms",
     .default_value = "160",
     .help = "The time in ms over which the rate holds: shorter is steadier, longer lets key "
             "pictures be good.",
     .min = 5,
     .max = 5000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "qp",
     .default_value = "20",
     .help = "Quantiser for rate_control quality: 0 is best, 51 worst.",
     .min = 0,
     .max = 51,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "fps",
     .default_value = "0",
     .help = "Pictures per second that the rate is shared among; 0: as paced by the host.",
     .min = 0,
     .max = 1000,
     .type = ORIEL_OPT_FLOAT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "keyint",
     .default_value = "600",
     .help = "Frames from one key picture to the next at most; 0: only when asked for.",
     .min = 0,
     .max = 100000,
     .type = ORIEL_OPT_INT},
    {.name = "intra_refresh",
     .default_value = "0",
     .help = "Renews the picture by a moving band every so many frames, instead of by periodic key "
             "pictures; 0: off.",
     .min = 0,
     .max = 100000,
     .type = ORIEL_OPT_INT},
    {.name = "slices",
     .default_value = "1",
     .help = "Slices of a picture, which some decoders decode in parallel (not with AV1).",
     .min = 1,
     .max = 32,
     .type = ORIEL_OPT_INT},
    {.name = "subframe",
     .default_value = "false",
     .help = "Takes each of the slices as soon as it is encoded, where the GPU can.",
     .type = ORIEL_OPT_BOOL},
    {.name = "references",
     .default_value = "0",
     .help = "Pictures kept for reference: with more, one is left when a client has lost some; 0: "
             "the driver's choice.",
     .min = 0,
     .max = 16,
     .type = ORIEL_OPT_INT},
    {.name = "aq",
     .default_value = "0",
     .help = "Bits moved to even parts of the picture: 1 is weak, 15 strong; 0: off.",
     .min = 0,
     .max = 15,
     .type = ORIEL_OPT_INT},
    {.name = "temporal_aq",
     .default_value = "false",
     .help = "Bits moved to parts that stay as they are, where the GPU can.",
     .type = ORIEL_OPT_BOOL},
    {.name = "non_ref_p",
     .default_value = "false",
     .help = "Some pictures are referred to by none, so that they may be left out on the way.",
     .type = ORIEL_OPT_BOOL},
    {.name = "gpu",
     .default_value = "-1",
     .help = "Index of the CUDA device for frames in CPU memory; -1: the renderer's, else the "
             "first.",
     .min = -1,
     .max = 63,
     .type = ORIEL_OPT_INT},
};
const struct oriel_option_table nvenc_options = ENCODE_OPTIONS(option_list);

static bool option_is(const struct oriel_config *config, const char *name, const char *value)
{
    return strcmp(config->get_string(config, name), value) == 0;
}

static uint32_t number(const struct oriel_config *config, const char *name)
{
    return (uint32_t)config->get_int(config, name);
}

static unsigned preset_level(const struct oriel_config *config)
{
    static const char *const names[] = {"p1", "p2", "p3", "p4", "p5", "p6", "p7"};
    unsigned level = 0;
    while (level + 1 < ENCODE_COUNT(names) && !option_is(config, "preset", names[level]))
        level++;
    return level + 1;
}

void settings_read(struct settings *self, const struct oriel_config *config, double fps)
{
    double own_fps = config->get_float(config, "fps");
    uint32_t bitrate = number(config, "bitrate"), most = number(config, "max_bitrate");
    uint32_t refresh = number(config, "intra_refresh");
    *self = (struct settings){
        .codec = option_is(config, "codec", "hevc")  ? ORIEL_CODEC_HEVC
                 : option_is(config, "codec", "av1") ? ORIEL_CODEC_AV1
                                                     : ORIEL_CODEC_H264,
        .preset = preset_level(config),
        .low_latency = option_is(config, "tuning", "low_latency"),
        .rate_control = option_is(config, "rate_control", "lossless")   ? HOLD_SAMPLES
                        : option_is(config, "rate_control", "quality")  ? HOLD_QUALITY
                        : option_is(config, "rate_control", "variable") ? HOLD_MAXIMUM
                                                                        : HOLD_BITRATE,
        .profile = option_is(config, "profile", "baseline") ? PROFILE_BASELINE
                   : option_is(config, "profile", "main")   ? PROFILE_MAIN
                   : option_is(config, "profile", "high")   ? PROFILE_HIGH
                                                            : PROFILE_AUTO,
        .bitrate = bitrate,
        .max_bitrate = most < bitrate ? bitrate : most,
        .vbv_ms = number(config, "vbv_ms"),
        .qp = number(config, "qp"),
        .fps_num = (uint32_t)encode_fps_num(own_fps > 0 ? own_fps : fps),
        .own_fps = own_fps > 0,
        .keyint = number(config, "keyint"),
        .intra_refresh = refresh == 1 ? 2 : refresh, /* a wave is shorter than its period */
        .slices = number(config, "slices"),
        .subframe = config->get_int(config, "subframe") != 0,
        .references = number(config, "references"),
        .aq = number(config, "aq"),
        .temporal_aq = config->get_int(config, "temporal_aq") != 0,
        .non_ref_p = config->get_int(config, "non_ref_p") != 0,
        .gpu = (int)config->get_int(config, "gpu"),
    };
}

void settings_update(struct settings *self, const struct settings *wanted)
{
    self->bitrate = wanted->bitrate;
    self->max_bitrate = wanted->max_bitrate;
    self->vbv_ms = wanted->vbv_ms;
    self->qp = wanted->qp;
    self->fps_num = wanted->fps_num;
    self->own_fps = wanted->own_fps;
}

void settings_pace(struct settings *self, double fps)
{
    if (!self->own_fps)
        self->fps_num = (uint32_t)encode_fps_num(fps);
}

const char *codec_name(uint32_t codec)
{
    return codec == ORIEL_CODEC_HEVC ? "HEVC" : codec == ORIEL_CODEC_AV1 ? "AV1" : "H.264";
}
