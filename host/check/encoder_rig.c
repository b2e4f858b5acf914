/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/encoder_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check/frame_read.h"
#include "check/gl.h"
#include "module/negotiate.h"
#include "util/check.h"
#include "util/clock.h"

#define MOST_PACKETS 4096u
#define MOST_FRAMES 1024u

/* ---- formats ---- */

size_t rig_formats(struct check_run *run, struct oriel_format *formats)
{
    const struct oriel_encoder *encoder = run->vtable;
    size_t count = 0;
    check_doing(run, "input_format()");
    for (; count < RIG_FORMATS; count++) {
        formats[count] = (struct oriel_format){0};
        if (encoder->input_format((uint32_t)count, &formats[count]) != ORIEL_OK)
            break;
    }
    return count;
}

struct oriel_format rig_negotiated(const struct oriel_format *offered, uint32_t width,
                                   uint32_t height)
{
    struct oriel_format format = *offered;
    format.width = format.width ? format.width : width;
    format.height = format.height ? format.height : height;
    format.primaries = format.primaries ? format.primaries : ORIEL_PRIMARIES_BT709;
    format.transfer = format.transfer ? format.transfer : ORIEL_TRANSFER_SRGB;
    return format;
}

const char *rig_format_text(const struct oriel_format *format, char *text, size_t size)
{
    format_describe(format, text, size);
    size_t at = strlen(text);
    snprintf(text + at, size - at, " %ux%u", format->width, format->height);
    return text;
}

/* ---- packets ---- */

static void on_packet(const struct oriel_packet_sink *sink, const struct oriel_packet *packet)
{
    struct rig *rig = sink->data;
    int64_t now = clock_ns();
    if (__atomic_load_n(&rig->closed, __ATOMIC_ACQUIRE)) {
        __atomic_add_fetch(&rig->late, 1, __ATOMIC_RELAXED);
        return;
    }
    if (__atomic_fetch_add(&rig->in_sink, 1, __ATOMIC_ACQ_REL))
        __atomic_add_fetch(&rig->overlaps, 1, __ATOMIC_RELAXED);
    struct rig_packet copy = {.t_sink_ns = now};
    size_t known = packet->size < sizeof copy.packet ? packet->size : sizeof copy.packet;
    memcpy(&copy.packet, packet, known);
    uint8_t *data = malloc(copy.packet.bytes ? (size_t)copy.packet.bytes : 1);
    CHECK(data);
    if (copy.packet.data)
        memcpy(data, copy.packet.data, (size_t)copy.packet.bytes);
    copy.packet.data = copy.packet.data ? data : NULL;
    if (!copy.packet.data)
        free(data);
    pthread_mutex_lock(&rig->lock);
    if (rig->packet_count < MOST_PACKETS)
        rig->packets[rig->packet_count++] = copy;
    bool slow = rig->slow_packet && rig->packet_count == rig->slow_packet;
    pthread_mutex_unlock(&rig->lock);
    if (slow)
        nanosleep(&(struct timespec){rig->slow_ms / 1000, rig->slow_ms % 1000 * NS_PER_MS}, NULL);
    __atomic_sub_fetch(&rig->in_sink, 1, __ATOMIC_ACQ_REL);
}

size_t rig_packets(struct rig *rig)
{
    pthread_mutex_lock(&rig->lock);
    size_t count = rig->packet_count;
    pthread_mutex_unlock(&rig->lock);
    return count;
}

const struct rig_frame *rig_frame(const struct rig *rig, uint64_t seq)
{
    const struct rig_frame *found = NULL;
    for (size_t i = 0; i < rig->frame_count && !found; i++)
        found = rig->frames[i].seq == seq ? &rig->frames[i] : NULL;
    return found;
}

/* ---- instances ---- */

bool rig_wants_cuda(struct check_run *run)
{
    struct oriel_format formats[RIG_FORMATS];
    size_t count = rig_formats(run, formats);
    for (size_t i = 0; i < count; i++)
        if (formats[i].domain == ORIEL_DOMAIN_CUDA)
            return true;
    return false;
}

bool rig_possible(const struct rig *rig, const struct oriel_format *format)
{
    return frame_plane_count(format) &&
           (format->domain == ORIEL_DOMAIN_CPU ||
            (format->domain == ORIEL_DOMAIN_CUDA && !rig->no_cuda.text[0]));
}

struct rig *rig_new(struct check_run *run, enum check_host_kind kind)
{
    struct rig *rig = check_keep(sizeof *rig);
    rig->run = run;
    rig->encoder = run->vtable;
    rig->host = check_host_new(run, kind);
    if (!rig_wants_cuda(run))
        error_set(&rig->no_cuda, "it takes no frames in CUDA memory");
    else if (gl_offer_cuda(rig->host, &rig->no_cuda))
        rig->no_cuda.text[0] = '\0';
    rig->sink = (struct oriel_packet_sink){sizeof rig->sink, 0, on_packet, rig};
    rig->packets = xcalloc(MOST_PACKETS, sizeof *rig->packets);
    rig->frames = xcalloc(MOST_FRAMES, sizeof *rig->frames);
    pthread_mutex_init(&rig->lock, NULL);
    return rig;
}

