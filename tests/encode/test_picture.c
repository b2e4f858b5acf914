/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes out of every encoder decodes to what went in: picture, size, colours, tags, no delay.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cases.h"
#include "decode.h"
#include "h264.h"

static char about[128];

static const char *name(const struct encode_case *c, uint32_t width, uint32_t height)
{
    snprintf(about, sizeof(about), "%s %s, %.4s %u×%u", c->id, c->set, (const char *)&c->fourcc,
             width, height);
    return about;
}

static void check_h264(const struct oriel_packet *packet, const struct encode_case *c)
{
    unsigned types[32];
    size_t count = h264_nal_types(packet->data, packet->bytes, types, 32);
    bool key = packet->flags & ORIEL_PACKET_KEY;
    assert_true(count > 0);
    assert_memory_equal(packet->data, "\0\0\0\1", 4);
    if (!key)
        return;
    assert_true(packet->flags & ORIEL_PACKET_CONFIG);
    assert_true(count >= 3);
    assert_int_equal(types[0], 7);
    assert_int_equal(types[1], 8);
    assert_int_equal(types[count - 1], 5);
    struct h264_sps sps;
    assert_true(h264_read_sps(packet->data, packet->bytes, &sps));
    assert_int_equal(sps.width, packet->format.width);
    assert_int_equal(sps.height, packet->format.height);
    assert_true(sps.vui && sps.signal_type && sps.colour);
    assert_int_equal(sps.full_range, c->full_range);
    assert_int_equal(sps.primaries, ORIEL_PRIMARIES_BT709);
    assert_int_equal(sps.transfer, ORIEL_TRANSFER_SRGB);
    assert_int_equal(sps.matrix, c->matrix);
    assert_true(sps.restriction);
    assert_int_equal(sps.max_num_reorder_frames, 0);
    if (strcmp(c->id, "encode/openh264") == 0) { /* constrained baseline */
        assert_int_equal(sps.profile, 66);
        assert_true(sps.constraints & 0x40);
    }
}

static void check_tags(const struct encode_case *c, const struct decoded *out)
{
    switch (c->codec) {
    case ORIEL_CODEC_H264:
        assert_int_equal(out->primaries, ORIEL_PRIMARIES_BT709);
        assert_int_equal(out->transfer, ORIEL_TRANSFER_SRGB);
        assert_int_equal(out->matrix, c->matrix);
        assert_int_equal(out->full_range, c->full_range);
        break;
    case ORIEL_CODEC_VP9: /* its BT.601 is libavcodec's 5 (BT.470BG): the same matrix */
        assert_int_equal(out->matrix == 5 ? ORIEL_MATRIX_BT601 : out->matrix, c->matrix);
        assert_int_equal(out->full_range, c->full_range);
        break;
    default:
        break;
    }
}

static void check_raw(const struct oriel_packet *packet, const struct oriel_frame *frame)
{
    const uint8_t *at = packet->data;
    for (uint32_t i = 0; i < frame->plane_count; i++) {
        uint32_t row_bytes = frame->planes[i].stride - 13;
        for (uint32_t y = 0; y < frame->planes[i].rows; y++, at += row_bytes)
            assert_memory_equal(at,
                                (const uint8_t *)(uintptr_t)frame->planes[i].handle +
                                    frame->planes[i].offset + (size_t)y * frame->planes[i].stride,
                                row_bytes);
    }
    assert_ptr_equal(at, packet->data + packet->bytes);
}

