/* SPDX-License-Identifier: BSD-3-Clause */
/* What may be configured, and what it comes to. */
#ifndef NVENC_OPTIONS_H
#define NVENC_OPTIONS_H

#include <ffnvcodec/nvEncodeAPI.h>

#include "../common/encode.h"

#if NVENCAPI_MAJOR_VERSION >= 12
#define NVENC_HAS_AV1 1
#else
#define NVENC_HAS_AV1 0
#endif

extern const struct oriel_option_table nvenc_options;
extern const struct oriel_format nvenc_formats[];
extern const size_t nvenc_format_count;
extern const uint32_t nvenc_codecs[];
extern const size_t nvenc_codec_count;

enum rate_control { HOLD_BITRATE, HOLD_MAXIMUM, HOLD_QUALITY, HOLD_SAMPLES };
enum profile { PROFILE_AUTO, PROFILE_BASELINE, PROFILE_MAIN, PROFILE_HIGH };

struct settings {
    uint32_t codec;   /* ORIEL_CODEC_* */
    unsigned preset;  /* 1..7 */
    bool low_latency; /* instead of ultra low latency */
    enum rate_control rate_control;
    enum profile profile;
    uint32_t bitrate;     /* bit/s */
    uint32_t max_bitrate; /* bit/s, never below bitrate */
    uint32_t vbv_ms;
    uint32_t qp;
    uint32_t fps_num;       /* over 1000 */
    bool own_fps;           /* an option's, not the host's */
    uint32_t keyint;        /* frames; 0: none of themselves */
    uint32_t intra_refresh; /* frames from one to the next; 0: none */
    uint32_t slices;
    bool subframe;
    uint32_t references; /* 0: the driver's choice */
    uint32_t aq;         /* 0: off */
    bool temporal_aq;
    bool non_ref_p;
    int gpu;
};

/* `fps`: the host's, for an option fps of 0. */
void settings_read(struct settings *self, const struct oriel_config *config, double fps);
/* Takes over what may change on a running session. */
void settings_update(struct settings *self, const struct settings *wanted);
/* The host's rate is another one. */
void settings_pace(struct settings *self, double fps);

const char *codec_name(uint32_t codec); /* "H.264" */

#endif
