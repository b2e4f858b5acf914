/* SPDX-License-Identifier: BSD-3-Clause */
/* The ladder of encoders at work: what is measured decides, what fails comes back, and nobody who
 * looks is hung up on. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

static bool exported(const struct fixture *f, const char *text)
{
    char *all = metrics_prometheus(f->metrics);
    bool found = strstr(all, text);
    if (!found)
        printf("# not in the metrics: %s\n", text);
    free(all);
    return found;
}

static void begins_with(const char *text, const char *head)
{
    if (strncmp(text, head, strlen(head)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", text, head);
}

/* Another stream beside the fixture's, in the same process, as the one of a fork is. */
static struct stream *second_stream(struct fixture *f)
{
    struct error err = {""};
    struct stream *stream = stream_create(f->config, NULL, NULL, f->metrics, "v1", NULL, &err);
    assert_non_null(stream);
    return stream;
}

static char *branch_text(struct stream *stream, const char *key)
{
    char *text = stream_status_json(stream);
    cJSON *json = cJSON_Parse(text);
    char *value = strdup(cJSON_GetObjectItem(json, key)->valuestring);
    cJSON_Delete(json);
    free(text);
    return value;
}

static bool uses(struct stream *stream, const char *encoder)
{
    char *now = branch_text(stream, "encoder");
    bool same = strcmp(now, encoder) == 0;
    free(now);
    return same;
}

/* Draws until a picture of an instance after that one has come to the peer; the first of them. */
static const struct got *next_instance(struct peer *peer, uint32_t instance)
{
    int seen = 0;
    for (int i = 0; i < 600; i++) {
        int count = atomic_load(&peer->count);
        for (; seen < count; seen++) {
            if (got_tail(&peer->got[seen])->instance > instance)
                return &peer->got[seen];
        }
        fixture_draw(1, 0);
        fixture_sleep(5);
    }
    fail_msg("no other encoder took over");
    return NULL;
}

static void slow_encoders_are_passed_over(void **state)
{
    (void)state;
    static const char *const measured[] = {"stream.prefer=bandwidth", NULL};
    fixture_slow("encode/a", 10);
    struct fixture *f = fixture_start(measured);
    assert_string_equal(f->info.encoder, "encode/b");
    begins_with(f->info.reason, "encode/a: ");
    assert_non_null(strstr(f->info.reason, " ms a picture, with 16.7 ms from one to the next"));
    assert_true(exported(f, "oriel_encoder_probe_seconds{encoder=\"encode/a\"} 0.0"));
    assert_true(exported(f, "oriel_encoder_info{view=\"main\",branch=\"main\",encoder=\"encode/b\","
                            "codec=\"h264\",reason=\"encode/a: N ms a picture, with N ms from"));
    char *text = stream_status_json(f->stream);
    cJSON *json = cJSON_Parse(text), *ladder = cJSON_GetObjectItem(json, "ladder");
    const cJSON *a = cJSON_GetArrayItem(ladder, 0), *b = cJSON_GetArrayItem(ladder, 1);
    assert_int_equal(cJSON_GetArraySize(ladder), 4);
    assert_string_equal(cJSON_GetObjectItem(a, "encoder")->valuestring, "encode/a");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(a, "taken")));
    assert_true(cJSON_GetObjectItem(a, "ms")->valuedouble >= 10);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(b, "taken")));
    assert_string_equal(cJSON_GetObjectItem(b, "reason")->valuestring, "");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(ladder, 3), "ms")));
    cJSON_Delete(json);
    free(text);
    /* A second view pays nothing for what is known. */
    int creates = atomic_load(&fakes.creates);
    struct stream *second = second_stream(f);
    assert_true(uses(second, "encode/b"));
    assert_int_equal(atomic_load(&fakes.creates), creates + 1);
    assert_true(exported(f, "oriel_encoder_info{view=\"v1\",branch=\"main\",encoder=\"encode/b\""));
    stream_destroy(second);
    assert_false(exported(f, "view=\"v1\""));
    fixture_stop(f);

    f = fixture_start((const char *const[]){"stream.prefer=order", NULL});
    assert_string_equal(f->info.encoder, "encode/a");
    assert_int_equal(atomic_load(&fakes.creates), 1); /* and nothing is measured for it */
    fixture_stop(f);
    fixture_slow("encode/a", 4);
    f = fixture_start((const char *const[]){"stream.prefer=latency", NULL});
    assert_string_not_equal(f->info.encoder, "encode/a");
    fixture_stop(f);
    /* At a lower rate there is time enough. */
    fixture_slow("encode/a", 10);
    f = fixture_start((const char *const[]){"stream.prefer=bandwidth", "stream.fps=10", NULL});
    assert_string_equal(f->info.encoder, "encode/a");
    fixture_stop(f);
    fixture_slow(NULL, 0);
}

