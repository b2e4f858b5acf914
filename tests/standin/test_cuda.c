/* SPDX-License-Identifier: BSD-3-Clause */
/* The stand-in for libcuda: what it does, and every rule broken once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

enum {
    BYTES = 65536,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INVALID_CONTEXT = 201,
    INVALID_HANDLE = 400
};

static CUresult (*host_alloc)(void **, size_t, unsigned);
static CUresult (*host_free)(void *);
static CUresult (*wait_event)(CUstream, CUevent, unsigned);
static CUresult (*synchronize)(void);

static int open_all(void **state)
{
    rig_open(state);
    cuda_symbol("cuMemHostAlloc", &host_alloc);
    cuda_symbol("cuMemFreeHost", &host_free);
    cuda_symbol("cuStreamWaitEvent", &wait_event);
    cuda_symbol("cuCtxSynchronize", &synchronize);
    return 0;
}

static void describes_a_device(void **state)
{
    (void)state;
    int n, major, minor;
    char name[64];
    CUuuid a, b;
    assert_int_equal(cu->cuDeviceGetCount(&n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(cu->cuDeviceGetName(name, sizeof name, 0), 0);
    assert_string_equal(name, "Oriel stand-in GPU");
    assert_int_equal(cu->cuDeviceComputeCapability(&major, &minor, 0), 0);
    assert_int_equal(major * 10 + minor, 89);
    assert_int_equal(cu->cuDeviceGetUuid(&a, 0), 0);
    assert_int_equal(setenv("ORIEL_STANDIN_UUID", "00112233-4455-6677-8899-aabbccddeeff", 1), 0);
    assert_int_equal(cu->cuDeviceGetUuid(&b, 0), 0);
    unsetenv("ORIEL_STANDIN_UUID");
    assert_int_equal((uint8_t)b.bytes[15], 0xff);
    assert_memory_not_equal(a.bytes, b.bytes, 16);
    expect_faults(&cuda_standin, 0, "");
    assert_int_equal(cu->cuDeviceGetName(name, sizeof name, 1), 101);
    expect_faults(&cuda_standin, 1, "no device 1");
}

static void copies_late_and_in_order(void **state)
{
    (void)state;
    cuda_standin.set("delay.us", 20000);
    void *pinned;
    CUdeviceptr a, b;
    CUstream s;
    CUevent e;
    assert_int_equal(host_alloc(&pinned, BYTES, 0), 0);
    assert_int_equal(cu->cuMemAlloc(&a, BYTES), 0);
    assert_int_equal(cu->cuMemAlloc(&b, BYTES), 0);
    assert_int_equal(cu->cuStreamCreate(&s, CU_STREAM_NON_BLOCKING), 0);
    assert_int_equal(cu->cuEventCreate(&e, CU_EVENT_DISABLE_TIMING), 0);
    bool late = false;
    for (unsigned t = 1; t < 20; t++) {
        assert_int_equal(cu->cuMemsetD8Async(a, (unsigned char)t, BYTES, s), 0);
        assert_int_equal(cu->cuMemcpyDtoDAsync(b, a, BYTES, s), 0);
        assert_int_equal(cu->cuMemcpyDtoHAsync(pinned, b, BYTES, s), 0);
        assert_int_equal(cu->cuEventRecord(e, s), 0);
        late |= cu->cuEventQuery(e) == CUDA_ERROR_NOT_READY;
        assert_int_equal(cu->cuEventSynchronize(e), 0);
        assert_int_equal(cu->cuEventQuery(e), 0);
        assert_int_equal(((uint8_t *)pinned)[BYTES - 1], t);
    }
    assert_true(late);
    assert_int_equal(cuda_standin.count("copies.dtoh.bytes"), 19 * BYTES);
    assert_int_equal(cuda_standin.count("copies.dtod.bytes"), 19 * BYTES);
    assert_int_equal(cuda_standin.count("copies.pageable"), 0);
    assert_int_equal(cuda_standin.count("live.bytes"), 2 * BYTES);
    cu->cuEventDestroy(e);
    cu->cuStreamDestroy(s);
    cu->cuMemFree(a);
    cu->cuMemFree(b);
    host_free(pinned);
    expect_faults(&cuda_standin, 0, "");
}

static void orders_streams(void **state)
{
    (void)state;
    cuda_standin.set("delay.us", 10000);
    CUstream early, later, blocking;
    CUevent e;
    CUdeviceptr a;
    uint8_t host[16];
    cu->cuMemAlloc(&a, 16);
    cu->cuStreamCreate(&early, CU_STREAM_NON_BLOCKING);
    cu->cuStreamCreate(&later, CU_STREAM_NON_BLOCKING);
    cu->cuStreamCreate(&blocking, 0);
    cu->cuEventCreate(&e, 0);
    for (unsigned t = 1; t < 10; t++) { /* by an event */
        for (unsigned i = 0; i < 3; i++)
            cu->cuMemsetD8Async(a, 0, 16, early);
        cu->cuEventRecord(e, early);
        assert_int_equal(wait_event(later, e, 0), 0);
        cu->cuMemsetD8Async(a, (unsigned char)t, 16, later);
        cu->cuStreamSynchronize(later);
        cu->cuMemcpyDtoH(host, a, 16);
        assert_int_equal(host[15], t);
    }
    for (unsigned t = 1; t < 10; t++) { /* by the null stream */
        cu->cuMemsetD8Async(a, 0, 16, blocking);
        cu->cuMemsetD8Async(a, (unsigned char)t, 16, blocking);
        cu->cuMemcpyDtoH(host, a, 16);
        assert_int_equal(host[0], t);
    }
    cu->cuEventDestroy(e);
    cu->cuStreamDestroy(early);
    cu->cuStreamDestroy(later);
    cu->cuStreamDestroy(blocking);
    cu->cuMemFree(a);
    expect_faults(&cuda_standin, 0, "");
}

