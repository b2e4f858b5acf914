/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether somebody still wants what is being done: said once, by one thread, and heard by the one
 * that does it, also while it waits. [any-thread] */
#ifndef UTIL_CANCEL_H
#define UTIL_CANCEL_H

#include <pthread.h>
#include <stdbool.h>

struct cancel {
    pthread_mutex_t mutex; /* guards what follows */
    bool set;
    void (*wake)(void *data); /* NULL: nobody waits */
    void *data;
};

void cancel_init(struct cancel *cancel);
void cancel_finish(struct cancel *cancel);
void cancel_set(struct cancel *cancel);
bool cancel_is_set(struct cancel *cancel); /* NULL: no */
/* Until cancel_unwatch `wake` is called when it is set, at once if it is. It is called under a lock
 * and must not call these functions. One watches at a time. NULL is fine. */
void cancel_watch(struct cancel *cancel, void (*wake)(void *data), void *data);
void cancel_unwatch(struct cancel *cancel);

#endif
