/* SPDX-License-Identifier: BSD-3-Clause */
/* Which row of a picture comes first: each gets what it needs, and those who take any share an
 * encoder with whoever does not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "util/clock.h"

static bool bottom_first(const struct got *got)
{
    return got_u(got, 26, 2) & 1;
}

/* What it has got has these rows, begins with a key and has no gap. */
static void expect_rows(const struct peer *peer, bool bottom)
{
    int count = atomic_load(&peer->count);
    assert_true(count > 0);
    assert_int_equal(got_tail(&peer->got[0])->key, 1);
    for (int i = 0; i < count; i++) {
        assert_int_equal(bottom_first(&peer->got[i]), bottom);
        assert_int_equal(got_u(&peer->got[i], 0, 4), i + 1);
    }
}

/* Draws one more, and waits for it. */
static const struct got *next(struct peer *peer)
{
    uint64_t seq = fixture_draw(1, 0);
    int newest = 0;
    eventually((newest = atomic_load(&peer->count)) > 0 &&
               got_tail(&peer->got[newest - 1])->frame_seq >= seq);
    return &peer->got[newest - 1];
}

static void one_encoder_turns_for_who_needs_it(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *page = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    assert_true(bottom_first(next(page)));
    struct peer *record = fixture_join(f, "ext=1&rows=top");
    assert_false(bottom_first(next(record)));
    assert_false(bottom_first(next(page)));
    expect_rows(record, false);
    assert_int_equal(atomic_load(&fakes.opened), 1);
    assert_int_equal(fixture_taps(), 1);
    /* Its encoder goes on: one instance, no number of which is left out. */
    const struct fake_tail first = *got_tail(&page->got[0]);
    for (int i = 1; i < atomic_load(&page->count); i++) {
        struct fake_tail tail = *got_tail(&page->got[i]);
        assert_int_equal(tail.instance, first.instance);
        assert_int_equal(tail.number, first.number + (unsigned)i);
    }
    /* Nobody needs the top row first any more. */
    fixture_leave(f, record);
    assert_false(bottom_first(next(page)));
    struct peer *classic = fixture_join(f, "");
    next(classic);
    assert_true(bottom_first(next(page)));
    assert_int_equal(atomic_load(&fakes.opened), 1);
    fixture_stop(f);
}

static void who_need_different_rows_get_an_encoder_each(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *classic = fixture_join(f, ""), *page = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    next(classic);
    struct peer *record = fixture_join(f, "ext=1&rows=top&still=png&codecs=h264,vp8");
    next(record);
    next(classic);
    next(page);
    struct peer *sender = fixture_join(f, "ext=1&rows=top&codecs=h264");
    struct peer *bottom = fixture_join(f, "ext=1&rows=bottom&codecs=h264");
    next(sender);
    next(bottom);
    assert_int_equal(fixture_taps(), 2);
    assert_int_equal(atomic_load(&fakes.opened), 2);
    expect_rows(record, false);
    expect_rows(sender, false);
    expect_rows(bottom, true);
    expect_rows(page, true);
    assert_int_equal(got_u(&record->got[0], 20, 1), 1);
    assert_int_not_equal(got_tail(&record->got[0])->instance, got_tail(&page->got[0])->instance);
    assert_int_equal(got_tail(&sender->got[0])->instance, got_tail(&record->got[0])->instance);
    assert_int_equal(got_tail(&classic->got[0])->instance, got_tail(&page->got[0])->instance);
    fixture_leave(f, record);
    fixture_leave(f, sender);
    eventually(fixture_taps() == 1);
    eventually(atomic_load(&fakes.opened) == 1);
    fixture_stop(f);
}

/* The desktop client is told of the encoder that it sees, also when another one was first. */
static void the_classic_client_is_told_of_its_own(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *record = fixture_join(f, "ext=1&rows=top");
    eventually(fixture_taps() == 1);
    next(record);
    struct peer *classic = fixture_join(f, "");
    next(classic);
    assert_int_equal(atomic_load(&fakes.opened), 2);
    int configs = atomic_load(&f->configs);
    fixture_resize(640, 360);
    next(classic);
    next(record);
    eventually(atomic_load(&f->configs) > configs);
    struct stream_info info;
    assert_true(stream_current(f->stream, &info));
    assert_int_equal(info.width, 640);
    expect_rows(record, false);
    fixture_stop(f);
}

/* Whoever comes and goes, in whatever moment. */
static void nobody_gets_a_picture_of_the_other_kind(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *page = fixture_join(f, "ext=1");
    eventually(fixture_taps() == 1);
    for (int round = 0; round < 14; round++) {
        bool bottom = round & 1;
        struct peer *peer = fixture_join(f, bottom ? "ext=1&rows=bottom" : "ext=1&rows=top");
        for (int i = 0; i < 1 + round % 4; i++)
            fixture_draw(1, 0);
        assert_int_equal(bottom_first(next(peer)), bottom);
        expect_rows(peer, bottom);
        fixture_leave(f, peer);
    }
    next(page);
    assert_int_equal(atomic_load(&fakes.opened), 1);
    fixture_stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_encoder_turns_for_who_needs_it),
        cmocka_unit_test(who_need_different_rows_get_an_encoder_each),
        cmocka_unit_test(the_classic_client_is_told_of_its_own),
        cmocka_unit_test(nobody_gets_a_picture_of_the_other_kind),
    };
    return cmocka_run_group_tests_name("pixel: rows", tests, NULL, NULL);
}
