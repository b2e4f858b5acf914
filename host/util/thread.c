/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/thread.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

#include "util/clock.h"

bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *data)
{
    const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, THREAD_DUMP_SIGNAL};
    sigset_t all, old;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int failed = pthread_create(thread, NULL, run, data);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed)
        return false;
    pthread_setname_np(*thread, name);
    return true;
}

unsigned thread_cores(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (unsigned)count : 1;
}

int64_t thread_awake_ns(void)
{
    unsigned cores = thread_cores();
    return cores >= 8 ? NS_PER_MS * 3 / 2 : cores > 2 ? NS_PER_MS * 3 / 10 : 0;
}

void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX) {
        pthread_cond_wait(cond, mutex);
        return true;
    }
    struct timespec t = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    return pthread_cond_timedwait(cond, mutex, &t) != ETIMEDOUT;
}
