/* SPDX-License-Identifier: BSD-3-Clause */
/* encode/nvenc with pictures of another size in the same session: each decodes, the first one is a
 * key, what cannot be done is refused and leaves the instance as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <ffnvcodec/nvEncodeAPI.h>

#include "decode.h"
#include "h264.h"
#include "nvenc_rig.h"
#include "oriel/draft/encoder_invalidate.h"
#include "oriel/draft/encoder_resize.h"

#define SETTLED 34 /* dB, of all but the first pictures */

static int pools[2]; /* their addresses name pools */

struct viewer {
    struct rig rig;
    struct oriel_format format;
    struct decoder *decoder;
    uint32_t codec;
    unsigned t;
};

static oriel_result resize(struct viewer *v, uint32_t width, uint32_t height, double fps)
{
    const struct oriel_encoder_resize *draft =
        nvenc->get_interface(v->rig.self, ORIEL_ENCODER_RESIZE_V1);
    assert_non_null(draft);
    struct oriel_format format = v->format;
    format.width = width;
    format.height = height;
    assert_int_equal(nvenc->drain(v->rig.self), ORIEL_OK);
    oriel_result result = draft->resize(v->rig.self, &format, fps);
    if (result == ORIEL_OK)
        v->format = format;
    return result;
}

static void must_resize(struct viewer *v, uint32_t width, uint32_t height)
{
    if (resize(v, width, height, 60))
        fail_msg("%u×%u: %s", width, height, v->rig.failure);
}

static void viewer_open(struct viewer *v, const char *set, const struct oriel_format *format)
{
    *v = (struct viewer){.format = *format,
                         .codec = strstr(set, "hevc") ? ORIEL_CODEC_HEVC : ORIEL_CODEC_H264};
    nvenc_must_open(&v->rig, set, format);
    v->decoder = decoder_create(v->codec);
}

static void viewer_close(struct viewer *v)
{
    decoder_destroy(v->decoder);
    rig_finish(&v->rig);
}

/* Pictures from a pool of their own, which is gone afterwards; the first one a key or not. */
static void look(struct viewer *v, unsigned count, bool key)
{
    struct shot shots[2];
    for (unsigned i = 0; i < 2; i++)
        shot_take(&shots[i], &v->format, v->t, &pools[v->t % 2]);
    rig_forget_packets(&v->rig);
    for (unsigned i = 0; i < count; i++) {
        struct shot *shot = &shots[i % 2];
        shot_fill(shot, v->t + i);
        shot->frame.stamp.seq = v->t + i;
        if (rig_encode(&v->rig, &shot->frame, 0))
            fail_msg("%u×%u: %s", v->format.width, v->format.height, v->rig.failure);
        assert_int_equal(v->rig.count, i + 1);
        const struct oriel_packet *packet = &v->rig.packets[i].packet;
        bool first = i == 0 && key;
        assert_int_equal(packet->flags, first ? ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG : 0);
        assert_memory_equal(&packet->format, &v->format, sizeof(v->format));
        struct h264_sps sps;
        if (first && v->codec == ORIEL_CODEC_H264) {
            assert_true(h264_read_sps(packet->data, packet->bytes, &sps));
            assert_int_equal(sps.width, v->format.width);
            assert_int_equal(sps.height, v->format.height);
        }
        const struct decoded *out =
            decoder_decode(v->decoder, packet->data, packet->bytes, &v->format);
        assert_int_equal(out->width, v->format.width);
        assert_int_equal(out->height, v->format.height);
        double psnr = frame_psnr(shot->host, out->frame);
        if (i + 1 == count && psnr < SETTLED)
            fail_msg("%u×%u: %.1f dB", v->format.width, v->format.height, psnr);
    }
    v->t += count;
    for (unsigned i = 0; i < 2; i++)
        shot_free(&shots[i]);
}

static void sizes_follow_each_other(void **state)
{
    (void)state;
    need_standin();
    static const struct {
        const char *set;
        uint32_t domain, fourcc;
    } runs[] = {
        {"", ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12},
        {"rate_control=quality keyint=4", ORIEL_DOMAIN_CUDA, ORIEL_FMT_I444},
        {"slices=8 subframe=true intra_refresh=300", ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12},
        {"", ORIEL_DOMAIN_CPU, ORIEL_FMT_NV12},
        {"", ORIEL_DOMAIN_GL, ORIEL_FMT_NV12},
        {"codec=hevc", ORIEL_DOMAIN_CUDA, ORIEL_FMT_P010},
    };
    /* Smaller, larger than ever, wide, high, as small as it goes, and back. */
    static const uint32_t sizes[][2] = {{318, 190}, {640, 360}, {642, 178},
                                        {178, 640}, {146, 66},  {320, 192}};
    for (size_t r = 0; r < sizeof(runs) / sizeof(runs[0]); r++) {
        if (runs[r].domain == ORIEL_DOMAIN_GL)
            need_gl();
        struct oriel_format format = nvenc_format(runs[r].domain, runs[r].fourcc, 320, 192);
        struct viewer v;
        uint64_t sessions = fake_nvenc.count("nvEncOpenEncodeSessionEx");
        viewer_open(&v, runs[r].set, &format);
        look(&v, 3, true);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            bool odd = runs[r].fourcc == ORIEL_FMT_I444;
            must_resize(&v, sizes[i][0] + odd, sizes[i][1] + odd);
            assert_int_equal(fake_nvenc.count("live.resources"), 0);
            look(&v, 3, true);
        }
        must_resize(&v, v.format.width, v.format.height); /* to what it has */
        look(&v, 3, true);
        assert_int_equal(fake_nvenc.count("nvEncOpenEncodeSessionEx") - sessions, 1);
        assert_int_equal(fake_nvenc.count("live.inputs"), runs[r].domain == ORIEL_DOMAIN_CPU);
        viewer_close(&v);
        expect_clean(true);
        assert_int_equal(fake_nvenc.count("live.inputs"), 0);
    }
}

