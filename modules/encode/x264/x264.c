/* SPDX-License-Identifier: BSD-3-Clause */
/* H.264 by x264, tuned for zero latency. x264 is GPL-2.0-or-later: whoever distributes this module
 * with it distributes a GPL work. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <x264.h>

#include "../common/encode.h"
#include "../common/threads.h"

static const uint32_t codecs[] = {ORIEL_CODEC_H264};
static const struct oriel_format formats[] = {
    ENCODE_YUV_FORMATS(ORIEL_FMT_I420),
    ENCODE_YUV_FORMATS(ORIEL_FMT_NV12),
    ENCODE_YUV_FORMATS(ORIEL_FMT_I444),
};
static const struct oriel_option option_list[] = {
    {.name = "preset",
     .default_value = "superfast",
     .choices = "ultrafast superfast veryfast faster fast medium",
     .help = "x264's preset: faster ones need more bits for the same picture.",
     .type = ORIEL_OPT_ENUM},
    {.name = "rate_control",
     .default_value = "bitrate",
     .choices = "bitrate quality lossless",
     .help = "What is held: the bit rate, the quality (crf) up to max_bitrate, or every sample.",
     .type = ORIEL_OPT_ENUM},
    {.name = "input_format",
     .default_value = "auto",
     .choices = "auto nv12 yuv444",
     .help = "Samples it is given where the capture makes them: yuv444 keeps the colour of every "
             "pixel; auto is 4:2:0.",
     .type = ORIEL_OPT_ENUM},
    {.name = "bitrate",
     .default_value = "12000000",
     .help = "Target rate in bit/s for rate_control bitrate.",
     .min = 50000,
     .max = 2000000000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "max_bitrate",
     .default_value = "20000000",
     .help = "Highest rate in bit/s over vbv_ms; never below bitrate where that is held.",
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
    {.name = "crf",
     .default_value = "20",
     .help = "Quality for rate_control quality: 0 is best, 51 worst.",
     .min = 0,
     .max = 51,
     .type = ORIEL_OPT_FLOAT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "keyint",
     .default_value = "600",
     .help = "Frames from one key picture (or intra refresh) to the next; 0: only when asked for.",
     .min = 0,
     .max = 100000,
     .type = ORIEL_OPT_INT},
    {.name = "intra_refresh",
     .default_value = "false",
     .help = "Renews the picture by a moving column instead of periodic key pictures.",
     .type = ORIEL_OPT_BOOL},
    {.name = "threads",
     .default_value = "0",
     .help =
         "Slices encoded in parallel; 0: from the cores that are free and the picture's height, "
         "at most 16.",
     .min = 0,
     .max = 64,
     .type = ORIEL_OPT_INT},
};
static const struct oriel_option_table options = ENCODE_OPTIONS(option_list);

/* The times fall up to here for noise at 1080p and 4K; every further slice costs bits. */
enum { MOST_THREADS = 16 };

enum rate_control { HOLD_BITRATE, HOLD_QUALITY, HOLD_SAMPLES };

struct x264 {
    struct encode base;
    x264_t *codec;
    x264_param_t param;
    enum rate_control rate_control;
    int64_t count;  /* frames so far: the clock of the rate control */
    double qp;      /* of the last frame */
    char said[192]; /* the library's last error */
};

static oriel_result h264_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result h264_codec(uint32_t index, uint32_t *fourcc)
{
    return encode_list_codec(codecs, ENCODE_COUNT(codecs), index, fourcc);
}

/* x264's lines go to the host; the one it writes at debug level for each frame holds the quantiser,
 * which it tells nowhere else. */
