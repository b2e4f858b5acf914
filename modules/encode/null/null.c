/* SPDX-License-Identifier: BSD-3-Clause */
/* Throws pictures away: one byte for each frame, so that everything around an encoder can be
 * measured without one. */
#include <stdlib.h>

#include "../common/encode.h"

static const uint32_t codecs[] = {ORIEL_CODEC_NULL};
static const struct oriel_format formats[] = {
    ENCODE_YUV_FORMATS(ORIEL_FMT_I420),
    ENCODE_YUV_FORMATS(ORIEL_FMT_NV12),
    ENCODE_YUV_FORMATS(ORIEL_FMT_I444),
    ENCODE_FORMAT(ORIEL_FMT_RGBA, ORIEL_MATRIX_IDENTITY, 1),
};
static const struct oriel_option_table options = {sizeof(options), 0, NULL};

static oriel_result null_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result null_codec(uint32_t index, uint32_t *fourcc)
{
    return encode_list_codec(codecs, ENCODE_COUNT(codecs), index, fourcc);
}

static oriel_result null_create(const struct oriel_host *host, const struct oriel_config *config,
                                const struct oriel_format *format, double fps,
                                const struct oriel_packet_sink *sink, void **self)
{
    (void)config;
    (void)fps;
    struct encode *null = calloc(1, sizeof(*null));
    if (!null)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    oriel_result result =
        encode_init(null, host, sink, format, formats, ENCODE_COUNT(formats), 1, UINT16_MAX);
    if (result) {
        free(null);
        return result;
    }
    null->codec = codecs[0];
    *self = null;
    return ORIEL_OK;
}

static oriel_result null_encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    struct encode_job job;
    oriel_result result = encode_begin(self, frame, flags, &job);
    if (result == ORIEL_OK)
        encode_emit(self, &job, ORIEL_PACKET_KEY | ORIEL_PACKET_DISCARDABLE, 0, "", 1);
    return result;
}

static oriel_result null_reconfigure(void *self, const struct oriel_config *config)
{
    (void)self;
    (void)config;
    return ORIEL_OK;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = null_input_format,
    .codec = null_codec,
    .create = null_create,
    .destroy = free,
    .get_interface = encode_no_interface,
    .encode = null_encode,
    .drain = encode_nothing_held,
    .request_key = encode_want_key,
    .reconfigure = null_reconfigure,
};
ENCODE_MODULE(encoder, "encode/null", "BSD-3-Clause",
              "Throws pictures away; for measuring everything but the encoder");
