/* SPDX-License-Identifier: BSD-3-Clause */
/* Compressors. Each decodes into a buffer of the size that is expected; what decodes to more is
 * corrupt or, where the size is not known, tried again with more room. */
#include "codec.h"
#include "json.h"

#include <blosc.h>
#include <bzlib.h>
#include <libdeflate.h>
#include <limits.h>
#include <lz4.h>
#include <lzma.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

static bool setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    (void)config;
    (void)fault;
    codec->encoded = CODEC_BYTES_UNKNOWN;
    return true;
}

static enum decoded corrupt(struct codec_call *call, const char *why)
{
    call->why = why;
    return DECODE_CORRUPT;
}

static enum decoded done(struct codec_call *call, size_t bytes)
{
    call->result = (struct span){call->out, bytes};
    return DECODED;
}

/* gzip and zlib */

static enum decoded inflated(struct codec_call *call, enum libdeflate_result result, size_t at)
{
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
        return DECODE_SMALL;
    if (result != LIBDEFLATE_SUCCESS)
        return corrupt(call, "is corrupt");
    return done(call, at);
}

static bool inflate_ready(struct scratch *scratch)
{
    if (!scratch->inflate)
        scratch->inflate = libdeflate_alloc_decompressor();
    return scratch->inflate;
}

static enum decoded gzip_decode(const struct codec *codec, struct codec_call *call)
{
    (void)codec;
    if (!inflate_ready(call->scratch))
        return corrupt(call, "out of memory");
    const uint8_t *in = call->in.data, *end = in + call->in.bytes;
    size_t at = 0;
    do { /* members may follow each other */
        size_t used = 0, made = 0;
        enum libdeflate_result result =
            libdeflate_gzip_decompress_ex(call->scratch->inflate, in, (size_t)(end - in),
                                          call->out + at, call->capacity - at, &used, &made);
        if (result != LIBDEFLATE_SUCCESS)
            return inflated(call, result, 0);
        in += used;
        at += made;
    } while (in < end);
    return done(call, at);
}

static enum decoded zlib_decode(const struct codec *codec, struct codec_call *call)
{
    (void)codec;
    if (!inflate_ready(call->scratch))
        return corrupt(call, "out of memory");
    size_t made = 0;
    enum libdeflate_result result = libdeflate_zlib_decompress(
        call->scratch->inflate, call->in.data, call->in.bytes, call->out, call->capacity, &made);
    return inflated(call, result, made);
}

const struct codec_type codec_gzip = {"gzip", CODEC_BYTES, false, setup, gzip_decode};
const struct codec_type codec_zlib = {"zlib", CODEC_BYTES, false, setup, zlib_decode};

/* zstd: frames may lack their content size, and may follow each other */

static enum decoded zstd_decode(const struct codec *codec, struct codec_call *call)
{
    (void)codec;
    if (!call->scratch->zstd)
        call->scratch->zstd = ZSTD_createDCtx();
    if (!call->scratch->zstd)
        return corrupt(call, "out of memory");
    size_t n = ZSTD_decompressDCtx(call->scratch->zstd, call->out, call->capacity, call->in.data,
                                   call->in.bytes);
    if (!ZSTD_isError(n))
        return done(call, n);
    if (ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall)
        return DECODE_SMALL;
    return corrupt(call, ZSTD_getErrorName(n));
}

const struct codec_type codec_zstd = {"zstd", CODEC_BYTES, false, setup, zstd_decode};

/* blosc 1 */

static bool blosc_setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    static const char *const shuffles[] = {"noshuffle", "shuffle", "bitshuffle"};
    const char *cname = json_string(config, "cname");
    const cJSON *item = json_get(config, "shuffle");
    double number = -1;
    const char *shuffle = cJSON_GetStringValue(item);
    if (json_number(item, &number) && number >= 0 && number <= 2)
        shuffle = shuffles[(int)number];
    snprintf(codec->detail, sizeof codec->detail, "%.16s%s%.16s", cname ? cname : "",
             cname && shuffle ? ", " : "", shuffle ? shuffle : "");
    return setup(codec, config, fault);
}

static enum decoded blosc_decode(const struct codec *codec, struct codec_call *call)
{
    (void)codec;
    size_t bytes = 0;
    if (blosc_cbuffer_validate(call->in.data, call->in.bytes, &bytes) < 0)
        return corrupt(call, "has no valid blosc header");
    if (bytes > call->capacity)
        return DECODE_SMALL;
    if (bytes && blosc_decompress_ctx(call->in.data, call->out, bytes, 1) != (int)bytes)
        return corrupt(call, "is corrupt");
    return done(call, bytes);
}

const struct codec_type codec_blosc = {"blosc", CODEC_BYTES, false, blosc_setup, blosc_decode};

/* lz4 as numcodecs stores it: the size as a little-endian u32, then one block */

