/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/base64.h"

void base64(const uint8_t *data, size_t bytes, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes; i += 3) {
        uint32_t v = (uint32_t)data[i] << 16;
        v |= i + 1 < bytes ? (uint32_t)data[i + 1] << 8 : 0;
        v |= i + 2 < bytes ? data[i + 2] : 0;
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = i + 1 < bytes ? digits[v >> 6 & 63] : '=';
        *out++ = i + 2 < bytes ? digits[v & 63] : '=';
    }
    *out = '\0';
}
