/* SPDX-License-Identifier: BSD-3-Clause */
/* encode/nvenc when something fails: each call of the driver with each code it has, a device that
 * goes away, a driver that is not there. What the host gets is a result it can
 * act on and a sentence that names the call; nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ffnvcodec/dynlink_cuda.h>
#include <ffnvcodec/nvEncodeAPI.h>

#include "nvenc_rig.h"
#include "oriel/draft/encoder_invalidate.h"

#define LAST_STATUS 27 /* one that no header knows */

static int pool;

static struct oriel_format small(uint32_t domain)
{
    return nvenc_format(domain, ORIEL_FMT_NV12, 320, 192);
}

/* --- before the library is loaded --- */

static void loading_says_what_is_missing(void **state)
{
    (void)state;
    if (!nvenc)
        skip();
    struct oriel_format format = small(ORIEL_DOMAIN_CPU);
    struct rig rig;
    if (!fake_cuda.fail || !fake_nvenc.fail) {
        oriel_result result = nvenc_open(&rig, "", &format);
        if (result == ORIEL_OK) {
            print_message("this machine has an engine\n");
            rig_finish(&rig);
            return;
        }
        print_message("%s\n", rig.failure);
        assert_int_equal(result, ORIEL_UNSUPPORTED);
        assert_true(strstr(rig.failure, "NVIDIA") || strstr(rig.failure, "this GPU"));
        rig_drop(&rig);
        return;
    }
    static const struct {
        bool cuda;
        const char *call;
        int code;
        const char *text;
    } cases[] = {
        {true, "cuInit", 100, "no NVIDIA GPU"},
        {false, "NvEncodeAPIGetMaxSupportedVersion", NV_ENC_ERR_GENERIC, "MaxSupportedVersion"},
        {false, "NvEncodeAPICreateInstance", NV_ENC_ERR_INVALID_VERSION, "CreateInstance"},
        {false, "NvEncodeAPICreateInstance", NV_ENC_ERR_INVALID_PTR, "CreateInstance"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        inject(cases[i].cuda ? &fake_cuda : &fake_nvenc, cases[i].call, 1, cases[i].code);
        assert_int_equal(nvenc_open(&rig, "", &format), ORIEL_UNSUPPORTED);
        if (!strstr(rig.failure, cases[i].text))
            fail_msg("%s: %s", cases[i].call, rig.failure);
        rig_drop(&rig);
    }
    fake_nvenc.set("version", 10 << 4 | 0);
    assert_int_equal(nvenc_open(&rig, "", &format), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(rig.failure, "has NVENC 10.0, and "));
    rig_drop(&rig);
    fake_nvenc.reset();
    fake_cuda.reset();
    expect_clean(true);
}

/* --- each call, each code --- */

enum phase { OPENING, CREATING, TAKING, SUBMITTING, READING, ENDING, CHANGING, CLOSING };

struct call {
    const char *name;
    enum phase phase;
    uint32_t domain;
};
static const struct call calls[] = {
    {"nvEncOpenEncodeSessionEx", OPENING, ORIEL_DOMAIN_CUDA},
    {"nvEncGetEncodeGUIDCount", CREATING, ORIEL_DOMAIN_CUDA},
    {"nvEncGetEncodeGUIDs", CREATING, ORIEL_DOMAIN_CUDA},
    {"nvEncGetEncodeCaps", CREATING, ORIEL_DOMAIN_CUDA},
    {"nvEncGetInputFormatCount", CREATING, ORIEL_DOMAIN_CUDA},
    {"nvEncGetInputFormats", CREATING, ORIEL_DOMAIN_CUDA},
    {"nvEncGetEncodePresetConfigEx", CREATING, ORIEL_DOMAIN_CUDA},
    {"nvEncInitializeEncoder", CREATING, ORIEL_DOMAIN_CUDA},
    {"nvEncCreateBitstreamBuffer", CREATING, ORIEL_DOMAIN_CUDA},
    {"nvEncCreateInputBuffer", CREATING, ORIEL_DOMAIN_CPU},
    {"nvEncRegisterResource", TAKING, ORIEL_DOMAIN_CUDA},
    {"nvEncMapInputResource", TAKING, ORIEL_DOMAIN_CUDA},
    {"nvEncLockInputBuffer", TAKING, ORIEL_DOMAIN_CPU},
    {"nvEncEncodePicture", SUBMITTING, ORIEL_DOMAIN_CUDA},
    {"nvEncEncodePicture", SUBMITTING, ORIEL_DOMAIN_CPU},
    {"nvEncLockBitstream", READING, ORIEL_DOMAIN_CUDA},
    {"nvEncUnlockBitstream", ENDING, ORIEL_DOMAIN_CUDA},
    {"nvEncUnmapInputResource", ENDING, ORIEL_DOMAIN_CUDA},
    {"nvEncUnlockInputBuffer", ENDING, ORIEL_DOMAIN_CPU},
    {"nvEncReconfigureEncoder", CHANGING, ORIEL_DOMAIN_CUDA},
    {"nvEncUnregisterResource", CLOSING, ORIEL_DOMAIN_CUDA},
    {"nvEncDestroyInputBuffer", CLOSING, ORIEL_DOMAIN_CPU},
    {"nvEncDestroyBitstreamBuffer", CLOSING, ORIEL_DOMAIN_CUDA},
    {"nvEncDestroyEncoder", CLOSING, ORIEL_DOMAIN_CUDA},
};

static bool device_gone(int status)
{
    return status == NV_ENC_ERR_DEVICE_NOT_EXIST || status == NV_ENC_ERR_INVALID_DEVICE ||
           status == NV_ENC_ERR_INVALID_ENCODERDEVICE;
}

static oriel_result expected(enum phase phase, int status)
{
    bool busy = status == NV_ENC_ERR_ENCODER_BUSY;
    switch (phase) {
    case OPENING: /* there is memory, so it is the number of sessions */
        return status == NV_ENC_ERR_DEVICE_NOT_EXIST ? ORIEL_DEVICE_LOST : ORIEL_UNSUPPORTED;
    case CREATING:
        return status == NV_ENC_ERR_DEVICE_NOT_EXIST ? ORIEL_DEVICE_LOST
               : status == NV_ENC_ERR_OUT_OF_MEMORY  ? ORIEL_NOMEM
                                                     : ORIEL_UNSUPPORTED;
    case SUBMITTING:
        if (busy)
            return ORIEL_OK; /* asked again */
        break;
    case READING:
        if (status == NV_ENC_ERR_LOCK_BUSY)
            return ORIEL_OK;
        return device_gone(status) ? ORIEL_DEVICE_LOST : ORIEL_FATAL;
    case ENDING:
        return device_gone(status) ? ORIEL_DEVICE_LOST : ORIEL_FATAL;
    case CLOSING:
        return ORIEL_OK;
    default:
        break;
    }
    if (device_gone(status))
        return ORIEL_DEVICE_LOST;
    if (busy || status == NV_ENC_ERR_LOCK_BUSY || status == NV_ENC_ERR_NEED_MORE_INPUT)
        return ORIEL_AGAIN;
    if (status == NV_ENC_ERR_OUT_OF_MEMORY)
        return ORIEL_NOMEM;
    if (status == NV_ENC_ERR_MAP_FAILED || status == NV_ENC_ERR_RESOURCE_REGISTER_FAILED)
        return ORIEL_IO;
    if (phase != CHANGING)
        return ORIEL_FATAL;
    return status == NV_ENC_ERR_UNSUPPORTED_PARAM || status == NV_ENC_ERR_UNIMPLEMENTED
               ? ORIEL_UNSUPPORTED
               : ORIEL_IO;
}

static void expect(const struct call *call, int status, oriel_result result, struct rig *rig)
{
    oriel_result wanted = expected(call->phase, status);
    if (result != wanted)
        fail_msg("%s with code %d: %d instead of %d (%s)", call->name, status, result, wanted,
                 rig->failure);
    bool told = call->phase == OPENING
                    ? strstr(rig->failure, "this GPU") || strstr(rig->failure, "NVENC")
                    : strstr(rig->failure, call->name) != NULL;
    if (result && !told)
        fail_msg("%s with code %d is told as \"%s\"", call->name, status, rig->failure);
    if (fake_nvenc.count(call->name) == 0)
        fail_msg("%s was never called", call->name);
}

/* The instance goes on, and the key that was owed comes; or it is at its end and stays there. */
static void go_on(struct rig *rig, struct shot *shot, oriel_result result)
{
    if (result == ORIEL_FATAL || result == ORIEL_DEVICE_LOST) {
        rig_encode(rig, &shot->frame, 0);
        return;
    }
    rig_forget_packets(rig);
    if (rig_encode(rig, &shot->frame, 0))
        fail_msg("not after all: %s", rig->failure);
    assert_int_equal(rig->count, 1);
    if (result)
        assert_true(rig->packets[0].packet.flags & ORIEL_PACKET_KEY);
}

static void fail_once(const struct call *call, int status)
{
    struct oriel_format format = small(call->domain);
    struct rig rig;
    struct shot shot;
    fake_nvenc.reset();
    fake_cuda.reset();
    if (call->phase == OPENING)
        another_gpu();
    if (call->phase < TAKING) {
        inject(&fake_nvenc, call->name, 1, status);
        expect(call, status, nvenc_open(&rig, "", &format), &rig);
        rig_drop(&rig);
        expect_clean(true);
        return;
    }
    nvenc_must_open(&rig, "preset=p1", &format);
    shot_take(&shot, &format, 0, &pool);
    oriel_result result = ORIEL_OK;
    if (call->phase < CHANGING) {
        inject(&fake_nvenc, call->name, 1, status);
        result = rig_encode(&rig, &shot.frame, 0);
        expect(call, status, result, &rig);
        go_on(&rig, &shot, result);
    } else {
        assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
        inject(&fake_nvenc, call->name, 1, status);
    }
    if (call->phase == CHANGING) {
        result = rig_set(&rig, "bitrate=777777");
        expect(call, status, result, &rig);
        if (result != ORIEL_DEVICE_LOST) {
            assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
            assert_false(rig.packets[1].packet.flags & ORIEL_PACKET_KEY);
            assert_int_equal(rig_set(&rig, "bitrate=777777"), ORIEL_OK);
        }
    }
    rig_finish(&rig);
    if (call->phase == CLOSING)
        assert_true(fake_nvenc.count(call->name) > 0);
    shot_free(&shot);
    expect_clean(true);
}

static void every_code_at_every_call(void **state)
{
    (void)state;
    need_standin();
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        for (int status = 1; status <= LAST_STATUS; status++)
            fail_once(&calls[i], status);
    another_gpu();
    fake_nvenc.reset();
}

static void busy_ends(void **state)
{
    (void)state;
    need_standin();
    struct oriel_format format = small(ORIEL_DOMAIN_CUDA);
    struct rig rig;
    struct shot shot;
    nvenc_must_open(&rig, "", &format);
    shot_take(&shot, &format, 0, &pool);
    inject(&fake_nvenc, "nvEncEncodePicture", 0, NV_ENC_ERR_ENCODER_BUSY);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_AGAIN);
    fake_nvenc.reset();
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    assert_true(rig.packets[0].packet.flags & ORIEL_PACKET_KEY);
    inject(&fake_nvenc, "nvEncLockBitstream", 0, NV_ENC_ERR_LOCK_BUSY);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_FATAL);
    fake_nvenc.reset();
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_FATAL);
    assert_non_null(strstr(rig.failure, "failed before"));
    rig_finish(&rig);
    shot_free(&shot);
    expect_clean(true);
}

