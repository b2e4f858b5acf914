/* SPDX-License-Identifier: BSD-3-Clause */
/* Oriel's pictures as FFmpeg's, without a copy where the samples lie as the encoder wants them. */
#ifndef AVCODEC_WRAP_H
#define AVCODEC_WRAP_H

#include <libavutil/buffer.h>
#include <libavutil/frame.h>

#include "../common/encode.h"

struct wrapper {
    const struct oriel_host *host;
    AVBufferPool *pool; /* for the planes that have to be rearranged; made with the first one */
};

/* A picture of the samples `samples`, in CPU memory; NULL when out of memory. The source is kept
 * with wrapper_keep() when FFmpeg holds it beyond the call. */
AVFrame *wrapper_frame(struct wrapper *self, const struct encode_job *job,
                       enum AVPixelFormat samples);
/* To be called before the picture is let go of, while the source is still borrowed. */
void wrapper_keep(struct wrapper *self, AVFrame *picture);
void wrapper_finish(struct wrapper *self);

#endif
