/* SPDX-License-Identifier: BSD-3-Clause */
/* A module of a later minor, in which oriel_host got another service. It says through the packet's
 * qp_q8 whether its host had that: 7 with it, 1 without. */
#include <stdlib.h>
#include <string.h>

#include "oriel/encoder.h"

struct future {
    const struct oriel_host *host;
    const struct oriel_packet_sink *sink;
    struct oriel_format format;
};

static oriel_result input_format(uint32_t index, struct oriel_format *format)
{
    *format = (struct oriel_format){.domain = ORIEL_DOMAIN_CPU, .fourcc = ORIEL_FMT_I420};
    format->matrix = ORIEL_MATRIX_BT601;
    format->full_range = 1;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static oriel_result codec(uint32_t index, uint32_t *fourcc)
{
    *fourcc = ORIEL_CODEC_NULL;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_format *format, double fps,
                           const struct oriel_packet_sink *sink, void **self)
{
    (void)config;
    (void)fps;
    struct future *future = calloc(1, sizeof(*future));
    if (!future)
        return ORIEL_NOMEM;
    *future = (struct future){host, sink, *format};
    *self = future;
    return ORIEL_OK;
}

static oriel_result encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    (void)flags;
    struct future *future = self;
    struct oriel_packet packet = {.size = sizeof(packet), .codec = ORIEL_CODEC_NULL};
    packet.flags = ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG;
    packet.qp_q8 = ORIEL_HAS(future->host, future) ? future->host->future(future->host) : 1;
    packet.stamp = frame->stamp;
    packet.format = future->format;
    packet.t_submit_ns = packet.t_done_ns = future->host->now_ns(future->host);
    packet.data = (const uint8_t *)"";
    packet.bytes = 1;
    future->sink->packet(future->sink, &packet);
    return ORIEL_OK;
}

static oriel_result drain(void *self)
{
    (void)self;
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
    .input_format = input_format,
    .codec = codec,
    .create = create,
    .destroy = free,
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
    .id = FUTURE_ID,
    .version = "1.0.0",
    .vendor = "Oriel's tests",
    .license = "BSD-3-Clause",
    .description = "Built with the headers of a later minor",
};
ORIEL_MODULE(&info, NULL, NULL, get_factory);
