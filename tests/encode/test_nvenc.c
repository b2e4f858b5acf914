/* SPDX-License-Identifier: BSD-3-Clause */
/* encode/nvenc as it should run: what comes out decodes to what went in, from each kind of memory,
 * without copies, keys when asked for, live rates. Run twice: with the machine's own driver and
 * with the stand-ins of tests/standin, which also tell of every misuse. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <epoxy/egl.h>
#include <epoxy/gl.h>

#include "decode.h"
#include "h264.h"
#include "nvenc_rig.h"
#include "oriel/draft/encoder_invalidate.h"

#define H264 ORIEL_CODEC_H264
#define HEVC ORIEL_CODEC_HEVC

static int pool; /* its address names a pool */

struct run {
    const char *set;
    uint32_t codec, domain, fourcc;
    uint8_t matrix, full_range;
    double psnr;
};
static const struct run runs[] = {
    {"", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 6, 1, 34},
    {"preset=p1", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 1, 0, 34},
    {"preset=p7 tuning=low_latency", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 1, 1, 34},
    {"rate_control=variable aq=8", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 6, 0, 34},
    {"rate_control=quality qp=20", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 6, 1, 36},
    {"rate_control=lossless", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 6, 1, 99},
    {"rate_control=lossless", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_I444, 6, 1, 99},
    {"", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_I444, 6, 1, 34},
    {"profile=baseline slices=3", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 6, 1, 34},
    {"profile=main slices=4 subframe=true", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 6, 1, 34},
    {"intra_refresh=20", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 6, 1, 34},
    {"references=4", H264, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 6, 1, 34},
    {"", H264, ORIEL_DOMAIN_GL, ORIEL_FMT_NV12, 6, 1, 34},
    {"rate_control=lossless", H264, ORIEL_DOMAIN_GL, ORIEL_FMT_I444, 6, 1, 99},
    {"", H264, ORIEL_DOMAIN_CPU, ORIEL_FMT_NV12, 6, 1, 34},
    {"rate_control=lossless", H264, ORIEL_DOMAIN_CPU, ORIEL_FMT_I444, 6, 1, 99},
    {"codec=hevc profile=main", HEVC, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 6, 1, 34},
    {"codec=hevc rate_control=lossless", HEVC, ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 1, 1, 99},
    {"codec=hevc", HEVC, ORIEL_DOMAIN_CUDA, ORIEL_FMT_P010, 6, 1, 34},
    {"codec=hevc", HEVC, ORIEL_DOMAIN_CUDA, ORIEL_FMT_I444, 6, 1, 34},
    {"codec=hevc rate_control=lossless", HEVC, ORIEL_DOMAIN_CPU, ORIEL_FMT_P010, 6, 1, 99},
};

static void check_sps(const struct oriel_packet *packet, const struct run *run)
{
    struct h264_sps sps;
    assert_true(h264_read_sps(packet->data, packet->bytes, &sps));
    assert_int_equal(sps.width, packet->format.width);
    assert_int_equal(sps.height, packet->format.height);
    assert_true(sps.vui && sps.signal_type && sps.colour);
    assert_int_equal(sps.full_range, run->full_range);
    assert_int_equal(sps.primaries, ORIEL_PRIMARIES_BT709);
    assert_int_equal(sps.transfer, ORIEL_TRANSFER_SRGB);
    assert_int_equal(sps.matrix, run->matrix);
    assert_int_equal(sps.chroma_loc, run->fourcc == ORIEL_FMT_I444 ? -1 : 1);
    assert_true(sps.restriction);
    assert_int_equal(sps.max_num_reorder_frames, 0);
    bool high444 = run->fourcc == ORIEL_FMT_I444 || strstr(run->set, "lossless");
    if (high444 || strstr(run->set, "baseline"))
        assert_int_equal(sps.profile, high444 ? 244 : 66);
    else /* libx264 says main where it uses no more */
        assert_in_range(sps.profile, 77, strstr(run->set, "main") ? 77 : 100);
}