/* A choice takes no longer than it must; what it left out is looked at when the pause is over. */
static void what_was_left_out_is_measured_later(void **state)
{
    (void)state;
    fixture_slow("encode/a", 70);
    struct fixture *f = fixture_start((const char *const[]){
        "modules.encoder=[\"encode/a\",\"encode/b\"]", "stream.prefer=bandwidth",
        "stream.retry_ms=50", "stream.key_cooldown_ms=0", NULL});
    assert_string_equal(f->info.encoder, "encode/a");
    assert_string_equal(f->info.reason, "encode/b: not measured, the others took too long");
    const struct peer *peer = fixture_join(f, "");
    eventually(uses(f->stream, "encode/b"));
    assert_int_equal(atomic_load(&f->faults), 0);
    assert_int_equal(atomic_load(&peer->close_code), 0);
    fixture_stop(f);
    fixture_slow(NULL, 0);
}

/* The encoder of the GPU works, but nobody captures into its memory any more. */
static void captures_that_went(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(
        (const char *const[]){"modules.encoder=[\"encode/g\",\"encode/a\"]", "stream.retry_ms=40",
                              "stream.key_cooldown_ms=0", NULL});
    assert_true(uses(f->stream, "encode/g"));
    struct peer *peer = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    eventually(atomic_load(&peer->count) > 0);
    uint32_t first = got_tail(&peer->got[0])->instance;
    fixture_gpu(false);
    const struct got *got = next_instance(peer, first);
    assert_true(got_tail(got)->key);
    assert_true(uses(f->stream, "encode/a"));
    assert_non_null(strstr(f->fault, "the GPU is gone; encode/a took over"));
    /* It is refused while that is so, and comes back. */
    char *reason = branch_text(f->stream, "reason");
    for (int i = 0; i < 400 && !strstr(reason, "makes none here"); i++) {
        free(reason);
        fixture_sleep(5);
        reason = branch_text(f->stream, "reason");
    }
    assert_string_equal(reason, "encode/g: it takes pictures in the memory of a GPU, where "
                                "capture/fake makes none here");
    free(reason);
    fixture_gpu(true);
    got = next_instance(peer, got_tail(got)->instance);
    assert_true(got_tail(got)->key);
    assert_true(uses(f->stream, "encode/g"));
    assert_int_equal(atomic_load(&peer->close_code), 0);
    fixture_stop(f);
}

/* Frames of the GPU, then of the CPU, then of the GPU again. */
static void a_lost_device_comes_back(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(
        (const char *const[]){"modules.encoder=[\"encode/g\",\"encode/a\"]", "stream.retry_ms=150",
                              "stream.key_cooldown_ms=0", NULL});
    assert_true(uses(f->stream, "encode/g"));
    struct peer *modern = fixture_join(f, "ext=1"), *classic = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    fixture_get(classic, 0);
    uint32_t first = got_tail(fixture_get(modern, 0))->instance;
    eventually(atomic_load(&f->configs) == 1); /* no picture could be made up before */

    fakes.failing = "encode/g";
    fakes.result = ORIEL_DEVICE_LOST;
    atomic_store(&fakes.fails, 1);
    const struct got *got = next_instance(modern, first);
    assert_int_equal(got_tail(got)->key, 1);
    assert_true(uses(f->stream, "encode/a"));
    char *reason = branch_text(f->stream, "reason"), *chain = branch_text(f->stream, "chain");
    assert_string_equal(reason, "encode/g: it failed while it ran: it was told to");
    assert_string_equal(chain, "capture/fake NV12 cpu bt601 full -> encode/a");
    free(reason);
    free(chain);
    uint32_t second = got_tail(got)->instance;
    eventually(atomic_load(&f->faults) == 1);

    got = next_instance(modern, second);
    assert_int_equal(got_tail(got)->key, 1);
    assert_true(uses(f->stream, "encode/g"));
    assert_true(exported(f, "encoder=\"encode/g\",codec=\"h264\",reason=\"\"} 1"));
    assert_int_equal(atomic_load(&f->faults), 1);
    assert_int_equal(atomic_load(&modern->close_code), 0);
    assert_int_equal(atomic_load(&classic->close_code), 0);
    assert_true(atomic_load(&classic->count) >= 3);
    fixture_stop(f);
}

