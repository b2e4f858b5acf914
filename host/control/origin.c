/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/origin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct name {
    const char *text; /* without brackets; NULL: makes no sense */
    size_t length;
    const char *port; /* "" without */
};

/* "host", "host:port", "[address]:port". */
static struct name name_of(const char *authority)
{
    struct name name = {0};
    bool bracket = authority[0] == '[';
    const char *text = authority + bracket;
    size_t length = strcspn(text, bracket ? "]" : ":/?#@");
    const char *rest = text + length;
    if (bracket && *rest++ != ']')
        return name;
    size_t digits = *rest == ':' ? strspn(rest + 1, "0123456789") : 0;
    if (!length || (*rest && (!digits || rest[1 + digits])))
        return name;
    return (struct name){text, length, *rest ? rest + 1 : ""};
}

/* Of an Origin header; "null" has none. */
static struct name origin_name(const char *origin)
{
    bool plain = strncmp(origin, "http://", 7) == 0;
    if (!plain && strncmp(origin, "https://", 8) != 0)
        return (struct name){0};
    return name_of(origin + (plain ? 7 : 8));
}

static bool is(struct name name, const char *text)
{
    return name.text && name.length == strlen(text) &&
           strncasecmp(name.text, text, name.length) == 0;
}

static bool is_loopback(struct name name)
{
    return is(name, "localhost") || is(name, "127.0.0.1") || is(name, "::1");
}

bool origin_is_loopback(const char *host)
{
    return is_loopback((struct name){host, strlen(host), ""});
}

bool origin_is_one(const char *origin)
{
    return origin_name(origin).text != NULL;
}

bool origin_is_own(const char *origin, const char *own_host)
{
    struct name name = origin_name(origin);
    bool named = own_host[0] && strcmp(own_host, "0.0.0.0") != 0 && strcmp(own_host, "::") != 0;
    return is_loopback(name) || (named && is(name, own_host));
}

/* Ports are not compared: a proxy may drop that of the page on the way. */
bool origin_is_host(const char *origin, const char *host)
{
    struct name page = origin_name(origin), own = host ? name_of(host) : (struct name){0};
    return page.text && own.text && page.length == own.length &&
           strncasecmp(page.text, own.text, own.length) == 0;
}

bool origin_host_may_rebind(const char *host, unsigned port)
{
    struct name name = name_of(host);
    char text[64];
    unsigned char address[sizeof(struct in6_addr)];
    if (!name.text)
        return true;
    snprintf(text, sizeof text, "%.*s", (int)(name.length < 63 ? name.length : 63), name.text);
    if (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1)
        return false;
    return (*name.port ? strtoul(name.port, NULL, 10) : 80) == port;
}
