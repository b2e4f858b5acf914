/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the pictures go: RTP (RFC 3550, with the payload of the codec) over UDP, or MPEG-TS over
 * what libavformat reaches by URL (srt://, udp://, tcp://). */
#ifndef RTP_OUTPUT_H
#define RTP_OUTPUT_H

#include "../common/picture.h"

struct output_options {
    char url[512];
    char sdp[1024]; /* file of the session description; "": none */
    int mtu, ttl, payload_type;
    double pace;  /* bits a second; 0: as they come */
    bool wrapped; /* RTP carries MPEG-TS (RFC 2250) */
};

struct output;

/* `asked`: a receiver wants a key picture; on any thread. `stopping`: what waits for the network
 * gives up when it says so. NULL with the reason. */
struct output *output_open(const struct output_options *options, const AVCodecParameters *par,
                           void (*asked)(void *data), int (*stopping)(void *data), void *data,
                           char why[256]);
void output_close(struct output *output); /* NULL is fine */
/* At `time_ns`, which grows. */
bool output_send(struct output *output, const struct picture *picture, int64_t time_ns,
                 char why[256]);

#endif
