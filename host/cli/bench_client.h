/* SPDX-License-Identifier: BSD-3-Clause */
/* A client inside the process: it speaks both channels through the transport interface, so that a
 * bench measures everything but the sockets. One state and one pixel connection. */
#ifndef CLI_BENCH_CLIENT_H
#define CLI_BENCH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/server.h"

struct bench_client;

/* One picture as it arrived. Times in milliseconds. */
struct bench_picture {
    int64_t received_ns;
    uint64_t rev; /* the newest view.pose of ours that it shows */
    uint64_t bytes;
    uint32_t width, height;
    uint32_t codec; /* docs/protocol/pixel.md */
    bool complete;
    bool still;
    uint32_t level;
    double plan_ms, draw_ms, capture_ms, wait_ms, encode_ms, queue_ms;
};

/* The world box and the view as the server first said it. */
struct bench_view {
    double extent[2][3];
    double center[3];
    double zoom;
};

/* Says hello and opens the pixel connection for `codecs`. False after `timeout_ms`. */
struct bench_client *bench_client_open(struct server *server, const char *codecs, int timeout_ms,
                                       struct error *err);
void bench_client_close(struct bench_client *client); /* NULL is fine; before server_free */

const struct bench_view *bench_client_view(const struct bench_client *client);

/* {"scope","key","value"}: `value` is JSON. */
void bench_client_update(struct bench_client *client, const char *scope, const char *key,
                         const char *value);
/* The absolute pose `rev`; returns when it was sent. */
int64_t bench_client_pose(struct bench_client *client, uint64_t rev, unsigned ndisplay,
                          const double center[3], double zoom, const double quat[4]);

/* The first picture from now on that shows `rev` or a later one, and is complete if asked for. */
bool bench_client_wait(struct bench_client *client, uint64_t rev, bool complete, int timeout_ms,
                       struct bench_picture *picture);
/* How many pictures and bytes have come. */
uint64_t bench_client_count(const struct bench_client *client, uint64_t *bytes);

#endif
