/* SPDX-License-Identifier: BSD-3-Clause */
/* Experiments on a stream whose encoders do as they are told: who sees which arm, what is written
 * down about each frame, and what happens to an arm that is not good enough. */
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

#include "config/config.h"
#include "config/experiments.h"
#include "experiment_play.h"
#include "pixel/change.h"
#include "pixel/experiment.h"

static void refused(struct fixture *f, const char *text, const char *says)
{
    struct experiment_spec *specs;
    struct error err = {""};
    size_t count;
    assert_true(experiments_parse(text, "test", &specs, &count, &err));
    assert_false(experiment_start(f->stream, specs, f->config, &err));
    assert_string_equal(err.text, says);
    experiments_free(specs, count);
}

static bool ended(struct fixture *f, const char *why)
{
    cJSON *json = experiment_json(f->stream);
    bool is = strcmp(cJSON_GetObjectItem(json, "state")->valuestring, "ended") == 0 &&
              strcmp(cJSON_GetObjectItem(json, "reason")->valuestring, why) == 0;
    cJSON_Delete(json);
    return is;
}

static uint32_t newest_instance(struct peer *peer)
{
    return got_tail(&peer->got[atomic_load(&peer->count) - 1])->instance;
}

/* Every message of a peer is decodable, its number follows the one before, no frame goes back. */
static int instances_of(struct peer *peer)
{
    int count = atomic_load(&peer->count), changes = 0;
    struct fake_tail before = {.instance = UINT32_MAX};
    for (int i = 0; i < count; i++) {
        const struct fake_tail tail = *got_tail(&peer->got[i]);
        bool other = before.instance != tail.instance;
        if (!tail.key && (other || tail.number != before.number + 1))
            fail_msg("message %d: picture %u of instance %u after %u of %u", i, tail.number,
                     tail.instance, before.number, before.instance);
        assert_true(tail.frame_seq >= before.frame_seq);
        assert_int_equal(got_u(&peer->got[i], 0, 4), i + 1);
        changes += other;
        before = tail;
    }
    return changes;
}

static struct table table;

/* --- modes --- */

static void shadows_get_the_same_frames_and_nobody_sees_them(void **state)
{
    (void)state;
    char rows[128], rest[256];
    fixture_slow("encode/b", 8);
    struct fixture *f = fixture_start(NULL);
    struct peer *peer = fixture_join(f, EXT "p");
    fixture_draw(1, 0);
    fixture_get(peer, 0);
    snprintf(rest, sizeof rest, "\"mode\": \"shadow\", %s", play_rows_in(rows));
    play_begin_both(f, rest);
    for (int i = 0; i < 60; i++) {
        uint64_t seq = fixture_draw(1, 0);
        eventually(play_newest(peer) == seq);
        char shown[96];
        snprintf(shown, sizeof shown,
                 "{\"type\":\"shown\",\"seq\":%llu,\"decode_ms\":2.5,\"wait_ms\":1}",
                 (unsigned long long)got_u(&peer->got[atomic_load(&peer->count) - 1], 0, 4));
        fixture_say(f, peer, shown);
    }
    assert_true(play_number(f, "one", "frames") >= 60);
    for (int i = 0; i < 300 && play_number(f, "two", "frames") < 3; i++)
        play_draw(1); /* a busy machine has little time for it */
    assert_true(play_number(f, "two", "frames") >= 3 && play_number(f, "two", "clients") == 0);
    assert_true(play_number(f, "two", "drops") > 0);
    play_end(f);
    assert_true(ended(f, "it was told to"));
    assert_int_equal(instances_of(peer), 2); /* the stream's own, then arm one */
    play_draw(3);                            /* the first arm goes on */
    assert_int_equal(instances_of(peer), 2);
    play_rows(&table);
    assert_true(rows_complete(&table, "one") >= 60);
    assert_true(rows_complete(&table, "two") >= 60);
    assert_int_equal(rows_with(&table, "one", "newer") + rows_with(&table, "one", "idle"), 0);
    assert_true(rows_with(&table, "two", "newer") > 0);
    int reported = 0;
    for (int i = 0; i < table.count; i++) {
        const struct line *line = &table.at[i];
        bool one = strcmp(line->arm, "one") == 0;
        assert_true(one || line->clients == 0);
        reported += line->reports == 1 && line->decode == 2.5 && line->sent >= line->done && one;
    }
    assert_true(reported >= 55);
    char *text = metrics_prometheus(f->metrics);
    assert_non_null(strstr(text, "oriel_experiment_frames_total{experiment=\"x\",arm=\"two\"}"));
    assert_non_null(strstr(text, "oriel_experiment_drops_total{experiment=\"x\",arm=\"two\","
                                 "reason=\"newer\"}"));
    assert_non_null(strstr(text, "oriel_experiment_stage_seconds_count{experiment=\"x\","
                                 "arm=\"two\",stage=\"encode\"} 0\n"));
    assert_non_null(strstr(text, "oriel_experiment_running{experiment=\"x\"} 0\n"));
    free(text);
    fixture_slow(NULL, 0);
    fixture_stop(f);
}

