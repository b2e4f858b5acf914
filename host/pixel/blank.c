/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/blank.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/cuda.h"
#include "module/services.h"
#include "util/check.h"
#include "util/clock.h"

#define ALIGN 256u /* of rows and planes: enough for every domain */
#define STEP 6u    /* rows from one picture to the next; even, so that chroma moves along */

struct plane {
    uint32_t row, rows; /* bytes and rows of a picture */
    uint32_t step;      /* rows from one picture to the next */
    uint32_t stride;
    uint64_t offset;      /* in the memory */
    uint32_t base, swing; /* level without a blob, height of one */
};

/* All pictures are windows into the same planes, which have some rows more than one of them. */
struct blank {
    struct oriel_format format;
    atomic_uint references; /* the maker's and the frames' */
    uint32_t plane_count;
    struct plane planes[3];
    uint64_t bytes;
    uint8_t *memory;
    const struct oriel_frame *copies[BLANK_COUNT]; /* on the GPU; only there */
};

static bool layout(struct blank *blank, enum blank_kind kind)
{
    uint32_t w = blank->format.width, h = blank->format.height;
    uint32_t cw = (w + 1) / 2, ch = (h + 1) / 2;
    const struct plane luma = {.row = w, .rows = h, .step = STEP, .base = 24, .swing = 150};
    const struct plane chroma = {.row = cw, .rows = ch, .step = STEP / 2, .base = 112, .swing = 32};
    struct plane *planes = blank->planes;
    blank->plane_count = 3;
    planes[0] = luma;
    planes[1] = planes[2] = chroma;
    switch (blank->format.fourcc) {
    case ORIEL_FMT_RGBA:
        planes[0].row = 4 * w;
        blank->plane_count = 1;
        break;
    case ORIEL_FMT_P010:
        planes[0].row = 2 * w;
        planes[1].row = 4 * cw;
        blank->plane_count = 2;
        break;
    case ORIEL_FMT_NV12:
        planes[1].row = 2 * cw;
        blank->plane_count = 2;
        break;
    case ORIEL_FMT_I420:
        break;
    case ORIEL_FMT_I444:
        planes[1] = planes[2] = luma;
        planes[1].base = planes[2].base = chroma.base;
        planes[1].swing = planes[2].swing = chroma.swing;
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; i < blank->plane_count; i++) {
        if (kind == BLANK_PLAIN)
            planes[i].step = 0;
        planes[i].stride = (planes[i].row + ALIGN - 1) / ALIGN * ALIGN;
        planes[i].offset = blank->bytes;
        blank->bytes += (uint64_t)planes[i].stride *
                        (planes[i].rows + (BLANK_COUNT - 1) * (uint64_t)planes[i].step);
    }
    return true;
}

/* A bump of 0..255 that comes back every `period`. */
static uint32_t bump(uint32_t at, uint32_t period)
{
    uint32_t phase = at % period * 512 / period;
    uint32_t rise = phase < 256 ? phase : 511 - phase;
    return rise * rise >> 8;
}

/* Rows, after which all comes again: farther than encoders search for motion. */
#define PERIOD 97u

/* Blobs 73 samples wide and PERIOD rows high, and noise of ±8 on top. `deep`: samples of 16 bits,
 * ten of them used. */
static void fill_microscopy(uint8_t *memory, const struct plane *plane, bool deep)
{
    uint32_t noise = 2463534242u, count = deep ? plane->row / 2 : plane->row;
    uint32_t rows = plane->rows + (BLANK_COUNT - 1) * plane->step;
    uint8_t *wave = xcalloc(count, 1);
    for (uint32_t x = 0; x < count; x++)
        wave[x] = (uint8_t)bump(x, 73);
    for (uint32_t y = 0; y < rows; y++) {
        uint8_t *row = memory + plane->offset + (uint64_t)y * plane->stride;
        uint32_t high = bump(y, PERIOD) * plane->swing >> 8;
        if (y >= PERIOD) {
            memcpy(row, row - (uint64_t)PERIOD * plane->stride, plane->stride);
            continue;
        }
        for (uint32_t x = 0; x < count; x++) {
            if (x % 4 == 0) { /* xorshift: one word for four samples */
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
            }
            uint32_t value = plane->base + (wave[x] * high >> 8) + (noise >> (8 * (x % 4)) & 15);
            if (deep)
                row[2 * x] = 0;
            row[deep ? 2 * x + 1 : x] = (uint8_t)value;
        }
        memset(row + plane->row, 0, plane->stride - plane->row);
    }
    free(wave);
}

