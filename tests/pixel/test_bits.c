/* SPDX-License-Identifier: BSD-3-Clause */
/* Packing, decoder configuration, heads: bytes against bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pixel/bitstream.h"
#include "pixel/client.h"
#include "pixel/header.h"

static void annexb_becomes_avcc(void **state)
{
    (void)state;
    static const uint8_t in[] = {0, 0, 0, 1,    0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0,
                                 0, 0, 1, 0x65, 0,    0, 3, 1, 9, 0, 0,    0, 1, 0x41};
    static const uint8_t out[] = {0, 0, 0, 3,    0x67, 1, 2, 0, 0, 0, 2, 0x68, 3, 0,
                                  0, 0, 6, 0x65, 0,    0, 3, 1, 9, 0, 0, 0,    1, 0x41};
    uint8_t packed[64];
    assert_true(avcc_bound(sizeof in) <= sizeof packed);
    assert_int_equal(annexb_to_avcc(in, sizeof in, packed), sizeof out);
    assert_memory_equal(packed, out, sizeof out);
    /* What is no Annex B gives nothing, and the bound holds for the worst there is. */
    assert_int_equal(annexb_to_avcc((const uint8_t *)"garbage", 7, packed), 0);
    assert_int_equal(annexb_to_avcc(in, 3, packed), 0);
    assert_int_equal(annexb_to_avcc(in, 0, packed), 0);
    uint8_t worst[48];
    for (size_t i = 0; i < sizeof worst; i += 4)
        memcpy(worst + i, "\0\0\1\7", 4);
    assert_int_equal(annexb_to_avcc(worst, sizeof worst, packed), 60);
    assert_true(avcc_bound(sizeof worst) >= 60);
}

static void random_bytes_stay_in_bounds(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        uint8_t in[64], *out;
        size_t n = (seed >> 8) % sizeof in;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            in[i] = (uint8_t)((seed >> 24) % 4); /* many start codes */
        }
        seed = seed * 1664525 + 1013904223;
        out = malloc(avcc_bound(n));
        assert_true(annexb_to_avcc(in, n, out) <= avcc_bound(n));
        free(out);
        uint8_t record[32];
        char text[64];
        avcc_record(in, n, record, sizeof record);
        for (int k = 0; k < 2; k++) {
            struct oriel_packet packet = {
                .codec = k ? ORIEL_CODEC_HEVC : ORIEL_CODEC_AV1, .data = in, .bytes = n};
            codec_string(&packet, 60, text, sizeof text);
        }
    }
}

