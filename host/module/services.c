/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/services.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "oriel/host_map.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

#define HEADROOM 64u
#define LARGEST (UINT64_C(1) << 38) /* no picture is; a number that large is a mistake */
#define MAX_INTERFACES 16
#define FENCE_KINDS 5
/* No picture takes as long: a GPU that has not finished by then is stuck. */
#define LOST_AFTER_NS (5 * NS_PER_S)

struct services {
    struct oriel_host host; /* first: an oriel_host of ours is a struct services */
    enum log_area area;
    char label[];
};

/* ---- failures ---- */

static _Thread_local char failure[1024];
static _Thread_local bool failed;

const char *services_failure(void)
{
    const char *text = failed ? failure : "";
    failed = false;
    return text;
}

static oriel_result host_fail(const struct oriel_host *host, oriel_result result, const char *text)
{
    (void)host;
    snprintf(failure, sizeof failure, "%s", text ? text : "");
    failed = true;
    return result;
}

/* ---- log and clock ---- */

static void host_log(const struct oriel_host *host, uint32_t level, const char *text)
{
    const struct services *services = (const struct services *)host;
    if (level < LOG_ERROR || level > LOG_TRACE)
        level = LOG_INFO;
    log_at(services->area, (enum log_level)level, "%s: %s", services->label, text ? text : "");
}

static int64_t host_now_ns(const struct oriel_host *host)
{
    (void)host;
    return clock_ns();
}

/* ---- frames ---- */

/* The count is kept in the pointer-sized field itself: NULL is 0, and no frame costs an allocation.
 */
_Static_assert(sizeof(void *) == sizeof(uintptr_t), "the count fits a pointer");

static uintptr_t *frame_count(const struct oriel_frame *frame)
{
    return (uintptr_t *)(uintptr_t)&frame->host_count;
}

const struct oriel_frame *frame_ref(const struct oriel_frame *frame)
{
    __atomic_fetch_add(frame_count(frame), 1, __ATOMIC_RELAXED);
    return frame;
}

/* Fences of readers that let go before the last one did. Few frames are ever here, and a frame
 * without device readers never is. Several readers' fences: the one that was given last stands for
 * all, which is right for readers on one stream of one device. */
static pthread_mutex_t parked_lock = PTHREAD_MUTEX_INITIALIZER;
static struct parked {
    struct parked *next;
    const struct oriel_frame *frame;
    struct oriel_fence fence;
} * parked;

static void park(const struct oriel_frame *frame, const struct oriel_fence *fence)
{
    pthread_mutex_lock(&parked_lock);
    struct parked *at = parked;
    while (at && at->frame != frame)
        at = at->next;
    if (!at) {
        at = xcalloc(1, sizeof *at);
        at->frame = frame;
        at->next = parked;
        __atomic_store_n(&parked, at, __ATOMIC_RELEASE);
    }
    at->fence = *fence;
    pthread_mutex_unlock(&parked_lock);
}

static struct oriel_fence unpark(const struct oriel_frame *frame)
{
    struct oriel_fence fence = {.kind = ORIEL_FENCE_NONE};
    if (!__atomic_load_n(&parked, __ATOMIC_ACQUIRE))
        return fence;
    pthread_mutex_lock(&parked_lock);
    for (struct parked **at = &parked; *at; at = &(*at)->next) {
        if ((*at)->frame != frame)
            continue;
        struct parked *found = *at;
        fence = found->fence;
        __atomic_store_n(at, found->next, __ATOMIC_RELEASE);
        free(found);
        break;
    }
    pthread_mutex_unlock(&parked_lock);
    return fence;
}

/* A fence is parked before the count goes down, so that whoever is last finds it. */
static void frame_unref_done(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    if (done && done->kind != ORIEL_FENCE_NONE)
        park(frame, done);
    uintptr_t before = __atomic_fetch_sub(frame_count(frame), 1, __ATOMIC_ACQ_REL);
    CHECK(before > 0);
    if (before == 1) {
        struct oriel_fence fence = unpark(frame);
        frame->release(frame, &fence);
    }
}

void frame_unref(const struct oriel_frame *frame)
{
    if (frame)
        frame_unref_done(frame, NULL);
}

static void host_frame_ref(const struct oriel_host *host, const struct oriel_frame *frame)
{
    (void)host;
    frame_ref(frame);
}

static void host_frame_unref(const struct oriel_host *host, const struct oriel_frame *frame,
                             const struct oriel_fence *done)
{
    (void)host;
    if (frame)
        frame_unref_done(frame, done);
}