static void check_tags(const struct run *run, const struct decoded *out)
{
    assert_int_equal(out->reorder, 0);
    assert_int_equal(out->primaries, ORIEL_PRIMARIES_BT709);
    assert_int_equal(out->transfer, ORIEL_TRANSFER_SRGB);
    assert_int_equal(out->matrix, run->matrix);
    assert_int_equal(out->full_range, run->full_range);
    assert_int_equal(out->bits, run->fourcc == ORIEL_FMT_P010 ? 10 : 8);
    assert_int_equal(out->frame->format.fourcc,
                     run->fourcc == ORIEL_FMT_I444 ? ORIEL_FMT_I444 : ORIEL_FMT_I420);
}

static unsigned slices_of(const struct oriel_packet *packet)
{
    unsigned types[64], slices = 0;
    size_t count = h264_nal_types(packet->data, packet->bytes, types, 64);
    for (size_t i = 0; i < count; i++)
        slices += types[i] == 1 || types[i] == 5;
    return slices;
}

/* The engine that this machine has may do less than the stand-in's; its refusal is a sentence. */
static bool opens(struct rig *rig, const char *set, const struct oriel_format *format)
{
    if (nvenc_open(rig, set, format) == ORIEL_OK)
        return true;
    if (fake_nvenc.fail)
        fail_msg("%s: %s", set, rig->failure);
    assert_non_null(strstr(rig->failure, "this GPU"));
    print_message("left out: %s: %s\n", set, rig->failure);
    rig_drop(rig);
    return false;
}

static void run_pictures(const struct run *run, uint32_t width, uint32_t height)
{
    enum { FRAMES = 6, SHOTS = 2 };
    struct oriel_format format = nvenc_format(run->domain, run->fourcc, width, height);
    format.matrix = run->matrix;
    format.full_range = run->full_range;
    struct rig rig;
    if (!opens(&rig, run->set, &format))
        return;
    struct decoder *decoder = decoder_create(run->codec);
    struct shot shots[SHOTS];
    for (unsigned i = 0; i < SHOTS; i++)
        shot_take(&shots[i], &format, i, &pool);
    for (unsigned t = 0; t < FRAMES; t++) {
        struct shot *shot = &shots[t % SHOTS];
        shot_fill(shot, t);
        if (rig_encode(&rig, &shot->frame, 0))
            fail_msg("%s: %s", run->set, rig.failure);
        assert_int_equal(rig.count, t + 1);
        const struct oriel_packet *packet = &rig.packets[t].packet;
        assert_int_equal(packet->size, sizeof(*packet));
        assert_int_equal(packet->codec, run->codec);
        assert_memory_equal(&packet->stamp, &shot->frame.stamp, sizeof(packet->stamp));
        assert_memory_equal(&packet->format, &format, sizeof(format));
        assert_true(packet->t_submit_ns > 0 && packet->t_done_ns >= packet->t_submit_ns);
        assert_int_equal(packet->flags, t ? 0 : ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG);
        if (run->codec == H264 && t == 0)
            check_sps(packet, run);
        if (strstr(run->set, "slices=") && run->codec == H264)
            assert_int_equal(slices_of(packet), strstr(run->set, "slices=3") ? 3 : 4);
        const struct decoded *out = decoder_decode(decoder, packet->data, packet->bytes, &format);
        assert_int_equal(out->width, width);
        assert_int_equal(out->height, height);
        check_tags(run, out);
        double psnr = frame_psnr(shot->host, out->frame);
        if (psnr < run->psnr && t + 1 == FRAMES)
            fail_msg("%s, %.4s in domain %u: PSNR %.1f dB", run->set, (const char *)&run->fourcc,
                     run->domain, psnr);
    }
    assert_int_equal(nvenc->drain(rig.self), ORIEL_OK);
    assert_int_equal(rig.count, FRAMES);
    decoder_destroy(decoder);
    rig_finish(&rig);
    for (unsigned i = 0; i < SHOTS; i++)
        shot_free(&shots[i]);
    expect_clean(true);
}

