/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads with a name that leave signals to the main thread. */
#ifndef UTIL_THREAD_H
#define UTIL_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *data);

/* Cores that this process may use, at least 1. */
unsigned thread_cores(void);

/* A condition variable that waits on CLOCK_MONOTONIC. */
void cond_init(pthread_cond_t *cond);
/* Waits until `deadline_ns` at most; false when that has passed. INT64_MAX: for ever. */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns);

#endif
