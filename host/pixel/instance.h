/* SPDX-License-Identifier: BSD-3-Clause */
/* One live encoder: the module, its instance, the format it was made for. Of one branch; used by
 * that branch's thread, but for the sink, which the encoder calls where it likes. */
#ifndef PIXEL_INSTANCE_H
#define PIXEL_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "module/registry.h"
#include "oriel/encoder.h"
#include "util/error.h"

struct render;

struct instance {
    struct module_use use;
    const struct oriel_encoder *vtable;
    void *self;
    uint32_t codec; /* what it writes */
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
    uint32_t codec, width, height;
    double fps;
    void (*packet)(const struct oriel_packet_sink *sink, const struct oriel_packet *packet);
    void *data;
};

/* Makes an instance and has it encode one picture of the real size and format; the packet goes to
 * `probe`, borrowed (CPU memory only: pictures elsewhere cannot be made up, the first real one is
 * the probe). False with the reason. */
bool instance_open(struct instance *instance, const struct instance_wish *wish,
                   void (*probe)(void *data, const struct oriel_packet *packet), void *data,
                   struct error *err);
void instance_close(struct instance *instance); /* zeroed is fine */
static inline bool instance_is_open(const struct instance *instance)
{
    return instance->self != NULL;
}

/* Codecs that a module of the list says it can write, as far as it loads; at most `room`. */
uint32_t instance_codecs(struct registry *registry, const char *id, uint32_t *codecs,
                         uint32_t room);

/* The same picture again, as a frame of its own that keeps `source` alive. One reference. */
const struct oriel_frame *frame_repeat(const struct oriel_frame *source, int64_t now_ns);

#endif