static enum decoded lz4_decode(const struct codec *codec, struct codec_call *call)
{
    (void)codec;
    const uint8_t *in = call->in.data;
    if (call->in.bytes < 5 || call->in.bytes - 4 > INT_MAX)
        return corrupt(call, "is too short or too long for lz4");
    uint32_t bytes =
        (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
    if (bytes > INT_MAX)
        return corrupt(call, "is corrupt");
    if (bytes > call->capacity)
        return DECODE_SMALL;
    if (LZ4_decompress_safe((const char *)in + 4, (char *)call->out, (int)call->in.bytes - 4,
                            (int)bytes) != (int)bytes)
        return corrupt(call, "is corrupt");
    return done(call, bytes);
}

const struct codec_type codec_lz4 = {"lz4", CODEC_BYTES, false, setup, lz4_decode};

/* bz2: streams may follow each other */

static enum decoded bz2_decode(const struct codec *codec, struct codec_call *call)
{
    (void)codec;
    if (call->in.bytes > UINT_MAX || call->capacity > UINT_MAX)
        return corrupt(call, "is too large for bz2");
    bz_stream stream = {.next_in = (char *)(uintptr_t)call->in.data,
                        .avail_in = (unsigned)call->in.bytes,
                        .next_out = (char *)call->out,
                        .avail_out = (unsigned)call->capacity};
    int status = BZ_STREAM_END;
    while (status == BZ_STREAM_END && stream.avail_in) {
        if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
            return corrupt(call, "out of memory");
        while ((status = BZ2_bzDecompress(&stream)) == BZ_OK && stream.avail_in && stream.avail_out)
            ;
        BZ2_bzDecompressEnd(&stream);
    }
    if (status == BZ_OK && !stream.avail_out)
        return DECODE_SMALL;
    if (status != BZ_STREAM_END)
        return corrupt(call, status == BZ_OK ? "is cut short" : "is corrupt");
    return done(call, call->capacity - stream.avail_out);
}

const struct codec_type codec_bz2 = {"bz2", CODEC_BYTES, false, setup, bz2_decode};

/* lzma: python's formats 0 auto, 1 xz, 2 alone, 3 raw, the last with one LZMA2 filter */

static bool lzma_setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    uint64_t format = 1, preset = 6, id = 0;
    if (json_get(config, "format") &&
        (!json_whole(json_get(config, "format"), &format) || format > 3))
        return fault_set(fault, ORIEL_UNSUPPORTED, "codec lzma: unknown format");
    if (format == 3) {
        const cJSON *filters = json_get(config, "filters");
        const cJSON *filter = cJSON_GetArrayItem(filters, 0);
        if (cJSON_GetArraySize(filters) != 1 || !json_whole(json_get(filter, "id"), &id) ||
            id != LZMA_FILTER_LZMA2)
            return fault_set(fault, ORIEL_UNSUPPORTED,
                             "codec lzma: raw filters other than one LZMA2 are not supported");
        json_whole(json_get(filter, "preset"), &preset);
    }
    codec->lzma.format = (uint32_t)format;
    codec->lzma.preset = (uint32_t)(preset & UINT32_MAX);
    return setup(codec, config, fault);
}

static enum decoded lzma_decode(const struct codec *codec, struct codec_call *call)
{
    const uint64_t memory = UINT64_C(1) << 30;
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_options_lzma options;
    lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    lzma_ret status;
    switch (codec->lzma.format) {
    case 0:
        status = lzma_auto_decoder(&stream, memory, LZMA_CONCATENATED);
        break;
    case 1:
        status = lzma_stream_decoder(&stream, memory, LZMA_CONCATENATED);
        break;
    case 2:
        status = lzma_alone_decoder(&stream, memory);
        break;
    default:
        status = lzma_lzma_preset(&options, codec->lzma.preset)
                     ? LZMA_OPTIONS_ERROR
                     : lzma_raw_decoder(&stream, filters);
    }
    if (status != LZMA_OK)
        return corrupt(call, "its decoder could not be set up");
    stream.next_in = call->in.data;
    stream.avail_in = call->in.bytes;
    stream.next_out = call->out;
    stream.avail_out = call->capacity;
    status = lzma_code(&stream, LZMA_FINISH);
    size_t made = call->capacity - stream.avail_out;
    bool full = !stream.avail_out;
    lzma_end(&stream);
    if (status == LZMA_STREAM_END)
        return done(call, made);
    if (full && (status == LZMA_OK || status == LZMA_BUF_ERROR))
        return DECODE_SMALL;
    return corrupt(call, status == LZMA_MEMLIMIT_ERROR ? "needs more than 1 GiB to decode"
                                                       : "is corrupt");
}

const struct codec_type codec_lzma = {"lzma", CODEC_BYTES, false, lzma_setup, lzma_decode};
