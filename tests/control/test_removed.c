/* SPDX-License-Identifier: BSD-3-Clause */
/* Layers that were removed: they may come back for a while, and then their data are closed, also
 * when nothing happens. The room's clock is this test's: it is linked with --wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_dataset.h"
#include "rig.h"
#include "util/clock.h"
#include "util/thread.h"

static atomic_llong ahead_ns;

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
bool __real_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns);
bool __wrap_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
    int result = __real_clock_gettime(clock, t);
    if (clock == CLOCK_MONOTONIC)
        t->tv_sec += ahead_ns / NS_PER_S;
    return result;
}

bool __wrap_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns)
{
    return __real_cond_wait_until(cond, mutex,
                                  deadline_ns == INT64_MAX ? deadline_ns : deadline_ns - ahead_ns);
}

static void test_expiry(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, "mem:zyx:8,32,32:u16");
    uint64_t o = rig_hello(rig, true);
    rig_drain(rig, o);
    rig_call(rig, o, "napari.layer.remove", "{\"layer_id\":\"layer-0\"}");
    cJSON_Delete(rig_expect(rig, o, "reply.command"));
    rig_call(rig, o, "napari.layer.restore", "{\"layer_id\":\"layer-0\"}");
    cJSON_Delete(rig_expect(rig, o, "reply.command"));
    rig_call(rig, o, "napari.layer.remove", "{\"layer_id\":\"layer-0\"}");
    cJSON_Delete(rig_expect(rig, o, "reply.command"));
    rig_drain(rig, o);
    assert_int_equal(fake_dataset_alive(), 1);

    ahead_ns = 58 * NS_PER_S;
    rig_call(rig, o, "napari.scene.get", "{}"); /* the room looks at the clock, and rests again */
    cJSON_Delete(rig_expect(rig, o, "reply.command"));
    assert_int_equal(fake_dataset_alive(), 1);
    for (int i = 0; i < 400 && fake_dataset_alive(); i++)
        usleep(10000);
    assert_int_equal(fake_dataset_alive(), 0);
    rig_call(rig, o, "napari.layer.restore", "{\"layer_id\":\"layer-0\"}");
    cJSON_Delete(rig_expect(rig, o, "error.command"));
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expiry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