static void on_log(void *data, int level, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void on_log(void *data, int level, const char *format, va_list args)
{
    struct x264 *self = data;
    const struct oriel_host *host = self->base.host;
    char text[192];
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    if (level == X264_LOG_DEBUG && sscanf(text, "frame=%*d QP=%lf", &self->qp) == 1)
        return;
    if (level == X264_LOG_ERROR)
        memcpy(self->said, text, sizeof(text));
    /* Warnings while it runs are of single frames that missed the rate. */
    uint32_t as = level == X264_LOG_ERROR                     ? ORIEL_LOG_WARN
                  : level == X264_LOG_WARNING && !self->codec ? ORIEL_LOG_WARN
                                                              : ORIEL_LOG_DEBUG;
    host->log(host, as, text);
}

static void rates(const struct x264 *self, const struct oriel_config *config, x264_param_t *param)
{
    int64_t bitrate = config->get_int(config, "bitrate");
    int64_t most = config->get_int(config, "max_bitrate");
    if (self->rate_control == HOLD_SAMPLES)
        return;
    if (self->rate_control == HOLD_QUALITY)
        param->rc.f_rf_constant = (float)config->get_float(config, "crf");
    else if (most < bitrate)
        most = bitrate;
    param->rc.i_bitrate = (int)(bitrate / 1000);
    param->rc.i_vbv_max_bitrate = (int)(most / 1000);
    param->rc.i_vbv_buffer_size = (int)(most / 1000 * config->get_int(config, "vbv_ms") / 1000);
}

static bool describe(struct x264 *self, const struct oriel_config *config, double fps)
{
    const struct oriel_format *format = &self->base.format;
    x264_param_t *param = &self->param;
    if (x264_param_default_preset(param, config->get_string(config, "preset"), "zerolatency"))
        return false;
    param->pf_log = on_log;
    param->p_log_private = self;
    param->i_log_level = X264_LOG_DEBUG;
    param->i_csp = format->fourcc == ORIEL_FMT_I444   ? X264_CSP_I444
                   : format->fourcc == ORIEL_FMT_NV12 ? X264_CSP_NV12
                                                      : X264_CSP_I420;
    param->i_width = (int)format->width;
    param->i_height = (int)format->height;
    param->i_fps_num = (uint32_t)encode_fps_num(fps);
    param->i_fps_den = 1000;
    param->i_timebase_num = 1000;
    param->i_timebase_den = param->i_fps_num;
    param->i_threads =
        encode_thread_count(config->get_int(config, "threads"), format->height, MOST_THREADS);
    param->b_sliced_threads = param->i_threads > 1;
    param->b_annexb = 1;
    param->b_repeat_headers = 1;

    int keyint = (int)config->get_int(config, "keyint");
    param->i_keyint_max = keyint ? keyint : X264_KEYINT_MAX_INFINITE;
    param->b_intra_refresh = config->get_int(config, "intra_refresh") != 0;
    param->i_scenecut_threshold = 0; /* a new slice is no reason for a burst */
    param->i_bframe = 0;

    param->vui.b_fullrange = format->full_range;
    param->vui.i_colorprim = format->primaries;
    param->vui.i_transfer = format->transfer;
    param->vui.i_colmatrix = format->matrix;
    if (format->fourcc != ORIEL_FMT_I444)
        param->vui.i_chroma_loc = 1; /* H.264 figure E-1: between the four samples */

    const char *rate_control = config->get_string(config, "rate_control");
    self->rate_control = strcmp(rate_control, "lossless") == 0  ? HOLD_SAMPLES
                         : strcmp(rate_control, "quality") == 0 ? HOLD_QUALITY
                                                                : HOLD_BITRATE;
    bool lossless = self->rate_control == HOLD_SAMPLES;
    param->rc.i_rc_method = lossless                             ? X264_RC_CQP
                            : self->rate_control == HOLD_QUALITY ? X264_RC_CRF
                                                                 : X264_RC_ABR;
    param->rc.i_qp_constant = 0;
    rates(self, config, param);
    bool high444 = lossless || format->fourcc == ORIEL_FMT_I444;
    return x264_param_apply_profile(param, high444 ? "high444" : "high") == 0;
}

static void h264_destroy(void *data)
{
    struct x264 *self = data;
    if (!self)
        return;
    if (self->codec)
        x264_encoder_close(self->codec);
    free(self);
}

static oriel_result h264_create(const struct oriel_host *host, const struct oriel_config *config,
                                const struct oriel_format *format, double fps,
                                const struct oriel_packet_sink *sink, void **out)
{
    struct x264 *self = calloc(1, sizeof(*self));
    if (!self)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    oriel_result result =
        encode_init(&self->base, host, sink, format, formats, ENCODE_COUNT(formats), 16, 16384);
    self->base.codec = codecs[0];
    if (result == ORIEL_OK && format->fourcc != ORIEL_FMT_I444 &&
        (format->width % 2 || format->height % 2))
        result = encode_fail(host, ORIEL_UNSUPPORTED,
                             "a picture of %u×%u: H.264 4:2:0 has even sides only", format->width,
                             format->height);
    if (result == ORIEL_OK &&
        (!describe(self, config, fps) || !(self->codec = x264_encoder_open(&self->param))))
        result = encode_fail(host, ORIEL_UNSUPPORTED, "x264 refuses %u×%u: %s", format->width,
                             format->height, self->said[0] ? self->said : "no reason given");
    if (result)
        h264_destroy(self);
    else
        *out = self;
    return result;
}

/* Takes the encoder's advertisement (an unregistered SEI of some 700 bytes in the first packet) out
 * of the access unit; returns what is left of `bytes`. The NALs lie one after the other. */
static size_t without_advertisement(x264_nal_t *nals, int count, size_t bytes)
{
    enum { UNREGISTERED = 5 };
    uint8_t *begin = nals[0].p_payload;
    for (int i = 0; i < count; i++) {
        const uint8_t *sei = nals[i].p_payload;
        size_t size = (size_t)nals[i].i_payload;
        size_t start_code = nals[i].b_long_startcode ? 4 : 3;
        if (nals[i].i_type != NAL_SEI || size < start_code + 2 ||
            sei[start_code + 1] != UNREGISTERED)
            continue;
        size_t before = (size_t)(sei - begin);
        memmove(begin + before, begin + before + size, bytes - before - size);
        return bytes - size;
    }
    return bytes;
}

static oriel_result h264_encode(void *data, const struct oriel_frame *frame, uint32_t flags)
{
    struct x264 *self = data;
    struct encode_job job;
    oriel_result result = encode_begin(&self->base, frame, flags, &job);
    if (result)
        return result;
    x264_picture_t picture, out;
    x264_picture_init(&picture);
    picture.i_type = job.key ? X264_TYPE_IDR : X264_TYPE_AUTO;
    picture.i_pts = self->count++;
    picture.img.i_csp = self->param.i_csp;
    for (uint32_t i = 0; i < frame->plane_count; i++) {
        picture.img.plane[i] = (uint8_t *)(uintptr_t)job.data[i]; /* only read */
        picture.img.i_stride[i] = (int)job.stride[i];
        picture.img.i_plane = (int)i + 1;
    }
    x264_nal_t *nals;
    int nal_count;
    int bytes = x264_encoder_encode(self->codec, &nals, &nal_count, &picture, &out);
    if (bytes <= 0)
        return encode_lost(&self->base, &job, ORIEL_IO, "x264: %s",
                           self->said[0] ? self->said : "no reason given");
    bool config = nals[0].i_type == NAL_SPS;
    bool key = out.i_type == X264_TYPE_IDR; /* an intra refresh begins with headers, but is none */
    encode_emit(&self->base, &job,
                (key ? ORIEL_PACKET_KEY : 0u) | (config ? ORIEL_PACKET_CONFIG : 0u),
                (uint32_t)(self->qp * 256.0), nals[0].p_payload,
                without_advertisement(nals, nal_count, (size_t)bytes));
    return ORIEL_OK;
}

static oriel_result h264_reconfigure(void *data, const struct oriel_config *config)
{
    struct x264 *self = data;
    rates(self, config, &self->param);
    if (x264_encoder_reconfig(self->codec, &self->param))
        return encode_fail(self->base.host, ORIEL_IO, "x264 refuses the new rate: %s", self->said);
    return ORIEL_OK;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = h264_input_format,
    .codec = h264_codec,
    .create = h264_create,
    .destroy = h264_destroy,
    .get_interface = encode_no_interface,
    .encode = h264_encode,
    .drain = encode_nothing_held,
    .request_key = encode_want_key,
    .reconfigure = h264_reconfigure,
};
ENCODE_MODULE(
    encoder, "encode/x264", "BSD-3-Clause AND GPL-2.0-or-later",
    "H.264 by x264 at zero latency, also 4:4:4 and lossless; a GPL work with its library");
