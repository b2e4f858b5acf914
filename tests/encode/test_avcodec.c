/* SPDX-License-Identifier: BSD-3-Clause */
/* encode/avcodec: each software encoder of this FFmpeg gives the pictures back, with or without
 * holding some; what is not there is refused with the reason. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libavcodec/avcodec.h>

#include "decode.h"
#include "harness.h"
#include "picture.h"

enum { FRAMES = 8, WIDTH = 320, HEIGHT = 192 };

static const struct {
    const char *encoder, *codec, *set;
    uint32_t fourcc; /* ORIEL_CODEC_* */
    enum AVCodecID id;
    double psnr;     /* of luma, at least */
    bool holds;      /* may hold pictures back */
    bool i444, p010; /* takes them */
    bool live;       /* a new rate needs no new encoder */
} cases[] = {
    {"libx264", "h264", "", ORIEL_CODEC_H264, AV_CODEC_ID_H264, 36, false, true, true, true},
    {"libx265", "hevc", "", ORIEL_CODEC_HEVC, AV_CODEC_ID_HEVC, 34, true, true, true, false},
    {"libaom-av1", "av1", "", ORIEL_CODEC_AV1, AV_CODEC_ID_AV1, 34, false, true, true, false},
    {"libsvtav1", "av1", "", ORIEL_CODEC_AV1, AV_CODEC_ID_AV1, 34, true, false, true, false},
    {"librav1e", "av1", "", ORIEL_CODEC_AV1, AV_CODEC_ID_AV1, 32, true, true, true, false},
    {"libvpx-vp9", "vp9", "", ORIEL_CODEC_VP9, AV_CODEC_ID_VP9, 34, false, true, true, false},
    {"libvpx", "vp8", "", ORIEL_CODEC_VP8, AV_CODEC_ID_VP8, 32, false, false, false, false},
    {"mjpeg", "jpeg", " quality=90", ORIEL_CODEC_JPEG, AV_CODEC_ID_MJPEG, 34, false, true, false,
     true},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static const struct oriel_encoder *encoder;
static bool known[CASES];

static int open_module(void **state)
{
    (void)state;
    encoder = module_open("encode/avcodec", NULL);
    for (int i = 0; encoder && i < CASES; i++) {
        known[i] = avcodec_find_encoder_by_name(cases[i].encoder);
        if (!known[i])
            print_message("%s is left out: this FFmpeg has none\n", cases[i].encoder);
    }
    return 0;
}

/* --- the host's side of pictures that are kept --- */

static int refs;

static void count_ref(const struct oriel_host *host, const struct oriel_frame *frame)
{
    (void)host;
    (void)frame;
    refs++;
}

static void count_unref(const struct oriel_host *host, const struct oriel_frame *frame,
                        const struct oriel_fence *done)
{
    (void)host;
    (void)frame;
    assert_null(done);
    refs--;
}

static oriel_result open_rig(struct rig *rig, const char *set, const struct oriel_format *format)
{
    oriel_result result = rig_create(rig, encoder, set, format, 60);
    rig->host.frame_ref = count_ref;
    rig->host.frame_unref = count_unref;
    refs = 0;
    return result;
}

static const char *set_of(int i, const char *more)
{
    static char set[256];
    snprintf(set, sizeof(set), "encoder=%s codec=%s%s%s%s", cases[i].encoder, cases[i].codec,
             cases[i].set, *more ? " " : "", more);
    return set;
}

/* --- pictures --- */

/* One that this test fills in all layouts, so that the module's rearranging is held against them:
 * P010 is I420 with each sample times 256. */
struct scene {
    struct oriel_frame frame;
    struct oriel_frame *i420;
    uint8_t *bytes;
};

static void scene_open(struct scene *scene, uint32_t fourcc, unsigned t)
{
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    struct picture picture = picture_create(WIDTH, HEIGHT);
    picture_scene(&picture, t);
    bool own = fourcc == ORIEL_FMT_P010;
    format.fourcc = own ? ORIEL_FMT_I420 : fourcc;
    scene->i420 = frame_create(&format);
    frame_fill(scene->i420, &picture, t + 1);
    picture_finish(&picture);
    scene->bytes = NULL;
    scene->frame = *scene->i420;
    if (!own)
        return;
    scene->bytes = malloc((size_t)WIDTH * HEIGHT * 3);
    uint8_t *at = scene->bytes;
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++, at += 2) {
            at[0] = 0;
            at[1] = frame_sample(scene->i420, 0, x, y);
        }
    for (uint32_t y = 0; y < HEIGHT / 2; y++)
        for (uint32_t x = 0; x < WIDTH; x++, at += 2) {
            at[0] = 0;
            at[1] = frame_sample(scene->i420, 1 + x % 2, x / 2, y);
        }
    scene->frame.format.fourcc = fourcc;
    scene->frame.plane_count = 2;
    scene->frame.planes[0] = (struct oriel_plane){(uintptr_t)scene->bytes, 0, 2 * WIDTH, HEIGHT};
    scene->frame.planes[1] = (struct oriel_plane){
        (uintptr_t)scene->bytes, (uint64_t)2 * WIDTH * HEIGHT, 2 * WIDTH, HEIGHT / 2};
}

