/* SPDX-License-Identifier: BSD-3-Clause */
/* Known pixels through capture/cuda: formats, an empty pool, frames that outlive the instance,
 * sizes in a row, and nothing left over. With the libcuda that the loader finds: the GPU's, or the
 * stand-in, which does every copy late, notes every broken contract and fails when told to. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oriel/draft/capture_rows.h"
#include "picture.h"
#include "samples.h"
#include "stage.h"
#include "../standin/standin.h"

enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, ILLEGAL_ADDRESS = 700 };

static struct stage stage;
static struct standin standin;
static struct oriel_host_cuda cuda;
static bool staged;

#define NEED_STAGE()                                                                               \
    do {                                                                                           \
        if (!staged) {                                                                             \
            print_message("left out: no OpenGL 4.5, no module or no CUDA\n");                      \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

#define NEED_STANDIN()                                                                             \
    do {                                                                                           \
        NEED_STAGE();                                                                              \
        if (!standin.library) {                                                                    \
            print_message("left out: only a stand-in fails when told to\n");                       \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static const struct oriel_stamp stamp = {
    .seq = 7, .revision = 8, .pts_ns = 9, .t_drawn_ns = 10, .flags = ORIEL_FRAME_COMPLETE};

static oriel_result create(const struct oriel_format *format, uint32_t held, void **self)
{
    stage.failure[0] = '\0';
    *self = NULL;
    return stage.capture->create(&stage.host, &stage.config, format, held, &stage.sink, self);
}

static void *create_ok(const struct oriel_format *format, uint32_t held)
{
    void *self;
    if (create(format, held, &self))
        fail_msg("%s", stage.failure);
    return self;
}

static struct oriel_format find_format(uint32_t fourcc, uint32_t width, uint32_t height)
{
    struct oriel_format format = {0};
    for (uint32_t i = 0; format.fourcc != fourcc; i++)
        assert_int_equal(stage.capture->output_format(&stage.host, i, &format), ORIEL_OK);
    format.width = width;
    format.height = height;
    return format;
}

static void no_faults(void)
{
    char text[4096] = "";
    if (standin.faults(text, sizeof(text)))
        fail_msg("%s", text);
}

static uint64_t live(void)
{
    return standin.count("live.bytes") + standin.count("live.events") +
           standin.count("live.streams") + standin.count("live.graphics") +
           standin.count("live.mapped");
}

static void nothing_left(void)
{
    if (!standin.library)
        return;
    assert_int_equal(live(), 0);
    no_faults();
}

/* ---- pictures ---- */

static void one_picture(const struct oriel_format *format, const struct oriel_target *target,
                        const uint8_t *rgba, bool top_down)
{
    void *self = create_ok(format, 1);
    if (top_down) {
        const struct oriel_capture_rows *rows =
            stage.capture->get_interface(self, ORIEL_CAPTURE_ROWS_V1);
        assert_int_equal(rows->top_down(self), ORIEL_OK);
    }
    unsigned before = stage.count;
    assert_int_equal(stage.capture->grab(self, target, &stamp), ORIEL_OK);
    assert_int_equal(stage.count, before + 1); /* at once */
    assert_int_equal(stage.capture->poll(self, 0), ORIEL_OK);
    const struct oriel_frame *frame = stage.got[before];
    assert_memory_equal(&frame->format, format, sizeof(*format));
    assert_int_equal(frame->stamp.flags,
                     ORIEL_FRAME_COMPLETE | (top_down ? 0u : ORIEL_FRAME_BOTTOM_UP));
    assert_int_equal(frame->stamp.seq, stamp.seq);
    assert_true(frame->stamp.t_captured_ns > 0);
    samples_check(&cuda, frame, rgba);
    stage.capture->destroy(self);
    stage_drop_frames(&stage);
}

