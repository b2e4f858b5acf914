/* SPDX-License-Identifier: BSD-3-Clause */
/* Codecs that know what the values are: byte order, axis order, differences, scaling. */
#include "codec.h"
#include "copy.h"
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* bytes */

static bool bytes_setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    const char *endian = json_string(config, "endian");
    if (endian && strcmp(endian, "little") != 0 && strcmp(endian, "big") != 0)
        return fault_set(fault, ORIEL_UNSUPPORTED, "codec bytes: unknown endian \"%.40s\"", endian);
    bool big = endian && *endian == 'b';
    bool big_machine = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    codec->dtype.swap = codec->dtype.bytes > 1 && big != big_machine;
    codec->encoded = codec->decoded;
    snprintf(codec->detail, sizeof codec->detail, "%s", big ? "big" : "");
    return true;
}

static enum decoded bytes_decode(const struct codec *codec, struct codec_call *call)
{
    if (!codec->dtype.swap) {
        call->result = call->in;
        return DECODED;
    }
    if (call->in.bytes != call->capacity)
        return call->why = "the wrong number of bytes", DECODE_CORRUPT;
    bytes_swap(call->in.data, call->out, call->in.bytes / codec->dtype.bytes, codec->dtype.bytes);
    call->result = (struct span){call->out, call->in.bytes};
    return DECODED;
}

const struct codec_type codec_bytes = {"bytes", CODEC_ORDER, false, bytes_setup, bytes_decode};

/* transpose: the pipeline fills in order and shape, because only it knows them */

static bool transpose_setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    (void)config;
    (void)fault;
    codec->encoded = codec->decoded;
    return true;
}

static enum decoded transpose_decode(const struct codec *codec, struct codec_call *call)
{
    if (call->in.bytes != call->capacity)
        return call->why = "the wrong number of bytes", DECODE_CORRUPT;
    uint32_t ndim = codec->transpose.ndim;
    int64_t strides[PIPELINE_AXES], stored[PIPELINE_AXES];
    uint64_t shape[PIPELINE_AXES], origin[PIPELINE_AXES] = {0};
    strides_dense(ndim, codec->transpose.shape, codec->dtype.bytes, strides);
    for (uint32_t k = 0; k < ndim; k++) {
        shape[k] = codec->transpose.shape[codec->transpose.order[k]];
        stored[k] = strides[codec->transpose.order[k]];
    }
    strides_dense(ndim, shape, codec->dtype.bytes, strides);
    copy_box(ndim, shape, codec->dtype.bytes, call->in.data, strides, origin, call->out, stored);
    call->result = (struct span){call->out, call->in.bytes};
    return DECODED;
}

const struct codec_type codec_transpose = {"transpose", CODEC_VALUES, false, transpose_setup,
                                           transpose_decode};

/* delta, fixedscaleoffset, quantize, astype: stored as one type, decoded to another */

static bool type_of(const cJSON *config, const char *key, const struct dtype *fallback,
                    struct dtype *dtype, struct fault *fault)
{
    const char *name = json_string(config, key);
    if (!name) {
        *dtype = *fallback;
        return true;
    }
    return dtype_parse(name, dtype, fault);
}

static bool cast_sizes(struct codec *codec, struct fault *fault)
{
    uint32_t bytes = codec->cast.to.bytes;
    if (codec->decoded != CODEC_BYTES_UNKNOWN && codec->decoded % bytes)
        return fault_set(fault, ORIEL_UNSUPPORTED,
                         "codec %s: a chunk is not a whole number of %s values", codec->type->name,
                         dtype_label(codec->cast.to.type));
    codec->encoded = codec->decoded == CODEC_BYTES_UNKNOWN
                         ? codec->decoded
                         : codec->decoded / bytes * codec->cast.from.bytes;
    return true;
}

static bool cast_setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    codec->cast.scale = 1;
    if (!type_of(config, "dtype", &codec->dtype, &codec->cast.to, fault) ||
        !type_of(config, "astype", &codec->cast.to, &codec->cast.from, fault))
        return false;
    return cast_sizes(codec, fault);
}

static bool offset_setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    if (!cast_setup(codec, config, fault))
        return false;
    if (!json_number(json_get(config, "offset"), &codec->cast.offset) ||
        !json_number(json_get(config, "scale"), &codec->cast.scale) || codec->cast.scale == 0)
        return fault_set(fault, ORIEL_IO, "codec fixedscaleoffset: needs numbers offset and scale");
    return true;
}

static bool astype_setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    codec->cast.scale = 1;
    if (!type_of(config, "decode_dtype", &codec->dtype, &codec->cast.to, fault) ||
        !type_of(config, "encode_dtype", &codec->cast.to, &codec->cast.from, fault))
        return false;
    return cast_sizes(codec, fault);
}

/* One value of any byte order into `native`, 8 bytes. */
static const uint8_t *value_native(const struct dtype *dtype, const uint8_t *at, uint64_t *native)
{
    if (dtype->swap)
        bytes_swap(at, (uint8_t *)native, 1, dtype->bytes);
    else
        memcpy(native, at, dtype->bytes);
    return (const uint8_t *)native;
}

