/* SPDX-License-Identifier: BSD-3-Clause */
/* VP9 and VP8 by libvpx in real-time mode: constant rate, nothing held back. VP9 tags matrix and
 * range in the stream. VP8 has no such fields, so clients have to be told by other means. */
#include <stdlib.h>

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include "../common/encode.h"
#include "../common/threads.h"

static const uint32_t codecs[] = {ORIEL_CODEC_VP9, ORIEL_CODEC_VP8};
static const struct oriel_format formats[] = {
    ENCODE_YUV_FORMATS(ORIEL_FMT_I420),
    ENCODE_YUV_FORMATS(ORIEL_FMT_I444),
};
static const struct oriel_option option_list[] = {
    {.name = "codec",
     .default_value = "vp9",
     .choices = "vp9 vp8",
     .help = "VP9 is better for its rate and tags colours; VP8 costs least to decode.",
     .type = ORIEL_OPT_ENUM},
    {.name = "bitrate",
     .default_value = "12000000",
     .help = "Target rate in bit/s.",
     .min = 50000,
     .max = 1000000000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "keyint",
     .default_value = "600",
     .help = "Frames from one key picture to the next at most; 0: only when asked for.",
     .min = 0,
     .max = 100000,
     .type = ORIEL_OPT_INT},
    {.name = "cpu_used",
     .default_value = "8",
     .help = "Speed over quality: VP9 from 5 to 9, VP8 from 4 to 16.",
     .min = 0,
     .max = 16,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "threads",
     .default_value = "0",
     .help = "Threads; 0: from the cores that are free and the picture's height, at most 8.",
     .min = 0,
     .max = 64,
     .type = ORIEL_OPT_INT},
};
static const struct oriel_option_table options = ENCODE_OPTIONS(option_list);

/* Quantiser limits, 0..63. Alone, the rate control would leave a picture at rest as coarse as it
 * was. */
enum { COARSEST = 56, COARSEST_AT_REST = 4 };

struct vpx {
    struct encode base;
    bool open;
    vpx_codec_ctx_t codec;
    vpx_codec_enc_cfg_t config;
    vpx_image_t image;
    int64_t count; /* frames so far: the clock of the rate control */
};

static oriel_result vpx_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result vpx_codec(uint32_t index, uint32_t *fourcc)
{
    return encode_list_codec(codecs, ENCODE_COUNT(codecs), index, fourcc);
}

static void describe(struct vpx *self, const struct oriel_config *config, double fps)
{
    vpx_codec_enc_cfg_t *c = &self->config;
    int keyint = (int)config->get_int(config, "keyint");
    c->g_w = self->base.format.width;
    c->g_h = self->base.format.height;
    c->g_profile = self->base.format.fourcc == ORIEL_FMT_I444 ? 1 : 0;
    c->g_timebase.num = 1000;
    c->g_timebase.den = encode_fps_num(fps);
    c->g_threads = (unsigned)encode_thread_count(config->get_int(config, "threads"),
                                                 self->base.format.height, 8);
    c->g_lag_in_frames = 0;
    c->g_error_resilient = 0;
    c->g_pass = VPX_RC_ONE_PASS;
    c->rc_end_usage = VPX_CBR;
    c->rc_target_bitrate = (unsigned)(config->get_int(config, "bitrate") / 1000);
    c->rc_dropframe_thresh = 0;
    c->rc_resize_allowed = 0;
    c->rc_min_quantizer = 0;
    c->rc_max_quantizer = COARSEST;
    c->rc_buf_sz = 1000; /* ms, as real-time calls have it */
    c->rc_buf_initial_sz = 500;
    c->rc_buf_optimal_sz = 600;
    c->kf_mode = keyint ? VPX_KF_AUTO : VPX_KF_DISABLED;
    c->kf_min_dist = 0;
    c->kf_max_dist = (unsigned)keyint;
}

/* VP8 with a positive value adapts its effort to the load until the picture collapses; a negative
 * one is a fixed effort. VP9 below 5 is not for real time, and libvpx 1.12 writes beyond its memory
 * when it comes back from there. */
