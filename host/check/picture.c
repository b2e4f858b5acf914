/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/picture.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check/frame_read.h"
#include "check/gl.h"
#include "cuda/cuda.h"
#include "module/services.h"
#include "util/check.h"

#define ALIGN 64u
#define PTS_NS INT64_C(33366700)

struct picture {
    struct picture *next;      /* of all, for the handler */
    struct oriel_frame *frame; /* at the start of the memory */
    uint8_t *memory;
    size_t bytes;
    const struct oriel_frame *device; /* its samples in CUDA memory, or NULL */
    uint32_t ready;                   /* of its fence */
    bool over;                        /* the last reference is gone; atomic */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct picture *all;

/* ---- who reaches into what it does not hold ---- */

static bool within(const struct picture *picture, const uint8_t *address)
{
    return address >= picture->memory && address < picture->memory + picture->bytes;
}

static struct sigaction others; /* what SIGSEGV did before */

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    static const char said[] =
        "it reached into a frame that it has no reference to; one that is needed after encode() "
        "returns is kept with frame_ref()\n";
    (void)context;
    for (const struct picture *at = all; at; at = at->next) {
        if (within(at, info->si_addr) && write(STDERR_FILENO, said, sizeof said - 1) > 0)
            break;
    }
    sigaction(signal_number, &others, NULL); /* the instruction comes again */
}

void picture_watch(void)
{
    static bool watching;
    if (watching)
        return;
    watching = true;
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = on_fault;
    sigaction(SIGSEGV, &action, &others);
}

/* ---- pictures ---- */

static void release_device(struct picture *picture)
{
    frame_unref(picture->device);
    picture->device = NULL;
}

static void on_release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    struct picture *picture = frame->pool;
    struct error err;
    if (done && done->kind == ORIEL_FENCE_CUDA_EVENT)
        cuda_fence_wait(done, &err);
    release_device(picture);
    __atomic_store_n(&picture->over, true, __ATOMIC_RELEASE);
    mprotect(picture->memory, picture->bytes, PROT_NONE);
}

/* Gradients that move, with noise on every eighth row, so that no encoder finds nothing to do. */
static void paint(uint8_t *row, uint32_t bytes, uint32_t plane, uint32_t y, uint64_t seq)
{
    uint64_t state = seq * 1000003 + y;
    for (uint32_t x = 0; x < bytes; x++) {
        uint32_t noise = y % 8 == 0 ? (uint32_t)(check_random(&state) & 31) : 0;
        row[x] = (uint8_t)(64 + plane * 32 + (x + y * 2 + seq * 3) % 96 + noise);
    }
}

static size_t lay_out(const struct oriel_format *format, struct oriel_frame *frame)
{
    size_t at = (sizeof *frame + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    frame->plane_count = frame_plane_count(format);
    for (uint32_t i = 0; i < frame->plane_count; i++) {
        uint32_t rows = frame_rows(format, i);
        uint32_t stride = (frame_row_bytes(format, i) + ALIGN - 1) / ALIGN * ALIGN + ALIGN;
        frame->planes[i] = (struct oriel_plane){.offset = at, .stride = stride, .rows = rows};
        at += (size_t)stride * rows;
    }
    return at;
}

struct oriel_stamp picture_stamp(uint64_t seq)
{
    int64_t pts = (int64_t)seq * PTS_NS + 1000000007;
    return (struct oriel_stamp){
        .seq = seq,
        .revision = seq * 7 + 3,
        .pts_ns = pts,
        .t_input_ns = pts - 4000001,
        .t_begin_ns = pts - 3000002,
        .t_drawn_ns = pts + 1000003,
        .t_captured_ns = pts + 2000004,
        .flags = ORIEL_FRAME_COMPLETE,
        .level = (uint32_t)(seq % 3),
        .level_count = 3,
        .coverage = 0.5f,
        .outstanding = seq * 11,
    };
}

/* A handle for each plane, or one for all. */
static void share_handle(struct oriel_frame *frame, bool share)
{
    for (uint32_t i = 0; i < frame->plane_count && !share; i++) {
        frame->planes[i].handle += frame->planes[i].offset;
        frame->planes[i].offset = 0;
    }
}

/* The same planes in the device's memory. */
static bool go_to_device(struct picture *self, struct oriel_frame *frame, struct error *err)
{
    self->device = cuda_frame_copy(frame, err);
    if (!self->device)
        return false;
    memcpy(frame->planes, self->device->planes, sizeof frame->planes);
    frame->format.domain = ORIEL_DOMAIN_CUDA;
    return true;
}

/* What a capture module has there. A host waits for it before it gives the frame to an encoder. */
static bool set_fence(struct picture *self, struct oriel_frame *frame, struct error *err)
{
    self->ready = 1;
    frame->ready =
        (struct oriel_fence){.handle = (uintptr_t)&self->ready, .kind = ORIEL_FENCE_FLAG};
    if (frame->format.domain == ORIEL_DOMAIN_CUDA && !gl_cuda_event(&frame->ready))
        return error_set(err, "CUDA made no event");
    return frame_wait(frame, err);
}

struct picture *picture_new(const struct oriel_format *format, uint64_t seq,
                            const struct picture_style *style, struct error *err)
{
    static const struct picture_style plain;
    struct oriel_frame frame = {
        .size = sizeof frame, .format = *format, .stamp = picture_stamp(seq)};
    struct picture *self = xcalloc(1, sizeof *self);
    style = style ? style : &plain;
    self->bytes = lay_out(format, &frame);
    self->memory =
        mmap(NULL, self->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (self->memory == MAP_FAILED) {
        free(self);
        error_set(err, "out of memory");
        return NULL;
    }
    for (uint32_t i = 0; i < frame.plane_count; i++) {
        struct oriel_plane *plane = &frame.planes[i];
        for (uint32_t y = 0; y < plane->rows; y++)
            paint(self->memory + plane->offset + (size_t)y * plane->stride,
                  frame_row_bytes(format, i), i, y, seq);
        plane->handle = (uint64_t)(uintptr_t)self->memory;
    }
    frame.stamp.flags |= style->flags;
    frame.format.domain = ORIEL_DOMAIN_CPU;
    bool good = format->domain != ORIEL_DOMAIN_CUDA || go_to_device(self, &frame, err);
    good = good && (!style->fenced || set_fence(self, &frame, err));
    share_handle(&frame, seq % 2);
    frame.release = on_release;
    frame.pool = self;
    self->frame = (struct oriel_frame *)(void *)self->memory;
    *self->frame = frame;
    check_frame_ref(self->frame);
    picture_watch();
    pthread_mutex_lock(&lock);
    self->next = all;
    all = self;
    pthread_mutex_unlock(&lock);
    if (good)
        return self;
    picture_free(self);
    return NULL;
}

const struct oriel_frame *picture_frame(const struct picture *picture)
{
    return picture->frame;
}

bool picture_held(const struct picture *picture)
{
    return !__atomic_load_n(&picture->over, __ATOMIC_ACQUIRE);
}

void picture_free(struct picture *picture)
{
    pthread_mutex_lock(&lock);
    struct picture **at = &all;
    while (*at != picture)
        at = &(*at)->next;
    *at = picture->next;
    pthread_mutex_unlock(&lock);
    release_device(picture);
    munmap(picture->memory, picture->bytes);
    free(picture);
}
