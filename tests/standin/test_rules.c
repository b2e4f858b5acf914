/* SPDX-License-Identifier: BSD-3-Clause */
/* The stand-in for NVENC, every rule of its calls broken once: the fault is seen and the driver's
 * code comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig.h"

static struct packet packet;

/* The call is answered with `status` and seen as one fault. */
#define BREAKS(call, status, text)                                                                 \
    do {                                                                                           \
        assert_int_equal((call), (int)(status));                                                   \
        expect_faults(&nvenc_standin, 1, text);                                                    \
    } while (0)

static void opening(void **state)
{
    (void)state;
    void *session;
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS good = {.version =
                                                     NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER,
                                                 .deviceType = NV_ENC_DEVICE_TYPE_CUDA,
                                                 .device = context,
                                                 .apiVersion = NVENCAPI_VERSION},
                                         p = good;
    BREAKS(nv.nvEncOpenEncodeSessionEx(NULL, &session), NV_ENC_ERR_INVALID_PTR, "NULL");
    p.version++;
    BREAKS(nv.nvEncOpenEncodeSessionEx(&p, &session), NV_ENC_ERR_INVALID_VERSION, "struct version");
    p = good;
    p.apiVersion++;
    BREAKS(nv.nvEncOpenEncodeSessionEx(&p, &session), NV_ENC_ERR_INVALID_VERSION, "apiVersion");
    p = good;
    p.device = &p;
    BREAKS(nv.nvEncOpenEncodeSessionEx(&p, &session), NV_ENC_ERR_INVALID_ENCODERDEVICE,
           "not a live CUDA");
    p = good;
    p.deviceType = NV_ENC_DEVICE_TYPE_DIRECTX;
    BREAKS(nv.nvEncOpenEncodeSessionEx(&p, &session), NV_ENC_ERR_UNSUPPORTED_DEVICE,
           "device type 0");
    p.deviceType = NV_ENC_DEVICE_TYPE_OPENGL;
    BREAKS(nv.nvEncOpenEncodeSessionEx(&p, &session), NV_ENC_ERR_INVALID_DEVICE,
           "no OpenGL context");
    p = good;
    p.reserved1[3] = 1;
    BREAKS(nv.nvEncOpenEncodeSessionEx(&p, &session), 0, "reserved1 is not zero");
    BREAKS(nv.nvEncDestroyEncoder(&p), NV_ENC_ERR_INVALID_ENCODERDEVICE, "not a session");
    assert_int_equal(nv.nvEncDestroyEncoder(session), 0);
    BREAKS(nv.nvEncDestroyEncoder(session), NV_ENC_ERR_INVALID_ENCODERDEVICE, "is destroyed");
}

static void session_limit(void **state)
{
    (void)state;
    struct client a, b;
    nvenc_standin.set("sessions", 1);
    assert_int_equal(client_open(&a), 0);
    assert_int_equal(client_open(&b), NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY);
    nvenc_standin.set("sessions.code", NV_ENC_ERR_OUT_OF_MEMORY);
    assert_int_equal(client_open(&b), NV_ENC_ERR_OUT_OF_MEMORY);
    assert_int_equal(nvenc_standin.count("live.sessions"), 1);
    nv.nvEncDestroyEncoder(a.session);
    nvenc_standin.set("no.engine", 1);
    assert_int_equal(client_open(&b), NV_ENC_ERR_UNSUPPORTED_DEVICE);
    expect_faults(&nvenc_standin, 0, "");
}

/* One change to what is fine, and what comes of it. */
static void refuses(void (*change)(struct client *), NVENCSTATUS status, const char *text)
{
    struct client c;
    assert_int_equal(client_open(&c), 0);
    client_configure(&c, &NV_ENC_CODEC_H264_GUID);
    change(&c);
    BREAKS(nv.nvEncInitializeEncoder(c.session, &c.init), status, text);
    assert_non_null(strstr(nv.nvEncGetLastErrorString(c.session), text));
    nv.nvEncDestroyEncoder(c.session);
}

