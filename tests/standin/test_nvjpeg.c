/* SPDX-License-Identifier: BSD-3-Clause */
/* The stand-in for nvJPEG: a picture comes out, and every rule broken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <turbojpeg.h>

#include <cmocka.h>

#include "rig.h"

enum { OK = 0, INVALID = 2, FAILED = 6, CSS_444 = 0, CSS_420 = 2, CSS_440 = 3, RGBI = 5 };

struct image {
    unsigned char *channel[4];
    size_t pitch[4];
};

/* The part of nvJPEG's ABI that is used here. */
static struct {
    int (*create)(void **);
    int (*destroy)(void *);
    int (*state_create)(void *, void **, CUstream);
    int (*state_destroy)(void *);
    int (*params_create)(void *, void **, CUstream);
    int (*params_destroy)(void *);
    int (*quality)(void *, int, CUstream);
    int (*sampling)(void *, int, CUstream);
    int (*encode)(void *, void *, void *, const struct image *, int, int, int, CUstream);
    int (*encode_image)(void *, void *, void *, const struct image *, int, int, int, CUstream);
    int (*retrieve)(void *, void *, unsigned char *, size_t *, CUstream);
} jpeg;

static struct standin jpeg_standin;

static void symbol(const char *name, void *function)
{
    void *found = dlsym(jpeg_standin.library, name);
    assert_non_null(found);
    memcpy(function, &found, sizeof found);
}

static int open_all(void **state)
{
    rig_open(state);
    assert_true(standin_load(&jpeg_standin, "libnvjpeg.so.12"));
    symbol("nvjpegCreateSimple", &jpeg.create);
    symbol("nvjpegDestroy", &jpeg.destroy);
    symbol("nvjpegEncoderStateCreate", &jpeg.state_create);
    symbol("nvjpegEncoderStateDestroy", &jpeg.state_destroy);
    symbol("nvjpegEncoderParamsCreate", &jpeg.params_create);
    symbol("nvjpegEncoderParamsDestroy", &jpeg.params_destroy);
    symbol("nvjpegEncoderParamsSetQuality", &jpeg.quality);
    symbol("nvjpegEncoderParamsSetSamplingFactors", &jpeg.sampling);
    symbol("nvjpegEncodeYUV", &jpeg.encode);
    symbol("nvjpegEncodeImage", &jpeg.encode_image);
    symbol("nvjpegEncodeRetrieveBitstream", &jpeg.retrieve);
    return 0;
}

struct rig {
    void *handle, *state, *params;
    CUdeviceptr memory;
    size_t pitch;
    CUstream stream;
    struct image image;
};

enum { JPEG_WIDTH = 101, JPEG_HEIGHT = 67, CHROMA_WIDTH = 51, CHROMA_HEIGHT = 34, Y_STRIDE = 102 };

static void rig_begin(struct rig *r)
{
    assert_int_equal(jpeg.create(&r->handle), OK);
    assert_int_equal(cu->cuStreamCreate(&r->stream, CU_STREAM_NON_BLOCKING), 0);
    assert_int_equal(jpeg.state_create(r->handle, &r->state, r->stream), OK);
    assert_int_equal(jpeg.params_create(r->handle, &r->params, r->stream), OK);
    assert_int_equal(jpeg.quality(r->params, 95, r->stream), OK);
    assert_int_equal(jpeg.sampling(r->params, CSS_420, r->stream), OK);
    size_t rows = JPEG_HEIGHT + 2 * CHROMA_HEIGHT;
    assert_int_equal(cu->cuMemAllocPitch(&r->memory, &r->pitch, JPEG_WIDTH, rows, 4), 0);
    uint8_t *host = malloc(r->pitch * rows);
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < r->pitch; x++)
            host[y * r->pitch + x] = (uint8_t)(y < JPEG_HEIGHT                   ? 60 + x + y / 2
                                               : y < JPEG_HEIGHT + CHROMA_HEIGHT ? 90
                                                                                 : 150);
    assert_int_equal(cu->cuMemcpyHtoD(r->memory, host, r->pitch * rows), 0);
    free(host);
    unsigned char *at = (unsigned char *)(uintptr_t)r->memory;
    r->image = (struct image){
        {at, at + r->pitch * JPEG_HEIGHT, at + r->pitch * (JPEG_HEIGHT + CHROMA_HEIGHT), NULL},
        {r->pitch, r->pitch, r->pitch, 0}};
}

