/* SPDX-License-Identifier: BSD-3-Clause */
/* transport/websocket: HTTP and websockets through libwebsockets. */
#include <string.h>

#include "oriel/draft/transport_handover.h"
#include "server.h"

static const struct oriel_option options[] = {
    {"host", "127.0.0.1", NULL, "Address or name to listen on; 0.0.0.0 or :: for every interface.",
     0, 0, ORIEL_OPT_STRING, 0},
    {"port", "8081", NULL, "Port of the page and everything else; 0: a free one, -1: none.", -1,
     65535, ORIEL_OPT_INT, 0},
    {"pixel_port", "8082", NULL, "Port whose root is the pixel channel; 0: a free one, -1: none.",
     -1, 65535, ORIEL_OPT_INT, 0},
    {"metrics_port", "8083", NULL, "Port of the metrics; 0: a free one, -1: none.", -1, 65535,
     ORIEL_OPT_INT, 0},
    {"prefix", "", NULL, "Path under which everything lies, as a proxy passes it on (\"/s/abc\").",
     0, 0, ORIEL_OPT_STRING, 0},
    {"message_bytes", "262144", NULL, "Largest message or request body taken from a client, bytes.",
     1, 1 << 30, ORIEL_OPT_INT, 0},
    {"drain_ms", "1000", NULL, "Time that queued messages have to leave at the end, ms.", 0, 60000,
     ORIEL_OPT_INT, 0},
    {"sndbuf", "65536", NULL,
     "Send buffer of the kernel for a websocket, bytes; 0: the kernel's choice.", 0, 1 << 30,
     ORIEL_OPT_INT, 0},
    {"notsent_lowat", "16384", NULL,
     "Unsent bytes in the kernel from which on a websocket counts as busy; 0: the kernel's choice.",
     0, 1 << 30, ORIEL_OPT_INT, 0},
    {"ping_s", "20", NULL,
     "Silence after which a peer is pinged, s; 0: never, and a peer that is gone may stay.", 0,
     3600, ORIEL_OPT_INT, 0},
    {"ping_timeout_s", "20", NULL, "Time that a pinged peer has to answer, s.", 1, 3600,
     ORIEL_OPT_INT, 0},
    {"request_s", "10", NULL,
     "Time in which a peer has to send a whole request, or to take what is left when it is closed, "
     "s.",
     1, 3600, ORIEL_OPT_INT, 0},
    {"keepalive_s", "30", NULL, "Time that a connection may wait for its next request, s.", 1, 3600,
     ORIEL_OPT_INT, 0},
    {"max_connections", "512", NULL, "Most connections at a time; more are refused with 503.", 1,
     65536, ORIEL_OPT_INT, 0},
};

static const struct oriel_option_table option_table = {
    .size = sizeof option_table,
    .count = sizeof options / sizeof options[0],
    .options = options,
};

static const void *transport_get_interface(void *self, const char *id)
{
    (void)self;
    return strcmp(id, ORIEL_TRANSPORT_HANDOVER_V1) == 0 ? handover_interface() : NULL;
}

static const struct oriel_transport transport = {
    .size = sizeof transport,
    .options = &option_table,
    .create = transport_create,
    .destroy = transport_destroy,
    .get_interface = transport_get_interface,
    .endpoint = transport_endpoint,
    .send = transport_send,
    .queued = transport_queued,
    .close = transport_close,
    .respond = transport_respond,
};

ORIEL_MODULE_OF(ORIEL_TRANSPORT_V1, &transport, "transport/websocket", "0.1.0", "Oriel",
                "BSD-3-Clause AND MIT",
                "HTTP and websockets for browsers and the desktop client, with libwebsockets.");
