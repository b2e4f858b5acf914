/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/instance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/call.h"
#include "module/negotiate.h"
#include "module/services.h"
#include "oriel/draft/encoder_resize.h"
#include "pixel/blank.h"
#include "pixel/codec.h"
#include "pixel/times.h"
#include "render/render.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"

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
    uint32_t fourcc = 0;
    for (uint32_t i = 0;
         MODULE_CALL(&instance->use, "codec", instance->vtable->codec(i, &fourcc)) == ORIEL_OK;
         i++) {
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
    } names[] = {{"i420", ORIEL_FMT_I420},
                 {"nv12", ORIEL_FMT_NV12},
                 {"yuv444", ORIEL_FMT_I444},
                 {"p010", ORIEL_FMT_P010},
                 {"rgba", ORIEL_FMT_RGBA}};
    const char *name = has_option(instance->vtable, "input_format")
                           ? instance->use.config->get_string(instance->use.config, "input_format")
                           : "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i].name) == 0)
            return names[i].fourcc;
    }
    return 0;
}

static bool has_domain(const struct oriel_format *formats, uint32_t count, uint32_t domain)
{
    for (uint32_t i = 0; i < count; i++) {
        if (formats[i].domain == domain)
            return true;
    }
    return false;
}

static bool choose_format(struct instance *instance, const struct instance_wish *wish,
                          struct error *err)
{
    struct oriel_format accepted[MAX_FORMATS];
    uint32_t count = 0;
    while (count < MAX_FORMATS &&
           MODULE_CALL(&instance->use, "input_format",
                       instance->vtable->input_format(count, &accepted[count])) == ORIEL_OK)
        count++;
    struct oriel_format made[RENDER_MAX_FORMATS];
    uint32_t made_count = render_formats(wish->render, made, RENDER_MAX_FORMATS);
    bool meet = false;
    for (uint32_t i = 0; i < count && !meet; i++)
        meet = has_domain(made, made_count, accepted[i].domain);
    if (made_count && count && !meet) /* one clear sentence instead of two lists */
        return error_set(err, "it takes pictures in the memory of %s, where %s makes none here",
                         has_domain(accepted, count, ORIEL_DOMAIN_CPU) ? "the host" : "a GPU",
                         render_capture_id(wish->render, NULL));
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
    format_chain(render_capture_id(wish->render, &instance->format), &instance->format, wish->id,
                 instance->chain, sizeof instance->chain);
    return true;
}

/* --- making one --- */

static const char *because(void)
{
    const char *why = services_failure();
    return *why ? why : "it does not say why";
}

/* Module, codec and format: all that can be said before there is an encoder. Other formats may be
 * captured later, when a device has gone or come. */
static oriel_result prepare(const struct instance_wish *wish, struct instance **out,
                            struct error *err)
{
    struct instance *instance = xcalloc(1, sizeof *instance);
    *out = instance;
    if (!module_use_open_with(wish->registry, MODULE_ENCODER, wish->id, wish->label, wish->config,
                              &instance->use, err))
        return ORIEL_UNSUPPORTED;
    instance->vtable = instance->use.vtable;
    instance->config = (struct oriel_config){.size = sizeof instance->config,
                                             .get_int = config_get_int,
                                             .get_float = config_get_float,
                                             .get_string = config_get_string,
                                             .data = instance};
    bool writes = choose_codec(instance, wish->codec, err);
    if (writes && choose_format(instance, wish, err))
        return ORIEL_OK;
    error_prefix(err, "%s", wish->id);
    return writes ? ORIEL_AGAIN : ORIEL_UNSUPPORTED;
}

/* What comes out while an instance is tried. */
struct trial {
    const struct instance_wish *wish;
    uint32_t codec;
    bool key, other;
    uint32_t packets;
    int64_t newest_ns;
};

static void on_trial(const struct oriel_packet_sink *sink, const struct oriel_packet *packet)
{
    struct trial *trial = sink->data;
    trial->newest_ns = clock_ns();
    trial->packets++;
    trial->other |= packet->codec != trial->codec;
    if (trial->key || !(packet->flags & ORIEL_PACKET_KEY) || !packet->bytes)
        return;
    trial->key = true;
    if (trial->wish->tried)
        trial->wish->tried(trial->wish->tried_data, packet);
}