static void rig_end(struct rig *r)
{
    assert_int_equal(jpeg.params_destroy(r->params), OK);
    assert_int_equal(jpeg.state_destroy(r->state), OK);
    assert_int_equal(jpeg.destroy(r->handle), OK);
    assert_int_equal(jpeg_standin.count("live.handles"), 0);
    cu->cuMemFree(r->memory);
    cu->cuStreamDestroy(r->stream);
    expect_faults(&cuda_standin, 0, "");
}

static size_t encode(struct rig *r, uint8_t *out, size_t room)
{
    size_t bytes = 0;
    assert_int_equal(jpeg.encode(r->handle, r->state, r->params, &r->image, CSS_420, JPEG_WIDTH,
                                 JPEG_HEIGHT, r->stream),
                     OK);
    assert_int_equal(jpeg.retrieve(r->handle, r->state, NULL, &bytes, r->stream), OK);
    assert_true(bytes > 0 && bytes <= room);
    assert_int_equal(jpeg.retrieve(r->handle, r->state, out, &bytes, r->stream), OK);
    assert_int_equal(cu->cuStreamSynchronize(r->stream), 0);
    return bytes;
}

static void encodes(void **state)
{
    (void)state;
    static uint8_t out[1 << 16], y[Y_STRIDE * (JPEG_HEIGHT + 1)], u[CHROMA_WIDTH * CHROMA_HEIGHT],
        v[CHROMA_WIDTH * CHROMA_HEIGHT];
    struct rig r;
    rig_begin(&r);
    size_t fine = encode(&r, out, sizeof out);
    tjhandle tj = tjInitDecompress();
    int width, height, sampling, space;
    assert_int_equal(tjDecompressHeader3(tj, out, fine, &width, &height, &sampling, &space), 0);
    assert_int_equal(width, JPEG_WIDTH);
    assert_int_equal(height, JPEG_HEIGHT);
    assert_int_equal(sampling, TJSAMP_420);
    unsigned char *planes[3] = {y, u, v};
    int strides[3] = {Y_STRIDE, CHROMA_WIDTH, CHROMA_WIDTH};
    assert_int_equal(tjDecompressToYUVPlanes(tj, out, fine, planes, 0, strides, 0, 0), 0);
    for (int row = 0; row < JPEG_HEIGHT; row++)
        for (int x = 0; x < JPEG_WIDTH; x++)
            assert_true(abs(y[row * Y_STRIDE + x] - (60 + x + row / 2)) <= 4);
    assert_true(abs(u[100] - 90) <= 3 && abs(v[100] - 150) <= 3);
    assert_int_equal(jpeg.quality(r.params, 20, r.stream), OK);
    assert_true(encode(&r, out, sizeof out) < fine);
    assert_int_equal(jpeg.sampling(r.params, CSS_444, r.stream), OK); /* it resamples */
    size_t bytes = encode(&r, out, sizeof out);
    assert_int_equal(tjDecompressHeader3(tj, out, bytes, &width, &height, &sampling, &space), 0);
    assert_int_equal(sampling, TJSAMP_444);
    tjDestroy(tj);
    assert_int_equal(
        jpeg.encode_image(r.handle, r.state, r.params, &r.image, RGBI, 30, 30, r.stream), OK);
    assert_int_equal(jpeg.retrieve(r.handle, r.state, NULL, &bytes, r.stream), OK);
    assert_int_equal(jpeg_standin.count("input.cuda"), 4);
    rig_end(&r);
    expect_faults(&jpeg_standin, 0, "");
}

static void bytes_come_along_the_stream(void **state)
{
    (void)state;
    static uint8_t out[1 << 16];
    struct rig r;
    rig_begin(&r);
    size_t bytes = encode(&r, out, sizeof out);
    bool late = false;
    for (unsigned i = 0; i < 20; i++) {
        memset(out, 0, sizeof out);
        jpeg_standin.set("delay.us", 5000);
        assert_int_equal(jpeg.retrieve(r.handle, r.state, out, &bytes, r.stream), OK);
        late |= cu->cuStreamQuery(r.stream) == CUDA_ERROR_NOT_READY;
        assert_int_equal(cu->cuStreamSynchronize(r.stream), 0);
        assert_int_equal(out[1], 0xd8);
    }
    assert_true(late);
    rig_end(&r);
    expect_faults(&jpeg_standin, 0, "");
}

