/* SPDX-License-Identifier: BSD-3-Clause */
#include "decode.h"

#include <math.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>

struct decoder {
    uint32_t codec;
    AVCodecContext *context;
    AVFrame *picture;
    AVPacket *packet;
    struct decoded out;
};

static enum AVCodecID codec_id(uint32_t codec)
{
    switch (codec) {
    case ORIEL_CODEC_H264:
        return AV_CODEC_ID_H264;
    case ORIEL_CODEC_HEVC:
        return AV_CODEC_ID_HEVC;
    case ORIEL_CODEC_AV1:
        return AV_CODEC_ID_AV1;
    case ORIEL_CODEC_VP8:
        return AV_CODEC_ID_VP8;
    case ORIEL_CODEC_VP9:
        return AV_CODEC_ID_VP9;
    case ORIEL_CODEC_JPEG:
        return AV_CODEC_ID_MJPEG;
    case ORIEL_CODEC_PNG:
        return AV_CODEC_ID_PNG;
    default:
        return AV_CODEC_ID_NONE;
    }
}

struct decoder *decoder_create(uint32_t codec)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    decoder->codec = codec;
    const AVCodec *av = avcodec_find_decoder(codec_id(codec));
    assert_non_null(av);
    decoder->context = avcodec_alloc_context3(av);
    decoder->context->thread_count = 1;
    assert_int_equal(avcodec_open2(decoder->context, av, NULL), 0);
    decoder->picture = av_frame_alloc();
    decoder->packet = av_packet_alloc();
    return decoder;
}

void decoder_destroy(struct decoder *decoder)
{
    if (decoder->out.frame)
        frame_destroy(decoder->out.frame);
    av_packet_free(&decoder->packet);
    av_frame_free(&decoder->picture);
    avcodec_free_context(&decoder->context);
    free(decoder);
}

static void take_picture(struct decoder *decoder, const struct oriel_format *untagged)
{
    const AVFrame *picture = decoder->picture;
    struct decoded *out = &decoder->out;
    uint32_t fourcc = 0;
    switch ((enum AVPixelFormat)picture->format) {
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUV420P10LE:
        fourcc = ORIEL_FMT_I420;
        break;
    case AV_PIX_FMT_YUV444P:
    case AV_PIX_FMT_YUVJ444P:
        fourcc = ORIEL_FMT_I444;
        break;
    case AV_PIX_FMT_RGB24:
        fourcc = ORIEL_FMT_RGBA;
        break;
    default:
        fail_msg("decoded to %s", av_get_pix_fmt_name(picture->format));
    }
    *out = (struct decoded){.width = (uint32_t)picture->width,
                            .height = (uint32_t)picture->height,
                            .primaries = picture->color_primaries,
                            .transfer = picture->color_trc,
                            .matrix = picture->colorspace,
                            .full_range = picture->color_range == AVCOL_RANGE_JPEG   ? 1
                                          : picture->color_range == AVCOL_RANGE_MPEG ? 0
                                                                                     : 2,
                            .reorder = decoder->context->has_b_frames,
                            .bits = (uint32_t)av_pix_fmt_desc_get(picture->format)->comp[0].depth};
    struct oriel_format format = *untagged;
    format.fourcc = fourcc;
    format.width = out->width;
    format.height = out->height;
    /* JFIF has no tags and means full-range BT.601, which libavcodec knows as 5. */
    if (decoder->codec == ORIEL_CODEC_H264 || decoder->codec == ORIEL_CODEC_HEVC ||
        decoder->codec == ORIEL_CODEC_AV1 || decoder->codec == ORIEL_CODEC_VP9 ||
        decoder->codec == ORIEL_CODEC_JPEG) {
        format.matrix =
            (uint8_t)(out->matrix == AVCOL_SPC_BT470BG ? ORIEL_MATRIX_BT601 : out->matrix);
        format.full_range = (uint8_t)out->full_range;
    }
    out->frame = frame_create(&format);
    for (uint32_t i = 0; i < out->frame->plane_count; i++) {
        const struct oriel_plane *plane = &out->frame->planes[i];
        for (uint32_t y = 0; y < plane->rows; y++) {
            uint8_t *to =
                (uint8_t *)(uintptr_t)plane->handle + plane->offset + (size_t)y * plane->stride;
            const uint8_t *from = picture->data[i] + (ptrdiff_t)y * picture->linesize[i];
            bool deep = picture->format == AV_PIX_FMT_YUV420P10LE;
            if (fourcc != ORIEL_FMT_RGBA && !deep)
                memcpy(to, from, plane->stride - 13);
            for (uint32_t x = 0; deep && x < plane->stride - 13; x++)
                to[x] = (uint8_t)((from[2 * x] | from[2 * x + 1] << 8) >> 2);
            for (uint32_t x = 0; fourcc == ORIEL_FMT_RGBA && x < out->width; x++)
                memcpy(to + 4 * x, from + 3 * x, 3);
        }
    }
}