static void clients_are_split_and_come_back_to_theirs(void **state)
{
    (void)state;
    char rows[128], rest[256];
    struct fixture *f = fixture_start(NULL);
    struct peer *peers[6];
    for (int i = 0; i < 6; i++) {
        char query[64];
        snprintf(query, sizeof query, EXT "client-%d", i);
        peers[i] = fixture_join(f, query);
    }
    snprintf(rest, sizeof rest, "\"mode\": \"split\", %s", play_rows_in(rows));
    fixture_draw(1, 0);
    for (int i = 0; i < 6; i++)
        fixture_get(peers[i], 0);
    play_begin(f, rest);
    play_draw(20);
    double one = play_number(f, "one", "clients"), two = play_number(f, "two", "clients");
    assert_true(one > 0 && two > 0 && one + two == 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(instances_of(peers[i]), 2);
        char query[64];
        snprintf(query, sizeof query, EXT "client-%d", i);
        struct peer *again = fixture_join(f, query);
        play_draw(4);
        eventually(atomic_load(&again->count) > 0);
        assert_int_equal(newest_instance(again), newest_instance(peers[i]));
        fixture_leave(f, again);
    }
    /* Those that say nothing about themselves are told about one decoder only. */
    struct peer *classic = fixture_join(f, "");
    play_draw(4);
    assert_int_equal(play_number(f, "one", "clients"), one + 1);
    assert_true(atomic_load(&classic->count) > 0);
    /* Who cannot decode it stays with the stream's own encoders. */
    struct peer *other = fixture_join(f, "ext=1&codecs=jpeg");
    play_draw(4);
    eventually(atomic_load(&other->count) > 0);
    assert_int_equal(play_number(f, "one", "clients") + play_number(f, "two", "clients"), 7);
    play_end(f);
    play_draw(4);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(newest_instance(peers[i]), newest_instance(classic));
        assert_true(instances_of(peers[i]) <= 3);
        assert_int_equal(atomic_load(&peers[i]->close_code), 0);
    }
    play_rows(&table);
    rows_complete(&table, "one");
    rows_complete(&table, "two");
    fixture_stop(f);
}

static int most_missing(struct peer *peer)
{
    uint64_t before = 0;
    int most = 0;
    for (int i = 0; i < atomic_load(&peer->count); i++) {
        uint64_t seq = got_tail(&peer->got[i])->frame_seq;
        int missing = before && seq > before ? (int)(seq - before - 1) : 0;
        most = missing > most ? missing : most;
        before = seq;
    }
    return most;
}