/* What fails again and again is asked less and less often, and the stream goes on. */
static void pauses_grow(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(
        (const char *const[]){"modules.encoder=[\"encode/a\",\"encode/b\"]", "stream.retry_ms=40",
                              "stream.key_cooldown_ms=0", NULL});
    struct peer *peer = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fakes.failing = "encode/a";
    fakes.result = ORIEL_FATAL;
    atomic_store(&fakes.fails, 1000000);
    for (int i = 0; i < 150; i++) { /* some 900 ms: after 0, 40, 80+40, 160+… */
        fixture_draw(1, 0);
        fixture_sleep(6);
    }
    /* While it cannot even encode a test picture it is refused when it is opened: one fault. */
    assert_int_equal(atomic_load(&f->faults), 1);
    int failed = 1000000 - atomic_load(&fakes.fails);
    assert_in_range(failed, 3, 7);
    assert_int_equal(atomic_load(&peer->close_code), 0);
    assert_true(atomic_load(&peer->count) > 50);
    atomic_store(&fakes.fails, 0);
    for (int i = 0; i < 600 && !uses(f->stream, "encode/a"); i++) {
        fixture_draw(1, 0);
        fixture_sleep(6);
    }
    assert_true(uses(f->stream, "encode/a"));
    fixture_stop(f);
}

/* A second stream takes the next encoder; the first keeps its own and hears of nothing. */
static void no_session_is_left(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(
        (const char *const[]){"stream.retry_ms=50", "stream.key_cooldown_ms=0", NULL});
    struct peer *peer = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    uint32_t first = got_tail(fixture_get(peer, 0))->instance;
    fakes.limited = "encode/a";
    fakes.refusal = ORIEL_NOMEM;
    atomic_store(&fakes.live, 1);
    atomic_store(&fakes.most, 1);
    struct stream *second = second_stream(f);
    assert_true(uses(second, "encode/b"));
    char *reason = branch_text(second, "reason");
    assert_string_equal(reason, "encode/a: no session is left");
    free(reason);
    assert_true(uses(f->stream, "encode/a"));
    fixture_draw(1, 0);
    assert_int_equal(got_tail(fixture_get(peer, 1))->instance, first);
    assert_int_equal(atomic_load(&f->faults), 0);
    stream_destroy(second);
    assert_int_equal(atomic_load(&fakes.live), 1);

    /* The stream itself, at another size, while somebody else has the session; and later. */
    atomic_store(&fakes.most, 0);
    fixture_resize(640, 480);
    const struct got *got = next_instance(peer, first);
    assert_int_equal(got_tail(got)->key, 1);
    assert_true(uses(f->stream, "encode/b"));
    atomic_store(&fakes.most, 1);
    got = next_instance(peer, got_tail(got)->instance);
    assert_int_equal(got_tail(got)->key, 1);
    assert_true(uses(f->stream, "encode/a"));
    assert_int_equal(atomic_load(&f->faults), 0);
    assert_int_equal(atomic_load(&peer->close_code), 0);
    fixture_stop(f);
    assert_int_equal(atomic_load(&fakes.live), 0);
}

/* Draws until a picture of that size has come; it is a key, and configures its client anew. */
static const struct got *first_of_size(struct peer *peer, uint32_t width, uint32_t height)
{
    int seen = atomic_load(&peer->count);
    fixture_resize(width, height);
    for (int i = 0; i < 600; i++) {
        fixture_draw(1, 0);
        fixture_sleep(5);
        for (; seen < atomic_load(&peer->count); seen++) {
            const struct got *got = &peer->got[seen];
            if (got_u(got, 12, 4) != width)
                continue;
            assert_int_equal(got_u(got, 16, 4), height);
            assert_int_equal(got_tail(got)->key, 1);
            assert_int_equal(got_u(got, 26, 2) & 8, 8);
            return got;
        }
    }
    fail_msg("no picture of %ux%u", width, height);
    return NULL;
}

