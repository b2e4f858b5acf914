/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoders that are exchanged because somebody asks for it, while pictures go on. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "config/config.h"
#include "fixture.h"
#include "pixel/change.h"
#include "util/thread.h"

/* Draws on until it is told to stop, as a renderer does beside everything else. */
struct drawing {
    pthread_t thread;
    atomic_bool stop;
};

static void *draw(void *data)
{
    struct drawing *drawing = data;
    while (!atomic_load(&drawing->stop)) {
        fixture_draw(1, 0);
        fixture_sleep(4);
    }
    return NULL;
}

static void begin(struct drawing *drawing)
{
    atomic_init(&drawing->stop, false);
    assert_true(thread_start(&drawing->thread, "draw", draw, drawing));
}

static void end(struct drawing *drawing)
{
    atomic_store(&drawing->stop, true);
    pthread_join(drawing->thread, NULL);
}

static uint32_t change(struct fixture *f, const char *to, const char *from,
                       struct stream_swapped swapped[STREAM_MOST_SWAPPED])
{
    return stream_change(f->stream, &(struct stream_change){.to = to, .from = from}, swapped);
}

/* Every message's packet follows the one before in its instance, or is the key of a later one. */
static unsigned check_packets(struct peer *peer)
{
    unsigned instances = 1;
    int count = atomic_load(&peer->count);
    struct fake_tail old = *got_tail(&peer->got[0]);
    for (int i = 1; i < count; i++) {
        struct fake_tail new = *got_tail(&peer->got[i]);
        if (new.instance == old.instance) {
            assert_true(new.number == old.number + 1 || new.key);
        } else {
            assert_true(new.instance > old.instance &&new.key);
            assert_true(new.frame_seq >= old.frame_seq);
            instances++;
        }
        old = new;
    }
    return instances;
}

static void another_takes_over_at_a_key(void **state)
{
    (void)state;
    struct stream_swapped done[STREAM_MOST_SWAPPED];
    struct fixture *f = fixture_start((const char *const[]){"stream.prefer=order", NULL});
    struct peer *peer = fixture_join(f, "ext=1&codecs=h264,jpeg");
    struct drawing drawing;
    begin(&drawing);
    fixture_get(peer, 5);
    static const char *const ids[] = {"encode/b", "encode/a"};
    for (int i = 0; i < 20; i++) {
        assert_int_equal(change(f, ids[i % 2], NULL, done), 1);
        assert_true(done[0].done);
        assert_string_equal(done[0].branch, "main");
        assert_string_equal(done[0].from, ids[(i + 1) % 2]);
        assert_string_equal(done[0].to, ids[i % 2]);
        fixture_get(peer, atomic_load(&peer->count) + 3);
    }
    /* The same once more is another instance of it. */
    int creates = atomic_load(&fakes.creates);
    assert_int_equal(change(f, "encode/a", "encode/a", done), 1);
    assert_int_equal(atomic_load(&fakes.creates), creates + 1);
    fixture_get(peer, atomic_load(&peer->count) + 3);
    end(&drawing);
    assert_int_equal(check_packets(peer), 22);
    assert_int_equal(atomic_load(&peer->close_code), 0);
    assert_int_equal(atomic_load(&f->faults), 0);
    eventually(atomic_load(&fakes.creates) - atomic_load(&fakes.destroys) == 1);
    fixture_stop(f);
}

static void what_fails_leaves_the_one_there(void **state)
{
    (void)state;
    struct stream_swapped done[STREAM_MOST_SWAPPED];
    struct fixture *f = fixture_start((const char *const[]){
        "stream.prefer=order", "modules.encoder=[\"encode/a\",\"encode/bad\"]", NULL});
    struct peer *peer = fixture_join(f, "ext=1&codecs=h264");
    struct drawing drawing;
    begin(&drawing);
    fixture_get(peer, 5);
    assert_int_equal(change(f, "encode/bad", NULL, done), 1);
    assert_false(done[0].done);
    assert_string_equal(done[0].from, "encode/a");
    assert_non_null(strstr(done[0].why, "no such device"));
    assert_int_equal(change(f, "encode/bad", "encode/b", done), 0); /* which is not in use */
    fixture_get(peer, atomic_load(&peer->count) + 3);
    end(&drawing);
    assert_int_equal(check_packets(peer), 1);
    fixture_stop(f);
}

