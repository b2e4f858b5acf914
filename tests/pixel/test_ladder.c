/* SPDX-License-Identifier: BSD-3-Clause */
/* The rule by which an encoder is chosen, and the memory of what was measured. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pixel/blank.h"
#include "pixel/ladder.h"
#include "pixel/times.h"

#include "module/services.h"
#include "oriel/encoder.h"

/* 10 ms from one picture to the next: 5 may be taken. */
#define INTERVAL 10.0

struct known {
    double ms; /* negative: it does not work */
    uint32_t codec;
};

/* Codecs: pictures alone; video, each encoder its own; two that several encoders write. */
enum { ALONE, VIDEO, H264, VP8 };

/* Answers what is asked; `asked` gets how many were timed. */
static int choose(const struct known *known, uint32_t count, enum ladder_prefer prefer, int current,
                  uint32_t *asked)
{
    struct ladder_rung rungs[8] = {0};
    *asked = 0;
    for (unsigned turns = 0;; turns++) {
        int ask;
        bool time;
        int i = ladder_choose(rungs, count, prefer, INTERVAL, current, &ask, &time);
        assert_true(turns < 32);
        if (ask < 0)
            return i;
        assert_int_equal(i, -1);
        assert_false(rungs[ask].out || rungs[ask].timed || (rungs[ask].known && !time));
        *asked += time;
        rungs[ask] = (struct ladder_rung){
            .out = known[ask].ms<0, .known = true, .codec = known[ask].codec> VIDEO
                       ? known[ask].codec
                       : 100 + (uint32_t)ask,
            .video = known[ask].codec != ALONE,
            .timed = time,
            .ms = known[ask].ms};
    }
}

static void the_first_that_is_quick_enough(void **state)
{
    (void)state;
    uint32_t asked;
    const struct known good[] = {{-1, VIDEO}, {4.9, VIDEO}, {1, VIDEO}, {0.5, ALONE}};
    assert_int_equal(choose(good, 4, LADDER_BANDWIDTH, -1, &asked), 1);
    assert_int_equal(asked, 2); /* those behind it cost nothing */
    const struct known second[] = {{6, VIDEO}, {1, VIDEO}, {0.5, ALONE}};
    assert_int_equal(choose(second, 3, LADDER_BANDWIDTH, -1, &asked), 1);
    /* JPEG that stands first is meant to be. */
    const struct known jpeg[] = {{3, ALONE}, {1, VIDEO}};
    assert_int_equal(choose(jpeg, 2, LADDER_BANDWIDTH, -1, &asked), 0);
}

static void the_quickest_of_a_codec(void **state)
{
    (void)state;
    uint32_t asked;
    /* A third of the interval is good enough. */
    const struct known brisk[] = {{2.5, H264}, {1, H264}};
    assert_int_equal(choose(brisk, 2, LADDER_BANDWIDTH, -1, &asked), 0);
    assert_int_equal(asked, 1);
    /* Beyond it others with the same codec are timed; those of another one are not. */
    const struct known same[] = {{4, H264}, {1, VP8}, {2, H264}, {0.5, VP8}};
    assert_int_equal(choose(same, 4, LADDER_BANDWIDTH, -1, &asked), 2);
    assert_int_equal(asked, 2);
    /* A little quicker is not worth the change of the order, nor of the one in use. */
    const struct known little[] = {{4, H264}, {3, H264}};
    assert_int_equal(choose(little, 2, LADDER_BANDWIDTH, -1, &asked), 0);
    const struct known used[] = {{3.8, H264}, {2.6, H264}};
    assert_int_equal(choose(used, 2, LADDER_BANDWIDTH, -1, &asked), 1);
    assert_int_equal(choose(used, 2, LADDER_BANDWIDTH, 0, &asked), 0);
}

static void bits_count_more_than_the_last_milliseconds(void **state)
{
    (void)state;
    uint32_t asked;
    /* Video that only just keeps up goes before JPEG, whose time nobody asks for. */
    const struct known close[] = {{9, VIDEO}, {7, VIDEO}, {0.5, ALONE}};
    assert_int_equal(choose(close, 3, LADDER_BANDWIDTH, -1, &asked), 1);
    assert_int_equal(asked, 2);
    /* Video that does not keep up goes after JPEG that is quick. */
    const struct known slow[] = {{25, VIDEO}, {20, VIDEO}, {4, ALONE}};
    assert_int_equal(choose(slow, 3, LADDER_BANDWIDTH, -1, &asked), 2);
    /* Where nothing does, the quickest video, or the quickest of what there is. */
    const struct known hopeless[] = {{25, VIDEO}, {20, VIDEO}, {12, ALONE}};
    assert_int_equal(choose(hopeless, 3, LADDER_BANDWIDTH, -1, &asked), 1);
    const struct known pictures[] = {{25, ALONE}, {12, ALONE}};
    assert_int_equal(choose(pictures, 2, LADDER_BANDWIDTH, -1, &asked), 1);
}

static void latency_and_order(void **state)
{
    (void)state;
    uint32_t asked;
    const struct known some[] = {{-1, VIDEO}, {4, VIDEO}, {2, VIDEO}, {1, ALONE}};
    assert_int_equal(choose(some, 4, LADDER_LATENCY, -1, &asked), 3);
    assert_int_equal(asked, 4);
    assert_int_equal(choose(some + 1, 2, LADDER_LATENCY, -1, &asked), 1);
    assert_int_equal(choose(some, 4, LADDER_ORDER, -1, &asked), 0); /* until it is out */
    assert_int_equal(asked, 0);
    const struct known none[] = {{-1, VIDEO}, {-1, ALONE}};
    assert_int_equal(choose(none, 2, LADDER_BANDWIDTH, -1, &asked), -1);
    assert_int_equal(choose(none, 2, LADDER_LATENCY, -1, &asked), -1);
    assert_int_equal(choose(none, 0, LADDER_ORDER, -1, &asked), -1);
}

