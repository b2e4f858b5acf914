/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoders: frames in, packets out. Interface "oriel.encoder/1". */
#ifndef ORIEL_ENCODER_H
#define ORIEL_ENCODER_H

#include "oriel/module.h"

#define ORIEL_ENCODER_V1 "oriel.encoder/1"

/* H.264 and HEVC are Annex B, with the parameter sets in every key packet. AV1 is the low-overhead
 * OBUs of a temporal unit. RAW is the planes' rows, tightly packed. NULL has nothing worth
 * decoding: it is for measuring. */
#define ORIEL_CODEC_H264 ORIEL_FOURCC('H', '2', '6', '4')
#define ORIEL_CODEC_HEVC ORIEL_FOURCC('H', 'E', 'V', 'C')
#define ORIEL_CODEC_AV1 ORIEL_FOURCC('A', 'V', '0', '1')
#define ORIEL_CODEC_VP8 ORIEL_FOURCC('V', 'P', '8', '0')
#define ORIEL_CODEC_VP9 ORIEL_FOURCC('V', 'P', '9', '0')
#define ORIEL_CODEC_JPEG ORIEL_FOURCC('J', 'P', 'E', 'G')
#define ORIEL_CODEC_PNG ORIEL_FOURCC('P', 'N', 'G', ' ')
#define ORIEL_CODEC_RAW ORIEL_FOURCC('R', 'A', 'W', ' ')
#define ORIEL_CODEC_NULL ORIEL_FOURCC('N', 'U', 'L', 'L')

enum {
    ORIEL_PACKET_KEY = 1u << 0,        /* decodable alone */
    ORIEL_PACKET_CONFIG = 1u << 1,     /* begins with parameter sets */
    ORIEL_PACKET_DISCARDABLE = 1u << 2 /* no later packet refers to it */
};

/* One access unit. Borrowed during the sink call. */
struct oriel_packet {
    uint32_t size;
    uint32_t codec;             /* ORIEL_CODEC_* */
    uint32_t flags;             /* ORIEL_PACKET_* */
    uint32_t qp_q8;             /* average quantiser × 256 in the codec's own scale; 0: unknown */
    struct oriel_stamp stamp;   /* of the frame */
    struct oriel_format format; /* of the frame: size and colour */
    int64_t t_submit_ns;        /* T3: encode() was entered with its frame */
    int64_t t_done_ns;          /* T4: the packet was complete */
    const uint8_t *data;
    uint64_t bytes;
};

/* To begin encode() with: a packet of that frame that was submitted now; its flags, data and
 * t_done_ns are still to be set. */
static inline struct oriel_packet
oriel_packet_begin(const struct oriel_host *host, const struct oriel_frame *frame, uint32_t codec)
{
    struct oriel_packet packet = {(uint32_t)sizeof(struct oriel_packet),
                                  codec,
                                  0,
                                  0,
                                  frame->stamp,
                                  frame->format,
                                  host->now_ns(host),
                                  0,
                                  NULL,
                                  0};
    return packet;
}

/* Where packets go. Called by the encoder, on the thread that is in encode() or drain(), or on a
 * thread of its own, but never twice at a time. Returns at once. */
struct oriel_packet_sink {
    uint32_t size;
    uint32_t reserved;
    void (*packet)(const struct oriel_packet_sink *sink, const struct oriel_packet *packet);
    void *data;
};

enum {
    ORIEL_ENCODE_KEY = 1u << 0 /* this frame becomes a key packet */
};

struct oriel_encoder {
    uint32_t size;
    uint32_t reserved;
    const struct oriel_option_table *options;

    /* The index-th format it accepts, best first; UNSUPPORTED past the end. Before any create.
     * Those that an option "input_format" names (nv12, yuv444) come before the others.
     * [any-thread] */
    oriel_result (*input_format)(uint32_t index, struct oriel_format *format);
    /* The index-th codec it can write, the default of its options first; UNSUPPORTED past the end.
     * [any-thread] */
    oriel_result (*codec)(uint32_t index, uint32_t *fourcc);

    /* `format` is one of input_format's with every field set. `fps` is the rate the pictures are
     * paced to at most. UNSUPPORTED where this machine or size cannot do it. [encoder] */
    oriel_result (*create)(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_format *format, double fps,
                           const struct oriel_packet_sink *sink, void **self);
    void (*destroy)(void *self); /* NULL is fine; no packet after it [encoder] */
    const void *(*get_interface)(void *self, const char *id); /* or NULL */

    /* Zero, one or several packets may come during the call or later. The frame is borrowed.
     * The first packet of an instance is a key. [encoder] */
    oriel_result (*encode)(void *self, const struct oriel_frame *frame, uint32_t flags);
    /* All packets of all frames are out, all frames released. [encoder] */
    oriel_result (*drain)(void *self);
    /* The next frame becomes a key packet. [any-thread] */
    void (*request_key)(void *self);
    /* LIVE options changed: all values, the others as they were. [encoder] */
    oriel_result (*reconfigure)(void *self, const struct oriel_config *config);
};

#endif
