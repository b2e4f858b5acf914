/* SPDX-License-Identifier: BSD-3-Clause */
/* encode/nvjpeg against the libcuda and libnvjpeg that the loader finds: the stand-ins of
 * tests/standin, or those of a machine that has the GPU. What only a stand-in can do, a call that
 * fails and a count of live objects, is left out there and said so; without the libraries the
 * module has to say what is missing. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pair.h"
#include "standin/standin.h"

static bool has_nvjpeg;
static const struct oriel_encoder *encoder;

/* --- the stand-ins' own functions; not there on a GPU --- */

static struct standin fake_cuda, fake_nvjpeg;

static bool on_standin(void)
{
    return fake_cuda.fail && fake_nvjpeg.fail;
}

static void need_libraries(void)
{
    if (cuda && has_nvjpeg)
        return;
    print_message("left out: no %s\n", cuda ? "libnvjpeg" : "libcuda.so.1 with a device");
    skip();
}

static void need_standin(void)
{
    need_libraries();
    if (on_standin())
        return;
    print_message("left out: only a stand-in fails when told to\n");
    skip();
}

static void fail_once(const char *call, int code)
{
    const struct standin *library = strncmp(call, "nvjpeg", 6) ? &fake_cuda : &fake_nvjpeg;
    (library->fail)(call, 1, code); /* not the macro of cmocka */
}

static void reset_standins(void)
{
    fake_cuda.reset();
    fake_nvjpeg.reset();
}

static void expect_no_faults(void)
{
    char text[2048] = "";
    if (fake_cuda.faults && fake_cuda.faults(text, sizeof(text)))
        fail_msg("libcuda was misused: %s", text);
    if (fake_nvjpeg.faults && fake_nvjpeg.faults(text, sizeof(text)))
        fail_msg("libnvjpeg was misused: %s", text);
}

static uint64_t live_objects(void)
{
    return fake_cuda.count("live.streams") + fake_cuda.count("live.events") +
           fake_cuda.count("live.bytes") + fake_nvjpeg.count("live.states") +
           fake_nvjpeg.count("live.params");
}

/* --- an instance with a host that knows the device --- */

static const void *host_interface(const struct oriel_host *host, const char *id)
{
    (void)host;
    return strcmp(id, ORIEL_HOST_CUDA_V1) == 0 && device.context ? &device : NULL;
}

static oriel_result open_rig(struct rig *rig, const char *set, const struct oriel_format *format)
{
    rig_prepare(rig, encoder, set);
    rig->host.get_interface = host_interface;
    return encoder->create(&rig->host, &rig->options.config, format, 60, &rig->sink, &rig->self);
}

static struct oriel_format format_in(uint32_t fourcc, uint32_t width, uint32_t height)
{
    struct oriel_format format = format_of(fourcc, width, height, ORIEL_MATRIX_BT601, 1);
    format.domain = ORIEL_DOMAIN_CUDA;
    return format;
}

/* --- tests --- */

static void says_what_is_missing(void **state)
{
    (void)state;
    struct oriel_format format = format_in(ORIEL_FMT_I420, 64, 48);
    struct rig rig;
    if (!cuda) {
        assert_int_equal(open_rig(&rig, "", &format), ORIEL_UNSUPPORTED);
        assert_non_null(strstr(rig.failure, "libcuda.so.1"));
        options_finish(&rig.options);
        return;
    }
    uint64_t context = device.context;
    device.context = 0;
    assert_int_equal(open_rig(&rig, "", &format), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(rig.failure, "no CUDA device"));
    options_finish(&rig.options);
    device.context = context;
    assert_int_equal(open_rig(&rig, "library=/nowhere/libnvjpeg.so", &format), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(rig.failure, "/nowhere/libnvjpeg.so"));
    options_finish(&rig.options);
    assert_int_equal(open_rig(&rig, "library=libcuda.so.1", &format), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(rig.failure, "libnvjpeg has no nvjpeg"));
    options_finish(&rig.options);
    if (!has_nvjpeg) {
        assert_int_equal(open_rig(&rig, "", &format), ORIEL_UNSUPPORTED);
        assert_non_null(strstr(rig.failure, "no nvJPEG"));
        options_finish(&rig.options);
    }
}