static void refused(struct viewer *v, uint32_t width, uint32_t height, const char *text)
{
    oriel_result result = resize(v, width, height, 60);
    if (result != ORIEL_UNSUPPORTED || !strstr(v->rig.failure, text))
        fail_msg("%u×%u gave %d: %s", width, height, result, v->rig.failure);
    look(v, 2, false);
}

static void set_cap(NV_ENC_CAPS cap, int value)
{
    char key[32];
    snprintf(key, sizeof(key), "caps.h264.%d", (int)cap);
    fake_nvenc.set(key, value);
}

static void what_cannot_be_leaves_it_as_it_was(void **state)
{
    (void)state;
    need_standin();
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 320, 192);
    struct viewer v;
    viewer_open(&v, "keyint=0", &format);
    look(&v, 3, true);
    refused(&v, 1922, 192, "a picture of 1922×192: this encoder session was made for up to");
    refused(&v, 320, 1090, "up to 1920×1088");
    refused(&v, 321, 192, "even sides");
    refused(&v, 144, 192, "encodes H.264 from 145×49");
    refused(&v, 0, 0, "encodes H.264 from 145×49");
    struct oriel_format other = format;
    other.matrix = ORIEL_MATRIX_BT709;
    const struct oriel_encoder_resize *draft =
        nvenc->get_interface(v.rig.self, ORIEL_ENCODER_RESIZE_V1);
    assert_int_equal(draft->resize(v.rig.self, &other, 60), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(v.rig.failure, "more than the size"));
    look(&v, 2, false);
    must_resize(&v, 640, 360);
    look(&v, 3, true);
    viewer_close(&v);

    /* Memory is taken for the next common size, where the GPU has it. */
    static const struct {
        uint32_t width, height, most_width, most_height;
        int cap, value;
    } rooms[] = {
        {320, 192, 1920, 1088, 0, 0},
        {1922, 192, 2560, 1600, 0, 0},
        {192, 1922, 3840, 2176, 0, 0},
        {3842, 192, 4096, 4096, 0, 0},
        {320, 192, 1000, 1088, NV_ENC_CAPS_WIDTH_MAX, 1000},
        {320, 192, 1920, 500, NV_ENC_CAPS_HEIGHT_MAX, 500},
        {320, 192, 320, 192, NV_ENC_CAPS_MB_NUM_MAX, 8159},
        {320, 192, 1920, 1088, NV_ENC_CAPS_MB_NUM_MAX, 8160},
    };
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        char text[96];
        if (rooms[i].cap)
            set_cap((NV_ENC_CAPS)rooms[i].cap, rooms[i].value);
        format.width = rooms[i].width;
        format.height = rooms[i].height;
        viewer_open(&v, "", &format);
        snprintf(text, sizeof(text), "up to %u×%u", rooms[i].most_width, rooms[i].most_height);
        look(&v, 3, true);
        refused(&v, rooms[i].most_width + 2, rooms[i].height, text);
        refused(&v, rooms[i].width, rooms[i].most_height + 2, text);
        viewer_close(&v);
        fake_nvenc.reset();
    }
    set_cap(NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE, 0);
    format.width = 320;
    format.height = 192;
    viewer_open(&v, "", &format);
    look(&v, 3, true);
    refused(&v, 300, 180, "cannot change the size");
    viewer_close(&v);
    fake_nvenc.reset();
    expect_clean(true);
}

