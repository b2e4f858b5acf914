/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "module/registry.h"
#include "module/services.h"
#include "oriel/draft/encoder_resize.h"
#include "util/check.h"
#include "util/clock.h"

struct fake_control fakes;
static struct {
    const char *_Atomic id;
    atomic_int ms; /* set first */
} slow;

void fixture_slow(const char *id, int ms)
{
    atomic_store(&slow.ms, ms);
    atomic_store(&slow.id, id);
}

struct fake {
    const char *id;
    const struct oriel_host *host;
    const struct oriel_packet_sink *sink;
    uint32_t codec, instance, number;
    atomic_bool key, drained;
    struct oriel_format format;
};

static const struct oriel_option codec_option[] = {
    {.name = "codec",
     .default_value = "vp9",
     .choices = "vp9 vp8",
     .help = "Codec.",
     .type = ORIEL_OPT_ENUM},
};
static const struct oriel_option_table vpx_options = {sizeof vpx_options, 1, codec_option};
static const struct oriel_option rate_option[] = {
    {.name = "bitrate", .default_value = "0", .max = 9, .help = "Rate.", .type = ORIEL_OPT_INT},
};
static const struct oriel_option_table rate_options = {sizeof rate_options, 1, rate_option};

static oriel_result format_nv12(uint32_t index, struct oriel_format *format)
{
    if (index)
        return ORIEL_UNSUPPORTED;
    *format = (struct oriel_format){.domain = ORIEL_DOMAIN_CPU,
                                    .fourcc = ORIEL_FMT_NV12,
                                    .matrix = ORIEL_MATRIX_BT601,
                                    .full_range = 1};
    return ORIEL_OK;
}

static oriel_result format_cuda(uint32_t index, struct oriel_format *format)
{
    oriel_result result = format_nv12(index, format);
    format->domain = result == ORIEL_OK ? ORIEL_DOMAIN_CUDA : format->domain;
    return result;
}

static oriel_result format_rgba(uint32_t index, struct oriel_format *format)
{
    if (index)
        return ORIEL_UNSUPPORTED;
    *format = (struct oriel_format){.domain = ORIEL_DOMAIN_CPU,
                                    .fourcc = ORIEL_FMT_RGBA,
                                    .matrix = ORIEL_MATRIX_IDENTITY,
                                    .full_range = 1};
    return ORIEL_OK;
}

#define CODECS(name_, ...)                                                                         \
    static oriel_result name_(uint32_t index, uint32_t *fourcc)                                    \
    {                                                                                              \
        static const uint32_t list[] = {__VA_ARGS__};                                              \
        if (index >= sizeof list / sizeof list[0])                                                 \
            return ORIEL_UNSUPPORTED;                                                              \
        *fourcc = list[index];                                                                     \
        return ORIEL_OK;                                                                           \
    }
CODECS(codec_h264, ORIEL_CODEC_H264)
CODECS(codec_vpx, ORIEL_CODEC_VP9, ORIEL_CODEC_VP8)
CODECS(codec_jpeg, ORIEL_CODEC_JPEG)
CODECS(codec_png, ORIEL_CODEC_PNG)

static oriel_result make(const char *id, uint32_t codec, const struct oriel_host *host,
                         const struct oriel_format *format, const struct oriel_packet_sink *sink,
                         void **self)
{
    if (fakes.limited && strcmp(fakes.limited, id) == 0 &&
        atomic_fetch_add(&fakes.live, 1) >= atomic_load(&fakes.most)) {
        atomic_fetch_sub(&fakes.live, 1);
        return host->fail(host, fakes.refusal, "no session is left");
    }
    struct fake *fake = xcalloc(1, sizeof *fake);
    *fake = (struct fake){.id = id, .host = host, .sink = sink, .codec = codec, .format = *format};
    fake->instance = (uint32_t)atomic_fetch_add(&fakes.creates, 1);
    *self = fake;
    return ORIEL_OK;
}

#define CREATE(name_, id_, codec_)                                                                 \
    static oriel_result name_(const struct oriel_host *host, const struct oriel_config *config,    \
                              const struct oriel_format *format, double fps,                       \
                              const struct oriel_packet_sink *sink, void **self)                   \
    {                                                                                              \
        (void)config;                                                                              \
        (void)fps;                                                                                 \
        return make(id_, codec_, host, format, sink, self);                                        \
    }