#define CHANGE(name, statement)                                                                    \
    static void name(struct client *c)                                                             \
    {                                                                                              \
        statement;                                                                                 \
    }
#define H264 c->config.encodeCodecConfig.h264Config

CHANGE(bad_version, c->init.version = NV_ENC_CONFIG_VER)
CHANGE(bad_config_version, c->config.version ^= 1)
CHANGE(bad_rc_version, c->config.rcParams.version ^= 1)
CHANGE(bad_reserved, c->init.reserved2[7] = c)
CHANGE(bad_reserved_h264, H264.reserved1[7] = 1)
CHANGE(bad_codec, c->init.encodeGUID = NV_ENC_PRESET_P1_GUID)
CHANGE(bad_preset, c->init.presetGUID = NV_ENC_CODEC_H264_GUID)
CHANGE(bad_tuning, c->init.tuningInfo = NV_ENC_TUNING_INFO_UNDEFINED)
CHANGE(too_small, c->init.encodeWidth = 64)
CHANGE(too_large, c->init.encodeWidth = 4098)
CHANGE(odd, c->init.encodeWidth = 321)
CHANGE(beyond_maximum, (c->init.maxEncodeWidth = 300, c->init.maxEncodeHeight = 300))
CHANGE(no_rate, c->init.frameRateDen = 0)
CHANGE(asynchronous, c->init.enableEncodeAsync = 1)
CHANGE(b_pictures, c->config.frameIntervalP = 2)
CHANGE(no_interval, c->config.frameIntervalP = 0)
CHANGE(fields, c->config.frameFieldMode = NV_ENC_PARAMS_FRAME_FIELD_MODE_FIELD)
CHANGE(no_bits, c->config.rcParams.averageBitRate = 0)
CHANGE(odd_mode, c->config.rcParams.rateControlMode = (NV_ENC_PARAMS_RC_MODE)0x10)
CHANGE(low_maximum, (c->config.rcParams.rateControlMode = NV_ENC_PARAMS_RC_VBR,
                     c->config.rcParams.maxBitRate = 1000))
CHANGE(high_qp, (c->config.rcParams.rateControlMode = NV_ENC_PARAMS_RC_CONSTQP,
                 c->config.rcParams.constQP.qpInterP = 52))
CHANGE(late_vbv, c->config.rcParams.vbvInitialDelay = 5)
CHANGE(lookahead, c->config.rcParams.enableLookahead = 1)
CHANGE(hevc_profile, c->config.profileGUID = NV_ENC_HEVC_PROFILE_MAIN_GUID)
CHANGE(high_for_444,
       (c->config.profileGUID = NV_ENC_H264_PROFILE_HIGH_GUID, H264.chromaFormatIDC = 3))
CHANGE(chroma_422, H264.chromaFormatIDC = 2)
CHANGE(lossless_cbr, H264.qpPrimeYZeroTransformBypassFlag = 1)
CHANGE(baseline_cabac, c->config.profileGUID = NV_ENC_H264_PROFILE_BASELINE_GUID)
CHANGE(no_slices, H264.sliceModeData = 0)
CHANGE(refresh_gop,
       (c->config.gopLength = 60, H264.enableIntraRefresh = 1, H264.intraRefreshPeriod = 30))
CHANGE(refresh_count,
       (H264.enableIntraRefresh = 1, H264.intraRefreshPeriod = H264.intraRefreshCnt = 30))
CHANGE(half_vui, H264.h264VUIParameters.colourDescriptionPresentFlag = 1)
CHANGE(no_yuv444, (nvenc_standin.set("caps.h264.33", 0), H264.chromaFormatIDC = 3))

