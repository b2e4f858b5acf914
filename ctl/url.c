/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    bool secure, websocket;
} schemes[] = {
    {"http://", false, false},
    {"https://", true, false},
    {"ws://", false, true},
    {"wss://", true, true},
};

static bool invalid(struct ctl_error *err, const char *text, const char *what)
{
    return ctl_error_set(err, "url", "%.200s: %s", text, what);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at && (c >= 'A' || c <= '9') ? (int)(at - digits) : -1;
}

/* Percent-decodes; false when it does not fit or holds what no token may: a header line ends at a
 * control character. */
static bool decode(const char *from, size_t bytes, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        int c = (unsigned char)from[i];
        if (c == '%') {
            int high = i + 2 < bytes ? hex_digit(from[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(from[i + 2]) : -1;
            if (low < 0)
                return false;
            c = high << 4 | low;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || n + 1 >= room)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

static bool read_token(const char *query, struct ctl_url *url)
{
    while (*query && *query != '#') {
        size_t n = strcspn(query, "&#");
        if (strncmp(query, "token=", 6) == 0)
            return decode(query + 6, n - 6, url->token, sizeof url->token);
        query += n;
        query += *query == '&';
    }
    return true;
}

/* "host", "host:1", "[::1]:1" */
static bool read_authority(const char *text, size_t bytes, struct ctl_url *url)
{
    bool v6 = bytes && text[0] == '[';
    const char *end = text + bytes;
    const char *host = text + v6;
    const char *stop = memchr(host, v6 ? ']' : ':', (size_t)(end - host));
    if (v6 && !stop)
        return false;
    size_t length = (size_t)((stop ? stop : end) - host);
    if (!length || length >= sizeof url->host || memchr(text, '@', bytes))
        return false;
    snprintf(url->host, sizeof url->host, "%.*s", (int)length, host);
    const char *rest = stop ? stop + v6 : end;
    if (rest == end)
        return true;
    char *after;
    unsigned long port = rest[1] >= '0' && rest[1] <= '9' ? strtoul(rest + 1, &after, 10) : 0;
    if (*rest != ':' || !port || port > 65535 || after != end)
        return false;
    url->port = (uint16_t)port;
    return true;
}

bool ctl_url_parse(const char *text, struct ctl_url *url, struct ctl_error *err)
{
    memset(url, 0, sizeof *url);
    size_t s = 0, count = sizeof schemes / sizeof *schemes;
    while (s < count && strncasecmp(text, schemes[s].name, strlen(schemes[s].name)) != 0)
        s++;
    if (s == count)
        return invalid(err, text, "wants http://, https://, ws:// or wss://");
    url->secure = schemes[s].secure;
    url->port = url->secure ? 443 : 80;
    const char *authority = text + strlen(schemes[s].name);
    const char *path = authority + strcspn(authority, "/?#");
    if (!read_authority(authority, (size_t)(path - authority), url))
        return invalid(err, text, "wants host or host:port after the scheme");
    size_t length = strcspn(path, "?#");
    const char *query = path + length;
    bool slash = length && path[length - 1] == '/';
    const char *tail = schemes[s].websocket ? (length ? "" : "/") : slash ? "state" : "/state";
    int n = snprintf(url->path, sizeof url->path, "%.*s%s", (int)length, path, tail);
    int m = snprintf(url->shown, sizeof url->shown, "%.*s", (int)(query - text), text);
    if (n >= (int)sizeof url->path || m >= (int)sizeof url->shown)
        return invalid(err, text, "is too long");
    for (const char *c = url->path; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return invalid(err, text, "holds a character that no address has");
    }
    if (*query == '?' && !read_token(query + 1, url))
        return ctl_error_set(err, "url", "%.200s: the token cannot be read", url->shown);
    return true;
}
