/* SPDX-License-Identifier: BSD-3-Clause */
/* The stand-in for NVENC while pictures are under way: what may not be touched, threads, a device
 * that is lost, failures on request. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "rig.h"

static struct packet packet;

/* The call is answered with `status` and seen as one fault. */
#define BREAKS(call, status, text)                                                                 \
    do {                                                                                           \
        assert_int_equal((call), (int)(status));                                                   \
        expect_faults(&nvenc_standin, 1, text);                                                    \
    } while (0)

static void in_flight(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    nvenc_standin.set("delay.us", 0);
    client_round(&c, 0, 0, &packet);
    assert_int_equal(client_send(&c, 0, 0), 0);
    BREAKS(nv.nvEncUnmapInputResource(c.session, c.mapped[0]), 0, "its picture is in flight");
    c.mapped[0] = NULL;
    assert_int_equal(client_fetch(&c, 0, &packet), 0);
    assert_int_equal(client_send(&c, 1, 0), 0);
    BREAKS(nv.nvEncDestroyBitstreamBuffer(c.session, c.bitstream[1]), 0, "picture is in flight");
    c.bitstream[1] = NULL;
    NV_ENC_PIC_PARAMS end = {.version = NV_ENC_PIC_PARAMS_VER,
                             .encodePicFlags = NV_ENC_PIC_FLAG_EOS};
    assert_int_equal(nv.nvEncEncodePicture(c.session, &end), 0);
    client_destroy(&c);
    expect_faults(&nvenc_standin, 0, "");
}

/* The client frees or overwrites what the encoder is still to read. */
static void input_goes_away(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    nvenc_standin.set("delay.us", 100000);
    nvenc_standin.set("delay.fixed", 1);
    client_paint(&c, 0, 0);
    assert_int_equal(client_send(&c, 0, 0), 0);
    assert_int_equal(cu->cuMemFree(c.memory[0]), 0);
    BREAKS(client_fetch(&c, 0, &packet), NV_ENC_ERR_GENERIC,
           "its input is in memory that was freed");
    assert_int_equal(cu->cuMemAlloc(&c.memory[0], 16), 0);
    client_destroy(&c);
    expect_faults(&nvenc_standin, 0, "");
}

/* Work on a stream that the encoder does not wait for: the pixels come too late. */
static void input_comes_late(void **state)
{
    (void)state;
    struct client c;
    CUstream stream;
    client_create(&c);
    client_paint(&c, 0, 0);
    cu->cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING);
    cuda_standin.set("delay.us", 50000);
    cuda_standin.set("delay.fixed", 1);
    nvenc_standin.set("delay.us", 45000); /* before it reads, and before it looks again */
    nvenc_standin.set("delay.fixed", 1);
#ifdef __SANITIZE_THREAD__
    print_message("the late input is left out: here it is what ThreadSanitizer reports\n");
#else
    cu->cuMemsetD8Async(c.memory[0], 77, c.pitch * HEIGHT, stream);
    assert_int_equal(client_send(&c, 0, 0), 0);
    assert_int_equal(client_fetch(&c, 0, &packet), 0);
    expect_faults(&nvenc_standin, 1, "the input was written while its picture was in flight");
    cu->cuStreamSynchronize(stream);
#endif
    /* The same stream named as the input stream: nothing is late. */
    assert_int_equal(nv.nvEncSetIOCudaStreams(c.session, &stream, &stream), 0);
    for (unsigned t = 0; t < 10; t++) {
        cu->cuMemsetD8Async(c.memory[0], (unsigned char)t, c.pitch * HEIGHT, stream);
        assert_int_equal(client_send(&c, 0, 0), 0);
        assert_int_equal(client_fetch(&c, 0, &packet), 0);
    }
    assert_int_equal(nv.nvEncSetIOCudaStreams(c.session, NULL, NULL), 0);
    void *nothing = &c;
    BREAKS(nv.nvEncSetIOCudaStreams(c.session, &nothing, NULL), NV_ENC_ERR_INVALID_PARAM,
           "not pointers");
    cu->cuStreamDestroy(stream);
    client_destroy(&c);
    expect_faults(&nvenc_standin, 0, "");
    expect_faults(&cuda_standin, 0, "");
}

static void leaving_things(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    client_paint(&c, 0, 0);
    assert_int_equal(client_send(&c, 0, 0), 0);
    assert_int_equal(nv.nvEncDestroyEncoder(c.session), 0);
    for (unsigned i = 0; i < INPUTS; i++)
        cu->cuMemFree(c.memory[i]);
    expect_faults(&nvenc_standin, 2, "1 pictures were neither fetched nor flushed");
    client_create(&c);
    BREAKS(nv.nvEncDestroyEncoder(c.session), 0,
           "leaves 3 mapped and 3 registered resources, 0 input buffers, 3 bitstreams");
    for (unsigned i = 0; i < INPUTS; i++)
        cu->cuMemFree(c.memory[i]);
}

struct thread {
    struct client *client;
    NVENCSTATUS status;
};

static void *gets_headers(void *opaque)
{
    struct thread *thread = opaque;
    uint8_t buffer[512];
    uint32_t bytes;
    NV_ENC_SEQUENCE_PARAM_PAYLOAD payload = {.version = NV_ENC_SEQUENCE_PARAM_PAYLOAD_VER,
                                             .inBufferSize = sizeof buffer,
                                             .spsppsBuffer = buffer,
                                             .outSPSPPSPayloadSize = &bytes};
    thread->status = nv.nvEncGetSequenceParams(thread->client->session, &payload);
    return NULL;
}

