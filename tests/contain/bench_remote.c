/* SPDX-License-Identifier: BSD-3-Clause */
/* What it costs to run an encoder in another process, picture by picture in turn, so that whatever
 * else the machine does meets both. The rows are those of docs/containment.md. No test:
 * bench_remote [ROUNDS] */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "encode/harness.h"
#include "encode/picture.h"

enum { PICTURES = 60, KEPT = 8, MAX_ROUNDS = 99 };

struct cost {
    double here, there;
};

static const struct encoder {
    const char *id, *options, *codec;
} encoders[] = {
    {"encode/x264", "keyint=100000", "h264"},
    {"encode/openh264", "keyint=100000", "h264"},
    {"encode/jpeg", "", "jpeg"},
};
static const uint32_t sizes[][2] = {{1280, 720}, {1920, 1080}};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[count / 2];
}

/* As a capture makes them, and as they are in the other process. */
static struct oriel_frame *aligned_frame(const struct oriel_format *format)
{
    struct oriel_frame *frame = frame_create(format);
    for (uint32_t i = 0; i < frame->plane_count; i++) {
        struct oriel_plane *plane = &frame->planes[i];
        free((void *)(uintptr_t)plane->handle);
        plane->offset = 0;
        plane->stride = ((i ? format->width / 2 : format->width) + 63) & ~63u;
        plane->handle = (uintptr_t)aligned_alloc(
            4096, ((size_t)plane->stride * plane->rows + 4095) & ~(size_t)4095);
    }
    return frame;
}

static double took_ms(struct rig *rig, const struct oriel_frame *frame)
{
    if (rig_encode(rig, frame, 0) != ORIEL_OK)
        fail_msg("%s", rig->failure);
    const struct oriel_packet *packet = &rig->packets[rig->count - 1].packet;
    double ms = (double)(packet->t_done_ns - packet->t_submit_ns) * 1e-6;
    rig_forget_packets(rig);
    return ms;
}

static void must_create(struct rig *rig, const char *id, const char *set,
                        const struct oriel_format *format)
{
    const struct oriel_encoder *encoder = module_open(id, NULL);
    if (!encoder || rig_create(rig, encoder, set, format, 60) != ORIEL_OK)
        fail_msg("%s: %s", id, encoder ? rig->failure : "not built");
}

static struct cost measure(const struct encoder *encoder, const struct oriel_format *format,
                           struct oriel_frame **frames)
{
    double here[PICTURES], there[PICTURES];
    struct rig rigs[2];
    char text[1024];
    snprintf(text, sizeof text, "module=%s codec=%s program=%s deadline_ms=0", encoder->id,
             encoder->codec, getenv("ORIEL_BINARY"));
    must_create(&rigs[0], encoder->id, encoder->options, format);
    must_create(&rigs[1], "encode/remote", text, format);
    took_ms(&rigs[0], frames[0]);
    took_ms(&rigs[1], frames[0]);
    for (int i = 0; i < PICTURES; i++) {
        bool first = i / KEPT % 2; /* who comes second finds the picture in the cache */
        if (first)
            there[i] = took_ms(&rigs[1], frames[i % KEPT]);
        here[i] = took_ms(&rigs[0], frames[i % KEPT]);
        if (!first)
            there[i] = took_ms(&rigs[1], frames[i % KEPT]);
    }
    rig_finish(&rigs[0]);
    rig_finish(&rigs[1]);
    return (struct cost){median(here, PICTURES), median(there, PICTURES)};
}

static void bench(const struct encoder *encoder, const struct oriel_format *format, int rounds)
{
    double here[MAX_ROUNDS], there[MAX_ROUNDS], more[MAX_ROUNDS], ratio[MAX_ROUNDS];
    struct picture picture = picture_create(format->width, format->height);
    struct oriel_frame *frames[KEPT];
    for (unsigned i = 0; i < KEPT; i++) {
        frames[i] = aligned_frame(format);
        picture_scene(&picture, i);
        frame_fill(frames[i], &picture, i + 1);
    }
    for (int i = 0; i < rounds; i++) {
        struct cost cost = measure(encoder, format, frames);
        here[i] = cost.here;
        there[i] = cost.there;
        more[i] = cost.there - cost.here;
        ratio[i] = cost.there / cost.here;
    }
    double usual = median(ratio, rounds);
    printf("| `%s` | %u × %u | %.2f ms | %.2f ms | %.2f ms | %.2f (%.2f to %.2f) |\n", encoder->id,
           format->width, format->height, median(here, rounds), median(there, rounds),
           median(more, rounds), usual, ratio[0], ratio[rounds - 1]);
    fflush(stdout);
    for (unsigned i = 0; i < KEPT; i++)
        frame_destroy(frames[i]);
    picture_finish(&picture);
}

int main(int argc, char **argv)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* as the server and its processes have it */
    int rounds = argc > 1 ? atoi(argv[1]) : 7;
    if (argc > 2 || rounds < 1 || rounds > MAX_ROUNDS)
        return 2;
    printf("%d rounds of %d pictures\n\n"
           "| encoder | picture | here | in a process | more | ratio, lowest to highest |\n"
           "|---|---|---|---|---|---|\n",
           rounds, PICTURES);
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            struct oriel_format format =
                format_of(ORIEL_FMT_I420, sizes[k][0], sizes[k][1], ORIEL_MATRIX_BT601, 1);
            bench(&encoders[i], &format, rounds);
        }
    }
    return 0;
}
