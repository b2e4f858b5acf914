/* SPDX-License-Identifier: BSD-3-Clause */
/* What is decided about the arms of an experiment, and the section that says what they are. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/experiments.h"
#include "pixel/arms.h"

/* --- the section --- */

static struct experiment_spec *parse(const char *text, size_t *count)
{
    struct experiment_spec *specs;
    struct error err = {""};
    if (!experiments_parse(text, "oriel.json:3", &specs, count, &err))
        fail_msg("%s", err.text);
    return specs;
}

static void everything_has_its_place(void **state)
{
    (void)state;
    size_t count;
    struct experiment_spec *specs =
        parse("[{\"name\": \"a-b\", \"mode\": \"split\", \"duration_s\": 60, \"start\": false,"
              "  \"rows\": \"rows.csv\", \"view\": \"v1\","
              "  \"guard\": {\"frames\": 50, \"drops\": 0.2, \"p99_ms\": 40, \"errors\": 1},"
              "  \"arms\": [{\"label\": \"a\", \"module\": \"encode/x264\", \"weight\": 3},"
              "             {\"label\": \"b\", \"module\": \"encode/vpx\","
              "              \"options\": {\"bitrate\": 4000000, \"codec\": \"vp8\"}}]},"
              " {\"name\": \"one\", \"mode\": \"solo\","
              "  \"arms\": [{\"label\": \"x\", \"module\": \"org.example/my_codec\"}]}]",
              &count);
    assert_int_equal(count, 2);
    const struct experiment_spec *a = &specs[0], *b = &specs[1];
    assert_string_equal(a->name, "a-b");
    assert_string_equal(a->view, "v1");
    assert_string_equal(a->rows, "rows.csv");
    assert_int_equal(a->mode, EXPERIMENT_SPLIT);
    assert_int_equal(a->arm_count, 2);
    assert_true(a->duration_s == 60 && !a->start && a->arms[0].weight == 3);
    assert_string_equal(a->arms[1].module, "encode/vpx");
    assert_true(a->guard.frames == 50 && a->guard.drops == 0.2 && a->guard.p99_ms == 40 &&
                a->guard.errors == 1);
    assert_string_equal(b->view, "main");
    assert_string_equal(b->arms[0].module, "org.example/my_codec");
    assert_true(b->start && !b->rows && b->duration_s == 0 && b->guard.drops == 1);
    experiments_free(specs, count);
    specs = parse("[]", &count);
    assert_int_equal(count, 0);
    experiments_free(specs, count);
}

#define ARM(label_) "{\"label\": \"" label_ "\", \"module\": \"encode/x264\"}"
#define TWO "\"arms\": [" ARM("a") "," ARM("b") "]"

