/* SPDX-License-Identifier: BSD-3-Clause */
/* encode/remote by itself: what it writes is what its encoder writes in this process, and whatever
 * becomes of the other process is an answer here. */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "encode/harness.h"
#include "encode/picture.h"
#include "oriel/draft/encoder_resize.h"

#define WIDTH 320u
#define HEIGHT 192u

static const struct oriel_encoder *remote;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static size_t fd_count(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static double resident_mb(void)
{
    long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &all, &resident), 2);
    fclose(file);
    return (double)(resident * sysconf(_SC_PAGESIZE)) / 1e6;
}

/* Processes whose parent this one is, dead or alive. */
static size_t children(pid_t *newest)
{
    size_t count = 0;
    struct dirent *entry;
    DIR *folder = opendir("/proc");
    while ((entry = readdir(folder))) {
        char path[300], line[512] = "";
        int parent = 0;
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = fopen(path, "re");
        if (!file)
            continue;
        if (!fgets(line, sizeof line, file))
            line[0] = '\0';
        fclose(file);
        const char *end = strrchr(line, ')');
        if (!end || sscanf(end, ") %*c %d", &parent) != 1 || parent != getpid())
            continue;
        count++;
        *newest = (pid_t)atol(entry->d_name);
    }
    closedir(folder);
    return count;
}

static void settings(char *text, size_t room, const char *module, const char *more)
{
    snprintf(text, room, "module=%s program=%s deadline_ms=20000 %s", module,
             getenv("ORIEL_BINARY"), more);
}

/* The inner module's options stand behind one another with tabs between. */
static oriel_result open_remote(struct rig *rig, const char *module, const char *more,
                                const struct oriel_format *format)
{
    char text[2048];
    settings(text, sizeof text, module, more);
    return rig_create(rig, remote, text, format, 60);
}

static oriel_result encode_scene(struct rig *rig, const struct oriel_format *format, unsigned t,
                                 uint32_t flags)
{
    struct picture picture = picture_create(format->width, format->height);
    struct oriel_frame *frame = frame_create(format);
    picture_scene(&picture, t);
    frame_fill(frame, &picture, t + 1);
    oriel_result result = rig_encode(rig, frame, flags);
    frame_destroy(frame);
    picture_finish(&picture);
    return result;
}

static void same_packets(const struct rig *a, const struct rig *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct oriel_packet *x = &a->packets[i].packet, *y = &b->packets[i].packet;
        assert_int_equal(x->codec, y->codec);
        assert_int_equal(x->flags, y->flags);
        assert_int_equal(x->qp_q8, y->qp_q8);
        assert_memory_equal(&x->format, &y->format, sizeof x->format);
        assert_memory_equal(&x->stamp, &y->stamp, sizeof x->stamp);
        assert_true(y->t_submit_ns > 0 && y->t_done_ns >= y->t_submit_ns);
        assert_int_equal(x->bytes, y->bytes);
        assert_memory_equal(x->data, y->data, x->bytes);
    }
}

/* --- what it writes --- */

struct pair {
    const char *module, *own, *more;
    uint32_t fourcc;
    uint8_t matrix;
};

static void test_same_bytes(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"encode/x264", "threads=1 preset=faster keyint=7",
         "options=threads=1\tpreset=faster\tkeyint=7", ORIEL_FMT_I420, ORIEL_MATRIX_BT601},
        {"encode/x264", "threads=2 rate_control=lossless",
         "options=threads=2\trate_control=lossless", ORIEL_FMT_I444, ORIEL_MATRIX_BT709},
        {"encode/x264", "threads=1 bitrate=500000 max_bitrate=600000",
         "options=threads=1 bitrate=500000 max_bitrate=600000", ORIEL_FMT_NV12, ORIEL_MATRIX_BT601},
        {"encode/jpeg", "", "codec=jpeg", ORIEL_FMT_I444, ORIEL_MATRIX_BT601},
        {"encode/png", "", "codec=png", ORIEL_FMT_RGBA, ORIEL_MATRIX_IDENTITY},
        {"encode/vpx", "codec=vp8", "codec=vp8", ORIEL_FMT_I420, ORIEL_MATRIX_BT601},
        {"encode/raw", "", "codec=raw", ORIEL_FMT_NV12, ORIEL_MATRIX_BT709},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct pair *pair = &pairs[i];
        const struct oriel_encoder *real = module_open(pair->module, NULL);
        struct oriel_format format = format_of(pair->fourcc, WIDTH, HEIGHT, pair->matrix, 1);
        struct rig here, there;
        if (!real)
            continue;
        assert_int_equal(rig_create(&here, real, pair->own, &format, 60), ORIEL_OK);
        if (open_remote(&there, pair->module, pair->more, &format) != ORIEL_OK)
            fail_msg("%s: %s", pair->module, there.failure);
        for (unsigned t = 0; t < 20; t++) {
            uint32_t flags = t == 12 ? ORIEL_ENCODE_KEY : 0;
            assert_int_equal(encode_scene(&here, &format, t, flags), ORIEL_OK);
            assert_int_equal(encode_scene(&there, &format, t, flags), ORIEL_OK);
        }
        assert_int_equal(here.encoder->drain(here.self), ORIEL_OK);
        assert_int_equal(there.encoder->drain(there.self), ORIEL_OK);
        same_packets(&here, &there);
        print_message("  %s %.4s: %zu packets, the same\n", pair->module,
                      (const char *)&pair->fourcc, there.count);
        rig_finish(&here);
        rig_finish(&there);
    }
}

