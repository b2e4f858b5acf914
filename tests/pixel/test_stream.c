/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoders: which is chosen, what happens when it fails, when it works and when it rests. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

static void is_known_before_anyone_looks(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "modules.encoder=[\"encode/none\",\"encode/bad\",\"encode/mute\",\"encode/b\"]", NULL};
    struct fixture *f = fixture_start(sets);
    struct stream_info info;
    assert_true(stream_current(f->stream, &info));
    assert_int_equal(info.codec, ORIEL_CODEC_H264);
    assert_int_equal(info.width, 1280);
    assert_int_equal(info.height, 720);
    assert_string_equal(info.codec_string, "avc1.42C014");
    static const uint8_t avcc[] = {1,    0x42, 0xC0, 0x14, 0xFF, 0xE1, 0,    5,    0x67, 0x42,
                                   0xC0, 0x14, 0xAA, 1,    0,    4,    0x68, 0xCE, 0x3C, 0x80};
    assert_int_equal(info.avcc_bytes, sizeof avcc);
    assert_memory_equal(info.avcc, avcc, sizeof avcc);
    assert_string_equal(info.encoder, "encode/b");
    assert_string_equal(info.reason, "there is no module encode/none; encode/bad: no such device; "
                                     "encode/mute: a test picture gave no key packet");
    assert_string_equal(info.chain, "capture/fake NV12 cpu bt601 full -> encode/b");
    assert_int_equal(atomic_load(&f->configs), 1);
    assert_int_equal(fixture_taps(), 0); /* and nothing is drawn for nobody */
    fixture_stop(f);
    fixture_refused((const char *const[]){"modules.encoder=[\"encode/bad\"]", NULL},
                    "modules.encoder: none works: encode/bad: no such device");
}

static void rests_when_nobody_looks(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    fixture_draw(1, 0);
    struct peer *a = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    fixture_get(a, 0);
    fixture_say(f, a, "{\"type\":\"visible\",\"value\":false}");
    eventually(fixture_taps() == 0);
    eventually(fixture_frames() == 0);
    fixture_draw(2, 0);
    fixture_quiet(a, 30);
    fixture_say(f, a, "{\"type\":\"visible\",\"value\":true}");
    assert_int_equal(got_tail(fixture_get(a, 1))->key, 1);
    fixture_leave(f, a);
    eventually(fixture_taps() == 0);
    struct peer *b = fixture_join(f, "");
    assert_int_equal(got_tail(fixture_get(b, 0))->key, 1);
    fixture_stop(f);
}

static void refines_and_then_is_silent(void **state)
{
    (void)state;
    static const char *const sets[] = {"stream.refine=2", NULL};
    struct fixture *f = fixture_start(sets);
    struct peer *a = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    fixture_draw(2, 0);
    fixture_sleep(10);
    uint64_t seq = fixture_draw(3, 0);
    eventually(atomic_load(&a->count) > 2 && got_tail(&a->got[atomic_load(&a->count) - 1])->repeat);
    fixture_sleep(150);
    int count = atomic_load(&a->count);
    assert_false(got_tail(&a->got[count - 3])->repeat);
    for (int i = count - 2; i < count; i++) {
        assert_true(got_tail(&a->got[i])->repeat);
        assert_int_equal(got_tail(&a->got[i])->frame_seq, seq);
        assert_int_equal(got_tail(&a->got[i])->key, 0);
    }
    fixture_quiet(a, 200);
    fixture_stop(f);
}

static void a_still_follows_rest(void **state)
{
    (void)state;
    static const char *const sets[] = {"stream.refine=2", NULL};
    struct fixture *f = fixture_start(sets);
    struct peer *a = fixture_join(f, "ext=1&still=png");
    eventually(fixture_taps() == 2);
    fixture_draw(1, DRAW_COMPLETE);
    fixture_get(a, 0);
    uint64_t seq = fixture_draw(2, DRAW_COMPLETE); /* before the first has rested */
    const struct got *video = fixture_get(a, 1), *still = fixture_get(a, 2);
    assert_int_equal(got_u(video, 20, 1), 1);
    assert_int_equal(got_u(video, 26, 2) & 4, 0);
    assert_int_equal(got_u(still, 20, 1), 7);
    assert_int_equal(got_u(still, 26, 2) & 7, 7); /* bottom-up, complete, still */
    assert_int_equal(got_u(still, 40, 8), seq);
    assert_int_equal(got_u(still, 0, 4), got_u(video, 0, 4) + 1);
    assert_int_equal(got_u(still, 29, 1), ORIEL_MATRIX_IDENTITY);
    fixture_quiet(a, 200); /* nobody needs the video refined */
    /* Who comes later gets a key and the same still, made once. */
    int encodes = atomic_load(&fakes.encodes);
    struct peer *b = fixture_join(f, "ext=1&still=png");
    assert_int_equal(got_tail(fixture_get(b, 0))->key, 1);
    assert_int_equal(got_u(fixture_get(b, 1), 20, 1), 7);
    assert_int_equal(atomic_load(&fakes.encodes), encodes + 1);
    /* Incomplete pictures have none. */
    fixture_draw(3, 0);
    fixture_sleep(150);
    assert_int_equal(got_u(&b->got[atomic_load(&b->count) - 1], 20, 1), 1);
    fixture_stop(f);
}