oriel_result rig_create(struct rig *rig, const struct oriel_format *format,
                        const char *const *settings, char *why)
{
    struct check_run *run = rig->run;
    char text[128], nothing[1024];
    why = why ? why : nothing;
    if (settings || !rig->config)
        rig->config = check_config(run, rig->encoder->options, settings);
    rig->format = *format;
    rig->self = NULL;
    __atomic_store_n(&rig->closed, false, __ATOMIC_RELEASE);
    rig_format_text(format, text, sizeof text);
    check_doing(run, "create() with %s%s", text, rig->with);
    check_failure();
    oriel_result result = rig->encoder->create(&rig->host->host, rig->config, format, RIG_FPS,
                                               &rig->sink, &rig->self);
    snprintf(why, sizeof nothing, "%s", check_failure());
    if (result == ORIEL_OK && !rig->self)
        check_fail(run,
                   "create() with %s answered OK and set no instance; *self is what the other "
                   "functions get, and NULL is what destroy() ignores",
                   text);
    if (result != ORIEL_OK && !why[0])
        check_fail(run,
                   "create() with %s answered %s without a text by host->fail(), which is to "
                   "say why",
                   text, check_result_name(result));
    return result;
}

void rig_destroy(struct rig *rig)
{
    check_doing(rig->run, "destroy()");
    if (rig->self)
        rig->encoder->destroy(rig->self);
    __atomic_store_n(&rig->closed, true, __ATOMIC_RELEASE);
    rig->self = NULL;
    pthread_mutex_lock(&rig->lock);
    for (size_t i = 0; i < rig->packet_count; i++)
        free((void *)(uintptr_t)rig->packets[i].packet.data);
    for (size_t i = 0; i < rig->frame_count; i++)
        picture_free(rig->frames[i].picture);
    rig->packet_count = rig->frame_count = 0;
    pthread_mutex_unlock(&rig->lock);
}

/* Sizes that an encoder with limits may take, the usual one first. */
static const uint32_t sizes[][2] = {{320, 240}, {640, 480}, {1280, 720}};

struct rig *rig_open(struct check_run *run, enum check_host_kind kind)
{
    struct oriel_format formats[RIG_FORMATS];
    size_t count = rig_formats(run, formats);
    struct rig *rig = rig_new(run, kind);
    char why[1024], first[1024] = ""; /* of the best format, which tells most */
    for (size_t i = 0; i < count; i++) {
        if (!rig_possible(rig, &formats[i]))
            continue;
        for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++) {
            struct oriel_format format =
                rig_negotiated(&formats[i], sizes[size][0], sizes[size][1]);
            oriel_result result = rig_create(rig, &format, NULL, why);
            if (result == ORIEL_OK)
                return rig;
            if (result != ORIEL_UNSUPPORTED && result != ORIEL_DEVICE_LOST)
                check_fail(run,
                           "create() answered %s (%s); what this machine cannot do is "
                           "UNSUPPORTED",
                           check_result_name(result), why);
            if (!first[0])
                memcpy(first, why, sizeof first);
        }
    }
    if (first[0])
        check_skip(run, "%s", first);
    check_skip(run, "it takes no frames in CPU memory, and %s", rig->no_cuda.text);
}

struct oriel_format rig_first(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    struct oriel_format format = rig->format;
    rig_destroy(rig);
    return format;
}

/* ---- frames ---- */

bool rig_encode(struct rig *rig, uint64_t seq, uint32_t flags)
{
    struct error err = {""};
    struct picture *picture = picture_new(&rig->format, seq, &rig->style, &err);
    CHECK(rig->frame_count < MOST_FRAMES);
    if (!picture)
        check_skip(rig->run, "no frame could be made for it: %s", err.text);
    pthread_mutex_lock(&rig->lock);
    rig->frames[rig->frame_count++] = (struct rig_frame){picture, seq, clock_ns()};
    pthread_mutex_unlock(&rig->lock);
    check_doing(rig->run, "encode() of frame %llu%s", (unsigned long long)seq, rig->with);
    check_failure();
    oriel_result result = rig->encoder->encode(rig->self, picture_frame(picture), flags);
    const char *why = check_failure();
    check_frame_unref(picture_frame(picture), NULL);
    if (result != ORIEL_OK && result != ORIEL_AGAIN)
        check_fail(rig->run,
                   "encode() of frame %llu%s answered %s (%s); the frame is of the format "
                   "that create() took",
                   (unsigned long long)seq, rig->with, check_result_name(result),
                   why[0] ? why : "without a text");
    return result == ORIEL_OK;
}

void rig_drain(struct rig *rig)
{
    check_doing(rig->run, "drain()");
    check_failure();
    oriel_result result = rig->encoder->drain(rig->self);
    if (result != ORIEL_OK)
        check_fail(rig->run, "drain() answered %s (%s)", check_result_name(result),
                   check_failure());
}

void rig_run(struct rig *rig, uint64_t seq, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rig_encode(rig, seq + i, 0);
    rig_drain(rig);
}

void rig_cuda_stack(struct rig *rig, const char *call)
{
    if (gl_cuda_context())
        check_fail(rig->run, "%s left a CUDA context current: what is pushed is popped", call);
}

/* FNV-1a. */
uint64_t rig_hash(struct rig *rig)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < rig_packets(rig); i++) {
        const struct oriel_packet *packet = &rig->packets[i].packet;
        hash = (hash ^ packet->bytes ^ (uint64_t)packet->flags << 32) * UINT64_C(1099511628211);
        for (uint64_t k = 0; k < packet->bytes; k++)
            hash = (hash ^ packet->data[k]) * UINT64_C(1099511628211);
    }
    return hash;
}

static size_t held(struct rig *rig)
{
    size_t count = 0;
    pthread_mutex_lock(&rig->lock);
    for (size_t i = 0; i < rig->frame_count; i++)
        count += picture_held(rig->frames[i].picture);
    pthread_mutex_unlock(&rig->lock);
    return count;
}

size_t rig_held(struct rig *rig)
{
    int64_t end = clock_ns() + 50 * rig->run->patience * NS_PER_MS;
    while (held(rig) && clock_ns() < end)
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    return held(rig);
}
