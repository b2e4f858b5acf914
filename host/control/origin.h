/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a page comes from, as its browser says in the header Origin. */
#ifndef CONTROL_ORIGIN_H
#define CONTROL_ORIGIN_H

#include <stdbool.h>

/* An address of a page: "http://host", "https://host:port", with nothing after it. */
bool origin_is_one(const char *origin);
/* A page of this machine (localhost, 127.0.0.1, ::1), or of `own_host`, the name or address that
 * the server listens at: nobody else can have these names, whatever he does to his DNS. */
bool origin_is_own(const char *origin, const char *own_host);
/* `origin` has the name that `host` has, a Host header or the like; NULL is none. */
bool origin_is_host(const char *origin, const char *host);
/* A page at another's name that he has made to point at this machine (DNS rebinding) sends a Host
 * like this one: a name, with the very port that the server has. Through a proxy or a tunnel on
 * this machine the port is another one. */
bool origin_host_may_rebind(const char *host, unsigned port);
/* An address that only this machine has: 127.0.0.1, ::1, localhost. */
bool origin_is_loopback(const char *host);

#endif