static void *fetches(void *opaque)
{
    static struct packet apart;
    struct thread *thread = opaque;
    thread->status = client_fetch(thread->client, 0, &apart);
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    struct client c;
    pthread_t thread;
    client_create(&c);
    struct thread job = {&c, NV_ENC_ERR_GENERIC};
    client_round(&c, 0, 0, &packet);
    assert_int_equal(pthread_create(&thread, NULL, gets_headers, &job), 0);
    pthread_join(thread, NULL);
    BREAKS(job.status, 0, "not the thread that sends pictures");
    /* One thread waits for a bitstream: another may send, but not fetch. */
    nvenc_standin.set("delay.us", 100000);
    nvenc_standin.set("delay.fixed", 1);
    client_paint(&c, 0, 0);
    client_paint(&c, 1, 1);
    assert_int_equal(client_send(&c, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, fetches, &job), 0);
    while (nvenc_standin.count("nvEncLockBitstream") < 1)
        sched_yield();
    assert_int_equal(client_send(&c, 1, 0), 0);
    pthread_join(thread, NULL);
    assert_int_equal(job.status, 0);
    expect_faults(&nvenc_standin, 0, "");
    assert_int_equal(client_fetch(&c, 1, &packet), 0);
    for (unsigned t = 0; t < 40 && !nvenc_standin.faults(NULL, 0); t++) {
        nvenc_standin.reset();
        nvenc_standin.set("delay.us", 20000);
        nvenc_standin.set("delay.fixed", 1);
        assert_int_equal(client_send(&c, 0, 0), 0);
        assert_int_equal(client_send(&c, 1, 0), 0);
        assert_int_equal(pthread_create(&thread, NULL, fetches, &job), 0);
        while (nvenc_standin.count("nvEncLockBitstream") < 1)
            sched_yield();
        assert_int_equal(client_fetch(&c, 1, &packet), 0);
        pthread_join(thread, NULL);
        assert_int_equal(job.status, 0);
    }
    char texts[512];
    assert_true(nvenc_standin.faults(texts, sizeof texts) > 0);
    assert_non_null(strstr(texts, "another thread is in a call of the same session"));
    nvenc_standin.reset();
    client_destroy(&c);
}

static void device_loss(void **state)
{
    (void)state;
    struct client c;
    const NVENCSTATUS LOST = NV_ENC_ERR_DEVICE_NOT_EXIST;
    client_create(&c);
    client_round(&c, 0, 0, &packet);
    assert_int_equal(client_send(&c, 0, 0), 0);
    cuda_standin.set("lost", 1);
    assert_int_equal(client_send(&c, 1, 0), LOST);
    assert_int_equal(client_fetch(&c, 0, &packet), LOST);
    expect_faults(&nvenc_standin, 0, "");
    BREAKS(client_send(&c, 1, 0), LOST, "was told that the device is lost");
    struct client other;
    assert_int_equal(client_open(&other), LOST);
    client_destroy(&c); /* in good order: nothing is left and nothing is a fault */
    expect_faults(&nvenc_standin, 0, "");
    expect_faults(&cuda_standin, 0, "");
    client_create(&c);
    nvenc_standin.set("lose.at", 2);
    nvenc_standin.set("delay.us", 0);
    client_round(&c, 0, 0, &packet);
    client_paint(&c, 1, 1);
    assert_int_equal(client_send(&c, 1, 0), 0);
    assert_int_equal(client_fetch(&c, 1, &packet), LOST);
    client_destroy(&c);
    expect_faults(&nvenc_standin, 0, "");
}

static void failures_on_request(void **state)
{
    (void)state;
    struct client c;
    (nvenc_standin.fail)("nvEncOpenEncodeSessionEx", 1, NV_ENC_ERR_GENERIC);
    assert_int_equal(client_open(&c), NV_ENC_ERR_GENERIC);
    client_create(&c);
    client_paint(&c, 0, 0);
    (nvenc_standin.fail)("nvEncEncodePicture", 2, NV_ENC_ERR_ENCODER_BUSY);
    (nvenc_standin.fail)("nvEncLockBitstream", 1, NV_ENC_ERR_GENERIC);
    (nvenc_standin.fail)("nvEncUnmapInputResource", 0, NV_ENC_ERR_GENERIC);
    (nvenc_standin.fail)("nvEncDestroyEncoder", 1, NV_ENC_ERR_GENERIC);
    assert_int_equal(client_send(&c, 0, 0), 0);
    assert_int_equal(client_send(&c, 1, 0), NV_ENC_ERR_ENCODER_BUSY);
    assert_int_equal(client_fetch(&c, 0, &packet), NV_ENC_ERR_GENERIC);
    client_destroy(&c);
    expect_faults(&nvenc_standin, 0, "");
}

int main(void)
{
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, rig_reset, rig_reset)
    const struct CMUnitTest tests[] = {
        RIGGED(in_flight),           RIGGED(input_goes_away), RIGGED(input_comes_late),
        RIGGED(leaving_things),      RIGGED(threads),         RIGGED(device_loss),
        RIGGED(failures_on_request),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