static void samples_are_those_of_the_converter(void **state)
{
    (void)state;
    NEED_STAGE();
    static const uint32_t sizes[][2] = {{64, 48}, {1, 1}, {33, 17}, {130, 7}, {322, 181}};
    for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        uint32_t width = sizes[s][0], height = sizes[s][1], formats = 0;
        uint8_t *rgba = picture_noise(width, height, s + 1);
        uint8_t *turned = picture_turned(rgba, width, height);
        struct oriel_target target = target_create(width, height, rgba);
        struct oriel_format format;
        while (stage.capture->output_format(&stage.host, formats, &format) == ORIEL_OK) {
            format.width = width;
            format.height = height;
            assert_int_equal(format.domain, ORIEL_DOMAIN_CUDA);
            one_picture(&format, &target, rgba, false);
            one_picture(&format, &target, turned, true);
            formats++;
        }
        assert_int_equal(formats, 17);
        target_destroy(&target);
        free(turned);
        free(rgba);
    }
    nothing_left();
}

/* The next pictures are drawn while copies of the ones before are under way. */
static void late_copies_are_of_their_own_picture(void **state)
{
    (void)state;
    NEED_STAGE();
    enum { PICTURES = 8 };
    if (standin.library)
        standin.set("delay.us", 5000);
    uint8_t *rgba[PICTURES];
    struct oriel_format format = find_format(ORIEL_FMT_NV12, 64, 64);
    void *self = create_ok(&format, PICTURES);
    struct oriel_target target = target_create(64, 64, NULL);
    unsigned late = 0;
    for (unsigned i = 0; i < PICTURES; i++) {
        rgba[i] = picture_noise(64, 64, i + 20);
        glTextureSubImage2D(target.texture, 0, 0, 0, 64, 64, GL_RGBA, GL_UNSIGNED_BYTE, rgba[i]);
        assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
        late += !samples_ready(&cuda, stage.got[i]);
    }
    print_message("%u of %d came before their copy was over\n", late, PICTURES);
    assert_true(late > 0 || !standin.library);
    for (unsigned i = 0; i < PICTURES; i++) {
        samples_check(&cuda, stage.got[i], rgba[i]);
        free(rgba[i]);
    }
    /* Frames that nobody waited for, and an end in the middle of it. */
    stage_drop_frames(&stage);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
    stage_drop_frames(&stage);
    stage.capture->destroy(self);
    target_destroy(&target);
    if (standin.library)
        standin.set("delay.us", 0);
    nothing_left();
}

static void an_empty_pool_drops(void **state)
{
    (void)state;
    NEED_STAGE();
    struct oriel_target target = target_create(40, 30, NULL);
    struct oriel_format format = find_format(ORIEL_FMT_NV12, 40, 30);
    void *self = create_ok(&format, 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_AGAIN);
    stage.host.frame_unref(&stage.host, stage.got[--stage.count], NULL);
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
    assert_int_equal(stage.count, 3);
    stage_drop_frames(&stage);
    stage.capture->destroy(self);
    target_destroy(&target);
    nothing_left();
}

static void *let_go(void *data)
{
    (void)data;
    stage_drop_frames(&stage);
    return NULL;
}

static void frames_outlive_the_instance(void **state)
{
    (void)state;
    NEED_STAGE();
    uint8_t *rgba = picture_noise(64, 64, 9);
    struct oriel_target target = target_create(64, 64, rgba);
    struct oriel_format format = find_format(ORIEL_FMT_I420, 64, 64);
    void *self = create_ok(&format, 2);
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
    stage.capture->destroy(self);
    if (standin.library)
        assert_int_equal(standin.count("live.graphics"), 0);
    samples_check(&cuda, stage.got[0], rgba);
    samples_check(&cuda, stage.got[1], rgba);
    pthread_t thread; /* the last references go on another thread, without a context */
    assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
    pthread_join(thread, NULL);
    nothing_left();
    target_destroy(&target);
    free(rgba);
}