/* To another codec and other samples, and back: who cannot follow is served beside it, and comes
 * back. */
static void clients_of_another_codec(void **state)
{
    (void)state;
    struct stream_swapped done[STREAM_MOST_SWAPPED];
    struct fixture *f = fixture_start((const char *const[]){"stream.prefer=order", NULL});
    struct peer *both = fixture_join(f, "ext=1&codecs=h264,jpeg");
    struct peer *old = fixture_join(f, "ext=1&codecs=h264");
    struct drawing drawing;
    begin(&drawing);
    fixture_get(both, 5);
    assert_int_equal(change(f, "encode/j", NULL, done), 1);
    assert_true(done[0].done);
    int seen = atomic_load(&both->count), alone = atomic_load(&old->count);
    fixture_get(old, alone + 5);
    fixture_get(both, seen + 5);
    assert_int_equal(got_u(&both->got[seen + 4], 20, 1), 6);
    assert_int_equal(got_u(&old->got[alone + 4], 20, 1), 1);
    eventually(atomic_load(&fakes.creates) - atomic_load(&fakes.destroys) == 2);
    assert_true(change(f, "encode/b", "encode/j", done) >= 1);
    eventually(atomic_load(&fakes.creates) - atomic_load(&fakes.destroys) == 1);
    fixture_get(old, atomic_load(&old->count) + 5);
    fixture_get(both, atomic_load(&both->count) + 5);
    end(&drawing);
    int last = atomic_load(&old->count) - 1;
    assert_int_equal(got_u(&both->got[atomic_load(&both->count) - 1], 20, 1), 1);
    uint32_t instance = got_tail(&old->got[last])->instance;
    assert_int_equal(got_tail(&both->got[atomic_load(&both->count) - 1])->instance, instance);
    assert_int_equal(atomic_load(&old->close_code), 0);
    fixture_stop(f);
}

/* An exchange that waits, and who waits for it. */
struct exchange {
    struct fixture *fixture;
    const char *to;
    pthread_t thread;
    atomic_bool over;
};

static void *exchange(void *data)
{
    struct exchange *exchange = data;
    struct stream_swapped done[STREAM_MOST_SWAPPED];
    assert_int_equal(change(exchange->fixture, exchange->to, NULL, done), 1);
    assert_true(done[0].done);
    atomic_store(&exchange->over, true);
    return NULL;
}

/* Draws one picture, which comes to the peer. */
static const struct fake_tail *draw_for(struct peer *peer)
{
    int count = atomic_load(&peer->count);
    fixture_draw(1, 0);
    return got_tail(fixture_get(peer, count));
}

/* The capture of other samples may begin late: until it does nothing is missing, and then nothing
 * either. */
static void no_picture_is_missing_meanwhile(void **state)
{
    (void)state;
    static const char *const ids[] = {"encode/j", "encode/a", "encode/j"};
    struct fixture *f = fixture_start((const char *const[]){"stream.prefer=order", NULL});
    struct peer *peer = fixture_join(f, "ext=1&codecs=h264,jpeg");
    draw_for(peer);
    for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct exchange ordered = {.fixture = f, .to = ids[i]};
        struct fake_tail old = *draw_for(peer);
        fixture_hold_taps(true);
        assert_true(thread_start(&ordered.thread, "exchange", exchange, &ordered));
        eventually(fixture_taps() == 2);
        for (int k = 0; k < 20; k++) {
            struct fake_tail new = *draw_for(peer);
            assert_int_equal(new.instance, old.instance);
            assert_int_equal(new.frame_seq, old.frame_seq + 1);
            old = new;
        }
        assert_false(atomic_load(&ordered.over));
        fixture_hold_taps(false);
        int count = atomic_load(&peer->count);
        uint64_t seq = fixture_draw(1, 0);
        eventually(got_tail(&peer->got[atomic_load(&peer->count) - 1])->instance != old.instance);
        pthread_join(ordered.thread, NULL);
        for (; count < atomic_load(&peer->count); count++) {
            struct fake_tail new = *got_tail(&peer->got[count]);
            assert_int_equal(new.frame_seq, seq);
            assert_true(new.instance == old.instance || new.key);
        }
        assert_int_equal(draw_for(peer)->frame_seq, seq + 1);
        assert_int_equal(fixture_taps(), 1);
    }
    fixture_stop(f);
}

