/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads with a name that leave signals to the main thread, but for those that are about the
 * thread itself: of faults, and THREAD_DUMP_SIGNAL, on which it shows its stack. */
#ifndef UTIL_THREAD_H
#define UTIL_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define THREAD_DUMP_SIGNAL (SIGRTMIN + 7)

bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *data);

/* Cores that this process may use, at least 1. */
unsigned thread_cores(void);

/* How long a thread may stay awake for what a device finishes soon, nanoseconds; then it sleeps,
 * which makes it 0.05 to 0.12 ms late (measured on a node with an H200). 1.5 ms are enough for a
 * volume, or a picture in 4K, and cost at most 9 % of one of eight cores at 60 pictures a second;
 * 0.3 ms for a slice at 1080p, and 2 % of one of a few. With two cores it is 0. */
int64_t thread_awake_ns(void);

/* A condition variable that waits on CLOCK_MONOTONIC. */
void cond_init(pthread_cond_t *cond);
/* Waits until `deadline_ns` at most; false when that has passed. INT64_MAX: for ever. */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns);

#endif
