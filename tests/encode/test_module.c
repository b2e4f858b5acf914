/* SPDX-License-Identifier: BSD-3-Clause */
/* What every encoder owes the host: refusals with a sentence, key pictures on request, live
 * options, independent instances, nothing left behind. */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cases.h"

static struct oriel_frame *scene_frame(const struct oriel_format *format, unsigned t)
{
    struct picture picture = picture_create(format->width, format->height);
    picture_scene(&picture, t);
    struct oriel_frame *frame = frame_create(format);
    frame_fill(frame, &picture, t + 1);
    picture_finish(&picture);
    return frame;
}

static void tables_are_sane(void **state)
{
    (void)state;
    for (unsigned i = 0; i < encode_case_count; i++) {
        const struct oriel_encoder *encoder = encode_cases[i].encoder;
        if (!encoder)
            continue;
        struct oriel_format format;
        uint32_t codec, index = 0;
        while (encoder->input_format(index, &format) == ORIEL_OK) {
            assert_int_equal(format.domain, ORIEL_DOMAIN_CPU);
            assert_int_equal(format.width, 0);
            index++;
        }
        assert_true(index > 0);
        assert_int_equal(encoder->input_format(UINT32_MAX, &format), ORIEL_UNSUPPORTED);
        assert_int_equal(encoder->codec(0, &codec), ORIEL_OK);
        assert_int_equal(encoder->codec(UINT32_MAX, &codec), ORIEL_UNSUPPORTED);
        assert_null(encoder->get_interface(NULL, "org.example.nothing/1"));
        encoder->destroy(NULL);
        for (uint32_t k = 0; k < encoder->options->count; k++) {
            const struct oriel_option *option = &encoder->options->options[k];
            assert_non_null(option->default_value);
            assert_true(option->help[strlen(option->help) - 1] == '.');
            if (option->type == ORIEL_OPT_ENUM)
                assert_non_null(strstr(option->choices, option->default_value));
            if (option->type == ORIEL_OPT_INT || option->type == ORIEL_OPT_FLOAT) {
                double value = strtod(option->default_value, NULL);
                assert_true(value >= option->min && value <= option->max);
            }
        }
    }
}

static void refuse(const struct encode_case *c, const struct oriel_format *format)
{
    struct rig rig;
    oriel_result result = rig_create(&rig, c->encoder, c->set, format, 60);
    if (result != ORIEL_UNSUPPORTED)
        fail_msg("%s: %.4s %u×%u gave %d", c->id, (const char *)&format->fourcc, format->width,
                 format->height, result);
    assert_null(rig.self);
    assert_true(strlen(rig.failure) > 10);
    options_finish(&rig.options);
}

static void refusals_say_why(void **state)
{
    (void)state;
    for (unsigned i = 0; i < encode_case_count; i++) {
        const struct encode_case *c = &encode_cases[i];
        if (!c->encoder)
            continue;
        struct oriel_format good = case_format(c, 64, 48), bad = good;
        bad.fourcc = ORIEL_FOURCC('Y', 'U', 'V', '9');
        refuse(c, &bad);
        bad = good;
        bad.domain = ORIEL_DOMAIN_CUDA;
        refuse(c, &bad);
        bad = good;
        bad.domain = 77;
        refuse(c, &bad);
        bad = good;
        bad.modifier = 1;
        refuse(c, &bad);
        bad = good;
        bad.matrix = 9;
        refuse(c, &bad);
        bad = good;
        bad.width = 0;
        refuse(c, &bad);
        bad.width = 70000;
        refuse(c, &bad);
        bad = good;
        bad.height = 47;
        if (!case_takes(c, bad.width, bad.height))
            refuse(c, &bad);

        /* Frames that are not as agreed. */
        struct rig rig;
        assert_int_equal(rig_create(&rig, c->encoder, c->set, &good, 60), ORIEL_OK);
        struct oriel_frame *frame = scene_frame(&good, 0);
        frame->format.width--;
        assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_INVALID);
        frame->format.width++;
        frame->plane_count--;
        assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_INVALID);
        frame->plane_count++;
        frame->planes[0].stride = 3;
        assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_INVALID);
        frame_destroy(frame);
        frame = scene_frame(&good, 0);
        frame->ready.kind = ORIEL_FENCE_SYNC_FD;
        assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_UNSUPPORTED);
        frame->ready.kind = ORIEL_FENCE_GLSYNC; /* not in CPU memory */
        assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_UNSUPPORTED);
        frame->ready.kind = ORIEL_FENCE_NONE;
        assert_int_equal(rig_encode(&rig, frame, 0x80), ORIEL_UNSUPPORTED);
        assert_int_equal(rig.count, 0);
        frame->ready.kind = ORIEL_FENCE_FLAG; /* a download that the host has waited for */
        assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_OK);
        assert_true(rig.packets[0].packet.flags & ORIEL_PACKET_KEY);
        frame_destroy(frame);
        rig_finish(&rig);
    }
}