static void scene_close(struct scene *scene)
{
    frame_destroy(scene->i420);
    free(scene->bytes);
}

/* --- decoding: all packets in, all pictures out --- */

static double luma_psnr(const AVFrame *picture, const struct oriel_frame *frame, bool ten)
{
    double sum = 0;
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            const uint8_t *at = picture->data[0] + (ptrdiff_t)y * picture->linesize[0];
            double got = ten ? (at[2 * x] | at[2 * x + 1] << 8) / 4.0 : at[x];
            double d = got - frame_sample(frame, 0, x, y);
            sum += d * d;
        }
    return sum == 0 ? 99 : 10 * log10(255.0 * 255.0 * WIDTH * HEIGHT / sum);
}

/* The chroma planes' mean distance, which swapped or shifted samples would make large. */
static double chroma_distance(const AVFrame *picture, const struct oriel_frame *frame, bool ten)
{
    bool nv12 = frame->format.fourcc == ORIEL_FMT_NV12,
         i444 = frame->format.fourcc == ORIEL_FMT_I444;
    uint32_t w = i444 ? WIDTH : WIDTH / 2, h = i444 ? HEIGHT : HEIGHT / 2;
    double sum = 0;
    for (uint32_t c = 0; c < 2; c++)
        for (uint32_t y = 0; y < h; y++)
            for (uint32_t x = 0; x < w; x++) {
                const uint8_t *at = picture->data[1 + c] + (ptrdiff_t)y * picture->linesize[1 + c];
                double got = ten ? (at[2 * x] | at[2 * x + 1] << 8) / 4.0 : at[x];
                double want =
                    nv12 ? frame_sample(frame, 1, 2 * x + c, y) : frame_sample(frame, 1 + c, x, y);
                sum += fabs(got - want);
            }
    return sum / (2.0 * w * h);
}

static void check_picture(int i, const AVFrame *picture, unsigned n, uint32_t fourcc)
{
    struct scene scene;
    scene_open(&scene, fourcc, n);
    bool ten = fourcc == ORIEL_FMT_P010;
    assert_int_equal(picture->width, WIDTH);
    assert_int_equal(picture->height, HEIGHT);
    double psnr = luma_psnr(picture, scene.i420, ten);
    double chroma = chroma_distance(picture, scene.i420, ten);
    if (psnr < cases[i].psnr - 3 || chroma > 4)
        fail_msg("%s %.4s: picture %u has %.1f dB, its chroma is %.1f off", cases[i].encoder,
                 (const char *)&fourcc, n, psnr, chroma);
    if (cases[i].fourcc != ORIEL_CODEC_VP8) { /* which has no such fields */
        assert_int_equal(picture->color_range, AVCOL_RANGE_JPEG);
        bool same = picture->colorspace == AVCOL_SPC_BT470BG; /* the same matrix */
        assert_true(same || picture->colorspace == AVCOL_SPC_SMPTE170M);
    }
    if (cases[i].fourcc != ORIEL_CODEC_VP8 && cases[i].fourcc != ORIEL_CODEC_VP9 &&
        cases[i].fourcc != ORIEL_CODEC_JPEG) {
        assert_int_equal(picture->color_primaries, ORIEL_PRIMARIES_BT709);
        assert_int_equal(picture->color_trc, ORIEL_TRANSFER_SRGB);
    }
    scene_close(&scene);
}

static void decode_all(int i, const struct rig *rig, uint32_t fourcc)
{
    AVCodecContext *context = avcodec_alloc_context3(avcodec_find_decoder(cases[i].id));
    context->thread_count = 1;
    assert_int_equal(avcodec_open2(context, context->codec, NULL), 0);
    AVPacket *packet = av_packet_alloc();
    AVFrame *picture = av_frame_alloc();
    unsigned count = 0;
    for (size_t n = 0; n <= rig->count; n++) {
        if (n < rig->count) {
            size_t bytes = rig->packets[n].packet.bytes;
            assert_int_equal(av_new_packet(packet, (int)bytes), 0);
            memcpy(packet->data, rig->packets[n].data, bytes);
        }
        assert_int_equal(avcodec_send_packet(context, n < rig->count ? packet : NULL), 0);
        av_packet_unref(packet);
        while (avcodec_receive_frame(context, picture) == 0)
            check_picture(i, picture, count++, fourcc);
    }
    assert_int_equal(count, rig->count);
    av_frame_free(&picture);
    av_packet_free(&packet);
    avcodec_free_context(&context);
}

