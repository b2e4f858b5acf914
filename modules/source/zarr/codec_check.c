/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksums: four bytes, little-endian, after the bytes or before them. */
#include "codec.h"
#include "json.h"

#include <libdeflate.h>
#include <string.h>

/* CRC-32C (RFC 3720, appendix B.4), reflected polynomial 0x82f63b78. */
static uint32_t crc32c_by_nibble(uint32_t crc, const uint8_t *data, size_t bytes)
{
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        crc = table[crc & 15] ^ crc >> 4;
        crc = table[crc & 15] ^ crc >> 4;
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *data,
                                                               size_t bytes)
{
    uint64_t wide = crc;
    for (; bytes >= 8; bytes -= 8, data += 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; bytes; bytes--)
        crc = __builtin_ia32_crc32qi(crc, *data++);
    return crc;
}
#endif

uint32_t crc32c(const uint8_t *data, size_t bytes)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc32c_sse42(~0u, data, bytes);
#endif
    return ~crc32c_by_nibble(~0u, data, bytes);
}

static uint32_t crc32_of(const uint8_t *data, size_t bytes)
{
    return libdeflate_crc32(0, data, bytes);
}

static uint32_t adler32_of(const uint8_t *data, size_t bytes)
{
    return libdeflate_adler32(1, data, bytes);
}

/* HDF5's variant: big-endian 16-bit words, sums folded modulo 65535 every 360 words. */
static uint32_t fletcher32_of(const uint8_t *data, size_t bytes)
{
    uint32_t sum1 = 0, sum2 = 0;
    for (size_t words = bytes / 2; words;) {
        size_t block = words > 360 ? 360 : words;
        words -= block;
        for (; block; block--, data += 2) {
            sum1 += (uint32_t)data[0] << 8 | data[1];
            sum2 += sum1;
        }
        sum1 = (sum1 & 0xffff) + (sum1 >> 16);
        sum2 = (sum2 & 0xffff) + (sum2 >> 16);
    }
    if (bytes % 2) {
        sum1 += (uint32_t)*data << 8;
        sum2 += sum1;
        sum1 = (sum1 & 0xffff) + (sum1 >> 16);
        sum2 = (sum2 & 0xffff) + (sum2 >> 16);
    }
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
    return sum2 << 16 | sum1;
}

static bool setup(struct codec *codec, const cJSON *config, bool first, struct fault *fault)
{
    const char *location = json_string(config, "location");
    if (location && strcmp(location, "start") != 0 && strcmp(location, "end") != 0)
        return fault_set(fault, ORIEL_UNSUPPORTED, "codec %s: unknown location \"%.40s\"",
                         codec->type->name, location);
    codec->check_first = location ? *location == 's' : first;
    codec->encoded = codec->decoded == CODEC_BYTES_UNKNOWN ? codec->decoded : codec->decoded + 4;
    return true;
}

static bool setup_first(struct codec *codec, const cJSON *config, struct fault *fault)
{
    return setup(codec, config, true, fault);
}

static bool setup_last(struct codec *codec, const cJSON *config, struct fault *fault)
{
    return setup(codec, config, false, fault);
}

static enum decoded check(const struct codec *codec, struct codec_call *call,
                          uint32_t (*sum)(const uint8_t *data, size_t bytes))
{
    if (call->in.bytes < 4)
        return call->why = "too short for its checksum", DECODE_CORRUPT;
    size_t bytes = call->in.bytes - 4;
    const uint8_t *data = call->in.data + (codec->check_first ? 4 : 0);
    const uint8_t *kept = codec->check_first ? call->in.data : data + bytes;
    uint32_t expected = (uint32_t)kept[0] | (uint32_t)kept[1] << 8 | (uint32_t)kept[2] << 16 |
                        (uint32_t)kept[3] << 24;
    if (sum(data, bytes) != expected)
        return call->why = "its checksum is wrong", DECODE_CORRUPT;
    call->result = (struct span){data, bytes};
    return DECODED;
}

static enum decoded crc32c_decode(const struct codec *codec, struct codec_call *call)
{
    return check(codec, call, crc32c);
}

static enum decoded crc32_decode(const struct codec *codec, struct codec_call *call)
{
    return check(codec, call, crc32_of);
}

static enum decoded adler32_decode(const struct codec *codec, struct codec_call *call)
{
    return check(codec, call, adler32_of);
}

static enum decoded fletcher32_decode(const struct codec *codec, struct codec_call *call)
{
    return check(codec, call, fletcher32_of);
}

const struct codec_type codec_crc32c = {"crc32c", CODEC_BYTES, true, setup_last, crc32c_decode};
const struct codec_type codec_crc32 = {"crc32", CODEC_BYTES, true, setup_first, crc32_decode};
const struct codec_type codec_adler32 = {"adler32", CODEC_BYTES, true, setup_first, adler32_decode};
const struct codec_type codec_fletcher32 = {"fletcher32", CODEC_BYTES, true, setup_last,
                                            fletcher32_decode};
