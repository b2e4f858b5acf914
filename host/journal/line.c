/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal/line.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define CRC_DIGITS 8

static uint32_t crc(uint32_t start, const char *text, size_t bytes)
{
    return (uint32_t)crc32_z(start, (const Bytef *)text, bytes);
}

size_t line_head(char head[LINE_HEAD_MAX], uint64_t number, const char *payload, size_t bytes)
{
    int n = snprintf(head, LINE_HEAD_MAX, "00000000 %" PRIu64 " %zu ", number, bytes);
    uint32_t sum = crc(0, head + CRC_DIGITS, (size_t)n - CRC_DIGITS);
    char digits[CRC_DIGITS + 1];
    snprintf(digits, sizeof digits, "%08" PRIx32, crc(sum, payload, bytes));
    memcpy(head, digits, CRC_DIGITS);
    return (size_t)n;
}

/* Digits and the space behind them, from *at; false when that is not what stands there. */
static bool parse_number(const char *text, size_t bytes, size_t *at, unsigned base, uint64_t *value)
{
    static const char digits[] = "0123456789abcdef";
    size_t first = *at;
    for (*value = 0; *at < bytes && *at - first < 20; (*at)++) {
        const char *digit = memchr(digits, text[*at], base);
        if (!digit)
            break;
        if (__builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, (uint64_t)(digit - digits), value))
            return false;
    }
    return *at > first && *at < bytes && text[(*at)++] == ' ';
}

enum line_kind line_parse(const char *text, size_t bytes, struct line *line)
{
    if (bytes == 0)
        return LINE_END;
    size_t at = 0;
    uint64_t sum, length;
    bool head = parse_number(text, bytes, &at, 16, &sum) && at == CRC_DIGITS + 1 &&
                parse_number(text, bytes, &at, 10, &line->number) &&
                parse_number(text, bytes, &at, 10, &length);
    if (head && length < bytes - at) {
        line->payload = text + at;
        line->bytes = (size_t)length;
        line->total = at + line->bytes + 1;
        size_t end = at + line->bytes;
        if (text[end] == '\n' && crc(0, text + CRC_DIGITS, end - CRC_DIGITS) == sum)
            return LINE_WHOLE;
        return LINE_BAD;
    }
    /* A line feed ends every line and stands nowhere in one; zero bytes are what a file system
     * shows of blocks that it never wrote. */
    return memchr(text, '\n', bytes) || memchr(text, '\0', bytes) ? LINE_BAD : LINE_CUT;
}