static oriel_result create(struct instance *instance, const struct instance_wish *wish,
                           struct trial *trial, struct error *err)
{
    if (wish->instead_of) {
        instance_close(*wish->instead_of);
        *wish->instead_of = NULL;
    }
    *trial = (struct trial){.wish = wish, .codec = instance->codec};
    instance->sink = (struct oriel_packet_sink){
        .size = sizeof instance->sink, .packet = on_trial, .data = trial};
    /* The render's whose pictures it will get: each view has textures of its own. */
    services_set_thread_interface(ORIEL_HOST_GL_SHARE_V1, render_gl_share(wish->render));
    oriel_result result = MODULE_CALL(
        &instance->use, "create",
        instance->vtable->create(instance->use.host, &instance->config, &instance->format,
                                 wish->fps, &instance->sink, &instance->self));
    services_set_thread_interface(ORIEL_HOST_GL_SHARE_V1, NULL);
    if (result == ORIEL_OK)
        return ORIEL_OK;
    instance->self = NULL;
    error_set(err, "%s: %s", wish->id, because());
    return result;
}

oriel_result instance_encode(struct instance *instance, const struct oriel_frame *frame,
                             uint32_t flags)
{
    return MODULE_CALL(&instance->use, "encode",
                       instance->vtable->encode(instance->self, frame, flags));
}

oriel_result instance_drain(struct instance *instance)
{
    return MODULE_CALL(&instance->use, "drain", instance->vtable->drain(instance->self));
}

/* One picture, until its packet is there. */
static oriel_result try_picture(struct instance *instance, struct blank *blank, unsigned index,
                                struct trial *trial, struct error *err)
{
    const struct oriel_frame *frame = blank_frame(blank, index);
    uint32_t before = trial->packets;
    oriel_result result = ORIEL_OK;
    if (!frame_wait(frame, err)) {
        result = ORIEL_DEVICE_LOST;
    } else {
        result = instance_encode(instance, frame, index ? 0 : ORIEL_ENCODE_KEY);
        if (result == ORIEL_OK && trial->packets == before)
            result = instance_drain(instance);
        if (result != ORIEL_OK)
            error_set(err, "it did not encode a test picture: %s", because());
    }
    frame_unref(frame);
    if (result != ORIEL_OK)
        return result;
    if (trial->other) {
        error_set(err, "it writes another codec than it says");
        return ORIEL_UNSUPPORTED;
    }
    if (!trial->key) {
        error_set(err, "a test picture gave no key packet");
        return ORIEL_UNSUPPORTED;
    }
    return ORIEL_OK;
}

static void destroy(struct instance *instance)
{
    if (instance->self)
        MODULE_CALL(&instance->use, "destroy", instance->vtable->destroy(instance->self));
    instance->self = NULL;
}

static oriel_result try_plain(struct instance *instance, struct trial *trial, struct error *err)
{
    struct blank *blank = blank_create(&instance->format, BLANK_PLAIN, err);
    if (!blank)
        return instance->format.domain == ORIEL_DOMAIN_CPU ? ORIEL_UNSUPPORTED : ORIEL_OK;
    oriel_result result = try_picture(instance, blank, 0, trial, err);
    blank_destroy(blank);
    /* Nothing may be on its way when the sink changes. */
    if (result == ORIEL_OK && (result = instance_drain(instance)) != ORIEL_OK)
        error_set(err, "it did not encode a test picture: %s", because());
    return result;
}

oriel_result instance_open(struct instance **out, const struct instance_wish *wish,
                           struct error *err)
{
    struct trial trial;
    struct instance *instance;
    oriel_result result = prepare(wish, &instance, err);
    if (result == ORIEL_OK)
        result = create(instance, wish, &trial, err);
    if (result == ORIEL_OK && (result = try_plain(instance, &trial, err)) != ORIEL_OK)
        error_prefix(err, "%s", wish->id);
    if (result != ORIEL_OK) {
        instance_close(instance);
        return result;
    }
    instance->sink.packet = wish->packet;
    instance->sink.data = wish->data;
    *out = instance;
    return ORIEL_OK;
}