/* Nor is that waited for where nobody sees it. */
static void who_leaves_ends_the_wait(void **state)
{
    (void)state;
    struct fixture *f = fixture_start((const char *const[]){"stream.prefer=order", NULL});
    struct peer *peer = fixture_join(f, "ext=1&codecs=h264,jpeg");
    struct exchange ordered = {.fixture = f, .to = "encode/j"};
    draw_for(peer);
    fixture_hold_taps(true);
    assert_true(thread_start(&ordered.thread, "exchange", exchange, &ordered));
    eventually(fixture_taps() == 2);
    fixture_draw(1, 0);
    assert_false(atomic_load(&ordered.over));
    fixture_leave(f, peer);
    pthread_join(ordered.thread, NULL);
    eventually(fixture_taps() == 0);
    fixture_stop(f);
}

static struct config *configured(const char *const *sets, size_t count)
{
    struct error err = {""};
    struct config *config =
        config_create(&(struct config_inputs){.sets = sets, .set_count = count}, &err);
    assert_non_null(config);
    return config;
}

/* What was asked for stays at other sizes, until another list is configured. */
static void a_wish_lasts(void **state)
{
    (void)state;
    struct stream_swapped done[STREAM_MOST_SWAPPED];
    struct fixture *f = fixture_start((const char *const[]){"stream.prefer=order", NULL});
    struct peer *peer = fixture_join(f, "ext=1&codecs=h264,jpeg");
    struct drawing drawing;
    begin(&drawing);
    fixture_get(peer, 3);
    change(f, "encode/b", NULL, done);
    uint32_t instance = got_tail(&peer->got[atomic_load(&peer->count) - 1])->instance;
    fixture_resize(640, 480);
    eventually(got_tail(&peer->got[atomic_load(&peer->count) - 1])->instance > instance + 1 ||
               got_u(&peer->got[atomic_load(&peer->count) - 1], 12, 4) == 640);
    assert_string_equal(f->info.encoder, "encode/b");
    static const char *const sets[] = {"stream.prefer=order", "modules.encoder=encode/a,encode/b",
                                       "stream.refine=7"};
    struct config *config = configured(sets, 3);
    assert_true(stream_reconfigure(f->stream, config));
    assert_false(stream_reconfigure(f->stream, config));
    assert_int_equal(stream_change(f->stream, &(struct stream_change){.choose = true}, done), 1);
    assert_true(done[0].done);
    assert_string_equal(done[0].to, "encode/a");
    assert_int_equal(stream_change(f->stream, &(struct stream_change){.choose = true}, done), 0);
    static const char *const anew[] = {"encode/a", NULL};
    assert_int_equal(stream_change(f->stream, &(struct stream_change){.anew = anew}, done), 1);
    assert_true(done[0].done && strcmp(done[0].to, "encode/a") == 0);
    end(&drawing);
    fixture_resize(320, 240);
    fixture_stop(f);
    config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_takes_over_at_a_key),
        cmocka_unit_test(what_fails_leaves_the_one_there),
        cmocka_unit_test(clients_of_another_codec),
        cmocka_unit_test(no_picture_is_missing_meanwhile),
        cmocka_unit_test(who_leaves_ends_the_wait),
        cmocka_unit_test(a_wish_lasts),
    };
    return cmocka_run_group_tests_name("pixel: changes", tests, NULL, NULL);
}
