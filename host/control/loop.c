/* SPDX-License-Identifier: BSD-3-Clause */
/* "oriel.host.loop/1": what modules want done later. */
#include "oriel/host_loop.h"

#include <stdlib.h>

#include "control/room.h"
#include "module/services.h"
#include "util/check.h"

/* The room that runs it; NULL: none. A host interface knows nothing of rooms. */
static pthread_mutex_t loop_lock = PTHREAD_MUTEX_INITIALIZER;
static struct control *loop_control;

static oriel_result defer(const struct oriel_host *host, int64_t delay_ns, void (*run)(void *data),
                          void *data)
{
    if (!run)
        return host->fail(host, ORIEL_INVALID, "there is nothing to run");
    struct message *message = message_create(MESSAGE_DEFERRED, 0);
    message->deferred = (struct deferred){.run = run, .data = data};
    if (delay_ns < 0)
        delay_ns = 0;
    if (__builtin_add_overflow(message->received_ns, delay_ns, &message->deferred.due_ns))
        message->deferred.due_ns = INT64_MAX;
    pthread_mutex_lock(&loop_lock);
    bool open = loop_control;
    if (open)
        control_post(loop_control, message);
    pthread_mutex_unlock(&loop_lock);
    if (open)
        return ORIEL_OK;
    message_destroy(message);
    return host->fail(host, ORIEL_CANCELLED, "the host stops");
}

static const struct oriel_host_loop host_loop = {.size = sizeof host_loop, .defer = defer};

void control_publish_loop(struct control *control)
{
    pthread_mutex_lock(&loop_lock);
    CHECK(!loop_control);
    loop_control = control;
    pthread_mutex_unlock(&loop_lock);
    services_set_interface(ORIEL_HOST_LOOP_V1, &host_loop);
}

void loop_take(struct control *control, struct message *message)
{
    struct message **at = &control->deferred;
    while (*at && (*at)->deferred.due_ns <= message->deferred.due_ns)
        at = &(*at)->next;
    message->next = *at;
    *at = message;
}

static void run_first(struct control *control)
{
    struct message *message = control->deferred;
    control->deferred = message->next;
    message->deferred.run(message->deferred.data);
    services_failure(); /* nobody asks for it, and it is not the next call's */
    message_destroy(message);
}

void loop_timers(struct control *control, int64_t now, int64_t *deadline)
{
    while (control->deferred && control->deferred->deferred.due_ns <= now)
        run_first(control);
    if (control->deferred && control->deferred->deferred.due_ns < *deadline)
        *deadline = control->deferred->deferred.due_ns;
}

void loop_close(struct control *control)
{
    pthread_mutex_lock(&loop_lock);
    bool ours = loop_control == control;
    if (ours)
        loop_control = NULL;
    pthread_mutex_unlock(&loop_lock);
    if (!ours)
        return;
    services_set_interface(ORIEL_HOST_LOOP_V1, NULL);
    pthread_mutex_lock(&control->mutex); /* the worker may still post */
    for (struct message **at = &control->head, *message; (message = *at);) {
        if (message->kind != MESSAGE_DEFERRED) {
            at = &message->next;
            continue;
        }
        *at = message->next;
        if (!*at)
            control->tail = at;
        loop_take(control, message);
    }
    pthread_mutex_unlock(&control->mutex);
    while (control->deferred)
        run_first(control);
}