static void test_odd_size(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, 65, 33, ORIEL_MATRIX_BT601, 1);
    const struct oriel_encoder *real = module_open("encode/jpeg", NULL);
    struct rig here, there;
    if (!real)
        skip();
    assert_int_equal(rig_create(&here, real, "", &format, 60), ORIEL_OK);
    assert_int_equal(open_remote(&there, "encode/jpeg", "codec=jpeg", &format), ORIEL_OK);
    assert_int_equal(encode_scene(&here, &format, 0, 0), ORIEL_OK);
    assert_int_equal(encode_scene(&there, &format, 0, 0), ORIEL_OK);
    same_packets(&here, &there);
    rig_finish(&here);
    rig_finish(&there);
}

static void test_live(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    const struct oriel_encoder *real = module_open("encode/x264", NULL);
    struct rig here, there;
    if (!real)
        skip();
    assert_int_equal(rig_create(&here, real, "threads=1", &format, 60), ORIEL_OK);
    assert_int_equal(open_remote(&there, "encode/x264", "options=threads=1", &format), ORIEL_OK);
    for (unsigned t = 0; t < 30; t++) {
        if (t == 10) { /* by its own options */
            assert_int_equal(rig_set(&here, "bitrate=300000 max_bitrate=400000"), ORIEL_OK);
            assert_int_equal(
                rig_set(&there, "options=threads=1\tbitrate=300000\tmax_bitrate=400000"), ORIEL_OK);
        }
        if (t == 20) { /* by the stream's */
            assert_int_equal(rig_set(&here, "bitrate=900000 max_bitrate=1000000"), ORIEL_OK);
            assert_int_equal(
                rig_set(&there, "options=threads=1 bitrate=900000 max_bitrate=1000000"), ORIEL_OK);
        }
        if (t == 25) {
            here.encoder->request_key(here.self);
            there.encoder->request_key(there.self);
        }
        assert_int_equal(encode_scene(&here, &format, t, 0), ORIEL_OK);
        assert_int_equal(encode_scene(&there, &format, t, 0), ORIEL_OK);
    }
    same_packets(&here, &there);
    assert_true(there.packets[25].packet.flags & ORIEL_PACKET_KEY);
    /* What cannot change is refused, and nothing else is different afterwards. */
    assert_int_equal(rig_set(&there, "options=threads=1\tpreset=medium"), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(there.failure, "encode/x264.preset"));
    assert_int_equal(rig_set(&there, "options=bitrat=1"), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(there.failure, "did you mean bitrate"));
    assert_int_equal(encode_scene(&here, &format, 30, 0), ORIEL_OK);
    assert_int_equal(encode_scene(&there, &format, 30, 0), ORIEL_OK);
    same_packets(&here, &there);
    rig_finish(&here);
    rig_finish(&there);
}