static void avcc_record_is_the_standards(void **state)
{
    (void)state;
    static const uint8_t in[] = {0,    0,    0,    1,    0x09, 0xF0, 0,    0,   0, 1,
                                 0x67, 0x64, 0x00, 0x2A, 0xAC, 0xB4, 0,    0,   1, 0x68,
                                 0xEE, 0x3C, 0xB0, 0,    0,    1,    0x65, 0x88};
    static const uint8_t expected[] = {1, 0x64, 0x00, 0x2A, 0xFF, 0xE1, 0,
                                       6, 0x67, 0x64, 0x00, 0x2A, 0xAC, 0xB4,
                                       1, 0,    4,    0x68, 0xEE, 0x3C, 0xB0};
    uint8_t out[64];
    assert_int_equal(avcc_record(in, sizeof in, out, sizeof out), sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
    assert_int_equal(avcc_record(in, sizeof in, out, sizeof expected - 1), 0);
    assert_int_equal(avcc_record(in, 16, out, sizeof out), 0); /* no PPS */
}

static void codec_string_is(uint32_t codec, const void *data, size_t bytes, const char *expected)
{
    struct oriel_packet packet = {
        .codec = codec, .data = data, .bytes = bytes, .format = {.width = 1280, .height = 720}};
    char text[64];
    codec_string(&packet, 60, text, sizeof text);
    assert_string_equal(text, expected);
}

static void codec_strings(void **state)
{
    (void)state;
    static const uint8_t h264[] = {0, 0, 1, 0x67, 0x42, 0xC0, 0x2A, 0xAA, 0, 0, 1, 0x68, 1};
    codec_string_is(ORIEL_CODEC_H264, h264, sizeof h264, "avc1.42C02A");
    codec_string_is(ORIEL_CODEC_VP8, "x", 1, "vp8");
    codec_string_is(ORIEL_CODEC_VP9, "\x82\x49\x83\x42", 4, "vp09.00.40.08");
    codec_string_is(ORIEL_CODEC_VP9, "\xa2\x49\x83\x42", 4, "vp09.01.40.08");
    codec_string_is(ORIEL_CODEC_JPEG, "x", 1, "jpeg");
    /* Main profile, level 3.1, the constraint bytes that x265 writes; an emulation byte among them.
     */
    static const uint8_t hevc[] = {0,    0,    0,    1,    0x42, 0x01, 0x01, 0x01,
                                   0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00,
                                   0x03, 0x00, 0x00, 0x03, 0x00, 0x5D, 0xA0};
    codec_string_is(ORIEL_CODEC_HEVC, hevc, sizeof hevc, "hev1.1.6.L93.90");
    /* Temporal delimiter, then a sequence header: profile 0, level index 5. */
    static const uint8_t av1[] = {0x12, 0x00, 0x0A, 0x04, 0x00, 0x00, 0x00, 0x28};
    codec_string_is(ORIEL_CODEC_AV1, av1, sizeof av1, "av01.0.05M.08");
}

static void heads_byte_by_byte(void **state)
{
    (void)state;
    struct header header = {
        .seq = 0x01020304,
        .timestamp = 1.5,
        .codec = 1,
        .key = true,
        .still = true,
        .fresh = true,
        .format = {.width = 1280, .height = 720, .matrix = ORIEL_MATRIX_BT601, .full_range = 1},
        .stamp = {.seq = 0x1122334455667788,
                  .revision = 9,
                  .t_input_ns = 1000000,
                  .t_begin_ns = 1002000,
                  .t_drawn_ns = 1005000,
                  .t_captured_ns = 1009000,
                  .flags = ORIEL_FRAME_BOTTOM_UP | ORIEL_FRAME_COMPLETE,
                  .level = 3,
                  .level_count = 7,
                  .coverage = 1.0f,
                  .outstanding = UINT64_C(1) << 33},
        .t_submit_ns = 1014000,
        .t_done_ns = 1020000,
        .t_write_ns = 1027000,
        .intent = 5,
        .pose = {.center = {1, 2, -2}, .zoom = 0.5, .quat = {1, 0, 0, 0}, .fov = 60, .ndisplay = 3},
    };
    static const uint8_t expected[HEADER_EXT_BYTES] = {
        1,    2,    3,    4, 0x3F, 0xF8, 0,    0,    0,    0,    0,    0,    0,    0,    5,
        0,    0,    0,    2, 0xD0, 1,    1,    0,    136,  0,    1,    0,    31,   3,    6,
        0,    3,    0,    7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x11, 0x22, 0x33, 0x44, 0x55,
        0x66, 0x77, 0x88, 0, 0,    0,    0,    0,    0,    0,    9,    0,    0,    0,    0,
        0,    0,    0,    5, 0x3F, 0xF0, 0,    0,    0,    0,    0,    0,    0x40, 0,    0,
        0,    0,    0,    0, 0,    0xC0, 0,    0,    0,    0,    0,    0,    0,    0x3F, 0xE0,
        0,    0,    0,    0, 0,    0,    0x3F, 0xF0, 0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0, 0,    0,    0,    0,    0x40, 0x4E, 0,    0,    0,    0,    0,
        0,    0,    0,    0, 2,    0,    0,    0,    3,    0,    0,    0,    4,    0,    0,
        0,    5,    0,    0, 0,    6,    0,    0,    0,    7};
    uint8_t out[HEADER_EXT_BYTES];
    assert_int_equal(header_write(&header, true, out), HEADER_EXT_BYTES);
    assert_memory_equal(out, expected, sizeof expected);
    assert_int_equal(header_write(&header, false, out), HEADER_BYTES);
    assert_memory_equal(out, expected, 22);
    assert_int_equal(out[23], 0);
}

static void queries(void **state)
{
    (void)state;
    struct client_wish wish;
    client_wish_parse(&wish, "");
    assert_false(wish.ext || wish.still);
    assert_int_equal(wish.codec_count, 1);
    assert_int_equal(wish.codecs[0], ORIEL_CODEC_H264);
    client_wish_parse(&wish, "codecs=vp8&still=png"); /* without ext it is the classic client */
    assert_int_equal(wish.codecs[0], ORIEL_CODEC_H264);
    assert_false(wish.still);
    client_wish_parse(&wish,
                      "x&ext=1&codecs=vp9%2Ch264,h264,nonsense,,jpeg&still=png&session=a%20b&=&&%");
    assert_true(wish.ext && wish.still);
    assert_int_equal(wish.codec_count, 3);
    assert_int_equal(wish.codecs[0], ORIEL_CODEC_VP9);
    assert_int_equal(wish.codecs[1], ORIEL_CODEC_H264);
    assert_int_equal(wish.codecs[2], ORIEL_CODEC_JPEG);
    assert_string_equal(wish.session, "a b");
    client_wish_parse(&wish, "ext=1&codecs=");
    assert_int_equal(wish.codec_count, 0);
    char longer[4096];
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "ext=1&session=", 14);
    longer[sizeof longer - 1] = '\0';
    client_wish_parse(&wish, longer);
    assert_int_equal(strlen(wish.session), sizeof wish.session - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(annexb_becomes_avcc),
        cmocka_unit_test(random_bytes_stay_in_bounds),
        cmocka_unit_test(avcc_record_is_the_standards),
        cmocka_unit_test(codec_strings),
        cmocka_unit_test(heads_byte_by_byte),
        cmocka_unit_test(queries),
    };
    return cmocka_run_group_tests_name("pixel: bytes", tests, NULL, NULL);
}