static void a_hundred_sizes(void **state)
{
    (void)state;
    NEED_STAGE();
    size_t before = 0, used;
    for (uint32_t i = 0; i < 100; i++) {
        if (i == 20) /* the driver has what it keeps */
            before = samples_used(&cuda);
        uint32_t width = 16 + 7 * (i % 13), height = 16 + 5 * (i % 11);
        uint8_t *rgba = picture_noise(width, height, i);
        struct oriel_target target = target_create(width, height, rgba);
        struct oriel_format format =
            find_format(i % 2 ? ORIEL_FMT_I420 : ORIEL_FMT_NV12, width, height);
        void *self = create_ok(&format, 3);
        assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
        samples_check(&cuda, stage.got[stage.count - 1], rgba);
        if (i % 3 == 0) /* with and without frames that are out */
            stage_drop_frames(&stage);
        stage.capture->destroy(self);
        stage_drop_frames(&stage);
        target_destroy(&target);
        free(rgba);
    }
    used = samples_used(&cuda);
    print_message("memory of the GPU: %zu KiB in use, then %zu KiB\n", before >> 10, used >> 10);
    assert_true(used <= before + (16u << 20));
    nothing_left();
}

/* ---- refusals and failures ---- */

static void refuses_in_a_sentence(void **state)
{
    (void)state;
    NEED_STAGE();
    struct oriel_format format, good = find_format(ORIEL_FMT_NV12, 32, 32);
    void *self;
    for (int i = 0; i < 5; i++) {
        format = good;
        if (i == 0)
            format.fourcc = ORIEL_FOURCC('Y', 'V', '1', '2');
        if (i == 1)
            format.domain = ORIEL_DOMAIN_GL;
        if (i == 2)
            format.matrix = 9;
        if (i == 3)
            format.width = 0;
        if (i == 4)
            format.height = 1u << 30;
        assert_int_equal(create(&format, 1, &self), ORIEL_UNSUPPORTED);
        assert_true(strlen(stage.failure) > 10);
        assert_null(self);
    }
    assert_int_equal(stage.capture->output_format(&stage.host, 1000, &format), ORIEL_UNSUPPORTED);
    self = create_ok(&good, 1);
    struct oriel_target target = {.size = sizeof(target), .width = 16, .height = 32};
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_INVALID);
    assert_null(stage.capture->get_interface(self, "org.example.nothing/1"));
    stage.capture->destroy(self);
    stage.capture->destroy(NULL);

    char want[300];
    snprintf(want, sizeof(want), "the renderer is %s: no CUDA device belongs to it",
             stage.gl.renderer);
    stage.cuda = NULL; /* no device for the host either */
    assert_int_equal(stage.capture->output_format(&stage.host, 0, &format), ORIEL_UNSUPPORTED);
    assert_string_equal(stage.failure, want);
    stage.cuda = &cuda;
    if (standin.library) {
        standin.set("gl.device", -1); /* another device draws */
        assert_int_equal(stage.capture->output_format(&stage.host, 0, &format), ORIEL_UNSUPPORTED);
        assert_string_equal(stage.failure, want);
        assert_int_equal(create(&good, 1, &self), ORIEL_UNSUPPORTED);
        standin.set("gl.device", 0);
    }
    stage.gl.size = 0;
    assert_int_equal(create(&good, 1, &self), ORIEL_UNSUPPORTED);
    stage.gl.size = sizeof(stage.gl);
    nothing_left();
}

/* The call that was made to fail is named, and nothing stays behind. */
static void each_call_may_fail_at_the_start(void **state)
{
    (void)state;
    NEED_STANDIN();
    static const struct {
        const char *call;
        uint32_t most; /* calls in a start */
    } calls[] = {{"cuCtxPushCurrent", 2},
                 {"cuGraphicsGLRegisterBuffer", 4},
                 {"cuGraphicsMapResources", 1},
                 {"cuGraphicsResourceGetMappedPointer", 1},
                 {"cuGraphicsUnmapResources", 1},
                 {"cuStreamCreate", 1},
                 {"cuEventCreate", 3},
                 {"cuMemAlloc", 3}};
    for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++)
        for (uint32_t n = 1; n <= calls[c].most; n++) {
            struct oriel_format format = find_format(ORIEL_FMT_I444, 48, 32);
            void *self;
            (standin.fail)(calls[c].call, n, OUT_OF_MEMORY);
            assert_int_equal(create(&format, 2, &self), ORIEL_NOMEM);
            if (!strstr(stage.failure, calls[c].call) ||
                !strstr(stage.failure, "CUDA_ERROR_OUT_OF_MEMORY"))
                fail_msg("%s failed, and the text is: %s", calls[c].call, stage.failure);
            nothing_left();
        }
}

