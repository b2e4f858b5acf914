/* SPDX-License-Identifier: BSD-3-Clause */
/* The host that a module under test sees: it counts, and blames misuse. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "oriel/host_map.h"
#include "util/check.h"
#include "util/clock.h"

#define HEADROOM 64u

static _Thread_local char failure[1024];
static _Thread_local bool failed;

const char *check_failure(void)
{
    const char *text = failed ? failure : "";
    failed = false;
    return text;
}

const char *check_result_name(oriel_result result)
{
    static const char *const names[] = {"OK", "AGAIN",       "UNSUPPORTED", "INVALID",  "NOMEM",
                                        "IO", "DEVICE_LOST", "FATAL",       "CANCELLED"};
    static _Thread_local char number[40];
    if (result <= 0 && result > -(oriel_result)(sizeof names / sizeof names[0]))
        return names[-result];
    snprintf(number, sizeof number, "%d, which is no oriel_result", result);
    return number;
}

void check_created(struct check_run *run, oriel_result result, const char *what)
{
    const char *why = check_failure();
    if (result == ORIEL_OK)
        return;
    if (!why[0])
        check_fail(run, "%s answered %s without a text by host->fail(), which is to say why", what,
                   check_result_name(result));
    if (result == ORIEL_UNSUPPORTED)
        check_skip(run, "%s", why);
    check_fail(run, "%s answered %s (%s); what this machine cannot do is UNSUPPORTED", what,
               check_result_name(result), why);
}

/* ---- services ---- */

static struct check_host *of(const struct oriel_host *host)
{
    return (struct check_host *)(uintptr_t)host;
}

static void host_log(const struct oriel_host *host, uint32_t level, const char *text)
{
    struct check_host *self = of(host);
    __atomic_add_fetch(&self->logs, 1, __ATOMIC_RELAXED);
    if (level < ORIEL_LOG_ERROR || level > ORIEL_LOG_TRACE)
        check_blame(self->run, "host->log() was called with level %u; levels are 1 to 5", level);
    if (!text)
        check_blame(self->run, "host->log() was called without a text");
}

static oriel_result host_fail(const struct oriel_host *host, oriel_result result, const char *text)
{
    struct check_host *self = of(host);
    __atomic_add_fetch(&self->fails, 1, __ATOMIC_RELAXED);
    snprintf(failure, sizeof failure, "%s", text ? text : "");
    failed = true;
    return result;
}

static int64_t host_now_ns(const struct oriel_host *host)
{
    (void)host;
    return clock_ns();
}

static uintptr_t *frame_count(const struct oriel_frame *frame)
{
    return (uintptr_t *)(uintptr_t)&frame->host_count;
}

void check_frame_ref(const struct oriel_frame *frame)
{
    __atomic_fetch_add(frame_count(frame), 1, __ATOMIC_RELAXED);
}

void check_frame_unref(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    static const struct oriel_fence none = {.kind = ORIEL_FENCE_NONE};
    uintptr_t before = __atomic_fetch_sub(frame_count(frame), 1, __ATOMIC_ACQ_REL);
    CHECK(before > 0);
    if (before == 1)
        frame->release(frame, done ? done : &none);
}

static void host_frame_ref(const struct oriel_host *host, const struct oriel_frame *frame)
{
    __atomic_add_fetch(&of(host)->frame_refs, 1, __ATOMIC_RELAXED);
    check_frame_ref(frame);
}

/* One that was never taken is not given back: the frame is the tests' own. */
static void host_frame_unref(const struct oriel_host *host, const struct oriel_frame *frame,
                             const struct oriel_fence *done)
{
    struct check_host *self = of(host);
    if (!frame)
        return;
    if (__atomic_sub_fetch(&self->frame_refs, 1, __ATOMIC_RELAXED) < 0) {
        __atomic_add_fetch(&self->frame_refs, 1, __ATOMIC_RELAXED);
        check_blame(self->run, "a frame was given back by frame_unref() that was not taken by "
                               "frame_ref(); a frame that comes in a call is borrowed");
        return;
    }
    check_frame_unref(frame, done);
}

/* ---- buffers ---- */

struct buffer {
    struct oriel_buffer public;
    unsigned refs;
    _Alignas(16) uint8_t headroom[HEADROOM];
    uint8_t bytes[];
};

const struct oriel_buffer *check_buffer_new(const void *data, uint64_t bytes)
{
    struct buffer *buffer = malloc(sizeof *buffer + (size_t)bytes);
    if (!buffer)
        return NULL;
    buffer->public = (struct oriel_buffer){sizeof buffer->public, HEADROOM, buffer->bytes, bytes};
    buffer->refs = 1;
    if (bytes)
        memcpy(buffer->bytes, data, (size_t)bytes);
    return &buffer->public;
}