static void pictures_come_back(void **state)
{
    (void)state;
    need_engine();
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        if (runs[i].domain == ORIEL_DOMAIN_GL)
            continue;
        run_pictures(&runs[i], 322, 242);
        run_pictures(&runs[i], 640, 176);
        if (runs[i].fourcc == ORIEL_FMT_I444)
            run_pictures(&runs[i], 323, 241);
    }
}

static void textures_come_back(void **state)
{
    (void)state;
    need_gl();
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
        if (runs[i].domain == ORIEL_DOMAIN_GL)
            run_pictures(&runs[i], 322, 242);
}

/* --- no copies --- */

static uint64_t copied(void)
{
    return fake_cuda.count("copies.dtoh.bytes") + fake_cuda.count("copies.htod.bytes");
}

static void no_pixel_touches_the_cpu(void **state)
{
    (void)state;
    need_standin();
    static const struct {
        uint32_t domain;
        const char *input;
    } kinds[] = {{ORIEL_DOMAIN_CUDA, "input.cuda"},
                 {ORIEL_DOMAIN_GL, "input.gl"},
                 {ORIEL_DOMAIN_CPU, "input.host"}};
    for (unsigned k = 0; k < 3; k++) {
        if (kinds[k].domain == ORIEL_DOMAIN_GL)
            need_gl();
        struct oriel_format format = nvenc_format(kinds[k].domain, ORIEL_FMT_NV12, 640, 360);
        struct rig rig;
        struct shot shot;
        nvenc_must_open(&rig, "", &format);
        shot_take(&shot, &format, 0, &pool);
        uint64_t before = copied(), inputs = fake_nvenc.count(kinds[k].input);
        for (unsigned t = 0; t < 5; t++)
            assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
        assert_int_equal(fake_nvenc.count(kinds[k].input) - inputs, 5);
        assert_int_equal(copied() - before, 0);
        rig_finish(&rig);
        shot_free(&shot);
    }
    expect_clean(true);
}

/* The caller's own OpenGL context is current again after each call. */
static void contexts_are_put_back(void **state)
{
    (void)state;
    need_gl();
    EGLContext own = eglGetCurrentContext();
    assert_ptr_not_equal(own, EGL_NO_CONTEXT);
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_GL, ORIEL_FMT_NV12, 320, 192);
    struct rig rig;
    struct shot shot;
    nvenc_must_open(&rig, "", &format);
    shot_take(&shot, &format, 0, &pool);
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
    assert_ptr_equal(eglGetCurrentContext(), own);
    assert_int_equal(rig_set(&rig, "bitrate=1000000"), ORIEL_OK);
    assert_ptr_equal(eglGetCurrentContext(), own);
    shot.frame.planes[1].handle++;
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_INVALID);
    shot.frame.planes[1].handle--;
    /* Of a renderer that has begun anew: this context shares with the one before. */
    GLsync sync = glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    glDeleteSync(sync);
    shot.frame.ready = (struct oriel_fence){.kind = ORIEL_FENCE_GLSYNC, .handle = (uintptr_t)sync};
    assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_DEVICE_LOST);
    rig_finish(&rig);
    assert_ptr_equal(eglGetCurrentContext(), own);
    shot_free(&shot);
    expect_clean(true);
}

/* A pool's surfaces are registered once, and not without bound; what has no pool is forgotten at
 * once. */