/* An encoder that can take another size goes on with it; one that says no this time is replaced by
 * a new one, after it has given its session back. */
static void another_size_without_another_instance(void **state)
{
    (void)state;
    struct fixture *f = fixture_start((const char *const[]){
        "modules.encoder=[\"encode/r\",\"encode/b\"]", "stream.key_cooldown_ms=0", NULL});
    fakes.limited = "encode/r";
    fakes.refusal = ORIEL_NOMEM;
    atomic_store(&fakes.live, 1);
    atomic_store(&fakes.most, 1);
    struct peer *peer = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    uint32_t first = got_tail(first_of_size(peer, 1280, 720))->instance;
    for (int i = 1; i <= 30; i++) {
        uint32_t width = 640 + 64 * (uint32_t)(i % 7), height = 480;
        const struct got *got = first_of_size(peer, width, height);
        assert_int_equal(got_tail(got)->instance, first);
        int count = atomic_load(&peer->count);
        fixture_draw(1, 0);
        assert_int_equal(got_tail(fixture_get(peer, count))->key, 0);
        assert_int_equal(atomic_load(&f->configs), 1 + i); /* before the picture */
        assert_int_equal(f->info.width, width);
        assert_string_equal(f->info.encoder, "encode/r");
    }
    assert_int_equal(atomic_load(&fakes.resizes), 30);
    assert_int_equal(atomic_load(&fakes.creates), 1);
    assert_true(exported(f, "oriel_encoder_resets_total 0"));

    atomic_store(&fakes.resize_result, ORIEL_UNSUPPORTED);
    uint32_t second = got_tail(first_of_size(peer, 800, 600))->instance;
    assert_int_not_equal(second, first);
    assert_true(uses(f->stream, "encode/r"));
    assert_int_equal(atomic_load(&fakes.live), 1);
    assert_true(exported(f, "oriel_encoder_resets_total 1"));
    atomic_store(&fakes.resize_result, ORIEL_OK);
    assert_int_equal(got_tail(first_of_size(peer, 900, 600))->instance, second);
    int asked = atomic_load(&fakes.resizes);
    atomic_store(&fakes.bitrate, 1); /* it was made with other options */
    uint32_t third = got_tail(first_of_size(peer, 800, 600))->instance;
    assert_int_not_equal(third, second);
    assert_int_equal(atomic_load(&fakes.resizes), asked);
    assert_int_equal(got_tail(first_of_size(peer, 900, 600))->instance, third);

    /* One that has failed is not gone on with, and one of another id not asked. */
    fakes.failing = "encode/r";
    fakes.result = ORIEL_FATAL;
    atomic_store(&fakes.fails, 1);
    next_instance(peer, third);
    assert_true(uses(f->stream, "encode/b"));
    asked = atomic_load(&fakes.resizes);
    first_of_size(peer, 640, 480);
    assert_int_equal(atomic_load(&fakes.resizes), asked);
    assert_int_equal(atomic_load(&fakes.live), 0);
    assert_int_equal(atomic_load(&f->faults), 1);
    assert_int_equal(atomic_load(&peer->close_code), 0);
    fixture_stop(f);
}

/* What has to be measured first has no session beside it. */
static void another_size_that_is_measured(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(
        (const char *const[]){"modules.encoder=[\"encode/r\",\"encode/b\"]", "stream.fps=50",
                              "stream.prefer=bandwidth", "stream.key_cooldown_ms=0", NULL});
    fakes.limited = "encode/r";
    fakes.refusal = ORIEL_NOMEM;
    atomic_store(&fakes.live, 1);
    atomic_store(&fakes.most, 1);
    struct peer *peer = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    uint32_t first = got_tail(first_of_size(peer, 1280, 720))->instance;
    assert_int_equal(got_tail(first_of_size(peer, 1200, 720))->instance, first);
    uint32_t second = got_tail(first_of_size(peer, 320, 240))->instance;
    assert_int_not_equal(second, first);
    assert_true(uses(f->stream, "encode/r"));
    assert_int_equal(got_tail(first_of_size(peer, 1280, 720))->instance, second);
    assert_int_equal(got_tail(first_of_size(peer, 330, 240))->instance, second);
    /* Another one is chosen for a size at which this one is too slow. */
    fixture_slow("encode/r", 12);
    uint32_t third = got_tail(first_of_size(peer, 2560, 1440))->instance;
    assert_int_not_equal(third, second);
    assert_true(uses(f->stream, "encode/b"));
    assert_int_equal(atomic_load(&fakes.live), 0);
    assert_int_equal(atomic_load(&f->faults), 0);
    fixture_slow(NULL, 0);
    fixture_stop(f);
}

