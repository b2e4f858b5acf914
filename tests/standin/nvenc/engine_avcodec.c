/* SPDX-License-Identifier: BSD-3-Clause */
/* HEVC: libx265 through libavcodec. It cannot change while it runs and is then made anew. */
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

struct x265 {
    AVCodecContext *context;
    AVFrame *frame;
    AVPacket *packet;
    struct engine_params params;
    bool forget;
};

static void x265_destroy(void *opaque)
{
    struct x265 *self = opaque;
    avcodec_free_context(&self->context);
    av_frame_free(&self->frame);
    av_packet_free(&self->packet);
    free(self);
}

static int slice_count(const struct engine_params *params)
{
    int rows = (int)(params->height + 63) / 64, columns = (int)(params->width + 63) / 64;
    int n = (int)params->slice_data;
    int count = params->slice_mode == 3            ? n
                : params->slice_mode == 2 && n > 0 ? (rows + n - 1) / n
                : params->slice_mode == 0 && n > 0 ? (rows * columns + n - 1) / n
                                                   : 1;
    return count < 1 ? 1 : count > rows ? rows : count;
}

static void *x265_create(const struct engine_params *params)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libx265");
    struct x265 *self = calloc(1, sizeof *self);
    self->params = *params;
    self->context = avcodec_alloc_context3(codec);
    self->frame = av_frame_alloc();
    self->packet = av_packet_alloc();
    AVCodecContext *c = self->context;
    c->width = (int)params->width;
    c->height = (int)params->height;
    c->time_base = (AVRational){(int)params->fps_den, (int)params->fps_num};
    c->framerate = (AVRational){(int)params->fps_num, (int)params->fps_den};
    c->pix_fmt = params->yuv444 ? params->deep ? AV_PIX_FMT_YUV444P10 : AV_PIX_FMT_YUV444P
                 : params->deep ? AV_PIX_FMT_YUV420P10
                                : AV_PIX_FMT_YUV420P;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    c->max_b_frames = 0;
    c->thread_count = 1;
    c->color_primaries = AVCOL_PRI_UNSPECIFIED;
    if (params->vui.signal_type)
        c->color_range = params->vui.full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    if (params->vui.signal_type && params->vui.colour) {
        c->color_primaries = (enum AVColorPrimaries)params->vui.primaries;
        c->color_trc = (enum AVColorTransferCharacteristic)params->vui.transfer;
        c->colorspace = (enum AVColorSpace)params->vui.matrix;
    }
    char extra[256];
    int n = snprintf(
        extra, sizeof extra,
        "log-level=none:pools=none:frame-threads=1:wpp=0:scenecut=0:open-gop=0:info=0:slices=%d:"
        "keyint=%d:min-keyint=1:aud=%d:ref=1%s",
        slice_count(params), params->idr_period ? (int)params->idr_period : -1, params->aud,
        params->refresh_period ? ":intra-refresh=1" : "");
    if (params->refresh_period)
        c->gop_size = (int)params->refresh_period;
    if (params->lossless) {
        snprintf(extra + n, sizeof extra - (size_t)n, ":lossless=1");
    } else if (params->rate == ENGINE_QP) {
        snprintf(extra + n, sizeof extra - (size_t)n, ":qp=%u", params->qp_p);
    } else {
        uint32_t most = params->rate == ENGINE_VBR && params->max_bitrate ? params->max_bitrate
                                                                          : params->bitrate;
        c->bit_rate = params->bitrate;
        c->rc_max_rate = most;
        c->rc_buffer_size = (int)(params->vbv_bits ? params->vbv_bits : most);
    }
    if (params->rate == ENGINE_QP && !params->lossless)
        av_opt_set_double(c->priv_data, "qp", params->qp_p, 0);
    av_opt_set(c->priv_data, "preset", params->preset < 4 ? "ultrafast" : "superfast", 0);
    av_opt_set(c->priv_data, "tune", "zerolatency", 0);
    av_opt_set(c->priv_data, "forced-idr", "1", 0);
    av_opt_set(c->priv_data, "x265-params", extra, 0);
    if (avcodec_open2(c, codec, NULL) < 0) {
        x265_destroy(self);
        return NULL;
    }
    self->frame->format = c->pix_fmt;
    self->frame->width = c->width;
    self->frame->height = c->height;
    av_frame_get_buffer(self->frame, 0);
    return self;
}

static bool x265_change(void *opaque, const struct engine_params *from,
                        const struct engine_params *to)
{
    (void)opaque;
    return memcmp(from, to, sizeof *from) == 0;
}

static const uint8_t *x265_headers(void *opaque, size_t *bytes)
{
    const struct x265 *self = opaque;
    *bytes = (size_t)self->context->extradata_size;
    return self->context->extradata;
}

static bool x265_encode(void *opaque, const struct engine_picture *picture, const uint8_t **data,
                        size_t *bytes, enum engine_type *type, uint32_t *qp)
{
    struct x265 *self = opaque;
    const struct engine_params *params = &self->params;
    av_packet_unref(self->packet);
    if (av_frame_make_writable(self->frame) < 0)
        return false;
    for (int i = 0; i < 3; i++) {
        bool half = i && !params->yuv444;
        size_t width = (size_t)(half ? params->width / 2 : params->width) * (params->deep ? 2 : 1);
        uint32_t rows = half ? params->height / 2 : params->height;
        for (uint32_t y = 0; y < rows; y++)
            memcpy(self->frame->data[i] + (size_t)self->frame->linesize[i] * y,
                   (const uint8_t *)picture->planes[i] + width * y, width);
    }
    self->frame->pts = picture->id;
    enum engine_type wish = self->forget ? ENGINE_IDR : picture->type;
    self->forget = false;
    self->frame->pict_type = wish == ENGINE_AUTO ? AV_PICTURE_TYPE_NONE
                             : wish == ENGINE_P  ? AV_PICTURE_TYPE_P
                                                 : AV_PICTURE_TYPE_I;
    if (avcodec_send_frame(self->context, self->frame) < 0 ||
        avcodec_receive_packet(self->context, self->packet) < 0)
        return false;
    *data = self->packet->data;
    *bytes = (size_t)self->packet->size;
    *type = self->packet->flags & AV_PKT_FLAG_KEY ? ENGINE_IDR : ENGINE_P;
    *qp = params->rate == ENGINE_QP ? params->qp_p : 0;
    size_t size;
    const uint8_t *stats = av_packet_get_side_data(self->packet, AV_PKT_DATA_QUALITY_STATS, &size);
    if (stats && size >= 8) {
        uint32_t quality = stats[0] | (uint32_t)stats[1] << 8 | (uint32_t)stats[2] << 16;
        *qp = (quality + FF_QP2LAMBDA / 2) / FF_QP2LAMBDA;
        enum AVPictureType is = stats[4];
        if (is == AV_PICTURE_TYPE_I && *type == ENGINE_P)
            *type = ENGINE_I;
    }
    return true;
}

/* It keeps one reference, the latest: what is lost is made good by an IDR. */
static void x265_forget(void *opaque, int64_t id)
{
    struct x265 *self = opaque;
    (void)id;
    self->forget = true;
}

const struct engine_class engine_avcodec = {
    x265_create, x265_destroy, x265_change, x265_headers, x265_encode, x265_forget,
};
