/* SPDX-License-Identifier: BSD-3-Clause */
/* The stand-in for NVENC as a card: what it encodes is what was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

static struct packet packet;

static void no_faults(void)
{
    expect_faults(&cuda_standin, 0, "");
    expect_faults(&nvenc_standin, 0, "");
}

static void encodes_h264(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    unsigned types[32];
    for (unsigned t = 0; t < 12; t++) {
        client_round(&c, t, t == 6 ? NV_ENC_PIC_FLAG_FORCEIDR : 0, &packet);
        assert_int_equal(packet.timestamp, 1001 + t);
        bool idr = t == 0 || t == 6;
        assert_int_equal(packet.type, idr ? NV_ENC_PIC_TYPE_IDR : NV_ENC_PIC_TYPE_P);
        unsigned n = nal_types(&packet, false, types, 32);
        if (t == 0) {
            assert_int_equal(n, 3);
            assert_int_equal(types[0], 7);
            assert_int_equal(types[1], 8);
        } else {
            assert_int_equal(n, 1);
        }
        assert_int_equal(types[n - 1], idr ? 5 : 1);
    }
    assert_int_equal(nvenc_standin.count("input.cuda"), 12);
    assert_int_equal(nvenc_standin.count("input.host"), 0);
    assert_int_equal(nvenc_standin.count("nvEncEncodePicture"), 12);
    client_destroy(&c);
    no_faults();
}

/* Decodes packets and compares with what was painted. */
struct decoder {
    AVCodecContext *context;
    AVFrame *frame;
};

static void decoder_open(struct decoder *d, enum AVCodecID id)
{
    d->context = avcodec_alloc_context3(avcodec_find_decoder(id));
    d->context->thread_count = 1;
    d->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
    d->frame = av_frame_alloc();
    assert_int_equal(avcodec_open2(d->context, NULL, NULL), 0);
}

static void decoder_close(struct decoder *d)
{
    avcodec_free_context(&d->context);
    av_frame_free(&d->frame);
}

static bool decode(struct decoder *d, const struct packet *p)
{
    AVPacket *in = av_packet_alloc();
    av_new_packet(in, (int)p->bytes);
    memcpy(in->data, p->data, p->bytes);
    bool good = avcodec_send_packet(d->context, in) == 0;
    av_packet_free(&in);
    return good && avcodec_receive_frame(d->context, d->frame) == 0;
}

/* The greatest difference of luma from client_paint's picture t. */
static int worst(const struct decoder *d, unsigned t, unsigned height)
{
    int most = 0;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < WIDTH; x++) {
            bool square = x - t * 4 % WIDTH < 48u && y > 60 && y < 120;
            int wanted = (int)(square ? 230 : 40 + x / 4 + y / 4);
            int is = d->frame->data[0][(size_t)d->frame->linesize[0] * y + x];
            if (d->frame->format == AV_PIX_FMT_YUV420P10)
                is = ((uint16_t *)(void *)(d->frame->data[0] +
                                           (size_t)d->frame->linesize[0] * y))[x] >>
                     2;
            most = abs(is - wanted) > most ? abs(is - wanted) : most;
        }
    return most;
}

static void start(struct client *c, const GUID *codec, void (*change)(struct client *))
{
    assert_int_equal(client_open(c), 0);
    client_configure(c, codec);
    if (change)
        change(c);
    assert_int_equal(nv.nvEncInitializeEncoder(c->session, &c->init), 0);
    client_buffers(c);
}

static void constant_qp(struct client *c)
{
    c->config.rcParams.rateControlMode = NV_ENC_PARAMS_RC_CONSTQP;
    c->config.rcParams.constQP = (NV_ENC_QP){20, 20, 17};
}

static void with_colours(struct client *c)
{
    constant_qp(c);
    NV_ENC_CONFIG_H264_VUI_PARAMETERS vui = {.videoSignalTypePresentFlag = 1,
                                             .videoFormat = 5,
                                             .videoFullRangeFlag = 1,
                                             .colourDescriptionPresentFlag = 1,
                                             .colourPrimaries = 1,
                                             .transferCharacteristics = 13,
                                             .colourMatrix = 1};
    c->config.encodeCodecConfig.h264Config.h264VUIParameters = vui;
}