/* Wrong sections, and what is said about each. */
static const struct {
    const char *text, *says;
} wrong[] = {
    {"{}", "oriel.json:3: experiments: wants a list of at most 16 experiments, [ { … }, … ]"},
    {"[1]", "oriel.json:3: experiments[0]: wants an object, { … }"},
    {"[{\"nmae\": \"x\"}]", "oriel.json:3: experiments[0].nmae: unknown key, did you mean name?"},
    {"[{\"name\": \"a b\"}]",
     "oriel.json:3: experiments[0].name: wants 1 to 31 letters, digits and - _ ."},
    {"[{\"mode\": \"split\"}]",
     "oriel.json:3: experiments[0].name: wants 1 to 31 letters, digits and - _ ."},
    {"[{\"name\": \"x\", \"mode\": \"splt\"}]",
     "oriel.json:3: experiments[0].mode: wants one of: solo shadow split switch interleave replay, "
     "did you mean split?"},
    {"[{\"name\": \"x\", \"mode\": \"split\"}]",
     "oriel.json:3: experiments[0].arms: wants a list of 1 to 8 arms"},
    {"[{\"name\": \"x\", \"mode\": \"split\", \"arms\": [" ARM("a") "]}]",
     "oriel.json:3: experiments[0].arms: mode split wants 2 or more"},
    {"[{\"name\": \"x\", \"mode\": \"solo\", " TWO "}]",
     "oriel.json:3: experiments[0].arms: mode solo wants 1"},
    {"[{\"name\": \"x\", \"mode\": \"split\", \"arms\": [" ARM("a") "," ARM("a") "]}]",
     "oriel.json:3: experiments[0].arms[1].label: \"a\" is there twice"},
    {"[{\"name\": \"x\", \"mode\": \"split\", \"arms\": [{\"lable\": \"a\"}]}]",
     "oriel.json:3: experiments[0].arms[0].lable: unknown key, did you mean label?"},
    {"[{\"name\": \"x\", \"mode\": \"split\", \"arms\": [{\"label\": \"a\"}]}]",
     "oriel.json:3: experiments[0].arms[0].module: wants the id of an encoder, as encode/x264"},
    {"[{\"name\": \"x\", \"mode\": \"split\", \"arms\": [{\"label\": \"a\", \"module\": "
     "\"x264\"}]}]",
     "oriel.json:3: experiments[0].arms[0].module: wants the id of an encoder, as encode/x264"},
    {"[{\"name\": \"x\", \"mode\": \"split\", \"arms\": [{\"label\": \"a\", \"module\": "
     "\"encode/x264\", \"weight\": -1}]}]",
     "oriel.json:3: experiments[0].arms[0].weight: wants a number from 0 to 1e+06"},
    {"[{\"name\": \"x\", \"mode\": \"split\", \"arms\": [{\"label\": \"a\", \"module\": "
     "\"encode/x264\", \"options\": {\"bitrate\": []}}]}]",
     "oriel.json:3: experiments[0].arms[0].options.bitrate: wants a text, a number, true or false"},
    {"[{\"name\": \"x\", \"mode\": \"switch\", " TWO "}]",
     "oriel.json:3: experiments[0]: switch_s or switch_frames, one of them, goes with mode switch"},
    {"[{\"name\": \"x\", \"mode\": \"split\", " TWO ", \"rows\": \"rows.txt\"}]",
     "oriel.json:3: experiments[0].rows: wants a file whose name ends in .ndjson or .csv"},
    {"[{\"name\": \"x\", \"mode\": \"split\", " TWO ", \"guard\": {\"drop\": 1}}]",
     "oriel.json:3: experiments[0].guard.drop: unknown key, did you mean drops?"},
    {"[{\"name\": \"x\", \"mode\": \"split\", " TWO ", \"guard\": {\"drops\": 2}}]",
     "oriel.json:3: experiments[0].guard.drops: wants a number from 0 to 1"},
    {"[{\"name\": \"x\", \"mode\": \"split\", " TWO ", \"start\": 1}]",
     "oriel.json:3: experiments[0].start: wants true or false"},
    {"[{\"name\": \"x\", \"mode\": \"split\", " TWO "}, {\"name\": \"x\", \"mode\": \"split\", " TWO
     "}]",
     "oriel.json:3: experiments[1].name: \"x\" is there twice"},
    {"[{\"name\": \"x\", \"mode\": \"split\", " TWO "}, {\"name\": \"y\", \"mode\": \"split\", " TWO
     "}]",
     "oriel.json:3: experiments[1]: x and y cannot both start on the view main: one of them wants "
     "\"start\": false"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct experiment_spec *specs;
        struct error err = {""};
        size_t count;
        assert_false(experiments_parse(wrong[i].text, "oriel.json:3", &specs, &count, &err));
        assert_string_equal(err.text, wrong[i].says);
        assert_null(specs);
    }
    const char *set = "experiments=[{\"name\": 1}]";
    struct config_inputs inputs = {.sets = &set, .set_count = 1};
    struct error err = {""};
    assert_null(config_create(&inputs, &err));
    assert_string_equal(err.text,
                        "--set: experiments[0].name: wants 1 to 31 letters, digits and - _ .");
}

/* --- who gets which --- */

static struct experiment_spec weighted(const char *name, double a, double b, double c)
{
    struct experiment_spec spec = {.mode = EXPERIMENT_SPLIT, .arm_count = 3};
    snprintf(spec.name, sizeof spec.name, "%s", name);
    spec.arms[0].weight = a;
    spec.arms[1].weight = b;
    spec.arms[2].weight = c;
    return spec;
}

