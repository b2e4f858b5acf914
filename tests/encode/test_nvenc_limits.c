/* SPDX-License-Identifier: BSD-3-Clause */
/* What encode/nvenc refuses, with a sentence that names it: frames that are not as agreed, what
 * this GPU cannot do, what no GPU can do; and what it does without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <ffnvcodec/nvEncodeAPI.h>

#include "nvenc_rig.h"
#include "oriel/draft/encoder_invalidate.h"

#define LAST_STATUS 27 /* one that no header knows */

static int pool;

static struct oriel_format small(uint32_t domain)
{
    return nvenc_format(domain, ORIEL_FMT_NV12, 320, 192);
}

/* --- frames that are not as agreed --- */

static void frames_are_checked(void **state)
{
    (void)state;
    need_engine();
    struct oriel_format format = small(ORIEL_DOMAIN_CUDA);
    struct rig rig;
    struct shot shot;
    nvenc_must_open(&rig, "", &format);
    shot_take(&shot, &format, 0, &pool);
    struct oriel_frame good = shot.frame;
    shot.frame.planes[1].offset += 4;
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_INVALID);
    assert_non_null(strstr(rig.failure, "one block"));
    shot.frame = good;
    shot.frame.planes[1].stride += 256;
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_INVALID);
    shot.frame = good;
    shot.frame.format.domain = ORIEL_DOMAIN_CPU;
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_INVALID);
    shot.frame = good;
    shot.frame.ready.kind = ORIEL_FENCE_GLSYNC;
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_UNSUPPORTED);
    shot.frame = good;
    shot.frame.ready.kind = ORIEL_FENCE_CUDA_EVENT; /* the host has waited */
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    assert_int_equal(rig.count, 1);
    rig_finish(&rig);
    shot_free(&shot);
    expect_clean(true);
}

/* --- what this GPU or no GPU can --- */

static void refuse(const char *set, const struct oriel_format *format, const char *text)
{
    struct rig rig;
    oriel_result result = nvenc_open(&rig, set, format);
    if (result != ORIEL_UNSUPPORTED || !strstr(rig.failure, text))
        fail_msg("\"%s\" gave %d: %s", set, result, rig.failure);
    rig_drop(&rig);
}

static void set_cap(const char *codec, NV_ENC_CAPS cap, int value)
{
    char key[32];
    snprintf(key, sizeof(key), "caps.%s.%d", codec, (int)cap);
    fake_nvenc.set(key, value);
}

static void a_gpu_that_cannot(void **state)
{
    (void)state;
    need_standin();
    struct oriel_format format = small(ORIEL_DOMAIN_CUDA), i444 = format, p010 = format;
    i444.fourcc = ORIEL_FMT_I444;
    p010.fourcc = ORIEL_FMT_P010;
    fake_nvenc.set("hevc", 0);
    refuse("codec=hevc", &format, "encodes no HEVC");
    fake_nvenc.reset();
    set_cap("h264", NV_ENC_CAPS_SUPPORT_YUV444_ENCODE, 0);
    refuse("", &i444, "encodes no 4:4:4 H.264");
    set_cap("hevc", NV_ENC_CAPS_SUPPORT_10BIT_ENCODE, 0);
    refuse("codec=hevc", &p010, "encodes no 10-bit HEVC");
    set_cap("h264", NV_ENC_CAPS_SUPPORT_LOSSLESS_ENCODE, 0);
    refuse("rate_control=lossless", &format, "encodes no lossless H.264");
    set_cap("h264", NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES, NV_ENC_PARAMS_RC_VBR);
    refuse("", &format, "holds no bit rate");
    set_cap("h264", NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES, NV_ENC_PARAMS_RC_CBR);
    refuse("rate_control=variable", &format, "no variable bit rate");
    set_cap("h264", NV_ENC_CAPS_SUPPORT_INTRA_REFRESH, 0);
    refuse("intra_refresh=30", &format, "no intra refresh");
    set_cap("h264", NV_ENC_CAPS_WIDTH_MAX, 256);
    refuse("", &format, "encodes H.264 from 145×49 to 256×4096, not 320×192");
    fake_nvenc.reset();

    /* It does without what is only a help. */
    static const NV_ENC_CAPS helps[] = {NV_ENC_CAPS_SUPPORT_SUBFRAME_READBACK,
                                        NV_ENC_CAPS_SUPPORT_TEMPORAL_AQ,
                                        NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE};
    for (unsigned i = 0; i < 3; i++)
        set_cap("h264", helps[i], 0);
    struct rig rig;
    struct shot shot;
    nvenc_must_open(&rig, "slices=4 subframe=true temporal_aq=true", &format);
    shot_take(&shot, &format, 0, &pool);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    assert_int_equal(rig_set(&rig, "vbv_ms=50 bitrate=700000"), ORIEL_OK);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    set_cap("h264", NV_ENC_CAPS_SUPPORT_REF_PIC_INVALIDATION, 0);
    const struct oriel_encoder_invalidate *draft =
        nvenc->get_interface(rig.self, ORIEL_ENCODER_INVALIDATE_V1);
    assert_int_equal(draft->invalidate(rig.self, 1, 1), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(rig.failure, "cannot leave out references"));
    rig_finish(&rig);
    shot_free(&shot);
    fake_nvenc.reset();
    expect_clean(true);
}

