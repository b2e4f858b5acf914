/* SPDX-License-Identifier: BSD-3-Clause */
#include "dtype.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *v3;
    const char *v2; /* kind and bytes */
    uint32_t type;
    uint32_t bytes;
} types[] = {
    {"uint8", "u1", ORIEL_U8, 1},    {"uint16", "u2", ORIEL_U16, 2},
    {"uint32", "u4", ORIEL_U32, 4},  {"uint64", "u8", ORIEL_U64, 8},
    {"int8", "i1", ORIEL_I8, 1},     {"int16", "i2", ORIEL_I16, 2},
    {"int32", "i4", ORIEL_I32, 4},   {"int64", "i8", ORIEL_I64, 8},
    {"float16", "f2", ORIEL_F16, 2}, {"float32", "f4", ORIEL_F32, 4},
    {"float64", "f8", ORIEL_F64, 8}, {"bool", "b1", ORIEL_BOOL, 1},
};
enum { TYPE_COUNT = sizeof types / sizeof *types };

static const char *what_it_is(const char *name, const char *kind)
{
    if (strncmp(name, "complex", 7) == 0 || *kind == 'c')
        return "complex numbers";
    if (strstr(name, "datetime") || strstr(name, "timedelta") || *kind == 'M' || *kind == 'm')
        return "dates";
    if (strstr(name, "string") || strstr(name, "utf") || *kind == 'U' || *kind == 'S')
        return "text";
    if (*kind == 'O')
        return "objects";
    if (strstr(name, "struct") || *kind == 'V' || strncmp(name, "r", 1) == 0)
        return "raw or structured values";
    return "an unknown type";
}

bool dtype_parse(const char *name, struct dtype *dtype, struct fault *fault)
{
    bool ordered = *name && strchr("<>|=", *name);
    const char *kind = name + ordered;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(kind, types[i].v2) != 0 && strcmp(name, types[i].v3) != 0)
            continue;
        bool big_machine = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
        dtype->type = types[i].type;
        dtype->bytes = types[i].bytes;
        dtype->swap =
            types[i].bytes > 1 && ((*name == '>' && !big_machine) || (*name == '<' && big_machine));
        return true;
    }
    return fault_set(fault, ORIEL_UNSUPPORTED, "data type \"%s\" (%s) is not supported", name,
                     what_it_is(name, ordered ? kind : ""));
}

const char *dtype_label(uint32_t type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (types[i].type == type)
            return types[i].v3;
    return "?";
}

static double half_load(uint16_t bits)
{
    int exponent = bits >> 10 & 31;
    double fraction = bits & 1023;
    double value = exponent == 31  ? (fraction != 0 ? (double)NAN : (double)INFINITY)
                   : exponent == 0 ? ldexp(fraction, -24)
                                   : ldexp(fraction + 1024, exponent - 25);
    return bits & 0x8000 ? -value : value;
}

static uint16_t half_store(double value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    value = fabs(value);
    if (isnan(value))
        return sign | 0x7e00;
    if (value >= 65520)
        return sign | 0x7c00;
    int exponent = 0;
    frexp(value, &exponent);
    if (exponent < -13)
        exponent = -13;
    /* Rounded to nearest even; a carry out of the fraction lands in the exponent, as it should. */
    double steps = nearbyint(ldexp(value, 11 - exponent));
    return (uint16_t)(sign + (exponent + 13) * 1024 + (int)steps);
}

double value_load(uint32_t type, const void *data, uint64_t index)
{
    switch (type) {
    case ORIEL_U8:
    case ORIEL_BOOL:
        return ((const uint8_t *)data)[index];
    case ORIEL_U16:
        return ((const uint16_t *)data)[index];
    case ORIEL_U32:
        return ((const uint32_t *)data)[index];
    case ORIEL_U64:
        return (double)((const uint64_t *)data)[index];
    case ORIEL_I8:
        return ((const int8_t *)data)[index];
    case ORIEL_I16:
        return ((const int16_t *)data)[index];
    case ORIEL_I32:
        return ((const int32_t *)data)[index];
    case ORIEL_I64:
        return (double)((const int64_t *)data)[index];
    case ORIEL_F16:
        return half_load(((const uint16_t *)data)[index]);
    case ORIEL_F32:
        return (double)((const float *)data)[index];
    case ORIEL_F64:
        return ((const double *)data)[index];
    default:
        return 0;
    }
}

static double clamp(double value, double low, double high)
{
    return isnan(value) ? 0 : value < low ? low : value > high ? high : value;
}

void value_store(uint32_t type, void *data, uint64_t index, double value)
{
    switch (type) {
    case ORIEL_U8:
        ((uint8_t *)data)[index] = (uint8_t)clamp(value, 0, UINT8_MAX);
        break;
    case ORIEL_BOOL:
        ((uint8_t *)data)[index] = value != 0;
        break;
    case ORIEL_U16:
        ((uint16_t *)data)[index] = (uint16_t)clamp(value, 0, UINT16_MAX);
        break;
    case ORIEL_U32:
        ((uint32_t *)data)[index] = (uint32_t)clamp(value, 0, UINT32_MAX);
        break;
    case ORIEL_U64:
        ((uint64_t *)data)[index] =
            value >= 0x1p64 ? UINT64_MAX : (uint64_t)clamp(value, 0, 0x1p64);
        break;
    case ORIEL_I8:
        ((int8_t *)data)[index] = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
        break;
    case ORIEL_I16:
        ((int16_t *)data)[index] = (int16_t)clamp(value, INT16_MIN, INT16_MAX);
        break;
    case ORIEL_I32:
        ((int32_t *)data)[index] = (int32_t)clamp(value, INT32_MIN, INT32_MAX);
        break;
    case ORIEL_I64:
        ((int64_t *)data)[index] =
            value >= 0x1p63 ? INT64_MAX : (int64_t)clamp(value, -0x1p63, 0x1p63);
        break;
    case ORIEL_F16:
        ((uint16_t *)data)[index] = half_store(value);
        break;
    case ORIEL_F32:
        ((float *)data)[index] = (float)value;
        break;
    case ORIEL_F64:
        ((double *)data)[index] = value;
        break;
    default:
        break;
    }
}

void bytes_swap(const uint8_t *in, uint8_t *out, uint64_t count, uint32_t bytes)
{
    for (uint64_t i = 0; i < count; i++) {
        if (bytes == 2) {
            uint16_t v;
            memcpy(&v, in + i * 2, 2);
            v = __builtin_bswap16(v);
            memcpy(out + i * 2, &v, 2);
        } else if (bytes == 4) {
            uint32_t v;
            memcpy(&v, in + i * 4, 4);
            v = __builtin_bswap32(v);
            memcpy(out + i * 4, &v, 4);
        } else if (bytes == 8) {
            uint64_t v;
            memcpy(&v, in + i * 8, 8);
            v = __builtin_bswap64(v);
            memcpy(out + i * 8, &v, 8);
        } else {
            out[i] = in[i];
        }
    }
}