static void encode_one(int i, struct rig *rig, uint32_t fourcc, unsigned t, uint32_t flags)
{
    struct scene scene;
    scene_open(&scene, fourcc, t);
    size_t before = rig->count;
    if (rig_encode(rig, &scene.frame, flags) != ORIEL_OK)
        fail_msg("%s %.4s: picture %u: %s", cases[i].encoder, (const char *)&fourcc, t,
                 rig->failure);
    if (!cases[i].holds)
        assert_int_equal(rig->count, before + 1);
    assert_int_equal(refs, 0); /* nobody needed the samples longer than the call */
    scene_close(&scene);
}

static void run(int i, uint32_t fourcc)
{
    struct oriel_format format = format_of(fourcc, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    struct rig rig;
    if (open_rig(&rig, set_of(i, ""), &format) != ORIEL_OK)
        fail_msg("%s %.4s: %s", cases[i].encoder, (const char *)&fourcc, rig.failure);
    for (unsigned t = 0; t < FRAMES; t++)
        encode_one(i, &rig, fourcc, t, 0);
    assert_int_equal(encoder->drain(rig.self), ORIEL_OK);
    assert_int_equal(rig.count, FRAMES);
    for (unsigned t = 0; t < FRAMES; t++) {
        const struct oriel_packet *packet = &rig.packets[t].packet;
        assert_int_equal(packet->stamp.seq, t + 1);
        assert_int_equal(packet->codec, cases[i].fourcc);
        assert_true(packet->bytes > 0 && packet->t_submit_ns > 0);
        assert_true(packet->t_done_ns >= packet->t_submit_ns);
        bool key = packet->flags & ORIEL_PACKET_KEY, still = cases[i].fourcc == ORIEL_CODEC_JPEG;
        if (key != (t == 0 || still))
            fail_msg("%s %.4s: packet %u %s a key", cases[i].encoder, (const char *)&fourcc, t,
                     key ? "is" : "is not");
        bool sets = cases[i].fourcc == ORIEL_CODEC_H264 || cases[i].fourcc == ORIEL_CODEC_HEVC ||
                    cases[i].fourcc == ORIEL_CODEC_AV1;
        assert_true(!(packet->flags & ORIEL_PACKET_CONFIG) == !(key && sets));
    }
    decode_all(i, &rig, fourcc);
    rig_finish(&rig);
}

static void pictures_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        if (!encoder || !known[i])
            continue;
        run(i, ORIEL_FMT_I420);
        run(i, ORIEL_FMT_NV12);
        if (cases[i].i444)
            run(i, ORIEL_FMT_I444);
        if (cases[i].p010)
            run(i, ORIEL_FMT_P010);
    }
}

/* After drain() it goes on, with a key; keys come when asked for, at the picture or soon after. */
static void keys_and_drains(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    for (int i = 0; i < CASES; i++) {
        if (!encoder || !known[i] || cases[i].fourcc == ORIEL_CODEC_JPEG)
            continue;
        struct rig rig;
        assert_int_equal(open_rig(&rig, set_of(i, ""), &format), ORIEL_OK);
        encode_one(i, &rig, ORIEL_FMT_I420, 0, ORIEL_ENCODE_KEY); /* as a host probes */
        bool held = rig.count == 0;
        assert_int_equal(encoder->drain(rig.self), ORIEL_OK);
        assert_int_equal(rig.count, 1);
        assert_true(rig.packets[0].packet.flags & ORIEL_PACKET_KEY);
        for (unsigned t = 1; t < 12; t++) {
            if (t == 4)
                encoder->request_key(rig.self);
            encode_one(i, &rig, ORIEL_FMT_I420, t, t == 8 ? ORIEL_ENCODE_KEY : 0);
        }
        assert_int_equal(encoder->drain(rig.self), ORIEL_OK);
        assert_int_equal(encoder->drain(rig.self), ORIEL_OK); /* nothing is left */
        assert_int_equal(rig.count, 12);
        /* One that does not heed the wish is opened again, once that is seen. */
        bool reopens = cases[i].fourcc == ORIEL_CODEC_AV1;
        unsigned late = held && !reopens ? 5 : 0, due = 0;
        for (unsigned t = 0; t < 12; t++) {
            bool key = rig.packets[t].packet.flags & ORIEL_PACKET_KEY;
            bool reopened = t == 1 && held;
            if (t == 0 || t == 4 || t == 8)
                due = t + late + 1;
            if (key ? !reopened && t >= due : t + 1 == due)
                fail_msg("%s: packet %u %s a key", cases[i].encoder, t, key ? "is" : "is not");
            due = key ? 0 : due;
        }
        decode_all(i, &rig, ORIEL_FMT_I420);
        rig_finish(&rig);
    }
}