static int cpu_used(const struct vpx *self, const struct oriel_config *config)
{
    int value = (int)config->get_int(config, "cpu_used");
    if (self->base.codec == ORIEL_CODEC_VP8)
        return -value;
    return value > 9 ? 9 : value < 5 ? 5 : value;
}

static int log2_floor(unsigned value)
{
    int log2 = 0;
    while (value >>= 1)
        log2++;
    return log2;
}

static vpx_codec_err_t control(struct vpx *self, const struct oriel_config *config)
{
    vpx_codec_ctx_t *codec = &self->codec;
    const struct oriel_format *format = &self->base.format;
    vpx_codec_err_t error = vpx_codec_control(codec, VP8E_SET_CPUUSED, cpu_used(self, config));
    /* A key picture may cost as much as half of the buffer, per cent of an average frame. */
    unsigned frames = (unsigned)self->config.g_timebase.den / 1000;
    unsigned key_percent = frames / 2 * 60;
    if (!error)
        error = vpx_codec_control(codec, VP8E_SET_MAX_INTRA_BITRATE_PCT,
                                  key_percent < 300 ? 300 : key_percent);
    if (self->base.codec == ORIEL_CODEC_VP8) {
        if (!error)
            error = vpx_codec_control(
                codec, VP8E_SET_TOKEN_PARTITIONS,
                log2_floor(self->config.g_threads > 8 ? 8 : self->config.g_threads));
        return error;
    }
    int tiles = log2_floor(format->width / 256); /* the narrowest that VP9 has */
    if (!error)
        error = vpx_codec_control(codec, VP9E_SET_TILE_COLUMNS, tiles > 6 ? 6 : tiles);
    if (!error)
        error = vpx_codec_control(codec, VP9E_SET_ROW_MT, self->config.g_threads > 1);
    if (!error)
        error = vpx_codec_control(codec, VP9E_SET_AQ_MODE, 3); /* renews parts in turn */
    if (!error)
        error = vpx_codec_control(codec, VP9E_SET_FRAME_PARALLEL_DECODING, 0);
    if (!error)
        error =
            vpx_codec_control(codec, VP9E_SET_COLOR_SPACE,
                              format->matrix == ORIEL_MATRIX_BT709 ? VPX_CS_BT_709 : VPX_CS_BT_601);
    if (!error)
        error = vpx_codec_control(codec, VP9E_SET_COLOR_RANGE,
                                  format->full_range ? VPX_CR_FULL_RANGE : VPX_CR_STUDIO_RANGE);
    return error;
}

static const char *said(struct vpx *self)
{
    const char *detail = vpx_codec_error_detail(&self->codec);
    return detail ? detail : vpx_codec_error(&self->codec);
}

static void vpx_destroy(void *data)
{
    struct vpx *self = data;
    if (!self)
        return;
    if (self->open)
        vpx_codec_destroy(&self->codec);
    free(self);
}

static oriel_result codec_open(struct vpx *self, const struct oriel_config *config, double fps)
{
    const struct oriel_host *host = self->base.host;
    const struct oriel_format *format = &self->base.format;
    bool vp8 = strcmp(config->get_string(config, "codec"), "vp8") == 0;
    bool i444 = format->fourcc == ORIEL_FMT_I444;
    if (vp8 && i444)
        return encode_fail(host, ORIEL_UNSUPPORTED, "VP8 has no 4:4:4");
    self->base.codec = vp8 ? ORIEL_CODEC_VP8 : ORIEL_CODEC_VP9;
    vpx_codec_iface_t *iface = vp8 ? vpx_codec_vp8_cx() : vpx_codec_vp9_cx();
    if (vpx_codec_enc_config_default(iface, &self->config, 0))
        return encode_fail(host, ORIEL_UNSUPPORTED, "this libvpx has no %s encoder",
                           vp8 ? "VP8" : "VP9");
    describe(self, config, fps);
    self->open = vpx_codec_enc_init(&self->codec, iface, &self->config, 0) == VPX_CODEC_OK;
    if (!self->open || control(self, config))
        return encode_fail(host, ORIEL_UNSUPPORTED, "libvpx refuses %u×%u: %s", format->width,
                           format->height, said(self));
    /* Wrapped around nothing: each frame brings its own planes. */
    static uint8_t nothing[1];
    vpx_img_wrap(&self->image, i444 ? VPX_IMG_FMT_I444 : VPX_IMG_FMT_I420, format->width,
                 format->height, 1, nothing);
    return ORIEL_OK;
}

