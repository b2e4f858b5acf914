/* SPDX-License-Identifier: BSD-3-Clause */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "module/services.h"
#include "oriel/host_map.h"

/* ---- frames ---- */

struct pool {
    atomic_int released;
    struct oriel_fence done;
};

static void on_release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    struct pool *pool = frame->pool;
    pool->done = *done;
    atomic_fetch_add(&pool->released, 1);
}

static struct oriel_frame make_frame(struct pool *pool)
{
    *pool = (struct pool){0};
    return (struct oriel_frame){
        .size = sizeof(struct oriel_frame), .release = on_release, .pool = pool};
}

static void test_frame(void **state)
{
    (void)state;
    struct pool pool;
    struct oriel_frame frame = make_frame(&pool);
    struct oriel_host *host = services_create("encode/test#1");
    for (int round = 1; round <= 3; round++) {
        assert_ptr_equal(frame_ref(&frame), &frame);
        host->frame_ref(host, &frame);
        frame_unref(&frame);
        assert_int_equal(pool.released, round - 1);
        struct oriel_fence fence = {.handle = 42, .kind = ORIEL_FENCE_CUDA_EVENT};
        host->frame_unref(host, &frame, &fence);
        assert_int_equal(pool.released, round);
        assert_int_equal(pool.done.handle, 42);
        assert_null(frame.host_count);
    }
    frame_ref(&frame);
    frame_unref(&frame);
    assert_int_equal(pool.done.kind, ORIEL_FENCE_NONE);
    frame_unref(NULL);
    services_destroy(host);
}

/* Several readers on devices: the pool hears of the one that is not done. */
static void test_frame_fences(void **state)
{
    (void)state;
    struct pool pool;
    struct oriel_frame frame = make_frame(&pool);
    struct oriel_host *host = services_create("encode/test#1");
    struct oriel_fence fence = {.handle = 7, .kind = ORIEL_FENCE_SYNC_FD};
    frame_ref(&frame);
    frame_ref(&frame);
    host->frame_unref(host, &frame, &fence);
    frame_unref(&frame);
    assert_int_equal(pool.released, 1);
    assert_int_equal(pool.done.kind, ORIEL_FENCE_SYNC_FD);
    assert_int_equal(pool.done.handle, 7);
    services_destroy(host);
}

/* ---- buffers ---- */

static void test_buffer(void **state)
{
    (void)state;
    uint8_t *bytes;
    const struct oriel_buffer *buffer = buffer_create(1000, &bytes);
    assert_non_null(buffer);
    assert_ptr_equal(buffer->data, bytes);
    assert_int_equal(buffer->bytes, 1000);
    assert_true(buffer->headroom >= 64);
    memset(bytes - buffer->headroom, 0xaa, buffer->headroom + 1000); /* all of it is ours */
    assert_ptr_equal(buffer_ref(buffer), buffer);
    buffer_unref(buffer);
    assert_int_equal(buffer->data[999], 0xaa);
    buffer_unref(buffer);
    buffer_unref(NULL);
    assert_null(buffer_create(UINT64_MAX, &bytes));
    assert_null(buffer_create(UINT64_MAX / 2 - 100, &bytes));
}

static void test_host_buffer(void **state)
{
    (void)state;
    struct oriel_host *host = services_create("source/test#1");
    const struct oriel_buffer *buffer = host->buffer_new(host, "hello", 5);
    assert_memory_equal(buffer->data, "hello", 5);
    host->buffer_ref(host, buffer);
    host->buffer_unref(host, buffer);
    host->buffer_unref(host, buffer);
    buffer = host->buffer_new(host, NULL, 0);
    assert_int_equal(buffer->bytes, 0);
    host->buffer_unref(host, buffer);
    services_destroy(host);
}

/* ---- threads ---- */

struct shared {
    struct oriel_host *host;
    struct oriel_frame *frame;
    const struct oriel_buffer *buffer;
    const char *word;
};

static void *work(void *data)
{
    struct shared *shared = data;
    for (int i = 0; i < 10000; i++) {
        shared->host->frame_ref(shared->host, shared->frame);
        buffer_ref(shared->buffer);
        shared->host->frame_unref(shared->host, shared->frame, NULL);
        buffer_unref(shared->buffer);
        shared->host->get_interface(shared->host, "oriel.host.gl/1");
    }
    /* Each thread has failures of its own. */
    (shared->host->fail)(shared->host, ORIEL_IO, shared->word); /* fail is a macro of CMocka */
    bool own = strcmp(services_failure(), shared->word) == 0;
    return own ? NULL : data;
}

