/* SPDX-License-Identifier: BSD-3-Clause */
/* One websocket, and the loop it lives in; the only part that knows libwebsockets.
 * Threads: as client.h says. */
#ifndef CTL_LINK_H
#define CTL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/error.h"
#include "ctl/url.h"

struct client_loop;
struct link;

struct link_events {
    bool (*text)(void *user, const char *text, size_t bytes); /* false: hang up */
    void (*closed)(void *user, const struct ctl_error *why);  /* once, the last one */
    /* NULL: binary messages are left out. */
    bool (*binary)(void *user, const uint8_t *data, size_t bytes);
};

/* `token`: "" for none. Messages may be queued at once; callbacks come from client_loop_turn(). */
struct link *link_create(struct client_loop *loop, const struct ctl_url *url, const char *token,
                         const struct link_events *events, void *user);
void link_destroy(struct link *link); /* without a word */
void link_leave(struct link *link);   /* with the close frame, after what is queued */
void link_send(struct link *link, const char *text, size_t bytes);
/* From now on something must come every `seconds`, or the link is dead. */
void link_expect(struct link *link, double seconds);
struct client_loop *link_loop(const struct link *link);

#endif