static void test_resize(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{512, 320}, {64, 48}, {1280, 720}, {65, 33}, {320, 192}};
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    struct rig there;
    setenv("ORIEL_FAULTY", "resize", 1);
    assert_int_equal(open_remote(&there, FAULTY, "codec=raw", &format), ORIEL_OK);
    unsetenv("ORIEL_FAULTY");
    const struct oriel_encoder_resize *draft =
        there.encoder->get_interface(there.self, ORIEL_ENCODER_RESIZE_V1);
    assert_non_null(draft);
    assert_null(there.encoder->get_interface(there.self, "oriel.encoder.nothing/1"));
    size_t fds = fd_count();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct oriel_format other = format, narrow = format;
        other.width = sizes[i][0];
        other.height = sizes[i][1];
        narrow.width = 32;
        for (unsigned t = 0; t < 6; t++) /* more than there are slots */
            assert_int_equal(encode_scene(&there, &format, t, 0), ORIEL_OK);
        assert_int_equal(there.encoder->drain(there.self), ORIEL_OK);
        assert_int_equal(draft->resize(there.self, &narrow, 60), ORIEL_UNSUPPORTED);
        assert_non_null(strstr(there.failure, "narrower than 64"));
        assert_int_equal(encode_scene(&there, &format, 7, 0), ORIEL_OK); /* as it was */
        assert_int_equal(there.encoder->drain(there.self), ORIEL_OK);
        rig_forget_packets(&there);
        assert_int_equal(draft->resize(there.self, &other, 60), ORIEL_OK);
        format = other;

        struct rig here;
        assert_int_equal(rig_create(&here, module_open("encode/raw", NULL), "", &format, 60),
                         ORIEL_OK);
        for (unsigned t = 0; t < 6; t++) {
            assert_int_equal(encode_scene(&here, &format, t, 0), ORIEL_OK);
            assert_int_equal(encode_scene(&there, &format, t, 0), ORIEL_OK);
        }
        same_packets(&here, &there);
        rig_finish(&here);
    }
    assert_int_equal(fd_count(), fds);
    rig_finish(&there);
    /* And one that cannot says so here as well. */
    assert_int_equal(open_remote(&there, "encode/raw", "codec=raw", &format), ORIEL_OK);
    assert_null(there.encoder->get_interface(there.self, ORIEL_ENCODER_RESIZE_V1));
    rig_finish(&there);
}

static void refused(const char *module, const char *more, uint32_t fourcc, const char *words)
{
    struct rig rig;
    struct oriel_format format =
        format_of(fourcc, WIDTH, HEIGHT,
                  fourcc == ORIEL_FMT_RGBA ? ORIEL_MATRIX_IDENTITY : ORIEL_MATRIX_BT601, 1);
    assert_int_not_equal(open_remote(&rig, module, more, &format), ORIEL_OK);
    print_message("  %s\n", rig.failure);
    assert_non_null(strstr(rig.failure, words));
    rig_finish(&rig);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("encode/jpeg", "", ORIEL_FMT_I420, "encode/jpeg does not write h264 but jpeg");
    refused("encode/png", "codec=png", ORIEL_FMT_I420, "encode/remote.input_format says which");
    refused("encode/x264", "", ORIEL_FMT_RGBA, "encode/x264 takes no rgba pictures");
    refused("encode/nothing", "", ORIEL_FMT_I420, "encode/nothing: there is no such encoder");
    refused("/nothing/x.so", "", ORIEL_FMT_I420, "/nothing/x.so: No such file");
    refused("encode/x264", "options=preset=fastest", ORIEL_FMT_I420, "encode/x264.preset");
    refused("encode/vpx", "codec=vp8", ORIEL_FMT_I444, "VP8 has no 4:4:4");
    refused("encode/x264", "program=/bin/false", ORIEL_FMT_I420, "ended its process with status 1");
    refused("encode/x264", "program=/nothing", ORIEL_FMT_I420, "/nothing cannot be started");
    refused("", "", ORIEL_FMT_I420, "names no encoder");
}

/* --- what becomes of it --- */

static struct rig *victim(const char *module, const char *more, const struct oriel_format *format,
                          pid_t *pid)
{
    static struct rig rig;
    char quick[256];
    pid_t none;
    snprintf(quick, sizeof quick, "deadline_ms=200 %s", more);
    assert_int_equal(children(&none), 0);
    if (open_remote(&rig, module, quick, format) != ORIEL_OK)
        fail_msg("%s: %s", module, rig.failure);
    assert_int_equal(children(pid), 1);
    for (unsigned t = 0; t < 3; t++)
        assert_int_equal(encode_scene(&rig, format, t, 0), ORIEL_OK);
    assert_int_equal(rig.count, 3);
    return &rig;
}