static void with_colours_hevc(struct client *c)
{
    with_colours(c);
    NV_ENC_CONFIG_H264_VUI_PARAMETERS vui =
        c->config.encodeCodecConfig.h264Config.h264VUIParameters;
    NV_ENC_CONFIG preset = {.version = 0};
    memcpy(&c->config.encodeCodecConfig, &preset.encodeCodecConfig,
           sizeof preset.encodeCodecConfig);
    NV_ENC_CONFIG_HEVC *hevc = &c->config.encodeCodecConfig.hevcConfig;
    hevc->chromaFormatIDC = 1;
    hevc->idrPeriod = NVENC_INFINITE_GOPLENGTH;
    hevc->repeatSPSPPS = 1;
    hevc->hevcVUIParameters = vui;
}

static void lossless_444(struct client *c)
{
    c->format = NV_ENC_BUFFER_FORMAT_YUV444;
    c->init.tuningInfo = NV_ENC_TUNING_INFO_LOSSLESS;
    c->config.profileGUID = NV_ENC_H264_PROFILE_HIGH_444_GUID;
    c->config.rcParams.rateControlMode = NV_ENC_PARAMS_RC_CONSTQP;
    c->config.rcParams.constQP = (NV_ENC_QP){0, 0, 0};
    c->config.encodeCodecConfig.h264Config.chromaFormatIDC = 3;
    c->config.encodeCodecConfig.h264Config.qpPrimeYZeroTransformBypassFlag = 1;
}

static void shows(const GUID *codec, enum AVCodecID id, void (*change)(struct client *),
                  int allowed, enum AVPixelFormat format, bool coloured)
{
    struct client c;
    struct decoder d;
    start(&c, codec, change);
    decoder_open(&d, id);
    for (unsigned t = 0; t < 6; t++) {
        client_round(&c, t, t == 3 ? NV_ENC_PIC_FLAG_FORCEIDR : 0, &packet);
        assert_int_equal(packet.type, t % 3 ? NV_ENC_PIC_TYPE_P : NV_ENC_PIC_TYPE_IDR);
        assert_true(decode(&d, &packet));
        assert_int_equal(d.frame->format, format);
        assert_true(worst(&d, t, HEIGHT) <= allowed);
        if (coloured) {
            assert_int_equal(d.frame->color_trc, AVCOL_TRC_IEC61966_2_1);
            assert_int_equal(d.frame->colorspace, AVCOL_SPC_BT709);
            assert_int_equal(d.frame->color_range, AVCOL_RANGE_JPEG);
        }
    }
    decoder_close(&d);
    client_destroy(&c);
    no_faults();
}

static void pictures_are_what_was_sent(void **state)
{
    (void)state;
    shows(&NV_ENC_CODEC_H264_GUID, AV_CODEC_ID_H264, with_colours, 24, AV_PIX_FMT_YUVJ420P, true);
    shows(&NV_ENC_CODEC_H264_GUID, AV_CODEC_ID_H264, lossless_444, 0, AV_PIX_FMT_YUV444P, false);
}

static bool has_hevc(void)
{
    struct client c;
    uint32_t n;
    assert_int_equal(client_open(&c), 0);
    assert_int_equal(nv.nvEncGetEncodeGUIDCount(c.session, &n), 0);
    nv.nvEncDestroyEncoder(c.session);
    if (n < 2)
        print_message("no libx265 in libavcodec: HEVC is left out\n");
    return n == 2;
}

static void deep(struct client *c)
{
    with_colours_hevc(c);
    c->format = NV_ENC_BUFFER_FORMAT_YUV420_10BIT;
    c->config.profileGUID = NV_ENC_HEVC_PROFILE_MAIN10_GUID;
#if NVENCAPI_MAJOR_VERSION > 12 || (NVENCAPI_MAJOR_VERSION == 12 && NVENCAPI_MINOR_VERSION >= 2)
    c->config.encodeCodecConfig.hevcConfig.inputBitDepth = NV_ENC_BIT_DEPTH_10;
    c->config.encodeCodecConfig.hevcConfig.outputBitDepth = NV_ENC_BIT_DEPTH_10;
#else
    c->config.encodeCodecConfig.hevcConfig.pixelBitDepthMinus8 = 2;
#endif
}