static void test_threads(void **state)
{
    (void)state;
    struct pool pool;
    struct oriel_frame frame = make_frame(&pool);
    uint8_t *bytes;
    struct oriel_host *host = services_create("encode/test#1");
    const struct oriel_buffer *buffer = buffer_create(16, &bytes);
    struct shared shared[3];
    pthread_t threads[3];
    frame_ref(&frame);
    static const char *const words[] = {"one", "two", "three"};
    for (int i = 0; i < 3; i++) {
        shared[i] = (struct shared){host, &frame, buffer, words[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &shared[i]), 0);
    }
    for (int i = 0; i < 100; i++) {
        services_set_interface("oriel.host.gl/1", &pool);
        services_set_interface("oriel.host.gl/1", NULL);
    }
    for (int i = 0; i < 3; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    assert_int_equal(pool.released, 0);
    frame_unref(&frame);
    assert_int_equal(pool.released, 1);
    buffer_unref(buffer);
    services_destroy(host);
}

static void test_interfaces(void **state)
{
    (void)state;
    struct oriel_host *host = services_create("scene/test#1");
    int thing = 0;
    assert_null(host->get_interface(host, "oriel.host.test/1"));
    services_set_interface("oriel.host.test/1", &thing);
    assert_ptr_equal(host->get_interface(host, "oriel.host.test/1"), &thing);
    assert_null(host->get_interface(host, "oriel.host.test/2"));
    services_set_interface("oriel.host.test/1", NULL);
    assert_null(host->get_interface(host, "oriel.host.test/1"));
    assert_int_equal(host->abi_minor, ORIEL_ABI_MINOR);
    assert_true(host->now_ns(host) > 0);
    services_destroy(host);
}

static bool wait_until_five(const struct oriel_fence *fence, struct error *err)
{
    return fence->handle == 5 || error_set(err, "event %d never comes", (int)fence->handle);
}

static void test_map(void **state)
{
    (void)state;
    struct oriel_host *host = services_create("encode/test#1");
    const struct oriel_host_map *map = host->get_interface(host, ORIEL_HOST_MAP_V1);
    assert_non_null(map);
    assert_true(ORIEL_HAS(map, map) && ORIEL_HAS(map, unmap));
    uint8_t pixels[64];
    struct pool pool;
    struct oriel_frame frame = make_frame(&pool);
    frame.format.domain = ORIEL_DOMAIN_CPU;
    frame.plane_count = 2;
    frame.planes[0] = (struct oriel_plane){.handle = (uintptr_t)pixels, .stride = 8, .rows = 4};
    frame.planes[1] =
        (struct oriel_plane){.handle = (uintptr_t)pixels, .offset = 32, .stride = 8, .rows = 2};
    struct oriel_plane planes[ORIEL_MAX_PLANES];
    memset(planes, 0xaa, sizeof planes);
    frame_ref(&frame);
    assert_int_equal(map->map(host, &frame, planes), ORIEL_OK);
    frame_unref(&frame);
    assert_int_equal(pool.released, 0); /* the mapping holds it */
    assert_ptr_equal((uint8_t *)(uintptr_t)planes[0].handle, pixels);
    assert_ptr_equal((uint8_t *)(uintptr_t)planes[1].handle, pixels + 32);
    assert_int_equal(planes[1].offset, 0);
    assert_int_equal(planes[1].stride, 8);
    assert_int_equal(planes[1].rows, 2);
    assert_int_equal(planes[2].handle, 0);
    assert_int_equal(planes[3].rows, 0);
    map->unmap(host, &frame);
    assert_int_equal(pool.released, 1);

    frame_ref(&frame);
    frame.format.domain = ORIEL_DOMAIN_GL;
    assert_int_equal(map->map(host, &frame, planes), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(services_failure(), "CPU memory"));
    frame.format.domain = ORIEL_DOMAIN_CPU;
    frame.ready.kind = ORIEL_FENCE_SYNC_FD;
    assert_int_equal(map->map(host, &frame, planes), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(services_failure(), "fence"));

    frame.ready = (struct oriel_fence){.handle = 5, .kind = ORIEL_FENCE_CUDA_EVENT};
    services_set_fence_wait(ORIEL_FENCE_CUDA_EVENT, wait_until_five);
    assert_int_equal(map->map(host, &frame, planes), ORIEL_OK);
    map->unmap(host, &frame);
    frame.ready.handle = 6;
    assert_int_equal(map->map(host, &frame, planes), ORIEL_DEVICE_LOST);
    assert_string_equal(services_failure(), "event 6 never comes");
    struct error err;
    assert_false(frame_wait(&frame, &err));
    frame.ready.kind = ORIEL_FENCE_GLSYNC; /* its reader waits for it */
    assert_true(frame_wait(&frame, &err));
    frame_unref(&frame);
    services_set_fence_wait(ORIEL_FENCE_CUDA_EVENT, NULL);
    assert_int_equal(pool.released, 2); /* what failed holds nothing */
    services_destroy(host);
}

static void *set_flag(void *data)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* who waits has gone to sleep */
    __atomic_store_n((uint32_t *)data, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, data, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    return NULL;
}

static void flags_are_waited_for(void **state)
{
    (void)state;
    uint32_t flag = 0;
    struct error err = {""};
    struct oriel_frame frame = {.size = sizeof frame,
                                .ready = {(uintptr_t)&flag, ORIEL_FENCE_FLAG, 0}};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set_flag, &flag), 0);
    assert_true(frame_wait(&frame, &err));
    assert_int_equal(flag, 1);
    pthread_join(thread, NULL);
    assert_true(frame_wait(&frame, &err));
    flag = 2;
    assert_false(frame_wait(&frame, &err));
    assert_string_equal(err.text, "the picture was lost on the GPU");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),           cmocka_unit_test(test_frame_fences),
        cmocka_unit_test(test_buffer),          cmocka_unit_test(test_host_buffer),
        cmocka_unit_test(test_interfaces),      cmocka_unit_test(test_threads),
        cmocka_unit_test(flags_are_waited_for), cmocka_unit_test(test_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
