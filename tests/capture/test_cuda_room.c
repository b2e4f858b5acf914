/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's CUDA, against the stand-in for libcuda: which device draws, a context for modules and
 * another one after a fault, waiting for events, pictures uploaded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../standin/standin.h"
#include "cuda/cuda.h"
#include "module/services.h"
#include "stage.h"

enum { ILLEGAL_ADDRESS = 700 };

static struct stage stage;
static struct standin standin;
static struct oriel_host *host;
static struct cuda_hint known; /* the UUID of what draws here */
static bool staged;

#define NEED_STAGE()                                                                               \
    do {                                                                                           \
        if (!staged) {                                                                             \
            print_message("left out: no OpenGL 4.5, no module or no stand-in\n");                  \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static void no_faults(void)
{
    char text[4096] = "";
    if (standin.faults(text, sizeof(text)))
        fail_msg("%s", text);
}

static const struct oriel_host_cuda *offered(void)
{
    return host->get_interface(host, ORIEL_HOST_CUDA_V1);
}

static void finds_the_device_that_draws(void **state)
{
    (void)state;
    NEED_STAGE();
    struct cuda_hint hint = {.ordinal = -1};
    struct cuda_about about;
    struct error why = {""};
    assert_true(cuda_find(&hint, &about, &why)); /* by what CUDA says of the context */
    assert_int_equal(about.ordinal, 0);
    assert_string_equal(about.name, "Oriel stand-in GPU");

    standin.set("gl.device", -1);
    assert_false(cuda_find(&hint, &about, &why));
    assert_string_equal(why.text, "none of the 1 CUDA devices is the one that draws");
    hint.ordinal = 0; /* as EGL says */
    assert_true(cuda_find(&hint, &about, &why));
    hint.ordinal = 3;
    assert_false(cuda_find(&hint, &about, &why));
    if (memcmp(about.uuid, known.uuid, 16) == 0) {
        hint = known;
        assert_true(cuda_find(&hint, &about, &why));
    } else {
        print_message("left out: this OpenGL has no UUID\n");
    }
    hint.ordinal = 0; /* EGL counts what CUDA does not show: the UUID contradicts */
    memset(hint.uuid, 0x5a, 16);
    assert_false(cuda_find(&hint, &about, &why));
    standin.reset();
    (standin.fail)("cuDeviceGetName", 1, ILLEGAL_ADDRESS);
    hint = (struct cuda_hint){.ordinal = 0};
    assert_false(cuda_find(&hint, &about, &why));
    assert_non_null(strstr(why.text, "cuDeviceGetName: CUDA_ERROR_ILLEGAL_ADDRESS"));
}

static void joins_and_joins_again(void **state)
{
    (void)state;
    NEED_STAGE();
    const struct cuda_hint hint = {.ordinal = -1};
    struct cuda_about about;
    struct error why = {""};
    struct oriel_fence fence = {.handle = 1, .kind = ORIEL_FENCE_CUDA_EVENT};
    assert_null(offered());
    assert_false(cuda_fence_wait(&fence, &why));
    assert_string_equal(why.text, "no renderer runs on a CUDA device");
    (standin.fail)("cuDevicePrimaryCtxRetain", 1, 2);
    assert_false(cuda_join(&hint, &about, &why));
    assert_non_null(strstr(why.text, "cuDevicePrimaryCtxRetain"));
    assert_null(offered());

    assert_true(cuda_join(&hint, &about, &why));
    const struct oriel_host_cuda *first = offered();
    assert_int_equal(first->capability, 89);
    assert_string_equal(first->name, "Oriel stand-in GPU");
    uint64_t context = first->context;
    assert_true(context != 0);
    assert_true(cuda_join(&hint, &about, &why)); /* another view */
    assert_ptr_equal(offered(), first);
    assert_int_equal(standin.count("live.contexts"), 1);

    standin.set("lost", ILLEGAL_ADDRESS); /* nothing helps while it is gone */
    assert_false(cuda_join(&hint, &about, &why));
    assert_true(strlen(why.text) > 10);
    standin.set("lost", 0);

    (standin.fail)("cuMemAlloc", 1, ILLEGAL_ADDRESS); /* the context is of no use any more */
    assert_true(cuda_join(&hint, &about, &why));
    assert_non_null(offered());
    assert_int_not_equal(offered()->context, context);
    assert_int_equal(first->context, context); /* for those who still have things there */
    (standin.fail)("cuMemAlloc", 0, ILLEGAL_ADDRESS);
    assert_false(cuda_join(&hint, &about, &why));
    assert_null(offered());
    standin.reset();
    assert_true(cuda_join(&hint, &about, &why));
    assert_non_null(offered());
    no_faults();
}

/* What lies in the device's memory. */
static void fetch(void *to, uint64_t from, size_t bytes)
{
    int (*push)(void *context);
    int (*pop)(void **context);
    int (*copy)(void *to, unsigned long long from, size_t bytes);
    void *symbols[] = {dlsym(standin.library, "cuCtxPushCurrent_v2"),
                       dlsym(standin.library, "cuCtxPopCurrent_v2"),
                       dlsym(standin.library, "cuMemcpyDtoH_v2")};
    memcpy(&push, &symbols[0], sizeof(push));
    memcpy(&pop, &symbols[1], sizeof(pop));
    memcpy(&copy, &symbols[2], sizeof(copy));
    void *popped;
    assert_int_equal(push((void *)(uintptr_t)offered()->context), 0);
    assert_int_equal(copy(to, from, bytes), 0);
    assert_int_equal(pop(&popped), 0);
}

static void waits_for_events(void **state)
{
    (void)state;
    NEED_STAGE();
    stage.cuda = offered();
    assert_non_null(stage.cuda);
    struct oriel_format format = {0};
    assert_int_equal(stage.capture->output_format(&stage.host, 0, &format), ORIEL_OK);
    format.width = format.height = 32;
    void *self = NULL;
    assert_int_equal(
        stage.capture->create(&stage.host, &stage.config, &format, 2, &stage.sink, &self),
        ORIEL_OK);
    uint8_t white[32 * 32 * 4];
    memset(white, 255, sizeof(white));
    struct oriel_target target = target_create(32, 32, white);
    struct oriel_stamp stamp = {.seq = 1};
    struct error err = {""};
    standin.set("delay.us", 300000);
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
    const struct oriel_frame *frame = stage.got[0];
    uint64_t asked = standin.count("cuEventQuery");
    assert_true(frame_wait(frame, &err));
    uint8_t sample = 0;
    fetch(&sample, frame->planes[0].handle, 1);
    assert_int_equal(sample, 255);
    assert_true(standin.count("cuEventQuery") > asked); /* 0.3 s, most of it asleep */
    assert_true(standin.count("cuEventQuery") < asked + 50000);
    assert_true(frame_wait(frame, &err)); /* again, for a repeat */
    (standin.fail)("cuEventQuery", 1, ILLEGAL_ADDRESS);
    assert_false(frame_wait(frame, &err));
    assert_non_null(strstr(err.text, "CUDA_ERROR_ILLEGAL_ADDRESS"));
    stage_drop_frames(&stage);
    stage.capture->destroy(self);
    target_destroy(&target);
    no_faults();
}

static void release_nothing(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)frame;
    (void)done;
}

static void uploads_a_picture(void **state)
{
    (void)state;
    NEED_STAGE();
    uint8_t luma[3][64], chroma[2][64];
    memset(luma, 40, sizeof(luma));
    memset(chroma, 90, sizeof(chroma));
    struct oriel_frame frame = {
        .size = sizeof(frame),
        .plane_count = 2,
        .format = {.domain = ORIEL_DOMAIN_CPU, .fourcc = ORIEL_FMT_NV12, .width = 60, .height = 3},
        .planes = {{.handle = (uintptr_t)luma, .stride = 64, .rows = 3},
                   {.handle = (uintptr_t)chroma, .stride = 64, .rows = 2}},
        .stamp = {.seq = 5},
        .release = release_nothing,
    };
    struct error err = {""};
    uint64_t before = standin.count("live.bytes");
    const struct oriel_frame *copy = cuda_frame_copy(&frame, &err);
    assert_non_null(copy);
    assert_int_equal(copy->format.domain, ORIEL_DOMAIN_CUDA);
    assert_int_equal(copy->stamp.seq, 5);
    assert_int_equal(copy->ready.kind, ORIEL_FENCE_NONE);
    assert_int_equal(copy->planes[0].stride, 256);
    assert_int_equal(copy->planes[1].handle, copy->planes[0].handle);
    assert_int_equal(copy->planes[1].offset, 4 * 256);
    uint8_t there[6 * 256];
    fetch(there, copy->planes[0].handle, sizeof(there));
    assert_int_equal(there[2 * 256 + 59], 40);
    assert_int_equal(there[4 * 256], 90);
    assert_int_equal(there[5 * 256 + 63], 90);
    frame_unref(copy);
    assert_int_equal(standin.count("live.bytes"), before);
    static const char *const calls[] = {"cuCtxPushCurrent", "cuMemAlloc", "cuMemcpyHtoD",
                                        "cuStreamSynchronize"};
    for (size_t i = 0; i < 4; i++) {
        (standin.fail)(calls[i], 1, 2);
        assert_null(cuda_frame_copy(&frame, &err));
        assert_non_null(strstr(err.text, calls[i]));
    }
    assert_int_equal(standin.count("live.bytes"), before);
    no_faults();
}

int main(void)
{
    staged = standin_load(&standin, "libcuda.so.1") && stage_open(&stage, "capture-cuda");
    host = services_create("test");
    known.ordinal = -1;
    if (staged && epoxy_has_gl_extension("GL_EXT_memory_object"))
        glGetUnsignedBytei_vEXT(GL_DEVICE_UUID_EXT, 0, known.uuid);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_device_that_draws),
        cmocka_unit_test(joins_and_joins_again),
        cmocka_unit_test(waits_for_events),
        cmocka_unit_test(uploads_a_picture),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    services_destroy(host);
    stage_close(&stage);
    return failed;
}
