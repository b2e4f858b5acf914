/* SPDX-License-Identifier: BSD-3-Clause */
#include "coder.h"

#include <stdio.h>
#include <string.h>

#include <libavutil/dict.h>
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "../common/threads.h"

/* What all of FFmpeg's encoders take for "only when asked for": some keep it in 16 bits. */
enum { LONGEST_KEYINT = 65535 };
enum { MOST_THREADS = 16 };
/* Surfaces of a hardware encoder: references, and some on their way. */
enum { SURFACES = 20 };

/* --- samples --- */

/* The layouts that a picture can be given in, best first: as it is, with its chroma planes
 * rearranged, with ten bits moved down. */
static const enum AVPixelFormat *layouts(uint32_t fourcc, bool jpeg)
{
    static const enum AVPixelFormat i420[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_NV12, AV_PIX_FMT_NONE};
    static const enum AVPixelFormat nv12[] = {AV_PIX_FMT_NV12, AV_PIX_FMT_YUV420P, AV_PIX_FMT_NONE};
    static const enum AVPixelFormat i444[] = {AV_PIX_FMT_YUV444P, AV_PIX_FMT_NONE};
    static const enum AVPixelFormat p010[] = {AV_PIX_FMT_P010LE, AV_PIX_FMT_YUV420P10LE,
                                              AV_PIX_FMT_NONE};
    /* FFmpeg's own JPEG encoder knows full range by these names. */
    static const enum AVPixelFormat jpeg420[] = {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_NV12,
                                                 AV_PIX_FMT_NONE};
    static const enum AVPixelFormat jpeg444[] = {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_NONE};
    switch (fourcc) {
    case ORIEL_FMT_NV12:
        return jpeg ? jpeg420 : nv12;
    case ORIEL_FMT_I444:
        return jpeg ? jpeg444 : i444;
    case ORIEL_FMT_P010:
        return p010;
    default:
        return jpeg ? jpeg420 : i420;
    }
}

static bool listed(const enum AVPixelFormat *list, enum AVPixelFormat format)
{
    for (; list && *list != AV_PIX_FMT_NONE; list++)
        if (*list == format)
            return true;
    return false;
}

static const AVCodecHWConfig *hardware(const AVCodec *codec, int method)
{
    const AVCodecHWConfig *config;
    for (int i = 0; (config = avcodec_get_hw_config(codec, i)); i++)
        if (config->methods & method)
            return config;
    return NULL;
}

static bool choose_samples(struct coder *self, const AVCodec *codec,
                           const struct oriel_format *format, char *why, int room)
{
    bool jpeg = codec->id == AV_CODEC_ID_MJPEG;
    if (jpeg && (!format->full_range || format->matrix != ORIEL_MATRIX_BT601)) {
        snprintf(why, (size_t)room, "JPEG has full range and BT.601 only");
        return false;
    }
    const enum AVPixelFormat *at = layouts(format->fourcc, jpeg);
    for (const enum AVPixelFormat *p = at; *p != AV_PIX_FMT_NONE; p++)
        if (!codec->pix_fmts || listed(codec->pix_fmts, *p)) {
            self->samples = *p;
            return true;
        }
    /* Surfaces are filled from NV12 and P010, which all drivers have. */
    if (hardware(codec, AV_CODEC_HW_CONFIG_METHOD_HW_FRAMES_CTX) &&
        format->fourcc != ORIEL_FMT_I444) {
        self->samples = format->fourcc == ORIEL_FMT_P010 ? AV_PIX_FMT_P010LE : AV_PIX_FMT_NV12;
        self->upload = true;
        return true;
    }
    int n =
        snprintf(why, (size_t)room, "takes no %.4s pictures, but", (const char *)&format->fourcc);
    for (const enum AVPixelFormat *p = codec->pix_fmts; *p != AV_PIX_FMT_NONE && n < room; p++)
        n += snprintf(why + n, (size_t)(room - n), " %s", av_get_pix_fmt_name(*p));
    return false;
}

/* --- devices --- */

static int open_device(struct coder *self, enum AVHWDeviceType type, const char *device)
{
    AVDictionary *options = NULL;
    /* Quick Sync runs on top of the device that VA-API calls so. */
    bool child = type == AV_HWDEVICE_TYPE_QSV && *device;
    if (child)
        av_dict_set(&options, "child_device", device, 0);
    int error = av_hwdevice_ctx_create(&self->context->hw_device_ctx, type,
                                       *device && !child ? device : NULL, options, 0);
    av_dict_free(&options);
    return error;
}

static int open_surfaces(struct coder *self, enum AVPixelFormat format)
{
    AVCodecContext *context = self->context;
    context->hw_frames_ctx = av_hwframe_ctx_alloc(context->hw_device_ctx);
    if (!context->hw_frames_ctx)
        return AVERROR(ENOMEM);
    AVHWFramesContext *frames = (AVHWFramesContext *)context->hw_frames_ctx->data;
    frames->format = format;
    frames->sw_format = self->samples;
    frames->width = context->width;
    frames->height = context->height;
    frames->initial_pool_size = SURFACES;
    return av_hwframe_ctx_init(context->hw_frames_ctx);
}