static void losses_fail_too(void **state)
{
    (void)state;
    need_standin();
    struct oriel_format format = small(ORIEL_DOMAIN_CUDA);
    struct rig rig;
    struct shot shot;
    nvenc_must_open(&rig, "", &format);
    shot_take(&shot, &format, 0, &pool);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    const struct oriel_encoder_invalidate *draft =
        nvenc->get_interface(rig.self, ORIEL_ENCODER_INVALIDATE_V1);
    uint64_t seq = shot.frame.stamp.seq;
    inject(&fake_nvenc, "nvEncInvalidateRefFrames", 1, NV_ENC_ERR_GENERIC);
    assert_int_equal(draft->invalidate(rig.self, seq, seq), ORIEL_IO);
    assert_non_null(strstr(rig.failure, "nvEncInvalidateRefFrames"));
    inject(&fake_nvenc, "nvEncGetEncodeCaps", 1, NV_ENC_ERR_GENERIC);
    assert_int_equal(draft->invalidate(rig.self, seq, seq), ORIEL_UNSUPPORTED);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    rig_finish(&rig);
    shot_free(&shot);
    fake_nvenc.reset();
    expect_clean(true);
}

/* --- CUDA --- */

static void contexts_fail(void **state)
{
    (void)state;
    need_standin();
    struct oriel_format format = small(ORIEL_DOMAIN_CPU);
    struct rig rig;
    static const struct {
        const char *call;
        int code;
        oriel_result result;
    } cases[] = {
        {"cuDeviceGetCount", 3, ORIEL_UNSUPPORTED},
        {"cuDeviceGet", 101, ORIEL_UNSUPPORTED},
        {"cuDevicePrimaryCtxRetain", 2, ORIEL_NOMEM},
        {"cuDevicePrimaryCtxRetain", 46, ORIEL_DEVICE_LOST},
        {"cuCtxPushCurrent", 709, ORIEL_DEVICE_LOST},
        {"cuCtxPushCurrent", 1, ORIEL_FATAL},
    };
    hide_device(true); /* the module finds one by itself then */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        inject(&fake_cuda, cases[i].call, 1, cases[i].code);
        assert_int_equal(nvenc_open(&rig, "", &format), cases[i].result);
        if (!strstr(rig.failure, cases[i].call))
            fail_msg("%s is told as %s", cases[i].call, rig.failure);
        rig_drop(&rig);
        fake_cuda.reset();
    }
    struct shot shot;
    shot_take(&shot, &format, 0, &pool);
    nvenc_must_open(&rig, "gpu=0", &format);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    rig_finish(&rig);
    assert_int_equal(nvenc_open(&rig, "gpu=9", &format), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(rig.failure, "no GPU 9"));
    rig_drop(&rig);
    format.domain = ORIEL_DOMAIN_CUDA;
    assert_int_equal(nvenc_open(&rig, "", &format), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(rig.failure, "no CUDA device"));
    rig_drop(&rig);
    format.domain = ORIEL_DOMAIN_GL;
    assert_int_equal(nvenc_open(&rig, "", &format), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(rig.failure, "OpenGL"));
    rig_drop(&rig);
    hide_device(false);
    shot_free(&shot);
    expect_clean(true);
}