/* Frames of a moving picture, one by one through encoder and decoder. */
static void run_case(const struct encode_case *c, uint32_t width, uint32_t height, unsigned frames,
                     double least_psnr)
{
    struct oriel_format format = case_format(c, width, height);
    struct rig rig;
    oriel_result result = rig_create(&rig, c->encoder, c->set, &format, 60);
    if (result)
        fail_msg("%s: %s", name(c, width, height), rig.failure);
    bool decodes = c->codec != ORIEL_CODEC_RAW && c->codec != ORIEL_FOURCC('N', 'U', 'L', 'L');
    struct decoder *decoder = decodes ? decoder_create(c->codec) : NULL;
    struct picture picture = picture_create(width, height);
    struct oriel_frame *frame = frame_create(&format);
    for (unsigned t = 0; t < frames; t++) {
        picture_scene(&picture, t);
        frame_fill(frame, &picture, t + 1);
        assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_OK);
        assert_int_equal(rig.count, t + 1);
        const struct oriel_packet *packet = &rig.packets[t].packet;
        assert_int_equal(packet->size, sizeof(*packet));
        assert_int_equal(packet->codec, c->codec);
        assert_memory_equal(&packet->stamp, &frame->stamp, sizeof(packet->stamp));
        assert_memory_equal(&packet->format, &format, sizeof(format));
        assert_true(packet->t_submit_ns > 0 && packet->t_done_ns >= packet->t_submit_ns);
        assert_true(packet->bytes > 0);
        assert_true(!(packet->flags & ORIEL_PACKET_KEY) == (t > 0 && case_inter(c)));
        if (c->codec == ORIEL_CODEC_H264)
            check_h264(packet, c);
        if (c->codec == ORIEL_CODEC_RAW)
            check_raw(packet, frame);
        if (!decodes)
            continue;
        const struct decoded *out = decoder_decode(decoder, packet->data, packet->bytes, &format);
        assert_int_equal(out->width, width);
        assert_int_equal(out->height, height);
        assert_int_equal(out->reorder, 0);
        check_tags(c, out);
        double psnr = frame_psnr(frame, out->frame);
        if (t + 1 == frames && psnr < least_psnr)
            fail_msg("%s: PSNR %.1f dB", name(c, width, height), psnr);
    }
    assert_int_equal(c->encoder->drain(rig.self), ORIEL_OK);
    assert_int_equal(rig.count, frames);
    if (decoder)
        decoder_destroy(decoder);
    frame_destroy(frame);
    picture_finish(&picture);
    rig_finish(&rig);
}

static void pictures_come_back(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{16, 16}, {322, 182}, {321, 183}};
    for (unsigned i = 0; i < encode_case_count; i++)
        for (unsigned s = 0; s < 3 && encode_cases[i].encoder; s++)
            if (case_takes(&encode_cases[i], sizes[s][0], sizes[s][1]))
                run_case(&encode_cases[i], sizes[s][0], sizes[s][1], 6, encode_cases[i].psnr);
}

static void full_hd(void **state)
{
    (void)state;
    for (unsigned i = 0; i < encode_case_count; i++)
        if (encode_cases[i].encoder &&
            (i == 0 || strcmp(encode_cases[i].id, encode_cases[i - 1].id)))
            run_case(&encode_cases[i], 1920, 1080, 2, 30);
}

/* Flat patches within 3 levels once the picture rests, by the tags in the stream alone. */
static void colours_are_true(void **state)
{
    (void)state;
    struct picture picture = picture_create(322, 242);
    picture_patches(&picture);
    for (unsigned i = 0; i < encode_case_count; i++) {
        const struct encode_case *c = &encode_cases[i];
        if (!c->encoder || c->codec == ORIEL_CODEC_RAW || !c->psnr)
            continue;
        struct oriel_format format = case_format(c, picture.width, picture.height);
        struct rig rig;
        assert_int_equal(rig_create(&rig, c->encoder, c->set, &format, 60), ORIEL_OK);
        struct decoder *decoder = decoder_create(c->codec);
        struct oriel_frame *frame = frame_create(&format);
        frame_fill(frame, &picture, 1);
        const struct decoded *out = NULL;
        for (unsigned t = 0; t < 10; t++) {
            assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_OK);
            assert_int_equal(rig.count, t + 1);
            out =
                decoder_decode(decoder, rig.packets[t].data, rig.packets[t].packet.bytes, &format);
        }
        for (int patch = 0; patch < PATCHES; patch++) {
            uint32_t x, y;
            patch_centre(&picture, patch, &x, &y);
            const uint8_t *want = picture.rgb + 3 * ((size_t)y * picture.width + x);
            double got[3];
            frame_rgb(out->frame, x, y, got);
            for (int k = 0; k < 3; k++)
                if (fabs(got[k] - want[k]) > 3.0)
                    fail_msg("%s matrix %u range %u: (%u, %u, %u) came back as (%.1f, %.1f, %.1f)",
                             name(c, picture.width, picture.height), c->matrix, c->full_range,
                             want[0], want[1], want[2], got[0], got[1], got[2]);
        }
        decoder_destroy(decoder);
        frame_destroy(frame);
        rig_finish(&rig);
    }
    picture_finish(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_back),
        cmocka_unit_test(full_hd),
        cmocka_unit_test(colours_are_true),
    };
    return cmocka_run_group_tests(tests, cases_open, NULL);
}
