/* SPDX-License-Identifier: BSD-3-Clause */
/* What it costs to run x264 in another process, picture by picture in turn, so that whatever else
 * the machine does meets both. No test: bench_remote WIDTH HEIGHT [ROUNDS] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "encode/harness.h"
#include "encode/picture.h"

enum { PICTURES = 60, KEPT = 8 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
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

static void measure(const struct oriel_format *format, struct oriel_frame **frames, int round)
{
    double here[PICTURES], there[PICTURES];
    struct rig rigs[2];
    char text[1024];
    snprintf(text, sizeof text, "module=encode/x264 program=%s deadline_ms=0",
             getenv("ORIEL_BINARY"));
    assert_int_equal(
        rig_create(&rigs[0], module_open("encode/x264", NULL), "keyint=100000", format, 60),
        ORIEL_OK);
    assert_int_equal(rig_create(&rigs[1], module_open("encode/remote", NULL), text, format, 60),
                     ORIEL_OK);
    took_ms(&rigs[0], frames[0]);
    took_ms(&rigs[1], frames[0]);
    for (int i = 0; i < PICTURES; i++) {
        here[i] = took_ms(&rigs[0], frames[i % KEPT]);
        there[i] = took_ms(&rigs[1], frames[i % KEPT]);
    }
    rig_finish(&rigs[0]);
    rig_finish(&rigs[1]);
    qsort(here, PICTURES, sizeof *here, by_size);
    qsort(there, PICTURES, sizeof *there, by_size);
    double a = here[PICTURES / 2], b = there[PICTURES / 2];
    printf("%ux%u round %d: here %.2f ms, remote %.2f ms, %+.2f ms, ratio %.3f\n", format->width,
           format->height, round, a, b, b - a, b / a);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    struct oriel_format format = format_of(ORIEL_FMT_I420, (uint32_t)atoi(argv[1]),
                                           (uint32_t)atoi(argv[2]), ORIEL_MATRIX_BT601, 1);
    struct picture picture = picture_create(format.width, format.height);
    struct oriel_frame *frames[KEPT];
    for (unsigned i = 0; i < KEPT; i++) {
        frames[i] = frame_create(&format);
        picture_scene(&picture, i);
        frame_fill(frames[i], &picture, i + 1);
    }
    for (int round = 0; round < (argc > 3 ? atoi(argv[3]) : 5); round++)
        measure(&format, frames, round);
    for (unsigned i = 0; i < KEPT; i++)
        frame_destroy(frames[i]);
    picture_finish(&picture);
    return 0;
}
