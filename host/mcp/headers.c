/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "mcp/room.h"

const char *header_of(const struct oriel_request *request, const char *name)
{
    return request->header ? request->header(request, name) : NULL;
}

/* The next piece up to `separator`, without the space around it. */
static const char *piece(const char **at, char separator, size_t *length)
{
    const char *start = *at + strspn(*at, " \t");
    const char *end = strchr(start, separator);
    *at = end ? end + 1 : NULL;
    size_t n = end ? (size_t)(end - start) : strlen(start);
    while (n && (start[n - 1] == ' ' || start[n - 1] == '\t'))
        n--;
    *length = n;
    return start;
}

static bool is(const char *text, size_t length, const char *name)
{
    return length == strlen(name) && strncasecmp(text, name, length) == 0;
}

bool media_is_json(const char *content_type)
{
    size_t length;
    const char *at = content_type;
    if (!at)
        return false;
    const char *type = piece(&at, ';', &length);
    if (!is(type, length, "application/json"))
        return false;
    while (at) {
        const char *parameter = piece(&at, ';', &length);
        if (length > 8 && strncasecmp(parameter, "charset=", 8) == 0 &&
            !is(parameter + 8, length - 8, "utf-8") && !is(parameter + 8, length - 8, "\"utf-8\""))
            return false;
    }
    return true;
}

/* "q=0", "q=0.00": not at all. */
static bool is_refused(const char *parameter, size_t length)
{
    if (length < 3 || strncasecmp(parameter, "q=", 2) != 0)
        return false;
    for (size_t i = 2; i < length; i++) {
        if (parameter[i] != '0' && parameter[i] != '.')
            return false;
    }
    return true;
}

/* The most exact of the ranges that cover JSON decides. */
bool media_accepts_json(const char *accept)
{
    static const char *const ranges[] = {"*/*", "application/*", "application/json"};
    if (!accept)
        return true;
    int best = -1;
    bool accepted = false;
    while (accept) {
        size_t length, n;
        const char *range = piece(&accept, ',', &length);
        char text[256];
        if (length >= sizeof text)
            continue;
        memcpy(text, range, length);
        text[length] = '\0';
        const char *at = text, *type = piece(&at, ';', &n);
        bool refused = false;
        while (at) {
            size_t parameter_length;
            const char *parameter = piece(&at, ';', &parameter_length);
            refused |= is_refused(parameter, parameter_length);
        }
        for (int i = 0; i < 3; i++) {
            if (is(type, n, ranges[i]) && i > best) {
                best = i;
                accepted = !refused;
            }
        }
    }
    return accepted;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Does base64 text decode to exactly `value`? */
static bool base64_says(const char *text, size_t length, const char *value)
{
    while (length && text[length - 1] == '=')
        length--;
    size_t bytes = length * 6 / 8;
    if (bytes != strlen(value))
        return false;
    unsigned long bits = 0;
    unsigned count = 0;
    for (size_t i = 0, at = 0; i < length; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return false;
        bits = (bits << 6 | (unsigned)digit) & 0xffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            if ((unsigned char)(bits >> count) != (unsigned char)value[at++])
                return false;
        }
    }
    return true;
}

bool header_says(const char *header, const char *value)
{
    static const char prefix[] = "=?base64?";
    size_t n = strlen(header), p = sizeof prefix - 1;
    if (n >= p + 2 && strncmp(header, prefix, p) == 0 && strcmp(header + n - 2, "?=") == 0)
        return base64_says(header + p, n - p - 2, value);
    return strcmp(header, value) == 0;
}
