/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/decoder.h"

#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libavutil/sha.h>
#include <stdio.h>
#include <string.h>

#include "oriel/encoder.h"
#include "util/check.h"
#include "util/clock.h"

struct decoder {
    struct oriel_format format;
    const char *name;
    AVCodecContext *context; /* NULL: the packets are the samples */
    AVPacket *packet;
    AVFrame *frame;
    struct picture raw;
    int64_t spent_ns;
};

static const struct {
    uint32_t codec;
    enum AVCodecID id;
} codecs[] = {
    {ORIEL_CODEC_H264, AV_CODEC_ID_H264}, {ORIEL_CODEC_HEVC, AV_CODEC_ID_HEVC},
    {ORIEL_CODEC_AV1, AV_CODEC_ID_AV1},   {ORIEL_CODEC_VP8, AV_CODEC_ID_VP8},
    {ORIEL_CODEC_VP9, AV_CODEC_ID_VP9},   {ORIEL_CODEC_JPEG, AV_CODEC_ID_MJPEG},
};

static bool open_context(struct decoder *decoder, uint32_t codec, struct error *err)
{
    enum AVCodecID id = AV_CODEC_ID_NONE;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        id = codecs[i].codec == codec ? codecs[i].id : id;
    if (id == AV_CODEC_ID_NONE)
        return error_set(err, "packets of codec %.4s are not decoded here", (char *)&codec);
    const AVCodec *found = avcodec_find_decoder(id);
    if (!found)
        return error_set(err, "this libavcodec has no decoder of %s", avcodec_get_name(id));
    decoder->name = found->name;
    decoder->context = avcodec_alloc_context3(found);
    decoder->packet = av_packet_alloc();
    decoder->frame = av_frame_alloc();
    CHECK(decoder->context && decoder->packet && decoder->frame);
    decoder->context->thread_count = 1;
    decoder->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
    decoder->context->err_recognition = AV_EF_EXPLODE;
    int failed = avcodec_open2(decoder->context, found, NULL);
    return failed == 0 || error_set(err, "%s: %s", found->name, av_err2str(failed));
}

struct decoder *decoder_open(uint32_t codec, const struct oriel_format *format, struct error *err)
{
    struct decoder *decoder = xcalloc(1, sizeof *decoder);
    decoder->format = *format;
    av_log_set_level(AV_LOG_FATAL);
    bool good = codec == ORIEL_CODEC_RAW
                    ? picture_init(&decoder->raw, format) || error_set(err, "no memory")
                    : open_context(decoder, codec, err);
    if (good)
        return decoder;
    decoder_close(decoder);
    return NULL;
}

void decoder_close(struct decoder *decoder)
{
    if (!decoder)
        return;
    avcodec_free_context(&decoder->context);
    av_packet_free(&decoder->packet);
    av_frame_free(&decoder->frame);
    picture_finish(&decoder->raw);
    free(decoder);
}

/* Is it a planar picture of the shape that went into the encoder? */
static bool borrow(const struct decoder *decoder, const AVFrame *frame, struct picture *picture,
                   struct error *err)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(frame->format);
    bool whole = decoder->format.fourcc == ORIEL_FMT_I444;
    int depth = decoder->format.fourcc == ORIEL_FMT_P010 ? 10 : 8, shift = whole ? 0 : 1;
    if (!d || !(d->flags & AV_PIX_FMT_FLAG_PLANAR) || d->nb_components < 3 ||
        d->comp[0].depth != depth || d->log2_chroma_w != shift || d->log2_chroma_h != shift ||
        (d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_BE)) || d->comp[1].plane != 1 ||
        d->comp[2].plane != 2)
        return error_set(err, "%s gives %s, which cannot be compared with what was recorded",
                         decoder->name, d ? d->name : "no known samples");
    if (frame->width != (int)decoder->format.width || frame->height != (int)decoder->format.height)
        return error_set(err, "%s gives %d x %d pixels instead of %u x %u", decoder->name,
                         frame->width, frame->height, decoder->format.width,
                         decoder->format.height);
    *picture = (struct picture){.depth = (uint32_t)depth};
    for (int i = 0; i < 3; i++) {
        picture->width[i] = ((uint32_t)frame->width + (i ? 1u << shift : 1) - 1) >> (i ? shift : 0);
        picture->height[i] =
            ((uint32_t)frame->height + (i ? 1u << shift : 1) - 1) >> (i ? shift : 0);
        picture->stride[i] = (uint32_t)frame->linesize[i];
        picture->plane[i] = frame->data[i];
    }
    return true;
}

static bool feed_raw(struct decoder *decoder, uint32_t index, const uint8_t *data, uint64_t bytes,
                     decoder_picture *picture, void *user, struct error *err)
{
    if (!bytes)
        return true;
    if (bytes != frame_bytes(&decoder->format))
        return error_set(err, "a raw picture of another size");
    picture_unpack(&decoder->raw, &decoder->format, data);
    picture(user, index, &decoder->raw);
    return true;
}

bool decoder_feed(struct decoder *decoder, uint32_t index, const uint8_t *data, uint64_t bytes,
                  decoder_picture *picture, void *user, struct error *err)
{
    if (!decoder->context)
        return feed_raw(decoder, index, data, bytes, picture, user, err);
    AVPacket *packet = bytes ? decoder->packet : NULL;
    decoder->spent_ns = 0;
    if (packet) {
        if (bytes > INT_MAX - AV_INPUT_BUFFER_PADDING_SIZE || av_new_packet(packet, (int)bytes))
            return error_set(err, "no memory for a packet");
        memcpy(packet->data, data, bytes);
        packet->pts = packet->dts = index;
    }
    int64_t begin = clock_ns();
    int result = avcodec_send_packet(decoder->context, packet);
    if (packet)
        av_packet_unref(packet);
    while (result >= 0) {
        result = avcodec_receive_frame(decoder->context, decoder->frame);
        decoder->spent_ns += clock_ns() - begin;
        if (result < 0)
            break;
        struct picture borrowed;
        if (!borrow(decoder, decoder->frame, &borrowed, err))
            return false;
        picture(user, (uint32_t)decoder->frame->pts, &borrowed);
        av_frame_unref(decoder->frame);
        begin = clock_ns();
    }
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
        return true;
    return error_set(err, "frame %u: %s: %s", index, decoder->name, av_err2str(result));
}

int64_t decoder_spent_ns(const struct decoder *decoder)
{
    return decoder->spent_ns;
}

const char *decoder_library(void)
{
    static _Thread_local char text[64];
    unsigned v = avcodec_version();
    snprintf(text, sizeof text, "libavcodec %u.%u.%u", AV_VERSION_MAJOR(v), AV_VERSION_MINOR(v),
             AV_VERSION_MICRO(v));
    return text;
}

void sha256_text(const uint8_t *data, uint64_t bytes, char text[65])
{
    struct AVSHA *sha = av_sha_alloc();
    uint8_t digest[32];
    CHECK(sha && av_sha_init(sha, 256) == 0);
    av_sha_update(sha, data, bytes);
    av_sha_final(sha, digest);
    av_free(sha);
    for (int i = 0; i < 32; i++)
        snprintf(text + (size_t)i * 2, 3, "%02x", digest[i]);
}
