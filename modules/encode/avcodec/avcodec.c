/* SPDX-License-Identifier: BSD-3-Clause */
/* FFmpeg's encoders, whichever this build of FFmpeg and this machine have. FFmpeg is LGPL, and GPL
 * where it is built with x264 or x265, as Debian's is: whoever distributes this module with such a
 * build distributes a GPL work. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libavutil/hwcontext.h>

#include "../common/encode.h"
#include "coder.h"
#include "settings.h"
#include "wrap.h"

static const struct oriel_format formats[] = {
    ENCODE_YUV_FORMATS(ORIEL_FMT_I420),
    ENCODE_YUV_FORMATS(ORIEL_FMT_NV12),
    ENCODE_YUV_FORMATS(ORIEL_FMT_I444),
    ENCODE_YUV_FORMATS(ORIEL_FMT_P010),
};
/* A picture that is inside of the encoder. */
struct pending {
    struct oriel_stamp stamp;
    int64_t t_submit_ns;
    bool key; /* was asked for */
};
enum { MOST_PENDING = 64, MOST_FAILURES = 3 };

struct avcodec {
    struct encode base;
    struct log log;
    struct settings settings;
    const AVCodec *codec;
    struct coder coder;
    struct wrapper wrapper;
    AVPacket *packet;
    struct pending pending[MOST_PENDING]; /* by their number */
    int64_t sent, received;               /* pictures so far, and those that are over */
    bool fresh;                           /* nothing was encoded since it was opened */
    bool deaf;                            /* gave no key when asked: has to be opened again */
    int failures;                         /* in a row */
};

/* --- what there is --- */

static oriel_result avcodec_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result avcodec_codec(uint32_t index, uint32_t *fourcc)
{
    for (unsigned i = 0; i < family_count; i++)
        if (avcodec_find_encoder(families[i].id) && index-- == 0) {
            *fourcc = families[i].codec;
            return ORIEL_OK;
        }
    return ORIEL_UNSUPPORTED;
}

/* "libx264, h264_vaapi": what this FFmpeg has for a codec, whether or not the machine does. */
static const char *names_for(enum AVCodecID id, char *text, int room)
{
    void *at = NULL;
    const AVCodec *codec;
    int n = 0;
    text[0] = '\0';
    while ((codec = av_codec_iterate(&at)) && n < room)
        if (codec->id == id && av_codec_is_encoder(codec))
            n += snprintf(text + n, (size_t)(room - n), "%s%s", n ? ", " : "", codec->name);
    return n ? text : "none";
}

/* --- create --- */

static bool open_coder(struct avcodec *self, const AVCodec *codec, char *why, int room)
{
    self->codec = codec;
    self->fresh = true;
    self->deaf |= recipe_of(codec->name)->deaf;
    self->received = self->sent;
    return coder_open(&self->coder, codec, &self->settings, &self->base.format, &self->log, why,
                      room);
}

static oriel_result refuse(const struct oriel_host *host, const char *text)
{
    return host->fail(host, ORIEL_UNSUPPORTED, text);
}

static oriel_result open_named(struct avcodec *self, const struct family *family, const char *name)
{
    const struct oriel_host *host = self->base.host;
    char text[1024], more[512];
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    if (!codec || codec->id != family->id) {
        snprintf(text, sizeof(text), "%s %s%s; for %s this FFmpeg has: %s", name,
                 codec ? "writes " : "is no encoder of this FFmpeg",
                 codec ? avcodec_get_name(codec->id) : "", family->name,
                 names_for(family->id, more, sizeof(more)));
        return refuse(host, text);
    }
    if (open_coder(self, codec, more, sizeof(more)))
        return ORIEL_OK;
    snprintf(text, sizeof(text), "%s %s", name, more);
    return refuse(host, text);
}

static oriel_result open_first(struct avcodec *self, const struct family *family)
{
    char text[1024], why[256];
    int n = snprintf(text, sizeof(text), "no encoder for %s opens: ", family->name);
    const char *separator = "";
    for (const char *const *name = family->encoders; *name; name++) {
        const AVCodec *codec = avcodec_find_encoder_by_name(*name);
        if (codec && open_coder(self, codec, why, sizeof(why)))
            return ORIEL_OK;
        if (n < (int)sizeof(text))
            n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s %s", separator, *name,
                          codec ? why : "is not in this FFmpeg");
        separator = "; ";
    }
    return refuse(self->base.host, text);
}

