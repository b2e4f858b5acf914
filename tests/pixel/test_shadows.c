/* SPDX-License-Identifier: BSD-3-Clause */
/* An arm that nobody sees gets every frame, and stays out of the way of the one that is seen. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "experiment_play.h"
#include "util/clock.h"

static struct table table;

static const struct line *row_of(const char *arm, uint64_t seq)
{
    for (int i = 0; i < table.count; i++) {
        const struct line *line = &table.at[i];
        if (line->seq == seq && !line->repeat && strcmp(line->arm, arm) == 0)
            return line;
    }
    fail_msg("arm %s: no row of frame %d", arm, (int)seq);
    return NULL;
}

/* It begins on each frame when that has been sent, and loses none by waiting. */
static void a_shadow_waits_for_the_arm_that_is_seen(void **state)
{
    (void)state;
    static const char *const sets[] = {"stream.fps=1", NULL}; /* it would wait for 0.75 s */
    char rows[128], rest[256];
    enum { FRAMES = 30 };
    struct fixture *f = fixture_start(sets);
    struct peer *peer = fixture_join(f, EXT "p");
    fixture_draw(1, 0);
    fixture_get(peer, 0);
    snprintf(rest, sizeof rest, "\"mode\": \"shadow\", %s", play_rows_in(rows));
    play_begin_at_rest(f, rest);
    fixture_slow("encode/a", 15);
    uint64_t first = 0;
    for (int i = 0; i < FRAMES; i++) {
        double before = play_number(f, "two", "frames");
        uint64_t seq = fixture_draw(1, 0);
        first = first ? first : seq;
        eventually(play_number(f, "two", "frames") > before);
    }
    fixture_slow(NULL, 0);
    play_end(f);
    play_rows(&table);
    rows_complete(&table, "one");
    rows_complete(&table, "two");
    for (uint64_t seq = first; seq < first + FRAMES; seq++) {
        const struct line *one = row_of("one", seq), *two = row_of("two", seq);
        assert_true(one->encoded && two->encoded);
        assert_true(two->submit >= one->done);
    }
    fixture_stop(f);
}

static void a_stuck_arm_holds_its_shadow_back_for_a_moment_only(void **state)
{
    (void)state;
    char rows[128], rest[256];
    struct fixture *f = fixture_start(NULL);
    struct peer *peer = fixture_join(f, EXT "p");
    fixture_draw(1, 0);
    fixture_get(peer, 0);
    snprintf(rest, sizeof rest, "\"mode\": \"shadow\", %s", play_rows_in(rows));
    play_begin_at_rest(f, rest);
    fixture_slow("encode/a", 2000);
    double seen = play_number(f, "one", "frames");
    uint64_t first = 0;
    for (int i = 0; i < 10; i++) {
        double before = play_number(f, "two", "frames");
        uint64_t seq = fixture_draw(1, 0);
        first = first ? first : seq;
        eventually(play_number(f, "two", "frames") > before);
    }
    assert_true(play_number(f, "one", "frames") == seen);
    fixture_slow(NULL, 0);
    play_end(f); /* when the slow one is done */
    play_rows(&table);
    rows_complete(&table, "one");
    rows_complete(&table, "two");
    int lost = 0; /* by the stuck one, and by nobody else */
    for (uint64_t seq = first; seq < first + 10; seq++) {
        assert_true(row_of("two", seq)->encoded);
        lost += strcmp(row_of("one", seq)->drop, "newer") == 0;
    }
    assert_int_equal(lost, 8);
    fixture_stop(f);
}

/* One that fails is done with the frame too. */
static void a_frame_that_is_lost_holds_no_shadow_back(void **state)
{
    (void)state;
    static const char *const sets[] = {"stream.fps=1", NULL};
    struct fixture *f = fixture_start(sets);
    struct peer *peer = fixture_join(f, EXT "p");
    fixture_draw(1, 0);
    fixture_get(peer, 0);
    play_begin_at_rest(f, "\"mode\": \"shadow\", \"guard\": {\"errors\": 100}");
    int64_t least = INT64_MAX;
    for (int i = 0; i < 10 && least > 80 * NS_PER_MS; i++) { /* machines are busy at times */
        fakes.failing = "encode/a";
        fakes.result = ORIEL_IO;
        atomic_store(&fakes.fails, 1);
        double before = play_number(f, "two", "frames");
        int64_t now = clock_ns();
        fixture_draw(1, 0);
        eventually(play_number(f, "two", "frames") > before);
        int64_t took = clock_ns() - now;
        least = took < least ? took : least;
        assert_int_equal(atomic_load(&fakes.fails), 0);
        fixture_sleep(150);
    }
    assert_true(least < 80 * NS_PER_MS); /* after 100 ms it is tried again, and goes well */
    play_end(f);
    fixture_stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_shadow_waits_for_the_arm_that_is_seen, fixture_abandon),
        cmocka_unit_test_teardown(a_stuck_arm_holds_its_shadow_back_for_a_moment_only,
                                  fixture_abandon),
        cmocka_unit_test_teardown(a_frame_that_is_lost_holds_no_shadow_back, fixture_abandon),
    };
    return cmocka_run_group_tests(tests, NULL, play_forget_rows);
}