static void initializing(void **state)
{
    (void)state;
    const NVENCSTATUS PARAM = NV_ENC_ERR_INVALID_PARAM, UNSUPPORTED = NV_ENC_ERR_UNSUPPORTED_PARAM;
    refuses(bad_version, NV_ENC_ERR_INVALID_VERSION, "struct version");
    refuses(bad_config_version, NV_ENC_ERR_INVALID_VERSION, "struct version");
    refuses(bad_rc_version, NV_ENC_ERR_INVALID_VERSION, "struct version");
    refuses(bad_reserved, 0, "init->reserved2 is not zero");
    refuses(bad_reserved_h264, 0, "h264->reserved1 is not zero");
    refuses(bad_codec, UNSUPPORTED, "a codec the card has not");
    refuses(bad_preset, UNSUPPORTED, "not one of the presets");
    refuses(bad_tuning, PARAM, "want a tuningInfo");
    refuses(too_small, PARAM, "64x240 is not a size");
    refuses(too_large, PARAM, "4098x240 is not a size");
    refuses(odd, PARAM, "even sides");
    refuses(beyond_maximum, PARAM, "beyond maxEncodeWidth");
    refuses(no_rate, PARAM, "frame rate of 60/0");
    refuses(asynchronous, UNSUPPORTED, "enableEncodeAsync");
    refuses(b_pictures, UNSUPPORTED, "no B pictures");
    refuses(no_interval, PARAM, "wants frameIntervalP 1");
    refuses(fields, UNSUPPORTED, "not fields");
    refuses(no_bits, PARAM, "averageBitRate is 0");
    refuses(odd_mode, UNSUPPORTED, "rate control 0x10");
    refuses(low_maximum, PARAM, "is below averageBitRate");
    refuses(high_qp, PARAM, "QPs are 0 to 51");
    refuses(late_vbv, PARAM, "vbvInitialDelay");
    refuses(lookahead, UNSUPPORTED, "no lookahead");
    refuses(hevc_profile, UNSUPPORTED, "not a profile of H.264");
    refuses(high_for_444, PARAM, "want the profile High 4:4:4");
    refuses(chroma_422, PARAM, "chromaFormatIDC 2");
    refuses(lossless_cbr, PARAM, "constant QP 0");
    refuses(baseline_cabac, PARAM, "no CABAC");
    refuses(no_slices, PARAM, "sliceMode 3 with 0");
    refuses(refresh_gop, PARAM, "infinite gopLength");
    refuses(refresh_count, PARAM, "not below intraRefreshPeriod");
    refuses(half_vui, PARAM, "videoSignalTypePresentFlag");
    refuses(no_yuv444, UNSUPPORTED, "no 4:4:4");
}

static void order_of_calls(void **state)
{
    (void)state;
    struct client c;
    assert_int_equal(client_open(&c), 0);
    client_configure(&c, &NV_ENC_CODEC_H264_GUID);
    NV_ENC_CREATE_BITSTREAM_BUFFER out = {.version = NV_ENC_CREATE_BITSTREAM_BUFFER_VER};
    NV_ENC_REGISTER_RESOURCE reg = {.version = NV_ENC_REGISTER_RESOURCE_VER,
                                    .resourceToRegister = &c};
    NV_ENC_PIC_PARAMS picture = {.version = NV_ENC_PIC_PARAMS_VER};
    NV_ENC_RECONFIGURE_PARAMS again = {.version = NV_ENC_RECONFIGURE_PARAMS_VER,
                                       .reInitEncodeParams = c.init};
    const NVENCSTATUS EARLY = NV_ENC_ERR_ENCODER_NOT_INITIALIZED;
    BREAKS(nv.nvEncCreateBitstreamBuffer(c.session, &out), EARLY, "not initialized");
    BREAKS(nv.nvEncRegisterResource(c.session, &reg), EARLY, "not initialized");
    BREAKS(nv.nvEncEncodePicture(c.session, &picture), EARLY, "not initialized");
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &again), EARLY, "not initialized");
    BREAKS(nv.nvEncInvalidateRefFrames(c.session, 1), EARLY, "not initialized");
    assert_int_equal(nv.nvEncInitializeEncoder(c.session, &c.init), 0);
    BREAKS(nv.nvEncInitializeEncoder(c.session, &c.init), NV_ENC_ERR_INVALID_CALL,
           "it is initialized");
    assert_int_equal(nv.nvEncRegisterAsyncEvent(c.session, NULL), NV_ENC_ERR_UNIMPLEMENTED);
    nv.nvEncDestroyEncoder(c.session);
    expect_faults(&nvenc_standin, 0, "");
}