CREATE(create_a, "encode/a", ORIEL_CODEC_H264)
CREATE(create_b, "encode/b", ORIEL_CODEC_H264)
CREATE(create_g, "encode/g", ORIEL_CODEC_H264)
CREATE(create_j, "encode/j", ORIEL_CODEC_JPEG)
CREATE(create_p, "encode/p", ORIEL_CODEC_PNG)
CREATE(create_r, "encode/r", ORIEL_CODEC_H264)
CREATE(create_mute, "encode/mute", ORIEL_CODEC_H264)
CREATE(create_v, "encode/v",
       strcmp(config->get_string(config, "codec"), "vp8") == 0 ? ORIEL_CODEC_VP8 : ORIEL_CODEC_VP9)

static oriel_result create_bad(const struct oriel_host *host, const struct oriel_config *config,
                               const struct oriel_format *format, double fps,
                               const struct oriel_packet_sink *sink, void **self)
{
    (void)config;
    (void)format;
    (void)fps;
    (void)sink;
    (void)self;
    return host->fail(host, ORIEL_UNSUPPORTED, "no such device");
}

static void destroy(void *self)
{
    const struct fake *fake = self;
    if (fake)
        atomic_fetch_add(&fakes.destroys, 1);
    if (fake && fakes.limited && strcmp(fakes.limited, fake->id) == 0)
        atomic_fetch_sub(&fakes.live, 1);
    free(self);
}

static oriel_result encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    struct fake *fake = self;
    int64_t begin = clock_ns();
    atomic_store(&fake->drained, false);
    if (fakes.failing && strcmp(fakes.failing, fake->id) == 0 && atomic_load(&fakes.fails) > 0) {
        atomic_fetch_sub(&fakes.fails, 1);
        return fake->host->fail(fake->host, fakes.result, "it was told to");
    }
    const char *slow_id = atomic_load(&slow.id);
    if (slow_id && strcmp(slow_id, fake->id) == 0)
        fixture_sleep(atomic_load(&slow.ms));
    CHECK(frame->format.domain == fake->format.domain);
    CHECK(frame->format.width == fake->format.width &&
          frame->format.height == fake->format.height &&
          frame->format.fourcc == fake->format.fourcc);
    if (strcmp(fake->id, "encode/mute") == 0)
        return ORIEL_OK;
    bool wanted = atomic_exchange(&fake->key, false);
    bool intra = fake->codec == ORIEL_CODEC_JPEG || fake->codec == ORIEL_CODEC_PNG;
    bool key = intra || wanted || fake->number == 0 || flags & ORIEL_ENCODE_KEY;
    uint8_t data[128];
    size_t n = 0;
    if (fake->codec == ORIEL_CODEC_H264 && key) {
        /* The level follows the size, so that another size is another SPS. */
        const uint8_t sets[] = {
            0, 0, 0, 1,    0x67, 0x42, 0xC0, (uint8_t)(frame->format.width / 64), 0xAA, 0,
            0, 0, 1, 0x68, 0xCE, 0x3C, 0x80};
        memcpy(data, sets, sizeof sets);
        n = sizeof sets;
    }
    if (fake->codec == ORIEL_CODEC_H264) {
        const uint8_t slice[] = {0, 0, 1, key ? 0x65 : 0x41};
        memcpy(data + n, slice, sizeof slice);
        n += sizeof slice;
    }
    struct fake_tail tail = {.instance = fake->instance,
                             .number = fake->number++,
                             .key = key,
                             .repeat = frame->stamp.flags & ORIEL_FRAME_REPEAT ? 1 : 0,
                             .frame_seq = frame->stamp.seq};
    /* As text: no start code can come up in it. */
    n += (size_t)snprintf((char *)data + n, sizeof data - n, "|%u %u %u %u %llu|", tail.instance,
                          tail.number, tail.key, tail.repeat, (unsigned long long)tail.frame_seq);
    struct oriel_packet packet = {.size = sizeof packet,
                                  .codec = fake->codec,
                                  .flags = key ? ORIEL_PACKET_KEY : 0,
                                  .stamp = frame->stamp,
                                  .format = frame->format,
                                  .t_submit_ns = begin,
                                  .t_done_ns = clock_ns(),
                                  .data = data,
                                  .bytes = n};
    if (frame->stamp.seq) { /* not the probe */
        atomic_fetch_add(&fakes.encodes, 1);
        if (key)
            atomic_fetch_add(&fakes.keys, 1);
    }
    fake->sink->packet(fake->sink, &packet);
    return ORIEL_OK;
}

static oriel_result drain(void *self)
{
    atomic_store(&((struct fake *)self)->drained, true);
    return ORIEL_OK;
}

static void request_key(void *self)
{
    atomic_store(&((struct fake *)self)->key, true);
}

