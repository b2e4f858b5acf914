/* SPDX-License-Identifier: BSD-3-Clause */
/* The samples as they are: the planes' rows one after the other without padding. */
#include <stdlib.h>

#include "../common/encode.h"

static const uint32_t codecs[] = {ORIEL_CODEC_RAW};
static const struct oriel_format formats[] = {
    ENCODE_YUV_FORMATS(ORIEL_FMT_I420),
    ENCODE_YUV_FORMATS(ORIEL_FMT_NV12),
    ENCODE_YUV_FORMATS(ORIEL_FMT_I444),
    ENCODE_FORMAT(ORIEL_FMT_RGBA, ORIEL_MATRIX_IDENTITY, 1),
};
static const struct oriel_option_table options = {sizeof(options), 0, NULL};

static oriel_result raw_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result raw_codec(uint32_t index, uint32_t *fourcc)
{
    return encode_list_codec(codecs, ENCODE_COUNT(codecs), index, fourcc);
}

struct raw {
    struct encode base;
    uint64_t bytes;
    uint8_t *data;
};

static void raw_destroy(void *self)
{
    struct raw *raw = self;
    if (!raw)
        return;
    free(raw->data);
    free(raw);
}

static oriel_result raw_create(const struct oriel_host *host, const struct oriel_config *config,
                               const struct oriel_format *format, double fps,
                               const struct oriel_packet_sink *sink, void **self)
{
    (void)config;
    (void)fps;
    struct raw *raw = calloc(1, sizeof(*raw));
    if (!raw)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    oriel_result result =
        encode_init(&raw->base, host, sink, format, formats, ENCODE_COUNT(formats), 1, UINT16_MAX);
    if (result)
        goto out;
    uint32_t row_bytes, rows;
    for (uint32_t i = 0; encode_plane_size(format, i, &row_bytes, &rows); i++)
        raw->bytes += (uint64_t)row_bytes * rows;
    raw->base.codec = codecs[0];
    raw->data = malloc(raw->bytes);
    if (!raw->data)
        result = encode_fail(host, ORIEL_NOMEM, "out of memory");
out:
    if (result)
        raw_destroy(raw);
    else
        *self = raw;
    return result;
}

static oriel_result raw_encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    struct raw *raw = self;
    struct encode_job job;
    oriel_result result = encode_begin(&raw->base, frame, flags, &job);
    if (result)
        return result;
    uint8_t *to = raw->data;
    uint32_t row_bytes, rows;
    for (uint32_t i = 0; encode_plane_size(&raw->base.format, i, &row_bytes, &rows); i++)
        for (uint32_t y = 0; y < rows; y++, to += row_bytes)
            memcpy(to, job.data[i] + (size_t)y * job.stride[i], row_bytes);
    encode_emit(&raw->base, &job, ORIEL_PACKET_KEY | ORIEL_PACKET_DISCARDABLE, 0, raw->data,
                raw->bytes);
    return ORIEL_OK;
}

static oriel_result raw_reconfigure(void *self, const struct oriel_config *config)
{
    (void)self;
    (void)config;
    return ORIEL_OK;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = raw_input_format,
    .codec = raw_codec,
    .create = raw_create,
    .destroy = raw_destroy,
    .get_interface = encode_no_interface,
    .encode = raw_encode,
    .drain = encode_nothing_held,
    .request_key = encode_want_key,
    .reconfigure = raw_reconfigure,
};
ENCODE_MODULE(encoder, "encode/raw", "BSD-3-Clause",
              "Samples as they are, for measuring and for tools on the same machine");
