/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients: what each is sent, who is behind, who comes late, who asks for what. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "util/clock.h"

/* Every picture is a key or refers to the one the client had before; seq has no gap. */
static void expect_unbroken(const struct peer *peer)
{
    struct fake_tail before = {0};
    for (int i = 0; i < atomic_load(&peer->count); i++) {
        struct fake_tail tail = *got_tail(&peer->got[i]);
        assert_int_equal(got_u(&peer->got[i], 0, 4), i + 1);
        assert_int_equal(got_u(&peer->got[i], 21, 1), tail.key);
        if (!tail.key) {
            assert_true(i > 0);
            assert_int_equal(tail.instance, before.instance);
            assert_int_equal(tail.number, before.number + 1);
        }
        if (i > 0)
            assert_true(got_f(&peer->got[i], 4) >= got_f(&peer->got[i - 1], 4));
        before = tail;
    }
}

static void the_classic_client_gets_avcc(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *classic = fixture_join(f, ""), *ours = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    for (int i = 0; i < 5; i++) {
        fixture_draw((uint64_t)i, 0);
        fixture_get(classic, i);
        fixture_get(ours, i);
    }
    expect_unbroken(classic);
    expect_unbroken(ours);
    const struct got *key = &classic->got[0];
    assert_int_equal(key->head_bytes, 24);
    assert_int_equal(got_u(key, 20, 1), 1);
    assert_int_equal(got_u(key, 22, 2), 0);
    assert_true(got_f(key, 4) > 1.6e9);
    static const uint8_t avcc[] = {0, 0, 0, 5, 0x67, 0x42, 0xC0, 0x14, 0xAA,
                                   0, 0, 0, 4, 0x68, 0xCE, 0x3C, 0x80};
    assert_memory_equal(key->data, avcc, sizeof avcc);
    assert_int_equal(key->data[20], key->bytes - 21);
    assert_int_equal(key->data[21], 0x65);
    assert_int_equal(ours->got[0].head_bytes, 160);
    static const uint8_t annexb[] = {0, 0, 0, 1, 0x67, 0x42, 0xC0};
    assert_memory_equal(ours->got[0].data, annexb, sizeof annexb);
    assert_true(fixture_most_frames() <= 4);
    fixture_stop(f);
}

static void a_frame_says_what_it_shows(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "ext=1&session=one"),
                *b = fixture_join(f, "ext=1&session=two");
    eventually(fixture_taps() == 1);
    for (uint64_t revision = 1; revision <= 3000; revision++) {
        struct pixel_pose pose = {.center = {(double)revision, 2, 3},
                                  .zoom = 4,
                                  .quat = {0.5, 0.5, 0.5, 0.5},
                                  .fov = 60,
                                  .ndisplay = 3};
        stream_note_pose(f->stream, revision * 2, &pose); /* odd ones change nothing one sees */
        stream_note_intent(f->stream, "one", revision + 10000, revision * 2);
    }
    stream_note_intent(f->stream, "two", 1, 6000);
    fixture_draw(5997, 0);
    const struct got *got = fixture_get(a, 0);
    assert_int_equal(got_u(got, 22, 2), 136);
    assert_int_equal(got_u(got, 24, 2), 1);
    assert_int_equal(got_u(got, 26, 2), 1 | 8 | 16); /* bottom-up, fresh, full range */
    assert_int_equal(got_u(got, 28, 1), 3);
    assert_int_equal(got_u(got, 29, 1), ORIEL_MATRIX_BT601);
    assert_int_equal(got_u(got, 30, 2), 2);
    assert_int_equal(got_u(got, 32, 2), 5);
    assert_int_equal(got_u(got, 34, 2), 32768);
    assert_int_equal(got_u(got, 36, 4), UINT32_MAX);
    assert_int_equal(got_u(got, 48, 8), 5997);
    assert_int_equal(got_u(got, 56, 8), 12998);
    assert_true(got_f(got, 64) == 2998);
    assert_true(got_f(got, 88) == 4 && got_f(got, 96) == 0.5 && got_f(got, 128) == 60);
    assert_int_equal(got_u(got, 136, 4), 2000);
    assert_int_equal(got_u(got, 140, 4), 4000);
    assert_int_equal(got_u(got, 144, 4), 3000);
    assert_int_equal(got_u(fixture_get(b, 0), 56, 8), 0);
    stream_session_closed(f->stream, "one");
    fixture_draw(6001, 0);
    assert_int_equal(got_u(fixture_get(a, 1), 56, 8), 0);
    assert_int_equal(got_u(fixture_get(b, 1), 56, 8), 1);
    assert_true(got_f(fixture_get(b, 1), 64) == 3000);
    fixture_stop(f);
}