const struct decoded *decoder_decode(struct decoder *decoder, const uint8_t *data, size_t bytes,
                                     const struct oriel_format *untagged)
{
    if (decoder->out.frame)
        frame_destroy(decoder->out.frame);
    decoder->out.frame = NULL;
    assert_int_equal(av_new_packet(decoder->packet, (int)bytes), 0);
    memcpy(decoder->packet->data, data, bytes);
    if (decoder->codec == ORIEL_CODEC_PNG) /* else libavcodec adds it to the picture before */
        decoder->packet->flags |= AV_PKT_FLAG_KEY;
    assert_int_equal(avcodec_send_packet(decoder->context, decoder->packet), 0);
    av_packet_unref(decoder->packet);
    /* One packet in, one picture out, at once. */
    assert_int_equal(avcodec_receive_frame(decoder->context, decoder->picture), 0);
    take_picture(decoder, untagged);
    assert_int_equal(avcodec_receive_frame(decoder->context, decoder->picture), AVERROR(EAGAIN));
    return &decoder->out;
}

void frame_rgb(const struct oriel_frame *frame, uint32_t x, uint32_t y, double rgb[3])
{
    const struct oriel_format *format = &frame->format;
    if (format->fourcc == ORIEL_FMT_RGBA) {
        for (uint32_t c = 0; c < 3; c++)
            rgb[c] = frame_sample(frame, 0, 4 * x + c, y);
        return;
    }
    uint32_t side = format->fourcc == ORIEL_FMT_I444 ? 1 : 2;
    yuv_to_rgb(format->matrix, format->full_range, frame_sample(frame, 0, x, y),
               frame_sample(frame, 1, x / side, y / side),
               frame_sample(frame, 2, x / side, y / side), rgb);
    for (int c = 0; c < 3; c++)
        rgb[c] = rgb[c] < 0 ? 0 : rgb[c] > 255 ? 255 : rgb[c];
}

double frame_psnr(const struct oriel_frame *a, const struct oriel_frame *b)
{
    bool planar = a->format.fourcc != ORIEL_FMT_RGBA && b->format.fourcc != ORIEL_FMT_RGBA;
    double sum = 0, count = 0;
    for (uint32_t y = 0; y < a->format.height; y++)
        for (uint32_t x = 0; x < a->format.width; x++) {
            if (planar) {
                double d = (double)frame_sample(a, 0, x, y) - frame_sample(b, 0, x, y);
                sum += d * d;
                count++;
                continue;
            }
            double p[3], q[3];
            frame_rgb(a, x, y, p);
            frame_rgb(b, x, y, q);
            for (int c = 0; c < 3; c++)
                sum += (p[c] - q[c]) * (p[c] - q[c]);
            count += 3;
        }
    return sum == 0 ? 99.0 : 10 * log10(255.0 * 255.0 * count / sum);
}