static void failures_leave_it_as_it_was(void **state)
{
    (void)state;
    need_standin();
    static const struct {
        const char *call;
        uint32_t domain;
        int code;
        oriel_result result;
    } cases[] = {
        {"nvEncReconfigureEncoder", ORIEL_DOMAIN_CUDA, NV_ENC_ERR_INVALID_PARAM, ORIEL_IO},
        {"nvEncReconfigureEncoder", ORIEL_DOMAIN_CUDA, NV_ENC_ERR_UNSUPPORTED_PARAM,
         ORIEL_UNSUPPORTED},
        {"nvEncReconfigureEncoder", ORIEL_DOMAIN_CPU, NV_ENC_ERR_OUT_OF_MEMORY, ORIEL_NOMEM},
        {"nvEncReconfigureEncoder", ORIEL_DOMAIN_GL, NV_ENC_ERR_GENERIC, ORIEL_IO},
        {"nvEncCreateInputBuffer", ORIEL_DOMAIN_CPU, NV_ENC_ERR_OUT_OF_MEMORY, ORIEL_NOMEM},
        {"nvEncGetEncodeCaps", ORIEL_DOMAIN_CUDA, NV_ENC_ERR_GENERIC, ORIEL_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].domain == ORIEL_DOMAIN_GL)
            need_gl();
        struct oriel_format format = nvenc_format(cases[i].domain, ORIEL_FMT_NV12, 320, 192);
        struct viewer v;
        viewer_open(&v, "keyint=0", &format);
        look(&v, 5, true);
        inject(&fake_nvenc, cases[i].call, 1, cases[i].code);
        assert_int_equal(resize(&v, 640, 360, 30), cases[i].result);
        assert_non_null(strstr(v.rig.failure, cases[i].call));
        assert_int_equal(fake_nvenc.count("live.inputs"), cases[i].domain == ORIEL_DOMAIN_CPU);
        look(&v, 3, false);
        uint64_t changes = fake_nvenc.count("nvEncReconfigureEncoder");
        assert_int_equal(rig_set(&v.rig, ""), ORIEL_OK); /* nothing is left to change */
        assert_int_equal(fake_nvenc.count("nvEncReconfigureEncoder"), changes);
        assert_int_equal(rig_set(&v.rig, "bitrate=5000000"), ORIEL_OK); /* for the old size */
        look(&v, 3, false);
        must_resize(&v, 640, 360);
        look(&v, 3, true);
        viewer_close(&v);
        fake_nvenc.reset();
        expect_clean(true);
    }
    /* What follows from the size, too: a lower picture has fewer slices. */
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 320, 192);
    struct viewer v;
    unsigned types[64];
    viewer_open(&v, "keyint=0 slices=8", &format);
    look(&v, 5, true);
    inject(&fake_nvenc, "nvEncReconfigureEncoder", 1, NV_ENC_ERR_GENERIC);
    assert_int_equal(resize(&v, 320, 64, 60), ORIEL_IO);
    assert_int_equal(rig_set(&v.rig, "bitrate=5000000"), ORIEL_OK);
    look(&v, 3, false);
    const struct oriel_packet *packet = &v.rig.packets[2].packet;
    assert_int_equal(h264_nal_types(packet->data, packet->bytes, types, 64), 8);
    must_resize(&v, 320, 64);
    look(&v, 2, true);
    packet = &v.rig.packets[1].packet;
    assert_int_equal(h264_nal_types(packet->data, packet->bytes, types, 64), 4);
    viewer_close(&v);
    /* The end is told as such. */
    viewer_open(&v, "", &format);
    look(&v, 2, true);
    inject(&fake_nvenc, "nvEncReconfigureEncoder", 1, NV_ENC_ERR_DEVICE_NOT_EXIST);
    assert_int_equal(resize(&v, 640, 360, 60), ORIEL_DEVICE_LOST);
    assert_int_equal(resize(&v, 640, 360, 60), ORIEL_FATAL);
    viewer_close(&v);
    fake_nvenc.reset();
    expect_clean(true);
}

/* Bit rate and losses of a session whose pictures have had several sizes. */
static void the_rest_stays_live(void **state)
{
    (void)state;
    need_standin();
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 320, 192);
    struct viewer v;
    viewer_open(&v, "keyint=0 references=4", &format);
    look(&v, 4, true);
    must_resize(&v, 640, 360);
    const struct oriel_encoder_invalidate *losses =
        nvenc->get_interface(v.rig.self, ORIEL_ENCODER_INVALIDATE_V1);
    uint64_t before = fake_nvenc.count("nvEncInvalidateRefFrames");
    assert_int_equal(losses->invalidate(v.rig.self, 0, v.t), ORIEL_OK); /* of the former size */
    assert_int_equal(fake_nvenc.count("nvEncInvalidateRefFrames"), before);
    look(&v, 4, true);
    assert_int_equal(losses->invalidate(v.rig.self, v.t - 1, v.t - 1), ORIEL_OK);
    assert_int_equal(fake_nvenc.count("nvEncInvalidateRefFrames"), before + 1);
    look(&v, 2, false);
    assert_int_equal(rig_set(&v.rig, "bitrate=3000000"), ORIEL_OK);
    look(&v, 2, false);
    before = fake_nvenc.count("nvEncReconfigureEncoder");
    assert_int_equal(resize(&v, 640, 360, 30), ORIEL_OK); /* the host's rate counts from now on */
    assert_int_equal(rig_set(&v.rig, "bitrate=3000000"), ORIEL_OK);
    assert_int_equal(fake_nvenc.count("nvEncReconfigureEncoder"), before + 1);
    look(&v, 2, true);
    viewer_close(&v);
    expect_clean(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_follow_each_other),
        cmocka_unit_test(what_cannot_be_leaves_it_as_it_was),
        cmocka_unit_test(failures_leave_it_as_it_was),
        cmocka_unit_test(the_rest_stays_live),
    };
    return cmocka_run_group_tests(tests, gpu_start, gpu_stop);
}