static void surfaces_are_registered_once(void **state)
{
    (void)state;
    need_standin();
    enum { SURFACES = 24 };
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 320, 192);
    struct rig rig;
    struct shot shots[SURFACES];
    nvenc_must_open(&rig, "", &format);
    for (unsigned i = 0; i < SURFACES; i++)
        shot_take(&shots[i], &format, i, &pool);
    uint64_t before = fake_nvenc.count("nvEncRegisterResource");
    for (unsigned t = 0; t < 12; t++)
        assert_int_equal(rig_encode(&rig, &shots[t % 4].frame, 0), ORIEL_OK);
    assert_int_equal(fake_nvenc.count("nvEncRegisterResource") - before, 4);
    assert_int_equal(fake_nvenc.count("live.resources"), 4);
    assert_int_equal(fake_nvenc.count("live.mapped"), 0);
    for (unsigned t = 0; t < 2 * SURFACES; t++)
        assert_int_equal(rig_encode(&rig, &shots[t % SURFACES].frame, 0), ORIEL_OK);
    assert_in_range(fake_nvenc.count("live.resources"), 4, 16);
    shots[0].frame.pool = &rig; /* the same address in another pool */
    before = fake_nvenc.count("nvEncRegisterResource");
    assert_int_equal(rig_encode(&rig, &shots[0].frame, 0), ORIEL_OK);
    assert_int_equal(fake_nvenc.count("nvEncRegisterResource") - before, 1);
    assert_int_equal(fake_nvenc.count("live.resources"), 1); /* whose memory may go any time */
    shots[1].frame.pool = NULL;
    for (unsigned t = 0; t < 3; t++)
        assert_int_equal(rig_encode(&rig, &shots[1].frame, 0), ORIEL_OK);
    assert_int_equal(fake_nvenc.count("nvEncRegisterResource") - before, 4);
    assert_int_equal(fake_nvenc.count("live.resources"), 0);
    rig_finish(&rig);
    for (unsigned i = 0; i < SURFACES; i++)
        shot_free(&shots[i]);
    expect_clean(true);
}

/* --- keys, refresh, losses --- */

static void encode_one(struct rig *rig, const struct oriel_format *format, unsigned t,
                       uint32_t flags)
{
    struct shot shot;
    shot_take(&shot, format, t, NULL);
    if (rig_encode(rig, &shot.frame, flags))
        fail_msg("%s", rig->failure);
    shot_free(&shot);
}

static void keys_come_when_asked(void **state)
{
    (void)state;
    need_engine();
    uint64_t before = fake_nvenc.count ? fake_nvenc.count("nvEncReconfigureEncoder") : 0;
    static const char *const sets[] = {"keyint=0", "codec=hevc keyint=600",
                                       "intra_refresh=30 keyint=3"};
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 320, 192);
    for (unsigned s = 0; s < 3; s++) {
        struct rig rig;
        if (!opens(&rig, sets[s], &format))
            continue;
        for (unsigned t = 0; t < 12; t++) {
            if (t == 5)
                nvenc->request_key(rig.self);
            encode_one(&rig, &format, t, t == 8 ? ORIEL_ENCODE_KEY : 0);
            bool key = rig.packets[t].packet.flags & ORIEL_PACKET_KEY;
            assert_int_equal(key, t == 0 || t == 5 || t == 8);
            if (!key || strstr(sets[s], "hevc"))
                continue;
            struct h264_sps sps;
            assert_true(h264_read_sps(rig.packets[t].data, rig.packets[t].packet.bytes, &sps));
        }
        rig_finish(&rig);
    }
    struct rig rig;
    nvenc_must_open(&rig, "keyint=4", &format);
    for (unsigned t = 0; t < 9; t++) {
        encode_one(&rig, &format, t, 0);
        assert_int_equal(!(rig.packets[t].packet.flags & ORIEL_PACKET_KEY), t % 4 != 0);
    }
    rig_finish(&rig);
    if (fake_nvenc.count) /* none has cost more than itself */
        assert_int_equal(fake_nvenc.count("nvEncReconfigureEncoder"), before);
    expect_clean(true);
}