/* ---- fences ---- */

typedef bool fence_wait(const struct oriel_fence *fence, struct error *err);
static bool flag_wait(const struct oriel_fence *fence, struct error *err);
static fence_wait *fence_waits[FENCE_KINDS] = {[ORIEL_FENCE_FLAG] = flag_wait};

void services_set_fence_wait(uint32_t kind, fence_wait *wait)
{
    CHECK(kind > ORIEL_FENCE_NONE && kind < FENCE_KINDS);
    __atomic_store_n(&fence_waits[kind], wait, __ATOMIC_RELEASE);
}

/* A flag of a module: awake for a while, then asleep on it. */
static bool flag_wait(const struct oriel_fence *fence, struct error *err)
{
    uint32_t *flag = (uint32_t *)(uintptr_t)fence->handle, value; /* the module's to write */
    int64_t begun = clock_ns(), awake = begun + thread_awake_ns(), now = begun;
    while (!(value = __atomic_load_n(flag, __ATOMIC_ACQUIRE)) && now < begun + LOST_AFTER_NS) {
        if (now >= awake) {
            struct timespec most = {.tv_nsec = 100 * NS_PER_MS};
            syscall(SYS_futex, flag, FUTEX_WAIT_PRIVATE, 0, &most, NULL, 0);
        }
        now = clock_ns();
    }
    if (value == 1)
        return true;
    return error_set(err, value ? "the picture was lost on the GPU" : "the GPU does not answer");
}

static oriel_result wait_for(const struct oriel_fence *fence, struct error *err)
{
    fence_wait *wait = NULL;
    if (fence->kind == ORIEL_FENCE_NONE || fence->kind == ORIEL_FENCE_GLSYNC)
        return ORIEL_OK;
    if (fence->kind < FENCE_KINDS)
        wait = __atomic_load_n(&fence_waits[fence->kind], __ATOMIC_ACQUIRE);
    if (wait)
        return wait(fence, err) ? ORIEL_OK : ORIEL_DEVICE_LOST;
    error_set(err, "nothing here waits for fences of kind %u", fence->kind);
    return ORIEL_UNSUPPORTED;
}

bool frame_wait(const struct oriel_frame *frame, struct error *err)
{
    return wait_for(&frame->ready, err) == ORIEL_OK;
}

/* ---- oriel.host.map/1 ---- */

static oriel_result map_frame(const struct oriel_host *host, const struct oriel_frame *frame,
                              struct oriel_plane *planes)
{
    if (frame->format.domain != ORIEL_DOMAIN_CPU)
        return host->fail(host, ORIEL_UNSUPPORTED,
                          "only frames in CPU memory can be mapped; ask for a CPU format instead");
    struct error err;
    oriel_result ready = wait_for(&frame->ready, &err);
    if (ready != ORIEL_OK)
        return host->fail(host, ready, err.text);
    if (frame->plane_count > ORIEL_MAX_PLANES)
        return host->fail(host, ORIEL_INVALID, "the frame has more planes than there are");
    for (uint32_t i = 0; i < ORIEL_MAX_PLANES; i++) {
        planes[i] = (struct oriel_plane){0};
        if (i >= frame->plane_count)
            continue;
        planes[i] = frame->planes[i];
        planes[i].handle += planes[i].offset;
        planes[i].offset = 0;
    }
    frame_ref(frame);
    return ORIEL_OK;
}

static void unmap_frame(const struct oriel_host *host, const struct oriel_frame *frame)
{
    (void)host;
    frame_unref(frame);
}

static const struct oriel_host_map host_map = {
    .size = sizeof host_map, .map = map_frame, .unmap = unmap_frame};

/* ---- buffers ---- */

/* One allocation: this head, the headroom, the bytes, which a buffer around other memory has not.
 */
struct buffer {
    struct oriel_buffer public;
    atomic_uint refs;
    void (*release)(void *owner, const struct oriel_buffer *buffer); /* of wrapped memory */
    void *owner;
    _Alignas(64) uint8_t headroom[HEADROOM];
    uint8_t bytes[];
};

const struct oriel_buffer *buffer_create(uint64_t bytes, uint8_t **data)
{
    if (bytes > LARGEST)
        return NULL;
    /* aligned_alloc wants a multiple of the alignment */
    size_t size = (sizeof(struct buffer) + (size_t)bytes + 63) & ~(size_t)63;
    struct buffer *buffer = aligned_alloc(64, size);
    if (!buffer)
        return NULL;
    buffer->public = (struct oriel_buffer){
        .size = sizeof buffer->public,
        .headroom = HEADROOM,
        .data = buffer->bytes,
        .bytes = bytes,
    };
    atomic_init(&buffer->refs, 1);
    buffer->release = NULL;
    *data = buffer->bytes;
    return &buffer->public;
}

