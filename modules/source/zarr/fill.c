/* SPDX-License-Identifier: BSD-3-Clause */
/* The spellings of fill values: numbers, booleans, null, "NaN", "Infinity", the bits in
 * hexadecimal, numbers as text (bioformats2raw), base64 of the bytes. */
#include "dtype.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_float(uint32_t type)
{
    return type == ORIEL_F16 || type == ORIEL_F32 || type == ORIEL_F64;
}

static bool is_signed(uint32_t type)
{
    return type >= ORIEL_I8 && type <= ORIEL_I64;
}

static bool from_double(double value, const struct dtype *dtype, uint8_t *out)
{
    uint64_t room[1] = {0};
    value_store(dtype->type, room, 0, value);
    if (!is_float(dtype->type) && value_load(dtype->type, room, 0) != value)
        return false;
    memcpy(out, room, dtype->bytes);
    return true;
}

static bool from_bits(uint64_t bits, const struct dtype *dtype, uint8_t *out)
{
    if (dtype->bytes < 8 && bits >> (dtype->bytes * 8))
        return false;
    for (uint32_t i = 0; i < dtype->bytes; i++)
        out[__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? dtype->bytes - 1 - i : i] =
            (uint8_t)(bits >> (i * 8));
    return true;
}

static bool from_base64(const char *text, const struct dtype *dtype, uint8_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[8];
    uint32_t n = 0, bits = 0, have = 0;
    for (; *text && *text != '='; text++) {
        const char *digit = strchr(digits, *text);
        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - digits);
        have += 6;
        if (have >= 8) {
            if (n == dtype->bytes)
                return false;
            have -= 8;
            bytes[n++] = (uint8_t)(bits >> have);
        }
    }
    if (n != dtype->bytes)
        return false;
    memcpy(out, bytes, n);
    if (dtype->swap)
        bytes_swap(out, out, 1, dtype->bytes);
    return true;
}

static bool from_text(const char *text, const struct dtype *dtype, uint8_t *out)
{
    char *end = NULL;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return from_double(*text == 't', dtype, out);
    if (strcmp(text, "NaN") == 0)
        return is_float(dtype->type) && from_double((double)NAN, dtype, out);
    if (strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0)
        return is_float(dtype->type) &&
               from_double(*text == '-' ? -(double)INFINITY : (double)INFINITY, dtype, out);
    errno = 0;
    if (strncmp(text, "0x", 2) == 0) {
        unsigned long long bits = strtoull(text + 2, &end, 16);
        return end != text + 2 && !*end && !errno && from_bits(bits, dtype, out);
    }
    if (!is_float(dtype->type) &&
        strspn(text + (*text == '-'), "0123456789") == strlen(text) - (*text == '-')) {
        /* Whole numbers go without a double in between: it would round large ones. */
        if (is_signed(dtype->type) && dtype->bytes == 8) {
            int64_t value = strtoll(text, &end, 10);
            memcpy(out, &value, 8);
            return end != text && !errno;
        }
        if (*text != '-' && dtype->bytes == 8) {
            uint64_t value = strtoull(text, &end, 10);
            memcpy(out, &value, 8);
            return end != text && !errno;
        }
    }
    double value = strtod(text, &end);
    if (end != text && !*end)
        return from_double(value, dtype, out);
    return from_base64(text, dtype, out);
}

bool fill_parse(const cJSON *item, const struct dtype *dtype, uint8_t out[8], struct fault *fault)
{
    memset(out, 0, 8);
    if (!item || cJSON_IsNull(item))
        return true;
    bool ok = false;
    if (cJSON_IsBool(item))
        ok = from_double(cJSON_IsTrue(item), dtype, out);
    else if (cJSON_IsNumber(item))
        ok = from_double(item->valuedouble, dtype, out);
    else if (cJSON_IsString(item))
        ok = from_text(item->valuestring, dtype, out);
    if (ok)
        return true;
    char *text = cJSON_PrintUnformatted(item);
    fault_set(fault, ORIEL_UNSUPPORTED, "fill_value %.80s is no %s", text ? text : "?",
              dtype_label(dtype->type));
    cJSON_free(text);
    return false;
}