static void who_comes_late_gets_a_key_of_the_resting_picture(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    uint64_t seq = fixture_draw(1, 0);
    fixture_get(a, 0);
    fixture_quiet(a, 120);
    int64_t begin = clock_ns();
    struct peer *b = fixture_join(f, "ext=1");
    const struct got *got = fixture_get(b, 0);
    assert_true(clock_ns() - begin < 80 * NS_PER_MS);
    assert_int_equal(got_tail(got)->key, 1);
    assert_int_equal(got_tail(got)->frame_seq, seq);
    /* The next one within the cooldown waits for its end, not longer; then both have the same. */
    begin = clock_ns();
    struct peer *c = fixture_join(f, "ext=1"), *d = fixture_join(f, "");
    fixture_get(c, 0);
    fixture_get(d, 0);
    int64_t took = clock_ns() - begin;
    assert_true(took > 50 * NS_PER_MS && took < 1000 * NS_PER_MS);
    assert_int_equal(atomic_load(&fakes.keys), 3);
    fixture_quiet(c, 150);
    expect_unbroken(a);
    fixture_stop(f);
}

static void an_unacknowledged_client_is_not_drawn_ahead(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    fixture_get(a, 0);
    fixture_say(f, a, "{\"type\":\"shown\",\"seq\":1,\"decode_ms\":1.5,\"wait_ms\":3}");
    fixture_draw(2, 0);
    fixture_get(a, 1);
    fixture_draw(3, 0);
    fixture_get(a, 2);
    int encodes = atomic_load(&fakes.encodes);
    uint64_t newest = 0;
    for (uint64_t i = 4; i < 10; i++)
        newest = fixture_draw(i, 0);
    fixture_quiet(a, 60);
    assert_int_equal(atomic_load(&fakes.encodes), encodes); /* dropped before the encoder */
    fixture_say(f, a, "{\"type\":\"shown\",\"seq\":2}");
    assert_int_equal(got_tail(fixture_get(a, 3))->frame_seq, newest);
    assert_int_equal(got_tail(&a->got[3])->key, 0);
    fixture_draw(10, 0);
    fixture_quiet(a, 40);
    /* An answer about what was never sent counts for nothing. */
    fixture_say(f, a, "{\"type\":\"shown\",\"seq\":77}");
    fixture_say(f, a, "{\"type\":\"shown\",\"seq\":1}");
    fixture_quiet(a, 40);
    /* A picture that is never acknowledged is taken for lost after a second. */
    fixture_get(a, 4);
    expect_unbroken(a);
    fixture_stop(f);
}

static void a_slow_client_skips_to_a_key(void **state)
{
    (void)state;
    static const char *const sets[] = {"stream.queue_bytes=4096", "stream.queue_ms=30", NULL};
    struct fixture *f = fixture_start(sets);
    struct peer *fast = fixture_join(f, "ext=1"), *slow = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    fixture_get(fast, 0);
    fixture_get(slow, 0);
    fixture_block(slow, true);
    int sent = 0;
    for (int i = 1; i <= 30; i++) {
        fixture_draw((uint64_t)i, 0);
        fixture_get(fast, i);
        fixture_sleep(3);
    }
    sent = atomic_load(&slow->count);
    assert_true(sent > 1 && sent < 25);
    assert_int_equal(atomic_load(&fakes.keys), 1); /* no key for one who cannot take it */
    fixture_unblock(f, slow);
    const struct got *got = fixture_get(slow, sent);
    assert_int_equal(got_tail(got)->key, 1);
    fixture_draw(50, 0);
    fixture_get(slow, sent + 1);
    fixture_get(fast, 32);
    expect_unbroken(slow);
    expect_unbroken(fast);
    fixture_stop(f);
}

/* Alone on a slow line: pictures wait before the encoder, so that nothing is skipped and no key
 * needed. */
static void a_slow_line_needs_no_keys(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    fixture_get(a, 0);
    uint64_t newest = 0;
    for (int round = 0; round < 5; round++) {
        fixture_block(a, true);
        int count = atomic_load(&a->count);
        for (int i = 0; i < 6; i++) {
            newest = fixture_draw(1, 0);
            fixture_sleep(3);
        }
        assert_true(atomic_load(&a->count) <= count + 1);
        fixture_unblock(f, a);
        eventually(got_tail(&a->got[atomic_load(&a->count) - 1])->frame_seq == newest);
    }
    assert_int_equal(atomic_load(&fakes.keys), 1);
    expect_unbroken(a);
    fixture_stop(f);
}