/* Who missed the beginning of a picture sees it whole after a period, without a key. */
static void refresh_renews_the_picture(void **state)
{
    (void)state;
    need_engine();
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 320, 192);
    struct rig rig;
    if (!opens(&rig, "intra_refresh=16", &format))
        return;
    struct decoder *decoder = decoder_create(H264);
    double psnr = 0;
    for (unsigned t = 0; t < 64; t++) {
        struct shot shot;
        shot_take(&shot, &format, t < 4 ? 0 : 9, NULL); /* another picture from 4 on, lost */
        assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
        const struct kept_packet *kept = &rig.packets[t];
        assert_int_equal(!(kept->packet.flags & ORIEL_PACKET_KEY), t > 0);
        if (t < 4 || t > 6)
            psnr = frame_psnr(
                shot.host, decoder_decode(decoder, kept->data, kept->packet.bytes, &format)->frame);
        if (t == 7)
            assert_true(psnr < 30);
        shot_free(&shot);
    }
    assert_true(psnr > 34);
    decoder_destroy(decoder);
    rig_finish(&rig);
    expect_clean(true);
}

static void losses_are_left_out(void **state)
{
    (void)state;
    need_engine();
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 320, 192);
    struct rig rig;
    nvenc_must_open(&rig, "references=4 rate_control=quality keyint=0", &format);
    const struct oriel_encoder_invalidate *draft =
        nvenc->get_interface(rig.self, ORIEL_ENCODER_INVALIDATE_V1);
    assert_non_null(draft);
    assert_null(nvenc->get_interface(rig.self, "org.example.nothing/1"));
    struct decoder *decoder = decoder_create(H264);
    for (unsigned t = 0; t < 6; t++) {
        struct shot shot;
        shot_take(&shot, &format, 5 * t, NULL);
        shot.frame.stamp.seq = 100 + t;
        assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
        const struct kept_packet *kept = &rig.packets[t];
        if (t == 3 || t == 4) { /* do not arrive */
            if (t == 4 && draft->invalidate(rig.self, 103, 104))
                fail_msg("%s", rig.failure);
        } else {
            const struct decoded *out =
                decoder_decode(decoder, kept->data, kept->packet.bytes, &format);
            assert_true(frame_psnr(shot.host, out->frame) > 34);
        }
        assert_int_equal(!(kept->packet.flags & ORIEL_PACKET_KEY), t > 0);
        shot_free(&shot);
    }
    assert_int_equal(draft->invalidate(rig.self, 1, 50), ORIEL_OK); /* long gone: nothing to do */
    decoder_destroy(decoder);
    rig_finish(&rig);
    expect_clean(true);
}

/* --- live options --- */

static uint64_t bytes_of(struct rig *rig, struct shot *shots, unsigned count)
{
    uint64_t bytes = 0;
    rig_forget_packets(rig);
    for (unsigned t = 0; t < count; t++)
        assert_int_equal(rig_encode(rig, &shots[t % 12].frame, 0), ORIEL_OK);
    for (unsigned t = 0; t < count; t++) {
        assert_false(rig->packets[t].packet.flags & ORIEL_PACKET_KEY);
        if (t >= count / 2) /* once the rate control has settled */
            bytes += rig->packets[t].packet.bytes;
    }
    return bytes;
}

static void rates_are_live(void **state)
{
    (void)state;
    need_engine();
    static const struct {
        const char *before, *after;
    } changes[] = {
        {"keyint=0 bitrate=4000000", "bitrate=500000"},
        {"keyint=0 rate_control=variable bitrate=4000000 max_bitrate=4000000",
         "bitrate=500000 max_bitrate=500000"},
        {"keyint=0 rate_control=quality qp=16", "qp=38"},
        {"keyint=0 bitrate=2000000 fps=20", "fps=240"},
    };
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 320, 240);
    struct shot shots[12];
    for (unsigned t = 0; t < 12; t++)
        shot_take(&shots[t], &format, 7 * t, &pool);
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct rig rig;
        nvenc_must_open(&rig, changes[i].before, &format);
        assert_int_equal(rig_encode(&rig, &shots[0].frame, 0), ORIEL_OK);
        uint64_t before = bytes_of(&rig, shots, 48);
        if (rig_set(&rig, changes[i].after))
            fail_msg("%s: %s", changes[i].after, rig.failure);
        uint64_t after = bytes_of(&rig, shots, 96) / 2;
        if (after * 2 > before)
            fail_msg("%s gave %llu bytes, then %s %llu", changes[i].before,
                     (unsigned long long)before, changes[i].after, (unsigned long long)after);
        assert_int_equal(rig_set(&rig, changes[i].before), ORIEL_OK);
        assert_true(bytes_of(&rig, shots, 96) / 2 > 2 * after);
        rig_finish(&rig);
    }
    for (unsigned t = 0; t < 12; t++)
        shot_free(&shots[t]);
    expect_clean(true);
}