void instance_close(struct instance *instance)
{
    if (!instance)
        return;
    destroy(instance);
    module_use_close(&instance->use);
    free(instance);
}

/* --- how long it takes --- */

/* The key fills caches and starts threads: it does not count. */
#define TIMED (BLANK_COUNT - 1)
#define TIME_NS (40 * NS_PER_MS) /* after which no further one is begun */
#define FAR 0.7 /* of the limit; from there on a few more do not change the answer */

/* FNV-1a of the options' values and of what else decides about the time. */
static uint64_t digest(const struct instance *instance, const struct instance_wish *wish)
{
    char text[192];
    const struct oriel_format *f = &instance->format;
    const struct oriel_config *config = &instance->config;
    const struct oriel_option_table *options = instance->vtable->options;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (uint32_t i = 0; i <= (options ? options->count : 0); i++) {
        const struct oriel_option *option = i ? &options->options[i - 1] : NULL;
        if (!option)
            snprintf(text, sizeof text, "%s %x %x %x %u", wish->id, instance->codec, f->domain,
                     f->fourcc, f->matrix * 2u + f->full_range);
        else if (option->type == ORIEL_OPT_FLOAT)
            snprintf(text, sizeof text, "%.17g", config->get_float(config, option->name));
        else if (option->type == ORIEL_OPT_STRING || option->type == ORIEL_OPT_ENUM)
            snprintf(text, sizeof text, "%s", config->get_string(config, option->name));
        else
            snprintf(text, sizeof text, "%" PRId64, config->get_int(config, option->name));
        for (const char *p = text;; p++) { /* with its end, so that values do not run together */
            hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
            if (!*p)
                break;
        }
    }
    return hash;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Sorted times of pictures. */
static bool enough(const int64_t *times, uint32_t count, double limit_ms)
{
    return (count >= 2 && (double)times[count - 1] * 1e-6 < FAR * limit_ms) ||
           (count >= 3 && (double)times[0] * 1e-6 > limit_ms / FAR);
}

static oriel_result measure(struct instance *instance, const struct instance_wish *wish,
                            double limit_ms, double *ms, struct error *err)
{
    struct trial trial;
    struct blank *blank = blank_create(&instance->format, BLANK_MICROSCOPY, err);
    if (!blank)
        return ORIEL_OK; /* opening it says whether that is a failure */
    struct instance_wish quiet = *wish;
    quiet.tried = NULL;
    oriel_result result = create(instance, &quiet, &trial, err);
    int64_t times[TIMED], begin = clock_ns();
    uint32_t count = 0;
    for (unsigned i = 0; result == ORIEL_OK && i <= TIMED; i++) {
        int64_t entered = clock_ns();
        if (count && (entered - begin > TIME_NS || enough(times, count, limit_ms)))
            break;
        result = try_picture(instance, blank, i, &trial, err);
        if (result != ORIEL_OK) {
            error_prefix(err, "%s", wish->id);
        } else if (i) {
            times[count++] = trial.newest_ns - entered;
            qsort(times, count, sizeof *times, by_time);
        }
    }
    destroy(instance);
    blank_destroy(blank);
    if (result == ORIEL_OK)
        *ms = (double)times[(count - 1) / 2] * 1e-6;
    return result;
}

/* --- another size --- */

static bool same_but_size(const struct instance *a, const struct instance *b,
                          const struct instance_wish *wish)
{
    struct oriel_format format = a->format;
    format.width = b->format.width;
    format.height = b->format.height;
    return a->vtable == b->vtable && a->codec == b->codec &&
           memcmp(&format, &b->format, sizeof format) == 0 && digest(a, wish) == digest(b, wish);
}

bool instance_tune(struct instance *instance, struct registry *registry, struct error *err)
{
    struct module_use fresh;
    const char *id = instance->use.module->id;
    if (!module_use_open(registry, MODULE_ENCODER, id, id, &fresh, err))
        return false;
    bool same = fresh.vtable == instance->vtable;
    const struct oriel_config *old = instance->use.config;
    if (same) {
        instance->use.config = fresh.config;
        same = MODULE_CALL(&instance->use, "reconfigure",
                           instance->vtable->reconfigure(instance->self, &instance->config)) ==
               ORIEL_OK;
        if (same)
            fresh.config = old;
        else
            instance->use.config = old;
        if (!same)
            error_set(err, "%s: %s", id, because());
    } else {
        error_set(err, "%s: its file has changed", id);
    }
    module_use_close(&fresh);
    return same;
}

bool instance_resize(struct instance *instance, const struct instance_wish *wish)
{
    const struct oriel_encoder *encoder = instance->vtable;
    const struct oriel_encoder_resize *draft =
        ORIEL_HAS(encoder, get_interface)
            ? MODULE_CALL(&instance->use, "get_interface",
                          encoder->get_interface(instance->self, ORIEL_ENCODER_RESIZE_V1))
            : NULL;
    if (!draft || !ORIEL_HAS(draft, resize))
        return false;
    struct instance *like; /* what would be made instead */
    struct error err = {""};
    bool resized =
        prepare(wish, &like, &err) == ORIEL_OK && same_but_size(instance, like, wish) &&
        MODULE_CALL(&instance->use, "drain", encoder->drain(instance->self)) == ORIEL_OK &&
        MODULE_CALL(&instance->use, "resize",
                    draft->resize(instance->self, &like->format, wish->fps)) == ORIEL_OK;
    if (resized)
        instance->format = like->format;
    else
        log_debug(LOG_PIXEL, "%s: another instance for %" PRIu32 "x%" PRIu32 ": %s", wish->label,
                  wish->width, wish->height, *err.text ? err.text : because());
    instance_close(like);
    return resized;
}

oriel_result instance_examine(const struct instance_wish *wish, double limit_ms,
                              struct instance_facts *facts, struct error *err)
{
    struct instance *instance;
    *facts = (struct instance_facts){.ms = -1};
    oriel_result result = prepare(wish, &instance, err);
    if (result == ORIEL_OK) {
        facts->codec = instance->codec;
        uint64_t key = limit_ms > 0 ? digest(instance, wish) : 0;
        if (limit_ms > 0 &&
            !times_find(key, wish->width, wish->height, limit_ms, clock_ns(), &facts->ms)) {
            result = measure(instance, wish, limit_ms, &facts->ms, err);
            if (result == ORIEL_OK && facts->ms >= 0)
                times_keep(key, wish->width, wish->height, facts->ms, clock_ns());
        }
    }
    instance_close(instance);
    return result;
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
    while (count < room && count < reachable &&
           MODULE_CALL(&use, "codec", encoder->codec(count, &out[count])) == ORIEL_OK)
        count++;
    module_use_close(&use);
    return count;
}

/* --- repeats --- */

/* Its frame is the source's in all but the reference: encoders know memory by its pool. */
struct repeat {
    struct oriel_frame frame; /* first */
    const struct oriel_frame *source;
};

static void repeat_release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done; /* who reads on a device has finished before it lets go */
    struct repeat *repeat = (struct repeat *)(uintptr_t)frame;
    frame_unref(repeat->source);
    free(repeat);
}

const struct oriel_frame *frame_repeat(const struct oriel_frame *source, int64_t now_ns)
{
    struct repeat *repeat = xcalloc(1, sizeof *repeat);
    struct oriel_frame *frame = &repeat->frame;
    memcpy(frame, source, source->size < sizeof *frame ? source->size : sizeof *frame);
    repeat->source = frame_ref(source);
    frame->size = sizeof *frame;
    frame->release = repeat_release;
    frame->host_count = NULL;
    frame->stamp.flags |= ORIEL_FRAME_REPEAT;
    frame->stamp.pts_ns = now_ns;
    return frame_ref(frame);
}
