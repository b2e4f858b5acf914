/* SPDX-License-Identifier: BSD-3-Clause */
/* What modules want done later: "oriel.host.loop/1". */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "module/services.h"
#include "oriel/host_loop.h"
#include "rig.h"
#include "util/clock.h"

#define WAIT_NS (5 * NS_PER_S)

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int order[8], count;
    int64_t at_ns[8];
    pthread_t thread;
} ran = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void note(void *data)
{
    pthread_mutex_lock(&ran.mutex);
    ran.order[ran.count] = *(const int *)data;
    ran.at_ns[ran.count++] = clock_ns();
    ran.thread = pthread_self();
    pthread_cond_broadcast(&ran.changed);
    pthread_mutex_unlock(&ran.mutex);
}

static void wait_for(int count)
{
    pthread_mutex_lock(&ran.mutex);
    while (ran.count < count)
        pthread_cond_wait(&ran.changed, &ran.mutex);
    pthread_mutex_unlock(&ran.mutex);
}

static int one = 1, two = 2, three = 3;
static struct oriel_host *host;
static const struct oriel_host_loop *loop;

static struct rig *begin(void)
{
    memset(ran.order, 0, sizeof ran.order);
    ran.count = 0;
    host = services_create("scene/test#1");
    assert_null(host->get_interface(host, ORIEL_HOST_LOOP_V1));
    struct rig *rig = rig_create(NULL, NULL);
    control_publish_loop(rig_control(rig));
    loop = host->get_interface(host, ORIEL_HOST_LOOP_V1);
    assert_non_null(loop);
    assert_true(ORIEL_HAS(loop, defer));
    return rig;
}

static void runs_in_the_order_of_time(void **state)
{
    (void)state;
    struct rig *rig = begin();
    int64_t asked = clock_ns();
    assert_int_equal(loop->defer(host, 60 * NS_PER_MS, note, &three), ORIEL_OK);
    assert_int_equal(loop->defer(host, 20 * NS_PER_MS, note, &two), ORIEL_OK);
    assert_int_equal(loop->defer(host, -1, note, &one), ORIEL_OK);
    wait_for(3);
    assert_int_equal(ran.order[0], 1);
    assert_int_equal(ran.order[1], 2);
    assert_int_equal(ran.order[2], 3);
    assert_true(ran.at_ns[1] - asked >= 20 * NS_PER_MS);
    assert_true(ran.at_ns[2] - asked >= 60 * NS_PER_MS);
    assert_false(pthread_equal(ran.thread, pthread_self()));
    assert_int_equal(loop->defer(host, 0, NULL, NULL), ORIEL_INVALID);
    assert_non_null(strstr(services_failure(), "nothing to run"));
    rig_destroy(rig);
    services_destroy(host);
}

/* A tick that asks for the next one. */
static void again(void *data)
{
    note(data);
    if (ran.count < 4)
        loop->defer(host, NS_PER_MS, again, data);
}

static void runs_again_when_it_asks(void **state)
{
    (void)state;
    struct rig *rig = begin();
    assert_int_equal(loop->defer(host, 0, again, &one), ORIEL_OK);
    wait_for(4);
    rig_destroy(rig);
    services_destroy(host);
}

static void comes_early_at_the_end(void **state)
{
    (void)state;
    struct rig *rig = begin();
    assert_int_equal(loop->defer(host, INT64_MAX, note, &two), ORIEL_OK);
    assert_int_equal(loop->defer(host, WAIT_NS, again, &one), ORIEL_OK);
    rig_destroy(rig);
    assert_int_equal(ran.count, 2); /* and what asked again then was refused */
    assert_int_equal(ran.order[0], 1);
    assert_int_equal(ran.order[1], 2);
    assert_null(host->get_interface(host, ORIEL_HOST_LOOP_V1));
    assert_int_equal(loop->defer(host, 0, note, &three), ORIEL_CANCELLED);
    assert_non_null(strstr(services_failure(), "stops"));
    assert_int_equal(ran.count, 2);
    services_destroy(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_in_the_order_of_time),
        cmocka_unit_test(runs_again_when_it_asks),
        cmocka_unit_test(comes_early_at_the_end),
    };
    return cmocka_run_group_tests_name("control: loop", tests, NULL, NULL);
}
