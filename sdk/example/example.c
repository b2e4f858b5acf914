/* SPDX-License-Identifier: BSD-3-Clause */
/* The smallest encoder: RGBA pictures as they are (codec "raw"), inverted if its option says so.
 * Copy this folder and begin from it; sdk/include/oriel/encoder.h has the contract. */
#include <stdlib.h>
#include <string.h>

#include "oriel/encoder.h"

struct example {
    const struct oriel_host *host;
    const struct oriel_packet_sink *sink;
    struct oriel_format format;
    uint8_t mask;
    uint64_t bytes;
    uint8_t data[]; /* one picture, rows tightly packed */
};

static const struct oriel_option option_list[] = {
    {.name = "invert",
     .default_value = "false",
     .help = "Shows the negative.",
     .type = ORIEL_OPT_BOOL},
};
static const struct oriel_option_table options = {sizeof(options), 1, option_list};

static oriel_result input_format(uint32_t index, struct oriel_format *format)
{
    static const struct oriel_format rgba = {.modifier = ORIEL_MODIFIER_LINEAR,
                                             .domain = ORIEL_DOMAIN_CPU,
                                             .fourcc = ORIEL_FMT_RGBA,
                                             .matrix = ORIEL_MATRIX_IDENTITY,
                                             .full_range = 1};
    if (index > 0)
        return ORIEL_UNSUPPORTED;
    *format = rgba;
    return ORIEL_OK;
}

static oriel_result codec(uint32_t index, uint32_t *fourcc)
{
    *fourcc = ORIEL_CODEC_RAW;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_format *format, double fps,
                           const struct oriel_packet_sink *sink, void **self)
{
    (void)fps;
    uint64_t bytes = (uint64_t)format->width * 4 * format->height;
    struct example *example = malloc(sizeof(*example) + bytes);
    if (!example)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    example->host = host;
    example->sink = sink;
    example->format = *format;
    example->mask = config->get_int(config, "invert") ? 0xff : 0;
    example->bytes = bytes;
    *self = example;
    return ORIEL_OK;
}

static const void *get_interface(void *self, const char *id)
{
    (void)self;
    (void)id;
    return NULL; /* nothing optional */
}

static oriel_result encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    (void)flags; /* every packet is a key */
    struct example *example = self;
    struct oriel_packet packet = {
        .size = sizeof(packet),
        .codec = ORIEL_CODEC_RAW,
        .flags = ORIEL_PACKET_KEY | ORIEL_PACKET_DISCARDABLE,
        .stamp = frame->stamp,
        .format = example->format,
        .t_submit_ns = example->host->now_ns(example->host),
        .data = example->data,
        .bytes = example->bytes,
    };
    const uint8_t *from = (const uint8_t *)(uintptr_t)frame->planes[0].handle;
    uint32_t row_bytes = example->format.width * 4;
    for (uint32_t y = 0; y < example->format.height; y++) {
        const uint8_t *row = from + frame->planes[0].offset + (uint64_t)y * frame->planes[0].stride;
        uint8_t *to = example->data + (uint64_t)y * row_bytes;
        for (uint32_t x = 0; x < row_bytes; x++) /* alpha stays */
            to[x] = x % 4 == 3 ? row[x] : row[x] ^ example->mask;
    }
    packet.t_done_ns = example->host->now_ns(example->host);
    example->sink->packet(example->sink, &packet);
    return ORIEL_OK;
}

static oriel_result drain(void *self)
{
    (void)self; /* no frame is held back */
    return ORIEL_OK;
}

static void request_key(void *self)
{
    (void)self;
}

static oriel_result reconfigure(void *self, const struct oriel_config *config)
{
    (void)self;
    (void)config;
    return ORIEL_OK;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = input_format,
    .codec = codec,
    .create = create,
    .destroy = free,
    .get_interface = get_interface,
    .encode = encode,
    .drain = drain,
    .request_key = request_key,
    .reconfigure = reconfigure,
};

static const void *get_factory(const char *id)
{
    return strcmp(id, ORIEL_ENCODER_V1) == 0 ? &encoder : NULL;
}

static const struct oriel_module_info info = {
    .size = sizeof(info),
    .id = "org.example/invert",
    .version = "1.0.0",
    .vendor = "the Oriel SDK",
    .license = "BSD-3-Clause",
    .description = "Pictures as they are, or their negative; an example",
};
ORIEL_MODULE(&info, NULL, NULL, get_factory);