static void a_context_goes_while_it_runs(void **state)
{
    (void)state;
    need_standin();
    struct oriel_format format = small(ORIEL_DOMAIN_CUDA);
    struct rig rig;
    struct shot shot;
    nvenc_must_open(&rig, "", &format);
    shot_take(&shot, &format, 0, &pool);
    inject(&fake_cuda, "cuCtxPushCurrent", 1, 700);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_DEVICE_LOST);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    assert_true(rig.packets[0].packet.flags & ORIEL_PACKET_KEY);
    inject(&fake_cuda, "cuCtxPushCurrent", 1, 719);
    assert_int_equal(rig_set(&rig, "bitrate=1000000"), ORIEL_DEVICE_LOST);
    inject(&fake_cuda, "cuCtxPushCurrent", 1, 4); /* at the end */
    rig_finish(&rig);
    shot_free(&shot);
    fake_cuda.reset();
    expect_clean(true);
}

static void devices_are_lost(void **state)
{
    (void)state;
    need_standin();
    static const uint32_t domains[] = {ORIEL_DOMAIN_CUDA, ORIEL_DOMAIN_CPU};
    for (unsigned i = 0; i < 4; i++) {
        struct oriel_format format = small(domains[i % 2]);
        struct rig rig;
        struct shot shot;
        nvenc_must_open(&rig, i < 2 ? "" : "slices=4 subframe=true", &format);
        shot_take(&shot, &format, 0, &pool);
        assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
        if (i % 2)
            fake_nvenc.set("lost", 1);
        else
            fake_nvenc.set("lose.at", 1);
        assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_DEVICE_LOST);
        assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_FATAL);
        rig_finish(&rig);
        assert_int_equal(nvenc_open(&rig, "", &format), ORIEL_DEVICE_LOST);
        rig_drop(&rig);
        fake_nvenc.reset();
        fake_cuda.reset();
        shot_free(&shot);
        expect_clean(true);
    }
    /* All of it at once, as when a GPU falls off the bus. */
    struct oriel_format format = small(ORIEL_DOMAIN_CUDA);
    struct rig rig;
    struct shot shot;
    nvenc_must_open(&rig, "", &format);
    shot_take(&shot, &format, 0, &pool);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    fake_cuda.set("lost", 1);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_DEVICE_LOST);
    rig_finish(&rig);
    fake_cuda.reset();
    shot_free(&shot);
    expect_clean(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_says_what_is_missing),
        cmocka_unit_test(every_code_at_every_call),
        cmocka_unit_test(busy_ends),
        cmocka_unit_test(losses_fail_too),
        cmocka_unit_test(contexts_fail),
        cmocka_unit_test(a_context_goes_while_it_runs),
        cmocka_unit_test(devices_are_lost),
    };
    return cmocka_run_group_tests(tests, gpu_start, gpu_stop);
}