static void hevc_pictures_are_what_was_sent(void **state)
{
    (void)state;
    if (!has_hevc())
        skip();
    shows(&NV_ENC_CODEC_HEVC_GUID, AV_CODEC_ID_HEVC, with_colours_hevc, 24, AV_PIX_FMT_YUVJ420P,
          true);
    shows(&NV_ENC_CODEC_HEVC_GUID, AV_CODEC_ID_HEVC, deep, 24, AV_PIX_FMT_YUV420P10, true);
    nvenc_standin.set("hevc", 0);
    struct client c;
    uint32_t n;
    assert_int_equal(client_open(&c), 0);
    assert_int_equal(nv.nvEncGetEncodeGUIDCount(c.session, &n), 0);
    assert_int_equal(n, 1);
    nv.nvEncDestroyEncoder(c.session);
}

static uint64_t noisy_bytes(struct client *c, unsigned pictures)
{
    uint64_t bytes = 0;
    uint8_t *noise = malloc(c->pitch * HEIGHT * 3 / 2);
    uint32_t state = 1;
    for (unsigned t = 0; t < pictures; t++) {
        for (size_t i = 0; i < c->pitch * HEIGHT * 3 / 2; i++)
            noise[i] = (uint8_t)(128 + ((state = state * 1664525u + 1013904223u) >> 27));
        assert_int_equal(cu->cuMemcpyHtoD(c->memory[0], noise, c->pitch * HEIGHT * 3 / 2), 0);
        assert_int_equal(client_send(c, 0, 0), 0);
        assert_int_equal(client_fetch(c, 0, &packet), 0);
        if (t)
            assert_int_equal(packet.type, NV_ENC_PIC_TYPE_P);
        if (t >= pictures / 2)
            bytes += packet.bytes;
    }
    free(noise);
    return bytes;
}

static void bitrate_changes_live(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    nvenc_standin.set("delay.us", 0);
    uint64_t before = noisy_bytes(&c, 60);
    c.config.rcParams.averageBitRate = 4000000;
    NV_ENC_RECONFIGURE_PARAMS again = {.version = NV_ENC_RECONFIGURE_PARAMS_VER,
                                       .reInitEncodeParams = c.init};
    assert_int_equal(nv.nvEncReconfigureEncoder(c.session, &again), 0);
    NV_ENC_PIC_PARAMS picture = client_picture(&c, 0);
    assert_int_equal(nv.nvEncEncodePicture(c.session, &picture), 0);
    assert_int_equal(client_fetch(&c, 0, &packet), 0);
    assert_int_equal(packet.type, NV_ENC_PIC_TYPE_P); /* no new beginning */
    uint64_t after = noisy_bytes(&c, 60) + noisy_bytes(&c, 60);
    print_message("%llu bytes at 1 Mbit/s, %llu at 4\n", (unsigned long long)before,
                  (unsigned long long)after / 2);
    assert_true(after / 2 > before * 5 / 2);
    client_destroy(&c);
    no_faults();
}

static void size_changes_live(void **state)
{
    (void)state;
    struct client c;
    struct decoder d;
    assert_int_equal(client_open(&c), 0);
    client_configure(&c, &NV_ENC_CODEC_H264_GUID);
    constant_qp(&c);
    c.init.maxEncodeWidth = WIDTH;
    c.init.maxEncodeHeight = HEIGHT;
    assert_int_equal(nv.nvEncInitializeEncoder(c.session, &c.init), 0);
    client_buffers(&c);
    decoder_open(&d, AV_CODEC_ID_H264);
    client_round(&c, 0, 0, &packet);
    assert_true(decode(&d, &packet));
    c.init.encodeHeight = 160;
    NV_ENC_RECONFIGURE_PARAMS again = {.version = NV_ENC_RECONFIGURE_PARAMS_VER,
                                       .reInitEncodeParams = c.init,
                                       .resetEncoder = 1,
                                       .forceIDR = 1};
    assert_int_equal(nv.nvEncReconfigureEncoder(c.session, &again), 0);
    client_unregister(&c, 1);
    client_register(&c, 1);
    client_round(&c, 1, 0, &packet);
    assert_int_equal(packet.type, NV_ENC_PIC_TYPE_IDR);
    assert_true(decode(&d, &packet));
    assert_int_equal(d.frame->height, 160);
    assert_true(worst(&d, 1, 160) <= 24);
    decoder_close(&d);
    client_destroy(&c);
    no_faults();
}

