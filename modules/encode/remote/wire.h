/* SPDX-License-Identifier: BSD-3-Clause */
/* What encode/remote and `oriel encoder-child` say to each other: messages over a stream socket,
 * which the child finds as descriptor REMOTE_FD, and pictures in memory that both have. Both sides
 * are of one machine and one version. The proxy asks, the child answers each question with one
 * REMOTE_ANSWER; packets and lines for the log come at any time. */
#ifndef REMOTE_WIRE_H
#define REMOTE_WIRE_H

#include "oriel/encoder.h"

#define REMOTE_VERSION 2u
#define REMOTE_FD 3
#define REMOTE_COMMAND "encoder-child"
#define REMOTE_SLOTS 4u
#define REMOTE_PAGE 4096u
#define REMOTE_TEXT 512u

enum {
    /* To the child. */
    REMOTE_HELLO = 1, /* struct remote_hello, the options' text; with it comes the memory */
    REMOTE_ENCODE,    /* struct remote_frame */
    REMOTE_DRAIN,
    REMOTE_RECONFIGURE, /* struct remote_rates, the options' text */
    REMOTE_RESIZE,      /* struct remote_size; with it comes other memory */
    /* From it. */
    REMOTE_ANSWER = 16, /* struct remote_answer */
    REMOTE_PACKET,      /* struct remote_packet, the data */
    REMOTE_LOG,         /* uint32_t level, the text */
};

struct remote_head {
    uint32_t type;
    uint32_t reserved;
    uint64_t bytes; /* that follow */
};

/* Values of the stream that an encoder takes where its options do not say otherwise. */
struct remote_rates {
    int64_t bitrate, max_bitrate, keyint;
};

struct remote_hello {
    uint32_t version;
    uint32_t codec;
    struct oriel_format format;
    double fps;
    uint64_t memory_limit; /* bytes, on top of what the process has without the module; 0: none */
    struct remote_rates rates;
    char module[REMOTE_TEXT]; /* id or file */
};

/* The picture lies in `slot`, which is the child's until it has set its flag back. */
struct remote_frame {
    uint32_t slot;
    uint32_t flags; /* of encode() */
    uint32_t plane_count, reserved;
    struct oriel_stamp stamp;
    struct oriel_plane planes[ORIEL_MAX_PLANES]; /* `offset` from the beginning of the memory */
};

/* Pictures of that format lie in the other memory, once the answer is OK. */
struct remote_size {
    struct oriel_format format;
    double fps;
};

/* Draft interfaces of the instance, in an answer to HELLO. */
enum { REMOTE_CAN_RESIZE = 1 };

struct remote_answer {
    int32_t result;
    uint32_t drafts;
    char text[REMOTE_TEXT]; /* of a failure; terminated */
};

struct remote_packet {
    uint32_t codec, flags, qp_q8, reserved;
    uint64_t seq; /* of the picture */
};

/* The memory: a page with the slots' flags, 1 while the child has one, then the slots. */
struct remote_flags {
    uint32_t busy[REMOTE_SLOTS];
};

#endif