static void slices_alternate_without_a_gap(void **state)
{
    (void)state;
    char rows[128], rest[256];
    struct fixture *f = fixture_start(NULL);
    struct peer *peer = fixture_join(f, EXT "p"), *classic = fixture_join(f, "");
    fixture_draw(1, 0);
    fixture_get(peer, 0);
    snprintf(rest, sizeof rest, "\"mode\": \"interleave\", \"slice_s\": 0.1, %s",
             play_rows_in(rows));
    play_begin(f, rest);
    int configs = atomic_load(&f->configs);
    for (int i = 0; i < 150; i++) {
        uint64_t seq = fixture_draw(1, 0);
        fixture_sleep(5);
        for (int k = 0; k < 100 && play_newest(peer) != seq; k++) /* machines are busy at times */
            fixture_sleep(1);
    }
    assert_true(instances_of(peer) >= 4);
    assert_true(instances_of(classic) >= 4);
    assert_true(most_missing(peer) <= 2);
    assert_true(atomic_load(&f->configs) - configs >= 3); /* for those that are told so */
    play_end(f);
    play_rows(&table);
    assert_true(rows_complete(&table, "one") >= 149);
    assert_true(rows_complete(&table, "two") >= 149);
    for (uint64_t seq = table.at[0].seq; seq < table.at[0].seq + 140; seq++) { /* by one of them */
        int encoded = 0, there = 0;
        for (int i = 0; i < table.count; i++) {
            there += table.at[i].seq == seq && !table.at[i].repeat;
            encoded += table.at[i].seq == seq && table.at[i].encoded && !table.at[i].repeat;
        }
        assert_true(there == 2 ? encoded <= 1 : there == 1);
    }
    assert_true(rows_with(&table, "one", "idle") > 20 && rows_with(&table, "two", "idle") > 20);
    fixture_stop(f);
}

static void the_switch_is_at_its_frame(void **state)
{
    (void)state;
    char rows[128], rest[256];
    struct fixture *f = fixture_start(NULL);
    struct peer *peer = fixture_join(f, EXT "p");
    fixture_draw(1, 0);
    fixture_get(peer, 0);
    snprintf(rest, sizeof rest, "\"mode\": \"switch\", \"switch_frames\": 30, %s",
             play_rows_in(rows));
    play_begin(f, rest);
    eventually(fixture_taps() >= 2); /* whose adding draws the first frame again */
    for (int i = 0; i < 50; i++) {
        uint64_t seq = fixture_draw(1, 0);
        eventually(play_newest(peer) == seq);
    }
    play_end(f);
    play_rows(&table);
    rows_complete(&table, "one");
    rows_complete(&table, "two");
    uint64_t last_one = 0, first_two = UINT64_MAX, first = UINT64_MAX;
    for (int i = 0; i < table.count; i++) {
        const struct line *line = &table.at[i];
        first = line->seq < first ? line->seq : first;
        if (line->encoded && strcmp(line->arm, "one") == 0 && line->seq > last_one)
            last_one = line->seq;
        if (line->encoded && strcmp(line->arm, "two") == 0 && line->seq < first_two) {
            first_two = line->seq;
            assert_true(line->key);
        }
    }
    assert_int_equal(last_one, first + 29);
    assert_int_equal(first_two, first + 30);
    fixture_stop(f);
}

/* --- guard rails --- */

static void an_arm_that_fails_is_stopped_and_nobody_is_lost(void **state)
{
    (void)state;
    char rows[128], rest[256];
    struct fixture *f = fixture_start(NULL);
    struct peer *peers[6];
    fakes.failing = "encode/b";
    fakes.result = ORIEL_IO;
    for (int i = 0; i < 6; i++) {
        char query[64];
        snprintf(query, sizeof query, EXT "client-%d", i);
        peers[i] = fixture_join(f, query);
    }
    snprintf(rest, sizeof rest, "\"mode\": \"split\", \"guard\": {\"errors\": 4}, %s",
             play_rows_in(rows));
    play_begin(f, rest);
    play_draw(10);
    assert_true(play_number(f, "two", "clients") > 0);
    int faults = atomic_load(&f->faults);
    for (int i = 0; i < 4; i++) { /* and goes on after each */
        double frames = play_number(f, "two", "frames");
        atomic_store(&fakes.fails, 1);
        for (int k = 0; k < 300 && play_number(f, "two", "errors") == i; k++)
            play_draw(1);
        for (int k = 0; k < 300 && i < 3 && play_number(f, "two", "frames") == frames; k++)
            play_draw(1);
    }
    eventually(!play_arm_is(f, "two", "state", "works"));
    assert_true(play_arm_is(f, "two", "state", "stopped"));
    assert_true(play_arm_is(f, "two", "reason", "its encoder has failed 4 times (guard.errors)"));
    eventually(atomic_load(&f->faults) == faults + 1);
    assert_string_equal(f->fault, "experiment x: arm two (encode/b) is stopped: its encoder has "
                                  "failed 4 times (guard.errors)");
    assert_true(play_arm_is(f, "one", "state", "works"));
    play_draw(10);
    assert_int_equal(play_number(f, "one", "clients"), 6);
    uint64_t newest = fixture_draw(1, 0);
    for (int i = 0; i < 6; i++) {
        eventually(play_newest(peers[i]) == newest);
        instances_of(peers[i]);
        assert_int_equal(atomic_load(&peers[i]->close_code), 0);
    }
    char *text = metrics_prometheus(f->metrics);
    assert_non_null(strstr(text, "oriel_experiment_arm_stopped{experiment=\"x\",arm=\"two\"} 1\n"));
    assert_non_null(
        strstr(text, "oriel_experiment_errors_total{experiment=\"x\",arm=\"two\"} 4\n"));
    free(text);
    atomic_store(&fakes.fails, 0);
    play_end(f);
    play_rows(&table);
    rows_complete(&table, "one");
    rows_complete(&table, "two");
    assert_int_equal(rows_with(&table, "two", "encoder"), 4);
    fixture_stop(f);
}