static oriel_result open_any(struct avcodec *self, const struct oriel_config *config)
{
    const struct oriel_host *host = self->base.host;
    const struct oriel_format *format = &self->base.format;
    const char *codec = config->get_string(config, "codec");
    const char *encoder = config->get_string(config, "encoder");
    const struct family *family = family_named(codec);
    if (!family)
        return encode_fail(host, ORIEL_UNSUPPORTED, "codec %s is unknown", codec);
    self->base.codec = family->codec;
    bool h26x = family->codec == ORIEL_CODEC_H264 || family->codec == ORIEL_CODEC_HEVC;
    if (h26x && format->fourcc != ORIEL_FMT_I444 && (format->width % 2 || format->height % 2))
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "a picture of %u×%u: %s 4:2:0 has even sides only", format->width,
                           format->height, family->name);
    log_enter(&self->log);
    oriel_result result =
        strcmp(encoder, "auto") == 0 ? open_first(self, family) : open_named(self, family, encoder);
    log_leave();
    if (result == ORIEL_OK) {
        char text[64];
        snprintf(text, sizeof(text), "FFmpeg's %s encodes", self->codec->name);
        host->log(host, ORIEL_LOG_INFO, text);
    }
    return result;
}

static void avcodec_destroy(void *data)
{
    struct avcodec *self = data;
    if (!self)
        return;
    log_enter(&self->log);
    coder_close(&self->coder);
    log_leave();
    wrapper_finish(&self->wrapper);
    av_packet_free(&self->packet);
    settings_finish(&self->settings);
    free(self);
}

static oriel_result avcodec_create(const struct oriel_host *host, const struct oriel_config *config,
                                   const struct oriel_format *format, double fps,
                                   const struct oriel_packet_sink *sink, void **out)
{
    struct avcodec *self = calloc(1, sizeof(*self));
    if (!self)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    self->log.host = self->wrapper.host = host;
    oriel_result result =
        encode_init(&self->base, host, sink, format, formats, ENCODE_COUNT(formats), 1, 16384);
    if (result == ORIEL_OK) {
        self->packet = av_packet_alloc();
        if (!settings_read(&self->settings, config, fps) || !self->packet)
            result = encode_fail(host, ORIEL_NOMEM, "out of memory");
    }
    if (result == ORIEL_OK)
        result = open_any(self, config);
    if (result)
        avcodec_destroy(self);
    else
        *out = self;
    return result;
}

/* --- packets --- */

/* Whether a temporal unit of AV1 begins with a sequence header, after its delimiter (5.3 and 5.4 of
 * its specification). */
static bool has_sequence_header(const uint8_t *data, int bytes)
{
    enum { SEQUENCE_HEADER = 1, TEMPORAL_DELIMITER = 2 };
    int at = 0;
    if (bytes >= 2 && (data[0] >> 3 & 15) == TEMPORAL_DELIMITER && data[0] & 2)
        at = data[0] & 4 ? 3 : 2; /* with an extension; of no bytes */
    return bytes > at && (data[at] >> 3 & 15) == SEQUENCE_HEADER;
}

/* Whether an access unit begins with its parameter sets: in Annex B, before its first slice. */
static bool has_parameter_sets(uint32_t codec, const uint8_t *data, int bytes)
{
    bool h264 = codec == ORIEL_CODEC_H264;
    if (codec == ORIEL_CODEC_AV1)
        return has_sequence_header(data, bytes);
    if (!h264 && codec != ORIEL_CODEC_HEVC)
        return false;
    for (int i = 0; i + 3 < bytes; i++) {
        if (data[i] || data[i + 1] || data[i + 2] != 1)
            continue;
        int type = h264 ? data[i + 3] & 31 : data[i + 3] >> 1 & 63;
        if (type == (h264 ? 7 : 33))
            return true;
        if (h264 ? type >= 1 && type <= 5 : type < 32)
            return false;
        i += 3;
    }
    return false;
}

static uint32_t quantiser(const AVPacket *packet)
{
    size_t size;
    const uint8_t *data = av_packet_get_side_data(packet, AV_PKT_DATA_QUALITY_STATS, &size);
    if (!data || size < 4)
        return 0;
    uint32_t lambda = data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24;
    return lambda * 256u / FF_QP2LAMBDA;
}