static void tables_are_sane(void **state)
{
    (void)state;
    struct oriel_format format;
    uint32_t codec;
    assert_int_equal(encoder->codec(0, &codec), ORIEL_OK);
    assert_true(codec == ORIEL_CODEC_JPEG);
    assert_int_equal(encoder->codec(1, &codec), ORIEL_UNSUPPORTED);
    for (uint32_t i = 0; encoder->input_format(i, &format) == ORIEL_OK; i++) {
        assert_int_equal(format.domain, ORIEL_DOMAIN_CUDA);
        assert_int_equal(format.matrix, ORIEL_MATRIX_BT601);
        assert_int_equal(format.full_range, 1);
    }
    encoder->destroy(NULL);
}

static void pictures_come_back(void **state)
{
    (void)state;
    need_libraries();
    static const uint32_t sizes[][2] = {{1280, 720}, {64, 48}, {641, 479}, {16, 16}, {33, 17}};
    static const uint32_t fourccs[] = {ORIEL_FMT_I420, ORIEL_FMT_I444};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (size_t f = 0; f < 2; f++) {
            struct oriel_format format = format_in(fourccs[f], sizes[i][0], sizes[i][1]);
            struct rig rig;
            if (open_rig(&rig, "quality=95", &format))
                fail_msg("%s", rig.failure);
            for (unsigned t = 0; t < 3; t++) {
                struct pair pair = pair_create(&format, t, false);
                if (rig_encode(&rig, &pair.frame, 0))
                    fail_msg("%s", rig.failure);
                assert_int_equal(rig.count, t + 1);
                const struct kept_packet *kept = &rig.packets[t];
                assert_true(kept->packet.codec == ORIEL_CODEC_JPEG);
                assert_int_equal(kept->packet.flags, ORIEL_PACKET_KEY | ORIEL_PACKET_DISCARDABLE);
                assert_memory_equal(&kept->packet.stamp, &pair.frame.stamp,
                                    sizeof(pair.frame.stamp));
                assert_memory_equal(&kept->packet.format, &format, sizeof(format));
                assert_true(kept->packet.t_done_ns >= kept->packet.t_submit_ns);
                double psnr[3];
                decoded_psnr(kept, pair.host, psnr);
                if (psnr[0] < 36 || psnr[1] < 36 || psnr[2] < 36)
                    fail_msg("%.4s %u×%u: %.1f %.1f %.1f dB", (const char *)&format.fourcc,
                             format.width, format.height, psnr[0], psnr[1], psnr[2]);
                pair_destroy(&pair);
            }
            rig_finish(&rig);
        }
    expect_no_faults();
}

static void quality_is_live(void **state)
{
    (void)state;
    need_libraries();
    struct oriel_format format = format_in(ORIEL_FMT_I420, 320, 240);
    struct pair pair = pair_create(&format, 0, false);
    struct rig rig;
    assert_int_equal(open_rig(&rig, "quality=95", &format), ORIEL_OK);
    static const char *const sets[] = {"quality=95", "quality=20", "quality=95"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_set(&rig, sets[i]), ORIEL_OK);
        assert_int_equal(rig_encode(&rig, &pair.frame, 0), ORIEL_OK);
    }
    assert_true(rig.packets[1].packet.bytes * 2 < rig.packets[0].packet.bytes);
    assert_int_equal(rig.packets[2].packet.bytes, rig.packets[0].packet.bytes);
    double psnr[3], low[3];
    decoded_psnr(&rig.packets[0], pair.host, psnr);
    decoded_psnr(&rig.packets[1], pair.host, low);
    assert_true(low[0] < psnr[0] - 3);
    rig_finish(&rig);

    struct rig small;
    assert_int_equal(open_rig(&rig, "quality=80", &format), ORIEL_OK);
    assert_int_equal(open_rig(&small, "quality=80 optimize_huffman=true", &format), ORIEL_OK);
    assert_int_equal(rig_encode(&rig, &pair.frame, 0), ORIEL_OK);
    assert_int_equal(rig_encode(&small, &pair.frame, 0), ORIEL_OK);
    /* The stand-in has but one set of tables. */
    if (!on_standin())
        assert_true(small.packets[0].packet.bytes < rig.packets[0].packet.bytes);
    rig_finish(&small);
    rig_finish(&rig);
    pair_destroy(&pair);
    expect_no_faults();
}

