/* SPDX-License-Identifier: BSD-3-Clause */
/* One step of how a chunk is stored. A codec type is a row of a table (codec.c); a codec is that
 * row with its parameters, immutable once set up. */
#ifndef ZARR_CODEC_H
#define ZARR_CODEC_H

#include <cjson/cJSON.h>

#include "dtype.h"
#include "scratch.h"

enum { PIPELINE_AXES = ORIEL_MAX_AXES + 1 }; /* a shard's index has one axis more */

#define CODEC_BYTES_UNKNOWN UINT64_MAX

struct span {
    const uint8_t *data;
    size_t bytes;
};

struct codec;

enum decoded {
    DECODED,
    DECODE_CORRUPT, /* `why` says what */
    DECODE_SMALL    /* `out` was too small, and how large it must be is not known */
};

struct codec_call {
    struct span in;
    uint8_t *out;       /* `capacity` bytes */
    size_t capacity;    /* exactly what must come out when codec->decoded says so */
    struct span result; /* in `out`, or a part of `in` for codecs that only look */
    struct scratch *scratch;
    const char *why;
};

enum codec_role {
    CODEC_VALUES, /* works on values: comes before "bytes" in v3 */
    CODEC_ORDER,  /* "bytes": the step from values to bytes */
    CODEC_BYTES   /* bytes to bytes */
};

struct codec_type {
    const char *name;
    enum codec_role role;
    bool looks_only; /* the result is a part of `in`; no room needed */
    /* Takes the parameters, sets codec->encoded from codec->decoded, and writes into codec->detail
     * what people want to know. */
    bool (*setup)(struct codec *codec, const cJSON *config, struct fault *fault);
    enum decoded (*decode)(const struct codec *codec, struct codec_call *call);
};

struct codec {
    const struct codec_type *type;
    struct dtype dtype; /* of the values, as they are before this codec encodes */
    uint64_t decoded;   /* bytes that come out of decode, or CODEC_BYTES_UNKNOWN */
    uint64_t encoded;   /* bytes that go in */
    char detail[48];
    union {
        struct {
            uint32_t ndim;
            uint8_t order[PIPELINE_AXES];  /* stored axis k is axis order[k] of what comes out */
            uint64_t shape[PIPELINE_AXES]; /* of what comes out */
        } transpose;
        struct {
            struct dtype from, to; /* stored, decoded */
            double scale, offset;
        } cast;
        uint32_t element; /* shuffle */
        bool check_first; /* the checksum stands before the bytes */
        struct {
            uint32_t format; /* 0 auto, 1 xz, 2 alone, 3 raw LZMA2 of `preset` */
            uint32_t preset;
        } lzma;
    };
};

/* By name ("zstd", "numcodecs.zstd"), or NULL. */
const struct codec_type *codec_find(const char *name);

/* The rows, by the file they are in. */
extern const struct codec_type codec_bytes, codec_transpose, codec_delta, codec_fixedscaleoffset,
    codec_quantize, codec_astype, codec_bitround, codec_shuffle, codec_crc32c, codec_crc32,
    codec_adler32, codec_fletcher32, codec_gzip, codec_zlib, codec_zstd, codec_blosc, codec_lz4,
    codec_bz2, codec_lzma;

uint32_t crc32c(const uint8_t *data, size_t bytes);

#endif