static void emit(struct avcodec *self)
{
    const AVPacket *packet = self->packet;
    int64_t number = packet->pts == AV_NOPTS_VALUE ? self->received : packet->pts;
    const struct pending *pending = &self->pending[(uint64_t)number % MOST_PENDING];
    const struct oriel_frame shown = {.stamp = pending->stamp};
    const struct encode_job job = {.frame = &shown, .t_submit_ns = pending->t_submit_ns};
    bool key = packet->flags & AV_PKT_FLAG_KEY;
    if (pending->key && !key) {
        self->deaf = true;
        atomic_store(&self->base.key_wanted, true);
    }
    uint32_t flags = key ? ORIEL_PACKET_KEY : 0;
    if (has_parameter_sets(self->base.codec, packet->data, packet->size))
        flags |= ORIEL_PACKET_CONFIG;
    if (number >= self->received) /* those in between were left out */
        self->received = number + 1;
    encode_emit(&self->base, &job, flags, quantiser(packet), packet->data, (uint64_t)packet->size);
}

/* All that is there; AVERROR(EAGAIN) when it wants another picture. */
static int receive(struct avcodec *self)
{
    for (;;) {
        int error = avcodec_receive_packet(self->coder.context, self->packet);
        if (error >= 0 && self->coder.headers) {
            error = av_bsf_send_packet(self->coder.headers, self->packet);
            if (error >= 0)
                error = av_bsf_receive_packet(self->coder.headers, self->packet);
        }
        if (error < 0)
            return error;
        emit(self);
        av_packet_unref(self->packet);
    }
}

/* What it holds back comes out. An encoder of FFmpeg's is over then: the next picture opens it
 * again. */
static int flush(struct avcodec *self)
{
    if (!self->coder.context || self->received == self->sent)
        return 0;
    int error = coder_end(&self->coder);
    if (error >= 0)
        error = receive(self);
    coder_close(&self->coder);
    return error == AVERROR_EOF ? 0 : error;
}

/* --- pictures --- */

/* The picture on the encoder's device. */
static int upload(struct avcodec *self, AVFrame **picture)
{
    AVFrame *surface = av_frame_alloc();
    if (!surface)
        return AVERROR(ENOMEM);
    int error = av_hwframe_get_buffer(self->coder.context->hw_frames_ctx, surface, 0);
    if (error >= 0)
        error = av_hwframe_transfer_data(surface, *picture, 0);
    if (error >= 0)
        error = av_frame_copy_props(surface, *picture);
    AVFrame *unused = error >= 0 ? *picture : surface;
    if (error >= 0)
        *picture = surface;
    av_frame_free(&unused);
    return error;
}

/* Gives the picture to the encoder and takes what comes; `call` is the one that failed. */
static int encode_picture(struct avcodec *self, const struct encode_job *job, const char **call)
{
    *call = "av_frame_alloc";
    AVFrame *picture = wrapper_frame(&self->wrapper, job, self->coder.samples);
    if (!picture)
        return AVERROR(ENOMEM);
    picture->pts = self->sent;
    picture->pict_type = job->key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    picture->quality = coder_quality(&self->coder, &self->settings);
    int error = 0;
    if (self->coder.upload) {
        *call = "av_hwframe_transfer_data";
        error = upload(self, &picture);
    }
    if (error >= 0) {
        self->pending[self->sent % MOST_PENDING] =
            (struct pending){job->frame->stamp, job->t_submit_ns, job->key};
        *call = "avcodec_send_frame";
        error = coder_send(&self->coder, picture);
    }
    if (error >= 0) {
        self->sent++;
        self->fresh = false;
        self->base.started = true; /* the first is a key, whenever it comes out */
        *call = "avcodec_receive_packet";
        error = receive(self);
        if (error == AVERROR(EAGAIN)) /* for the next picture */
            error = 0;
    }
    if (!self->coder.upload && picture)
        wrapper_keep(&self->wrapper, picture);
    av_frame_free(&picture);
    return error;
}

/* After an error the encoder's state is anyone's guess: it is opened again for the next picture,
 * and given up when that does not help. */