unsigned check_buffer_refs(const struct oriel_buffer *buffer)
{
    return __atomic_load_n(&((const struct buffer *)buffer)->refs, __ATOMIC_ACQUIRE);
}

void check_buffer_unref(const struct oriel_buffer *buffer)
{
    struct buffer *own = (struct buffer *)(uintptr_t)buffer;
    unsigned before = own ? __atomic_fetch_sub(&own->refs, 1, __ATOMIC_ACQ_REL) : 0;
    CHECK(!own || before > 0);
    if (before == 1)
        free(own);
}

static const struct oriel_buffer *host_buffer_new(const struct oriel_host *host, const void *data,
                                                  uint64_t bytes)
{
    const struct oriel_buffer *buffer = check_buffer_new(data, bytes);
    if (buffer)
        __atomic_add_fetch(&of(host)->buffers, 1, __ATOMIC_RELAXED);
    return buffer;
}

static void host_buffer_ref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    __atomic_add_fetch(&of(host)->buffers, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&((struct buffer *)(uintptr_t)buffer)->refs, 1, __ATOMIC_RELAXED);
}

static void host_buffer_unref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    struct check_host *self = of(host);
    if (!buffer)
        return;
    if (__atomic_sub_fetch(&self->buffers, 1, __ATOMIC_RELAXED) < 0) {
        __atomic_add_fetch(&self->buffers, 1, __ATOMIC_RELAXED);
        check_blame(self->run, "a buffer was given back by buffer_unref() that was neither made "
                               "by buffer_new() nor taken by buffer_ref()");
        return;
    }
    check_buffer_unref(buffer);
}

/* ---- interfaces ---- */

static oriel_result map_frame(const struct oriel_host *host, const struct oriel_frame *frame,
                              struct oriel_plane *planes)
{
    if (frame->format.domain != ORIEL_DOMAIN_CPU)
        return host->fail(host, ORIEL_UNSUPPORTED, "only frames in CPU memory can be mapped");
    memset(planes, 0, ORIEL_MAX_PLANES * sizeof *planes);
    for (uint32_t i = 0; i < frame->plane_count; i++) {
        planes[i] = frame->planes[i];
        planes[i].handle += planes[i].offset;
        planes[i].offset = 0;
    }
    host_frame_ref(host, frame);
    return ORIEL_OK;
}

static void unmap_frame(const struct oriel_host *host, const struct oriel_frame *frame)
{
    host_frame_unref(host, frame, NULL);
}

static const struct oriel_host_map host_map = {
    .size = sizeof host_map, .map = map_frame, .unmap = unmap_frame};

static const void *host_get_interface(const struct oriel_host *host, const char *id)
{
    struct check_host *self = of(host);
    if (!id)
        check_blame(self->run, "host->get_interface() was called without an id");
    if (!id || self->kind == CHECK_HOST_MINIMAL)
        return NULL;
    for (unsigned i = 0; i < self->offer_count; i++) {
        if (strcmp(self->offers[i].id, id) == 0)
            return self->offers[i].pointer;
    }
    return NULL;
}

void check_host_offer(struct check_host *host, const char *id, const void *pointer)
{
    CHECK(host->offer_count < sizeof host->offers / sizeof host->offers[0]);
    host->offers[host->offer_count].id = id;
    host->offers[host->offer_count++].pointer = pointer;
}

struct check_host *check_host_new(struct check_run *run, enum check_host_kind kind)
{
    bool future = kind == CHECK_HOST_FUTURE;
    struct check_host *self = check_keep(sizeof *self);
    self->run = run;
    self->kind = kind;
    /* As a pointer it is not even an address: whoever calls it crashes. */
    memset(self->poison, 0xA5, sizeof self->poison);
    self->host = (struct oriel_host){
        .size = (uint32_t)(sizeof self->host + (future ? sizeof self->poison : 0)),
        .abi_minor = ORIEL_ABI_MINOR + (future ? 7 : 0),
        .data = self->poison,
        .log = host_log,
        .fail = host_fail,
        .now_ns = host_now_ns,
        .frame_ref = host_frame_ref,
        .frame_unref = host_frame_unref,
        .buffer_new = host_buffer_new,
        .buffer_ref = host_buffer_ref,
        .buffer_unref = host_buffer_unref,
        .get_interface = host_get_interface,
    };
    check_host_offer(self, ORIEL_HOST_MAP_V1, &host_map);
    return self;
}