static void falls(struct rig *rig, const struct oriel_format *format, const char *words,
                  double within_ms)
{
    pid_t none;
    double begin = now_ms();
    assert_int_equal(encode_scene(rig, format, 3, 0), ORIEL_FATAL);
    double took = now_ms() - begin;
    print_message("  %s: known after %.0f ms\n", rig->failure, took);
    /* A sanitizer's handler ends the process by itself, when it has told everything. */
    bool by_sanitizer = getenv("ORIEL_TEST_INSTRUMENTED") && strstr(words, "crashed") &&
                        (strstr(rig->failure, "ended its process with status") ||
                         strstr(rig->failure, "did not answer in time"));
    assert_true(by_sanitizer || strstr(rig->failure, words));
    if (!getenv("ORIEL_TEST_INSTRUMENTED"))
        assert_true(took < within_ms);
    assert_int_equal(encode_scene(rig, format, 4, 0), ORIEL_FATAL); /* and stays so */
    assert_int_equal(rig->encoder->drain(rig->self), ORIEL_FATAL);
    rig_finish(rig);
    assert_int_equal(children(&none), 0);
}

static void test_signals(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *words;
    } cases[] = {{SIGKILL, "encode/raw was killed (SIGKILL)"},
                 {SIGSEGV, "encode/raw crashed (SIGSEGV)"},
                 {SIGSTOP, "encode/raw did not answer in time"}};
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pid_t pid;
        struct rig *rig = victim("encode/raw", "codec=raw", &format, &pid);
        kill(pid, cases[i].number);
        falls(rig, &format, cases[i].words, 400);
    }
}

static void test_idle_death(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    pid_t pid, none;
    struct rig *rig = victim("encode/raw", "codec=raw", &format, &pid);
    kill(pid, SIGKILL);
    for (int i = 0; i < 100 && children(&none); i++) /* taken without a call */
        usleep(10000);
    assert_int_equal(children(&none), 0);
    falls(rig, &format, "was killed (SIGKILL)", 400);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *how, *more, *words;
    } cases[] = {
        {"segv=3", "", "crashed (SIGSEGV)"},
        {"abort=3", "", "crashed (SIGABRT)"},
        {"thread=3", "", "crashed (SIGSEGV)"},
        {"exit=3", "", "ended its process with status 3"},
        {"loop=3", "", "did not answer in time"},
        {"leak=3", "memory_mb=512 deadline_ms=5000", "has used up memory_mb"},
    };
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char more[128];
        pid_t pid;
        setenv("ORIEL_FAULTY", cases[i].how, 1);
        snprintf(more, sizeof more, "codec=raw %s", cases[i].more);
        falls(victim(FAULTY, more, &format, &pid), &format, cases[i].words,
              strstr(more, "5000") ? 4000 : 450);
    }
    unsetenv("ORIEL_FAULTY");
}

static void test_resize_hangs(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    pid_t pid;
    setenv("ORIEL_FAULTY", "loop-resize", 1);
    struct rig *rig = victim(FAULTY, "codec=raw", &format, &pid);
    unsetenv("ORIEL_FAULTY");
    const struct oriel_encoder_resize *draft =
        rig->encoder->get_interface(rig->self, ORIEL_ENCODER_RESIZE_V1);
    struct oriel_format other = format;
    other.width /= 2;
    double begin = now_ms();
    assert_int_equal(draft->resize(rig->self, &other, 60), ORIEL_FATAL);
    assert_true(getenv("ORIEL_TEST_INSTRUMENTED") || now_ms() - begin < 450);
    falls(rig, &format, "did not answer in time", 400);
}

/* A leak is found by its limit, long before the machine has no memory. */
static void test_drip(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    pid_t pid, none;
    setenv("ORIEL_FAULTY", "drip=3", 1);
    struct rig *rig = victim(FAULTY, "codec=raw memory_mb=256 deadline_ms=5000", &format, &pid);
    unsetenv("ORIEL_FAULTY");
    char path[64], score[16] = "";
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(score, sizeof score, file));
    fclose(file);
    assert_int_equal(atoi(score), 1000);
    oriel_result result = ORIEL_OK;
    unsigned well = 0;
    while (well < 100 && (result = encode_scene(rig, &format, 3, 0)) == ORIEL_OK)
        well++;
    print_message("  %s: after %u pictures\n", rig->failure, well);
    assert_int_equal(result, ORIEL_FATAL);
    assert_true(well <= 256 / 16 && well >= 256 / 16 - 3);
    assert_non_null(strstr(rig->failure, "has used up memory_mb"));
    rig_finish(rig);
    assert_int_equal(children(&none), 0);
}

/* An encoder that keeps its pictures runs out of them: first that is nothing, then it is the end.
 */
