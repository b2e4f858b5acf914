/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/negotiate.h"
#include "module/services.h"
#include "pixel/codec.h"
#include "render/render.h"
#include "util/check.h"
#include "util/clock.h"

#define MAX_FORMATS 64u

/* --- the option "codec" of modules that write several: the host's choice over the configured one
 * --- */

static int64_t config_get_int(const struct oriel_config *config, const char *name)
{
    const struct instance *instance = config->data;
    return instance->use.config->get_int(instance->use.config, name);
}

static double config_get_float(const struct oriel_config *config, const char *name)
{
    const struct instance *instance = config->data;
    return instance->use.config->get_float(instance->use.config, name);
}

static const char *config_get_string(const struct oriel_config *config, const char *name)
{
    const struct instance *instance = config->data;
    if (instance->codec_name && strcmp(name, "codec") == 0)
        return instance->codec_name;
    return instance->use.config->get_string(instance->use.config, name);
}

static bool has_option(const struct oriel_encoder *encoder, const char *name)
{
    for (uint32_t i = 0; encoder->options && i < encoder->options->count; i++) {
        if (strcmp(encoder->options->options[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool choose_codec(struct instance *instance, uint32_t wanted, struct error *err)
{
    bool option = has_option(instance->vtable, "codec");
    const char *configured =
        option ? instance->use.config->get_string(instance->use.config, "codec") : "";
    uint32_t fourcc;
    for (uint32_t i = 0; instance->vtable->codec(i, &fourcc) == ORIEL_OK; i++) {
        const struct codec *codec = codec_find(fourcc);
        if (!codec)
            continue;
        if (wanted ? fourcc == wanted : !option || strcmp(codec->name, configured) == 0) {
            instance->codec = fourcc;
            instance->codec_name = option ? codec->name : NULL;
            return true;
        }
        if (!option && i == 0 && wanted)
            break; /* without the option it writes its first codec, whatever else it knows */
    }
    const struct codec *codec = codec_find(wanted);
    return error_set(err, "it does not write %s", codec ? codec->name : "any codec known here");
}

/* What the option "input_format" of a module that has one asks for; 0: nothing. */
static uint32_t preferred_samples(const struct instance *instance)
{
    static const struct {
        const char *name;
        uint32_t fourcc;
    } names[] = {{"nv12", ORIEL_FMT_NV12}, {"yuv444", ORIEL_FMT_I444}};
    const char *name = has_option(instance->vtable, "input_format")
                           ? instance->use.config->get_string(instance->use.config, "input_format")
                           : "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i].name) == 0)
            return names[i].fourcc;
    }
    return 0;
}

static bool choose_format(struct instance *instance, const struct instance_wish *wish,
                          struct error *err)
{
    struct oriel_format accepted[MAX_FORMATS];
    uint32_t count = 0;
    while (count < MAX_FORMATS &&
           instance->vtable->input_format(count, &accepted[count]) == ORIEL_OK)
        count++;
    const struct oriel_format *made;
    uint32_t made_count = render_formats(wish->render, &made);
    struct oriel_format preferred[MAX_FORMATS];
    uint32_t fourcc = preferred_samples(instance), preferred_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (accepted[i].fourcc == fourcc)
            preferred[preferred_count++] = accepted[i];
    }
    if (!negotiate(made, made_count, preferred, preferred_count, &instance->format, err) &&
        !negotiate(made, made_count, accepted, count, &instance->format, err))
        return false;
    instance->format.width = wish->width;
    instance->format.height = wish->height;
    format_chain(render_capture_id(wish->render), &instance->format, wish->id, instance->chain,
                 sizeof instance->chain);
    return true;
}

/* --- probing --- */

struct blank {
    struct oriel_frame frame;
    _Alignas(64) uint8_t bytes[];
};

static void blank_release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done;
    free(frame->pool);
}

/* A picture of a format in CPU memory: a ramp, so that there is something to encode. */
static const struct oriel_frame *blank_frame(const struct oriel_format *format)
{
    uint32_t w = format->width, h = format->height, cw = (w + 1) / 2, ch = (h + 1) / 2;
    struct plane {
        uint32_t row, rows;
    } planes[3] = {{0, 0}, {0, 0}, {0, 0}};
    switch (format->fourcc) {
    case ORIEL_FMT_RGBA:
        planes[0] = (struct plane){4 * w, h};
        break;
    case ORIEL_FMT_NV12:
        planes[0] = (struct plane){w, h};
        planes[1] = (struct plane){2 * cw, ch};
        break;
    case ORIEL_FMT_P010:
        planes[0] = (struct plane){2 * w, h};
        planes[1] = (struct plane){4 * cw, ch};
        break;
    case ORIEL_FMT_I420:
        planes[0] = (struct plane){w, h};
        planes[1] = planes[2] = (struct plane){cw, ch};
        break;
    case ORIEL_FMT_I444:
        planes[0] = planes[1] = planes[2] = (struct plane){w, h};
        break;
    default:
        return NULL;
    }
    size_t bytes = 0;
    for (int i = 0; i < 3; i++)
        bytes += ((size_t)planes[i].row + 63) / 64 * 64 * planes[i].rows;
    size_t size = (sizeof(struct blank) + bytes + 63) / 64 * 64;
    struct blank *blank = aligned_alloc(64, size);
    if (!blank)
        return NULL;
    memset(blank, 0, size);
    struct oriel_frame *frame = &blank->frame;
    *frame = (struct oriel_frame){
        .size = sizeof *frame, .format = *format, .release = blank_release, .pool = blank};
    size_t offset = 0;
    for (uint32_t i = 0; i < 3 && planes[i].rows; i++) {
        uint32_t stride = (planes[i].row + 63) / 64 * 64;
        uint8_t *rows = blank->bytes + offset;
        for (uint32_t y = 0; y < planes[i].rows; y++)
            memset(rows + (size_t)y * stride, i ? 128 : (int)(16 + y * 200 / planes[i].rows),
                   stride);
        frame->planes[i] = (struct oriel_plane){
            .handle = (uintptr_t)rows, .stride = stride, .rows = planes[i].rows};
        frame->plane_count = i + 1;
        offset += (size_t)stride * planes[i].rows;
    }
    int64_t now = clock_ns();
    frame->stamp = (struct oriel_stamp){.pts_ns = now,
                                        .t_begin_ns = now,
                                        .t_drawn_ns = now,
                                        .t_captured_ns = now,
                                        .coverage = 1.0f};
    return frame_ref(frame);
}

struct probe {
    void (*packet)(void *data, const struct oriel_packet *packet);
    void *data;
    uint32_t codec;
    bool key, other;
};

static void on_probe(const struct oriel_packet_sink *sink, const struct oriel_packet *packet)
{
    struct probe *probe = sink->data;
    if (packet->codec != probe->codec)
        probe->other = true;
    if (probe->key || !(packet->flags & ORIEL_PACKET_KEY) || !packet->bytes)
        return;
    probe->key = true;
    if (probe->packet)
        probe->packet(probe->data, packet);
}

static const char *because(void)
{
    const char *why = services_failure();
    return *why ? why : "it does not say why";
}

static bool try_one(struct instance *instance, struct probe *probe, struct error *err)
{
    if (instance->format.domain != ORIEL_DOMAIN_CPU)
        return true;
    const struct oriel_frame *frame = blank_frame(&instance->format);
    if (!frame)
        return error_set(err, "no test picture of its format could be made");
    oriel_result result = instance->vtable->encode(instance->self, frame, ORIEL_ENCODE_KEY);
    if (result == ORIEL_OK)
        result = instance->vtable->drain(instance->self);
    if (result != ORIEL_OK)
        error_set(err, "it did not encode a test picture: %s", because());
    frame_unref(frame);
    if (result != ORIEL_OK)
        return false;
    if (probe->other)
        return error_set(err, "it writes another codec than it says");
    return probe->key || error_set(err, "a test picture gave no key packet");
}

bool instance_open(struct instance *instance, const struct instance_wish *wish,
                   void (*probe_packet)(void *data, const struct oriel_packet *packet), void *data,
                   struct error *err)
{
    memset(instance, 0, sizeof *instance);
    if (!module_use_open(wish->registry, MODULE_ENCODER, wish->id, wish->label, &instance->use,
                         err))
        return false;
    instance->vtable = instance->use.vtable;
    instance->config = (struct oriel_config){.size = sizeof instance->config,
                                             .get_int = config_get_int,
                                             .get_float = config_get_float,
                                             .get_string = config_get_string,
                                             .data = instance};
    bool ok = choose_codec(instance, wish->codec, err) && choose_format(instance, wish, err);
    if (ok) {
        struct probe probe = {.packet = probe_packet, .data = data, .codec = instance->codec};
        instance->sink = (struct oriel_packet_sink){
            .size = sizeof instance->sink, .packet = on_probe, .data = &probe};
        oriel_result result =
            instance->vtable->create(instance->use.host, &instance->config, &instance->format,
                                     wish->fps, &instance->sink, &instance->self);
        if (result != ORIEL_OK) {
            instance->self = NULL;
            ok = error_set(err, "%s", because());
        } else {
            ok = try_one(instance, &probe, err);
        }
        /* Nothing is on its way now: drain() has returned. */
        instance->sink.packet = wish->packet;
        instance->sink.data = wish->data;
    }
    if (!ok) {
        instance_close(instance);
        return error_prefix(err, "%s", wish->id);
    }
    return true;
}

void instance_close(struct instance *instance)
{
    if (instance->self)
        instance->vtable->destroy(instance->self);
    module_use_close(&instance->use);
    memset(instance, 0, sizeof *instance);
}

uint32_t instance_codecs(struct registry *registry, const char *id, uint32_t *out, uint32_t room)
{
    struct module_use use;
    struct error err;
    uint32_t count = 0;
    if (!module_use_open(registry, MODULE_ENCODER, id, id, &use, &err))
        return 0;
    const struct oriel_encoder *encoder = use.vtable;
    uint32_t reachable = has_option(encoder, "codec") ? room : 1;
    while (count < room && count < reachable && encoder->codec(count, &out[count]) == ORIEL_OK)
        count++;
    module_use_close(&use);
    return count;
}

/* --- repeats --- */

static void repeat_release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done; /* CPU readers are done when they let go; the source's pool waits for its own fences
                 */
    frame_unref(frame->pool);
    free((void *)(uintptr_t)frame);
}

const struct oriel_frame *frame_repeat(const struct oriel_frame *source, int64_t now_ns)
{
    struct oriel_frame *frame = xcalloc(1, sizeof *frame);
    memcpy(frame, source, source->size < sizeof *frame ? source->size : sizeof *frame);
    frame->size = sizeof *frame;
    frame->release = repeat_release;
    frame->pool = (void *)(uintptr_t)frame_ref(source);
    frame->host_count = NULL;
    frame->stamp.flags |= ORIEL_FRAME_REPEAT;
    frame->stamp.pts_ns = now_ns;
    return frame_ref(frame);
}
