/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings.h"

#include <stdlib.h>

#include "../common/encode.h"

static const struct oriel_option option_list[] = {
    {.name = "codec",
     .default_value = "h264",
     .choices = "h264 hevc av1 vp9 vp8 jpeg",
     .help = "What is written.",
     .type = ORIEL_OPT_ENUM},
    {.name = "encoder",
     .default_value = "auto",
     .help =
         "FFmpeg's name of the encoder (libx264, hevc_vaapi, …), which has to write codec; auto "
         "is the first for it that opens, hardware before libraries.",
     .type = ORIEL_OPT_STRING},
    {.name = "device",
     .default_value = "",
     .help = "The device of a hardware encoder (/dev/dri/renderD128, …); empty: FFmpeg's default.",
     .type = ORIEL_OPT_STRING},
    {.name = "options",
     .default_value = "",
     .help = "The encoder's own options as key=value:key=value, over those that this module sets.",
     .type = ORIEL_OPT_STRING},
    {.name = "input_format",
     .default_value = "auto",
     .choices = "auto nv12 yuv444",
     .help = "Samples it is given where the capture makes them: yuv444 keeps the colour of every "
             "pixel, nv12 spares hardware a rearrangement; auto is 4:2:0.",
     .type = ORIEL_OPT_ENUM},
    {.name = "bitrate",
     .default_value = "12000000",
     .help = "Target rate in bit/s; not for JPEG.",
     .min = 50000,
     .max = 2000000000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "max_bitrate",
     .default_value = "20000000",
     .help = "Highest rate in bit/s over vbv_ms; never below bitrate.",
     .min = 50000,
     .max = 2000000000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "vbv_ms",
     .default_value = "160",
     .help = "The time in ms over which max_bitrate holds: shorter is steadier, longer lets key "
             "pictures be good.",
     .min = 20,
     .max = 5000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "quality",
     .default_value = "80",
     .help = "Quality of JPEG from 1 to 100.",
     .min = 1,
     .max = 100,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "keyint",
     .default_value = "600",
     .help = "Frames from one key picture to the next; 0: the most that encoders have, 65535.",
     .min = 0,
     .max = 65535,
     .type = ORIEL_OPT_INT},
    {.name = "threads",
     .default_value = "0",
     .help = "Threads of a software encoder; 0: from the cores that are free and the picture's "
             "height, at most 16.",
     .min = 0,
     .max = 64,
     .type = ORIEL_OPT_INT},
};
const struct oriel_option_table avcodec_options = ENCODE_OPTIONS(option_list);

void settings_read_rates(struct settings *settings, const struct oriel_config *config)
{
    settings->bitrate = config->get_int(config, "bitrate");
    settings->max_bitrate = config->get_int(config, "max_bitrate");
    settings->vbv_ms = (int)config->get_int(config, "vbv_ms");
    settings->quality = (int)config->get_int(config, "quality");
}

bool settings_read(struct settings *settings, const struct oriel_config *config, double fps)
{
    settings_read_rates(settings, config);
    settings->device = strdup(config->get_string(config, "device"));
    settings->options = strdup(config->get_string(config, "options"));
    settings->keyint = (int)config->get_int(config, "keyint");
    settings->threads = (int)config->get_int(config, "threads");
    settings->fps = (AVRational){encode_fps_num(fps), 1000};
    return settings->device && settings->options;
}

void settings_finish(struct settings *settings)
{
    free(settings->device);
    free(settings->options);
}