/* That is asked once for each GPU; nothing else that open answers is kept. */
static void engines_do_not_grow(void **state)
{
    (void)state;
    need_standin();
    static const int codes[] = {NV_ENC_ERR_NO_ENCODE_DEVICE, NV_ENC_ERR_UNSUPPORTED_DEVICE};
    struct oriel_format format = small(ORIEL_DOMAIN_CUDA);
    struct rig rig;
    char said[sizeof(rig.failure)];
    for (unsigned i = 0; i < 2; i++) {
        another_gpu();
        fake_nvenc.reset();
        inject(&fake_nvenc, "nvEncOpenEncodeSessionEx", 1, codes[i]);
        assert_int_equal(nvenc_open(&rig, "", &format), ORIEL_UNSUPPORTED);
        assert_string_equal(rig.failure, "this GPU (Oriel stand-in GPU) has no NVENC engine");
        rig_drop(&rig);
        for (unsigned again = 0; again < 3; again++)
            refuse(again ? "" : "codec=hevc", &format,
                   "this GPU (Oriel stand-in GPU) has no NVENC engine");
        assert_int_equal(fake_nvenc.count("nvEncOpenEncodeSessionEx"), 1);
    }
    for (int code = NV_ENC_ERR_INVALID_ENCODERDEVICE; code <= LAST_STATUS; code++) {
        another_gpu();
        inject(&fake_nvenc, "nvEncOpenEncodeSessionEx", 1, code);
        assert_int_not_equal(nvenc_open(&rig, "", &format), ORIEL_OK);
        rig_drop(&rig);
        nvenc_must_open(&rig, "", &format);
        rig_finish(&rig);
    }
    /* A context of its own, which is not made for the second one. */
    hide_device(true);
    fake_nvenc.set("no.engine", 1);
    format.domain = ORIEL_DOMAIN_CPU;
    refuse("gpu=0", &format, "has no NVENC engine");
    fake_nvenc.reset();
    uint64_t contexts = fake_cuda.count("cuDevicePrimaryCtxRetain");
    refuse("", &format, "this GPU (Oriel stand-in GPU) has no NVENC engine");
    assert_int_equal(fake_nvenc.count("nvEncOpenEncodeSessionEx"), 0);
    assert_int_equal(fake_cuda.count("cuDevicePrimaryCtxRetain"), contexts);
    hide_device(false);
    /* A texture's device is another, even where it is the same GPU. */
    need_gl();
    fake_nvenc.reset();
    fake_nvenc.set("no.engine", 1);
    format.domain = ORIEL_DOMAIN_GL;
    assert_int_equal(nvenc_open(&rig, "", &format), ORIEL_UNSUPPORTED);
    assert_int_equal(fake_nvenc.count("nvEncOpenEncodeSessionEx"), 1);
    snprintf(said, sizeof(said), "%s", rig.failure);
    assert_non_null(strstr(said, " has no NVENC engine"));
    rig_drop(&rig);
    fake_nvenc.reset();
    assert_int_equal(nvenc_open(&rig, "", &format), ORIEL_UNSUPPORTED);
    assert_string_equal(rig.failure, said);
    rig_drop(&rig);
    assert_int_equal(fake_nvenc.count("nvEncOpenEncodeSessionEx"), 0);
    expect_clean(true);
}

