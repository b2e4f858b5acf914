/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/encoder.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab/picture.h"
#include "module/negotiate.h"
#include "module/registry.h"
#include "module/services.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/thread.h"

/* How long the packet of a frame is waited for before the next frame is given. An encoder that lets
 * it pass once is taken to hold frames back, and is not waited for again. */
#define PATIENCE_NS (500 * NS_PER_MS)

struct coder {
    const struct plan_arm *arm;
    struct config *config;
    struct registry *registry;
    struct module_use use;
    const struct oriel_encoder *vtable;
};

static const char *because(void)
{
    const char *why = services_failure();
    return *why ? why : "it does not say why";
}

struct coder *coder_open(const struct plan *plan, const struct plan_arm *arm, size_t rate,
                         struct error *err)
{
    struct coder *coder = xcalloc(1, sizeof *coder);
    coder->arm = arm;
    bool good = (coder->config = plan_config(plan, arm, rate, err)) != NULL;
    if (good) {
        config_apply_log(coder->config);
        good = (coder->registry = registry_create(coder->config, err)) != NULL;
    }
    if (good && !module_use_open(coder->registry, MODULE_ENCODER, arm->module, arm->label,
                                 &coder->use, err))
        good = error_prefix(err, "%s: arms.%s", arm->origin, arm->label);
    coder->vtable = coder->use.vtable;
    if (good)
        return coder;
    coder_close(coder);
    return NULL;
}

void coder_close(struct coder *coder)
{
    if (!coder)
        return;
    module_use_close(&coder->use);
    registry_destroy(coder->registry);
    config_destroy(coder->config);
    free(coder);
}

const char *coder_version(const struct coder *coder)
{
    return coder->use.module->version;
}

/* I420 and NV12 are the same samples in another order. */
static bool same_samples(uint32_t a, uint32_t b)
{
    bool quarter_a = a == ORIEL_FMT_I420 || a == ORIEL_FMT_NV12;
    bool quarter_b = b == ORIEL_FMT_I420 || b == ORIEL_FMT_NV12;
    return a == b || (quarter_a && quarter_b);
}

/* An encoder for another kind of memory has nothing in common with any recording. */
static bool in_memory(const struct coder *coder, const struct oriel_format *accepted,
                      uint32_t count, struct error *err)
{
    char described[64];
    for (uint32_t i = 0; i < count; i++) {
        if (accepted[i].domain == ORIEL_DOMAIN_CPU)
            return true;
    }
    if (!count)
        return true; /* negotiate() says it */
    format_describe(&accepted[0], described, sizeof described);
    return error_set(err,
                     "arms.%s: %s takes no frames in the host's memory (it takes %s), which is "
                     "where recordings are: only a server with a capture module for that memory "
                     "can use it",
                     coder->arm->label, coder->arm->module, described);
}

bool coder_format(const struct coder *coder, const struct recording *recording,
                  struct oriel_format *format, struct error *err)
{
    struct oriel_format accepted[64], made[2] = {recording->format, recording->format};
    uint32_t count = 0, made_count = 1;
    while (count < 64 && coder->vtable->input_format(count, &accepted[count]) == ORIEL_OK)
        count++;
    if (!in_memory(coder, accepted, count, err))
        return false;
    uint32_t other = made[0].fourcc == ORIEL_FMT_I420 ? ORIEL_FMT_NV12 : ORIEL_FMT_I420;
    if (same_samples(made[0].fourcc, other))
        made[made_count++].fourcc = other;
    /* Its own order first, so that nothing is rearranged that need not be. */
    bool good = negotiate(made, 1, accepted, count, format, err) ||
                negotiate(made, made_count, accepted, count, format, err);
    format->width = recording->format.width;
    format->height = recording->format.height;
    return good || error_prefix(err, "arms.%s: %s cannot take this recording", coder->arm->label,
                                coder->arm->module);
}

/* --- frames in memory of their own --- */

struct source {
    struct oriel_frame frame; /* first */
    uint8_t *data;
};

static void release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done; /* who reads on a device has finished before it lets go */
    struct source *source = (struct source *)(uintptr_t)frame;
    free(source->data);
    free(source);
}

