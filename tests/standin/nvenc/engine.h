/* SPDX-License-Identifier: BSD-3-Clause */
/* What really encodes: libx264, or libx265 through libavcodec. One thread uses one engine. */
#ifndef STANDIN_NVENC_ENGINE_H
#define STANDIN_NVENC_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum engine_codec { ENGINE_H264, ENGINE_HEVC };
enum engine_rate { ENGINE_QP, ENGINE_CBR, ENGINE_VBR };
enum engine_type { ENGINE_AUTO, ENGINE_P, ENGINE_I, ENGINE_IDR };

struct engine_params {
    enum engine_codec codec;
    uint32_t width, height, fps_num, fps_den;
    bool yuv444, deep; /* deep: 10 bits in uint16_t */
    unsigned preset;   /* 1..7 */
    unsigned profile;  /* profile_idc of H.264: 66, 77, 100, 244; 0: the codec's choice */
    enum engine_rate rate;
    uint32_t bitrate, max_bitrate, vbv_bits, qp_p, qp_i;
    bool lossless, cavlc, aud;
    bool headers, repeat_headers; /* parameter sets on the first IDR, on every IDR */
    uint32_t idr_period;          /* 0: only on demand */
    uint32_t refresh_period;      /* 0: no intra refresh */
    uint32_t refs;                /* pictures kept for prediction; 0: the codec's choice */
    uint32_t slice_mode, slice_data;
    struct {
        bool signal_type, colour;
        uint32_t format, full_range, primaries, transfer, matrix;
        int32_t chroma_location; /* -1: not told */
    } vui;
};

struct engine_picture {
    const void *planes[3]; /* Y, U, V without padding; 2 bytes a sample when deep */
    int64_t id;            /* for engine_forget, growing */
    enum engine_type type;
    bool write_headers;
    bool refresh; /* begin an intra refresh */
};

struct engine_packet {
    uint8_t *data; /* the packet's, grown by engine_encode, freed by its owner */
    size_t bytes, room;
    uint32_t *slices; /* offsets */
    uint32_t slice_count, slice_room;
    enum engine_type type;
    uint32_t qp;
};

struct engine_class {
    void *(*create)(const struct engine_params *params);
    void (*destroy)(void *self);
    /* False: it cannot change so far and is made anew. */
    bool (*change)(void *self, const struct engine_params *from, const struct engine_params *to);
    /* Annex B parameter sets, the engine's memory. */
    const uint8_t *(*headers)(void *self, size_t *bytes);
    /* One access unit without parameter sets, valid until the next call. */
    bool (*encode)(void *self, const struct engine_picture *picture, const uint8_t **data,
                   size_t *bytes, enum engine_type *type, uint32_t *qp);
    void (*forget)(void *self, int64_t id);
};

extern const struct engine_class engine_x264, engine_avcodec;

struct engine;
/* Whether it can be made at all on this machine. */
bool engine_can(enum engine_codec codec, bool yuv444, bool deep);
struct engine *engine_create(const struct engine_params *params);
void engine_destroy(struct engine *engine);
/* True when the next picture has to be an IDR. */
bool engine_change(struct engine *engine, const struct engine_params *params);
bool engine_encode(struct engine *engine, const struct engine_picture *picture,
                   struct engine_packet *packet);
/* No later picture refers to that one or to what came from it. */
void engine_forget(struct engine *engine, int64_t id);
/* Copies the parameter sets; false when they are larger than *bytes. */
bool engine_headers(const struct engine_params *params, uint8_t *data, size_t *bytes);

#endif