static void sessions_run_out(void **state)
{
    (void)state;
    need_standin();
    struct oriel_format format = small(ORIEL_DOMAIN_CUDA);
    struct rig rigs[2], more;
    fake_nvenc.set("sessions", 2);
    for (unsigned i = 0; i < 2; i++)
        nvenc_must_open(&rigs[i], "", &format);
    static const int codes[] = {NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY, NV_ENC_ERR_OUT_OF_MEMORY};
    for (unsigned i = 0; i < 2; i++) {
        fake_nvenc.set("sessions.code", codes[i]);
        refuse("", &format, "no encoder session free");
    }
    assert_int_equal(nvenc_open(&more, "", &format), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(more.failure, "2 are Oriel's"));
    rig_drop(&more);
    fake_cuda.set("memory.bytes", 64 << 20); /* the same code, and now it is true */
    assert_int_equal(nvenc_open(&more, "", &format), ORIEL_NOMEM);
    assert_non_null(strstr(more.failure, "no memory left"));
    rig_drop(&more);
    fake_cuda.reset();
    rig_finish(&rigs[0]);
    nvenc_must_open(&rigs[0], "", &format); /* one is free again */
    rig_finish(&rigs[0]);
    rig_finish(&rigs[1]);
    fake_nvenc.reset();
    expect_clean(true);
}

static void impossible_wishes_are_refused(void **state)
{
    (void)state;
    need_engine();
    struct oriel_format format = small(ORIEL_DOMAIN_CUDA);
    format.fourcc = ORIEL_FMT_P010;
    refuse("codec=h264", &format, "H.264 has 8 bits");
    format = small(ORIEL_DOMAIN_CUDA);
    refuse("rate_control=lossless profile=high", &format, "profile of its own");
    format.width = 321;
    refuse("", &format, "even sides");
    format.width = 16384;
    format.height = 16384;
    refuse("", &format, "this GPU");
    format.width = format.height = 2;
    refuse("", &format, "this GPU");
    format = small(ORIEL_DOMAIN_CUDA);
    format.fourcc = ORIEL_FMT_I420;
    refuse("", &format, "no YU12");
    format = small(ORIEL_DOMAIN_DMABUF);
    refuse("", &format, "domain 4");
    expect_clean(true);
}

/* Every option's table entry, and lists that end. */
static void tables_are_sane(void **state)
{
    (void)state;
    if (!nvenc)
        skip();
    struct oriel_format format, last = {.domain = ORIEL_DOMAIN_CUDA};
    uint32_t codec, index = 0;
    static const uint32_t order[] = {ORIEL_DOMAIN_CUDA, ORIEL_DOMAIN_GL, ORIEL_DOMAIN_CPU};
    unsigned place = 0;
    for (; nvenc->input_format(index, &format) == ORIEL_OK; index++) {
        while (place < 3 && order[place] != format.domain)
            place++;
        assert_in_range(place, 0, 2); /* CUDA memory, then textures, then CPU memory */
        if (format.domain != last.domain || index == 0) {
            assert_int_equal(format.fourcc, ORIEL_FMT_NV12);
            assert_int_equal(format.matrix, ORIEL_MATRIX_BT601);
            assert_int_equal(format.full_range, 1);
        }
        last = format;
    }
    assert_int_equal(place, 2);
    assert_int_equal(nvenc->input_format(UINT32_MAX, &format), ORIEL_UNSUPPORTED);
    assert_int_equal(nvenc->codec(0, &codec), ORIEL_OK);
    assert_int_equal(codec, ORIEL_CODEC_H264);
    assert_int_equal(nvenc->codec(1, &codec), ORIEL_OK);
    assert_int_equal(codec, ORIEL_CODEC_HEVC);
    assert_int_equal(nvenc->codec(UINT32_MAX, &codec), ORIEL_UNSUPPORTED);
    nvenc->destroy(NULL);
    for (uint32_t i = 0; i < nvenc->options->count; i++) {
        const struct oriel_option *option = &nvenc->options->options[i];
        assert_true(option->help[strlen(option->help) - 1] == '.');
        if (option->type == ORIEL_OPT_ENUM)
            assert_non_null(strstr(option->choices, option->default_value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_sane),
        cmocka_unit_test(frames_are_checked),
        cmocka_unit_test(a_gpu_that_cannot),
        cmocka_unit_test(sessions_run_out),
        cmocka_unit_test(impossible_wishes_are_refused),
        cmocka_unit_test(engines_do_not_grow), /* last: it stays known */
    };
    return cmocka_run_group_tests(tests, gpu_start, gpu_stop);
}