static void without_its_first_arm_it_ends(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    fakes.failing = "encode/a";
    fakes.result = ORIEL_FATAL;
    struct peer *peer = fixture_join(f, EXT "p");
    play_begin(f, "\"mode\": \"interleave\", \"slice_s\": 60, \"guard\": {\"errors\": 1}");
    play_draw(5);
    atomic_store(&fakes.fails, 1);
    play_draw(5);
    eventually(ended(f, "its first arm was stopped"));
    play_draw(10);
    uint64_t newest = fixture_draw(1, 0);
    eventually(play_newest(peer) == newest);
    assert_int_equal(atomic_load(&peer->close_code), 0);
    instances_of(peer);
    fixture_stop(f);
}

static void slow_arms_and_those_that_drop_are_stopped(void **state)
{
    (void)state;
    fixture_slow("encode/b", 12);
    struct fixture *f = fixture_start(NULL);
    struct peer *peer = fixture_join(f, EXT "p");
    play_begin(f, "\"mode\": \"shadow\", \"guard\": {\"drops\": 0.25, \"frames\": 20}");
    for (int i = 0; i < 200 && play_arm_is(f, "two", "state", "works"); i++)
        play_draw(1);
    eventually(
        play_arm_is(f, "two", "reason", "frames were not encoded; the limit is 25 % (guard"));
    assert_true(play_arm_is(f, "one", "state", "works"));
    play_end(f);
    play_begin(f, "\"mode\": \"shadow\", \"guard\": {\"p99_ms\": 10, \"frames\": 20}");
    for (int i = 0; i < 200 && play_arm_is(f, "two", "state", "works"); i++) {
        fixture_draw(1, 0);
        fixture_sleep(14);
    }
    assert_true(play_arm_is(f, "two", "reason", "ms to be encoded; the limit is 10 ms"));
    assert_true(instances_of(peer) >= 1);
    fixture_slow(NULL, 0);
    fixture_stop(f);
}

/* --- begin and end --- */

static void it_ends_in_its_time_and_can_be_begun_again(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *peer = fixture_join(f, EXT "p");
    fixture_draw(1, 0);
    for (int i = 0; i < 3; i++) {
        play_begin(f, "\"mode\": \"interleave\", \"slice_s\": 0.05, \"duration_s\": 0.2");
        for (int k = 0; k < 40; k++) {
            fixture_draw(1, 0);
            fixture_sleep(8);
        }
        eventually(ended(f, "its time is over"));
        assert_true(play_arm_is(f, "one", "state", "works"));
        assert_true(play_arm_is(f, "two", "state", "ended"));
    }
    instances_of(peer);
    /* An exchange of encoders takes the place of the first arm. */
    struct stream_swapped swapped[STREAM_MOST_SWAPPED];
    uint32_t done = stream_change(f->stream, &(struct stream_change){.to = "encode/b"}, swapped);
    assert_true(done && swapped[0].done);
    assert_null(experiment_json(f->stream));
    play_draw(5);
    play_begin(f, "\"mode\": \"shadow\"");
    done = stream_change(f->stream, &(struct stream_change){.to = "encode/a"}, swapped);
    assert_true(done == 1 && !swapped[0].done);
    assert_string_equal(swapped[0].why,
                        "the experiment x runs on this view; experiments.stop ends it");
    fixture_stop(f); /* while it runs */
}