static bool prepare_device(struct coder *self, const struct settings *settings, struct log *log,
                           char *why, int room)
{
    const AVCodec *codec = self->context->codec;
    const AVCodecHWConfig *config =
        hardware(codec, self->upload ? AV_CODEC_HW_CONFIG_METHOD_HW_FRAMES_CTX
                                     : AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX);
    /* Those that take pictures in CPU memory find a device by themselves; but those of Quick Sync
     * lose memory when they find none. */
    bool needed = self->upload || (config && config->device_type == AV_HWDEVICE_TYPE_QSV);
    if (!needed && (!config || !*settings->device))
        return true;
    const char *call = "av_hwdevice_ctx_create";
    int error = open_device(self, config->device_type, settings->device);
    if (error >= 0 && self->upload) {
        call = "av_hwframe_ctx_init";
        error = open_surfaces(self, config->pix_fmt);
        self->context->pix_fmt = config->pix_fmt;
    }
    if (error < 0)
        log_reason(log, call, error, why, room);
    return error >= 0;
}

/* --- settings --- */

static void describe(struct coder *self, const struct settings *settings,
                     const struct oriel_format *format)
{
    AVCodecContext *context = self->context;
    const AVCodec *codec = context->codec;
    context->width = (int)format->width;
    context->height = (int)format->height;
    context->pix_fmt = self->samples;
    context->framerate = settings->fps;
    context->time_base = av_inv_q(settings->fps);
    context->gop_size = settings->keyint ? settings->keyint : LONGEST_KEYINT;
    context->max_b_frames = 0;
    /* H.273 code points are FFmpeg's numbers. */
    context->color_range = format->full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    context->color_primaries = (enum AVColorPrimaries)format->primaries;
    context->color_trc = (enum AVColorTransferCharacteristic)format->transfer;
    context->colorspace = (enum AVColorSpace)format->matrix;
    bool h26x = codec->id == AV_CODEC_ID_H264 || codec->id == AV_CODEC_ID_HEVC;
    if (h26x && format->fourcc != ORIEL_FMT_I444)
        context->chroma_sample_location = AVCHROMA_LOC_CENTER; /* the mean of four samples */
    context->thread_type = FF_THREAD_SLICE; /* frame threads hold pictures back */
    context->thread_count =
        self->recipe->threads_in_options
            ? 1
            : encode_thread_count(settings->threads, format->height, MOST_THREADS);
    if (codec->id == AV_CODEC_ID_MJPEG) {
        context->flags |= AV_CODEC_FLAG_QSCALE;
        context->global_quality = coder_quality(self, settings);
        context->qmin = 1;
    } else {
        coder_set_rates(self, settings);
    }
}

void coder_set_rates(struct coder *self, const struct settings *settings)
{
    AVCodecContext *context = self->context;
    int64_t rate = settings->bitrate, most = settings->max_bitrate;
    int64_t limit = self->recipe->most_rate, above = self->recipe->above ? 1000 : 0;
    if (limit && rate > limit - above)
        rate = limit - above;
    if (self->recipe->constant || most < rate + above)
        most = rate + above;
    int64_t buffer = most / 1000 * settings->vbv_ms;
    context->bit_rate = rate;
    context->rc_max_rate = most;
    context->rc_min_rate = self->recipe->constant ? most : 0;
    context->rc_buffer_size = buffer > INT_MAX ? INT_MAX : (int)buffer;
}

int coder_quality(const struct coder *self, const struct settings *settings)
{
    int quality = settings->quality, most = self->recipe->most_quality;
    if (most == 0 || most == 100) /* the scale of the JPEG group's software */
        return most ? quality : 0;
    /* That scale is per cent of the standard's tables below 50: 5000/q, else 200 - 2q; FFmpeg's
     * quantiser is eighths of them. */
    int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    int scale = (percent * 8 + 50) / 100;
    return (scale < 1 ? 1 : scale > most ? most : scale) * FF_QP2LAMBDA;
}

/* The recipe's, then the user's over them. */
static bool gather_options(const struct coder *self, const struct settings *settings,
                           const struct oriel_format *format, AVDictionary **all,
                           AVDictionary **wanted, char *why, int room)
{
    char recipe[256];
    snprintf(recipe, sizeof(recipe), "%s", self->recipe->options);
    size_t n = strlen(recipe);
    if (self->recipe->threads_in_options)
        snprintf(recipe + n, sizeof(recipe) - n, "%d",
                 encode_thread_count(settings->threads, format->height, MOST_THREADS));
    int error = av_dict_parse_string(all, recipe, "=", " ", 0);
    if (error >= 0)
        error = av_dict_parse_string(wanted, settings->options, "=", ":", 0);
    if (error >= 0)
        error = av_dict_copy(all, *wanted, 0);
    if (error < 0) {
        char name[AV_ERROR_MAX_STRING_SIZE];
        av_strerror(error, name, sizeof(name));
        snprintf(why, (size_t)room, "options \"%s\": %s; they are key=value:key=value",
                 settings->options, name);
    }
    return error >= 0;
}