static void copies_rows(void **state)
{
    (void)state;
    CUdeviceptr a;
    size_t pitch;
    uint8_t in[12 * 4], out[16 * 4] = {0};
    for (unsigned i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)i;
    assert_int_equal(cu->cuMemAllocPitch(&a, &pitch, 12, 4, 4), 0);
    assert_int_equal(pitch % 512, 0);
    CUDA_MEMCPY2D up = {.srcMemoryType = CU_MEMORYTYPE_HOST,
                        .srcHost = in,
                        .srcPitch = 12,
                        .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                        .dstDevice = a,
                        .dstPitch = pitch,
                        .WidthInBytes = 12,
                        .Height = 4};
    CUDA_MEMCPY2D down = {.srcMemoryType = CU_MEMORYTYPE_DEVICE,
                          .srcDevice = a,
                          .srcPitch = pitch,
                          .srcXInBytes = 2,
                          .srcY = 1,
                          .dstMemoryType = CU_MEMORYTYPE_HOST,
                          .dstHost = out,
                          .dstPitch = 16,
                          .WidthInBytes = 8,
                          .Height = 3};
    assert_int_equal(cu->cuMemcpy2D(&up), 0);
    assert_int_equal(cu->cuMemcpy2D(&down), 0);
    for (unsigned y = 0; y < 3; y++)
        assert_memory_equal(out + y * 16, in + (y + 1) * 12 + 2, 8);
    expect_faults(&cuda_standin, 0, "");
    down.Height = 4;
    assert_int_equal(cu->cuMemcpy2D(&down), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "goes beyond its block");
    up.dstPitch = 8;
    assert_int_equal(cu->cuMemcpy2D(&up), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "with a pitch of 8");
    cu->cuMemFree(a);
}

static void watches_memory(void **state)
{
    (void)state;
    CUdeviceptr a;
    void *pinned;
    uint8_t host[32];
    size_t pitch;
    assert_int_equal(cu->cuMemAlloc(&a, 32), 0);
    assert_int_equal(cu->cuMemcpyDtoH(host, a, 32), 0);
    assert_int_equal(host[31], 0xcd);
    assert_int_equal(cu->cuMemcpyDtoH(host, a + 1, 32), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "goes beyond its block");
    assert_int_equal(cu->cuMemFree(a + 4), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "not the start of a block");
    assert_int_equal(cu->cuMemFree(a), 0);
    assert_int_equal(cu->cuMemFree(a), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "was freed");
    assert_int_equal(cu->cuMemcpyDtoH(host, a, 32), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "was freed");
    assert_int_equal(cu->cuMemcpyDtoH(host, (uintptr_t)host, 32), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "is not device memory");
    assert_int_equal(cu->cuMemAlloc(&a, 0), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "zero bytes");
    assert_int_equal(cu->cuMemAllocPitch(&a, &pitch, 64, 4, 3), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "4, 8 or 16 bytes");
    assert_int_equal(host_alloc(&pinned, 32, 0), 0);
    assert_int_equal(cu->cuMemFree((uintptr_t)pinned), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "not the start of a block of its own");
    assert_int_equal(host_free(pinned), 0);
    cuda_standin.set("memory.bytes", 1000);
    assert_int_equal(cu->cuMemAlloc(&a, 1001), OUT_OF_MEMORY);
    expect_faults(&cuda_standin, 0, "");
}