static void each_gets_what_it_can_decode(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    fixture_draw(1, 0);
    struct peer *main = fixture_join(f, "ext=1&codecs=vp9,h264");
    struct peer *vp8 = fixture_join(f, "ext=1&codecs=av1,vp8,jpeg");
    struct peer *jpeg = fixture_join(f, "ext=1&codecs=jpeg,vp8");
    assert_int_equal(got_u(fixture_get(main, 0), 20, 1), 1);
    assert_int_equal(got_u(fixture_get(vp8, 0), 20, 1), 4);
    assert_int_equal(got_u(fixture_get(jpeg, 0), 20, 1), 6);
    assert_int_equal(fixture_taps(), 3);
    fixture_draw(2, 0);
    assert_int_equal(got_tail(fixture_get(jpeg, 1))->key, 1);
    assert_int_equal(got_tail(fixture_get(vp8, 1))->key, 0);
    /* Who comes while the picture rests gets it, where every picture is a key as well. */
    struct peer *late = fixture_join(f, "ext=1&codecs=jpeg");
    assert_int_equal(got_u(fixture_get(late, 0), 20, 1), 6);
    fixture_leave(f, late);
    int destroyed = atomic_load(&fakes.destroys);
    fixture_leave(f, jpeg);
    eventually(fixture_taps() == 2);
    eventually(atomic_load(&fakes.destroys) == destroyed + 1);
    fixture_refuse_join(f, "ext=1&codecs=av1,hevc", "no encoder for any of av1,hevc");
    fixture_refuse_join(f, "ext=1&codecs=", "no encoder for any of ");
    fixture_stop(f);

    static const char *const sets[] = {"modules.encoder=[\"encode/j\"]", NULL};
    f = fixture_start(sets);
    fixture_refuse_join(f, "", "no encoder for any of h264");
    fixture_join(f, "ext=1&codecs=jpeg");
    fixture_stop(f);
}

/* An encoder that says it writes a codec but does not work: the client's next codec, or a word. */
static void a_codec_that_does_not_work_after_all(void **state)
{
    (void)state;
    static const char *const sets[] = {"modules.encoder=[\"encode/v\",\"encode/bad\",\"encode/j\"]",
                                       NULL};
    struct fixture *f = fixture_start(sets);
    fixture_draw(1, 0);
    struct peer *a = fixture_join(f, "");
    eventually(atomic_load(&a->close_code) == 4400);
    assert_string_equal(a->close_reason, "no encoder for any of h264");
    struct peer *b = fixture_join(f, "ext=1&codecs=h264,jpeg");
    assert_int_equal(got_u(fixture_get(b, 0), 20, 1), 6);
    fixture_refuse_join(f, "", "no encoder for any of h264");
    fixture_stop(f);
}

static void keys_are_asked_for_once_a_second(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    fixture_draw(1, 0);
    fixture_get(a, 0);
    for (int i = 0; i < 50; i++)
        fixture_say(f, a, "{\"type\":\"key\",\"reason\":\"lost\\u0000\"}");
    assert_int_equal(got_tail(fixture_get(a, 1))->key, 1);
    for (int i = 0; i < 50; i++)
        fixture_say(f, a, "{\"type\":\"key\"}");
    fixture_quiet(a, 200);
    stream_request_key(f->stream, "test");
    stream_request_key(f->stream, "test");
    assert_int_equal(got_tail(fixture_get(a, 2))->key, 1);
    /* The second request may have come after that key: then one more, a cooldown later. */
    fixture_sleep(250);
    assert_true(atomic_load(&a->count) <= 4);
    fixture_quiet(a, 150);
    fixture_stop(f);
}

static void garbage_is_ignored(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *a = fixture_join(f, "&&==%%%&ext=1&codecs=h264,%00&session=%ff%fe");
    static const char *const words[] = {"",
                                        "{",
                                        "[]",
                                        "null",
                                        "7",
                                        "\"shown\"",
                                        "{\"type\":7}",
                                        "{\"type\":\"shown\"}",
                                        "{\"type\":\"shown\",\"seq\":-1}",
                                        "{\"type\":\"shown\",\"seq\":1e300}",
                                        "{\"type\":\"shown\",\"seq\":\"1\"}",
                                        "{\"type\":\"visible\",\"value\":0}",
                                        "{\"type\":\"other\"}"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        fixture_say(f, a, words[i]);
    stream_conn_message(f->stream, a->conn, ORIEL_MESSAGE_BINARY, (const uint8_t *)"\0\1", 2);
    stream_conn_message(f->stream, 999, ORIEL_MESSAGE_TEXT, (const uint8_t *)"{}", 2);
    stream_conn_writable(f->stream, 999);
    stream_conn_closed(f->stream, 999);
    fixture_draw(1, 0);
    fixture_get(a, 0);
    fixture_stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_classic_client_gets_avcc),
        cmocka_unit_test(a_frame_says_what_it_shows),
        cmocka_unit_test(who_comes_late_gets_a_key_of_the_resting_picture),
        cmocka_unit_test(an_unacknowledged_client_is_not_drawn_ahead),
        cmocka_unit_test(a_slow_client_skips_to_a_key),
        cmocka_unit_test(a_slow_line_needs_no_keys),
        cmocka_unit_test(each_gets_what_it_can_decode),
        cmocka_unit_test(a_codec_that_does_not_work_after_all),
        cmocka_unit_test(keys_are_asked_for_once_a_second),
        cmocka_unit_test(garbage_is_ignored),
    };
    return cmocka_run_group_tests_name("pixel: clients", tests, NULL, NULL);
}