static uint32_t aligned(uint32_t value)
{
    return (value + 63) & ~63u;
}

/* One reference; NULL: no memory. */
static const struct oriel_frame *source_frame(const struct picture *picture,
                                              const struct oriel_format *format,
                                              const struct oriel_stamp *stamp)
{
    bool pairs = format->fourcc == ORIEL_FMT_NV12 || format->fourcc == ORIEL_FMT_P010;
    uint32_t count = pairs ? 2 : 3, strides[3] = {0}, rows[3] = {0};
    size_t bytes = 0, at[3] = {0};
    for (uint32_t i = 0; i < count; i++) {
        strides[i] = aligned(picture->stride[i] * (pairs && i ? 2 : 1));
        rows[i] = (picture->height[i] + 1) & ~1u;
        at[i] = bytes;
        bytes += (size_t)strides[i] * rows[i];
    }
    struct source *source = xcalloc(1, sizeof *source);
    source->data = aligned_alloc(64, bytes);
    if (!source->data) {
        free(source);
        return NULL;
    }
    memset(source->data, 0, bytes);
    uint8_t *const planes[3] = {source->data + at[0], source->data + at[1], source->data + at[2]};
    picture_pack(picture, format, planes, strides);
    source->frame = (struct oriel_frame){.size = sizeof source->frame,
                                         .plane_count = count,
                                         .format = *format,
                                         .stamp = *stamp,
                                         .release = release};
    for (uint32_t i = 0; i < count; i++)
        source->frame.planes[i] = (struct oriel_plane){
            .handle = (uintptr_t)planes[i], .stride = strides[i], .rows = rows[i]};
    return frame_ref(&source->frame);
}

/* --- one pass --- */

struct run {
    struct coder *coder;
    const struct recording *recording;
    struct pass *pass;
    struct oriel_packet_sink sink;
    void *self;
    pthread_mutex_t lock;
    pthread_cond_t come;
    uint32_t newest; /* 1 + the index of the newest frame with a packet */
    char fault[160];
};

static int64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Frames are numbered from 1 by their seq, which comes back with the packet. */
static void on_packet(const struct oriel_packet_sink *sink, const struct oriel_packet *packet)
{
    int64_t now = clock_ns();
    struct run *run = sink->data;
    struct packets *packets = &run->pass->packets;
    pthread_mutex_lock(&run->lock);
    if (packet->stamp.seq < 1 || packet->stamp.seq > run->pass->frame_count) {
        snprintf(run->fault, sizeof run->fault, "a packet has seq %" PRIu64 ", which no frame had",
                 packet->stamp.seq);
    } else {
        if ((packets->count & (packets->count - 1)) == 0)
            packets->at = xrealloc(packets->at, (packets->count ? 2 * (size_t)packets->count : 1) *
                                                    sizeof *packets->at);
        struct packet *kept = &packets->at[packets->count++];
        *kept = (struct packet){.index = (uint32_t)(packet->stamp.seq - 1),
                                .codec = packet->codec,
                                .flags = packet->flags,
                                .qp_q8 = packet->qp_q8,
                                .t_come_ns = now,
                                .bytes = packet->bytes,
                                .data = malloc(packet->bytes ? packet->bytes : 1)};
        if (!kept->data)
            snprintf(run->fault, sizeof run->fault, "no memory for a packet");
        else if (packet->bytes)
            memcpy(kept->data, packet->data, packet->bytes);
        if (packet->stamp.seq > run->newest)
            run->newest = (uint32_t)packet->stamp.seq;
    }
    pthread_cond_broadcast(&run->come);
    pthread_mutex_unlock(&run->lock);
}

static void wait_packet(struct run *run, uint32_t index)
{
    int64_t deadline = clock_ns() + PATIENCE_NS;
    pthread_mutex_lock(&run->lock);
    while (run->newest <= index && !run->fault[0] && !run->pass->held) {
        if (!cond_wait_until(&run->come, &run->lock, deadline))
            run->pass->held = true;
    }
    pthread_mutex_unlock(&run->lock);
}

