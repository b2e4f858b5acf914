/* SPDX-License-Identifier: BSD-3-Clause */
/* What is written is read again; what is cut off or wrong is good up to there, and says where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ab/picture.h"
#include "ab/recording.h"

enum { FRAMES = 5, WIDTH = 7, HEIGHT = 5 };
static char path[] = "/tmp/oriel-ab-XXXXXX";
static uint8_t *whole;
static size_t whole_bytes;

static struct oriel_format format_of(uint32_t fourcc)
{
    return (struct oriel_format){.domain = ORIEL_DOMAIN_CPU,
                                 .fourcc = fourcc,
                                 .width = WIDTH,
                                 .height = HEIGHT,
                                 .primaries = 1,
                                 .transfer = 13,
                                 .matrix = ORIEL_MATRIX_BT601,
                                 .full_range = 1};
}

static void fill(uint8_t *packed, uint64_t bytes, unsigned frame)
{
    for (uint64_t i = 0; i < bytes; i++)
        packed[i] = (uint8_t)(i * 7 + frame * 31 + 1);
}

static void write_recording(uint32_t fourcc)
{
    struct error err;
    struct oriel_format format = format_of(fourcc);
    uint64_t bytes = frame_bytes(&format);
    uint8_t *packed = malloc(bytes);
    cJSON *about = cJSON_CreateObject();
    cJSON_AddStringToObject(about, "kind", "scripted");
    struct recorder *recorder = recorder_create(path, &format, 25, about, &err);
    assert_non_null(recorder);
    for (unsigned i = 0; i < FRAMES; i++) {
        struct oriel_stamp stamp = {.seq = i + 1,
                                    .revision = 40 + i,
                                    .pts_ns = i * 40000000,
                                    .flags = ORIEL_FRAME_COMPLETE,
                                    .coverage = 1};
        cJSON *what = cJSON_CreateObject();
        cJSON_AddNumberToObject(cJSON_AddObjectToObject(what, "update"), "value", i);
        assert_true(recorder_input(recorder, 1000 + i, what, &err));
        fill(packed, bytes, i);
        assert_true(recorder_frame(recorder, &stamp, packed, &err));
    }
    assert_int_equal(recorder_frames(recorder), FRAMES);
    assert_true(recorder_close(recorder, &err));
    free(packed);
}

static void check_frames(const struct recording *recording)
{
    struct error err;
    uint64_t bytes = frame_bytes(&recording->format);
    uint8_t *packed = malloc(bytes), *expected = malloc(bytes);
    for (uint64_t i = 0; i < recording->frame_count; i++) {
        fill(expected, bytes, (unsigned)i);
        assert_true(recording_read(recording, i, packed, &err));
        assert_memory_equal(packed, expected, bytes);
        assert_int_equal(recording->frames[i].stamp.seq, i + 1);
        assert_int_equal(recording->frames[i].stamp.revision, 40 + i);
    }
    free(packed);
    free(expected);
}

static void put_file(const uint8_t *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const uint32_t fourccs[] = {ORIEL_FMT_I420, ORIEL_FMT_NV12, ORIEL_FMT_I444,
                                       ORIEL_FMT_P010};
    static const unsigned sizes[] = {35 + 2 * 12, 35 + 2 * 12, 3 * 35, 2 * (35 + 2 * 12)};
    for (size_t f = 0; f < 4; f++) {
        struct error err;
        write_recording(fourccs[f]);
        struct recording *recording = recording_open(path, &err);
        assert_non_null(recording);
        assert_string_equal(recording->cut, "");
        assert_int_equal(recording->frame_count, FRAMES);
        assert_int_equal(recording->input_count, FRAMES);
        assert_int_equal(recording->inputs[3].frame, 3);
        assert_int_equal(recording->inputs[3].t_ns, 1003);
        assert_int_equal(recording->format.fourcc, fourccs[f]);
        assert_int_equal(frame_bytes(&recording->format), sizes[f]);
        assert_true(recording->fps == 25);
        check_frames(recording);
        recording_close(recording);
    }
}

/* Cut off after every single byte; without the last line's end nothing is missing. */
static void test_truncated(void **state)
{
    (void)state;
    uint64_t seen = 0;
    for (size_t bytes = 0; bytes < whole_bytes; bytes++) {
        struct error err;
        put_file(whole, bytes);
        struct recording *recording = recording_open(path, &err);
        if (!recording) {
            assert_int_equal(seen, 0);
            assert_non_null(strstr(err.text, path));
            continue;
        }
        assert_true(recording->frame_count >= seen && recording->frame_count <= FRAMES);
        assert_int_equal(recording->cut[0] == '\0', bytes == whole_bytes - 1);
        seen = recording->frame_count;
        check_frames(recording);
        recording_close(recording);
    }
    assert_int_equal(seen, FRAMES);
}