static oriel_result vpx_create(const struct oriel_host *host, const struct oriel_config *config,
                               const struct oriel_format *format, double fps,
                               const struct oriel_packet_sink *sink, void **out)
{
    struct vpx *self = calloc(1, sizeof(*self));
    if (!self)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    oriel_result result = encode_init(&self->base, host, sink, format, formats,
                                      ENCODE_COUNT(formats), 1, 16383); /* VP8's limit */
    if (result == ORIEL_OK)
        result = codec_open(self, config, fps);
    if (result)
        vpx_destroy(self);
    else
        *out = self;
    return result;
}

static oriel_result vpx_encode(void *data, const struct oriel_frame *frame, uint32_t flags)
{
    struct vpx *self = data;
    struct encode_job job;
    oriel_result result = encode_begin(&self->base, frame, flags, &job);
    if (result)
        return result;
    unsigned coarsest = frame->stamp.flags & ORIEL_FRAME_REPEAT ? COARSEST_AT_REST : COARSEST;
    if (self->config.rc_max_quantizer != coarsest) {
        self->config.rc_max_quantizer = coarsest;
        if (vpx_codec_enc_config_set(&self->codec, &self->config))
            return encode_lost(&self->base, &job, ORIEL_IO, "libvpx: %s", said(self));
    }
    for (int i = 0; i < 3; i++) {
        self->image.planes[i] = (unsigned char *)(uintptr_t)job.data[i]; /* only read */
        self->image.stride[i] = (int)job.stride[i];
    }
    if (vpx_codec_encode(&self->codec, &self->image, self->count++, 1,
                         job.key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME))
        return encode_lost(&self->base, &job, ORIEL_IO, "libvpx: %s", said(self));
    const vpx_codec_cx_pkt_t *packet;
    vpx_codec_iter_t at = NULL;
    do {
        packet = vpx_codec_get_cx_data(&self->codec, &at);
    } while (packet && packet->kind != VPX_CODEC_CX_FRAME_PKT);
    if (!packet)
        return encode_lost(&self->base, &job, ORIEL_AGAIN, "libvpx left the frame out");
    int quantizer = 0;
    vpx_codec_control(&self->codec, VP8E_GET_LAST_QUANTIZER, &quantizer);
    encode_emit(&self->base, &job,
                packet->data.frame.flags & VPX_FRAME_IS_KEY ? ORIEL_PACKET_KEY : 0,
                (uint32_t)quantizer * 256u, packet->data.frame.buf, packet->data.frame.sz);
    return ORIEL_OK;
}

static oriel_result vpx_reconfigure(void *data, const struct oriel_config *config)
{
    struct vpx *self = data;
    self->config.rc_target_bitrate = (unsigned)(config->get_int(config, "bitrate") / 1000);
    if (vpx_codec_enc_config_set(&self->codec, &self->config) ||
        vpx_codec_control(&self->codec, VP8E_SET_CPUUSED, cpu_used(self, config)))
        return encode_fail(self->base.host, ORIEL_IO, "libvpx refuses %u kbit/s: %s",
                           self->config.rc_target_bitrate, said(self));
    return ORIEL_OK;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = vpx_input_format,
    .codec = vpx_codec,
    .create = vpx_create,
    .destroy = vpx_destroy,
    .get_interface = encode_no_interface,
    .encode = vpx_encode,
    .drain = encode_nothing_held,
    .request_key = encode_want_key,
    .reconfigure = vpx_reconfigure,
};
ENCODE_MODULE(encoder, "encode/vpx", "BSD-3-Clause", "VP9 and VP8 by libvpx in real time");
