/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "module/call.h"
#include "module/crash.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

/* Woken later than this, the process itself was stopped, or its machine. */
#define STOPPED_NS (2 * NS_PER_S)
#define TOLD 64u /* slow calls at a time that are not told twice */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    unsigned users;
    int64_t deadline_ns, hang_ns; /* constant while it runs; INT64_MAX: never */

    bool stop, calls; /* under the lock */

    /* The thread's. */
    int64_t not_before_ns; /* times count from here: a process that was stopped begins anew */
    struct call_running told[TOLD]; /* that still run */
    unsigned told_count;
} dog = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct look {
    int64_t now_ns, next_ns;
    bool any;
    struct call_running slow[TOLD], hung; /* hung.call.callee NULL: none */
    bool news[TOLD];                      /* of `slow` */
    unsigned slow_count;
};

static bool same(const struct call_running *a, const struct call_running *b)
{
    return a->thread == b->thread && a->call.since_ns == b->call.since_ns;
}

static bool was_told(const struct call_running *running)
{
    for (unsigned i = 0; i < dog.told_count; i++) {
        if (same(&dog.told[i], running))
            return true;
    }
    return false;
}

/* Under the lock of the threads' list: nothing but to look. */
static void look_at(void *data, const struct call_running *running)
{
    struct look *look = data;
    int64_t since = running->call.since_ns;
    if (since < dog.not_before_ns)
        since = dog.not_before_ns;
    int64_t took = look->now_ns - since, limits[2] = {dog.deadline_ns, dog.hang_ns};
    bool ends = !running->call.callee->waits;
    look->any = true;
    if (took >= dog.deadline_ns && look->slow_count < TOLD) {
        look->news[look->slow_count] = !was_told(running);
        look->slow[look->slow_count++] = *running;
    }
    if (ends && took >= dog.hang_ns)
        look->hung = *running;
    for (int i = 0; i < 2; i++) {
        bool ahead = limits[i] != INT64_MAX && took < limits[i];
        if (ahead && (ends || i == 0) && since + limits[i] < look->next_ns)
            look->next_ns = since + limits[i];
    }
}

static double seconds_of(const struct look *look, const struct call_running *running)
{
    return (double)(look->now_ns - running->call.since_ns) * 1e-9;
}

static void tell(const struct look *look)
{
    for (unsigned i = 0; i < look->slow_count; i++) {
        const struct call_running *slow = &look->slow[i];
        if (look->news[i])
            log_warn(LOG_MODULE, "%s: %s has been running for %.1f s in thread %d",
                     slow->call.callee->id, slow->call.op, seconds_of(look, slow),
                     (int)slow->thread);
        dog.told[i] = *slow;
    }
    dog.told_count = look->slow_count;
}

_Noreturn static void end(const struct look *look)
{
    const struct call_mark *call = &look->hung.call;
    log_error(LOG_MODULE,
              "module %s hangs in %s (file %s): for %.1f s in thread %d, whose stack follows; this "
              "process ends",
              call->callee->id, call->op, call->callee->path, seconds_of(look, &look->hung),
              (int)look->hung.thread);
    bool recorded = crash_record(call->callee, call->op, "hung");
    if (!crash_dump_thread(look->hung.thread))
        log_error(LOG_MODULE, "the thread does not show its stack");
    if (recorded)
        crash_tell_quarantine(call->callee);
    signal(SIGABRT, SIG_DFL);
    abort();
}

/* When to look again; INT64_MAX: when there are calls again. */
static int64_t watch(void)
{
    struct look look = {.now_ns = clock_ns(), .next_ns = INT64_MAX};
    call_each(look_at, &look);
    tell(&look);
    if (look.hung.call.callee)
        end(&look);
    if (!look.any) {
        call_notify_again();
        call_each(look_at, &look); /* one that began meanwhile told nobody */
    }
    if (!look.any)
        return INT64_MAX;
    int64_t least_ns = dog.deadline_ns < dog.hang_ns ? dog.deadline_ns : dog.hang_ns;
    return look.next_ns < look.now_ns + least_ns ? look.next_ns : look.now_ns + least_ns;
}

static void begun(void)
{
    pthread_mutex_lock(&dog.lock);
    dog.calls = true;
    pthread_cond_signal(&dog.wake);
    pthread_mutex_unlock(&dog.lock);
}

static void *run(void *data)
{
    (void)data;
    pthread_mutex_lock(&dog.lock);
    while (!dog.stop) {
        dog.calls = false;
        pthread_mutex_unlock(&dog.lock);
        int64_t next = watch();
        pthread_mutex_lock(&dog.lock);
        while (!dog.stop && clock_ns() < next && (next < INT64_MAX || !dog.calls))
            cond_wait_until(&dog.wake, &dog.lock, next);
        if (next < INT64_MAX && clock_ns() - next > STOPPED_NS)
            dog.not_before_ns = clock_ns();
    }
    pthread_mutex_unlock(&dog.lock);
    return NULL;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init(void)
{
    cond_init(&dog.wake);
}

void watchdog_start(int64_t deadline_ms, int64_t hang_ms)
{
    if ((!deadline_ms && !hang_ms) || dog.users++)
        return;
    dog.deadline_ns = deadline_ms ? deadline_ms * NS_PER_MS : INT64_MAX;
    dog.hang_ns = hang_ms ? hang_ms * NS_PER_MS : INT64_MAX;
    dog.stop = false;
    dog.not_before_ns = 0;
    dog.told_count = 0;
    pthread_once(&once, init); /* for ever: a call may still be about to tell */
    CHECK(thread_start(&dog.thread, "watchdog", run, NULL));
    call_notify(begun);
}

void watchdog_stop(void)
{
    if (!dog.users || --dog.users)
        return;
    call_notify(NULL);
    pthread_mutex_lock(&dog.lock);
    dog.stop = true;
    pthread_cond_signal(&dog.wake);
    pthread_mutex_unlock(&dog.lock);
    pthread_join(dog.thread, NULL);
}