static void registering(void **state)
{
    (void)state;
    struct client c;
    CUdeviceptr a;
    CUcontext other, popped;
    client_create(&c);
    cu->cuMemAlloc(&a, 512 * HEIGHT * 3 / 2 - 192);
    NV_ENC_REGISTER_RESOURCE good = {.version = NV_ENC_REGISTER_RESOURCE_VER,
                                     .resourceType = NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR,
                                     .width = WIDTH,
                                     .height = HEIGHT,
                                     .pitch = 512,
                                     .resourceToRegister = (void *)(uintptr_t)a,
                                     .bufferFormat = NV_ENC_BUFFER_FORMAT_NV12},
                             p = good;
    assert_int_equal(nv.nvEncRegisterResource(c.session, &p), 0); /* the last row has no padding */
    NV_ENC_REGISTERED_PTR registered = p.registeredResource;
    p = good;
    p.pitch = 318;
    BREAKS(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_INVALID_PARAM,
           "pitch 318 for 320x240");
    p.pitch = 322;
    BREAKS(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_INVALID_PARAM, "no multiple of 4");
    p.pitch = 516;
    BREAKS(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_RESOURCE_REGISTER_FAILED,
           "beyond its block");
    p = good;
    p.resourceToRegister = (void *)(uintptr_t)c.memory[0];
    p.pitch = 320;
    BREAKS(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_INVALID_PARAM,
           "cuMemAllocPitch gave 512");
    p = good;
    p.resourceToRegister = &c;
    BREAKS(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_RESOURCE_REGISTER_FAILED,
           "is not device");
    p = good;
    p.bufferFormat = NV_ENC_BUFFER_FORMAT_YUV420_10BIT;
    BREAKS(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_INVALID_PARAM, "format 0x10000");
    p = good;
    p.resourceType = NV_ENC_INPUT_RESOURCE_TYPE_DIRECTX;
    BREAKS(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_UNSUPPORTED_PARAM,
           "resource type 0");
    NV_ENC_INPUT_RESOURCE_OPENGL_TEX texture = {1, 0x0de1};
    p.resourceType = NV_ENC_INPUT_RESOURCE_TYPE_OPENGL_TEX;
    p.resourceToRegister = &texture;
    BREAKS(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_UNSUPPORTED_PARAM,
           "in a session of CUDA");
    cu->cuCtxCreate(&other, 0, 0);
    CUdeviceptr elsewhere;
    cu->cuMemAlloc(&elsewhere, 512 * HEIGHT * 3 / 2);
    p = good;
    p.resourceToRegister = (void *)(uintptr_t)elsewhere;
    BREAKS(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_RESOURCE_REGISTER_FAILED,
           "another context");
    cu->cuMemFree(elsewhere);
    cu->cuCtxPopCurrent(&popped);
    cu->cuCtxDestroy(other);
    assert_int_equal(nv.nvEncUnregisterResource(c.session, registered), 0);
    BREAKS(nv.nvEncUnregisterResource(c.session, registered), NV_ENC_ERR_RESOURCE_NOT_REGISTERED,
           "not registered");
    BREAKS(nv.nvEncUnregisterResource(c.session, c.registered[0]), NV_ENC_ERR_INVALID_CALL,
           "is mapped");
    NV_ENC_MAP_INPUT_RESOURCE map = {.version = NV_ENC_MAP_INPUT_RESOURCE_VER,
                                     .registeredResource = c.registered[0]};
    BREAKS(nv.nvEncMapInputResource(c.session, &map), NV_ENC_ERR_MAP_FAILED, "mapped already");
    map.registeredResource = registered;
    BREAKS(nv.nvEncMapInputResource(c.session, &map), NV_ENC_ERR_RESOURCE_NOT_REGISTERED,
           "not registered");
    BREAKS(nv.nvEncUnmapInputResource(c.session, registered), NV_ENC_ERR_RESOURCE_NOT_MAPPED,
           "not mapped");
    cu->cuMemFree(a);
    client_destroy(&c);
    expect_faults(&nvenc_standin, 0, "");
}