static void another_size_is_another_configuration(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "ext=1"), *b = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    assert_int_equal(got_u(fixture_get(a, 0), 26, 2) & 8, 8);
    fixture_draw(2, 0);
    assert_int_equal(got_u(fixture_get(a, 1), 26, 2) & 8, 0);
    assert_int_equal(atomic_load(&f->configs), 1);
    fixture_resize(640, 480);
    fixture_draw(3, 0);
    const struct got *got = fixture_get(a, 2);
    assert_int_equal(got_tail(got)->key, 1);
    assert_int_equal(got_u(got, 26, 2) & 8, 8);
    assert_int_equal(got_u(got, 12, 4), 640);
    assert_int_equal(got_u(got, 16, 4), 480);
    assert_int_equal(got_u(fixture_get(b, 2), 21, 1), 1);
    assert_int_equal(atomic_load(&f->configs), 2);
    assert_int_equal(f->info.width, 640);
    assert_string_equal(f->info.codec_string, "avc1.42C00A");
    fixture_stop(f);
}

/* Where the main branch writes another codec, what classic clients will get is known before any of
 * them looks, and costs nothing until then. */
static void classic_clients_are_told_of_their_branch(void **state)
{
    (void)state;
    static const char *const sets[] = {"modules.encoder=[\"encode/j\",\"encode/b\"]", NULL};
    struct fixture *f = fixture_start(sets);
    struct stream_info info;
    assert_true(stream_current(f->stream, &info));
    assert_int_equal(info.codec, ORIEL_CODEC_H264);
    assert_int_equal(info.width, 1280);
    assert_int_equal(info.avcc_bytes, 20);
    assert_string_equal(info.encoder, "encode/b");
    assert_int_equal(atomic_load(&f->configs), 2); /* the main branch's before */
    assert_int_equal(f->info.codec, ORIEL_CODEC_H264);
    assert_int_equal(atomic_load(&fakes.creates) - atomic_load(&fakes.destroys), 1);
    assert_int_equal(fixture_taps(), 0);

    struct peer *modern = fixture_join(f, "ext=1&codecs=jpeg"), *classic = fixture_join(f, "");
    eventually(fixture_taps() == 2);
    fixture_draw(1, 0);
    assert_int_equal(got_u(fixture_get(modern, 0), 20, 1), 6);
    assert_int_equal(got_u(fixture_get(classic, 0), 20, 1), 1);
    assert_int_equal(atomic_load(&f->configs), 2); /* nothing new in it */
    fixture_resize(640, 480);
    fixture_draw(2, 0);
    assert_int_equal(got_u(fixture_get(classic, 1), 12, 4), 640);
    assert_true(stream_current(f->stream, &info));
    assert_int_equal(info.codec, ORIEL_CODEC_H264);
    assert_int_equal(info.width, 640);
    assert_string_equal(info.codec_string, "avc1.42C00A");
    eventually(atomic_load(&f->configs) == 4); /* of both branches */
    fixture_stop(f);

    f = fixture_start((const char *const[]){"modules.encoder=[\"encode/j\"]", NULL});
    assert_false(stream_current(f->stream, &info)); /* there is nothing for them */
    assert_int_equal(atomic_load(&f->configs), 1);
    fixture_stop(f);
    f = fixture_start((const char *const[]){"modules.encoder=[\"encode/j\",\"encode/bad\"]", NULL});
    assert_false(stream_current(f->stream, &info)); /* it only says so */
    fixture_stop(f);
}

static void dies_in(int32_t result, int times)
{
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    uint32_t first = got_tail(fixture_get(a, 0))->instance;
    fakes.failing = "encode/a";
    fakes.result = result;
    atomic_store(&fakes.fails, times);
    for (int i = 0; i < times; i++) {
        fixture_draw(2, 0);
        eventually(atomic_load(&fakes.fails) == times - 1 - i);
    }
    /* The picture that was lost comes from the one that took over, as a key, and nobody was hung up
     * on. */
    const struct got *got = fixture_get(a, 1);
    assert_int_not_equal(got_tail(got)->instance, first);
    assert_int_equal(got_tail(got)->key, 1);
    assert_int_equal(got_u(got, 0, 4), 2);
    assert_int_equal(atomic_load(&a->close_code), 0);
    eventually(atomic_load(&f->faults) == 1);
    assert_string_equal(f->fault, "encode/a failed: it was told to; encode/b took over");
    eventually(atomic_load(&f->configs) == 2);
    assert_string_equal(f->info.encoder, "encode/b");
    assert_string_equal(f->info.reason, "encode/a: it failed while it ran: it was told to");
    fixture_stop(f);
}

