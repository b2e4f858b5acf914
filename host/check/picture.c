/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/picture.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/check.h"

#define ALIGN 64u
#define PTS_NS INT64_C(33366700)

struct picture {
    struct picture *next;      /* of all, for the handler */
    struct oriel_frame *frame; /* at the start of the memory */
    uint8_t *memory;
    size_t bytes;
    bool over; /* the last reference is gone; atomic */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct picture *all;

bool picture_plane(const struct oriel_format *format, uint32_t plane, uint32_t *row_bytes,
                   uint32_t *rows)
{
    uint32_t w = format->width, h = format->height, unit = 1;
    uint32_t half_w = w / 2 + w % 2, half_h = h / 2 + h % 2;
    switch (format->fourcc) {
    case ORIEL_FMT_RGBA:
        *row_bytes = w * 4;
        *rows = h;
        return plane < 1;
    case ORIEL_FMT_P010:
        unit = 2; /* fallthrough */
    case ORIEL_FMT_NV12:
        *row_bytes = (plane ? half_w * 2 : w) * unit;
        *rows = plane ? half_h : h;
        return plane < 2;
    case ORIEL_FMT_I420:
        *row_bytes = plane ? half_w : w;
        *rows = plane ? half_h : h;
        return plane < 3;
    case ORIEL_FMT_I444:
        *row_bytes = w;
        *rows = h;
        return plane < 3;
    }
    return false;
}

bool picture_possible(const struct oriel_format *format)
{
    uint32_t row_bytes, rows;
    return format->domain == ORIEL_DOMAIN_CPU && picture_plane(format, 0, &row_bytes, &rows);
}

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

static void on_release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    struct picture *picture = frame->pool;
    (void)done;
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
    uint32_t row_bytes, rows;
    size_t at = (sizeof *frame + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    frame->plane_count = 0;
    for (uint32_t i = 0; picture_plane(format, i, &row_bytes, &rows); i++) {
        uint32_t stride = (row_bytes + ALIGN - 1) / ALIGN * ALIGN + ALIGN;
        frame->planes[i] = (struct oriel_plane){.offset = at, .stride = stride, .rows = rows};
        at += (size_t)stride * rows;
        frame->plane_count++;
    }
    return at;
}

static struct oriel_stamp stamp_of(uint64_t seq)
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

struct picture *picture_new(const struct oriel_format *format, uint64_t seq)
{
    struct oriel_frame frame = {.size = sizeof frame};
    struct picture *self = xcalloc(1, sizeof *self);
    self->bytes = lay_out(format, &frame);
    self->memory =
        mmap(NULL, self->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (self->memory == MAP_FAILED) {
        free(self);
        return NULL;
    }
    for (uint32_t i = 0; i < frame.plane_count; i++) {
        struct oriel_plane *plane = &frame.planes[i];
        uint32_t row_bytes, rows;
        picture_plane(format, i, &row_bytes, &rows);
        for (uint32_t y = 0; y < rows; y++)
            paint(self->memory + plane->offset + (size_t)y * plane->stride, row_bytes, i, y, seq);
        plane->handle = (uint64_t)(uintptr_t)self->memory;
        if (seq % 2 == 0) {
            plane->handle += plane->offset;
            plane->offset = 0;
        }
    }
    frame.format = *format;
    frame.stamp = stamp_of(seq);
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
    return self;
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
    munmap(picture->memory, picture->bytes);
    free(picture);
}