static void sending(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    client_paint(&c, 0, 0);
    const NVENCSTATUS PARAM = NV_ENC_ERR_INVALID_PARAM;
    NV_ENC_PIC_PARAMS good = client_picture(&c, 0), p = good;
    p.version = 0;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), NV_ENC_ERR_INVALID_VERSION, "struct version");
    p = good;
    p.inputBuffer = c.registered[0];
    BREAKS(nv.nvEncEncodePicture(c.session, &p), PARAM, "inputBuffer is not mapped");
    p = good;
    p.outputBitstream = NULL;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), PARAM, "is not a bitstream buffer");
    p = good;
    p.bufferFmt = NV_ENC_BUFFER_FORMAT_IYUV;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), PARAM, "the input has 0x1");
    p = good;
    p.inputWidth = 160;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), PARAM, "160x240 of an input of 320x240");
    p = good;
    p.inputPitch = 1024;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), PARAM, "inputPitch 1024");
    p = good;
    p.pictureStruct = 0;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), PARAM, "pictureStruct 0");
    p = good;
    p.encodePicFlags = 64;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), PARAM, "encodePicFlags 0x40");
    p = good;
    p.completionEvent = &p;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), NV_ENC_ERR_INVALID_EVENT, "without async");
    p = good;
    p.codecPicParams.h264PicParams.forceIntraRefreshWithFrameCnt = 5;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), PARAM, "without enableIntraRefresh");
    p = good;
    p.reserved3[5] = 1;
    BREAKS(nv.nvEncEncodePicture(c.session, &p), 0, "reserved3 is not zero");
    BREAKS(nv.nvEncEncodePicture(c.session, &good), PARAM, "has a picture in flight");
    assert_int_equal(client_fetch(&c, 0, &packet), 0);
    client_destroy(&c);
    expect_faults(&nvenc_standin, 0, "");
}

static void fetching(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    for (unsigned i = 0; i < 2; i++)
        client_paint(&c, i, i);
    NV_ENC_LOCK_BITSTREAM lock = {.version = NV_ENC_LOCK_BITSTREAM_VER,
                                  .outputBitstream = c.bitstream[0]};
    const NVENCSTATUS PARAM = NV_ENC_ERR_INVALID_PARAM;
    BREAKS(nv.nvEncLockBitstream(c.session, &lock), PARAM, "has no picture");
    BREAKS(nv.nvEncUnlockBitstream(c.session, c.bitstream[0]), PARAM, "not locked");
    nvenc_standin.set("delay.us", 50000);
    nvenc_standin.set("delay.fixed", 1);
    assert_int_equal(client_send(&c, 0, 0), 0);
    assert_int_equal(client_send(&c, 1, 0), 0);
    lock.doNotWait = 1;
    assert_int_equal(nv.nvEncLockBitstream(c.session, &lock), NV_ENC_ERR_LOCK_BUSY);
    expect_faults(&nvenc_standin, 0, "");
    lock.doNotWait = 0;
    lock.outputBitstream = c.bitstream[1];
    BREAKS(nv.nvEncLockBitstream(c.session, &lock), 0, "picture 2 before picture 1");
    BREAKS(nv.nvEncLockBitstream(c.session, &lock), PARAM, "is locked");
    assert_int_equal(nv.nvEncUnlockBitstream(c.session, c.bitstream[1]), 0);
    BREAKS(client_fetch(&c, 0, &packet), 0, "picture 1 before picture 3");
    client_destroy(&c);
    expect_faults(&nvenc_standin, 0, "");
}