static void the_one_in_use_stays_near_the_limit(void **state)
{
    (void)state;
    uint32_t asked;
    const struct known near[] = {{5.5, VIDEO}, {1, VIDEO}};
    assert_int_equal(choose(near, 2, LADDER_BANDWIDTH, -1, &asked), 1);
    assert_int_equal(choose(near, 2, LADDER_BANDWIDTH, 0, &asked), 0);
    const struct known far[] = {{6.5, VIDEO}, {1, VIDEO}};
    assert_int_equal(choose(far, 2, LADDER_BANDWIDTH, 0, &asked), 1);
    const struct known even[] = {{2.1, VIDEO}, {2, VIDEO}};
    assert_int_equal(choose(even, 2, LADDER_LATENCY, 0, &asked), 0);
}

static void times_are_kept_by_size(void **state)
{
    (void)state;
    double ms = 0;
    times_forget();
    assert_false(times_find(1, 1280, 720, 8, 0, &ms));
    times_keep(1, 1280, 720, 4, 0);
    assert_true(times_find(1, 1280, 720, 8, 0, &ms));
    assert_true(ms > 3.99 && ms < 4.01);
    assert_true(times_find(1, 1024, 720, 8, 0, &ms)); /* 2^19 pixels and more, as the other */
    assert_true(ms > 3.19 && ms < 3.21);
    assert_false(times_find(1, 1920, 1080, 8, 0, &ms));
    assert_false(times_find(2, 1280, 720, 8, 0, &ms));
    /* What was too long is measured again some time; what was not is known for good. */
    const int64_t later = INT64_C(301000000000);
    assert_true(times_find(1, 1280, 720, 8, later, &ms));
    assert_true(times_find(1, 1280, 720, 3, later - INT64_C(2000000000), &ms));
    assert_false(times_find(1, 1280, 720, 3, later, &ms));
    times_keep(1, 1280, 720, 2, later);
    assert_true(times_find(1, 1280, 720, 3, later, &ms));
    assert_true(ms > 1.99 && ms < 2.01);
    for (uint64_t key = 2; key < 2000; key++) /* there is an end to what is kept */
        times_keep(key, 1280, 720, 1, 0);
    assert_false(times_find(1, 1280, 720, 8, 0, &ms));
    assert_true(times_find(1999, 1280, 720, 8, 0, &ms));
    times_forget();
    assert_false(times_find(1999, 1280, 720, 8, 0, &ms));
}

static const uint8_t *rows(const struct oriel_frame *frame, uint32_t plane)
{
    return (const uint8_t *)(uintptr_t)frame->planes[plane].handle + frame->planes[plane].offset;
}

/* Every format, odd sizes, textured and in motion; nothing is read beyond it (sanitizers). */
static void test_pictures(void **state)
{
    (void)state;
    static const uint32_t formats[] = {ORIEL_FMT_RGBA, ORIEL_FMT_NV12, ORIEL_FMT_I420,
                                       ORIEL_FMT_I444, ORIEL_FMT_P010};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const struct oriel_format format = {
            .domain = ORIEL_DOMAIN_CPU, .fourcc = formats[i], .width = 333, .height = 211};
        struct error err = {""};
        struct blank *blank = blank_create(&format, BLANK_MICROSCOPY, &err);
        assert_non_null(blank);
        const struct oriel_frame *first = blank_frame(blank, 0), *last = blank_frame(blank, 7);
        blank_destroy(blank); /* frames outlive their maker */
        assert_int_equal(first->ready.kind, ORIEL_FENCE_NONE);
        assert_int_equal(first->planes[0].rows, 211);
        uint32_t different = 0, sum = 0,
                 row = formats[i] == ORIEL_FMT_RGBA   ? 4 * 333
                       : formats[i] == ORIEL_FMT_P010 ? 2 * 333
                                                      : 333;
        for (uint32_t plane = 0; plane < first->plane_count; plane++) {
            uint32_t most = first->planes[plane].rows;
            for (uint32_t y = 0; y < most; y++) {
                for (uint32_t x = 0; x < first->planes[plane].stride; x++)
                    sum += rows(last, plane)[(uint64_t)y * last->planes[plane].stride + x];
            }
        }
        assert_true(sum > 0);
        for (uint32_t x = 0; x < row; x++)
            different += rows(first, 0)[x] != rows(last, 0)[x];
        assert_true(different > row / 4);
        frame_unref(first);
        frame_unref(last);
    }
    struct error err = {""};
    const struct oriel_format unknown = {.domain = ORIEL_DOMAIN_CPU,
                                         .fourcc = ORIEL_FOURCC('?', '?', '?', '?'),
                                         .width = 8,
                                         .height = 8};
    assert_null(blank_create(&unknown, BLANK_PLAIN, &err));
    assert_true(err.text[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_is_quick_enough),
        cmocka_unit_test(the_quickest_of_a_codec),
        cmocka_unit_test(bits_count_more_than_the_last_milliseconds),
        cmocka_unit_test(latency_and_order),
        cmocka_unit_test(the_one_in_use_stays_near_the_limit),
        cmocka_unit_test(times_are_kept_by_size),
        cmocka_unit_test(test_pictures),
    };
    return cmocka_run_group_tests_name("pixel: ladder", tests, NULL, NULL);
}
