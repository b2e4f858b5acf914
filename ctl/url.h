/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses as people have them: what `oriel serve` prints, what stands in a browser, or the
 * websocket itself. */
#ifndef CTL_URL_H
#define CTL_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/error.h"

struct ctl_url {
    bool secure;
    uint16_t port;
    char host[256];  /* without the brackets of IPv6 */
    char path[512];  /* of the state channel */
    char token[256]; /* of ?token=, decoded; "" without */
    char shown[800]; /* the address without query and fragment, for messages */
};

/* http(s)://host[:port][/prefix/][?token=…] names a server, whose state channel is at
 * <prefix>/state; ws(s)://… the channel itself. False: `text` is no such address. */
bool ctl_url_parse(const char *text, struct ctl_url *url, struct ctl_error *err);

#endif
