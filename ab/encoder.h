/* SPDX-License-Identifier: BSD-3-Clause */
/* One encoder of a comparison: the module as the server makes it, through the registry, the
 * validated options and the vtable of the SDK; frames from a recording in, packets kept. */
#ifndef AB_ENCODER_H
#define AB_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "ab/plan.h"
#include "ab/recording.h"
#include "oriel/encoder.h"
#include "util/error.h"

struct coder;

/* What came for a frame. */
struct packet {
    uint32_t index; /* of the frame */
    uint32_t codec, flags, qp_q8;
    int64_t t_come_ns; /* the sink was called */
    uint64_t bytes;
    uint8_t *data;
};

/* What a run gave. */
struct packets {
    struct packet *at;
    uint32_t count;
};

struct pass {
    struct packets packets;
    /* For each frame: when encode() was entered, when it returned, and what CPU time the process
     * took from there until its packet had come; submit 0: the encoder did not take the frame. */
    int64_t *t_submit_ns, *t_return_ns, *cpu_ns;
    uint32_t frame_count;
    double wall_s;
    bool held; /* the encoder kept frames until later ones came */
};

/* The module for one rate; its instances are made by coder_pass. */
struct coder *coder_open(const struct plan *plan, const struct plan_arm *arm, size_t rate,
                         struct error *err);
void coder_close(struct coder *coder); /* NULL is fine */
const char *coder_version(const struct coder *coder);
/* The format that it takes pictures of the recording in: the recording's own or one with the same
 * samples in another order. False with what it takes and what was recorded. */
bool coder_format(const struct coder *coder, const struct recording *recording,
                  struct oriel_format *format, struct error *err);

/* A new instance encodes the recording from its first frame to its last. False with the reason. */
bool coder_pass(struct coder *coder, const struct recording *recording, bool pace,
                struct pass *pass, struct error *err);
void pass_finish(struct pass *pass);
void packets_finish(struct packets *packets);

#endif
