/* SPDX-License-Identifier: BSD-3-Clause */
/* One live encoder: the module, its instance, the format it was made for. Of one branch; used by
 * that branch's thread, but for the sink, which the encoder calls where it likes. The encoder keeps
 * addresses inside of it. */
#ifndef PIXEL_INSTANCE_H
#define PIXEL_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "module/registry.h"
#include "oriel/encoder.h"
#include "util/error.h"

struct config;
struct render;

struct instance {
    struct module_use use;
    const struct oriel_encoder *vtable;
    void *self;
    unsigned invalid; /* calls that it says break the contract */
    uint32_t codec;   /* what it writes */
    struct oriel_format format;
    char chain[256];
    struct oriel_packet_sink sink;
    struct oriel_config config; /* the module's, with the codec chosen by the host */
    const char *codec_name;
};

/* What to make: `codec` 0 is the module's default. */
struct instance_wish {
    struct registry *registry;
    const struct render *render;
    const char *id;
    const char *label;
    const struct config *config; /* with its options; NULL: the registry's */
    uint32_t codec, width, height;
    double fps;
    void (*packet)(const struct oriel_packet_sink *sink, const struct oriel_packet *packet);
    /* Gets the key packet of the test picture, borrowed. */
    void (*tried)(void *data, const struct oriel_packet *packet);
    void *data, *tried_data; /* for `packet`, for `tried` */
    /* Closed before another one is made, as sessions may be limited; NULL: it goes on. */
    struct instance **instead_of;
};

/* Makes an instance and has it encode one picture of the real size and format. (Where no picture
 * can be made up, which is never so in CPU memory, the first real one is the test.) ORIEL_OK, or
 * why not: UNSUPPORTED is for good, anything else may be otherwise later. */
oriel_result instance_open(struct instance **instance, const struct instance_wish *wish,
                           struct error *err);
void instance_close(struct instance *instance); /* NULL is fine */
/* The same instance with the values that its LIVE options have now. */
bool instance_tune(struct instance *instance, struct registry *registry, struct error *err);
/* The same instance with the size and rate of a wish that it fits in all else; its next packet is a
 * key. False: it cannot, and is to be replaced. */
bool instance_resize(struct instance *instance, const struct instance_wish *wish);

/* Its encode(). */
oriel_result instance_encode(struct instance *instance, const struct oriel_frame *frame,
                             uint32_t flags);
/* Its drain(): all packets of what it was given have come. */
oriel_result instance_drain(struct instance *instance);

/* What is known of an encoder without using it. */
struct instance_facts {
    uint32_t codec;
    double ms; /* that a picture takes; negative: not measured */
};
/* Its codec, and where `limit_ms` is positive what a picture of microscopy takes it: encodes a few
 * with an instance of their own, fewer where they are far from the limit, and none after 40 ms
 * beyond the first two. Measured once for module, codec, samples, options and sizes that differ by
 * less than a factor of two; kept for the process. ORIEL_OK, or why not, as above. */
oriel_result instance_examine(const struct instance_wish *wish, double limit_ms,
                              struct instance_facts *facts, struct error *err);

/* Codecs that a module of the list says it can write, as far as it loads; at most `room`. */
uint32_t instance_codecs(struct registry *registry, const char *id, uint32_t *codecs,
                         uint32_t room);

/* The same picture again, as a frame of its own that keeps `source` alive. One reference. */
const struct oriel_frame *frame_repeat(const struct oriel_frame *source, int64_t now_ns);

#endif