static void fill_plain(uint8_t *memory, const struct plane *plane)
{
    for (uint32_t y = 0; y < plane->rows; y++)
        memset(memory + plane->offset + (uint64_t)y * plane->stride,
               (int)(plane->base + (uint64_t)y * plane->swing / plane->rows), plane->stride);
}

static void blank_unref(struct blank *blank)
{
    if (atomic_fetch_sub(&blank->references, 1) > 1)
        return;
    for (unsigned i = 0; i < BLANK_COUNT; i++)
        frame_unref(blank->copies[i]);
    free(blank->memory);
    free(blank);
}

static void place(const struct blank *blank, unsigned index, struct oriel_frame *frame)
{
    frame->size = sizeof *frame;
    frame->plane_count = blank->plane_count;
    frame->format = blank->format;
    for (uint32_t i = 0; i < blank->plane_count; i++) {
        const struct plane *plane = &blank->planes[i];
        uint64_t first = (uint64_t)index * plane->step * plane->stride;
        frame->planes[i] =
            (struct oriel_plane){.handle = (uintptr_t)(blank->memory + plane->offset + first),
                                 .stride = plane->stride,
                                 .rows = plane->rows};
    }
}

static bool copy_to_cuda(struct blank *blank, enum blank_kind kind, struct error *err)
{
    for (unsigned i = 0; i < (kind == BLANK_PLAIN ? 1 : BLANK_COUNT); i++) {
        struct oriel_frame frame = {0};
        place(blank, i, &frame);
        frame.format.domain = ORIEL_DOMAIN_CPU;
        blank->copies[i] = cuda_frame_copy(&frame, err);
        if (!blank->copies[i])
            return false;
    }
    return true;
}

struct blank *blank_create(const struct oriel_format *format, enum blank_kind kind,
                           struct error *err)
{
    struct blank *blank = xcalloc(1, sizeof *blank);
    blank->format = *format;
    atomic_store(&blank->references, 1);
    bool cuda = format->domain == ORIEL_DOMAIN_CUDA;
    if ((format->domain != ORIEL_DOMAIN_CPU && !cuda) || !layout(blank, kind)) {
        error_set(err, "no test picture of its format can be made up");
        blank_unref(blank);
        return NULL;
    }
    blank->memory = aligned_alloc(ALIGN, blank->bytes);
    if (!blank->memory) {
        error_set(err, "no memory for a test picture");
        blank_unref(blank);
        return NULL;
    }
    for (uint32_t i = 0; i < blank->plane_count; i++) {
        if (kind == BLANK_PLAIN)
            fill_plain(blank->memory, &blank->planes[i]);
        else
            fill_microscopy(blank->memory, &blank->planes[i], format->fourcc == ORIEL_FMT_P010);
    }
    if (cuda && !copy_to_cuda(blank, kind, err)) {
        blank_unref(blank);
        return NULL;
    }
    return blank;
}

void blank_destroy(struct blank *blank)
{
    if (blank)
        blank_unref(blank);
}

/* Its frame has no pool: what an encoder keeps of a pool's memory would outlive this one. */
struct picture {
    struct oriel_frame frame; /* first */
    struct blank *blank;
};

static void release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done; /* who reads on a device has finished before it lets go */
    struct picture *picture = (struct picture *)(uintptr_t)frame;
    blank_unref(picture->blank);
    free(picture);
}

const struct oriel_frame *blank_frame(struct blank *blank, unsigned index)
{
    struct picture *picture = xcalloc(1, sizeof *picture);
    struct oriel_frame *frame = &picture->frame;
    int64_t now = clock_ns();
    atomic_fetch_add(&blank->references, 1);
    picture->blank = blank;
    index %= BLANK_COUNT;
    if (blank->copies[0])
        *frame = *blank->copies[blank->copies[index] ? index : 0];
    else
        place(blank, index, frame);
    frame->release = release;
    frame->pool = NULL;
    frame->host_count = NULL;
    frame->stamp = (struct oriel_stamp){.pts_ns = now,
                                        .t_begin_ns = now,
                                        .t_drawn_ns = now,
                                        .t_captured_ns = now,
                                        .coverage = 1.0f};
    return frame_ref(frame);
}