static uint64_t bytes_of(int i, struct rig *rig, unsigned count)
{
    uint64_t bytes = 0;
    rig_forget_packets(rig);
    for (unsigned t = 0; t < count; t++)
        encode_one(i, rig, ORIEL_FMT_I420, 7 * t, 0);
    assert_int_equal(encoder->drain(rig->self), ORIEL_OK);
    assert_int_equal(rig->count, count);
    for (unsigned t = count / 2; t < count; t++)
        bytes += rig->packets[t].packet.bytes;
    return bytes;
}

static void rates_change(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    for (int i = 0; i < CASES; i++) {
        if (!encoder || !known[i])
            continue;
        struct rig rig;
        assert_int_equal(open_rig(&rig, set_of(i, "bitrate=6000000 max_bitrate=6000000"), &format),
                         ORIEL_OK);
        uint64_t before = bytes_of(i, &rig, 24);
        encode_one(i, &rig, ORIEL_FMT_I420, 0, 0);
        assert_int_equal(rig_set(&rig, "bitrate=500000 max_bitrate=500000 quality=20"), ORIEL_OK);
        uint64_t after;
        if (cases[i].live) {
            encode_one(i, &rig, ORIEL_FMT_I420, 1, 0);
            bool key = rig.packets[rig.count - 1].packet.flags & ORIEL_PACKET_KEY;
            assert_true(key == (cases[i].fourcc == ORIEL_CODEC_JPEG));
        }
        after = bytes_of(i, &rig, 24);
        if (after * 3 > before * 2)
            fail_msg("%s: %llu bytes, then %llu", cases[i].encoder, (unsigned long long)before,
                     (unsigned long long)after);
        rig_finish(&rig);
    }
}

/* What the options allow an encoder takes, or the module brings it to where it does. */
static void rates_at_their_limits(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    static const char *const limits[] = {"bitrate=2000000000 max_bitrate=2000000000 vbv_ms=5000",
                                         "bitrate=50000 max_bitrate=50000 vbv_ms=20",
                                         "bitrate=50000 max_bitrate=2000000000 vbv_ms=160"};
    for (int i = 0; i < CASES; i++) {
        if (!encoder || !known[i])
            continue;
        struct rig rig;
        assert_int_equal(open_rig(&rig, set_of(i, ""), &format), ORIEL_OK);
        encode_one(i, &rig, ORIEL_FMT_I420, 0, 0);
        for (unsigned t = 0; t < sizeof(limits) / sizeof(*limits); t++) {
            assert_int_equal(rig_set(&rig, limits[t]), ORIEL_OK);
            encode_one(i, &rig, ORIEL_FMT_I420, t + 1, 0);
        }
        assert_int_equal(encoder->drain(rig.self), ORIEL_OK);
        assert_int_equal(rig.count, 1 + sizeof(limits) / sizeof(*limits));
        rig_finish(&rig);
    }
}

/* An instance can end at any time: unused, with pictures inside, after its end. */
static void ends_at_any_time(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    for (int i = 0; i < CASES; i++) {
        for (unsigned pictures = 0; encoder && known[i] && pictures < 4; pictures++) {
            struct rig rig;
            assert_int_equal(open_rig(&rig, set_of(i, ""), &format), ORIEL_OK);
            for (unsigned t = 0; t < pictures; t++)
                encode_one(i, &rig, ORIEL_FMT_I420, t, 0);
            if (pictures == 3)
                assert_int_equal(encoder->drain(rig.self), ORIEL_OK);
            alarm(60); /* a library of these would wait for ever */
            rig_finish(&rig);
            alarm(0);
        }
    }
}

/* --- refusals --- */