/* Noise in the best quality is larger than the picture. */
static void large_ones_find_room(void **state)
{
    (void)state;
    need_libraries();
    struct oriel_format format = format_in(ORIEL_FMT_I444, 640, 480);
    struct pair noise = pair_create(&format, 0, true), calm = pair_create(&format, 1, false);
    struct rig rig;
    assert_int_equal(open_rig(&rig, "quality=40", &format), ORIEL_OK);
    assert_int_equal(rig_set(&rig, "quality=100"), ORIEL_OK);
    assert_int_equal(rig_encode(&rig, &calm.frame, 0), ORIEL_OK);
    for (int i = 0; i < 2; i++)
        if (rig_encode(&rig, &noise.frame, 0))
            fail_msg("%s", rig.failure);
    assert_int_equal(rig_encode(&rig, &calm.frame, 0), ORIEL_OK);
    assert_true(rig.packets[1].packet.bytes > 640 * 480);
    double psnr[3];
    decoded_psnr(&rig.packets[1], noise.host, psnr);
    assert_true(psnr[0] > 40 && psnr[1] > 40 && psnr[2] > 40);
    assert_int_equal(rig.packets[2].packet.bytes, rig.packets[1].packet.bytes);
    assert_int_equal(rig.packets[3].packet.bytes, rig.packets[0].packet.bytes);
    rig_finish(&rig);
    pair_destroy(&noise);
    pair_destroy(&calm);
    expect_no_faults();
}

static void refuse(const struct oriel_format *format)
{
    struct rig rig;
    assert_int_equal(open_rig(&rig, "", format), ORIEL_UNSUPPORTED);
    assert_null(rig.self);
    assert_true(strlen(rig.failure) > 10);
    options_finish(&rig.options);
}

/* To make nvJPEG's handle takes long: all instances on one context share it, and it stays. */
static void one_handle_serves_all(void **state)
{
    (void)state;
    need_standin();
    static const struct {
        int code;
        oriel_result result;
    } failures[] = {{7, ORIEL_UNSUPPORTED}, {1, ORIEL_IO}};
    struct oriel_format format = format_in(ORIEL_FMT_I420, 64, 48);
    struct rig rig, other;
    CUcontext fresh, popped;
    uint64_t context = device.context, handles = fake_nvjpeg.count("live.handles");
    assert_int_equal(cuda->cuCtxCreate(&fresh, 0, device.device), 0);
    assert_int_equal(cuda->cuCtxPopCurrent(&popped), 0);
    device.context = (uint64_t)(uintptr_t)fresh;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        fail_once("nvjpegCreateSimple", failures[i].code);
        assert_int_equal(open_rig(&rig, "", &format), failures[i].result);
        assert_non_null(strstr(rig.failure, "nvjpegCreateSimple"));
        options_finish(&rig.options);
        assert_int_equal(fake_nvjpeg.count("live.handles"), handles);
    }
    for (int n = 0; n < 2; n++) {
        assert_int_equal(open_rig(&rig, "", &format), ORIEL_OK);
        assert_int_equal(open_rig(&other, "", &format), ORIEL_OK);
        rig_finish(&rig);
        rig_finish(&other);
        assert_int_equal(fake_nvjpeg.count("live.handles"), handles + 1);
    }
    device.context = context;
    expect_no_faults();
    reset_standins();
}

static void refusals_say_why(void **state)
{
    (void)state;
    need_libraries();
    struct oriel_format good = format_in(ORIEL_FMT_I420, 64, 48), bad = good;
    bad.domain = ORIEL_DOMAIN_CPU;
    refuse(&bad);
    bad = good;
    bad.fourcc = ORIEL_FMT_NV12;
    refuse(&bad);
    bad = good;
    bad.matrix = ORIEL_MATRIX_BT709;
    refuse(&bad);
    bad = good;
    bad.full_range = 0;
    refuse(&bad);
    bad = good;
    bad.width = 65501;
    refuse(&bad);
    bad.width = 15;
    refuse(&bad);

    struct rig rig;
    assert_int_equal(open_rig(&rig, "", &good), ORIEL_OK);
    struct pair pair = pair_create(&good, 0, false);
    pair.frame.planes[2].stride = 3;
    assert_int_equal(rig_encode(&rig, &pair.frame, 0), ORIEL_INVALID);
    pair.frame.planes[2].stride = 256;
    assert_int_equal(rig_encode(&rig, &pair.frame, 0x80), ORIEL_UNSUPPORTED);
    assert_int_equal(rig.count, 0);
    assert_int_equal(rig_encode(&rig, &pair.frame, 0), ORIEL_OK); /* still works */
    pair_destroy(&pair);
    rig_finish(&rig);
    expect_no_faults();
}