const struct oriel_buffer *
buffer_wrap(const uint8_t *data, uint64_t bytes,
            void (*release)(void *owner, const struct oriel_buffer *buffer), void *owner)
{
    struct buffer *buffer = aligned_alloc(64, sizeof *buffer);
    if (!buffer)
        return NULL;
    buffer->public =
        (struct oriel_buffer){.size = sizeof buffer->public, .data = data, .bytes = bytes};
    atomic_init(&buffer->refs, 1);
    buffer->release = release;
    buffer->owner = owner;
    return &buffer->public;
}

const struct oriel_buffer *buffer_ref(const struct oriel_buffer *buffer)
{
    struct buffer *own = (struct buffer *)(uintptr_t)buffer;
    atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
    return buffer;
}

void buffer_unref(const struct oriel_buffer *buffer)
{
    if (!buffer)
        return;
    struct buffer *own = (struct buffer *)(uintptr_t)buffer;
    unsigned before = atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before != 1)
        return;
    if (own->release)
        own->release(own->owner, buffer);
    free(own);
}

static const struct oriel_buffer *host_buffer_new(const struct oriel_host *host, const void *data,
                                                  uint64_t bytes)
{
    (void)host;
    uint8_t *to;
    const struct oriel_buffer *buffer = buffer_create(bytes, &to);
    if (buffer && bytes)
        memcpy(to, data, (size_t)bytes);
    return buffer;
}

static void host_buffer_ref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    (void)host;
    buffer_ref(buffer);
}

static void host_buffer_unref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    (void)host;
    buffer_unref(buffer);
}

/* ---- interfaces ---- */

static pthread_mutex_t interfaces_lock = PTHREAD_MUTEX_INITIALIZER;
static struct interface {
    char id[64];
    const void *pointer;
} interfaces[MAX_INTERFACES] = {{ORIEL_HOST_MAP_V1, &host_map}};

void services_set_interface(const char *id, const void *interface)
{
    CHECK(strlen(id) < sizeof interfaces[0].id);
    pthread_mutex_lock(&interfaces_lock);
    struct interface *at = interfaces;
    while (at->id[0] && strcmp(at->id, id) != 0) {
        at++;
        CHECK(at < interfaces + MAX_INTERFACES);
    }
    strcpy(at->id, id);
    at->pointer = interface;
    pthread_mutex_unlock(&interfaces_lock);
}

static _Thread_local struct {
    const char *id;
    const void *pointer;
} own;

void services_set_thread_interface(const char *id, const void *interface)
{
    CHECK(!own.pointer || strcmp(own.id, id) == 0);
    own.id = id;
    own.pointer = interface;
}

static const void *host_get_interface(const struct oriel_host *host, const char *id)
{
    (void)host;
    if (own.pointer && strcmp(own.id, id) == 0)
        return own.pointer;
    const void *found = NULL;
    pthread_mutex_lock(&interfaces_lock);
    for (size_t i = 0; i < MAX_INTERFACES && interfaces[i].id[0]; i++) {
        if (strcmp(interfaces[i].id, id) == 0)
            found = interfaces[i].pointer;
    }
    pthread_mutex_unlock(&interfaces_lock);
    return found;
}

/* ---- one instance's services ---- */

static enum log_area area_of(const char *label)
{
    static const struct {
        const char *kind;
        enum log_area area;
    } areas[] = {
        {"encode/", LOG_PIXEL}, {"capture/", LOG_RENDER},      {"scene/", LOG_RENDER},
        {"source/", LOG_DATA},  {"transport/", LOG_TRANSPORT},
    };
    for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++) {
        if (strncmp(label, areas[i].kind, strlen(areas[i].kind)) == 0)
            return areas[i].area;
    }
    return LOG_MODULE;
}

struct oriel_host *services_create(const char *label)
{
    size_t length = strlen(label) + 1;
    struct services *services = xcalloc(1, sizeof *services + length);
    memcpy(services->label, label, length);
    services->area = area_of(label);
    services->host = (struct oriel_host){
        .size = sizeof services->host,
        .abi_minor = ORIEL_ABI_MINOR,
        .data = services,
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
    return &services->host;
}

void services_destroy(struct oriel_host *host)
{
    free(host);
}