static void device_memory_cannot_be_touched(void **state)
{
    (void)state;
    CUdeviceptr a;
    unsigned char resident;
    assert_int_equal(cu->cuMemAlloc(&a, 4096), 0);
    /* The pages are there and nobody's: the kernel cannot read them either. */
    assert_int_equal(mincore((void *)(uintptr_t)a, 4096, &resident), 0);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], (void *)(uintptr_t)a, 16), -1);
    close(ends[0]);
    close(ends[1]);
    cu->cuMemFree(a);
}

static void *without_context(void *result)
{
    CUdeviceptr a;
    *(CUresult *)result = cu->cuMemAlloc(&a, 32);
    return NULL;
}

static void *forgets_to_pop(void *result)
{
    *(CUresult *)result = cu->cuCtxPushCurrent(context);
    return NULL;
}

static CUresult on_thread(void *(*run)(void *))
{
    CUresult result = CUDA_SUCCESS;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, &result), 0);
    pthread_join(thread, NULL);
    return result;
}

static void watches_contexts(void **state)
{
    (void)state;
    CUcontext other, popped;
    CUstream stream;
    CUevent event;
    CUdeviceptr a;
    assert_int_equal(on_thread(without_context), INVALID_CONTEXT);
    expect_faults(&cuda_standin, 1, "no current context");
    assert_int_equal(on_thread(forgets_to_pop), 0);
    expect_faults(&cuda_standin, 1, "a thread ended with 1 contexts");
    assert_int_equal(cu->cuCtxCreate(&other, 0, 0), 0);
    assert_int_equal(cu->cuStreamCreate(&stream, 0), 0);
    assert_int_equal(cu->cuEventCreate(&event, 0), 0);
    assert_int_equal(cu->cuMemAlloc(&a, 32), 0);
    assert_int_equal(cu->cuCtxPopCurrent(&popped), 0);
    assert_ptr_equal(popped, other);
    assert_int_equal(cu->cuStreamSynchronize(stream), INVALID_HANDLE);
    expect_faults(&cuda_standin, 1, "belongs to another context");
    assert_int_equal(cu->cuEventRecord(event, NULL), INVALID_HANDLE);
    expect_faults(&cuda_standin, 1, "belongs to another context");
    assert_int_equal(cu->cuCtxDestroy(other), 0);
    expect_faults(&cuda_standin, 2, "1 streams and 1 events were left");
    assert_int_equal(cu->cuCtxPushCurrent(other), INVALID_CONTEXT);
    expect_faults(&cuda_standin, 1, "not a live context");
    assert_int_equal(cu->cuDevicePrimaryCtxReset(0), INVALID_CONTEXT);
    expect_faults(&cuda_standin, 1, "shared with the whole process");
    assert_int_equal(cu->cuCtxPopCurrent(&popped), 0);
    assert_int_equal(cu->cuCtxPopCurrent(&popped), INVALID_CONTEXT);
    expect_faults(&cuda_standin, 1, "nothing to pop");
    assert_int_equal(cu->cuCtxPushCurrent(context), 0);
}

