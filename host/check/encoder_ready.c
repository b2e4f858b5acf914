/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of encoders: which row of a frame is the first, and when it may be read. */
#include <stdio.h>
#include <string.h>

#include "check/encoder_rig.h"
#include "check/encoder_tests.h"
#include "check/frame_read.h"
#include "util/check.h"

typedef unsigned long long ull;

enum { FRAMES = 12 };

/* What a new instance writes of the same pictures in a style. */
static uint64_t hash_of(struct rig *rig, const struct oriel_format *format,
                        struct picture_style style)
{
    char why[1024];
    rig->style = style;
    oriel_result result = rig_create(rig, format, NULL, why);
    if (result != ORIEL_OK)
        check_fail(rig->run, "create() of the same format again answered %s (%s)",
                   check_result_name(result), why);
    rig_run(rig, 1, FRAMES);
    if (!rig_packets(rig))
        check_fail(rig->run, "no packet came of %d frames%s and drain()", FRAMES, rig->with);
    return rig_hash(rig);
}

/* Whether two runs of the same pictures write the same bytes, which `wanted` is the hash of. */
static bool deterministic(struct rig *rig, const struct oriel_format *format, uint64_t *wanted)
{
    static const struct picture_style plain;
    *wanted = hash_of(rig, format, plain);
    rig_destroy(rig);
    bool same = *wanted == hash_of(rig, format, plain);
    rig_destroy(rig);
    return same;
}

/* RAW is the planes' rows, so that it can be read without a decoder. */
static void compare_raw(struct rig *rig)
{
    for (size_t i = 0; i < rig->packet_count; i++) {
        const struct oriel_packet *packet = &rig->packets[i].packet;
        struct error err = {""};
        struct oriel_format format = packet->format;
        if (packet->codec != ORIEL_CODEC_RAW)
            return;
        format.domain = ORIEL_DOMAIN_CPU;
        struct picture *picture = picture_new(&format, packet->stamp.seq, NULL, &err);
        CHECK(picture);
        const struct oriel_frame *frame = picture_frame(picture);
        const uint8_t *at = packet->data;
        bool same = true;
        for (uint32_t p = 0; p < frame->plane_count; p++) {
            const struct oriel_plane *plane = &frame->planes[p];
            uint32_t bytes = frame_row_bytes(&format, p);
            const uint8_t *row = (const uint8_t *)(uintptr_t)plane->handle + plane->offset;
            for (uint32_t y = 0; y < plane->rows; y++, row += plane->stride, at += bytes)
                same = same && at + bytes <= packet->data + packet->bytes &&
                       memcmp(at, row, bytes) == 0;
        }
        picture_free(picture);
        if (!same)
            check_fail(rig->run,
                       "the bytes of frame %llu are not its planes' rows in the order of memory, "
                       "which ORIEL_CODEC_RAW is",
                       (ull)packet->stamp.seq);
    }
}

void encoder_rows(struct check_run *run)
{
    struct oriel_format format = rig_first(run);
    struct rig *rig = rig_new(run, CHECK_HOST_USUAL);
    uint64_t wanted;
    bool same = deterministic(rig, &format, &wanted);
    uint64_t got = hash_of(rig, &format, (struct picture_style){.flags = ORIEL_FRAME_BOTTOM_UP});
    for (size_t i = 0; i < rig->packet_count; i++) {
        const struct oriel_packet *packet = &rig->packets[i].packet;
        if (!(packet->stamp.flags & ORIEL_FRAME_BOTTOM_UP))
            check_fail(run,
                       "the packet of frame %llu has lost ORIEL_FRAME_BOTTOM_UP of its frame; the "
                       "client turns the picture by it",
                       (ull)packet->stamp.seq);
    }
    compare_raw(rig);
    if (same && got != wanted)
        check_fail(run, "the same rows are encoded otherwise when ORIEL_FRAME_BOTTOM_UP says that "
                        "the bottom one is the first; rows stay in the order of memory, and the "
                        "client turns the picture");
    rig_destroy(rig);
    if (!same)
        check_note(run, "bytes not compared, as it is not deterministic");
}

void encoder_fence(struct check_run *run)
{
    struct oriel_format format = rig_first(run);
    struct rig *rig = rig_new(run, CHECK_HOST_USUAL);
    const char *fence =
        format.domain == ORIEL_DOMAIN_CUDA ? "an event of CUDA" : "an ORIEL_FENCE_FLAG";
    uint64_t wanted;
    bool same = deterministic(rig, &format, &wanted);
    snprintf(rig->with, sizeof rig->with, " with %s as its fence, which the host has waited for",
             fence);
    uint64_t got = hash_of(rig, &format, (struct picture_style){.fenced = true});
    if (same && got != wanted)
        check_fail(run, "a frame%s is encoded otherwise than one without a fence", rig->with);
    rig_destroy(rig);
    check_note(run, "%s%s", fence, same ? "" : "; bytes not compared, as it is not deterministic");
}