#define BREAKS(call, status, text)                                                                 \
    do {                                                                                           \
        assert_int_equal((call), (status));                                                        \
        expect_faults(&jpeg_standin, 1, text);                                                     \
    } while (0)

static void rules(void **state)
{
    (void)state;
    static uint8_t out[1 << 16];
    struct rig r;
    size_t bytes = 0;
    rig_begin(&r);
    BREAKS(jpeg.retrieve(r.handle, r.state, NULL, &bytes, r.stream), INVALID,
           "the state has no picture");
    BREAKS(jpeg.quality(r.params, 0, r.stream), INVALID, "0 is no value");
    BREAKS(jpeg.sampling(r.params, 9, r.stream), INVALID, "9 is no value");
    struct image wrong = r.image;
    wrong.pitch[0] = 100;
#define ENCODE(image, stream)                                                                      \
    jpeg.encode(r.handle, r.state, r.params, image, CSS_420, JPEG_WIDTH, JPEG_HEIGHT, stream)
    BREAKS(ENCODE(&wrong, r.stream), INVALID,
           "channel 0 has rows of 101 bytes with a pitch of 100");
    wrong = r.image;
    wrong.channel[2] += r.pitch;
    BREAKS(ENCODE(&wrong, r.stream), FAILED, "channel 2 goes beyond its block");
    wrong.channel[2] = out;
    BREAKS(ENCODE(&wrong, r.stream), FAILED, "channel 2 is not device memory");
    BREAKS(ENCODE(&r.image, (CUstream)(void *)out), FAILED, "not a stream");
    BREAKS(jpeg.encode(r.handle, r.state, r.params, &r.image, CSS_440, 8, 8, NULL), INVALID,
           "sampling 3");
    BREAKS(jpeg.encode(r.state, r.state, r.params, &r.image, CSS_420, 8, 8, NULL), INVALID,
           "a live handle");
    jpeg_standin.set("delay.us", 50000);
    jpeg_standin.set("delay.fixed", 1);
    assert_int_equal(ENCODE(&r.image, r.stream), OK);
    BREAKS(ENCODE(&r.image, r.stream), INVALID, "is still on the stream");
    bytes = 3;
    BREAKS(jpeg.retrieve(r.handle, r.state, out, &bytes, r.stream), INVALID, "room for 3 of");
    void *other;
    assert_int_equal(jpeg.state_create(r.handle, &other, r.stream), OK);
    jpeg_standin.set("delay.us", 50000);
    jpeg_standin.set("delay.fixed", 1);
    assert_int_equal(jpeg.encode(r.handle, other, r.params, &r.image, CSS_420, 8, 8, r.stream), OK);
    BREAKS(jpeg.state_destroy(other), OK, "its picture is still on the stream");
    BREAKS(jpeg.state_destroy(other), INVALID, "not a live encoder state");
    (jpeg_standin.fail)("nvjpegEncodeYUV", 1, FAILED);
    assert_int_equal(ENCODE(&r.image, r.stream), FAILED);
    cuda_standin.set("lost", 1);
    assert_int_equal(ENCODE(&r.image, r.stream), FAILED);
    cuda_standin.set("lost", 0);
    void *handle, *left;
    assert_int_equal(jpeg.create(&handle), OK);
    assert_int_equal(jpeg.params_create(handle, &left, NULL), OK);
    expect_faults(&jpeg_standin, 0, "");
    BREAKS(jpeg.destroy(handle), OK, "1 states and parameter sets are left");
    assert_int_equal(jpeg.params_destroy(left), OK);
    /* Memory that is freed before its picture is encoded. */
    jpeg_standin.set("delay.us", 50000);
    jpeg_standin.set("delay.fixed", 1);
    assert_int_equal(ENCODE(&r.image, r.stream), OK);
    CUdeviceptr memory = r.memory;
    assert_int_equal(cu->cuMemAlloc(&r.memory, 16), 0);
    assert_int_equal(cu->cuMemFree(memory), 0); /* waits for the work, as the driver does */
    assert_int_equal(jpeg.retrieve(r.handle, r.state, NULL, &bytes, r.stream), OK);
    rig_end(&r);
    expect_faults(&jpeg_standin, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(encodes, rig_reset, rig_reset),
        cmocka_unit_test_setup_teardown(bytes_come_along_the_stream, rig_reset, rig_reset),
        cmocka_unit_test_setup_teardown(rules, rig_reset, rig_reset),
    };
    return cmocka_run_group_tests(tests, open_all, rig_close);
}