static void errors_have_names(void **state)
{
    (void)state;
    need_standin();
    enum { OUT_OF_MEMORY = 2, INVALID_VALUE = 1, LAUNCH_FAILED = 719 };
    static const struct {
        const char *call;
        int code;
        oriel_result result;
    } at_create[] =
        {
            {"cuCtxPushCurrent", LAUNCH_FAILED, ORIEL_DEVICE_LOST},
            {"cuCtxGetStreamPriorityRange", INVALID_VALUE, ORIEL_IO},
            {"cuStreamCreateWithPriority", OUT_OF_MEMORY, ORIEL_NOMEM},
            {"nvjpegEncoderStateCreate", 5, ORIEL_NOMEM},
            {"nvjpegEncoderParamsCreate", 8, ORIEL_IO},
            {"nvjpegEncoderParamsSetSamplingFactors", 2, ORIEL_IO},
            {"nvjpegEncoderParamsSetOptimizedHuffman", 9, ORIEL_UNSUPPORTED},
            {"nvjpegEncoderParamsSetQuality", 2, ORIEL_IO},
            {"cuMemHostAlloc", OUT_OF_MEMORY, ORIEL_NOMEM},
        },
      at_encode[] = {
          {"cuCtxPushCurrent", LAUNCH_FAILED, ORIEL_DEVICE_LOST},
          {"nvjpegEncodeYUV", 6, ORIEL_IO},
          {"nvjpegEncodeYUV", 5, ORIEL_NOMEM},
          {"nvjpegEncodeRetrieveBitstream", 8, ORIEL_IO},
      };
    struct oriel_format format = format_in(ORIEL_FMT_I420, 64, 48);
    uint64_t live = live_objects();
    for (size_t i = 0; i < sizeof(at_create) / sizeof(at_create[0]); i++) {
        struct rig rig;
        fail_once(at_create[i].call, at_create[i].code);
        oriel_result result = open_rig(&rig, "", &format);
        if (result != at_create[i].result || !strstr(rig.failure, at_create[i].call))
            fail_msg("%s: %d, %s", at_create[i].call, result, rig.failure);
        assert_null(rig.self);
        assert_int_equal(live_objects(), live);
        options_finish(&rig.options);
    }
    struct pair pair = pair_create(&format, 0, false);
    live = live_objects();
    struct rig rig;
    assert_int_equal(open_rig(&rig, "", &format), ORIEL_OK);
    for (size_t i = 0; i < sizeof(at_encode) / sizeof(at_encode[0]); i++) {
        fail_once(at_encode[i].call, at_encode[i].code);
        oriel_result result = rig_encode(&rig, &pair.frame, 0);
        if (result != at_encode[i].result || !strstr(rig.failure, at_encode[i].call))
            fail_msg("%s: %d, %s", at_encode[i].call, result, rig.failure);
        assert_int_equal(rig.count, i);
        if (rig_encode(&rig, &pair.frame, 0)) /* the next one comes */
            fail_msg("after %s: %s", at_encode[i].call, rig.failure);
    }
    fail_once("nvjpegEncoderParamsSetQuality", 2);
    assert_int_equal(rig_set(&rig, "quality=50"), ORIEL_IO);
    assert_non_null(strstr(rig.failure, "INVALID_PARAMETER"));
    rig_finish(&rig);
    assert_int_equal(live_objects(), live);
    pair_destroy(&pair);
    expect_no_faults();
    reset_standins();
}