/* --- instances --- */

static void sizes_are_instances(void **state)
{
    (void)state;
    need_engine();
    for (unsigned n = 0; n < 40; n++) {
        struct oriel_format format = nvenc_format(n % 3 ? ORIEL_DOMAIN_CUDA : ORIEL_DOMAIN_CPU,
                                                  ORIEL_FMT_NV12, 256 + 16 * n, 640 - 10 * n);
        struct rig rig;
        nvenc_must_open(&rig, n % 2 ? "" : "preset=p1", &format);
        for (unsigned t = 0; t < n % 4; t++)
            encode_one(&rig, &format, t, 0);
        rig_finish(&rig);
    }
    expect_clean(true);
}

static void *encode_some(void *data)
{
    struct oriel_format format =
        nvenc_format(ORIEL_DOMAIN_CUDA, ORIEL_FMT_NV12, 320, *(uint32_t *)data);
    struct rig rig;
    nvenc_must_open(&rig, "preset=p1", &format);
    for (unsigned t = 0; t < 10; t++)
        encode_one(&rig, &format, t, 0);
    rig_finish(&rig);
    return NULL;
}

static void threads_have_their_own(void **state)
{
    (void)state;
    need_engine();
    pthread_t threads[3];
    uint32_t heights[3] = {192, 208, 224};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, encode_some, &heights[i]), 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    expect_clean(true);
}

struct errand {
    struct rig *rig;
    const struct oriel_frame *frame;
    oriel_result result;
};

static void *encode_elsewhere(void *data)
{
    struct errand *errand = data;
    errand->result = rig_encode(errand->rig, errand->frame, 0);
    return NULL;
}

/* The encoder's role is one thread at a time, but not always the same. */
static void the_role_moves_between_threads(void **state)
{
    (void)state;
    need_gl();
    static const uint32_t domains[] = {ORIEL_DOMAIN_CUDA, ORIEL_DOMAIN_GL, ORIEL_DOMAIN_CPU};
    for (unsigned i = 0; i < 3; i++) {
        struct oriel_format format = nvenc_format(domains[i], ORIEL_FMT_NV12, 320, 192);
        struct rig rig;
        struct shot shot;
        nvenc_must_open(&rig, "", &format);
        shot_take(&shot, &format, 0, &pool);
        for (unsigned t = 0; t < 4; t++) {
            struct errand errand = {.rig = &rig, .frame = &shot.frame};
            pthread_t thread;
            assert_int_equal(pthread_create(&thread, NULL, encode_elsewhere, &errand), 0);
            pthread_join(thread, NULL);
            if (errand.result)
                fail_msg("%s", rig.failure);
            assert_int_equal(rig_encode(&rig, &shot.frame, 0), ORIEL_OK);
        }
        assert_int_equal(rig.count, 8);
        rig_finish(&rig);
        shot_free(&shot);
    }
    expect_clean(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_back),
        cmocka_unit_test(textures_come_back),
        cmocka_unit_test(no_pixel_touches_the_cpu),
        cmocka_unit_test(contexts_are_put_back),
        cmocka_unit_test(surfaces_are_registered_once),
        cmocka_unit_test(keys_come_when_asked),
        cmocka_unit_test(refresh_renews_the_picture),
        cmocka_unit_test(losses_are_left_out),
        cmocka_unit_test(rates_are_live),
        cmocka_unit_test(sizes_are_instances),
        cmocka_unit_test(threads_have_their_own),
        cmocka_unit_test(the_role_moves_between_threads),
    };
    return cmocka_run_group_tests(tests, gpu_start, gpu_stop);
}
