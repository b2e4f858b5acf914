/* SPDX-License-Identifier: BSD-3-Clause */
/* An encoder to begin from: H.264 (ITU-T H.264, 7.3) of macroblocks that are sent as they are
 * (I_PCM). Every client decodes it, every picture is a key. The contract is in oriel/encoder.h. */
#include <stdlib.h>
#include <string.h>

#include "oriel/encoder.h"

struct instance {
    const struct oriel_host *host;
    const struct oriel_packet_sink *sink;
    struct oriel_format format;
    uint32_t columns, rows; /* of macroblocks */
    uint8_t mask;
    size_t head_bytes;
    uint8_t packet[]; /* less than 128 bytes of headers, 386 for each macroblock */
};

static const struct oriel_format accepted = {.domain = ORIEL_DOMAIN_CPU,
                                             .fourcc = ORIEL_FMT_I420,
                                             .matrix = ORIEL_MATRIX_BT601,
                                             .full_range = 1};

static oriel_result input_format(uint32_t index, struct oriel_format *format)
{
    *format = accepted;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static oriel_result codec(uint32_t index, uint32_t *fourcc)
{
    *fourcc = ORIEL_CODEC_H264;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

/* What every picture begins with: sets of parameters, the head of its slice. */
static void put_parameters(struct instance *self)
{
    const struct oriel_format *f = &self->format;
    const uint32_t right = self->columns * 8 - f->width / 2, below = self->rows * 8 - f->height / 2;
    const uint32_t fields[] = {
        /* Value and bits, 0: Exp-Golomb. Baseline of level 5.2, pictures in order; */
        1, 32, 0x6742c034, 32, 0x1b4, 9,
        /* macroblocks, and what is cut off right and below; */
        self->columns - 1, 0, self->rows - 1, 0, 15, 4, right, 0, 0, 0, below, 0,
        /* colour, and that no picture waits for another. */
        0x4d, 7, f->full_range, 1, 1, 1, f->primaries, 8, f->transfer, 8, f->matrix, 8, 15, 9, 16,
        0, 16, 0, 21, 5};
    size_t bit = 0;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i += 2) {
        uint32_t value = fields[i], bits = fields[i + 1];
        if (bits == 0)
            bits = 2 * (31 - (uint32_t)__builtin_clz(++value)) + 1;
        for (; bits-- > 0; bit++)
            self->packet[bit / 8] |= (uint8_t)((value >> bits & 1) << (7 - bit % 8));
    }
    self->head_bytes = (bit + 7) / 8 + 17;
    memcpy(self->packet + (bit + 7) / 8, "\0\0\0\1\x68\xce\x38\x80\0\0\0\1\x65\x88\x82\x21\xa0",
           17);
}

/* side x side samples of a macroblock; at the edges the last column and row go on. */
static uint8_t *put_block(const struct instance *self, const struct oriel_plane *plane,
                          uint32_t side, uint32_t number, uint8_t *to)
{
    uint32_t left = number % self->columns * side, top = number / self->columns * side;
    uint32_t right = self->format.width * side / 16 - 1;
    for (uint32_t y = top; y < top + side; y++)
        for (uint32_t x = left; x < left + side; x++) {
            uint8_t sample = oriel_plane_row(plane, y)[x < right ? x : right] ^ self->mask;
            *to++ = sample ? sample : 1; /* or it could look like a start code */
        }
    return to;
}

static oriel_result encode(void *data, const struct oriel_frame *frame, uint32_t flags)
{
    (void)flags; /* every picture is a key */
    struct instance *self = data;
    struct oriel_packet packet = oriel_packet_begin(self->host, frame, ORIEL_CODEC_H264);
    uint8_t *to = self->packet + self->head_bytes;
    if (memcmp(&frame->format, &self->format, sizeof(self->format)) != 0)
        return self->host->fail(self->host, ORIEL_INVALID, "not the format of create()");
    to[-3] ^= 1; /* idr_pic_id is never that of the picture before */
    for (uint32_t i = 0; i < self->columns * self->rows; i++) {
        for (uint32_t p = 0; p < 3; p++)
            to = put_block(self, &frame->planes[p], p ? 8 : 16, i, to);
        *to++ = 0x0d, *to++ = 0; /* I_PCM, of the next */
    }
    to[-2] = 0x80; /* there is none */
    packet.flags = ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG | ORIEL_PACKET_DISCARDABLE;
    packet.data = self->packet;
    packet.bytes = (uint64_t)(to - self->packet - 1);
    packet.t_done_ns = self->host->now_ns(self->host);
    self->sink->packet(self->sink, &packet);
    return ORIEL_OK;
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
    if (!oriel_format_is(format, &accepted) || (format->width | format->height) & ~0x1ffeu)
        return host->fail(host, ORIEL_UNSUPPORTED, "I420, BT.601, full range, even sides only");
    uint32_t columns = (format->width + 15) / 16, rows = (format->height + 15) / 16;
    struct instance *self = calloc(1, sizeof(*self) + 128 + (size_t)columns * rows * 386);
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    *self = (struct instance){
        .host = host, .sink = sink, .format = *format, .columns = columns, .rows = rows};
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
static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = input_format,
    .codec = codec,
    .create = create,
    .destroy = free,
    .encode = encode,
    .drain = drain,
    .request_key = request_key,
    .reconfigure = reconfigure,
};
ORIEL_MODULE_OF(ORIEL_ENCODER_V1, &encoder, "org.example/my_encoder", "1.0.0", "Your name",
                "BSD-3-Clause", "H.264 without compression");