static void test_says_which_frame(void **state)
{
    (void)state;
    struct error err;
    put_file(whole, whole_bytes);
    struct recording *recording = recording_open(path, &err);
    size_t at = recording->frames[3].at;
    recording_close(recording);
    put_file(whole, at + 20);
    recording = recording_open(path, &err);
    assert_int_equal(recording->frame_count, 3);
    assert_string_equal(recording->cut, "frame 3 is cut off: 20 of 59 bytes");
    recording_close(recording);
}

/* A byte of a frame that has changed is found when the frame is read. */
static void test_corrupt(void **state)
{
    (void)state;
    struct error err;
    uint8_t packed[64];
    put_file(whole, whole_bytes);
    struct recording *recording = recording_open(path, &err);
    size_t at = recording->frames[2].at;
    recording_close(recording);
    uint8_t *wrong = malloc(whole_bytes);
    memcpy(wrong, whole, whole_bytes);
    wrong[at + 30] ^= 4;
    put_file(wrong, whole_bytes);
    free(wrong);
    recording = recording_open(path, &err);
    assert_int_equal(recording->frame_count, FRAMES);
    assert_true(recording_read(recording, 1, packed, &err));
    assert_false(recording_read(recording, 2, packed, &err));
    assert_non_null(strstr(err.text, "frame 2 is not what was written"));
    recording_close(recording);
}

/* Bytes changed by chance: opened or refused, never more than there is. */
static void test_fuzzed(void **state)
{
    (void)state;
    uint32_t random = 12345;
    uint8_t *wrong = malloc(whole_bytes);
    unsigned opened = 0, refused = 0;
    for (int round = 0; round < 3000; round++) {
        struct error err;
        memcpy(wrong, whole, whole_bytes);
        for (int k = 0; k <= round % 4; k++) {
            random = random * 1664525 + 1013904223;
            size_t at = (random >> 4) % (round % 3 ? whole_bytes : 300);
            random = random * 1664525 + 1013904223;
            static const char likely[] = "0123456789-{}[]\",:e\n";
            wrong[at] = round % 2 ? (uint8_t)(random >> 16)
                                  : (uint8_t)likely[(random >> 16) % (sizeof likely - 1)];
        }
        put_file(wrong, whole_bytes);
        struct recording *recording = recording_open(path, &err);
        opened += recording != NULL;
        refused += recording == NULL;
        uint64_t bytes = recording ? frame_bytes(&recording->format) : 0;
        assert_true(bytes <= whole_bytes);
        uint8_t *packed = malloc(bytes ? bytes : 1);
        for (uint64_t i = 0; recording && i < recording->frame_count; i++)
            recording_read(recording, i, packed, &err);
        free(packed);
        recording_close(recording);
    }
    free(wrong);
    assert_true(opened > 100 && refused > 100);
}

static void refuse(const char *text, const char *why)
{
    struct error err;
    put_file((const uint8_t *)text, strlen(text));
    assert_null(recording_open(path, &err));
    if (!strstr(err.text, why))
        fail_msg("\"%s\" instead of \"%s\"", err.text, why);
}

static void test_refused(void **state)
{
    (void)state;
    refuse("", "is no recording of Oriel");
    refuse("\x89PNG\r\n", "is no recording of Oriel");
    refuse("{\"oriel_recording\":2}\n", "version 2, this program reads version 1");
    refuse("{\"oriel_recording\":1}\n", "format.samples: wants i420, nv12, i444 or p010");
    refuse("{\"oriel_recording\":1,\"format\":{\"samples\":\"i420\",\"width\":0,\"height\":4}}\n",
           "format.width and format.height");
    refuse("{\"oriel_recording\":1,\"format\":{\"samples\":\"i420\",\"width\":4,\"height\":4,"
           "\"matrix\":\"x\"}}\n",
           "format.matrix");
    refuse("{\"oriel_recording\":1,\"fps\":30,\"format\":{\"samples\":\"i420\",\"width\":4,"
           "\"height\":4,\"matrix\":\"bt601\",\"range\":\"full\"}}\n",
           "has no whole frame");
}

static int setup(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    if (fd < 0)
        return -1;
    close(fd);
    write_recording(ORIEL_FMT_I420);
    FILE *file = fopen(path, "rb");
    whole = malloc(1 << 16);
    whole_bytes = fread(whole, 1, 1 << 16, file);
    fclose(file);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(whole);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_says_which_frame), cmocka_unit_test(test_corrupt),
        cmocka_unit_test(test_fuzzed),           cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