static void test_hold(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    pid_t pid, none;
    setenv("ORIEL_FAULTY", "hold=3", 1);
    struct rig *rig = victim(FAULTY, "codec=raw", &format, &pid);
    oriel_result result = ORIEL_OK;
    unsigned again = 0, well = 0;
    for (unsigned t = 3; t < 60 && result != ORIEL_FATAL; t++) {
        result = encode_scene(rig, &format, t, 0);
        well += result == ORIEL_OK;
        again += result == ORIEL_AGAIN;
        usleep(result == ORIEL_AGAIN ? 50000 : 0);
    }
    unsetenv("ORIEL_FAULTY");
    assert_int_equal(result, ORIEL_FATAL);
    assert_int_equal(well, 4);
    assert_true(again > 0);
    assert_non_null(strstr(rig->failure, "gives no picture back"));
    rig_finish(rig);
    assert_int_equal(children(&none), 0);
}

static void test_late_packets(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    struct rig rig;
    setenv("ORIEL_FAULTY", "late", 1);
    assert_int_equal(open_remote(&rig, FAULTY, "codec=raw", &format), ORIEL_OK);
    for (unsigned t = 0; t < 3; t++) {
        if (encode_scene(&rig, &format, t, 0) != ORIEL_OK)
            fail_msg("%s", rig.failure);
        usleep(200000); /* nobody calls: it comes by itself */
    }
    assert_int_equal(rig.encoder->drain(rig.self), ORIEL_OK); /* and so the rig can be looked at */
    unsetenv("ORIEL_FAULTY");
    assert_int_equal(rig.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct oriel_packet *packet = &rig.packets[i].packet;
        double took = (double)(packet->t_done_ns - packet->t_submit_ns) * 1e-6;
        assert_int_equal(packet->stamp.seq, i + 1);
        assert_true(took >= 29);
        if (!getenv("ORIEL_TEST_INSTRUMENTED"))
            assert_true(took < 150);
    }
    rig_finish(&rig);
}

static void test_many_deaths(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    struct rig rig;
    pid_t pid, none;
    size_t fds = 0;
    double before = 0;
    for (int i = 0; i < 120; i++) {
        assert_int_equal(open_remote(&rig, "encode/raw", "codec=raw", &format), ORIEL_OK);
        assert_int_equal(children(&pid), 1);
        assert_int_equal(encode_scene(&rig, &format, 0, 0), ORIEL_OK);
        kill(pid, i % 2 ? SIGKILL : SIGABRT);
        assert_int_equal(encode_scene(&rig, &format, 1, 0), ORIEL_FATAL);
        rig_finish(&rig);
        if (i == 19) {
            fds = fd_count();
            before = resident_mb();
        }
    }
    assert_int_equal(fd_count(), fds);
    print_message("  %.1f MB, then %.1f MB\n", before, resident_mb());
    assert_true(getenv("ORIEL_TEST_INSTRUMENTED") || resident_mb() < before + 1);
    assert_int_equal(children(&none), 0);
}

/* The other process has its socket, its memory and the three usual descriptors, and dies with us.
 */
static void test_descriptors(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, WIDTH, HEIGHT, ORIEL_MATRIX_BT601, 1);
    int leaked[2];
    pid_t pid;
    assert_int_equal(pipe(leaked), 0); /* without CLOEXEC */
    struct rig *rig = victim("encode/raw", "codec=raw", &format, &pid);
    char path[64];
    unsigned count = 0;
    struct dirent *entry;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        assert_true(atoi(entry->d_name) <= 4);
        count++;
    }
    closedir(folder);
    assert_int_equal(count, 4);
    close(leaked[0]);
    close(leaked[1]);
    rig_finish(rig);
}

static int setup(void **state)
{
    (void)state;
    char real[512];
    remote = module_open("encode/remote", NULL);
    snprintf(real, sizeof real, "%s/encode-raw.so", getenv("ORIEL_MODULE_PATH"));
    setenv("ORIEL_FAULTY_MODULE", real, 1);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    setenv("ORIEL_TEST_INSTRUMENTED", "1", 1);
#endif
    return remote ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes),   cmocka_unit_test(test_odd_size),
        cmocka_unit_test(test_live),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_signals),      cmocka_unit_test(test_idle_death),
        cmocka_unit_test(test_faults),       cmocka_unit_test(test_hold),
        cmocka_unit_test(test_late_packets), cmocka_unit_test(test_many_deaths),
        cmocka_unit_test(test_descriptors),  cmocka_unit_test(test_resize),
        cmocka_unit_test(test_resize_hangs), cmocka_unit_test(test_drip),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
