/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine.h"

#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <string.h>

struct engine {
    const struct engine_class *class;
    void *self;
    struct engine_params params;
    bool fresh; /* made anew: the next picture is an IDR with parameter sets */
};

bool engine_can(enum engine_codec codec, bool yuv444, bool deep)
{
    if (codec == ENGINE_H264)
        return !deep; /* as on cards up to Ada */
    const AVCodec *x265 = avcodec_find_encoder_by_name("libx265");
    enum AVPixelFormat wanted = yuv444 ? deep ? AV_PIX_FMT_YUV444P10 : AV_PIX_FMT_YUV444P
                                : deep ? AV_PIX_FMT_YUV420P10
                                       : AV_PIX_FMT_YUV420P;
    for (const enum AVPixelFormat *f = x265 ? x265->pix_fmts : NULL; f && *f != -1; f++)
        if (*f == wanted)
            return true;
    return false;
}

struct engine *engine_create(const struct engine_params *params)
{
    struct engine *engine = calloc(1, sizeof *engine);
    engine->class = params->codec == ENGINE_H264 ? &engine_x264 : &engine_avcodec;
    engine->params = *params;
    engine->self = engine->class->create(params);
    engine->fresh = true;
    if (!engine->self) {
        free(engine);
        return NULL;
    }
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (!engine)
        return;
    engine->class->destroy(engine->self);
    free(engine);
}

bool engine_change(struct engine *engine, const struct engine_params *params)
{
    if (!engine->class->change(engine->self, &engine->params, params)) {
        engine->class->destroy(engine->self);
        engine->self = engine->class->create(params);
        engine->fresh = true;
    }
    engine->params = *params;
    return engine->fresh;
}

void engine_forget(struct engine *engine, int64_t id)
{
    engine->class->forget(engine->self, id);
}

static void append(struct engine_packet *packet, const uint8_t *data, size_t bytes)
{
    if (packet->bytes + bytes > packet->room) {
        packet->room = packet->bytes + bytes + 4096;
        packet->data = realloc(packet->data, packet->room);
    }
    memcpy(packet->data + packet->bytes, data, bytes);
    packet->bytes += bytes;
}

/* Offset of the next start code (with its leading zero byte) from `at`; `bytes` when none is left.
 */
static size_t start_code(const uint8_t *data, size_t bytes, size_t at)
{
    for (; at + 3 <= bytes; at++)
        if (!data[at] && !data[at + 1] && data[at + 2] == 1)
            return at && !data[at - 1] ? at - 1 : at;
    return bytes;
}

static void find_slices(const struct engine *engine, struct engine_packet *packet)
{
    packet->slice_count = 0;
    size_t at = start_code(packet->data, packet->bytes, 0);
    while (at < packet->bytes) {
        size_t head = at + (packet->data[at + 2] == 1 ? 3u : 4u);
        uint8_t byte = head < packet->bytes ? packet->data[head] : 0;
        bool slice = engine->params.codec == ENGINE_H264 ? (byte & 31) == 1 || (byte & 31) == 5
                                                         : (byte >> 1 & 63) < 32;
        if (slice) {
            if (packet->slice_count == packet->slice_room) {
                packet->slice_room = packet->slice_room * 2 + 8;
                packet->slices =
                    realloc(packet->slices, packet->slice_room * sizeof *packet->slices);
            }
            packet->slices[packet->slice_count++] = (uint32_t)at;
        }
        at = start_code(packet->data, packet->bytes, head);
    }
}

bool engine_encode(struct engine *engine, const struct engine_picture *picture,
                   struct engine_packet *packet)
{
    struct engine_picture wish = *picture;
    if (engine->fresh)
        wish.type = ENGINE_IDR;
    const uint8_t *data;
    size_t bytes;
    if (!engine->self ||
        !engine->class->encode(engine->self, &wish, &data, &bytes, &packet->type, &packet->qp))
        return false;
    bool first = engine->fresh && engine->params.headers;
    bool idr = packet->type == ENGINE_IDR;
    packet->bytes = 0;
    if (picture->write_headers || (idr && (first || engine->params.repeat_headers))) {
        size_t header_bytes;
        const uint8_t *headers = engine->class->headers(engine->self, &header_bytes);
        append(packet, headers, header_bytes);
    }
    append(packet, data, bytes);
    find_slices(engine, packet);
    engine->fresh = false;
    return true;
}

bool engine_headers(const struct engine_params *params, uint8_t *data, size_t *bytes)
{
    struct engine *engine = engine_create(params);
    if (!engine)
        return false;
    size_t is;
    const uint8_t *headers = engine->class->headers(engine->self, &is);
    bool fits = is <= *bytes;
    if (fits)
        memcpy(data, headers, is);
    *bytes = is;
    engine_destroy(engine);
    return fits;
}
