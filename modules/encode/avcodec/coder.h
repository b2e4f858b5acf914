/* SPDX-License-Identifier: BSD-3-Clause */
/* One of FFmpeg's encoders, open. Of the encoder's thread. */
#ifndef AVCODEC_CODER_H
#define AVCODEC_CODER_H

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>

#include "log.h"
#include "recipes.h"
#include "settings.h"

struct coder {
    const struct recipe *recipe;
    AVCodecContext *context;    /* NULL: not open */
    AVBSFContext *headers;      /* puts the parameter sets into key packets; NULL: they are there */
    enum AVPixelFormat samples; /* of the picture in CPU memory that it takes */
    bool upload;                /* which has to be copied to its device */
    bool fed, ended;            /* it was sent a picture; the end */
};

/* False with the reason, without the encoder's name. */
bool coder_open(struct coder *self, const AVCodec *codec, const struct settings *settings,
                const struct oriel_format *format, struct log *log, char *why, int room);
void coder_close(struct coder *self); /* zeroed is fine */

/* avcodec_send_frame() of a picture, and of the end. */
int coder_send(struct coder *self, const AVFrame *picture);
int coder_end(struct coder *self);

/* The rates of `settings` from the next picture on: only where its recipe says so. */
void coder_set_rates(struct coder *self, const struct settings *settings);
/* The quantiser of JPEG for the next picture; 0: has none. */
int coder_quality(const struct coder *self, const struct settings *settings);

#endif