static oriel_result lost(struct avcodec *self, const struct encode_job *job, const char *call,
                         int error)
{
    char why[256];
    log_reason(&self->log, call, error, why, sizeof(why));
    coder_close(&self->coder);
    bool over = ++self->failures >= MOST_FAILURES;
    return encode_lost(&self->base, job, over ? ORIEL_FATAL : ORIEL_IO, "%s %s", self->codec->name,
                       why);
}

static oriel_result encode_with(struct avcodec *self, struct encode_job *job)
{
    const char *call = "avcodec_send_frame";
    int error = 0;
    if (job->key && self->deaf && !self->fresh && self->coder.context) {
        error = flush(self);
        coder_close(&self->coder);
        if (error < 0)
            return lost(self, job, call, error);
    }
    if (!self->coder.context) {
        char why[256];
        if (!open_coder(self, self->codec, why, sizeof(why)))
            return encode_lost(&self->base, job, ORIEL_FATAL, "%s %s", self->codec->name, why);
        job->key = true; /* it is one anyway, for whoever has asked until now */
        atomic_store(&self->base.key_wanted, false);
    }
    if (self->sent - self->received >= MOST_PENDING)
        return encode_lost(&self->base, job, ORIEL_FATAL, "%s holds more than %d pictures back",
                           self->codec->name, MOST_PENDING);
    error = encode_picture(self, job, &call);
    if (error < 0)
        return lost(self, job, call, error);
    self->failures = 0;
    return ORIEL_OK;
}

static oriel_result avcodec_encode(void *data, const struct oriel_frame *frame, uint32_t flags)
{
    struct avcodec *self = data;
    struct encode_job job;
    oriel_result result = encode_begin(&self->base, frame, flags, &job);
    if (result)
        return result;
    log_enter(&self->log);
    result = encode_with(self, &job);
    log_leave();
    return result;
}

static oriel_result avcodec_drain(void *data)
{
    struct avcodec *self = data;
    log_enter(&self->log);
    int error = flush(self);
    log_leave();
    if (error >= 0)
        return ORIEL_OK;
    char why[256];
    return encode_fail(self->base.host, ORIEL_IO, "%s %s", self->codec->name,
                       log_reason(&self->log, "draining", error, why, sizeof(why)));
}

static oriel_result avcodec_reconfigure(void *data, const struct oriel_config *config)
{
    struct avcodec *self = data;
    struct settings *settings = &self->settings, old = *settings;
    settings_read_rates(settings, config);
    bool jpeg = self->base.codec == ORIEL_CODEC_JPEG;
    bool changed = jpeg ? old.quality != settings->quality
                        : old.bitrate != settings->bitrate ||
                              old.max_bitrate != settings->max_bitrate ||
                              old.vbv_ms != settings->vbv_ms;
    if (!changed || !self->coder.context)
        return ORIEL_OK;
    if (self->coder.recipe->live) {
        if (!jpeg) /* whose quality goes with each picture */
            coder_set_rates(&self->coder, settings);
        return ORIEL_OK;
    }
    oriel_result result = avcodec_drain(self);
    coder_close(&self->coder);
    return result;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &avcodec_options,
    .input_format = avcodec_input_format,
    .codec = avcodec_codec,
    .create = avcodec_create,
    .destroy = avcodec_destroy,
    .get_interface = encode_no_interface,
    .encode = avcodec_encode,
    .drain = avcodec_drain,
    .request_key = encode_want_key,
    .reconfigure = avcodec_reconfigure,
};

static const void *avcodec_factory(const char *id)
{
    return strcmp(id, ORIEL_ENCODER_V1) == 0 ? &encoder : NULL;
}

/* SVT-AV1 tells of every instance on stderr and heeds nothing but this. */
static oriel_result avcodec_init(const struct oriel_host *host)
{
    (void)host;
    setenv("SVT_LOG", "1", 0);
    return ORIEL_OK;
}

static const struct oriel_module_info info = {
    sizeof(info),
    0,
    "encode/avcodec",
    "1.0.0",
    "Oriel",
    "BSD-3-Clause AND LGPL-2.1-or-later",
    "H.264, HEVC, AV1, VP9, VP8 and JPEG by FFmpeg's encoders, hardware first; a GPL work where "
    "FFmpeg is built with x264 or x265"};
ORIEL_MODULE(&info, avcodec_init, log_restore, avcodec_factory);