static void reconfiguring(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    const NVENCSTATUS PARAM = NV_ENC_ERR_INVALID_PARAM;
    NV_ENC_RECONFIGURE_PARAMS good = {.version = NV_ENC_RECONFIGURE_PARAMS_VER,
                                      .reInitEncodeParams = c.init},
                              p = good;
    p.version ^= 1;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), NV_ENC_ERR_INVALID_VERSION, "struct version");
    p = good;
    p.reInitEncodeParams.encodeGUID = NV_ENC_CODEC_HEVC_GUID;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), PARAM, "the codec cannot change");
    p = good;
    p.reInitEncodeParams.enablePTD = 0;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), PARAM,
           "enablePTD or enableEncodeAsync cannot");
    p = good;
    p.reInitEncodeParams.encodeHeight = 160;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), PARAM, "maxEncodeWidth was not set");
    NV_ENC_CONFIG config = c.config;
    p = good;
    p.reInitEncodeParams.encodeConfig = &config;
    config.gopLength = 100;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), PARAM, "the GOP structure cannot");
    config = c.config;
    config.rcParams.rateControlMode = NV_ENC_PARAMS_RC_CONSTQP;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), NV_ENC_ERR_UNSUPPORTED_PARAM,
           "rate control mode");
    config = c.config;
    config.encodeCodecConfig.h264Config.chromaFormatIDC = 3;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), PARAM, "the chroma format or the bit depth");
    client_destroy(&c);
    assert_int_equal(client_open(&c), 0);
    client_configure(&c, &NV_ENC_CODEC_H264_GUID);
    c.init.maxEncodeWidth = WIDTH;
    c.init.maxEncodeHeight = HEIGHT;
    assert_int_equal(nv.nvEncInitializeEncoder(c.session, &c.init), 0);
    p = good;
    p.reInitEncodeParams = c.init;
    p.reInitEncodeParams.encodeHeight = 160;
    p.resetEncoder = 1;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), 0, "without forceIDR");
    p.resetEncoder = 0;
    p.forceIDR = 1;
    p.reInitEncodeParams.encodeHeight = 162;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), 0, "without resetEncoder");
    p.reInitEncodeParams.encodeHeight = HEIGHT + 2;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), PARAM, "is beyond maxEncodeWidth");
    client_buffers(&c);
    p.resetEncoder = 1;
    c.init.encodeHeight = p.reInitEncodeParams.encodeHeight = 164;
    assert_int_equal(nv.nvEncReconfigureEncoder(c.session, &p), 0);
    BREAKS(client_send(&c, 0, 0), PARAM, "was made for another size");
    client_unregister(&c, 0);
    client_register(&c, 0);
    assert_int_equal(client_send(&c, 0, 0), 0);
    p.reInitEncodeParams.encodeHeight = HEIGHT;
    BREAKS(nv.nvEncReconfigureEncoder(c.session, &p), 0, "pictures are in flight");
    assert_int_equal(client_fetch(&c, 0, &packet), 0);
    client_destroy(&c);
    expect_faults(&nvenc_standin, 0, "");
}

int main(void)
{
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, rig_reset, rig_reset)
    const struct CMUnitTest tests[] = {
        RIGGED(opening),     RIGGED(session_limit), RIGGED(initializing), RIGGED(order_of_calls),
        RIGGED(registering), RIGGED(sending),       RIGGED(fetching),     RIGGED(reconfiguring),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
