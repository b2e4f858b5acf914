/* SPDX-License-Identifier: BSD-3-Clause */
/* JPEG of each picture by libjpeg-turbo. JFIF means full-range BT.601, so planar samples go in as
 * they come; RGBA is converted by the library. */
#include <limits.h>
#include <stdlib.h>

#include <turbojpeg.h>

#include "../common/encode.h"

static const uint32_t codecs[] = {ORIEL_CODEC_JPEG};
static const struct oriel_format formats[] = {
    ENCODE_FORMAT(ORIEL_FMT_I420, ORIEL_MATRIX_BT601, 1),
    ENCODE_FORMAT(ORIEL_FMT_I444, ORIEL_MATRIX_BT601, 1),
    ENCODE_FORMAT(ORIEL_FMT_RGBA, ORIEL_MATRIX_IDENTITY, 1),
};
static const struct oriel_option option_list[] = {
    {.name = "quality",
     .default_value = "85",
     .help = "Quality from 1 to 100, as libjpeg counts it.",
     .min = 1,
     .max = 100,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "subsampling",
     .default_value = "420",
     .choices = "420 444",
     .help = "Chroma resolution for RGBA pictures; planar ones keep theirs.",
     .type = ORIEL_OPT_ENUM,
     .flags = ORIEL_OPT_LIVE},
};
static const struct oriel_option_table options = ENCODE_OPTIONS(option_list);

struct jpeg {
    struct encode base;
    tjhandle codec;
    int quality;
    int subsampling;
    unsigned char *data;
    unsigned long capacity;
    unsigned char *even; /* luma with its last column and row repeated; NULL where sides are even */
};

static oriel_result jpeg_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result jpeg_codec(uint32_t index, uint32_t *fourcc)
{
    return encode_list_codec(codecs, ENCODE_COUNT(codecs), index, fourcc);
}

static oriel_result jpeg_reconfigure(void *self, const struct oriel_config *config)
{
    struct jpeg *jpeg = self;
    jpeg->quality = (int)config->get_int(config, "quality");
    switch (jpeg->base.format.fourcc) {
    case ORIEL_FMT_I420:
        jpeg->subsampling = TJSAMP_420;
        break;
    case ORIEL_FMT_I444:
        jpeg->subsampling = TJSAMP_444;
        break;
    default:
        jpeg->subsampling =
            strcmp(config->get_string(config, "subsampling"), "444") ? TJSAMP_420 : TJSAMP_444;
    }
    return ORIEL_OK;
}

static void jpeg_destroy(void *self)
{
    struct jpeg *jpeg = self;
    if (!jpeg)
        return;
    if (jpeg->codec)
        tjDestroy(jpeg->codec);
    tjFree(jpeg->data);
    free(jpeg->even);
    free(jpeg);
}

/* Room for either subsampling, so that a live change needs no new buffer; tiny pictures are larger
 * in 4:2:0, which is coded in larger units. */
static unsigned long worst_case(const struct oriel_format *format)
{
    unsigned long full = tjBufSize((int)format->width, (int)format->height, TJSAMP_444);
    unsigned long half = tjBufSize((int)format->width, (int)format->height, TJSAMP_420);
    return full > half ? full : half; /* of an impossible size: ULONG_MAX */
}

static oriel_result jpeg_create(const struct oriel_host *host, const struct oriel_config *config,
                                const struct oriel_format *format, double fps,
                                const struct oriel_packet_sink *sink, void **self)
{
    (void)fps;
    struct jpeg *jpeg = calloc(1, sizeof(*jpeg));
    if (!jpeg)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    oriel_result result = encode_init(&jpeg->base, host, sink, format, formats,
                                      ENCODE_COUNT(formats), 1, 65500); /* libjpeg's limit */
    if (result)
        goto out;
    jpeg->base.codec = codecs[0];
    jpeg_reconfigure(jpeg, config);
    jpeg->codec = tjInitCompress();
    jpeg->capacity = worst_case(format);
    if (jpeg->codec && jpeg->capacity <= INT_MAX)
        jpeg->data = tjAlloc((int)jpeg->capacity);
    bool odd = format->fourcc == ORIEL_FMT_I420 && (format->width % 2 || format->height % 2);
    if (odd)
        jpeg->even = malloc(((size_t)format->width + 1) * (format->height + 1));
    if (!jpeg->data || (odd && !jpeg->even))
        result = encode_fail(host, ORIEL_NOMEM, "no memory for JPEGs of %u×%u", format->width,
                             format->height);
out:
    if (result)
        jpeg_destroy(jpeg);
    else
        *self = jpeg;
    return result;
}

/* The library reads luma of 4:2:0 up to even sides. */
static void make_even(struct jpeg *jpeg, struct encode_job *job)
{
    size_t width = jpeg->base.format.width, height = jpeg->base.format.height;
    for (size_t y = 0; y < height + height % 2; y++) {
        unsigned char *to = jpeg->even + y * (width + 1);
        memcpy(to, job->data[0] + (y < height ? y : height - 1) * job->stride[0], width);
        to[width] = to[width - 1];
    }
    job->data[0] = jpeg->even;
    job->stride[0] = (uint32_t)width + 1;
}

static oriel_result jpeg_encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    struct jpeg *jpeg = self;
    struct encode_job job;
    oriel_result result = encode_begin(&jpeg->base, frame, flags, &job);
    if (result)
        return result;
    const struct oriel_format *format = &jpeg->base.format;
    int width = (int)format->width, height = (int)format->height;
    unsigned long bytes = jpeg->capacity;
    int failed;
    if (format->fourcc == ORIEL_FMT_RGBA) {
        failed =
            tjCompress2(jpeg->codec, job.data[0], width, (int)job.stride[0], height, TJPF_RGBX,
                        &jpeg->data, &bytes, jpeg->subsampling, jpeg->quality, TJFLAG_NOREALLOC);
    } else {
        if (jpeg->even)
            make_even(jpeg, &job);
        const unsigned char *planes[3] = {job.data[0], job.data[1], job.data[2]};
        const int strides[3] = {(int)job.stride[0], (int)job.stride[1], (int)job.stride[2]};
        failed =
            tjCompressFromYUVPlanes(jpeg->codec, planes, width, strides, height, jpeg->subsampling,
                                    &jpeg->data, &bytes, jpeg->quality, TJFLAG_NOREALLOC);
    }
    if (failed)
        return encode_lost(&jpeg->base, &job, ORIEL_IO, "libjpeg-turbo: %s",
                           tjGetErrorStr2(jpeg->codec));
    encode_emit(&jpeg->base, &job, ORIEL_PACKET_KEY | ORIEL_PACKET_DISCARDABLE, 0, jpeg->data,
                bytes);
    return ORIEL_OK;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = jpeg_input_format,
    .codec = jpeg_codec,
    .create = jpeg_create,
    .destroy = jpeg_destroy,
    .get_interface = encode_no_interface,
    .encode = jpeg_encode,
    .drain = encode_nothing_held,
    .request_key = encode_want_key,
    .reconfigure = jpeg_reconfigure,
};
ENCODE_MODULE(encoder, "encode/jpeg", "BSD-3-Clause AND IJG AND Zlib",
              "JPEG pictures by libjpeg-turbo, each decodable alone");
