/* SPDX-License-Identifier: BSD-3-Clause */
/* One encoder module as a host sees it: loaded by its entry, given options by name, fed frames, its
 * packets kept. */
#ifndef TEST_ENCODE_HARNESS_H
#define TEST_ENCODE_HARNESS_H

#include <stdbool.h>

#include "oriel/encoder.h"

/* NULL, with a printed reason, when this build has no such module. */
const struct oriel_encoder *module_open(const char *id, const struct oriel_module_info **info);

/* Values of an option table, defaults overridden by "name=value name=value". */
struct options {
    struct oriel_config config;
    const struct oriel_option_table *table;
    char *values[32];
};
void options_init(struct options *options, const struct oriel_option_table *table, const char *set);
void options_finish(struct options *options);

struct kept_packet {
    struct oriel_packet packet; /* data is a copy */
    uint8_t *data;
};

struct rig {
    const struct oriel_encoder *encoder;
    struct oriel_host host;
    struct oriel_packet_sink sink;
    struct options options;
    void *self;
    char failure[512]; /* the last text of host->fail */
    struct kept_packet *packets;
    size_t count;
};

/* The rig stays where it is until rig_finish. rig_prepare makes all but the instance, for a test
 * whose host has more to offer. */
void rig_prepare(struct rig *rig, const struct oriel_encoder *encoder, const char *set);
oriel_result rig_create(struct rig *rig, const struct oriel_encoder *encoder, const char *set,
                        const struct oriel_format *format, double fps);
oriel_result rig_encode(struct rig *rig, const struct oriel_frame *frame, uint32_t flags);
oriel_result rig_set(struct rig *rig, const char *set); /* reconfigure */
void rig_forget_packets(struct rig *rig);
void rig_finish(struct rig *rig);

#endif
