/* SPDX-License-Identifier: BSD-3-Clause */
/* An encoder to begin from, in C++: H.264 (ITU-T H.264, 7.3) of macroblocks that are sent as they
 * are (I_PCM). Every client decodes it, every picture is a key. The contract is in oriel/encoder.h;
 * no exception may leave a function that the host calls. */
#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <new>
#include <vector>

#include "oriel/encoder.h"

namespace
{
constexpr oriel_format accepted = {
    0, ORIEL_DOMAIN_CPU, ORIEL_FMT_I420, 0, 0, 0, 0, ORIEL_MATRIX_BT601, 1, 0};

class Encoder
{
  public:
    Encoder(const oriel_host *host, const oriel_format &format, const oriel_packet_sink *sink)
        : host(host), sink(sink), format(format), columns((format.width + 15) / 16),
          rows((format.height + 15) / 16)
    {
        put_parameters();
        head = out.size();
        out.reserve(head + 11 + size_t{columns} * rows * 386);
    }

    void configure(const oriel_config *config)
    {
        mask = config->get_int(config, "invert") ? 0xff : 0;
    }

    oriel_result encode(const oriel_frame *frame)
    {
        oriel_packet packet = oriel_packet_begin(host, frame, ORIEL_CODEC_H264);
        if (std::memcmp(&frame->format, &format, sizeof(format)) != 0)
            return host->fail(host, ORIEL_INVALID, "not the format of create()");
        out.resize(head);
        id ^= 1; /* idr_pic_id is never that of the picture before */
        out.insert(out.end(), {0, 0, 0, 1, 0x65, 0x88, id, 0x21, 0xa0});
        for (uint32_t i = 0; i < columns * rows; i++) {
            for (uint32_t p = 0; p < 3; p++)
                put_block(frame->planes[p], p ? 8 : 16, i % columns, i / columns);
            out.insert(out.end(), {0x0d, 0}); /* I_PCM, of the next */
        }
        out.resize(out.size() - 2); /* there is none */
        out.push_back(0x80);
        packet.flags = ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG | ORIEL_PACKET_DISCARDABLE;
        packet.data = out.data();
        packet.bytes = out.size();
        packet.t_done_ns = host->now_ns(host);
        sink->packet(sink, &packet);
        return ORIEL_OK;
    }

  private:
    /* What every picture begins with. Values and bits, 0: Exp-Golomb. */
    void put_parameters()
    {
        const uint32_t right = columns * 8 - format.width / 2, below = rows * 8 - format.height / 2;
        put({1, 32, 0x6742c034, 32, 0x1b4, 9}); /* baseline of level 5.2, pictures in order */
        put({columns - 1, 0, rows - 1, 0, 15, 4, right, 0, 0, 0, below, 0}); /* with cropping */
        put({0x4d, 7, format.full_range, 1, 1, 1, format.primaries, 8, format.transfer, 8});
        put({format.matrix, 8, 15, 9, 16, 0, 16, 0, 21, 5}); /* no picture waits for another */
        out.insert(out.end(), {0, 0, 0, 1, 0x68, 0xce, 0x38, 0x80});
    }

    void put(std::initializer_list<uint32_t> fields)
    {
        for (auto field = fields.begin(); field != fields.end(); field += 2) {
            uint32_t value = field[0], bits = field[1];
            if (bits == 0)
                bits = 2 * (31 - __builtin_clz(++value)) + 1;
            for (; bits-- > 0; bit++) {
                if (bit % 8 == 0)
                    out.push_back(0);
                out.back() |= static_cast<uint8_t>((value >> bits & 1) << (7 - bit % 8));
            }
        }
    }

    /* side x side samples of a plane; at the edges its last column and row go on. */
    void put_block(const oriel_plane &plane, uint32_t side, uint32_t column, uint32_t row)
    {
        const uint32_t last = format.width * side / 16 - 1;
        for (uint32_t y = row * side; y < (row + 1) * side; y++)
            for (uint32_t x = column * side; x < (column + 1) * side; x++) {
                const uint8_t sample = oriel_plane_row(&plane, y)[std::min(x, last)] ^ mask;
                out.push_back(std::max<uint8_t>(sample, 1)); /* 0 could look like a start code */
            }
    }

    const oriel_host *host;
    const oriel_packet_sink *sink;
    oriel_format format;
    uint32_t columns, rows, bit = 0; /* columns and rows of macroblocks */
    uint8_t mask = 0, id = 0x82;
    size_t head = 0;
    std::vector<uint8_t> out; /* the parameters, then the picture */
};

oriel_result create(const oriel_host *host, const oriel_config *config, const oriel_format *format,
                    double, const oriel_packet_sink *sink, void **self)
try {
    if (!oriel_format_is(format, &accepted) || (format->width | format->height) & ~0x1ffeu)
        return host->fail(host, ORIEL_UNSUPPORTED, "I420, BT.601, full range, even sides only");
    auto *encoder = new Encoder(host, *format, sink);
    encoder->configure(config);
    *self = encoder;
    return ORIEL_OK;
} catch (const std::bad_alloc &) {
    return host->fail(host, ORIEL_NOMEM, "out of memory");
}

constexpr oriel_option invert = {"invert", "false", nullptr,        "Shows the negative.",
                                 0,        0,       ORIEL_OPT_BOOL, ORIEL_OPT_LIVE};
constexpr oriel_option_table options = {sizeof(options), 1, &invert};
constexpr oriel_encoder encoder = [] {
    oriel_encoder table = {};
    table.size = sizeof(table);
    table.options = &options;
    table.input_format = [](uint32_t index, oriel_format *format) -> oriel_result {
        *format = accepted;
        return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
    };
    table.codec = [](uint32_t index, uint32_t *fourcc) -> oriel_result {
        *fourcc = ORIEL_CODEC_H264;
        return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
    };
    table.create = create;
    table.destroy = [](void *self) { delete static_cast<Encoder *>(self); };
    table.encode = [](void *self, const oriel_frame *frame, uint32_t) {
        return static_cast<Encoder *>(self)->encode(frame);
    };
    table.drain = [](void *) -> oriel_result { return ORIEL_OK; }; /* nothing is held back */
    table.request_key = [](void *) {};                             /* every picture is a key */
    table.reconfigure = [](void *self, const oriel_config *config) -> oriel_result {
        static_cast<Encoder *>(self)->configure(config);
        return ORIEL_OK;
    };
    return table;
}();

} // namespace

ORIEL_MODULE_OF(ORIEL_ENCODER_V1, &encoder, "org.example/my_encoder", "1.0.0", "Your name",
                "BSD-3-Clause", "H.264 without compression");