static void refuse(const char *set, uint32_t fourcc, const char *first, const char *second)
{
    struct oriel_format format = format_of(fourcc, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    struct rig rig;
    oriel_result result = open_rig(&rig, set, &format);
    assert_null(rig.self);
    if (result != ORIEL_UNSUPPORTED || !strstr(rig.failure, first) || !strstr(rig.failure, second))
        fail_msg("%s: %d, \"%s\" without \"%s\" and \"%s\"", set, result, rig.failure, first,
                 second);
    options_finish(&rig.options);
}

static void refusals_name_the_reason(void **state)
{
    (void)state;
    if (!encoder)
        return;
    refuse("encoder=nonesuch", ORIEL_FMT_I420, "nonesuch is no encoder", "for h264");
    refuse("encoder=mjpeg", ORIEL_FMT_I420, "mjpeg writes mjpeg", "for h264");
    if (known[0]) {
        refuse("encoder=libx264 options=crf=20:nonesuch=3:other=4", ORIEL_FMT_I420, "libx264",
               "\"nonesuch\", \"other\"");
        refuse("encoder=libx264 options=nonesense", ORIEL_FMT_I420, "\"nonesense\"",
               "key=value:key=value");
        refuse("encoder=libx264 options=preset=nonesuch", ORIEL_FMT_I420, "libx264 avcodec_open2",
               "preset");
    }
    if (known[6])
        refuse("encoder=libvpx codec=vp8", ORIEL_FMT_I444, "libvpx takes no YU24", "yuv420p");
    if (known[7])
        refuse("encoder=mjpeg codec=jpeg", ORIEL_FMT_P010, "mjpeg takes no P010", "yuvj420p");
}

/* On a machine without a hardware encoder each says why, and auto goes on to a library. */
static void hardware_is_refused_with_the_reason(void **state)
{
    (void)state;
    if (!encoder)
        return;
    if (access("/dev/dri", F_OK) == 0) {
        print_message("left out: there is /dev/dri\n");
        skip();
    }
    static const char *const names[][2] = {
        {"h264_vaapi", "h264"},  {"hevc_vaapi", "hevc"}, {"vp9_vaapi", "vp9"},
        {"mjpeg_vaapi", "jpeg"}, {"h264_qsv", "h264"},   {"hevc_qsv", "hevc"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!avcodec_find_encoder_by_name(names[i][0])) {
            print_message("%s is left out: this FFmpeg has none\n", names[i][0]);
            continue;
        }
        char set[128];
        snprintf(set, sizeof(set), "encoder=%s codec=%s", names[i][0], names[i][1]);
        bool vaapi = strstr(names[i][0], "vaapi");
        refuse(set, ORIEL_FMT_NV12, names[i][0], "av_hwdevice_ctx_create: ");
        if (vaapi) {
            snprintf(set, sizeof(set), "encoder=%s codec=%s device=/dev/nonesuch", names[i][0],
                     names[i][1]);
            refuse(set, ORIEL_FMT_I420, "av_hwdevice_ctx_create: ", "/dev/nonesuch");
            refuse(set, ORIEL_FMT_I444, "takes no YU24", "vaapi");
        }
    }
    for (int i = 0; i < CASES; i++) {
        char set[64];
        struct oriel_format format =
            format_of(ORIEL_FMT_NV12, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
        struct rig rig;
        if (!known[i])
            continue;
        snprintf(set, sizeof(set), "codec=%s", cases[i].codec);
        assert_int_equal(open_rig(&rig, set, &format), ORIEL_OK);
        struct scene scene;
        scene_open(&scene, ORIEL_FMT_NV12, 0);
        assert_int_equal(rig_encode(&rig, &scene.frame, 0), ORIEL_OK);
        assert_int_equal(encoder->drain(rig.self), ORIEL_OK);
        assert_int_equal(rig.count, 1);
        assert_int_equal(rig.packets[0].packet.codec, cases[i].fourcc);
        scene_close(&scene);
        rig_finish(&rig);
    }
}

/* All of the list that are not there or do not open are named when none does. */
static void auto_tells_of_all(void **state)
{
    (void)state;
    if (!encoder || !known[5])
        return;
    refuse("codec=vp9 options=nonesuch=1", ORIEL_FMT_I420, "no encoder for vp9 opens",
           "libvpx-vp9 has no option \"nonesuch\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_back),
        cmocka_unit_test(keys_and_drains),
        cmocka_unit_test(rates_change),
        cmocka_unit_test(rates_at_their_limits),
        cmocka_unit_test(ends_at_any_time),
        cmocka_unit_test(refusals_name_the_reason),
        cmocka_unit_test(hardware_is_refused_with_the_reason),
        cmocka_unit_test(auto_tells_of_all),
    };
    setenv("SVT_LOG", "1", 0); /* as the module does where a host begins with its init() */
    return cmocka_run_group_tests(tests, open_module, NULL);
}