static enum decoded cast_count(const struct codec *codec, struct codec_call *call, size_t *count)
{
    *count = call->in.bytes / codec->cast.from.bytes;
    if (call->in.bytes % codec->cast.from.bytes)
        return call->why = "not a whole number of values", DECODE_CORRUPT;
    if (*count * codec->cast.to.bytes > call->capacity)
        return call->why = "too many values", DECODE_SMALL;
    call->result = (struct span){call->out, *count * codec->cast.to.bytes};
    return DECODED;
}

static enum decoded cast_decode(const struct codec *codec, struct codec_call *call)
{
    size_t count = 0;
    enum decoded result = cast_count(codec, call, &count);
    if (result != DECODED)
        return result;
    const struct dtype *from = &codec->cast.from, *to = &codec->cast.to;
    bool same = from->type == to->type && codec->cast.scale == 1 && codec->cast.offset == 0;
    if (same && from->swap == to->swap) {
        call->result = call->in;
        return DECODED;
    }
    /* numpy computes in the stored type when that is a float, else in double. */
    bool single = from->type == ORIEL_F32;
    for (size_t i = 0; i < count; i++) {
        uint64_t native = 0;
        uint8_t *out = call->out + i * to->bytes;
        double value =
            value_load(from->type, value_native(from, call->in.data + i * from->bytes, &native), 0);
        if (same)
            memcpy(out, &native, to->bytes);
        else {
            value = single ? (double)((float)((float)value / (float)codec->cast.scale) +
                                      (float)codec->cast.offset)
                           : value / codec->cast.scale + codec->cast.offset;
            value_store(to->type, &native, 0, value);
            memcpy(out, &native, to->bytes);
        }
        if (to->swap)
            bytes_swap(out, out, 1, to->bytes);
    }
    return DECODED;
}

const struct codec_type codec_fixedscaleoffset = {"fixedscaleoffset", CODEC_VALUES, false,
                                                  offset_setup, cast_decode};
const struct codec_type codec_quantize = {"quantize", CODEC_VALUES, false, cast_setup, cast_decode};
const struct codec_type codec_astype = {"astype", CODEC_VALUES, false, astype_setup, cast_decode};

static bool is_float(uint32_t type)
{
    return type == ORIEL_F16 || type == ORIEL_F32 || type == ORIEL_F64;
}

static int64_t load_whole(const struct dtype *dtype, const void *native)
{
    switch (dtype->type) {
    case ORIEL_U64:
    case ORIEL_I64:
        return *(const int64_t *)native; /* modulo 2^64 either way */
    default:
        return (int64_t)value_load(dtype->type, native, 0);
    }
}

static enum decoded delta_decode(const struct codec *codec, struct codec_call *call)
{
    size_t count = 0;
    enum decoded result = cast_count(codec, call, &count);
    if (result != DECODED)
        return result;
    const struct dtype *from = &codec->cast.from, *to = &codec->cast.to;
    bool floats = is_float(to->type);
    uint64_t whole = 0; /* integers wrap around, as the encoder's did */
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t native = 0;
        uint8_t *out = call->out + i * to->bytes;
        value_native(from, call->in.data + i * from->bytes, &native);
        if (floats) {
            uint64_t room = 0;
            sum += value_load(from->type, &native, 0);
            value_store(to->type, &room, 0, sum);
            sum = value_load(to->type, &room, 0); /* rounded at every step, as it was encoded */
            memcpy(out, &room, to->bytes);
        } else {
            whole += (uint64_t)load_whole(from, &native);
            uint64_t little = whole;
            if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
                little <<= 64 - 8 * to->bytes;
            memcpy(out, &little, to->bytes);
        }
        if (to->swap)
            bytes_swap(out, out, 1, to->bytes);
    }
    return DECODED;
}

const struct codec_type codec_delta = {"delta", CODEC_VALUES, false, cast_setup, delta_decode};

/* bitround only ever loses bits when it encodes */

static bool same_size_setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    (void)config;
    (void)fault;
    codec->encoded = codec->decoded;
    return true;
}

static enum decoded same_decode(const struct codec *codec, struct codec_call *call)
{
    (void)codec;
    call->result = call->in;
    return DECODED;
}

const struct codec_type codec_bitround = {"bitround", CODEC_VALUES, true, same_size_setup,
                                          same_decode};

/* shuffle: the i-th bytes of all elements stand together; what is over at the end is left as it was
 */

static bool shuffle_setup(struct codec *codec, const cJSON *config, struct fault *fault)
{
    uint64_t element = 4;
    const cJSON *item = json_get(config, "elementsize");
    if (item && (!json_whole(item, &element) || element > 1024))
        return fault_set(fault, ORIEL_IO, "codec shuffle: elementsize is not a small number");
    codec->element = (uint32_t)element;
    codec->encoded = codec->decoded;
    return true;
}

static enum decoded shuffle_decode(const struct codec *codec, struct codec_call *call)
{
    size_t element = codec->element, bytes = call->in.bytes;
    if (element <= 1) {
        call->result = call->in;
        return DECODED;
    }
    if (bytes > call->capacity)
        return call->why = "too many bytes", DECODE_SMALL;
    size_t count = bytes / element;
    for (size_t b = 0; b < element; b++)
        for (size_t i = 0; i < count; i++)
            call->out[i * element + b] = call->in.data[b * count + i];
    memcpy(call->out + count * element, call->in.data + count * element, bytes - count * element);
    call->result = (struct span){call->out, bytes};
    return DECODED;
}

const struct codec_type codec_shuffle = {"shuffle", CODEC_BYTES, false, shuffle_setup,
                                         shuffle_decode};
