/* SPDX-License-Identifier: BSD-3-Clause */
/* transport/rtp: looks at the pictures as a client does and sends them on. Who receives them has no
 * way back but RTCP, so key pictures come at intervals. */
#ifndef RTP_SENDER_H
#define RTP_SENDER_H

#include <stdatomic.h>

#include "output.h"

struct sender {
    struct viewer viewer; /* first */
    struct output_options options;
    char codec[16], token[256];
    int64_t key_ns; /* 0: keys come when they come */
    atomic_bool key_asked;
    /* The viewer's thread. */
    uint64_t pixel;
    struct output *output; /* from the first key picture on */
    AVCodecParameters *par;
    int64_t last_key_ns, retry_ns, pause_ns;
};

extern const struct viewer_work sender_work; /* with a struct sender as owner */

#endif