static void keys_come_when_asked(void **state)
{
    (void)state;
    for (unsigned i = 0; i < encode_case_count; i++) {
        const struct encode_case *c = &encode_cases[i];
        if (!c->encoder || !case_inter(c))
            continue;
        struct oriel_format format = case_format(c, 176, 144);
        struct rig rig;
        assert_int_equal(rig_create(&rig, c->encoder, c->set, &format, 60), ORIEL_OK);
        for (unsigned t = 0; t < 12; t++) {
            struct oriel_frame *frame = scene_frame(&format, t);
            if (t == 5)
                c->encoder->request_key(rig.self);
            assert_int_equal(rig_encode(&rig, frame, t == 8 ? ORIEL_ENCODE_KEY : 0), ORIEL_OK);
            frame_destroy(frame);
            bool key = rig.packets[t].packet.flags & ORIEL_PACKET_KEY;
            bool asked = t == 0 || t == 5 || t == 8;
            if (key != asked)
                fail_msg("%s %s: packet %u %s a key", c->id, c->set, t, key ? "is" : "is not");
        }
        rig_finish(&rig);
    }
}

static void keyint_holds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < encode_case_count; i++) {
        const struct encode_case *c = &encode_cases[i];
        if (!c->encoder || !case_inter(c) || strstr(c->set, "intra_refresh"))
            continue;
        char set[128];
        snprintf(set, sizeof(set), "%s keyint=4", c->set);
        struct oriel_format format = case_format(c, 64, 64);
        struct rig rig;
        assert_int_equal(rig_create(&rig, c->encoder, set, &format, 60), ORIEL_OK);
        struct oriel_frame *frame = scene_frame(&format, 0);
        for (unsigned t = 0; t < 9; t++) {
            assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_OK);
            assert_int_equal(!(rig.packets[t].packet.flags & ORIEL_PACKET_KEY), t % 4 != 0);
        }
        frame_destroy(frame);
        rig_finish(&rig);
    }
}

static uint64_t sum_bytes(struct rig *rig, struct oriel_frame *const *frames, unsigned count)
{
    uint64_t bytes = 0;
    rig_forget_packets(rig);
    for (unsigned t = 0; t < count; t++)
        assert_int_equal(rig_encode(rig, frames[t % 12], 0), ORIEL_OK);
    for (unsigned t = count / 2; t < count; t++) /* once the rate control has settled */
        bytes += rig->packets[t].packet.bytes;
    return bytes;
}

/* Options that are said to be live have an effect on the running instance. */
static void rates_are_live(void **state)
{
    (void)state;
    static const struct {
        const char *id, *before, *after;
    } changes[] = {
        {"encode/openh264", "bitrate=4000000 max_bitrate=4000000",
         "bitrate=500000 max_bitrate=500000"},
        {"encode/x264", "bitrate=4000000 max_bitrate=4000000", "bitrate=500000 max_bitrate=500000"},
        {"encode/x264", "rate_control=quality crf=15", "crf=35"},
        {"encode/vpx", "codec=vp9 bitrate=4000000", "bitrate=500000"},
        {"encode/vpx", "codec=vp8 bitrate=4000000", "bitrate=500000"},
        {"encode/avcodec", "encoder=libx264 bitrate=4000000 max_bitrate=4000000",
         "bitrate=500000 max_bitrate=500000"},
        {"encode/avcodec", "codec=jpeg encoder=mjpeg quality=95", "quality=30"},
        {"encode/jpeg", "quality=95", "quality=30"},
    };
    struct oriel_format format = format_of(ORIEL_FMT_I420, 320, 240, ORIEL_MATRIX_BT601, 1);
    struct oriel_frame *frames[12];
    for (unsigned t = 0; t < 12; t++)
        frames[t] = scene_frame(&format, 7 * t);
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct oriel_encoder *encoder = module_open(changes[i].id, NULL);
        if (!encoder)
            continue;
        struct rig rig;
        assert_int_equal(rig_create(&rig, encoder, changes[i].before, &format, 60), ORIEL_OK);
        uint64_t before = sum_bytes(&rig, frames, 48);
        assert_int_equal(rig_set(&rig, changes[i].after), ORIEL_OK);
        uint64_t after = sum_bytes(&rig, frames, 96) / 2;
        if (after * 2 > before)
            fail_msg("%s: %s gave %llu bytes, then %s %llu", changes[i].id, changes[i].before,
                     (unsigned long long)before, changes[i].after, (unsigned long long)after);
        assert_int_equal(rig_set(&rig, changes[i].before), ORIEL_OK);
        uint64_t again = sum_bytes(&rig, frames, 96) / 2;
        assert_true(again > 2 * after);
        rig_finish(&rig);
    }
    for (unsigned t = 0; t < 12; t++)
        frame_destroy(frames[t]);
}

