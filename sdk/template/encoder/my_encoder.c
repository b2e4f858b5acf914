/* SPDX-License-Identifier: BSD-3-Clause */
/* An encoder to begin from: H.264 (ITU-T H.264, 7.3) of macroblocks that are sent as they are
 * (I_PCM). Every client decodes it, every picture is a key. The contract is in oriel/encoder.h. */
#include <stdlib.h>
#include <string.h>

#include "oriel/encoder.h"

#define LIST(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

struct instance {
    const struct oriel_host *host;
    const struct oriel_packet_sink *sink;
    struct oriel_format format;
    uint32_t columns, rows, pictures; /* columns and rows of macroblocks */
    uint8_t mask;
    size_t head_bytes;
    uint8_t packet[];
};

static void put(uint8_t *to, size_t *at, uint32_t value, int bits) /* 0 bits: Exp-Golomb */
{
    if (bits == 0)
        bits = 2 * (31 - __builtin_clz(++value)) + 1;
    for (; bits-- > 0; ++*at)
        to[*at / 8] |= (uint8_t)((value >> bits & 1) << (7 - *at % 8));
}

/* Values and bits: baseline, size and cropping, colour, no waiting; and a set for pictures. */
static void put_parameters(struct instance *self)
{
    const struct oriel_format *f = &self->format;
    uint32_t right = self->columns * 8 - f->width / 2, below = self->rows * 8 - f->height / 2;
    const uint32_t field[] =
        LIST(1, 32, 0x6742c034, 32, 0x1b4, 9, self->columns - 1, 0, self->rows - 1, 0, 15, 4, right,
             0, 0, 0, below, 0, 0x4d, 7, f->full_range, 1, 1, 1, f->primaries, 8, f->transfer, 8,
             f->matrix, 8, 15, 9, 16, 0, 16, 0, 21, 5);
    size_t bits = 0;
    for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i += 2)
        put(self->packet, &bits, field[i], (int)field[i + 1]);
    memcpy(self->packet + (bits + 7) / 8, "\0\0\0\1\x68\xce\x38\x80", 8);
    self->head_bytes = (bits + 7) / 8 + 8;
}

/* 16 x 16 samples of a plane, or 8 x 8; at the edges its last column and row go on. */
static uint8_t *put_block(const struct instance *self, const struct oriel_plane *plane,
                          uint32_t side, uint32_t column, uint32_t row, uint8_t *to)
{
    const uint8_t *from = (const uint8_t *)(uintptr_t)plane->handle + plane->offset;
    uint32_t right = self->format.width * side / 16 - 1, bottom = plane->rows - 1;
    for (uint32_t i = 0; i < side * side; i++) {
        uint32_t x = column * side + i % side, y = row * side + i / side;
        uint64_t line = (uint64_t)(y < bottom ? y : bottom) * plane->stride;
        uint8_t sample = from[line + (x < right ? x : right)] ^ self->mask;
        *to++ = sample ? sample : 1; /* or it could look like a start code */
    }
    return to;
}

static oriel_result encode(void *data, const struct oriel_frame *frame, uint32_t flags)
{
    (void)flags; /* every picture is a key */
    struct instance *self = data;
    struct oriel_packet packet = {.size = sizeof(packet), .codec = ORIEL_CODEC_H264};
    packet.t_submit_ns = self->host->now_ns(self->host);
    if (memcmp(&frame->format, &self->format, sizeof(self->format)) != 0)
        return self->host->fail(self->host, ORIEL_INVALID, "not the format of create()");
    /* With the first macroblock's type. Its idr_pic_id is never that of the picture before. */
    uint8_t *to = memcpy(self->packet + self->head_bytes, "\0\0\0\1\x65\x88\x82\x21\xa0", 9);
    to[6] |= self->pictures++ & 1;
    to += 9;
    for (uint32_t i = 0; i < self->columns * self->rows; i++) {
        for (uint32_t p = 0; p < 3; p++)
            to = put_block(self, &frame->planes[p], p ? 8 : 16, i % self->columns,
                           i / self->columns, to);
        *to++ = 0x0d, *to++ = 0; /* I_PCM, of the next */
    }
    to[-2] = 0x80; /* there is none */
    packet.flags = ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG | ORIEL_PACKET_DISCARDABLE;
    packet.stamp = frame->stamp;
    packet.format = self->format;
    packet.t_done_ns = self->host->now_ns(self->host);
    packet.data = self->packet;
    packet.bytes = (uint64_t)(to - self->packet - 1);
    self->sink->packet(self->sink, &packet);
    return ORIEL_OK;
}

static oriel_result input_format(uint32_t index, struct oriel_format *format)
{
    *format = (struct oriel_format){
        0, ORIEL_DOMAIN_CPU, ORIEL_FMT_I420, 0, 0, 0, 0, ORIEL_MATRIX_BT601, 1, 0};
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static oriel_result codec(uint32_t index, uint32_t *fourcc)
{
    *fourcc = ORIEL_CODEC_H264;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static oriel_result reconfigure(void *self, const struct oriel_config *config)
{
    ((struct instance *)self)->mask = config->get_int(config, "invert") ? 0xff : 0;
    return ORIEL_OK;
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_format *format, double fps,
                           const struct oriel_packet_sink *sink, void **out)
{
    (void)fps;
    if (format->modifier || format->domain != ORIEL_DOMAIN_CPU ||
        format->fourcc != ORIEL_FMT_I420 || format->matrix != ORIEL_MATRIX_BT601 ||
        format->full_range != 1 || (format->width | format->height) & ~0x1ffeu || !format->width ||
        !format->height)
        return host->fail(host, ORIEL_UNSUPPORTED, "I420, BT.601, full range, even sides only");
    uint32_t columns = (format->width + 15) / 16, rows = (format->height + 15) / 16;
    /* All headers have less than 128 bytes, a macroblock with its type 386. */
    struct instance *self = calloc(1, sizeof(*self) + 128 + (size_t)columns * rows * 386);
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    *self = (struct instance){host, sink, *format, columns, rows, 0, 0, 0};
    put_parameters(self);
    *out = self;
    return reconfigure(self, config);
}

static oriel_result drain(void *self)
{
    (void)self; /* nothing is held back */
    return ORIEL_OK;
}

static void request_key(void *self)
{
    (void)self;
}

static const struct oriel_option invert = {"invert", "false", NULL,           "Shows the negative.",
                                           0,        0,       ORIEL_OPT_BOOL, ORIEL_OPT_LIVE};
static const struct oriel_option_table options = {sizeof(options), 1, &invert};
static const struct oriel_encoder encoder = {sizeof(encoder), 0,      &options,    input_format,
                                             codec,           create, free,        NULL,
                                             encode,          drain,  request_key, reconfigure};
ORIEL_MODULE_OF(ORIEL_ENCODER_V1, &encoder, "org.example/my_encoder", "1.0.0", "Your name",
                "BSD-3-Clause", "H.264 without compression");
