/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/cancel.h"

#include <stddef.h>

void cancel_init(struct cancel *cancel)
{
    *cancel = (struct cancel){.set = false};
    pthread_mutex_init(&cancel->mutex, NULL);
}

void cancel_finish(struct cancel *cancel)
{
    pthread_mutex_destroy(&cancel->mutex);
}

void cancel_set(struct cancel *cancel)
{
    pthread_mutex_lock(&cancel->mutex);
    if (!cancel->set && cancel->wake)
        cancel->wake(cancel->data);
    cancel->set = true;
    pthread_mutex_unlock(&cancel->mutex);
}

bool cancel_is_set(struct cancel *cancel)
{
    if (!cancel)
        return false;
    pthread_mutex_lock(&cancel->mutex);
    bool set = cancel->set;
    pthread_mutex_unlock(&cancel->mutex);
    return set;
}

void cancel_watch(struct cancel *cancel, void (*wake)(void *data), void *data)
{
    if (!cancel)
        return;
    pthread_mutex_lock(&cancel->mutex);
    cancel->wake = wake;
    cancel->data = data;
    if (cancel->set)
        wake(data);
    pthread_mutex_unlock(&cancel->mutex);
}

void cancel_unwatch(struct cancel *cancel)
{
    if (!cancel)
        return;
    pthread_mutex_lock(&cancel->mutex);
    cancel->wake = NULL;
    pthread_mutex_unlock(&cancel->mutex);
}