static void clients_are_dealt_by_weight_for_good(void **state)
{
    (void)state;
    enum { CLIENTS = 20000 };
    const struct experiment_spec spec = weighted("x", 1, 0, 3), other = weighted("y", 1, 0, 3);
    unsigned got[3] = {0}, differ = 0;
    for (int i = 0; i < CLIENTS; i++) {
        char id[32];
        snprintf(id, sizeof id, "client-%d", i);
        uint32_t arm = arms_assign(&spec, id);
        assert_int_equal(arm, arms_assign(&spec, id));
        differ += arm != arms_assign(&other, id);
        got[arm]++;
    }
    assert_int_equal(got[1], 0);
    /* Five standard deviations of a fair deal: sqrt(20000 · ¼ · ¾) = 61. */
    assert_in_range(got[0], CLIENTS / 4 - 306, CLIENTS / 4 + 306);
    /* Independent of another experiment: 2 · ¼ · ¾ of them differ. */
    assert_in_range(differ, CLIENTS * 3 / 8 - 350, CLIENTS * 3 / 8 + 350);
}

static void slices_go_to_and_fro(void **state)
{
    (void)state;
    char two[13] = "", three[13] = "";
    for (uint32_t i = 0; i < 12; i++) {
        two[i] = (char)('A' + arms_of_slice(i, 2));
        three[i] = (char)('A' + arms_of_slice(i, 3));
    }
    assert_string_equal(two, "ABBAABBAABBA");
    assert_string_equal(three, "ABCCBAABCCBA");
    assert_int_equal(arms_of_slice(UINT64_MAX, 1), 0);
}

/* --- guard rails --- */

static void too_many_drops_stop_an_arm(void **state)
{
    (void)state;
    const struct experiment_guard guard = {.frames = 100, .drops = 0.1, .errors = 3};
    struct arm_watch watch;
    char why[256] = "";
    arm_watch_begin(&watch, &guard);
    for (int i = 0; i < 1000; i++) { /* one in ten: at the limit, and not over it */
        assert_false(i % 10 ? arm_watch_encoded(&watch, &guard, 5, why, sizeof why)
                            : arm_watch_dropped(&watch, &guard, why, sizeof why));
    }
    assert_true(arm_watch_dropped(&watch, &guard, why, sizeof why) ||
                arm_watch_dropped(&watch, &guard, why, sizeof why));
    assert_string_equal(why, "11 of its newest 100 frames were not encoded; the limit is 10 % "
                             "(guard.drops)");
    arm_watch_finish(&watch);
    arm_watch_begin(&watch, &guard); /* not before there are enough of them */
    for (int i = 0; i < 99; i++)
        assert_false(arm_watch_dropped(&watch, &guard, why, sizeof why));
    assert_true(arm_watch_dropped(&watch, &guard, why, sizeof why));
    arm_watch_finish(&watch);
}

static void slow_ones_and_errors_stop_an_arm(void **state)
{
    (void)state;
    const struct experiment_guard guard = {.frames = 200, .drops = 1, .p99_ms = 20, .errors = 3};
    struct arm_watch watch;
    char why[256] = "";
    arm_watch_begin(&watch, &guard);
    for (int i = 0; i < 200; i++) /* 2 of 200 are 1 %: the 198th is the percentile */
        assert_false(arm_watch_encoded(&watch, &guard, i % 100 ? 10 : 30, why, sizeof why));
    assert_false(arm_watch_encoded(&watch, &guard, 25, why, sizeof why));
    assert_true(arm_watch_encoded(&watch, &guard, 30, why, sizeof why));
    assert_string_equal(why, "of its newest 200 frames, 1 in 100 took more than 25.0 ms to be "
                             "encoded; the limit is 20 ms (guard.p99_ms)");
    assert_false(arm_watch_error(&watch, &guard, why, sizeof why));
    assert_false(arm_watch_error(&watch, &guard, why, sizeof why));
    assert_true(arm_watch_error(&watch, &guard, why, sizeof why));
    assert_string_equal(why, "its encoder has failed 3 times (guard.errors)");
    for (int i = 0; i < 1000; i++) /* drops alone do not matter here */
        assert_false(arm_watch_dropped(&watch, &guard, why, sizeof why));
    arm_watch_finish(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_has_its_place),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(clients_are_dealt_by_weight_for_good),
        cmocka_unit_test(slices_go_to_and_fro),
        cmocka_unit_test(too_many_drops_stop_an_arm),
        cmocka_unit_test(slow_ones_and_errors_stop_an_arm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
