/* SPDX-License-Identifier: BSD-3-Clause */
/* One encoder under test: its frames, and a copy of every packet. */
#ifndef CHECK_ENCODER_RIG_H
#define CHECK_ENCODER_RIG_H

#include <pthread.h>

#include "check/check.h"
#include "check/picture.h"
#include "oriel/encoder.h"

#define RIG_FORMATS 64u
#define RIG_FPS 30.0

struct rig_packet {
    struct oriel_packet packet; /* its data is a copy */
    int64_t t_sink_ns;          /* it came */
};

/* One frame that was given to it. */
struct rig_frame {
    struct picture *picture;
    uint64_t seq;
    int64_t entered_ns; /* encode() was called with it */
};

struct rig {
    struct check_run *run;
    const struct oriel_encoder *encoder;
    struct check_host *host;
    struct oriel_format format; /* of the instance */
    struct oriel_packet_sink sink;
    void *self;
    const struct oriel_config *config; /* of rig_create() */
    struct picture_style style;        /* of its frames */
    struct error no_cuda;              /* why it gets no frames in CUDA memory; "": it does */
    char with[300]; /* what is special about the instance, behind the names of calls */
    /* Under `lock`. */
    pthread_mutex_t lock;
    struct rig_packet *packets;
    size_t packet_count;
    struct rig_frame *frames;
    size_t frame_count;
    unsigned in_sink, overlaps; /* atomic: a packet came while another was handed over */
    unsigned late;              /* atomic: packets after destroy() */
    bool closed;                /* atomic */
    size_t slow_packet;         /* the n-th packet, from 1, takes… */
    unsigned slow_ms;
};

/* All formats of input_format(), at most RIG_FORMATS. */
size_t rig_formats(struct check_run *run, struct oriel_format *formats);
/* With every field set, as create() gets it: open fields filled, of this size unless fixed. */
struct oriel_format rig_negotiated(const struct oriel_format *offered, uint32_t width,
                                   uint32_t height);
/* "NV12 cpu bt709 full 320x240" */
const char *rig_format_text(const struct oriel_format *format, char *text, size_t size);

/* Is there a format in CUDA memory among them? */
bool rig_wants_cuda(struct check_run *run);
/* Can a frame of it be made here? */
bool rig_possible(const struct rig *rig, const struct oriel_format *format);

/* Never freed, as a packet may come late. Its host has CUDA where the module asks for that. */
struct rig *rig_new(struct check_run *run, enum check_host_kind kind);
/* create(); settings as of check_config(). An answer that is not OK must have had a text, which is
 * copied to `why`, of 1024 bytes. */
oriel_result rig_create(struct rig *rig, const struct oriel_format *format,
                        const char *const *settings, char *why);
/* destroy(), and forgets packets and pictures. */
void rig_destroy(struct rig *rig);

/* No function of the module has left another CUDA context current, or this fails. */
void rig_cuda_stack(struct rig *rig, const char *call);
/* A hash of sizes, flags and bytes of all packets. */
uint64_t rig_hash(struct rig *rig);

/* A rig whose instance takes the first format that works here; skips where none does. */
struct rig *rig_open(struct check_run *run, enum check_host_kind kind);
/* The first format that works here; skips where none does. */
struct oriel_format rig_first(struct check_run *run);

/* A new picture into encode(); true when it was taken, false for AGAIN. Any other answer fails. */
bool rig_encode(struct rig *rig, uint64_t seq, uint32_t flags);
void rig_drain(struct rig *rig);
/* Frames seq to seq + count - 1 and drain(). */
void rig_run(struct rig *rig, uint64_t seq, unsigned count);
/* Pictures with references, after a moment for those on their way. */
size_t rig_held(struct rig *rig);
size_t rig_packets(struct rig *rig);
/* The frame of that number, or NULL. */
const struct rig_frame *rig_frame(const struct rig *rig, uint64_t seq);

#endif