static void each_call_may_fail_in_a_picture(void **state)
{
    (void)state;
    NEED_STANDIN();
    static const char *const calls[] = {
        "cuCtxPushCurrent",  "cuGraphicsMapResources", "cuGraphicsResourceGetMappedPointer",
        "cuMemcpyDtoDAsync", "cuEventRecord",          "cuGraphicsUnmapResources"};
    uint8_t *rgba = picture_noise(48, 32, 4);
    struct oriel_target target = target_create(48, 32, rgba);
    for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++)
        for (int lost = 0; lost < 2; lost++) {
            struct oriel_format format = find_format(ORIEL_FMT_NV12, 48, 32);
            void *self = create_ok(&format, 1);
            (standin.fail)(calls[c], 1, lost ? ILLEGAL_ADDRESS : INVALID_VALUE);
            assert_int_equal(stage.capture->grab(self, &target, &stamp),
                             lost ? ORIEL_DEVICE_LOST : ORIEL_IO);
            if (!strstr(stage.failure, calls[c]))
                fail_msg("%s failed, and the text is: %s", calls[c], stage.failure);
            assert_int_equal(stage.count, 0);
            /* The frame is back, and an instance that goes on is as good as before. */
            for (int i = 0; i < 8; i++) {
                assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
                samples_check(&cuda, stage.got[stage.count - 1], rgba);
                if (i % 2)
                    stage_drop_frames(&stage);
            }
            (standin.fail)(calls[c], 1, INVALID_VALUE); /* and one that ends then, too */
            assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_IO);
            stage.capture->destroy(self);
            nothing_left();
        }
    target_destroy(&target);
    free(rgba);
}

static void a_lost_device(void **state)
{
    (void)state;
    NEED_STANDIN();
    struct oriel_target target = target_create(48, 32, NULL);
    struct oriel_format format = find_format(ORIEL_FMT_NV12, 48, 32);
    void *self = create_ok(&format, 2), *other;
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
    standin.set("lost", ILLEGAL_ADDRESS);
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_DEVICE_LOST);
    assert_non_null(strstr(stage.failure, "CUDA_ERROR_ILLEGAL_ADDRESS"));
    assert_int_equal(stage.count, 1);
    stage.capture->destroy(self);
    stage_drop_frames(&stage);
    assert_int_not_equal(create(&format, 1, &other), ORIEL_OK);
    standin.set("lost", 0);
    uint64_t lost = live(); /* what a lost device had is not given back one by one */
    other = create_ok(&format, 1);
    stage.capture->destroy(other);
    assert_int_equal(live(), lost);
    no_faults();
    target_destroy(&target);
}

/* test_capture_cuda [pattern]: only the cases of that name */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    standin_load(&standin, "libcuda.so.1");
    staged = stage_open(&stage, "capture-cuda") && samples_open(&cuda);
    stage.cuda = &cuda;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_those_of_the_converter),
        cmocka_unit_test(late_copies_are_of_their_own_picture),
        cmocka_unit_test(an_empty_pool_drops),
        cmocka_unit_test(frames_outlive_the_instance),
        cmocka_unit_test(a_hundred_sizes),
        cmocka_unit_test(refuses_in_a_sentence),
        cmocka_unit_test(each_call_may_fail_at_the_start),
        cmocka_unit_test(each_call_may_fail_in_a_picture),
        cmocka_unit_test(a_lost_device),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (staged)
        samples_close(&cuda);
    stage_close(&stage);
    return failed;
}
