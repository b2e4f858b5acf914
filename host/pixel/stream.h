/* SPDX-License-Identifier: BSD-3-Clause */
/* The pixel room: what one view is encoded into; each view has a stream of its own. A branch is an
 * encoder instance on a thread of its own with a queue of one frame, newest wins before encoding;
 * branches are made for the codecs the connected clients can decode and go when nobody needs them.
 * Each client has a bounded send queue and skips to the next keyframe when it falls behind; it
 * costs the others nothing. All functions are [any-thread] unless they say otherwise. */
#ifndef PIXEL_STREAM_H
#define PIXEL_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/encoder.h"
#include "oriel/transport.h"
#include "util/error.h"

struct config;
struct metrics;
struct registry;
struct render;
struct stream;

/* What a client needs to know to decode a branch (notify.stream, where it is H.264). */
struct stream_info {
    uint32_t codec; /* ORIEL_CODEC_* */
    uint32_t width, height;
    double fps;
    char codec_string[64]; /* "avc1.42C02A", "vp09.00.31.08", … */
    uint8_t avcc[512];     /* AVCDecoderConfigurationRecord, H.264 only */
    uint32_t avcc_bytes;
    char encoder[64]; /* "encode/openh264" */
    char reason[512]; /* why this one: the refusals before it */
    char chain[256];  /* "capture/gl NV12 cpu bt601 full -> encode/openh264" */
};

struct stream_events {
    /* The configuration of the main branch, or of the one that classic clients get, is new or
     * changed. Called on a branch's thread, or by stream_create. */
    void (*config)(void *data, const struct stream_info *info);
    /* Something a user should know: an encoder died and which one took over, none works, … */
    void (*fault)(void *data, const char *text);
    void *data;
};

/* `view` names the view, "main" being the one that classic clients get; the metrics of all others
 * stand together, as view="fork". */
struct stream *stream_create(const struct config *config, struct registry *registry,
                             struct render *render, struct metrics *metrics, const char *view,
                             const struct stream_events *events, struct error *err);
/* Closes every connection: the view ends. Nobody opens one any more. */
void stream_dismiss(struct stream *stream, uint32_t code, const char *reason);
void stream_destroy(struct stream *stream); /* NULL is fine [main] */

/* A pixel connection. `query` is that of its URL (docs/protocol/pixel.md): "" is the reference's
 * client, which gets H.264 in AVCC with the 24-byte header. False refuses it, with the reason. */
bool stream_conn_open(struct stream *stream, const struct oriel_transport *transport, void *self,
                      uint64_t conn, const char *query, const char *peer, struct error *err);
void stream_conn_message(struct stream *stream, uint64_t conn, uint32_t kind, const uint8_t *data,
                         uint64_t bytes);
void stream_conn_writable(struct stream *stream, uint64_t conn);
void stream_conn_closed(struct stream *stream, uint64_t conn);

/* The next packet for everyone is a key; requests within the cooldown count as one. */
void stream_request_key(struct stream *stream, const char *why);
/* Session `session`'s pose `rev` (its own count) is part of `revision` and of all later ones.
 * Frames to that session's pixel connections carry the newest rev they show. */
void stream_note_intent(struct stream *stream, const char *session, uint64_t rev,
                        uint64_t revision);
void stream_session_closed(struct stream *stream, const char *session);

/* The pose that `revision` shows, in the terms of the extended header (docs/protocol/pixel.md).
 * Control calls it before it posts the snapshot of that revision, for every one it posts; the
 * newest 1024 are kept. A frame whose revision was never noted carries the newest pose noted before
 * it. */
struct pixel_pose {
    double center[3];  /* world x, y, z */
    double zoom;       /* pixels of the canvas for a world unit */
    double quat[4];    /* w, x, y, z: camera right, down, away -> world x, y, z */
    double fov;        /* degrees, 0 orthographic */
    uint32_t ndisplay; /* 2 or 3 */
    uint32_t reserved;
};
void stream_note_pose(struct stream *stream, uint64_t revision, const struct pixel_pose *pose);

/* A copy of the newest configuration that classic clients get; false where there is none. */
bool stream_current(struct stream *stream, struct stream_info *info);
/* Streams, branches, clients and counters as JSON for status frames and /metrics.json; caller
 * frees. */
char *stream_status_json(struct stream *stream);

struct stream_load {
    uint64_t pictures; /* encoded since the start, of all branches */
    double decode_ms;  /* that a client reported last; 0: none did */
    uint32_t waiting; /* pictures that wait for an encoder, and on the way to clients that report */
};
void stream_load(struct stream *stream, struct stream_load *load);

#endif