static bool encode_frame(struct run *run, uint32_t index, const struct oriel_frame *frame,
                         struct error *err)
{
    struct pass *pass = run->pass;
    int64_t cpu = cpu_now();
    pass->t_submit_ns[index] = clock_ns();
    oriel_result result =
        run->coder->vtable->encode(run->self, frame, index ? 0 : ORIEL_ENCODE_KEY);
    pass->t_return_ns[index] = clock_ns();
    if (result == ORIEL_AGAIN) { /* dropped, as the server would */
        pass->t_submit_ns[index] = 0;
        return true;
    }
    if (result != ORIEL_OK)
        return error_set(err, "%s: frame %u: %s", run->coder->arm->module, index, because());
    wait_packet(run, index);
    pass->cpu_ns[index] = cpu_now() - cpu;
    return true;
}

static void pace_to(int64_t start_ns, double fps, uint32_t index)
{
    int64_t due = start_ns + (int64_t)((double)index / fps * (double)NS_PER_S);
    struct timespec t = {.tv_sec = due / NS_PER_S, .tv_nsec = due % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

static bool encode_all(struct run *run, const struct oriel_format *format, bool pace,
                       struct error *err)
{
    const struct recording *recording = run->recording;
    struct picture picture = {0};
    uint8_t *packed = malloc(frame_bytes(&recording->format));
    bool good = (packed && picture_init(&picture, &recording->format)) ||
                error_set(err, "no memory for a frame");
    int64_t start = clock_ns();
    for (uint32_t i = 0; good && i < run->pass->frame_count && !run->fault[0]; i++) {
        good = recording_read(recording, i, packed, err);
        if (!good)
            break;
        picture_unpack(&picture, &recording->format, packed);
        struct oriel_stamp stamp = recording->frames[i].stamp;
        stamp.seq = i + 1;
        const struct oriel_frame *frame = source_frame(&picture, format, &stamp);
        if (pace)
            pace_to(start, recording->fps, i);
        good = frame ? encode_frame(run, i, frame, err) : error_set(err, "no memory for a frame");
        frame_unref(frame);
    }
    if (good && run->coder->vtable->drain(run->self) != ORIEL_OK)
        good = error_set(err, "%s: drain: %s", run->coder->arm->module, because());
    run->pass->wall_s = (double)(clock_ns() - start) / (double)NS_PER_S;
    if (good && run->fault[0])
        good = error_set(err, "%s: %s", run->coder->arm->module, run->fault);
    picture_finish(&picture);
    free(packed);
    return good;
}

bool coder_pass(struct coder *coder, const struct recording *recording, bool pace,
                struct pass *pass, struct error *err)
{
    struct oriel_format format;
    *pass = (struct pass){.frame_count = (uint32_t)recording->frame_count};
    if (!coder_format(coder, recording, &format, err))
        return false;
    pass->t_submit_ns = xcalloc(pass->frame_count, sizeof *pass->t_submit_ns);
    pass->t_return_ns = xcalloc(pass->frame_count, sizeof *pass->t_return_ns);
    pass->cpu_ns = xcalloc(pass->frame_count, sizeof *pass->cpu_ns);
    struct run run = {.coder = coder, .recording = recording, .pass = pass};
    pthread_mutex_init(&run.lock, NULL);
    cond_init(&run.come);
    run.sink =
        (struct oriel_packet_sink){.size = sizeof run.sink, .packet = on_packet, .data = &run};
    bool good = coder->vtable->create(coder->use.host, coder->use.config, &format, recording->fps,
                                      &run.sink, &run.self) == ORIEL_OK;
    if (good)
        good = encode_all(&run, &format, pace, err);
    else
        error_set(err, "%s: %s", coder->arm->module, because());
    if (run.self)
        coder->vtable->destroy(run.self);
    pthread_cond_destroy(&run.come);
    pthread_mutex_destroy(&run.lock);
    if (!good)
        pass_finish(pass);
    return good;
}

void packets_finish(struct packets *packets)
{
    for (uint32_t i = 0; i < packets->count; i++)
        free(packets->at[i].data);
    free(packets->at);
    *packets = (struct packets){0};
}

void pass_finish(struct pass *pass)
{
    packets_finish(&pass->packets);
    free(pass->t_submit_ns);
    free(pass->t_return_ns);
    free(pass->cpu_ns);
    *pass = (struct pass){0};
}
