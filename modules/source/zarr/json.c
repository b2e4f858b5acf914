/* SPDX-License-Identifier: BSD-3-Clause */
#include "json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DOUBLE_DIGITS = 15 }; /* decimal digits that a double always keeps */

/* Bytes of the token at `text` that must be quoted for cJSON, or 0. */
static size_t odd_token(const char *text)
{
    const char *word = text + (*text == '-');
    if (strncmp(word, "Infinity", 8) == 0)
        return (size_t)(word - text) + 8;
    if (strncmp(text, "NaN", 3) == 0)
        return 3;
    size_t digits = strspn(word, "0123456789");
    char end = word[digits];
    if (digits > DOUBLE_DIGITS && end != '.' && end != 'e' && end != 'E')
        return (size_t)(word - text) + digits;
    return 0;
}

static char *quote_odd_tokens(const char *text, size_t bytes, size_t *out_bytes)
{
    /* The shortest odd token has three characters and gains two. */
    char *out = malloc(bytes * 2 + 1);
    if (!out)
        return NULL;
    size_t n = 0;
    bool quoted = false, in_number = false;
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        size_t odd = quoted || in_number ? 0 : odd_token(text + i);
        if (odd) {
            out[n++] = '"';
            memcpy(out + n, text + i, odd);
            n += odd;
            out[n++] = '"';
            i += odd - 1;
            continue;
        }
        if (c == '"')
            quoted = !quoted;
        in_number = !quoted && (isdigit((unsigned char)c) || strchr("+-.eE", c));
        out[n++] = c;
        if (quoted && c == '\\' && i + 1 < bytes)
            out[n++] = text[++i];
    }
    out[n] = '\0';
    *out_bytes = n;
    return out;
}

cJSON *json_parse(const char *text, size_t bytes, const char *name, struct fault *fault)
{
    size_t n = 0;
    char *plain = quote_odd_tokens(text, bytes, &n);
    if (!plain) {
        fault_nomem(fault);
        return NULL;
    }
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(plain, n + 1, &end, 1);
    if (!root) {
        size_t line = 1, column = 1;
        for (const char *at = plain; end && at < end && *at; at++) {
            column = *at == '\n' ? 1 : column + 1;
            line += *at == '\n';
        }
        fault_set(fault, ORIEL_IO, "%s:%zu:%zu: not valid JSON", name, line, column);
    } else if (!cJSON_IsObject(root)) {
        fault_set(fault, ORIEL_IO, "%s: not a JSON object", name);
        cJSON_Delete(root);
        root = NULL;
    }
    free(plain);
    return root;
}

const cJSON *json_get(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(item) ? NULL : item;
}

const char *json_string(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(json_get(object, key));
}

bool json_number(const cJSON *item, double *value)
{
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return false;
    *value = item->valuedouble;
    return true;
}

bool json_whole(const cJSON *item, uint64_t *value)
{
    double number = 0;
    if (!json_number(item, &number) || number < 0 || number > 9007199254740992.0 ||
        number != floor(number))
        return false;
    *value = (uint64_t)number;
    return true;
}

bool json_flag(const cJSON *object, const char *key, bool fallback)
{
    const cJSON *item = json_get(object, key);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

bool json_wholes(const cJSON *list, uint32_t count, uint64_t least, uint64_t *values)
{
    if (!cJSON_IsArray(list) || (uint32_t)cJSON_GetArraySize(list) != count)
        return false;
    uint32_t i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (!json_whole(item, &values[i]) || values[i] < least)
            return false;
        i++;
    }
    return true;
}