/* The user's keys have to be options. Asked before it is opened, so that nothing has to be closed.
 */
static bool all_known(AVCodecContext *context, const AVDictionary *wanted, char *why, int room)
{
    const AVDictionaryEntry *entry = NULL;
    int n = 0;
    while ((entry = av_dict_get(wanted, "", entry, AV_DICT_IGNORE_SUFFIX)) && n < room)
        if (!av_opt_find(context, entry->key, NULL, 0, AV_OPT_SEARCH_CHILDREN))
            n += snprintf(why + n, (size_t)(room - n), "%s \"%s\"", n ? "," : "has no option",
                          entry->key);
    return n == 0;
}

static bool open_codec(struct coder *self, const struct settings *settings,
                       const struct oriel_format *format, struct log *log, char *why, int room)
{
    AVDictionary *options = NULL, *wanted = NULL;
    bool ok = gather_options(self, settings, format, &options, &wanted, why, room) &&
              all_known(self->context, wanted, why, room);
    if (ok) {
        int error = avcodec_open2(self->context, self->context->codec, &options);
        ok = error >= 0;
        if (!ok)
            log_reason(log, "avcodec_open2", error, why, room);
    }
    av_dict_free(&options);
    av_dict_free(&wanted);
    return ok;
}

/* --- parameter sets --- */

static bool annex_b(const uint8_t *data, int bytes)
{
    return bytes > 4 && data[0] == 0 && data[1] == 0 &&
           (data[2] == 1 || (data[2] == 0 && data[3] == 1));
}

/* Some hardware encoders hand their parameter sets out once, beside the packets; dump_extra leaves
 * packets alone that begin with them. */
static int open_headers(struct coder *self)
{
    AVCodecContext *context = self->context;
    if ((context->codec_id != AV_CODEC_ID_H264 && context->codec_id != AV_CODEC_ID_HEVC) ||
        !annex_b(context->extradata, context->extradata_size))
        return 0;
    const AVBitStreamFilter *filter = av_bsf_get_by_name("dump_extra");
    if (!filter)
        return AVERROR_BSF_NOT_FOUND;
    int error = av_bsf_alloc(filter, &self->headers);
    if (error >= 0)
        error = avcodec_parameters_from_context(self->headers->par_in, context);
    if (error >= 0)
        error = av_opt_set(self->headers->priv_data, "freq", "keyframe", 0);
    return error < 0 ? error : av_bsf_init(self->headers);
}

/* --- all of it --- */

bool coder_open(struct coder *self, const AVCodec *codec, const struct settings *settings,
                const struct oriel_format *format, struct log *log, char *why, int room)
{
    memset(self, 0, sizeof(*self));
    self->recipe = recipe_of(codec->name);
    log_forget(log);
    log->running = false;
    if (!choose_samples(self, codec, format, why, room))
        return false;
    self->context = avcodec_alloc_context3(codec);
    if (!self->context) {
        snprintf(why, (size_t)room, "out of memory");
        return false;
    }
    describe(self, settings, format);
    bool ok = prepare_device(self, settings, log, why, room) &&
              open_codec(self, settings, format, log, why, room);
    if (ok) {
        int error = open_headers(self);
        ok = error >= 0;
        if (!ok)
            log_reason(log, "dump_extra", error, why, room);
    }
    if (!ok)
        coder_close(self);
    log->running = ok;
    return ok;
}

int coder_send(struct coder *self, const AVFrame *picture)
{
    int error = avcodec_send_frame(self->context, picture);
    self->fed |= error >= 0;
    return error;
}

int coder_end(struct coder *self)
{
    self->ended = true;
    return avcodec_send_frame(self->context, NULL);
}

/* Any picture: nobody sees it. */
static int send_blank(struct coder *self)
{
    AVFrame *picture = av_frame_alloc();
    if (!picture)
        return AVERROR(ENOMEM);
    picture->width = self->context->width;
    picture->height = self->context->height;
    picture->format = self->samples;
    int error = av_frame_get_buffer(picture, 0);
    for (int i = 0; error >= 0 && i < AV_NUM_DATA_POINTERS && picture->buf[i]; i++)
        memset(picture->buf[i]->data, 0, (size_t)picture->buf[i]->size);
    if (error >= 0)
        error = coder_send(self, picture);
    av_frame_free(&picture);
    return error;
}

/* For an encoder that waits for the end when it is closed, and for a picture before the end. */
static void end_first(struct coder *self)
{
    if (self->ended || (!self->fed && send_blank(self) < 0) || coder_end(self) < 0)
        return;
    AVPacket *packet = av_packet_alloc();
    while (packet && avcodec_receive_packet(self->context, packet) >= 0)
        av_packet_unref(packet);
    av_packet_free(&packet);
}

void coder_close(struct coder *self)
{
    if (self->context && self->recipe->end_first && avcodec_is_open(self->context))
        end_first(self);
    av_bsf_free(&self->headers);
    avcodec_free_context(&self->context);
}
