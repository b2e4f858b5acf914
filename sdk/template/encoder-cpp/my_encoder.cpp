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
/* Bits of a parameter set. */
struct Bits {
    std::vector<uint8_t> bytes = {0, 0, 0, 1};
    int left = 0; /* free bits of the last byte */

    Bits &put(std::initializer_list<uint32_t> values, int count) /* 0 bits: Exp-Golomb */
    {
        for (uint32_t value : values) {
            int bits = count ? count : 2 * (31 - __builtin_clz(value + 1)) + 1;
            value += count ? 0 : 1;
            while (bits-- > 0) {
                if (left == 0)
                    bytes.push_back(0), left = 8;
                bytes.back() |= static_cast<uint8_t>((value >> bits & 1) << --left);
            }
        }
        return *this;
    }
};

constexpr oriel_format accepted = {
    0, ORIEL_DOMAIN_CPU, ORIEL_FMT_I420, 0, 0, 0, 0, ORIEL_MATRIX_BT601, 1, 0};

class Encoder
{
  public:
    Encoder(const oriel_host *host, const oriel_format &format, const oriel_packet_sink *sink)
        : host(host), sink(sink), format(format), columns((format.width + 15) / 16),
          rows((format.height + 15) / 16), out(parameters())
    {
        out.reserve(out.size() + 10 + static_cast<size_t>(columns) * rows * 386);
    }

    void configure(const oriel_config *config)
    {
        mask = config->get_int(config, "invert") ? 0xff : 0;
    }

    oriel_result encode(const oriel_frame *frame)
    {
        int64_t submitted = host->now_ns(host);
        if (std::memcmp(&frame->format, &format, sizeof(format)) != 0)
            return host->fail(host, ORIEL_INVALID, "not the format of create()");
        const size_t head = out.size();
        /* The last byte but one has the idr_pic_id, which is never that of the picture before. */
        const auto id = static_cast<uint8_t>(0x82 | (pictures++ & 1));
        out.insert(out.end(), {0, 0, 0, 1, 0x65, 0x88, id, 0x21, 0xa0});
        for (uint32_t i = 0; i < columns * rows; i++) {
            if (i > 0)
                out.insert(out.end(), {0x0d, 0}); /* I_PCM */
            for (uint32_t p = 0; p < 3; p++)
                put_block(frame->planes[p], p ? 8 : 16, i % columns, i / columns);
        }
        out.push_back(0x80);
        const oriel_packet packet = {sizeof(packet),
                                     ORIEL_CODEC_H264,
                                     ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG |
                                         ORIEL_PACKET_DISCARDABLE,
                                     0,
                                     frame->stamp,
                                     format,
                                     submitted,
                                     host->now_ns(host),
                                     out.data(),
                                     out.size()};
        sink->packet(sink, &packet);
        out.resize(head);
        return ORIEL_OK;
    }

  private:
    /* The same before every picture: baseline without reordering, size and cropping, colour, and
     * that no picture waits for another; then a set of picture parameters. */
    std::vector<uint8_t> parameters() const
    {
        Bits set;
        set.put({0x6742c034}, 32).put({0, 0, 2, 1}, 0).put({0}, 1).put({columns - 1, rows - 1}, 0);
        set.put({1, 1, 1}, 1).put({0, columns * 8 - format.width / 2}, 0);
        set.put({0, rows * 8 - format.height / 2}, 0).put({1, 0, 0, 1}, 1).put({5}, 3);
        set.put({format.full_range, 1}, 1)
            .put({format.primaries, format.transfer, format.matrix}, 8);
        set.put({0, 0, 0, 0, 0, 1, 1}, 1).put({0, 0, 16, 16, 0, 1}, 0).put({1}, 1);
        set.bytes.insert(set.bytes.end(), {0, 0, 0, 1, 0x68, 0xce, 0x38, 0x80});
        return set.bytes;
    }

    /* 16 x 16 samples of a plane, or 8 x 8; at the edges its last column and row go on. */
    void put_block(const oriel_plane &plane, uint32_t side, uint32_t column, uint32_t row)
    {
        const auto *from = reinterpret_cast<const uint8_t *>(plane.handle) + plane.offset;
        const uint32_t last = format.width * side / 16 - 1;
        for (uint32_t y = row * side; y < (row + 1) * side; y++) {
            const uint8_t *line = from + uint64_t{std::min(y, plane.rows - 1)} * plane.stride;
            for (uint32_t x = column * side; x < (column + 1) * side; x++) {
                const auto sample = static_cast<uint8_t>(line[std::min(x, last)] ^ mask);
                out.push_back(std::max<uint8_t>(sample, 1)); /* 0 could look like a start code */
            }
        }
    }

    const oriel_host *host;
    const oriel_packet_sink *sink;
    oriel_format format;
    uint32_t columns, rows, pictures = 0; /* columns and rows of macroblocks */
    uint8_t mask = 0;
    std::vector<uint8_t> out; /* the parameters, then the picture */
};

oriel_result input_format(uint32_t index, oriel_format *format)
{
    *format = accepted;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

oriel_result codec(uint32_t index, uint32_t *fourcc)
{
    *fourcc = ORIEL_CODEC_H264;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

oriel_result create(const oriel_host *host, const oriel_config *config, const oriel_format *format,
                    double, const oriel_packet_sink *sink, void **self)
try {
    if (format->modifier || format->domain != accepted.domain ||
        format->fourcc != accepted.fourcc || format->matrix != accepted.matrix ||
        format->full_range != accepted.full_range || (format->width | format->height) & ~0x1ffeu ||
        !format->width || !format->height)
        return host->fail(host, ORIEL_UNSUPPORTED, "I420, BT.601, full range, even sides only");
    auto *encoder = new Encoder(host, *format, sink);
    encoder->configure(config);
    *self = encoder;
    return ORIEL_OK;
} catch (const std::bad_alloc &) {
    return host->fail(host, ORIEL_NOMEM, "out of memory");
}

void destroy(void *self)
{
    delete static_cast<Encoder *>(self);
}

oriel_result encode(void *self, const oriel_frame *frame, uint32_t)
{
    return static_cast<Encoder *>(self)->encode(frame); /* every picture is a key; no allocation */
}

oriel_result drain(void *)
{
    return ORIEL_OK; /* nothing is held back */
}

void request_key(void *)
{
}

oriel_result reconfigure(void *self, const oriel_config *config)
{
    static_cast<Encoder *>(self)->configure(config);
    return ORIEL_OK;
}

constexpr oriel_option invert = {"invert", "false", nullptr,        "Shows the negative.",
                                 0,        0,       ORIEL_OPT_BOOL, ORIEL_OPT_LIVE};
constexpr oriel_option_table options = {sizeof(options), 1, &invert};
constexpr oriel_encoder encoder = {sizeof(encoder), 0,      &options,    input_format,
                                   codec,           create, destroy,     nullptr,
                                   encode,          drain,  request_key, reconfigure};

} // namespace

ORIEL_MODULE_OF(ORIEL_ENCODER_V1, &encoder, "org.example/my_encoder", "1.0.0", "Your name",
                "BSD-3-Clause", "H.264 without compression");