/* Two instances fed in turn write what one alone writes. */
static void instances_are_independent(void **state)
{
    (void)state;
    for (unsigned i = 0; i < encode_case_count; i++) {
        const struct encode_case *c = &encode_cases[i];
        if (!c->encoder)
            continue;
        struct oriel_format format = case_format(c, 96, 64), other = case_format(c, 64, 96);
        struct rig alone, one, two;
        assert_int_equal(rig_create(&alone, c->encoder, c->set, &format, 60), ORIEL_OK);
        assert_int_equal(rig_create(&one, c->encoder, c->set, &format, 60), ORIEL_OK);
        assert_int_equal(rig_create(&two, c->encoder, c->set, &other, 60), ORIEL_OK);
        for (unsigned t = 0; t < 5; t++) {
            struct oriel_frame *frame = scene_frame(&format, t), *turned = scene_frame(&other, t);
            assert_int_equal(rig_encode(&alone, frame, 0), ORIEL_OK);
            assert_int_equal(rig_encode(&one, frame, 0), ORIEL_OK);
            assert_int_equal(rig_encode(&two, turned, 0), ORIEL_OK);
            frame_destroy(frame);
            frame_destroy(turned);
        }
        for (unsigned t = 0; t < 5; t++) {
            assert_int_equal(one.packets[t].packet.bytes, alone.packets[t].packet.bytes);
            assert_memory_equal(one.packets[t].data, alone.packets[t].data,
                                alone.packets[t].packet.bytes);
        }
        rig_finish(&two);
        rig_finish(&alone);
        rig_finish(&one);
    }
}

static unsigned entries(const char *folder)
{
    DIR *dir = opendir(folder);
    unsigned count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static long resident_pages(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
    fclose(file);
    return resident;
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    for (unsigned i = 0; i < encode_case_count; i++) {
        const struct encode_case *c = &encode_cases[i];
        if (!c->encoder || (i && strcmp(c->id, encode_cases[i - 1].id) == 0))
            continue;
        struct oriel_format format = case_format(c, 128, 96);
        struct oriel_frame *frame = scene_frame(&format, 0);
        long resident = 0;
        unsigned fds = 0, threads = 0;
        for (unsigned n = 0; n < 200; n++) {
            struct rig rig;
            assert_int_equal(rig_create(&rig, c->encoder, c->set, &format, 60), ORIEL_OK);
            for (unsigned t = 0; t < n % 3; t++)
                assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_OK);
            rig_finish(&rig);
            if (n == 50) { /* the allocator has warmed up */
                resident = resident_pages();
                fds = entries("/proc/self/fd");
                threads = entries("/proc/self/task");
            }
        }
        assert_int_equal(entries("/proc/self/fd"), fds);
        assert_int_equal(entries("/proc/self/task"), threads);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        long grown = (resident_pages() - resident) * sysconf(_SC_PAGESIZE);
        if (grown > 4 << 20)
            fail_msg("%s grew by %ld bytes over 150 instances", c->id, grown);
#else
        (void)resident; /* the sanitizer keeps freed memory, and looks for leaks itself */
#endif
        frame_destroy(frame);
    }
}

struct asker {
    const struct oriel_encoder *encoder;
    void *self;
    atomic_bool stop;
    atomic_uint asked;
};

static void *ask_for_keys(void *data)
{
    struct asker *asker = data;
    while (!atomic_load(&asker->stop)) {
        asker->encoder->request_key(asker->self);
        atomic_fetch_add(&asker->asked, 1);
        usleep(500);
    }
    return NULL;
}

static void keys_are_asked_from_elsewhere(void **state)
{
    (void)state;
    for (unsigned i = 0; i < encode_case_count; i++) {
        const struct encode_case *c = &encode_cases[i];
        if (!c->encoder || !strstr(c->set, "threads=1"))
            continue;
        struct oriel_format format = case_format(c, 128, 96);
        struct oriel_frame *frame = scene_frame(&format, 0);
        struct rig rig;
        assert_int_equal(rig_create(&rig, c->encoder, c->set, &format, 60), ORIEL_OK);
        struct asker asker = {.encoder = c->encoder, .self = rig.self};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, ask_for_keys, &asker), 0);
        while (atomic_load(&asker.asked) < 20)
            assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_OK);
        atomic_store(&asker.stop, true);
        pthread_join(thread, NULL);
        assert_int_equal(rig_encode(&rig, frame, 0), ORIEL_OK); /* takes the last request */
        size_t keys = 0;
        for (size_t k = 1; k < rig.count; k++)
            keys += rig.packets[k].packet.flags & ORIEL_PACKET_KEY;
        assert_true(keys >= 1 && keys <= atomic_load(&asker.asked));
        frame_destroy(frame);
        rig_finish(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_sane),        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(keys_come_when_asked),   cmocka_unit_test(keyint_holds),
        cmocka_unit_test(rates_are_live),         cmocka_unit_test(instances_are_independent),
        cmocka_unit_test(nothing_is_left_behind), cmocka_unit_test(keys_are_asked_from_elsewhere),
    };
    return cmocka_run_group_tests(tests, cases_open, NULL);
}