static void lost_pictures_are_not_referred_to(void **state)
{
    (void)state;
    struct client c;
    struct decoder d;
    start(&c, &NV_ENC_CODEC_H264_GUID, constant_qp);
    decoder_open(&d, AV_CODEC_ID_H264);
    for (unsigned t = 0; t < 8; t++) {
        if (t == 4) /* pictures 2 and 3 did not arrive: their timestamps are 1003 and 1004 */
            for (uint64_t lost = 1003; lost <= 1004; lost++)
                assert_int_equal(nv.nvEncInvalidateRefFrames(c.session, lost), 0);
        client_round(&c, t, 0, &packet);
        if (t == 2 || t == 3)
            continue;
        assert_true(decode(&d, &packet));
        assert_true(worst(&d, t, HEIGHT) <= 24);
    }
    decoder_close(&d);
    client_destroy(&c);
    no_faults();
}

static void in_slices(struct client *c)
{
    c->config.encodeCodecConfig.h264Config.sliceModeData = 4;
    c->init.reportSliceOffsets = c->init.enableSubFrameWrite = 1;
}

static void slices_come_one_by_one(void **state)
{
    (void)state;
    static uint32_t offsets[WIDTH * HEIGHT / 256];
    struct client c;
    start(&c, &NV_ENC_CODEC_H264_GUID, in_slices);
    nvenc_standin.set("delay.us", 40000);
    unsigned partial = 0;
    for (unsigned t = 0; t < 6; t++) {
        client_paint(&c, 0, t);
        assert_int_equal(client_send(&c, 0, 0), 0);
        for (bool done = false; !done;) {
            NV_ENC_LOCK_BITSTREAM lock = {.version = NV_ENC_LOCK_BITSTREAM_VER,
                                          .doNotWait = 1,
                                          .outputBitstream = c.bitstream[0],
                                          .sliceOffsets = offsets};
            assert_int_equal(nv.nvEncLockBitstream(c.session, &lock), 0);
            const uint8_t *bytes = lock.bitstreamBufferPtr;
            for (uint32_t i = 0; i < lock.numSlices; i++) {
                assert_true(offsets[i] + 4 <= lock.bitstreamSizeInBytes);
                assert_int_equal(bytes[offsets[i]] + bytes[offsets[i] + 1], 0);
            }
            done = lock.numSlices == 4;
            partial += lock.numSlices > 0 && !done;
            assert_int_equal(nv.nvEncUnlockBitstream(c.session, c.bitstream[0]), 0);
            usleep(1000);
        }
    }
    assert_true(partial > 0);
    client_destroy(&c);
    no_faults();
}

static void with_refresh(struct client *c)
{
    constant_qp(c);
    c->config.encodeCodecConfig.h264Config.enableIntraRefresh = 1;
    c->config.encodeCodecConfig.h264Config.intraRefreshPeriod = 40;
    c->config.encodeCodecConfig.h264Config.intraRefreshCnt = 10;
    c->config.encodeCodecConfig.h264Config.repeatSPSPPS = 1;
}