static void what_cannot_start_changes_nothing(void **state)
{
    (void)state;
    struct fixture *f = fixture_start(NULL);
    struct peer *peer = fixture_join(f, EXT "p");
    play_draw(3);
    refused(f,
            "[{\"name\": \"x\", \"mode\": \"solo\", \"arms\": [{\"label\": \"z\", \"module\": "
            "\"encode/bad\"}]}]",
            "arm z: encode/bad: no such device");
    refused(f,
            "[{\"name\": \"x\", \"mode\": \"solo\", \"rows\": \"/nowhere/rows.csv\", \"arms\": "
            "[{\"label\": \"z\", \"module\": \"encode/a\"}]}]",
            "/nowhere/rows.csv: No such file or directory");
    refused(f,
            "[{\"name\": \"x\", \"mode\": \"replay\", \"arms\": [{\"label\": \"y\", \"module\": "
            "\"encode/a\"}, {\"label\": \"z\", \"module\": \"encode/a\"}]}]",
            "x: mode replay runs offline, with `oriel ab`");
    play_begin(f, "\"mode\": \"shadow\"");
    refused(f,
            "[{\"name\": \"y\", \"mode\": \"solo\", \"arms\": [{\"label\": \"z\", \"module\": "
            "\"encode/a\"}]}]",
            "x runs on this view; one at a time");
    struct error err = {""};
    assert_false(experiment_stop(f->stream, "y", &err));
    assert_string_equal(err.text, "y does not run");
    play_draw(3);
    assert_int_equal(instances_of(peer), 2);
    play_end(f);
    fixture_stop(f);
}

static void rows_of_a_table_have_as_many_columns(void **state)
{
    (void)state;
    char path[] = "/tmp/oriel-rows-XXXXXX.csv", rest[256], text[1024];
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    struct fixture *f = fixture_start(NULL);
    fixture_join(f, EXT "p");
    snprintf(rest, sizeof rest, "\"mode\": \"shadow\", \"rows\": \"%s\"", path);
    for (int i = 0; i < 2; i++) { /* the second run goes behind the first */
        play_begin_both(f, rest);
        play_draw(10);
        play_end(f);
    }
    FILE *in = fopen(path, "r");
    int lines = 0, heads = 0;
    while (fgets(text, sizeof text, in)) {
        int commas = 0;
        for (const char *p = text; *p; p++)
            commas += *p == ',';
        assert_int_equal(commas, 23);
        heads += strncmp(text, "experiment,run,arm,seq,", 23) == 0;
        lines++;
    }
    fclose(in);
    unlink(path);
    assert_int_equal(heads, 1);
    assert_true(lines > 40);
    fixture_stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(shadows_get_the_same_frames_and_nobody_sees_them,
                                  fixture_abandon),
        cmocka_unit_test_teardown(clients_are_split_and_come_back_to_theirs, fixture_abandon),
        cmocka_unit_test_teardown(slices_alternate_without_a_gap, fixture_abandon),
        cmocka_unit_test_teardown(the_switch_is_at_its_frame, fixture_abandon),
        cmocka_unit_test_teardown(an_arm_that_fails_is_stopped_and_nobody_is_lost, fixture_abandon),
        cmocka_unit_test_teardown(without_its_first_arm_it_ends, fixture_abandon),
        cmocka_unit_test_teardown(slow_arms_and_those_that_drop_are_stopped, fixture_abandon),
        cmocka_unit_test_teardown(it_ends_in_its_time_and_can_be_begun_again, fixture_abandon),
        cmocka_unit_test_teardown(what_cannot_start_changes_nothing, fixture_abandon),
        cmocka_unit_test_teardown(rows_of_a_table_have_as_many_columns, fixture_abandon),
    };
    return cmocka_run_group_tests(tests, NULL, play_forget_rows);
}
