/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/convert.h"

#include <string.h>

#include "render/dataset.h"

static const struct {
    const char *name;
    uint32_t bytes;
} types[] = {
    [ORIEL_U8] = {"uint8", 1},    [ORIEL_U16] = {"uint16", 2},  [ORIEL_U32] = {"uint32", 4},
    [ORIEL_U64] = {"uint64", 8},  [ORIEL_I8] = {"int8", 1},     [ORIEL_I16] = {"int16", 2},
    [ORIEL_I32] = {"int32", 4},   [ORIEL_I64] = {"int64", 8},   [ORIEL_F16] = {"float16", 2},
    [ORIEL_F32] = {"float32", 4}, [ORIEL_F64] = {"float64", 8}, [ORIEL_BOOL] = {"bool", 1},
};

static bool known(uint32_t dtype)
{
    return dtype < sizeof types / sizeof *types && types[dtype].name;
}

uint32_t dtype_bytes(uint32_t dtype)
{
    return known(dtype) ? types[dtype].bytes : 0;
}

const char *dtype_name(uint32_t dtype)
{
    return known(dtype) ? types[dtype].name : "unknown";
}

/* IEEE 754 binary16. */
static float half_value(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 31u;
    uint32_t mantissa = half & 0x3ffu;
    uint32_t bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000u | mantissa << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        float tiny = (float)mantissa * 0x1p-24f;
        return sign ? -tiny : tiny;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define LOAD(type, p) (*(const type *)(const void *)(p))

double dtype_value(uint32_t dtype, const void *data, uint64_t index)
{
    const uint8_t *p = (const uint8_t *)data + index * dtype_bytes(dtype);
    switch (dtype) {
    case ORIEL_U8:
    case ORIEL_BOOL:
        return *p;
    case ORIEL_U16:
        return LOAD(uint16_t, p);
    case ORIEL_U32:
        return LOAD(uint32_t, p);
    case ORIEL_U64:
        return (double)LOAD(uint64_t, p);
    case ORIEL_I8:
        return LOAD(int8_t, p);
    case ORIEL_I16:
        return LOAD(int16_t, p);
    case ORIEL_I32:
        return LOAD(int32_t, p);
    case ORIEL_I64:
        return (double)LOAD(int64_t, p);
    case ORIEL_F16:
        return (double)half_value(LOAD(uint16_t, p));
    case ORIEL_F32:
        return (double)LOAD(float, p);
    case ORIEL_F64:
        return LOAD(double, p);
    default:
        return 0;
    }
}

uint32_t convert_type(uint32_t dtype)
{
    switch (dtype) {
    case ORIEL_U8:
    case ORIEL_BOOL:
        return ORIEL_U8;
    case ORIEL_U16:
        return ORIEL_U16;
    default:
        return known(dtype) ? ORIEL_F32 : 0;
    }
}

#define ROW(to, value)                                                                             \
    for (uint64_t i = 0; i < count; i++, p += step)                                                \
        ((to *)out)[i] = (to)(value);                                                              \
    break

void convert_row(uint32_t dtype, const void *data, uint64_t step, uint64_t count, void *out)
{
    const uint8_t *p = data;
    switch (dtype) {
    case ORIEL_U8:
    case ORIEL_BOOL:
        ROW(uint8_t, *p);
    case ORIEL_U16:
        ROW(uint16_t, LOAD(uint16_t, p));
    case ORIEL_U32:
        ROW(float, LOAD(uint32_t, p));
    case ORIEL_U64:
        ROW(float, LOAD(uint64_t, p));
    case ORIEL_I8:
        ROW(float, LOAD(int8_t, p));
    case ORIEL_I16:
        ROW(float, LOAD(int16_t, p));
    case ORIEL_I32:
        ROW(float, LOAD(int32_t, p));
    case ORIEL_I64:
        ROW(float, LOAD(int64_t, p));
    case ORIEL_F16:
        ROW(float, half_value(LOAD(uint16_t, p)));
    case ORIEL_F32:
        ROW(float, LOAD(float, p));
    case ORIEL_F64:
        ROW(float, LOAD(double, p));
    default:
        break;
    }
}