static void refresh_heals_without_idr(void **state)
{
    (void)state;
    struct client c;
    struct decoder d;
    start(&c, &NV_ENC_CODEC_H264_GUID, with_refresh);
    decoder_open(&d, AV_CODEC_ID_H264);
    for (unsigned t = 0; t < 100; t++) {
        client_round(&c, t, 0, &packet);
        if (t)
            assert_int_equal(packet.type, NV_ENC_PIC_TYPE_P);
        if (t == 5) /* lost */
            continue;
        assert_true(decode(&d, &packet));
    }
    assert_true(worst(&d, 99, HEIGHT) <= 24);
    client_round(&c, 100, NV_ENC_PIC_FLAG_FORCEIDR, &packet);
    assert_int_equal(packet.type, NV_ENC_PIC_TYPE_IDR);
    decoder_close(&d);
    client_destroy(&c);
    no_faults();
}

static void headers_on_request(void **state)
{
    (void)state;
    struct client c;
    uint8_t buffer[256];
    uint32_t bytes;
    unsigned types[8];
    client_create(&c);
    NV_ENC_SEQUENCE_PARAM_PAYLOAD payload = {.version = NV_ENC_SEQUENCE_PARAM_PAYLOAD_VER,
                                             .inBufferSize = sizeof buffer,
                                             .spsppsBuffer = buffer,
                                             .outSPSPPSPayloadSize = &bytes};
    assert_int_equal(nv.nvEncGetSequenceParams(c.session, &payload), 0);
    client_round(&c, 0, 0, &packet);
    assert_memory_equal(packet.data, buffer, bytes);
    client_round(&c, 1, NV_ENC_PIC_FLAG_FORCEIDR, &packet);
    assert_int_equal(nal_types(&packet, false, types, 8), 1);
    client_round(&c, 2, NV_ENC_PIC_FLAG_OUTPUT_SPSPPS, &packet);
    assert_int_equal(nal_types(&packet, false, types, 8), 3);
    assert_memory_equal(packet.data, buffer, bytes);
    client_destroy(&c);
    no_faults();
}

static void host_buffers_count(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    NV_ENC_CREATE_INPUT_BUFFER make = {.version = NV_ENC_CREATE_INPUT_BUFFER_VER,
                                       .width = WIDTH,
                                       .height = HEIGHT,
                                       .bufferFmt = NV_ENC_BUFFER_FORMAT_NV12};
    assert_int_equal(nv.nvEncCreateInputBuffer(c.session, &make), 0);
    NV_ENC_LOCK_INPUT_BUFFER lock = {.version = NV_ENC_LOCK_INPUT_BUFFER_VER,
                                     .inputBuffer = make.inputBuffer};
    assert_int_equal(nv.nvEncLockInputBuffer(c.session, &lock), 0);
    memset(lock.bufferDataPtr, 100, (size_t)lock.pitch * HEIGHT);
    NV_ENC_PIC_PARAMS picture = client_picture(&c, 0);
    picture.inputBuffer = make.inputBuffer;
    picture.inputPitch = lock.pitch;
    assert_int_equal(nv.nvEncEncodePicture(c.session, &picture), NV_ENC_ERR_INVALID_PARAM);
    expect_faults(&nvenc_standin, 1, "inputBuffer is locked");
    assert_int_equal(nv.nvEncUnlockInputBuffer(c.session, make.inputBuffer), 0);
    assert_int_equal(nv.nvEncEncodePicture(c.session, &picture), 0);
    assert_int_equal(client_fetch(&c, 0, &packet), 0);
    assert_int_equal(nvenc_standin.count("input.host"), 1);
    assert_int_equal(nvenc_standin.count("input.cuda"), 0);
    assert_int_equal(nv.nvEncDestroyInputBuffer(c.session, make.inputBuffer), 0);
    client_destroy(&c);
    no_faults();
}

int main(void)
{
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, rig_reset, rig_reset)
    const struct CMUnitTest tests[] = {
        RIGGED(encodes_h264),
        RIGGED(pictures_are_what_was_sent),
        RIGGED(hevc_pictures_are_what_was_sent),
        RIGGED(bitrate_changes_live),
        RIGGED(size_changes_live),
        RIGGED(lost_pictures_are_not_referred_to),
        RIGGED(slices_come_one_by_one),
        RIGGED(refresh_heals_without_idr),
        RIGGED(headers_on_request),
        RIGGED(host_buffers_count),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
