/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"

/* The bytes of the character that begins here; 0: none does. */
static size_t character(const uint8_t *s, size_t bytes)
{
    uint8_t c = s[0];
    size_t more = c < 0x80 ? 0 : (c >> 5) == 6 ? 1 : (c >> 4) == 14 ? 2 : (c >> 3) == 30 ? 3 : 9;
    if (more == 9 || bytes <= more)
        return 0;
    uint32_t code = more ? c & (0x3fu >> more) : c;
    for (size_t k = 1; k <= more; k++) {
        if ((s[k] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[k] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return more + 1;
}

bool json_is_utf8(const uint8_t *s, size_t bytes)
{
    size_t n = 1;
    for (size_t i = 0; i < bytes && n; i += n)
        n = character(s + i, bytes - i);
    return n;
}

static void position(const char *text, const char *at, int *line, int *column)
{
    *line = *column = 1;
    for (const char *p = text; p < at; p++) {
        if (*p == '\n') {
            ++*line;
            *column = 1;
        } else {
            ++*column;
        }
    }
}

/* Before the parser, so that nothing recurses deeper than this allows, and since it would end a
 * string at a NUL that is in it. */
static bool scan_ok(const char *text, size_t bytes, struct error *err)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (!c)
            return error_set(err, "a NUL at byte %zu", i);
        if (quoted) {
            if (c == '\\' && bytes - i > 5 && memcmp(text + i + 1, "u0000", 5) == 0)
                return error_set(err, "a NUL in a string at byte %zu", i);
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_MAX_DEPTH)
                return error_set(err, "nested deeper than %d", JSON_MAX_DEPTH);
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return true;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* A key that an object below `json` has twice, so that nobody can tell which one is meant. */
static const char *key_twice(const cJSON *json)
{
    const char *twice = NULL;
    size_t count = 0;
    for (const cJSON *child = json->child; child && !twice; child = child->next) {
        count++;
        if (child->child)
            twice = key_twice(child);
    }
    if (twice || count < 2 || !cJSON_IsObject(json))
        return twice;
    const cJSON **sorted = malloc(count * sizeof(cJSON *)), **at = sorted;
    CHECK(sorted);
    for (const cJSON *child = json->child; child; child = child->next)
        *at++ = child;
    qsort(sorted, count, sizeof(cJSON *), by_key);
    for (size_t i = 1; i < count && !twice; i++) {
        if (strcmp(sorted[i - 1]->string, sorted[i]->string) == 0)
            twice = sorted[i]->string;
    }
    free(sorted);
    return twice;
}

cJSON *json_parse(const char *text, size_t bytes, struct error *err)
{
    if (!json_is_utf8((const uint8_t *)text, bytes)) {
        error_set(err, "not UTF-8");
        return NULL;
    }
    if (!scan_ok(text, bytes, err))
        return NULL;
    const char *end = text;
    cJSON *json = cJSON_ParseWithLengthOpts(text, bytes, &end, false);
    bool rest = false;
    if (json) {
        while (end < text + bytes && strchr(" \t\r\n", *end) && *end)
            end++;
        rest = end < text + bytes;
    }
    if (json && !rest) {
        const char *twice = key_twice(json);
        if (!twice)
            return json;
        error_set(err, "the key \"%.60s\" twice in one object", twice);
        cJSON_Delete(json);
        return NULL;
    }
    int line, column;
    if (end > text + bytes)
        end = text + bytes;
    position(text, end, &line, &column);
    error_set(err, "%s at line %d, column %d", rest ? "text after the JSON value" : "not JSON",
              line, column);
    cJSON_Delete(json);
    return NULL;
}

bool json_number(const cJSON *json, double *value)
{
    if (!cJSON_IsNumber(json) || !isfinite(json->valuedouble))
        return false;
    *value = json->valuedouble;
    return true;
}

bool json_integer(const cJSON *json, int64_t *value)
{
    if (cJSON_IsBool(json)) {
        *value = cJSON_IsTrue(json);
        return true;
    }
    double d;
    if (!json_number(json, &d) || d != floor(d) || fabs(d) > 9007199254740992.0)
        return false;
    *value = (int64_t)d;
    return true;
}

int json_numbers(const cJSON *json, double *values, int min, int max)
{
    if (!cJSON_IsArray(json))
        return -1;
    int n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        if (n == max || !json_number(item, &values[n]))
            return -1;
        n++;
    }
    return n >= min ? n : -1;
}

const char *json_string(const cJSON *json)
{
    return cJSON_IsString(json) && json->valuestring[0] ? json->valuestring : NULL;
}

cJSON *json_from_integers(const int64_t *values, size_t count)
{
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber((double)values[i]));
    return array;
}

char *json_print(const cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    CHECK(text);
    size_t bytes = strlen(text), n;
    for (size_t i = 0; i < bytes; i += n) {
        n = character((const uint8_t *)text + i, bytes - i);
        if (!n)
            text[i] = '?';
        n += !n;
    }
    return text;
}

cJSON *json_put(cJSON *object, const char *key, cJSON *value)
{
    CHECK(value && cJSON_AddItemToObject(object, key, value));
    return value;
}

cJSON *json_put_string(cJSON *object, const char *key, const char *value)
{
    return json_put(object, key, cJSON_CreateString(value));
}

cJSON *json_put_number(cJSON *object, const char *key, double value)
{
    return json_put(object, key, cJSON_CreateNumber(value));
}

cJSON *json_put_bool(cJSON *object, const char *key, bool value)
{
    return json_put(object, key, cJSON_CreateBool(value));
}

cJSON *json_put_numbers(cJSON *object, const char *key, const double *values, size_t count)
{
    return json_put(object, key, cJSON_CreateDoubleArray(values, (int)count));
}

char *json_print_free(cJSON *json)
{
    char *text = json_print(json);
    cJSON_Delete(json);
    return text;
}