static void watches_handles(void **state)
{
    (void)state;
    CUstream stream;
    CUevent event;
    int nothing;
    cu->cuStreamCreate(&stream, 0);
    cu->cuEventCreate(&event, 0);
    assert_int_equal(cu->cuStreamDestroy(stream), 0);
    assert_int_equal(cu->cuStreamSynchronize(stream), INVALID_HANDLE);
    expect_faults(&cuda_standin, 1, "the stream is destroyed");
    assert_int_equal(cu->cuStreamSynchronize((CUstream)(void *)&nothing), INVALID_HANDLE);
    expect_faults(&cuda_standin, 1, "not a stream");
    assert_int_equal(cu->cuEventDestroy(event), 0);
    assert_int_equal(cu->cuEventQuery(event), INVALID_HANDLE);
    expect_faults(&cuda_standin, 1, "the event is destroyed");
    assert_int_equal(cu->cuEventQuery((CUevent)(void *)&nothing), INVALID_HANDLE);
    expect_faults(&cuda_standin, 1, "not an event");
    assert_int_equal(cu->cuStreamCreate(&stream, 64), INVALID_VALUE);
    expect_faults(&cuda_standin, 1, "unknown flags");
    assert_int_equal(cu->cuArrayDestroy((CUarray)(void *)&nothing), INVALID_HANDLE);
    expect_faults(&cuda_standin, 1, "not a live array");
}

static void fails_on_request(void **state)
{
    (void)state;
    CUdeviceptr a, b;
    (cuda_standin.fail)("cuMemAlloc", 2, OUT_OF_MEMORY);
    assert_int_equal(cu->cuMemAlloc(&a, 32), 0);
    assert_int_equal(cu->cuMemAlloc(&b, 32), OUT_OF_MEMORY);
    assert_int_equal(cu->cuMemAlloc(&b, 32), 0);
    assert_int_equal(cuda_standin.count("cuMemAlloc"), 3);
    (cuda_standin.fail)("cuMemFree_v2", 0, 719); /* it frees nevertheless */
    assert_int_equal(cu->cuMemFree(a), 719);
    assert_int_equal(cu->cuMemFree(b), 719);
    assert_int_equal(cuda_standin.count("live.memory"), 0);
    expect_faults(&cuda_standin, 0, "");
}

static void loses_its_device(void **state)
{
    (void)state;
    CUdeviceptr a, b;
    CUstream stream;
    cu->cuMemAlloc(&a, 32);
    cu->cuStreamCreate(&stream, 0);
    cuda_standin.set("lost", 1);
    assert_int_equal(cu->cuMemAlloc(&b, 32), 46);
    assert_int_equal(cu->cuStreamSynchronize(stream), 46);
    assert_int_equal(synchronize(), 46);
    assert_int_equal(cu->cuStreamDestroy(stream), 46);
    assert_int_equal(cu->cuMemFree(a), 46);
    cuda_standin.set("lost", 719);
    assert_int_equal(synchronize(), 719);
    expect_faults(&cuda_standin, 0, "");
}

static void calls_back(void *done)
{
    __atomic_store_n((int *)done, 1, __ATOMIC_RELEASE);
}

static void calls_functions_in_order(void **state)
{
    (void)state;
    CUresult (*launch)(CUstream, void (*)(void *), void *);
    CUresult (*get)(const char *, void **, int, uint64_t, int *);
    cuda_symbol("cuLaunchHostFunc", &launch);
    cuda_symbol("cuGetProcAddress_v2", &get);
    int done = 0, status;
    CUstream stream;
    cu->cuStreamCreate(&stream, 0);
    assert_int_equal(launch(stream, calls_back, &done), 0);
    cu->cuStreamSynchronize(stream);
    assert_int_equal(__atomic_load_n(&done, __ATOMIC_ACQUIRE), 1);
    cu->cuStreamDestroy(stream);
    void *found;
    assert_int_equal(get("cuMemAlloc", &found, 12000, 0, &status), 0);
    assert_ptr_equal(found, dlsym(cuda_standin.library, "cuMemAlloc_v2"));
    assert_int_equal(get("cuNothing", &found, 12000, 0, &status), 500);
    assert_int_equal(cu->cuLaunchKernel(NULL, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL), 801);
    expect_faults(&cuda_standin, 0, "");
}

int main(void)
{
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, rig_reset, rig_reset)
    const struct CMUnitTest tests[] = {
        RIGGED(describes_a_device),       RIGGED(copies_late_and_in_order),
        RIGGED(orders_streams),           RIGGED(copies_rows),
        RIGGED(watches_memory),           RIGGED(device_memory_cannot_be_touched),
        RIGGED(watches_contexts),         RIGGED(watches_handles),
        RIGGED(fails_on_request),         RIGGED(loses_its_device),
        RIGGED(calls_functions_in_order),
    };
    return cmocka_run_group_tests(tests, open_all, rig_close);
}