/* What ends an instance: the stream cannot be waited for. */
static void lost_devices_are_told_of(void **state)
{
    (void)state;
    need_standin();
    enum { INVALID_VALUE = 1, ECC_UNCORRECTABLE = 214, LAUNCH_FAILED = 719 };
    static const struct {
        int nvjpeg, cuda; /* what nvjpegEncodeYUV and cuStreamSynchronize answer */
        oriel_result result;
        const char *text;
    } cases[] = {
        {0, LAUNCH_FAILED, ORIEL_DEVICE_LOST, "cuStreamSynchronize"},
        {0, ECC_UNCORRECTABLE, ORIEL_DEVICE_LOST, "cuStreamSynchronize"},
        {0, INVALID_VALUE, ORIEL_FATAL, "cuStreamSynchronize"},
        {6, LAUNCH_FAILED, ORIEL_DEVICE_LOST, "EXECUTION_FAILED (6), the GPU is lost"},
    };
    struct oriel_format format = format_in(ORIEL_FMT_I420, 64, 48);
    struct pair pair = pair_create(&format, 0, false);
    uint64_t live = live_objects();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig rig;
        assert_int_equal(open_rig(&rig, "", &format), ORIEL_OK);
        if (cases[i].nvjpeg)
            fail_once("nvjpegEncodeYUV", cases[i].nvjpeg);
        fail_once("cuStreamSynchronize", cases[i].cuda);
        assert_int_equal(rig_encode(&rig, &pair.frame, 0), cases[i].result);
        assert_non_null(strstr(rig.failure, cases[i].text));
        assert_int_equal(rig.count, 0);
        rig_finish(&rig);
        assert_int_equal(live_objects(), live);
    }
    pair_destroy(&pair);
    expect_no_faults();
    reset_standins();
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    need_libraries();
    struct oriel_format format = format_in(ORIEL_FMT_I420, 128, 96);
    struct pair pair = pair_create(&format, 0, false);
    uint64_t live = on_standin() ? live_objects() : 0;
    for (unsigned n = 0; n < 100; n++) {
        struct rig rig;
        assert_int_equal(open_rig(&rig, "", &format), ORIEL_OK);
        for (unsigned t = 0; t < n % 3; t++)
            assert_int_equal(rig_encode(&rig, &pair.frame, 0), ORIEL_OK);
        rig_finish(&rig);
    }
    if (on_standin())
        assert_int_equal(live_objects(), live);
    pair_destroy(&pair);
    expect_no_faults();
}

static void *encode_some(void *data)
{
    struct pair *pair = data;
    struct rig rig;
    assert_int_equal(open_rig(&rig, "quality=90", &pair->frame.format), ORIEL_OK);
    for (unsigned t = 0; t < 20; t++)
        assert_int_equal(rig_encode(&rig, &pair->frame, 0), ORIEL_OK);
    double psnr[3];
    decoded_psnr(&rig.packets[19], pair->host, psnr);
    assert_true(psnr[0] > 30);
    rig_finish(&rig);
    return NULL;
}

static void instances_run_side_by_side(void **state)
{
    (void)state;
    need_libraries();
    struct pair pairs[3];
    pthread_t threads[3];
    for (uint32_t i = 0; i < 3; i++) {
        struct oriel_format format = format_in(ORIEL_FMT_I420, 160 + 32 * i, 120);
        pairs[i] = pair_create(&format, i, false);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, encode_some, &pairs[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        pair_destroy(&pairs[i]);
    }
    expect_no_faults();
}

static void open_device(void)
{
    CUdevice number;
    CUcontext context;
    int count = 0;
    if (cuda_load_functions(&cuda, NULL))
        return;
    if (cuda->cuInit(0) || cuda->cuDeviceGetCount(&count) || !count ||
        cuda->cuDeviceGet(&number, 0) || cuda->cuDevicePrimaryCtxRetain(&context, number)) {
        print_message("libcuda.so.1 is here, but no device\n");
        cuda_free_functions(&cuda);
        return;
    }
    device.device = number;
    device.context = (uintptr_t)context;
    standin_load(&fake_cuda, "libcuda.so.1");
    /* Where libnvjpeg is, the module knows. */
    struct oriel_format format = format_in(ORIEL_FMT_I420, 64, 48);
    struct rig rig;
    oriel_result result = open_rig(&rig, "", &format);
    has_nvjpeg = !result || !strstr(rig.failure, "no nvJPEG");
    if (result)
        print_message("encode/nvjpeg: %s\n", rig.failure);
    rig_finish(&rig);
    standin_load(&fake_nvjpeg, "libnvjpeg.so.12");
}

/* test_encode_nvjpeg [pattern]: only the cases of that name */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    encoder = module_open("encode/nvjpeg", NULL);
    if (!encoder)
        return 1;
    open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(tables_are_sane),
        cmocka_unit_test(one_handle_serves_all),
        cmocka_unit_test(pictures_come_back),
        cmocka_unit_test(quality_is_live),
        cmocka_unit_test(large_ones_find_room),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(errors_have_names),
        cmocka_unit_test(lost_devices_are_told_of),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(instances_run_side_by_side),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (cuda)
        cuda->cuDevicePrimaryCtxRelease(device.device);
    return failed;
}