static void a_dead_encoder_is_replaced(void **state)
{
    (void)state;
    dies_in(ORIEL_FATAL, 1);
    dies_in(ORIEL_DEVICE_LOST, 1);
    dies_in(ORIEL_INVALID, 3);
}

static void a_lost_picture_is_no_death(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fakes.failing = "encode/a";
    fakes.result = ORIEL_IO;
    atomic_store(&fakes.fails, 1);
    fixture_draw(1, 0); /* the key the newcomer waits for; it is tried again after the cooldown */
    assert_int_equal(got_tail(fixture_get(a, 0))->key, 1);
    assert_int_equal(atomic_load(&f->faults), 0);
    fixture_stop(f);
}

/* When no encoder is left for the codec, those who can decode what is left go there, the others are
 * told. */
static void the_last_encoder_of_a_codec_dies(void **state)
{
    (void)state;
    static const char *const sets[] = {"modules.encoder=[\"encode/a\",\"encode/v\"]", NULL};
    struct fixture *f = fixture_start(sets);
    struct peer *a = fixture_join(f, ""), *b = fixture_join(f, "ext=1&codecs=h264,vp9");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    fixture_get(a, 0);
    fixture_get(b, 0);
    fakes.failing = "encode/a";
    fakes.result = ORIEL_FATAL;
    atomic_store(&fakes.fails, 1);
    fixture_draw(2, 0);
    const struct got *got = fixture_get(b, 1);
    assert_int_equal(got_u(got, 20, 1), 5);
    assert_int_equal(got_tail(got)->key, 1);
    assert_int_equal(got_u(got, 26, 2) & 8, 8);
    eventually(atomic_load(&a->close_code) == 4400);
    assert_string_equal(a->close_reason, "no encoder for any of h264");
    fixture_stop(f);
}

static void dumps_the_bitstream(void **state)
{
    (void)state;
    char folder[] = "/tmp/oriel-pixel-XXXXXX", set[128], path[128];
    assert_non_null(mkdtemp(folder));
    snprintf(set, sizeof set, "debug.dump_dir=%s", folder);
    const char *const sets[] = {set, "debug.dump_bitstream=2", NULL};
    struct fixture *f = fixture_start(sets);
    struct peer *a = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    for (int i = 0; i < 3; i++) {
        fixture_draw(1, 0);
        fixture_get(a, i);
    }
    uint64_t expected = a->got[0].bytes + a->got[1].bytes;
    fixture_stop(f);
    snprintf(path, sizeof path, "%s/oriel-main.h264", folder);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    assert_int_equal(ftell(file), expected);
    fclose(file);
    unlink(path);
    rmdir(folder);
}

static void status_is_json(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "ext=1&codecs=jpeg");
    fixture_draw(1, 0);
    eventually(atomic_load(&a->count) > 0);
    char *text = stream_status_json(f->stream);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    assert_string_equal(cJSON_GetObjectItem(json, "codec")->valuestring, "h264");
    assert_string_equal(cJSON_GetObjectItem(json, "encoder")->valuestring, "encode/a");
    cJSON *branches = cJSON_GetObjectItem(json, "branches");
    assert_int_equal(cJSON_GetArraySize(branches), 2);
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(branches, 1), "codec")->valuestring,
                        "jpeg");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "clients")), 1);
    cJSON_Delete(json);
    free(text);
    char *metrics = metrics_json(f->metrics);
    json = cJSON_Parse(metrics);
    cJSON *gauges = cJSON_GetObjectItem(json, "gauges");
    assert_true(cJSON_GetObjectItem(gauges, "napari_cuda_pixel_clients")->valuedouble == 1);
    cJSON *counters = cJSON_GetObjectItem(json, "counters");
    assert_true(cJSON_GetObjectItem(counters, "napari_cuda_frames_total")->valuedouble >= 1);
    assert_non_null(
        cJSON_GetObjectItem(cJSON_GetObjectItem(json, "histograms"), "napari_cuda_encode_ms"));
    cJSON_Delete(json);
    free(metrics);
    fixture_stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_known_before_anyone_looks),
        cmocka_unit_test(rests_when_nobody_looks),
        cmocka_unit_test(refines_and_then_is_silent),
        cmocka_unit_test(a_still_follows_rest),
        cmocka_unit_test(another_size_is_another_configuration),
        cmocka_unit_test(classic_clients_are_told_of_their_branch),
        cmocka_unit_test(a_dead_encoder_is_replaced),
        cmocka_unit_test(a_lost_picture_is_no_death),
        cmocka_unit_test(the_last_encoder_of_a_codec_dies),
        cmocka_unit_test(dumps_the_bitstream),
        cmocka_unit_test(status_is_json),
    };
    return cmocka_run_group_tests_name("pixel: stream", tests, NULL, NULL);
}
