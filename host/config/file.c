/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration file: JSON with comments. cJSON decides what is valid; a small scan over the
 * same text finds the members and their lines. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/settings.h"
#include "util/check.h"

#define MAX_BYTES (1 << 20)

static char *read_text(const char *path, struct error *err)
{
    FILE *file = fopen(path, "rbe");
    if (!file) {
        error_set(err, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = xcalloc(1, MAX_BYTES + 1);
    size_t length = fread(text, 1, MAX_BYTES + 1, file);
    bool ok = !ferror(file) || error_set(err, "%s: %s", path, strerror(errno));
    if (ok && length > MAX_BYTES)
        ok = error_set(err, "%s: larger than 1 MiB, which no configuration is", path);
    if (ok && memchr(text, 0, length))
        ok = error_set(err, "%s: is not a text file", path);
    fclose(file);
    if (ok)
        return text;
    free(text);
    return NULL;
}

static int line_at(const char *text, const char *at)
{
    int line = 1;
    for (; text < at && *text; text++)
        line += *text == '\n';
    return line;
}

/* A string's end: after its closing quote, or the end of the text. */
static const char *string_end(const char *at)
{
    for (at++; *at && *at != '"' && *at != '\n'; at++) {
        if (*at == '\\' && at[1])
            at++;
    }
    return *at == '"' ? at + 1 : at;
}

/* Comments become spaces, so that everything else stays where it is. */
static bool blank_comments(char *text, const char *path, struct error *err)
{
    for (char *at = text; *at;) {
        if (*at == '"') {
            at = text + (string_end(at) - text);
        } else if (at[0] == '/' && at[1] == '/') {
            while (*at && *at != '\n')
                *at++ = ' ';
        } else if (at[0] == '/' && at[1] == '*') {
            char *end = strstr(at + 2, "*/");
            if (!end)
                return error_set(err, "%s:%d: comment without an end", path, line_at(text, at));
            for (; at < end + 2; at++) {
                if (*at != '\n')
                    *at = ' ';
            }
        } else {
            at++;
        }
    }
    return true;
}

/* The last character before `at` that is not white space; `text` when there is none. */
static const char *before(const char *text, const char *at)
{
    while (at > text && strchr(" \t\r\n", *--at))
        continue;
    return at;
}

/* What is wrong with a text that cJSON stopped reading at `end`. */
static bool syntax_error(const char *path, const char *text, const char *end, struct error *err)
{
    /* A member that does not begin with a quote: cJSON stands behind its first character. */
    const char *last = end > text ? before(text, end - 1) : text;
    const char *at = end > text && (*last == '{' || *last == ',') && !strchr(" \t\r\n\"", end[-1])
                         ? end - 1
                         : end + strspn(end, " \t\r\n");
    last = before(text, at);
    if (!*at)
        return error_set(err, "%s:%d: not valid JSON: ends too early, something is not closed",
                         path, line_at(text, last));
    if (*last == ',' && (*at == '}' || *at == ']'))
        return error_set(err, "%s:%d: not valid JSON: a comma before %c", path, line_at(text, last),
                         *at);
    int rest = (int)strcspn(at, "\r\n");
    return error_set(err, "%s:%d: not valid JSON near \"%.*s\"", path, line_at(text, at),
                     rest > 24 ? 24 : rest, at);
}

struct scan {
    const char *text;
    const char *at;
    const char *path;
    struct settings *settings;
};

static void skip_space(struct scan *scan)
{
    scan->at += strspn(scan->at, " \t\r\n");
}

static void skip_value(struct scan *scan)
{
    int depth = 0;
    do {
        switch (*scan->at) {
        case '"':
            scan->at = string_end(scan->at);
            continue;
        case '[':
        case '{':
            depth++;
            break;
        case ']':
        case '}':
            depth--;
            break;
        default:
            if (depth == 0) {
                scan->at += strcspn(scan->at, ",]} \t\r\n");
                return;
            }
        }
        scan->at++;
    } while (depth > 0);
}

static bool add_value(struct scan *scan, const char *key, int line, struct error *err)
{
    for (size_t i = 0; i < scan->settings->count; i++) {
        if (strcmp(scan->settings->at[i].key, key) == 0)
            return error_set(err, "%s:%d: %s: set before, in %s", scan->path, line, key,
                             scan->settings->at[i].origin);
    }
    const char *start = scan->at;
    skip_value(scan);
    cJSON *json = cJSON_ParseWithLength(start, (size_t)(scan->at - start));
    CHECK(json);
    char *origin = xasprintf("%s:%d", scan->path, line);
    settings_add_json(scan->settings, key, json, origin);
    free(origin);
    return true;
}

/* The text is valid JSON and stands at the '{' of an object. */
static bool scan_object(struct scan *scan, const char *prefix, struct error *err)
{
    scan->at++;
    for (;;) {
        skip_space(scan);
        if (*scan->at == ',') {
            scan->at++;
            continue;
        }
        if (*scan->at == '}') {
            scan->at++;
            return true;
        }
        int line = line_at(scan->text, scan->at);
        const char *start = scan->at;
        scan->at = string_end(start);
        cJSON *name = cJSON_ParseWithLength(start, (size_t)(scan->at - start));
        CHECK(name);
        char *key = xasprintf("%s%s%s", prefix, prefix[0] ? "." : "", name->valuestring);
        cJSON_Delete(name);
        skip_space(scan);
        scan->at++; /* the colon */
        skip_space(scan);
        bool ok = *scan->at == '{' ? scan_object(scan, key, err) : add_value(scan, key, line, err);
        free(key);
        if (!ok)
            return false;
    }
}

bool settings_read_file(struct settings *settings, const char *path, struct error *err)
{
    char *text = read_text(path, err);
    if (!text)
        return false;
    bool ok = blank_comments(text, path, err);
    if (ok) {
        const char *start = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
        const char *end = NULL;
        cJSON *json = cJSON_ParseWithOpts(start, &end, true);
        struct scan scan = {.text = text, .at = start, .path = path, .settings = settings};
        skip_space(&scan);
        if (!json)
            ok = syntax_error(path, start, end, err);
        else if (!cJSON_IsObject(json))
            ok = error_set(err, "%s: wants an object, { … }", path);
        else
            ok = scan_object(&scan, "", err);
        cJSON_Delete(json);
    }
    free(text);
    return ok;
}