static oriel_result resize(void *self, const struct oriel_format *format, double fps)
{
    struct fake *fake = self;
    (void)fps;
    struct oriel_format same = fake->format;
    same.width = format->width;
    same.height = format->height;
    CHECK(memcmp(&same, format, sizeof same) == 0 && atomic_load(&fake->drained));
    atomic_fetch_add(&fakes.resizes, 1);
    oriel_result result = atomic_load(&fakes.resize_result);
    if (result != ORIEL_OK)
        return fake->host->fail(fake->host, result, "not this size");
    fake->format = *format;
    atomic_store(&fake->key, true);
    return ORIEL_OK;
}

static const struct oriel_encoder_resize resize_interface = {.size = sizeof resize_interface,
                                                             .resize = resize};

static const void *get_interface(void *self, const char *id)
{
    const struct fake *fake = self;
    bool has = strcmp(fake->id, "encode/r") == 0 && strcmp(id, ORIEL_ENCODER_RESIZE_V1) == 0;
    return has ? &resize_interface : NULL;
}

#define ENCODER(name_, options_, format_, codec_, create_)                                         \
    static const struct oriel_encoder name_ = {.size = sizeof name_,                               \
                                               .options = options_,                                \
                                               .input_format = format_,                            \
                                               .codec = codec_,                                    \
                                               .create = create_,                                  \
                                               .destroy = destroy,                                 \
                                               .get_interface = get_interface,                     \
                                               .encode = encode,                                   \
                                               .drain = drain,                                     \
                                               .request_key = request_key};
ENCODER(encoder_a, NULL, format_nv12, codec_h264, create_a)
ENCODER(encoder_b, NULL, format_nv12, codec_h264, create_b)
ENCODER(encoder_g, NULL, format_cuda, codec_h264, create_g)
ENCODER(encoder_v, &vpx_options, format_nv12, codec_vpx, create_v)
ENCODER(encoder_j, NULL, format_rgba, codec_jpeg, create_j)
ENCODER(encoder_p, NULL, format_rgba, codec_png, create_p)
ENCODER(encoder_r, &rate_options, format_nv12, codec_h264, create_r)
ENCODER(encoder_bad, NULL, format_nv12, codec_h264, create_bad)
ENCODER(encoder_mute, NULL, format_nv12, codec_h264, create_mute)

static const struct {
    const char *id;
    const struct oriel_encoder *encoder;
} list[] = {
    {"encode/a", &encoder_a},       {"encode/b", &encoder_b}, {"encode/v", &encoder_v},
    {"encode/j", &encoder_j},       {"encode/p", &encoder_p}, {"encode/bad", &encoder_bad},
    {"encode/mute", &encoder_mute}, {"encode/g", &encoder_g}, {"encode/r", &encoder_r},
};

/* --- the registry's part that this room uses --- */

static int64_t get_int(const struct oriel_config *config, const char *name)
{
    return strcmp(name, "bitrate") == 0 ? *(const int *)config->data : 0;
}

static double get_float(const struct oriel_config *config, const char *name)
{
    (void)config;
    (void)name;
    return 0;
}

static const char *get_string(const struct oriel_config *config, const char *name)
{
    (void)config;
    return strcmp(name, "codec") == 0 ? "vp9" : "";
}

#define CONFIG(rate_)                                                                              \
    {                                                                                              \
        .size = sizeof(struct oriel_config), .get_int = get_int, .get_float = get_float,           \
        .get_string = get_string, .data = &rates[rate_]                                            \
    }
static int rates[] = {0, 1};
static const struct oriel_config configs[] = {CONFIG(0), CONFIG(1)};

bool module_use_open(struct registry *registry, enum module_kind kind, const char *id,
                     const char *label, struct module_use *use, struct error *err)
{
    return module_use_open_with(registry, kind, id, label, NULL, use, err);
}

bool module_use_open_with(struct registry *registry, enum module_kind kind, const char *id,
                          const char *label, const struct config *with, struct module_use *use,
                          struct error *err)
{
    (void)registry;
    (void)with;
    CHECK(kind == MODULE_ENCODER);
    *use = (struct module_use){0};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (strcmp(list[i].id, id) != 0)
            continue;
        use->vtable = list[i].encoder;
        use->host = services_create(label);
        use->config = &configs[atomic_load(&fakes.bitrate)];
        atomic_fetch_add(&fakes.opened, 1);
        return true;
    }
    return error_set(err, "there is no module %s", id);
}

void module_use_close(struct module_use *use)
{
    if (use->host) {
        services_destroy(use->host);
        atomic_fetch_sub(&fakes.opened, 1);
    }
    *use = (struct module_use){0};
}
