/* SPDX-License-Identifier: BSD-3-Clause */
#include "picture.h"

#include <string.h>

#include <libavcodec/bsf.h>

static uint64_t get(const uint8_t *p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

bool picture_read(struct picture *picture, const struct viewer_message *message)
{
    static const enum AVCodecID codecs[] = {AV_CODEC_ID_NONE, AV_CODEC_ID_H264, AV_CODEC_ID_HEVC,
                                            AV_CODEC_ID_AV1,  AV_CODEC_ID_VP8,  AV_CODEC_ID_VP9,
                                            AV_CODEC_ID_MJPEG};
    const uint8_t *head = message->head;
    if (message->head_bytes < PICTURE_HEAD_BYTES || !message->buffer ||
        get(head + 22, 2) + 24 != PICTURE_HEAD_BYTES || get(head + 24, 2) != 1 ||
        head[20] >= sizeof codecs / sizeof *codecs || !codecs[head[20]])
        return false;
    uint64_t flags = get(head + 26, 2), time = get(head + 4, 8);
    *picture = (struct picture){.head = head,
                                .data = message->buffer->data,
                                .bytes = (size_t)message->buffer->bytes,
                                .width = (uint32_t)get(head + 12, 4),
                                .height = (uint32_t)get(head + 16, 4),
                                .codec = codecs[head[20]],
                                .key = head[21] & 1,
                                .bottom_up = flags & 1,
                                .still = flags & 4,
                                .full_range = flags & 16,
                                .matrix = head[29]};
    memcpy(&picture->time, &time, sizeof picture->time);
    return picture->width && picture->height && picture->bytes;
}

/* Parameter sets, as the codec's own filter finds them. */
static int extract(const struct picture *picture, AVCodecParameters *par)
{
    AVBSFContext *bsf = NULL;
    AVPacket *packet = av_packet_alloc();
    int result =
        packet ? av_bsf_alloc(av_bsf_get_by_name("extract_extradata"), &bsf) : AVERROR(ENOMEM);
    if (result >= 0)
        result = avcodec_parameters_copy(bsf->par_in, par);
    if (result >= 0)
        result = av_bsf_init(bsf);
    if (result >= 0)
        result = av_new_packet(packet, (int)picture->bytes);
    if (result >= 0) {
        memcpy(packet->data, picture->data, picture->bytes);
        result = av_bsf_send_packet(bsf, packet);
    }
    if (result >= 0)
        result = av_bsf_receive_packet(bsf, packet);
    size_t bytes = 0;
    const uint8_t *data =
        result >= 0 ? av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &bytes) : NULL;
    if (result >= 0 && !data)
        result = AVERROR_INVALIDDATA;
    if (result >= 0 && !(par->extradata = av_mallocz(bytes + AV_INPUT_BUFFER_PADDING_SIZE)))
        result = AVERROR(ENOMEM);
    if (result >= 0) {
        memcpy(par->extradata, data, bytes);
        par->extradata_size = (int)bytes;
    }
    av_packet_free(&packet);
    av_bsf_free(&bsf);
    return result;
}

AVCodecParameters *picture_parameters(const struct picture *picture, int *error)
{
    AVCodecParameters *par = avcodec_parameters_alloc();
    *error = par ? 0 : AVERROR(ENOMEM);
    if (!par)
        return NULL;
    /* Of VP9 only the profile says what the samples are; JPEG's are told by its own head. */
    bool full_chroma = picture->codec == AV_CODEC_ID_VP9 && (picture->data[0] & 0x20);
    par->codec_type = AVMEDIA_TYPE_VIDEO;
    par->codec_id = picture->codec;
    par->width = (int)picture->width;
    par->height = (int)picture->height;
    par->format = full_chroma ? AV_PIX_FMT_YUV444P : AV_PIX_FMT_YUV420P;
    par->profile = picture->codec == AV_CODEC_ID_VP9 ? full_chroma : FF_PROFILE_UNKNOWN;
    par->color_range = picture->full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    par->color_space = (enum AVColorSpace)picture->matrix;
    par->color_primaries = AVCOL_PRI_BT709;
    par->color_trc = AVCOL_TRC_BT709;
    if (picture->codec == AV_CODEC_ID_H264 || picture->codec == AV_CODEC_ID_HEVC ||
        picture->codec == AV_CODEC_ID_AV1)
        *error = extract(picture, par);
    if (*error < 0)
        avcodec_parameters_free(&par);
    return par;
}

bool picture_same_parameters(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a->codec_id == b->codec_id && a->width == b->width && a->height == b->height &&
           a->format == b->format && a->color_range == b->color_range &&
           a->color_space == b->color_space && a->extradata_size == b->extradata_size &&
           (!a->extradata_size || !memcmp(a->extradata, b->extradata, (size_t)a->extradata_size));
}