/* When none is left those who look are told; who comes after the pause is served again. */
static void the_only_one_gets_another_chance(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(
        (const char *const[]){"modules.encoder=[\"encode/a\"]", "stream.retry_ms=200", NULL});
    struct peer *a = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fakes.failing = "encode/a";
    fakes.result = ORIEL_FATAL;
    atomic_store(&fakes.fails, 1);
    fixture_draw(1, 0);
    eventually(atomic_load(&a->close_code) == 4400);
    fixture_leave(f, a);
    fixture_refuse_join(f, "", "no encoder for any of h264");
    fixture_sleep(220);
    struct peer *b = fixture_join(f, "");
    assert_int_equal(got_tail(fixture_get(b, 0))->key, 1);
    fixture_stop(f);
}

static int entries(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* In use, of all arenas; a sanitizer has an allocator of its own, and finds leaks by itself. */
static long allocated_kib(void)
{
    struct mallinfo2 info = mallinfo2();
    return (long)((info.uordblks + info.hblkhd) / 1024);
}

static void a_hundred_swaps_leave_nothing_behind(void **state)
{
    (void)state;
    struct fixture *f = fixture_start((const char *const[]){
        "modules.encoder=[\"encode/g\",\"encode/a\"]", "stream.retry_ms=10",
        "stream.key_cooldown_ms=0", "stream.queue_ms=60000", "stream.queue_bytes=100000000", NULL});
    struct peer *peer = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    uint32_t instance = got_tail(fixture_get(peer, 0))->instance;
    int fds = 0, threads = 0, keys = 0, failures = 0;
    long memory = 0;
    fakes.failing = "encode/g";
    fakes.result = ORIEL_FATAL;
    for (int swap = 0; swap < 110; swap++) {
        if (swap == 10) {
            fds = entries("/proc/self/fd");
            threads = entries("/proc/self/task");
            memory = allocated_kib();
        }
        if (uses(f->stream, "encode/g")) { /* the other goes by itself */
            fixture_sleep(12);             /* longer than the pause: it has worked */
            failures += atomic_exchange(&fakes.fails, 1) == 0; /* else it has not come to it yet */
        }
        const struct got *got = next_instance(peer, instance);
        keys += (int)got_tail(got)->key;
        instance = got_tail(got)->instance;
    }
    assert_int_equal(keys, 110);
    assert_int_equal(entries("/proc/self/fd"), fds);
    assert_int_equal(entries("/proc/self/task"), threads);
    long grown = allocated_kib() - memory;
    printf("# 100 swaps: %d descriptors, %d threads, memory in use %+ld KiB\n", fds - 3,
           threads - 2, grown);
    assert_true(grown < 512); /* the packets that the fixture keeps */
    eventually(atomic_load(&fakes.creates) - atomic_load(&fakes.destroys) == 1);
    assert_int_equal(atomic_load(&f->faults), failures);
    assert_in_range(failures, 50, 110);
    assert_int_equal(atomic_load(&peer->close_code), 0);
    fixture_stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_encoders_are_passed_over),
        cmocka_unit_test(what_was_left_out_is_measured_later),
        cmocka_unit_test(captures_that_went),
        cmocka_unit_test(a_lost_device_comes_back),
        cmocka_unit_test(pauses_grow),
        cmocka_unit_test(no_session_is_left),
        cmocka_unit_test(another_size_without_another_instance),
        cmocka_unit_test(another_size_that_is_measured),
        cmocka_unit_test(the_only_one_gets_another_chance),
        cmocka_unit_test(a_hundred_swaps_leave_nothing_behind),
    };
    return cmocka_run_group_tests_name("pixel: swaps", tests, NULL, NULL);
}
